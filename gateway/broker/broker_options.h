/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's command line. */
#ifndef GATEWAY_BROKER_BROKER_OPTIONS_H
#define GATEWAY_BROKER_BROKER_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

#include "gateway/daemon/listener.h"

enum broker_bounds { ALLOWED_USERS_MAX = 16 };

struct broker_options {
    const char *vault;
    const char *listen[LISTENERS_MAX];
    size_t listen_count;
    mode_t socket_mode;
    uid_t allowed[ALLOWED_USERS_MAX];
    size_t allowed_count;
};

/* Reads it. False: the process ends with *status; what there was to print has been printed. */
bool broker_options_read(int argc, char **argv, struct broker_options *options, int *status);

#endif
