/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in a soak: credentials, acts, processes and what was noticed on the way, in memory that all its processes share. */
#ifndef SOAK_HISTORY_H
#define SOAK_HISTORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealring/manage.h>

#define HISTORY_RINGS    2
#define HISTORY_VERSIONS 65536 /* of a ring, at most */
#define HISTORY_NONE     UINT32_MAX

/* All times are CLOCK_BOOTTIME in nanoseconds, 0 for none, unless a name says wall_ms. */

struct history_key {
    _Atomic(uint32_t) ready;
    uint32_t ring;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
};

/* One that was handed out. */
struct history_credential {
    _Atomic(uint32_t) ready;
    uint32_t ring;
    uint32_t key;
    uint32_t serial;
    uint32_t version;
    uint32_t length;
    int64_t expires_wall_ms;
    int64_t begun;  /* the call that issued it */
    int64_t handed; /* its callback */
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
};

enum history_kind {
    ACT_NONE,
    ACT_ISSUE,
    ACT_REISSUE,
    ACT_REISSUE_RING,
    ACT_REKEY,
    ACT_SUSPEND,
    ACT_RESUME,
    ACT_NARROW,
    ACT_REVOKE,
    ACT_PREPARE,
    ACT_ROTATE,
    ACT_ACTIVATE,
    ACT_ROLLBACK,
    ACT_RETIRE,
    ACT_REINSTATE,
    ACT_COMPROMISE,
    ACT_DESTROY,
    ACT_RUN,
    ACT_KINDS
};
const char *history_kind_name(enum history_kind kind);

/* One act of an operator. What was not committed has epoch 0. */
struct history_act {
    _Atomic(uint32_t) ready;
    enum history_kind kind;
    uint32_t actor;
    uint32_t ring;
    uint32_t version; /* 0: of no version */
    uint32_t key;     /* HISTORY_NONE: of no key */
    uint32_t serial;  /* rekey: the new one */
    sealring_status status;
    bool overruled;
    bool waited;        /* for effective, and was told so */
    int64_t overlap_ms; /* rekey */
    uint64_t epoch;
    int64_t begun;
    int64_t committed; /* at the latest */
    int64_t effective;
};

enum life_kind { LIFE_SERVER, LIFE_PREFORK, LIFE_WORKER };

/* One process that verifies. */
struct history_life {
    _Atomic(uint32_t) ready;
    enum life_kind kind;
    uint32_t slot;
    uint64_t seed;
    int64_t lasts; /* a worker leaves by itself after so long */
    _Atomic(int32_t) process;
    _Atomic(uint32_t) quit; /* it is asked to leave */
    _Atomic(int64_t) joined;
    _Atomic(int64_t) left; /* closed its vault */
};

enum moment_kind {
    MOMENT_START,
    MOMENT_KILL,
    MOMENT_STOP,
    MOMENT_CONTINUE,
    MOMENT_RESTART,
    MOMENT_WORKER,
    MOMENT_KINDS
};

/* What was done to a process. */
struct history_moment {
    _Atomic(uint32_t) ready;
    enum moment_kind kind;
    uint32_t life;
    int64_t before;
    int64_t after;
};

enum rule {
    RULE_REJECTION,   /* what was to be accepted was rejected */
    RULE_ACCEPTANCE,  /* what was closed, effective, was accepted */
    RULE_UNAVAILABLE, /* no verdict, for no reason that is allowed */
    RULE_BARRIER,     /* handed out, and a live verifier had not proved its version */
    RULE_QUIET,       /* retired by the gate, with a use in the quiet period */
    RULE_COUNTS,      /* counted otherwise than answered */
    RULE_ACTS,        /* an act failed for another reason than the state of things */
    RULE_PROCESSES,   /* a verifying process ended by itself, or could not begin */
    RULES
};
const char *rule_name(enum rule rule);

/* Something against a rule; or, with `rule` RULES, only what a verifier said when it had no verdict. */
struct history_finding {
    _Atomic(uint32_t) ready;
    enum rule rule;
    uint32_t credential; /* HISTORY_NONE: of none in particular; likewise below */
    uint32_t life;
    int64_t at;
    char text[400];
};

struct history_limits {
    uint32_t keys;
    uint32_t credentials;
    uint32_t acts;
    uint32_t lives;
    uint32_t moments;
    uint32_t findings;
};

struct history {
    char directory[64]; /* of the whole soak; the answers' files are in it */
    char vault[96];
    char verifiers[128]; /* of the vault */
    const char *ring_names[HISTORY_RINGS];
    int64_t ring_rows[HISTORY_RINGS]; /* of the registry */
    int64_t lease;
    int64_t quiet;
    int64_t wall_offset; /* wall minus boot time */
    int64_t clock_slack; /* how far the two may run apart */
    int64_t pause;       /* of a verifying thread, at most */
    struct history_limits limits;
    struct history_key *keys;
    struct history_credential *credentials;
    struct history_act *acts;
    struct history_life *lives;
    struct history_moment *moments;
    struct history_finding *findings;
    _Atomic(uint32_t) key_count;
    _Atomic(uint32_t) credential_count;
    _Atomic(uint32_t) act_count;
    _Atomic(uint32_t) life_count;
    _Atomic(uint32_t) moment_count;
    _Atomic(uint32_t) finding_count;
    _Atomic(uint32_t) finding_total[RULES + 1];
    _Atomic(uint32_t) adding; /* a lock: who lists a credential */
    _Atomic(uint32_t) over;   /* operators finish what they are at, and end */
    _Atomic(uint8_t) drained[HISTORY_RINGS]
                            [HISTORY_VERSIONS]; /* clients have moved on: nobody presents its credentials */
};

/* In memory that children share. NULL: there is none. */
struct history *history_new(const struct history_limits *limits);
void history_free(struct history *history);

int64_t history_now(void);
int64_t history_wall_offset(void);
void history_pause(int64_t nanoseconds);

/* splitmix64; and a number below `limit`. */
uint64_t history_random(uint64_t *state);
uint32_t history_below(uint64_t *state, uint32_t limit);

/* Each adds one and returns its index; a table that is full ends the process: limits are chosen for the length of the soak. */
uint32_t history_add_act(struct history *history, const struct history_act *act);
uint32_t history_add_life(struct history *history, enum life_kind kind, uint32_t slot, uint64_t seed);
void history_add_moment(struct history *history, enum moment_kind kind, uint32_t life, int64_t before);
/* at 0: now. Those that there is no room for are counted only. */
__attribute__((format(printf, 6, 7))) void history_add_finding(struct history *history, enum rule rule,
                                                               uint32_t credential, uint32_t life, int64_t at,
                                                               const char *format, ...);

/* The key with this ID, made if it is new. */
uint32_t history_add_key(struct history *history, uint32_t ring, const char *key_id);

/* The credential that was handed out; one that is listed already is not listed again. */
uint32_t history_add_credential(struct history *history, uint32_t ring, uint32_t key, const sealring_issued *issued,
                                int64_t begun);

#endif
