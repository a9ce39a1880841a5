/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of handovers: which API keys' successors hooks or directories have to get, and what became of the attempts. */
#ifndef REGISTRY_HANDOVER_HANDOVER_ROWS_H
#define REGISTRY_HANDOVER_HANDOVER_ROWS_H

#include "registry/rows/rows.h"

#define REGISTRY_FAILURE_SIZE 256 /* UTF-8, NUL included */

/* Nothing vouches for it: after an edit a credential is delivered again, or later, or not. There is one row for each API key. */
struct registry_handover {
    int64_t key;       /* row of the API key */
    uint32_t version;  /* the active one, under which its newest credential is, or is to be */
    int64_t delivered; /* when it was; 0: not yet */
    uint32_t attempts;
    int64_t due; /* no attempt before this time */
    char failure[REGISTRY_FAILURE_SIZE];
};
/* Replaces the key's row. */
sealring_status registry_handover_put(struct registry *registry, const struct registry_handover *row,
                                      sealring_error *error);
sealring_status registry_handover_find(struct registry *registry, int64_t key, struct registry_handover *row,
                                       bool *found, sealring_error *error);

/* With the names of what it is about. */
struct registry_handover_info {
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    char label[SEALRING_NAME_LENGTH_MAX + 1];
    struct registry_key_id key;
    struct registry_handover row;
};
/* The active API keys of a ring whose successor under the active version is to be issued, or to be delivered and due by `due`, by client and label. Without
 * those whose newest credential has expired. */
struct registry_cursor registry_handovers_due(struct registry *registry, int64_t ring, uint32_t active, int64_t now,
                                              int64_t due, sealring_error *error);

/* What was begun in a ring (0: in all of them), by ring, client and label; `delivered`: also what was delivered. */
struct registry_cursor registry_handovers(struct registry *registry, int64_t ring, bool delivered,
                                          sealring_error *error);
bool registry_handover_next(struct registry_cursor *handovers, struct registry_handover_info *info);

#endif
