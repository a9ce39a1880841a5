/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the trace of Cryptoki calls: what may be logged of a call, and in which form. */
#ifndef TOKEN_MODULE_TRACE_LINE_H
#define TOKEN_MODULE_TRACE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#define TRACE_LINE_SIZE     2048
#define TRACE_BUFFERS_KNOWN 32 /* attributes of a template whose buffer sizes are noted */

/* A text that is too long is truncated, and the line ends in "...". */
struct trace_line {
    char text[TRACE_LINE_SIZE];
    size_t length;
};

void trace_line_add(struct trace_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* " NAME="text"": without padding blanks; all but printable ASCII as \xNN. */
void trace_line_add_text(struct trace_line *line, const char *name, const void *bytes, size_t length);

/* " NAME=1,2,3": the first few. */
void trace_line_add_handles(struct trace_line *line, const char *name, const CK_ULONG *handles, CK_ULONG count);

void trace_line_add_mechanism(struct trace_line *line, CK_MECHANISM_TYPE mechanism);
void trace_line_add_user(struct trace_line *line, CK_USER_TYPE user);
void trace_line_add_state(struct trace_line *line, CK_STATE state);

/* The end of a line: the call's return code and duration. Never left out. */
void trace_line_add_result(struct trace_line *line, CK_RV code, int64_t microseconds);

/* The sizes of a template's buffers before the call that fills them. */
struct trace_buffers {
    CK_ULONG sizes[TRACE_BUFFERS_KNOWN];
};
void trace_buffers_note(struct trace_buffers *buffers, const CK_ATTRIBUTE *template, CK_ULONG count);

/* " NAME={CKA_CLASS=CKO_SECRET_KEY,CKA_VALUE[32]}". Writes an attribute's value only if the table in trace_line.c permits it, and if
 * with_values; otherwise its length. buffers: a module filled them, and only the length is written if it claims one beyond its buffer;
 * NULL: sealring passes the template, so its lengths are right. */
void trace_line_add_template(struct trace_line *line, const char *name, const CK_ATTRIBUTE *template, CK_ULONG count,
                             bool with_values, const struct trace_buffers *buffers);

#endif
