/* SPDX-License-Identifier: Apache-2.0 */
/* One traced call of a module: a line before it, and a line after it. */
#include "token/module/trace_call.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/timetext.h"
#include "token/module/trace_file.h"

#define TRACE_HEAD_SIZE 320

static _Atomic(uint64_t) trace_calls; /* of this process; a child continues the count */

/* "2026-11-29T22:15:03.123456Z": timetext.h formats only milliseconds. */
static void trace_call_write_time(char *text, size_t size)
{
    char second[TIMETEXT_SIZE];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    timetext_format((int64_t)now.tv_sec * 1000, second);
    second[strcspn(second, "Z")] = '\0';
    (void)snprintf(text, size, "%s.%06uZ", second, (unsigned)(now.tv_nsec / 1000) % 1000000U);
}

static void trace_call_write(const struct trace_call *call, const char *moment)
{
    char lines[TRACE_HEAD_SIZE + TRACE_LINE_SIZE], time[TIMETEXT_SIZE + 16];
    trace_call_write_time(time, sizeof(time));
    int length =
        snprintf(lines, sizeof(lines), "%s pid=%ld tid=%ld call=%" PRIu64 " %s %s%s%s\n", time, (long)fork_process(),
                 (long)gettid(), call->number, moment, call->function->name, call->module->name, call->line.text);
    if (length > 0 && (size_t)length < sizeof(lines))
        trace_file_write(lines, (size_t)length);
}

static void trace_call_add(struct trace_call *call, const struct trace_item *items)
{
    for (; items->add != NULL; items++)
        items->add(call, items->name, items->argument);
}

void trace_call_begin(struct trace_call *call, const struct trace_module *module, const struct trace_function *function,
                      ...)
{
    va_list arguments;
    va_start(arguments, function);
    for (size_t i = 0; function->types[i] != '\0'; i++) {
        if (function->types[i] == 'p')
            call->arguments[i].pointer = va_arg(arguments, const void *);
        else
            call->arguments[i].number =
                function->types[i] == 'b' ? (CK_ULONG)va_arg(arguments, int) : va_arg(arguments, CK_ULONG);
    }
    va_end(arguments);
    call->module = module;
    call->function = function;
    call->number = atomic_fetch_add(&trace_calls, 1) + 1;
    call->line.text[0] = '\0';
    call->line.length = 0;
    trace_call_add(call, function->before);
    trace_call_write(call, "begin");
    clock_gettime(CLOCK_MONOTONIC, &call->begin);
}

CK_RV trace_call_end(struct trace_call *call, CK_RV code)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t microseconds =
        (int64_t)(end.tv_sec - call->begin.tv_sec) * 1000000 + (end.tv_nsec - call->begin.tv_nsec) / 1000;
    call->code = code;
    if (code == CKR_OK || call->function->fills)
        trace_call_add(call, call->function->after);
    trace_line_add_result(&call->line, code, microseconds);
    trace_call_write(call, "end");
    return code;
}
