/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of Cryptoki calls: functions that stand before a module's own, and write down each call. */
#ifndef TOKEN_MODULE_TRACE_H
#define TOKEN_MODULE_TRACE_H

#include <p11-kit/pkcs11.h>

/* What is to be called in place of a module's own functions: the same where no trace is wanted, else functions that write a line to the
 * trace before and after each call (token/trace_file.h). The caller holds the lock of the table of modules; the list lives as long as the
 * process. */
CK_FUNCTION_LIST *trace_functions(CK_FUNCTION_LIST *own, const char *path);

/* The module's own functions behind what trace_functions returned. */
CK_FUNCTION_LIST *trace_own_functions(CK_FUNCTION_LIST *functions);

#endif
