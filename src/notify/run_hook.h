/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the executables of a hooks directory, one after another, each with the same bytes on its standard input. */
#ifndef NOTIFY_RUN_HOOK_H
#define NOTIFY_RUN_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "notify/send_result.h"

#define HOOK_LIMIT_MS INT64_C(30000) /* for one hook, if nothing else is configured */
#define HOOKS_MAX     64             /* of a directory */
#define HOOK_NAME_MAX 64

/* Names have letters, digits, `_` and `-`, as for run-parts: others, and files that are not executable, are not hooks. */
struct hooks {
    char directory[4096];
    char names[HOOKS_MAX][HOOK_NAME_MAX + 1]; /* in the order of their bytes */
    size_t count;
};

/* SEALRING_INVALID, with what to do, if the directory cannot be read, or if somebody else than root and this user could change it or a hook. */
sealring_status hooks_read(const char *directory, struct hooks *hooks, sealring_error *error);

/* What each hook gets. A text that is NULL is empty. */
struct hook_call {
    const char *event; /* SEALRING_EVENT */
    const char *client;
    const char *ring;
    const char *key_id;
    const char *label;
    uint32_t version;
    const void *input; /* on standard input */
    size_t length;
    bool secret;   /* no output of a hook that contains a part of the input is shown */
    int64_t limit; /* ms for each hook; then SIGTERM, and SIGKILL 2 s later */
};

/* Runs all of them; the next one only after the one before it has ended with status 0. Never SEND_REFUSED: whatever is wrong with a hook, an operator can
 * correct it. A hook's processes end with it, except those that left its process group. There must be at least one. */
void hooks_run(const struct hooks *hooks, const struct hook_call *call, struct send_result *result);

#endif
