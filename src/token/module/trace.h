/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of Cryptoki calls: wraps the functions of a module, and logs each call. */
#ifndef TOKEN_MODULE_TRACE_H
#define TOKEN_MODULE_TRACE_H

#include <p11-kit/pkcs11.h>

/* Returns the functions to call instead of a module's own: the same if there is no trace, else functions that write a line to the trace
 * before and after each call (token/module/trace_file.h). The caller holds the lock of the table of modules. The list lives as long as
 * the process. */
CK_FUNCTION_LIST *trace_functions(CK_FUNCTION_LIST *own, const char *path);

/* The module's own functions for a list that trace_functions returned. */
CK_FUNCTION_LIST *trace_own_functions(CK_FUNCTION_LIST *functions);

#endif
