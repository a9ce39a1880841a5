/* SPDX-License-Identifier: Apache-2.0 */
/* What a verifier holds: for the files of this folder that do its work. */
#ifndef VERIFIER_STATE_VERIFIER_STATE_H
#define VERIFIER_STATE_VERIFIER_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "credential/credential_text.h"
#include "lifecycle/clockwatch.h"
#include "token/module/trace_file.h"
#include "token/session/token.h"
#include "verifier/cache/cache.h"
#include "verifier/cache/lanes.h"
#include "verifier/cache/single_flight.h"
#include "verifier/cache/snapshot.h"
#include "verifier/report/report.h"
#include "verifier/state/connections.h"
#include "verifier/state/judge_time.h"
#include "verifier/state/messages.h"
#include "verifier/state/protocol.h"
#include "verifier/state/verifier_setup.h"

/* A snapshot stays until the verifier closes, since requests may be on their way with its versions. There is a second one only
 * after a fence. */
struct held_snapshot {
    struct snapshot *snapshot;
    struct held_snapshot *former;
};

/* What is in use, in the order in which locks are taken: looking, inserting, those of the parts. */
struct verifier {
    struct verifier_setup setup;
    uint8_t vault_id[REGISTRY_ID_SIZE];
    bool joined; /* vault_id, and what follows up to the report, stay as they are */
    struct token *token;
    struct connections *connections;
    struct lanes *lanes;
    struct cache *cache;
    struct flights *flights;
    struct messages *messages;
    bool told_unlocked;              /* with `looking` held: that secrets cannot be locked into memory */
    enum trace_state reported_trace; /* likewise: what was last reported of the trace of Cryptoki calls */
    _Atomic(struct report *)
        report; /* changes, by the look, when the file was removed; used inside a lane or by the look */

    pthread_mutex_t looking; /* one look at a time */
    struct registry *looker; /* the look's own connection; NULL: to be opened */
    struct held_snapshot *snapshots;
    int64_t reuse_due; /* boot time: then it is asked which hours are harvested */
    int64_t lease_ms;  /* as the registry said at the last look; 0: there was none */
    struct clock_trust trust;
    bool late;       /* the wall clock is not believed */
    int64_t wall_ms; /* of the look: what its clock shows, and if that is late, what the time is at least */

    pthread_mutex_t inserting; /* an insertion and the steps of the protocol exclude each other */
    struct protocol protocol;

    pthread_mutex_t proving; /* one at a time asks the token ahead of the requests */
    int64_t prove_again_at;  /* boot time */
    bool warming_wanted;     /* and not begun yet: finding out what was in use is for after the start */
    struct warming *warming; /* NULL: nothing (more) to do */

    /* What requests read without a lock. */
    _Atomic(struct snapshot *) snapshot;
    _Atomic(int64_t) serve_until; /* boot time; 0: not at all */
    _Atomic(uint64_t) fences;     /* protocol.fences */
    _Atomic(int64_t)
        wall_offset; /* wall time less boot time, twice, plus 1 if the clock is late: one load, one moment */
    _Atomic(uint32_t) first_hour;     /* that is counted in: the ones before are closed, or will be (hours.h) */
    _Atomic(int64_t) no_detail_until; /* wall time: the report had no room for a credential's record */
    _Atomic(bool) has_imports;
    _Atomic(int64_t) refresh_ms;

    _Atomic(uint64_t) registry_lookups;
    _Atomic(uint64_t) token_operations;
    _Atomic(uint64_t) warmed;
    _Atomic(uint64_t) looks;
    _Atomic(uint64_t) fenced;
    _Atomic(uint64_t) unproved;
    uint64_t verdicts_before
        [SEALRING_VERDICTS]; /* with `inserting` held: what the report's file had counted when it was taken over */
    uint64_t cached_before;
};

/* A credential that was presented. */
struct question {
    const char *text; /* the caller's, and the only copy while the token is asked */
    size_t length;
    const struct text_parts *parts; /* without the secret; NULL: no text of ours, perhaps an imported key */
    const char *malformed;          /* why, if so */
    const uint8_t *digest;          /* SHA-256 of the text */
    const char *scope;
};

static inline bool verifier_serves(const struct verifier *verifier, int64_t boot_ms)
{
    return boot_ms < atomic_load_explicit(&verifier->serve_until, memory_order_acquire);
}

/* The hour that a use counts for. Inside a lane, in seq_cst order: lanes.c says why. */
static inline uint32_t verifier_hour(const struct verifier *verifier, int64_t wall_ms)
{
    uint32_t hour = (uint32_t)(wall_ms / 3600000);
    uint32_t first = atomic_load(&verifier->first_hour);
    return hour > first ? hour : first;
}

static inline struct judge_time verifier_time(const struct verifier *verifier, int64_t boot_ms)
{
    int64_t offset = atomic_load_explicit(&verifier->wall_offset, memory_order_relaxed);
    int64_t late = offset & 1;
    return (struct judge_time){.wall_ms = boot_ms + (offset - late) / 2, .late = late != 0};
}

static inline int64_t verifier_wall(const struct verifier *verifier, int64_t boot_ms)
{
    return verifier_time(verifier, boot_ms).wall_ms;
}

/* In fresh/poll.c, which a request of a version that is not known yet also calls. One poll: what changed takes effect, the report is written, the lease prolonged. Thread-safe. */
sealring_status verifier_look(struct verifier *verifier, sealring_error *error);

#endif
