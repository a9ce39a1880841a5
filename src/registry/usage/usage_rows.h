/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of use, harvested from the verifiers' reports: by hour and file, rolled up by day, finally pruned. */
#ifndef REGISTRY_USAGE_USAGE_ROWS_H
#define REGISTRY_USAGE_USAGE_ROWS_H

#include "registry/rows/rows.h"

#define USAGE_HOUR_MS  INT64_C(3600000)
#define USAGE_DAY_MS   (24 * USAGE_HOUR_MS)
#define USAGE_VERDICTS 5 /* kinds of rejection that are distinguished */

/* The rules of rows.h apply. None of this increases the epoch or is an act in the audit log. */

/* Rejections, in the order of the columns. */
enum usage_rejection { USAGE_NOT_YET_VALID, USAGE_EXPIRED, USAGE_SUSPENDED, USAGE_SCOPE, USAGE_CLOSED };

struct registry_usage {
    int64_t key;
    uint32_t serial;
    uint32_t version;
    int64_t ring;
    uint32_t period; /* hour or day since 1970 UTC */
    bool daily;
    uint8_t seat[REGISTRY_ID_SIZE]; /* hours only; all zero: the sum of files that have settled the hour */
    uint64_t accepted;
    uint64_t rejected[USAGE_VERDICTS];
    int64_t last_use;
};

/* same: the row of the hour exists with these values. */
sealring_status registry_usage_same(struct registry *registry, const struct registry_usage *usage, bool *same,
                                    sealring_error *error);
/* Replaces what was recorded of the hour from the same file. Changes at most three rows. */
sealring_status registry_usage_put(struct registry *registry, const struct registry_usage *usage,
                                   sealring_error *error);
/* The days or the hours of one key that overlap [since, until), in no order. */
struct registry_cursor registry_usage_of_key(struct registry *registry, int64_t key, bool daily, int64_t since,
                                             int64_t until, sealring_error *error);
bool registry_usage_next(struct registry_cursor *periods, struct registry_usage *usage);
struct registry_usage_owner {
    int64_t ring; /* of the key */
    int64_t used; /* the time of a use, 0: it has never called */
};
sealring_status registry_usage_find_owner(struct registry *registry, int64_t key, struct registry_usage_owner *owner,
                                          bool *found, sealring_error *error);

struct registry_traffic {
    int64_t ring;
    uint32_t version;
    uint32_t hour;
    uint8_t seat[REGISTRY_ID_SIZE];
    uint64_t accepted;
    uint64_t rejected;
};
sealring_status registry_traffic_put(struct registry *registry, const struct registry_traffic *traffic,
                                     sealring_error *error);
/* Of a ring, from hour `since` on, by version, hour, file. */
struct registry_cursor registry_traffic(struct registry *registry, int64_t ring, uint32_t since, sealring_error *error);
bool registry_traffic_next(struct registry_cursor *hours, struct registry_traffic *traffic);

/* ---- Files ---------------------------------------------------------------------------------------------------------- */

struct registry_usage_seat {
    uint8_t seat[REGISTRY_ID_SIZE];
    uint32_t settled_hour; /* never decreases */
    bool is_finished;
    uint8_t finished[REGISTRY_ID_SIZE]; /* with it: the instance */
};
sealring_status registry_usage_seat_find(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                         struct registry_usage_seat *row, bool *found, sealring_error *error);
sealring_status registry_usage_seat_put(struct registry *registry, const struct registry_usage_seat *row,
                                        sealring_error *error);
sealring_status registry_usage_seat_delete(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                           sealring_error *error);
struct registry_cursor registry_usage_seats(struct registry *registry, sealring_error *error);
bool registry_usage_seat_next(struct registry_cursor *seats, struct registry_usage_seat *row);
/* For a verifier, about its own file, in a transaction of its own; 0: no hour is settled. */
sealring_status registry_usage_settled(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                       uint32_t *settled_hour, sealring_error *error);

/* Folds at most `most` rows of hours that their files have settled: into one row for each credential and hour. *count: their number,
 * less than `most` if there are no more. Each changes two rows. */
sealring_status registry_usage_fold(struct registry *registry, unsigned most, unsigned *count, sealring_error *error);
/* Returns whether it would find something. */
sealring_status registry_usage_unfolded(struct registry *registry, bool *unfolded, sealring_error *error);

/* ---- Ageing --------------------------------------------------------------------------------------------------------- */

#define USAGE_ROLL_MOST 160 /* rows per call: with the rows that each changes elsewhere, fewer than 500 */

enum usage_ageing {
    USAGE_ROLL,          /* moves settled hours into their days */
    USAGE_PRUNE,         /* deletes days, after recording their last use with the key */
    USAGE_PRUNE_TRAFFIC, /* deletes traffic of hours */
    USAGE_AGEINGS
};
/* Ages rows of one version that are of a period before `before`: an hour, for USAGE_PRUNE a day. *count: their number, less than
 * USAGE_ROLL_MOST if there are no more. */
sealring_status registry_usage_age(struct registry *registry, enum usage_ageing ageing, int64_t ring, uint32_t version,
                                   uint32_t before, unsigned *count, sealring_error *error);
/* Returns whether it would find something. */
sealring_status registry_usage_aged(struct registry *registry, enum usage_ageing ageing, int64_t ring, uint32_t version,
                                    uint32_t before, bool *aged, sealring_error *error);

/* ---- Names ---------------------------------------------------------------------------------------------------------- */

struct registry_usage_name {
    int64_t key;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    int64_t last_use; /* 0: it has never called */
};

#define USAGE_NAMES_MOST 64
struct registry_usage_names {
    struct registry_usage_name found[USAGE_NAMES_MOST];
    unsigned count;
};

/* API keys that used the version at or after `since` (wall time), each once, at most `most` (up to USAGE_NAMES_MOST): the latest hours
 * are read first, and the keys found are ordered by last use. The cost depends on the number of results, and on repeated keys in those
 * hours. */
sealring_status usage_users(struct registry *registry, int64_t ring, uint32_t version, int64_t since, unsigned most,
                            struct registry_usage_names *names, sealring_error *error);

/* Active API keys whose newest credential is under the version and that have never called, with any credential; at most `most`. The cost depends on the number of active keys of the ring that have never called. */
sealring_status usage_idle(struct registry *registry, int64_t ring, uint32_t version, unsigned most,
                           struct registry_usage_names *names, sealring_error *error);

/* Active API keys that were used at or after `since`, with any credential, and that would have no valid credential if the version were
 * not accepted: their newest valid credential at `now` is under it. `names` has the first `named`. *count: their number, at
 * most `most`. The cost depends on the number of active API keys of the ring. */
struct usage_behind {
    int64_t ring;
    uint32_t version;
    int64_t now, since;
    unsigned named, most;
    int64_t (*pending)(
        int64_t key,
        const void *context); /* its last use that is not in a row yet, 0: none; NULL: the rows are complete */
    const void *pending_context;
};
sealring_status usage_behind(struct registry *registry, const struct usage_behind *asked, unsigned *count,
                             struct registry_usage_names *names, sealring_error *error);

#endif
