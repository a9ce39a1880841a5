/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox: rows of notices that are to be sent. Nothing vouches for them: they are derived again before anything is sent. */
#ifndef REGISTRY_NOTICES_OUTBOX_ROWS_H
#define REGISTRY_NOTICES_OUTBOX_ROWS_H

#include <sealring/notices.h>

#include "registry/rows/rows.h"

/* As in rows/rows.h: call all of these inside a transaction. */

#define REGISTRY_MESSAGE_SIZE       16
#define REGISTRY_NOTICE_REASON_SIZE 200

/* What a row is about is also what distinguishes it from the others. */
struct registry_notice {
    int64_t client;
    int channel; /* sealring_notice_channel */
    int event;   /* sealring_notice_event */
    int64_t ring;
    uint32_t version;
    char key_id[SEALRING_KEY_ID_LENGTH + 1]; /* "": all API keys of the client in the ring that it concerns */
    uint32_t serial;
    int64_t threshold;  /* how long before an end, in ms; 0: none */
    uint64_t entry;     /* of the log, from which it follows; 0: from a time */
    int64_t at;         /* when it happened, or was due */
    bool is_in_message; /* it was, or is to be, sent as a part of this one */
    uint8_t message[REGISTRY_MESSAGE_SIZE];
    uint32_t attempts;
    int64_t first;                            /* when it was put here */
    int64_t due;                              /* not before this time */
    bool dead;                                /* it is not tried any more */
    char reason[REGISTRY_NOTICE_REASON_SIZE]; /* why the last attempt failed */
};

/* Up to which entry and which time notices were derived. */
struct registry_notice_state {
    uint64_t entry;
    int64_t time;
};
/* From now on notices are derived, unless they are already. */
sealring_status registry_notices_begin(struct registry *registry, int64_t now, sealring_error *error);
sealring_status registry_notice_state_find(struct registry *registry, struct registry_notice_state *state, bool *found,
                                           sealring_error *error);
/* Whether a client has settings: one index lookup. */
sealring_status registry_notices_are_set(struct registry *registry, bool *set, sealring_error *error);
sealring_status registry_notice_state_put(struct registry *registry, const struct registry_notice_state *state,
                                          sealring_error *error);

/* For whom a notice is. Each adds a row for each client that has settings, and each of its channels, unless that is in the outbox. One statement,
 * whatever the number of clients. from, to: 0 where they do not apply. */
enum registry_notice_scope {
    NOTICE_OF_OTHERS,  /* clients with an API key in the ring whose newest credential is not under the version */
    NOTICE_OF_HOLDERS, /* under it */
    NOTICE_OF_USERS,   /* not under it; and the key was used with it since `from` */
    NOTICE_OF_KEY,     /* the client of the API key in the ring, in whatever state that is */
    NOTICE_OF_EXPIRY, /* of keys whose newest credential expires after `from`, and not after `to`: a row for each key */
};
sealring_status registry_notice_add(struct registry *registry, enum registry_notice_scope scope,
                                    const struct registry_notice *notice, int64_t from, int64_t to,
                                    sealring_error *error);

/* Whether one is due: costs one index lookup. */
sealring_status registry_notice_is_due(struct registry *registry, int64_t now, bool *due, sealring_error *error);
/* A row that is due, of the first client and channel that have one after those of *place; all zero: of the first. */
sealring_status registry_notice_next(struct registry *registry, int64_t now, struct registry_notice *place, bool *found,
                                     sealring_error *error);
/* The rows of a client and a channel that are not dead, in the order of the events; at most `limit`. */
struct registry_cursor registry_notices_of(struct registry *registry, int64_t client, int channel, int64_t limit,
                                           sealring_error *error);
/* All rows of the client (0: of all clients), by client, channel and event. */
struct registry_cursor registry_notices_all(struct registry *registry, int64_t client, sealring_error *error);
bool registry_notice_read(struct registry_cursor *notices, struct registry_notice *notice);

/* Writes message, attempts, first, due, dead and reason; or deletes it. Not an error if it is not there any more. */
sealring_status registry_notice_update(struct registry *registry, const struct registry_notice *notice,
                                       sealring_error *error);
sealring_status registry_notice_delete(struct registry *registry, const struct registry_notice *notice,
                                       sealring_error *error);
/* All rows of a client and a channel that are not dead: not before `due`. */
sealring_status registry_notices_defer(struct registry *registry, int64_t client, int channel, int64_t due,
                                       sealring_error *error);
/* Of that client (0: of all): those that are dead are tried again, and those that wait at once. */
sealring_status registry_notices_retry(struct registry *registry, int64_t client, int64_t now, uint64_t *count,
                                       sealring_error *error);
/* Deletes the rows of the client for channels that its settings, as they are stored, do not have. */
sealring_status registry_notices_drop(struct registry *registry, int64_t client, const char *settings,
                                      sealring_error *error);
sealring_status registry_notices_count(struct registry *registry, uint64_t *waiting, uint64_t *dead,
                                       sealring_error *error);

/* The name of the client with that number. */
sealring_status registry_notice_client(struct registry *registry, int64_t client,
                                       char name[SEALRING_NAME_LENGTH_MAX + 1], bool *found, sealring_error *error);
/* The name of the ring with that number. */
sealring_status registry_notice_ring(struct registry *registry, int64_t ring, char name[SEALRING_NAME_LENGTH_MAX + 1],
                                     bool *found, sealring_error *error);

#endif
