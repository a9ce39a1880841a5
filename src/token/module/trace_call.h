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

struct trace_call;

/* What is logged of one argument; `add` NULL: the end of a list. */
struct trace_item {
    void (*add)(struct trace_call *call, const char *name, unsigned argument);
    const char *name;
    unsigned argument;
};

struct trace_function {
    const char *name;
    const char *types;           /* of the arguments: n CK_ULONG, b CK_BBOOL, p pointer */
    struct trace_item before[5]; /* the call */
    struct trace_item after[3];  /* if it returned CKR_OK */
    bool fills;                  /* a template: logged whatever it returned */
};

#define TRACE_ARGUMENTS 8

struct trace_call {
    const struct trace_module *module;
    const struct trace_function *function;
    union {
        CK_ULONG number;
        const void *pointer;
    } arguments[TRACE_ARGUMENTS];
    CK_ULONG room;                /* of a list of slots */
    struct trace_buffers buffers; /* of a template to be filled */
    CK_RV code;
    uint64_t number;
    struct timespec begin;
    struct trace_line line; /* arguments, then results */
};

/* Writes the first line, with the arguments, before the module is called, so that the trace shows a call that never returns. */
void trace_call_begin(struct trace_call *call, const struct trace_module *module, const struct trace_function *function,
                      ...);

/* Writes the second line, with the results. Returns the code. */
CK_RV trace_call_end(struct trace_call *call, CK_RV code);

#endif
