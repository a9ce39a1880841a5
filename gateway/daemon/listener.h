/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon listens: sockets that it makes, or that systemd passes to it. */
#ifndef GATEWAY_DAEMON_LISTENER_H
#define GATEWAY_DAEMON_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LISTENERS_MAX 8

enum listener_kind { LISTENER_PLAIN = 0, LISTENER_RENEW, LISTENER_LEAKS };

/* The caller sets the first three; all else is zero. */
struct listeners {
    int type;       /* SOCK_STREAM; or SOCK_SEQPACKET, for Unix sockets only */
    mode_t mode;    /* permissions of Unix sockets */
    bool remote[3]; /* by kind: other addresses than loopback ones are allowed */
    size_t count;
    struct {
        int descriptor;
        enum listener_kind kind;
        const char *path; /* of a Unix socket that this process made, else NULL; the caller's text */
    } each[LISTENERS_MAX];
};

/* Makes one: `unix:PATH`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. A Unix socket to which nobody listens any more is replaced. NULL, or what is wrong
 * (static, or of strerror). */
const char *listener_make(struct listeners *listeners, enum listener_kind kind, const char *address);

/* Takes those that systemd passes (sd_listen_fds); those with the name `renew` or `leaks` are of
 * that kind. The same rules. */
const char *listener_inherit(struct listeners *listeners);

/* Returns whether it is a Unix socket. */
bool listener_is_unix(int descriptor);

/* Where it listens now, for people. */
void listener_describe(int descriptor, char *text, size_t size);

/* Closes them, and removes Unix sockets that this process made. */
void listeners_close(struct listeners *listeners);

#endif
