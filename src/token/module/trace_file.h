/* SPDX-License-Identifier: Apache-2.0 */
/* The file that the trace of Cryptoki calls is appended to. */
#ifndef TOKEN_MODULE_TRACE_FILE_H
#define TOKEN_MODULE_TRACE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <sealring/verify.h>

#define TRACE_VARIABLE "SEALRING_TRACE_CRYPTOKI"

/* Opens the file that the environment names, once in each process; true: there is one. The caller holds the lock of the table of modules. */
bool trace_file_open(void);

/* Appends whole lines, by one write. Never fails for the caller: what cannot be written is missing, and trace_file_describe reports it. */
void trace_file_write(const char *lines, size_t length);

/* Records that some calls are not traced, for a reason that is not the file's. */
void trace_file_refuse(const char *reason);

enum trace_state {
    TRACE_OFF = 0,
    TRACE_ON,
    TRACE_FAILED /* calls are not traced, or lines are missing */
};

/* Whether this process traces its calls; unless it is off, one line for people about it. Any thread. */
enum trace_state trace_file_describe(char text[SEALRING_MESSAGE_SIZE]);

#endif
