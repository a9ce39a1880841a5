/* SPDX-License-Identifier: Apache-2.0 */
/* Guards: pure answers to barrier, gate, purge, keep, from a list of verifiers and the state of one ring. */
#ifndef LIFECYCLE_GUARD_H
#define LIFECYCLE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#include "base/timetext.h"

#define LIFECYCLE_REASON_SIZE 384

/* One version as the registry contains it. */
struct lifecycle_version {
    uint32_t number;
    sealring_version_state state;
    int64_t activated;
    int64_t retire_at;
    int64_t closed;
    int64_t purge_at;
    int64_t destroyed;
    uint64_t fact; /* the sequence of the last fact about it; 0: there is none */
    bool was_compromised;
    bool held;        /* clients may hold credentials of it */
    bool unconfirmed; /* its row is closed, and no closed fact confirms that */
};

struct lifecycle_ring {
    const char *name;
    sealring_policy policy;
    bool rotation_held;
    uint32_t last_number;                     /* the highest number ever assigned, 0: none */
    const struct lifecycle_version *versions; /* ascending by number */
    size_t count;
};

/* One verifier by its last report, as the waiting process sees it. */
struct lifecycle_verifier {
    const char *name;       /* for people: host and process */
    const char *alarm;      /* the last alarm that it raised; NULL or "": none */
    uint64_t epoch;         /* applied; 0: none of the present era */
    uint64_t facts;         /* how many it has applied; 0: none, or others than the registry has */
    const uint32_t *proved; /* versions of this ring whose check value it derived */
    size_t proved_count;
    bool lease_over;      /* it has been silent for longer than it can be serving */
    int64_t reports_from; /* its reports cover this span without a hole */
    int64_t reports_until;
    int64_t last_use; /* of the version in question by an issued credential, 0: none */
    int64_t joined;   /* it served nothing before this time, 0: unknown */
    int64_t stopped;  /* with lease_over: it served nothing from this time on, 0: unknown */
};

/* An API key that affects the decision about a version, by the statistics. */
struct lifecycle_user {
    const char *name; /* for people: key ID and client */
    int64_t last_use; /* 0: it has never called */
};

/* The evidence for a decision about one version, besides the ring itself. */
struct lifecycle_evidence {
    int64_t now;
    const struct lifecycle_verifier *verifiers;
    size_t verifier_count;
    size_t verifiers_ahead; /* that are to prove the version, which is not made yet, and so are not in the list */
    int64_t quiet_period;   /* 0: the gate checks retire_at only */
    int64_t
        last_use; /* that was ever reported of the version, also by verifiers that are not listed any more; 0: none */
    /* The users by name. Without this list only the names of users would be missing, because any use blocks; idle keys block only if
     * listed. */
    const struct lifecycle_user *users; /* that used it in the quiet period */
    size_t user_count;
    const struct lifecycle_user *idle; /* whose newest credential is under it, and that have never called */
    size_t idle_count;
    bool idle_blocks; /* by the ring's policy */
    int64_t
        succession; /* API keys that were used within this time need a successor; 0: the policy does not require it */
    /* Those that have none: their newest valid credential is under the version. behind_named of them are listed; the count may be
     * limited, too. */
    const struct lifecycle_user *behind;
    size_t behind_named;
    size_t behind_count;
    bool behind_more;                       /* there are more than behind_count */
    const struct lifecycle_user *contested; /* API keys of the ring that are contested; last_use: since when */
    size_t contested_count;                 /* all of them are listed */
    const char *gap;   /* why uses may be missing in all this, and what to do; NULL: nothing is known to be missing */
    uint64_t gap_more; /* further reasons */
    bool new_era;      /* the registry was rolled back: verifiers may still follow the former one */
};

enum lifecycle_answer {
    LIFECYCLE_ALLOWED = 0,
    LIFECYCLE_WAITING,  /* not yet; the reason states for what, and until when if a time is known */
    LIFECYCLE_FORBIDDEN /* never from this state */
};

/* Appends to a reason. Control characters become '?'; a longer text is truncated, and the line then ends in "…". */
void guard_say(char reason[LIFECYCLE_REASON_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends "WHAT over since TIME" or "WHAT ends TIME, in DURATION". Returns whether the end is reached, which includes the end itself. */
bool guard_say_deadline(char reason[LIFECYCLE_REASON_SIZE], const char *what, int64_t end, int64_t now);

/* "6d23h": a duration for people, in units that suit its size; rounded up, so that nobody tries again too early. */
const char *guard_about(int64_t duration, char text[TIMETEXT_SIZE]);

/* What a guard is asked about. The ring, the version and what a guard does not read of the evidence may be missing. */
struct guard_question {
    const struct lifecycle_ring *ring;
    const struct lifecycle_version *version;
    const struct lifecycle_evidence *evidence;
};

/* Append the verifiers for which barrier or era waits, and what each has not done yet. Return their number. */
size_t guard_barrier_missing(const struct guard_question *asked, char missing[LIFECYCLE_REASON_SIZE]);
size_t guard_era_missing(const struct guard_question *asked, char missing[LIFECYCLE_REASON_SIZE]);

/* Each writes one line for people into reason, whatever the answer.
 * - barrier: every verifier has applied the version's last fact and proved its number, or its lease has expired. No verifier: open.
 * - era: every verifier has reported an epoch of the registry's present era, or its lease has expired; or there was never another era.
 *   Then all other verifiers reject what the rollback of the registry reopened.
 * - gate: retire_at is reached and, with a quiet period, the reports of every verifier cover the part of it in which that verifier may
 *   have been serving, without a use. A hole counts as a use: for an ended verifier up to when it `stopped`. The reason names keys and
 *   verifiers that block. Keys that have never called block if the policy requires it.
 * - unheld: LIFECYCLE_FORBIDDEN if clients may hold credentials: waiting does not change that.
 * - succession: every API key in use keeps a valid credential when the version retires. It proves that a successor was issued, not that
 *   it was delivered. Suspended and expired ones do not count.
 * - keep: one more version may be retiring than now, unless none is active that would become so. */
typedef enum lifecycle_answer guard_function(const struct guard_question *asked, char reason[LIFECYCLE_REASON_SIZE]);
guard_function guard_barrier, guard_era, guard_gate, guard_purge, guard_unheld, guard_succession, guard_keep;

#endif
