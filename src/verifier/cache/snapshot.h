/* SPDX-License-Identifier: Apache-2.0 */
/* The rings and versions as of the applied epoch: fields that never change, and states that change while threads read them. */
#ifndef VERIFIER_CACHE_SNAPSHOT_H
#define VERIFIER_CACHE_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "registry/rows/rows.h"
#include "verifier/report/report.h"

/* Rings and versions live as long as the snapshot. Of a ring's row only what never changes is used: IDs, name and prefix. */
struct known_version {
    const struct registry_ring *ring;
    uint32_t number;
    uint8_t object_id[REGISTRY_OBJECT_ID_MAX];
    size_t object_id_length;
    uint8_t check_value[REGISTRY_CHECK_VALUE_SIZE];
    char prf[REGISTRY_PRF_SIZE];
    uint8_t public_key[REGISTRY_DIGEST_SIZE];
    _Atomic(struct report_version *) usage; /* its counters in the report; NULL: none yet, or no room */

    _Atomic(int)
        state; /* a sealring_version_state. Once closed, this object stays closed: a reinstated version gets a new object */
    _Atomic(bool) was_compromised;
    _Atomic(int64_t) retire_at;
    _Atomic(int64_t) closed;
    _Atomic(bool) proved;
    _Atomic(int64_t) refused_until; /* boot time: the token refused the key, do not ask before */
    struct known_version *next;     /* among those that were replaced */
};

struct snapshot;

sealring_status snapshot_new(struct snapshot **made, sealring_error *error);
void snapshot_free(struct snapshot *snapshot);

/* For one thread at a time (the polling one), while other threads find and read objects. SNAPSHOT_ALTERED: a field that never changes
 * differs, so everything must be loaded again. SNAPSHOT_CLOSED: the version has just been found closed; *version is the object that
 * cached credentials point to. */
enum snapshot_change { SNAPSHOT_SAME, SNAPSHOT_UPDATED, SNAPSHOT_CLOSED, SNAPSHOT_ALTERED, SNAPSHOT_NO_MEMORY };
enum snapshot_change snapshot_put_ring(struct snapshot *snapshot, const struct registry_ring *ring);
enum snapshot_change snapshot_put_version(struct snapshot *snapshot, const struct registry_version *row,
                                          struct known_version **version);

/* Closes a version of the snapshot, whatever its row contains. False: it was closed before. */
bool snapshot_close_version(struct known_version *version, sealring_version_state state, int64_t wall_ms);

/* The ring of the row, or NULL. Only for the polling thread. */
const struct registry_ring *snapshot_ring(const struct snapshot *snapshot, int64_t id);

/* Any thread. NULL: the version is not known (yet). */
struct known_version *snapshot_find(struct snapshot *snapshot, int64_t ring, uint32_t number);

/* Calls back with the newest object of every version. Only for the polling thread. */
typedef void (*snapshot_callback)(struct known_version *version, void *context);
void snapshot_each(struct snapshot *snapshot, snapshot_callback each, void *context);

#endif
