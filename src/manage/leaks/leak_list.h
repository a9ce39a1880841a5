/* SPDX-License-Identifier: Apache-2.0 */
/* Leaks that nobody has acted on. */
#ifndef MANAGE_LEAKS_LEAK_LIST_H
#define MANAGE_LEAKS_LEAK_LIST_H

#include <sealring/leaks.h>

#include "manage/session/manager.h"

struct open_leak {
    uint64_t entry;
    int64_t time;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    uint32_t version, serial;
    char url[SEALRING_LEAK_URL_MAX + 1];
    char source[SEALRING_LEAK_SOURCE_MAX + 1];
    char done[16];
};

struct open_leaks {
    struct open_leak *items; /* the oldest first */
    size_t count;
};

/* Within a transaction. ring, key_id: NULL for all. A list that was filled before is replaced. */
sealring_status leaks_read(struct registry *registry, const char *ring, const char *key_id, struct open_leaks *list,
                           sealring_error *error);
void leaks_free(struct open_leaks *list);

#endif
