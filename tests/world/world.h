/* SPDX-License-Identifier: Apache-2.0 */
/* The small world that is explored: one ring, a registry, verifiers with their report files, clients, and an operator's side that waits. */
#ifndef TESTS_WORLD_WORLD_H
#define TESTS_WORLD_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "lifecycle/decide.h"
#include "lifecycle/verifier_liveness.h"
#include "verifier/request/judge.h"
#include "verifier/state/freshness_protocol.h"

/* Every decision is made by the product's own code: src/lifecycle and src/verifier/state/freshness_protocol.c, judge.c. What is modelled is what those are
 * kept apart from: the registry's file, the report file, the snapshot of versions, the cache, memory of the waiting side, time. Each event
 * says which function of the product it stands for.
 *
 * Nothing counts from a beginning, so that the states come to an end: times are milliseconds from now (the past is negative, and all of it
 * beyond the longest delay that anything asks for is one), epochs are numbered by their order. */
enum { VERSIONS = 3, VERIFIERS = 2, CLIENTS = 2, CREDENTIALS = VERSIONS * CLIENTS };

#define TICK      1000    /* ms that the clock runs on at an event */
#define LONG_AGO  (-9000) /* and earlier */
#define NEVER     (-9001)
#define NOW_TICKS 100 /* the operator's now, in ticks */
#define NOW       ((int64_t)NOW_TICKS * TICK)

/* All of the following is compared byte by byte, so there are no gaps in it. */
#define PACKED __attribute__((packed))

struct PACKED row {
    uint8_t state;
    uint8_t was_compromised;
    uint8_t made;      /* which object it is: after an older copy was put back, a number may be given once more */
    uint8_t activated; /* 0: never; else by their order */
    int8_t retire_at;  /* ticks from now; -1: over */
    int8_t purge_at;
    uint8_t created_epoch;
    uint8_t changed_epoch;
};

struct PACKED registry_file {
    uint8_t there;
    uint8_t inode;
    uint8_t era;
    uint8_t epoch;
    uint8_t last_number;
    uint8_t rotation_held;
    uint8_t era_in_force;
    struct row rows[VERSIONS];
    uint8_t revoked; /* clients' API keys, a bit each */
    uint8_t key_epoch[CLIENTS];
    uint8_t issued; /* credentials, a bit each: see credential_bit */
};

/* A change that takes something away from whoever presents it. */
struct PACKED closing {
    int16_t committed; /* on the waiting side's boot clock */
    uint8_t pending;   /* committed, and not known to be in force everywhere */
    uint8_t effective; /* sealring_wait_effective said so */
    uint8_t era;
    uint8_t epoch;
};

enum life {
    GONE,    /* no process */
    JOINING, /* join_report: the file is there */
    LOADED,  /* look_load and prove_all are done */
    SERVING  /* verifier_look was reported; as long as its lease lasts */
};

enum lost {
    NOT_LOST,
    LOST,      /* removed, and nobody noticed */
    NOTICED,   /* the waiting side knows since lost_seen */
    CONCLUDED, /* it surely serves no more; what it counted may be lost: a hole at lost_seen */
};

/* A call at its first sight of a credential (verifier/request/first_sight.c), between its reading of the row and its verdict. */
struct PACKED request {
    uint8_t there;
    uint8_t credential;
    uint8_t same_fences; /* no fence fell since present() noted them */
    uint8_t era;
    uint8_t revoked;        /* the row's key */
    uint8_t began_late;     /* after the credential's end was in force everywhere */
    uint8_t good_all_along; /* the credential was promised from the call's beginning on */
};

struct PACKED process {
    /* struct protocol, as far as it matters; times on the verifier's own boot clock, from its now */
    int16_t look_started;
    int16_t lease_left;
    int16_t heard_from;
    uint8_t life;
    uint8_t loaded;
    uint8_t era;
    uint8_t epoch;
    uint8_t seen_epoch;
    uint8_t look;
    /* between the steps of a look */
    uint8_t opened; /* inode of the file that it has open */
    uint8_t step;   /* 1 + enum protocol_step that is to be carried out */
    uint8_t taken;  /* changes were taken in up to taken_epoch, and protocol_applied was not called yet */
    uint8_t taken_era;
    uint8_t taken_epoch;
    /* the snapshot and the cache */
    uint8_t known[VERSIONS]; /* state of each version, NONE: not known */
    uint8_t made[VERSIONS];
    uint8_t proved; /* versions, a bit each */
    uint8_t
        excused; /* versions that passed their barrier while it was silent, or before it had to load all anew, and that it has
                      * not proved since: it may serve them all the same */
    uint8_t cached; /* credentials, a bit each */
    struct request request;

    /* its report file */
    int16_t joined;
    int16_t last_report;
    int16_t last_use[VERSIONS];
    uint8_t file_there; /* where others look for it */
    uint8_t file_joining;
    uint8_t file_era;
    uint8_t file_epoch;
    uint8_t told;        /* versions that it has a record of */
    uint8_t full;        /* it has no room for any */
    uint8_t proved_told; /* that it says are proved */
    /* what the waiting process saw of it itself */
    int16_t seen;
    uint8_t remembered;
    uint8_t moved; /* the report's number is another than the remembered one */
    /* what must mislead nobody */
    uint8_t edited; /* its row in the registry says that it ended, and that it was forgotten */
    uint8_t masked; /* its report has another boot ID, as in a container, and says that it left */
    /* a former file of it that was removed */
    int16_t lost_seen;
    int16_t lost_report;
    int16_t lost_joined;
    uint8_t lost;
};

/* What is so, whatever the product's code believes. */
struct PACKED truth {
    uint8_t promised; /* versions whose issued credentials must not be rejected */
    uint8_t doubtful; /* clients whose revocation was undone by an older copy */
    int16_t used[VERSIONS];
    struct closing keys[CLIENTS];
    struct closing versions[VERSIONS];
    uint8_t
        put_back; /* verifiers that have not reported since an older copy came into the same era's place, a bit each */
    uint8_t unseen;       /* those of them that have not even begun another look */
    uint8_t written_back; /* it did so under their eyes, in the same file */
    uint8_t older; /* and it lacks changes that were made; with an audit token nothing goes on before a take-over */
};

/* What succession goes by besides, where it is asked for; else nothing changes here. */
struct PACKED keys {
    uint8_t serials[CREDENTIALS]; /* 0: never issued; else in which order the client's credentials were */
    uint8_t expired;              /* credentials, a bit each */
    uint8_t suspended;            /* clients' API keys, a bit each */
    int16_t called[CLIENTS];      /* last uses, as they were harvested */
};

struct PACKED world {
    struct registry_file registry;
    struct registry_file copy;
    struct keys keys;
    struct process processes[VERIFIERS];
    struct truth truth;
    uint8_t restores; /* how often an older copy was put back */
    uint8_t losses;   /* how many report files were removed */
};

/* ---- events ---- */

enum kind {
    TICKS,      /* the clocks run on by TICK */
    PREPARE,    /* operator's commands on versions: manage/versions/transition.c */
    ACTIVATE,   /* version */
    ROLLBACK,   /* to the newest retiring one */
    RETIRE,     /* version */
    OVERRULE,   /* retire it although the gate says wait */
    NAMED,      /* retire it although succession says wait */
    REINSTATE,  /* version */
    COMPROMISE, /* version */
    DESTROY,    /* version */
    ISSUE,      /* client: issue or reissue, under the active version */
    REVOKE,     /* client */
    RUN,        /* manage/versions/run_policy.c: the first thing that the policy wants, and that may happen */
    SUSPEND,    /* client */
    RESUME,     /* client */
    EXPIRE,     /* credential: its time has passed */
    CALLED,     /* client: a use, and it was harvested */
    BACK_UP,
    RESTORE,     /* as sealring does it: another era */
    WRITE_BACK,  /* the copy by other means, into the same file and era */
    PUT_BACK,    /* the copy by other means, another file of the same era */
    TAKE_OVER,   /* going on with it, as the operator says: another era */
    ANOTHER,     /* who waits from now on is another process, which saw nothing yet and committed nothing */
    OBSERVE,     /* the waiting side reads the reports and remembers them */
    LOSE_FILE,   /* verifier: somebody removes its report file */
    JOIN,        /* verifier: verifier_join up to its report file, in the file of a former one if there is one */
    PROVE_ALL,   /* verifier: verifier_join, after look_load */
    SEE,         /* verifier: see() in look.c up to protocol_see */
    TAKE_IN,     /* verifier: load() in look.c; after a fence reload() as a whole */
    APPLIED,     /* verifier: apply() in look.c, behind lanes_wait */
    REPORT,      /* verifier: report() in look.c */
    REPORT_FULL, /* the same, if the file was lost and the new one has no room for records of versions */
    PROVE,       /* verifier, version: prove_one() in prove_ahead.c */
    FIRST_SIGHT, /* verifier, credential: look_up() in sight.c */
    TOKEN_SAYS,  /* verifier: the token confirmed the row, sight_insert, verdict */
    USE,         /* verifier, credential: a call that is answered at once, and counted */
    CRASH,       /* verifier: kill -9 */
    EDIT_ROW,    /* verifier: somebody edits its row by SQL */
    MASK,        /* verifier: what its report says of boot and state is wrong */
    KINDS
};

struct event {
    uint8_t kind;
    uint8_t verifier;
    uint8_t subject; /* version, client or credential, from 0 */
};

/* What one exploration is about, and its bounds. */
struct setting {
    const char *name;
    const char *bounds;   /* for people */
    int64_t lease;        /* ms */
    int16_t verifier_ms;  /* that a verifier's clock runs on at a tick: it may be slow by 1 % */
    int8_t overlap;       /* ticks */
    int8_t purge_delay;   /* ticks */
    int64_t quiet_period; /* ms */
    int64_t succession;   /* ms; 0: the policy asks for no successors */
    uint32_t keep;
    uint8_t versions, verifiers, clients;
    uint8_t restores, losses; /* at most */
    uint8_t ahead;            /* commands wait while a live verifier is behind by so many changes; 0: they do not */
    bool witnessed;           /* there is an audit token: an older copy is noticed by whatever would change it */
    bool in_force;            /* closings are followed until they are in force everywhere */
    uint8_t calls;            /* at their first sight at the same time */
    uint8_t issued_first;     /* clients that hold a credential under version 1 at the beginning, a bit each */
    bool retiring; /* at the beginning version 1 is retiring and version 2 active; else version 1 is active */
    uint64_t
        kinds; /* a bit for each event that can happen; without OBSERVE the waiting side reads all reports at once */
    const struct event *first_events; /* that lead to the state from which all others are explored; up to TICKS */
    unsigned depth_max;               /* events from the beginning; 0: all states that there are */
    uint64_t states_max;              /* for the table's size; more is a failure, not a bound */
};

/* What was broken first; NULL as long as nothing is. */
extern const char *world_broken;

/* Counts of things that must have happened, so that no exploration is empty. */
struct tally {
    uint64_t events[KINDS];
    uint64_t inserted, not_inserted; /* rows, by protocol_may_insert */
    uint64_t effective;              /* closings that came to be in force */
    uint64_t excused; /* states in which a verifier that came back serves a version that it has not proved yet */
    uint64_t fences;
    uint64_t asked; /* questions to a registry who lacks a successor */
};
extern struct tally tally;

static inline uint8_t bit(unsigned index)
{
    return (uint8_t)(1U << index);
}

static inline uint8_t credential_of(unsigned client, unsigned version)
{
    return (uint8_t)(client * VERSIONS + version);
}

/* A time of the model as the product has it; NEVER is 0. */
static inline int64_t at(int16_t time)
{
    return time == NEVER ? 0 : NOW + time;
}

static inline int16_t aged(int16_t time, int16_t by)
{
    if (time == NEVER)
        return NEVER;
    return (int16_t)(time - by < LONG_AGO ? LONG_AGO : time - by);
}

void world_break(const char *what);

/* operator.c: commands and the waiting side */
void operator_ring(const struct setting *setting, const struct registry_file *file, struct lifecycle_ring *ring,
                   struct lifecycle_version versions[VERSIONS]);
bool operator_happens(const struct setting *setting, struct world *world, struct event event);
void operator_conclude(const struct setting *setting, struct world *world);
#define WATCHED_MAX (2 * VERIFIERS)
/* What the guards get to know of a version, from 0. `evidence` points into the rest. */
struct testimony {
    struct lifecycle_evidence evidence;
    struct lifecycle_verifier verifiers[WATCHED_MAX];
    uint32_t proved[WATCHED_MAX][VERSIONS];
    struct lifecycle_user behind[CLIENTS];
};
void operator_testify(const struct setting *setting, const struct world *world, unsigned version,
                      struct testimony *testimony);
/* overrule: bits of enum lifecycle_guard, which have to be what stands in the way. False: it is not done. */
bool operator_changes(const struct setting *setting, struct world *world, sealring_event event, unsigned number,
                      unsigned overrule);

/* automation.c: one act of sealring run */
bool automation_runs(const struct setting *setting, struct world *world);

/* keys.c: API keys, where succession is asked for */
bool keys_happen(struct world *world, struct event event);
bool keys_hold(const struct setting *setting, const struct world *world, unsigned client, unsigned version);
void keys_issued(const struct setting *setting, struct world *world, unsigned client, unsigned version);
/* Clients in use that would be left without a good credential if the version were not accepted, a bit each: by the world's own books. */
uint8_t keys_behind(const struct setting *setting, const struct world *world, unsigned version);

/* ledger.c: the same, as the registry answers it */
uint8_t ledger_behind(const struct setting *setting, const struct world *world, unsigned version);

/* roster.c: how the waiting side sees the verifiers */
struct sighting {
    struct watched watched;
    struct watch_account account;
    uint8_t proved_told;
};
/* version: the gate's account is about it, from 0. Returns how many. */
unsigned roster_sight(const struct world *world, unsigned version, struct sighting sightings[WATCHED_MAX]);
void roster_observe(const struct setting *setting, struct world *world);
void roster_forget(struct world *world);
const uint8_t *era_bytes(uint8_t era);

/* verifying.c: the verifiers' steps */
bool verifying_happens(const struct setting *setting, struct world *world, struct event event);
bool verifying_serves(const struct process *process);
/* What a call that begins now is answered: by the cache, or at first sight with a token that is there. UNDECIDED: it is not cached. */
sealring_verdict verifying_cached(const struct process *process, unsigned credential);
sealring_verdict verifying_uncached(const struct world *world, const struct process *process, unsigned credential);

/* truth.c: what must be true in each state */
bool truth_promises(const struct world *world, unsigned credential);
bool truth_has_ended(const struct world *world, unsigned credential);
void truth_check(const struct setting *setting, const struct world *world);

/* canon.c: one representative of all states that differ in names and distant times only */
void canon_tick(const struct setting *setting, struct world *world);
void canon_normalise(const struct setting *setting, struct world *world);

#endif
