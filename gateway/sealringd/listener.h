/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon listens: sockets that it makes, or that systemd passes to it. */
#ifndef GATEWAY_SEALRINGD_LISTENER_H
#define GATEWAY_SEALRINGD_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LISTENERS_MAX 8

struct listeners {
    struct {
        int descriptor;
        const char *path; /* of a Unix socket that this process made, else NULL; the caller's text */
    } each[LISTENERS_MAX];
    size_t count;
};

/* Makes one: `unix:PATH`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. Unless remote, the address must be a loopback one. A Unix socket to which nobody
 * listens any more is replaced. NULL, or what is wrong (static, or of strerror). */
const char *listener_make(struct listeners *listeners, const char *address, mode_t mode, bool remote);

/* Takes those that systemd passes (sd_listen_fds). The same rules. */
const char *listener_inherit(struct listeners *listeners, bool remote);

/* Where it listens now, for people. */
void listener_describe(int descriptor, char *text, size_t size);

/* Closes them, and removes Unix sockets that this process made. */
void listeners_close(struct listeners *listeners);

#endif
