/* SPDX-License-Identifier: Apache-2.0 */
/* One act, as it is entered in the audit log in the transaction that carries it out. */
#ifndef LOG_LOG_ENTRY_H
#define LOG_LOG_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "registry/rows/rows.h"

struct audit_act {
    const char *name; /* "version.activate", "key.revoke", …; static */
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    uint32_t version;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    json_t *detail; /* before, after, reason; NULL for none */
    bool failed;    /* the detail could not be made: the act must not be carried out */
};

/* A text of unknown origin (a path, a name) as a member of a detail: bytes that are not UTF-8 are escaped. */
json_t *audit_text(const char *text);

/* Sets the detail as json_pack would make it (a transaction that is run again sets it again). No contact data, no secrets. */
void audit_detail(struct audit_act *act, const char *format, ...);

/* Adds a member to the detail. Takes over the reference; NULL marks the act as failed. */
void audit_detail_add(struct audit_act *act, const char *name, json_t *value);

/* Adds an item to a list for a detail, and takes over both references. NULL if either is NULL or there is no memory: a list that lacks
 * something that was done never enters the audit log. */
json_t *audit_list_add(json_t *list, json_t *item);

/* Every row that a transaction's body changes between the two calls becomes part of the act's detail as `rows` (log/row_image.h): what
 * is needed to repeat the act. A row that is written in two steps, one right after the other, is one image: as the act left it. */
struct audit_rows {
    json_t *images;
    bool failed;
};
void audit_rows_begin(struct audit_rows *rows, struct registry *registry);
void audit_rows_end(struct audit_rows *rows, struct registry *registry, struct audit_act *act);

/* Appends the entry to the registry, inside a writing transaction. */
sealring_status audit_append(struct registry *registry, const uint8_t operation_id[REGISTRY_ID_SIZE], int64_t time,
                             const char *actor, const struct audit_act *act, sealring_error *error);

void audit_release(struct audit_act *act);

#endif
