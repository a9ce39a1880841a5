/* SPDX-License-Identifier: Apache-2.0 */
/* One traced call of a module: a line before it, and a line after it. */
#ifndef TOKEN_MODULE_TRACE_CALL_H
#define TOKEN_MODULE_TRACE_CALL_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <p11-kit/pkcs11.h>

#include "token/module/trace_line.h"

#define TRACE_NAME_SIZE 160

struct trace_module {
    pid_t process; /* its owner; a parent's entry is free in a child, which loads modules again */
    CK_FUNCTION_LIST *own;
    CK_FUNCTION_LIST before;
    char name[TRACE_NAME_SIZE]; /* " module=..." */
};

struct trace_call {
    const struct trace_module *module;
    const char *function;
    uint64_t number;
    struct timespec begin;
    struct trace_line line; /* arguments, then results */
};

void trace_call_init(struct trace_call *call, const struct trace_module *module, const char *function);

/* Writes the first line, with the arguments, before the module is called, so that the trace shows a call that never returns. */
void trace_call_begin(struct trace_call *call);

/* Writes the second line, with the results. Returns the code. */
CK_RV trace_call_end(struct trace_call *call, CK_RV code);

#endif
