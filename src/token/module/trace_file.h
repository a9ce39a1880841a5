/* SPDX-License-Identifier: Apache-2.0 */
/* The file to which the trace of Cryptoki calls is appended. */
#ifndef TOKEN_MODULE_TRACE_FILE_H
#define TOKEN_MODULE_TRACE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <sealring/verify.h>

#define TRACE_VARIABLE "SEALRING_TRACE_CRYPTOKI"

/* Opens the file that the environment names, once in each process. True: it is open. The caller holds the lock of the table of modules. */
bool trace_file_open(void);

/* Appends complete lines, in one write. Never fails for the caller: trace_file_describe reports lines that could not be written. */
void trace_file_write(const char *lines, size_t length);

/* Records that some calls are not traced: what has which problem. */
void trace_file_refuse(const char *subject, const char *reason);

enum trace_state {
    TRACE_OFF = 0,
    TRACE_ON,
    TRACE_FAILED /* calls are not traced, or lines are missing */
};

/* Returns the state of this process's trace; unless it is off, also one line of text about it. Any thread. */
enum trace_state trace_file_describe(char text[SEALRING_MESSAGE_SIZE]);

#endif
