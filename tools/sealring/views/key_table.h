/* SPDX-License-Identifier: Apache-2.0 */
/* A list of API keys, as a table or as JSON. */
#ifndef TOOL_KEY_TABLE_H
#define TOOL_KEY_TABLE_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/table.h"

struct keys {
    struct session *session;
    struct table table;
    json_t *array; /* with --json only */
    size_t count;
};

void keys_start(struct keys *keys, struct session *session);
void keys_free(struct keys *keys);

/* A sealring_key_callback; context is the list. */
int keys_take(const sealring_key_info *key, void *context);

/* The table, once. */
void keys_print(struct keys *keys);

#endif
