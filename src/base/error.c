/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the caller's sealring_error: one line that states what happened, to which object, and what to do. */

/* There are two versions of strerror_r. This selects POSIX's, whatever the compiler's command line defines. */
#undef _GNU_SOURCE
#undef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/foreign_text.h"
#include "base/utf8.h"

/* Messages contain names, paths and answers of modules, and are shown on terminals and in logs. */
static void replace_controls(char *text)
{
    size_t length = strlen(text);
    size_t out = 0;
    for (size_t in = 0; in < length;) {
        uint32_t code_point = 0;
        size_t size = utf8_character(text + in, length - in, &code_point);
        if (size == 0 || outside_is_unsafe(code_point)) {
            text[out++] = '?';
            in += size == 0 ? 1 : size;
        } else {
            memmove(text + out, text + in, size);
            out += size;
            in += size;
        }
    }
    text[out] = '\0';
}

#define BODY_SIZE (4 * SEALRING_MESSAGE_SIZE)
#define KEPT_END  200 /* bytes of a body that is too long: its end names what to do */
#define OMITTED   " [...] "

/* Takes the middle out of a body that is longer than `room`, between characters. */
static void shorten(char *body, size_t length, size_t room)
{
    size_t kept = room < 2 * KEPT_END ? room / 3 : KEPT_END;
    size_t head = utf8_cut(body, room - kept - strlen(OMITTED));
    const char *tail = body + length - kept;
    while (((unsigned char)*tail & 0xc0) == 0x80)
        tail++;
    memcpy(body + head, OMITTED, strlen(OMITTED));
    memmove(body + head + strlen(OMITTED), tail, strlen(tail) + 1);
}

/* Shortens the body rather than `ending`, which contains the reason. The arguments may point into *error. */
static void write_message(sealring_error *error, const char *ending, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void write_message(sealring_error *error, const char *ending, const char *format, va_list arguments)
{
    char body[BODY_SIZE];
    int wanted = vsnprintf(body, sizeof body, format, arguments);
    if (wanted < 0)
        (void)snprintf(body, sizeof body, "an error whose message could not be written");
    size_t room = SEALRING_MESSAGE_SIZE - 1 - strlen(ending);
    size_t length = wanted < BODY_SIZE ? strlen(body) : utf8_cut(body, sizeof body - 1);
    body[length] = '\0';
    if (length > room)
        shorten(body, length, room);
    memset(error, 0, sizeof *error);
    (void)snprintf(error->message, sizeof error->message, "%.*s%s", (int)room, body, ending);
    replace_controls(error->message);
}

sealring_status error_set_list(sealring_error *error, sealring_status status, const char *format, va_list arguments)
{
    if (error != NULL) {
        write_message(error, "", format, arguments);
        error->status = status;
    }
    return status;
}

sealring_status error_set(sealring_error *error, sealring_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_set_list(error, status, format, arguments);
    va_end(arguments);
    return status;
}

sealring_status error_set_system(sealring_error *error, int system_errno, const char *format, ...)
{
    if (error != NULL) {
        char reason[128];
        char ending[sizeof reason + 2];
        if (strerror_r(system_errno, reason, sizeof reason) != 0)
            (void)snprintf(reason, sizeof reason, "error %d", system_errno);
        (void)snprintf(ending, sizeof ending, ": %s", reason);
        va_list arguments;
        va_start(arguments, format);
        write_message(error, ending, format, arguments);
        va_end(arguments);
        error->status = SEALRING_SYSTEM;
        error->system_errno = system_errno;
    }
    return SEALRING_SYSTEM;
}

sealring_status error_set_token(sealring_error *error, unsigned long token_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_set_list(error, SEALRING_TOKEN, format, arguments);
    va_end(arguments);
    if (error != NULL)
        error->token_code = token_code;
    return SEALRING_TOKEN;
}

sealring_status error_set_registry(sealring_error *error, int registry_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_set_list(error, SEALRING_REGISTRY, format, arguments);
    va_end(arguments);
    if (error != NULL)
        error->registry_code = registry_code;
    return SEALRING_REGISTRY;
}

sealring_status error_no_memory(sealring_error *error)
{
    (void)error_set(error, SEALRING_SYSTEM, "out of memory: free some, or raise the process's limit, and try again");
    if (error != NULL)
        error->system_errno = ENOMEM;
    return SEALRING_SYSTEM;
}

bool error_is_exhaustion(const sealring_error *error)
{
    return error->system_errno == ENOMEM || error->system_errno == EMFILE || error->system_errno == ENFILE;
}
