/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's command line. */
#ifndef GATEWAY_SEALRINGD_DAEMON_OPTIONS_H
#define GATEWAY_SEALRINGD_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

#include "gateway/daemon/listener.h"
#include "gateway/sealringd/http.h"

struct daemon_options {
    const char *vault;
    const char *listen[LISTENERS_MAX];
    enum listener_kind listen_kinds[LISTENERS_MAX];
    size_t listen_count;
    mode_t socket_mode;
    bool remote;
    unsigned waiters;
    const char *broker;
    const char *leaks_keys;        /* a file: alert_keys.h */
    const char *replace_keys;      /* the process replaces this file, and does nothing else */
    const char *certificate, *key; /* files in PEM; both or none */
    struct http_settings http;
};

/* Reads it. False: the process ends with *status; what there was to print has been printed. */
bool daemon_options_read(int argc, char **argv, struct daemon_options *options, int *status);

#endif
