/* SPDX-License-Identifier: Apache-2.0 */
/* A verifier's state, for the files that implement the verifier. */
#ifndef VERIFIER_STATE_VERIFIER_STATE_H
#define VERIFIER_STATE_VERIFIER_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "bell/bell.h"
#include "credential/credential_text.h"
#include "lifecycle/clockwatch.h"
#include "token/module/trace_file.h"
#include "token/session/token.h"
#include "verifier/cache/cache.h"
#include "verifier/cache/reader_lanes.h"
#include "verifier/cache/single_flight.h"
#include "verifier/cache/snapshot.h"
#include "log/audit_keys.h"
#include "verifier/report/report.h"
#include "verifier/state/closed_chain.h"
#include "verifier/state/connections.h"
#include "verifier/state/filter_protocol.h"
#include "verifier/state/freshness_protocol.h"
#include "verifier/state/demand.h"
#include "verifier/state/judge_time.h"
#include "verifier/state/key_filter.h"
#include "verifier/state/log_messages.h"
#include "verifier/state/verifier_setup.h"

/* A snapshot stays until the verifier closes, because requests may still use its versions. There is a second one only after a fence. */
struct held_snapshot {
    struct snapshot *snapshot;
    struct held_snapshot *former;
};

/* The polling thread's, and no other's: its wait for the operator's bell, in fresh/listen.c. */
struct listening {
    struct bell bell;
    uint32_t word;    /* as it was before the last poll */
    bool present;     /* there was a bell then */
    bool rung;        /* the word was another one than before the poll before */
    bool missed;      /* a change came without a ring, and no ring since */
    bool began;       /* `applied` is set */
    uint64_t applied; /* verifier.applied after the last poll */
};

/* The filter of key IDs, and its progress: fresh/follow_keys.c. */
struct known_keys {
    struct key_filter filter;
    struct filter_protocol protocol; /* with `looking` held */
    _Atomic(bool) wanted;            /* there are maintenance threads */
    _Atomic(bool) heard;             /* the bell works, as far as the polling thread knows */
    pthread_mutex_t mutex;           /* of the members below */
    uint64_t pass;                   /* raised by every fence: what was read for an earlier one does not count */
    bool passing;                    /* over all keys; up to row `at` so far */
    int64_t at;
    int64_t pass_due;
    bool complete;       /* all keys were read once since the last fence */
    int64_t followed;    /* the last row that a poll has read; only polls write it once `complete` is set */
    uint64_t at_commits; /* the verifier's `commits` when a poll has read the last one */
};

/* The order in which locks are taken: looking, inserting, those of the parts. */
struct verifier {
    struct verifier_setup setup;
    uint8_t vault_id[REGISTRY_ID_SIZE];
    bool joined; /* vault_id, and the members up to the report, do not change after this */
    struct token *token;
    struct connections *connections;
    struct lanes *lanes;
    struct cache *cache;
    struct flights *flights;
    struct messages *messages;
    bool told_unlocked; /* with `looking` held: it was reported that secrets cannot be locked into memory */
    enum trace_state reported_trace; /* likewise: the last reported state of the trace of Cryptoki calls */
    _Atomic(struct report *)
        report; /* a poll replaces it when the file was removed; use it only inside a lane or in a poll */

    pthread_mutex_t looking;             /* one poll at a time */
    char altered[REGISTRY_ALTERED_SIZE]; /* the difference of the registry's schema that was reported, "" for none */
    int64_t schema_due;                  /* boot time from which on the schema is compared again */
    bool audit_key_differs;              /* it was reported that the registry names another key for its checkpoints */
    struct registry *looker;             /* the polls' own connection; NULL: to be opened */
    int64_t commit_number;               /* of that connection, at the beginning of the last poll */
    uint64_t commits;                    /* moves whenever a poll begins and that number is another one */
    uint64_t
        polled; /* `commits` at the last poll that was completed: as long as they are equal, nothing was committed */
    uint64_t watched; /* the same of the last comparison of the schema and the key for checkpoints */
    struct held_snapshot *snapshots;
    struct closed_chain closed;
    uint8_t closed_era
        [REGISTRY_ID_SIZE]; /* whose facts `closed` has; another era's are waited for while it is not signed */
    int64_t
        signed_ms; /* time of the latest checkpoint that covers these facts; an era is followed if it has a later one */
    _Atomic(bool) era_unsigned; /* the registry's era is another one, and no signed checkpoint confirms it yet */
    struct audit_keys keys;     /* for checkpoints: those of when the verifier joined, and those to which they lead */
    bool keys_known, has_key;   /* they were read; there was one, even if it could not be read as one */
    unsigned unsigned_polls;    /* since the first that found a permission without a signature */
    int64_t reuse_due;          /* boot time of the next query for harvested hours */
    int64_t lease_ms;           /* as read by the last poll; 0: there was none */
    uint8_t reported_era[REGISTRY_ID_SIZE]; /* of the last report that was written */
    uint64_t reported_epoch;
    struct clock_trust trust;
    bool late;       /* the wall clock is known to be late */
    int64_t wall_ms; /* of the poll: the wall clock; if that is late, a lower bound of the time */

    pthread_mutex_t inserting; /* excludes insertions while the protocol makes a step, and the reverse */
    struct protocol protocol;

    struct listening listening;
    struct known_keys known_keys;

    pthread_mutex_t proving; /* one thread at a time asks the token ahead of requests */
    int64_t prove_again_at;  /* boot time */
    bool warming_wanted;     /* and not begun yet: it is determined after the start what was in use */
    struct warming *warming; /* NULL: nothing (more) to warm */

    /* Requests read these without a lock. */
    _Atomic(struct snapshot *) snapshot;
    _Atomic(int64_t) serve_until; /* boot time; 0: does not serve */
    _Atomic(uint64_t) facts;      /* how many are in the snapshot */
    _Atomic(uint64_t) fences;     /* protocol.fences */
    _Atomic(int64_t)
        wall_offset; /* twice wall time less boot time, plus 1 if the clock is late, so that one load reads both */
    _Atomic(uint32_t) first_hour; /* in which uses are counted; earlier hours are closed, or will be (usage_hours.h) */
    _Atomic(int64_t) no_detail_until; /* wall time: the report had no room for a credential's record */
    _Atomic(bool) has_imports;
    _Atomic(int64_t) refresh_ms;
    _Atomic(int64_t) often_ms; /* at least once in this time it polls, with a bell as well */
    _Atomic(uint64_t) applied; /* reports that had news */

    _Atomic(uint64_t) registry_lookups;
    _Atomic(uint64_t) token_operations;
    _Atomic(uint64_t) warmed;
    _Atomic(uint64_t) looks;
    _Atomic(uint64_t) fenced;
    _Atomic(uint64_t) unproved;
    uint64_t verdicts_before
        [SEALRING_VERDICTS]; /* with `inserting` held: the counters of the report file when it was taken over */
    uint64_t cached_before;
};

/* A presented credential. */
struct presented {
    const char *text; /* the caller's, and the only copy while the token works */
    size_t length;
    struct demand demand;
    bool may_wait; /* false: without lock and system call, or not at all */
    int64_t boot_ms;
    bool digested;
    uint8_t digest[TEXT_DIGEST_SIZE]; /* SHA-256 of the text */
    /* after a cache miss: */
    const struct text_parts *parts; /* without the secret; NULL: not of sealring's form, perhaps an imported key */
    const char *malformed;          /* the reason if it is malformed */
};

static inline bool verifier_serves(const struct verifier *verifier, int64_t boot_ms)
{
    return boot_ms < atomic_load_explicit(&verifier->serve_until, memory_order_acquire);
}

/* The hour in which a use is counted. Call it inside a lane; it reads in seq_cst order, see reader_lanes.c. */
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

/* What a report states of a version that is proved now (report_format.h). */
static inline uint64_t verifier_proof(const struct verifier *verifier)
{
    uint64_t facts = atomic_load(&verifier->facts);
    return facts == 0 ? 1 : facts;
}

/* Rings for those who wait for this verifier's report. */
static inline void verifier_ring(const struct verifier *verifier)
{
    if (verifier->setup.reports_bell != NULL)
        (void)bell_ring(verifier->setup.reports_bell);
}

/* One poll: applies changes, writes the report, prolongs the lease. Thread-safe. In fresh/poll.c; a request for an unknown version
 * calls it, too. */
sealring_status verifier_look(struct verifier *verifier, sealring_error *error);

#endif
