/* SPDX-License-Identifier: Apache-2.0 */
/* The small world of facts: a registry with one API key and one version, the audit token, two operators, servers, and somebody who edits the registry. */
#ifndef TESTS_FACTS_FACTS_H
#define TESTS_FACTS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "log/tail/fact_tail.h"
#include "registry/rows/closed_facts.h"

/* Production code decides: src/manage/act, src/manage/session (commit, facts_check, sign_first, sign_checkpoint, anchor_check), src/log,
 * src/verifier/fresh (follow_closed, check_head), src/verifier/state, src/manage/roster, src/lifecycle/verifier_liveness.c. The linker's --wrap
 * gives it a registry, an audit token, locks, files and clocks that are data in struct world, so that every order of steps can be tried.
 *
 * Hashes are numbers (hashes.c). Times are milliseconds from now. */
enum { FACTS_MAX = 7, LOG_MAX = 10, CHECKPOINTS_MAX = 6, SERVERS = 2, OPERATORS = 2, SIGNED_MAX = 8, WRITTEN_MAX = 8 };

#define TICK     1000
#define LONG_AGO (-9000) /* and earlier */
#define NOW      INT64_C(1000000)
#define LEASE    1000

#define PACKED __attribute__((packed))

/* What a fact sets. Of the key: bits, so that more bits restrict more. */
#define KEY_NARROWED  1 /* and its credentials end: the two always come together, and must stay together */
#define KEY_SUSPENDED 2
#define ENDS          "65536:100"
#define KEY_REVOKED   4
enum subject { OF_KEY, OF_VERSION };
struct PACKED fact {
    uint8_t subject;
    uint8_t value; /* bits; or a version's state */
    uint32_t hash; /* the column, which somebody may have edited */
};

struct PACKED checkpoint_row {
    uint8_t column; /* the row's own size, which is not signed; 0: no row */
    uint8_t size;
    uint8_t era;
    uint8_t count;
    uint8_t verifies;
    uint8_t time; /* by the order of signatures */
    uint32_t head;
    uint32_t root;
};

struct PACKED file {
    uint8_t era;
    uint8_t epoch;
    uint8_t log_size;
    uint8_t fact_count;
    uint32_t log[LOG_MAX]; /* the root of the tree at each size */
    struct fact facts[FACTS_MAX];
    struct checkpoint_row checkpoints[CHECKPOINTS_MAX]; /* from the largest size on */
};

struct PACKED anchor {
    uint8_t there;
    uint8_t serial;
    uint8_t era;
    uint8_t size;
    uint8_t count;
    uint32_t digest;
};

/* A line of vault.unsigned. */
struct PACKED noted {
    uint8_t kind, era;
    uint8_t entry, before, facts;
    uint32_t hash, head;
};

/* What an operator's process remembers from act to act: of the first one, as a daemon does; the second is a new process for each command. */
struct PACKED memory {
    struct noted kept; /* what it has examined */
    uint8_t keeps;
    uint8_t count; /* struct fact_tail */
    uint32_t head;
    uint8_t restrictions, others, broken, lacks_signed;
    uint8_t judged;
    uint8_t unsettled;
    uint8_t settled;
    struct anchor anchor;
};

struct PACKED tail_entry {
    uint32_t head;
    uint8_t there; /* a fact, and not only a hash: revocations are no entries */
    uint8_t subject;
    uint8_t value;
    uint8_t permits;
};

enum life { GONE, OPEN, SERVING };

struct PACKED server {
    uint8_t life;
    /* struct protocol */
    uint8_t loaded, era, epoch, seen_epoch, look;
    int16_t look_started, heard_from, lease_left;
    /* struct closed_chain */
    uint8_t key; /* bits */
    uint8_t version;
    uint8_t closed_era, era_unsigned, signed_time;
    uint8_t start_count, sound_count, seen_count, tail_length;
    uint32_t start_head, sound_head, seen_head;
    struct tail_entry tail[FACTS_MAX];
    uint8_t broken, unapplied;
    uint8_t
        excused; /* when it opened, no report had the facts that were effective everywhere: only the anchor shows that */
    /* its report */
    uint8_t file, joining, file_era, file_epoch, file_count;
    uint32_t file_head;
    int16_t reported;
    /* what the waiting process saw of it */
    uint8_t remembered, moved;
    int16_t since;
};

/* What is so, whatever the product believes. */
struct PACKED truth {
    uint32_t signed_heads[SIGNED_MAX]; /* of all checkpoints that were signed and committed */
    uint8_t signed_eras[SIGNED_MAX];
    uint8_t signed_times[SIGNED_MAX];
    uint8_t anchored; /* a bit each: the token knows of it as well */
    uint8_t signed_count;
    struct PACKED {
        uint32_t head;
        uint8_t by; /* who added that fact to that chain; 2: anybody, as an operator confirmed it */
    } written[WRITTEN_MAX];
    uint8_t written_count;
    uint8_t key; /* effective everywhere */
    uint8_t version;
    uint8_t destroyed; /* the object */
};

/* A restriction whose operator waits until it is effective everywhere. */
struct PACKED pending {
    uint8_t waits;
    uint8_t subject, value;
    uint8_t epoch, count;
    uint32_t head;
    int16_t committed;
};

struct PACKED world {
    struct file registry;
    struct file copy;
    uint8_t copied;
    uint8_t eras; /* made so far */
    uint8_t signatures;
    struct anchor anchor, announced;
    struct noted noted[3]; /* vault.unsigned */
    uint8_t noted_count;
    struct memory memory; /* of the first operator */
    struct server servers[SERVERS];
    struct pending pending;
    struct truth truth;
    uint8_t acts, forgeries; /* done by now */
};

/* ---- the world at work, and what production code finds there ---- */

extern struct world world;
extern const char *world_broken; /* what was broken first */
extern bool world_full;          /* a table has no room: this step is not explored */
extern unsigned operator_at_work;
static inline void world_break(const char *what)
{
    if (world_broken == NULL)
        world_broken = what;
}

/* Whether bits of a key restrict it at least as much as others: a revoked key has no further values. */
static inline bool key_has(uint8_t key, uint8_t least)
{
    return (key & KEY_REVOKED) != 0 || (key & least) == least;
}

/* hashes.c */
uint32_t hash_number(const uint8_t hash[REGISTRY_DIGEST_SIZE]);
const uint8_t *hash_bytes(uint32_t number);
uint32_t hash_after(uint32_t before, const struct fact *fact);        /* by registry_closed_hash */
bool hash_origin(uint32_t head, uint32_t *before, struct fact *last); /* false: the beginning, or no chain's head */
unsigned hash_length(uint32_t head);
bool hash_extends(uint32_t head, uint32_t former);

/* registry_of_data.c */
void fact_fill(const struct fact *fact, uint64_t sequence, struct registry_closed *filled);
bool file_add(struct file *file, uint8_t subject, uint8_t value);
void file_values(const struct file *file, uint8_t *key, uint8_t *version); /* of the last facts */
uint32_t file_head(const struct file *file);
const uint8_t *era_bytes(uint8_t era);
uint8_t era_number(const uint8_t era[REGISTRY_ID_SIZE]);

/* token_of_data.c */
struct own_note;
void note_unpack(const struct noted *packed, struct own_note *note);
struct noted note_pack(const struct own_note *note);
enum token_mode { TOKEN_PRESENT, TOKEN_AWAY, TOKEN_SIGNS_ONLY, TOKEN_MODES };
extern enum token_mode token_mode;
extern void (*while_signing)(unsigned step); /* NULL: nothing happens meanwhile */
extern unsigned while_signing_step;

/* operators.c */
enum act {
    ACT_SUSPEND,
    ACT_NARROW,
    ACT_REVOKE,
    ACT_COMPROMISE,
    ACT_RESUME,
    ACT_WIDEN,
    ACT_RETIRE,
    ACT_REINSTATE,
    ACT_DESTROY,
    ACTS
};
extern const char *const act_names[ACTS];
void operator_begins(void); /* the world as it is first */
bool operator_acts(unsigned who, enum act act, enum token_mode mode, bool takes_over);
bool operator_waits(void); /* asks once more whether the restriction is effective everywhere */
bool operator_restarts(void);
bool operator_backs_up(void);

/* forger.c */
enum forgery {
    FORGE_PERMIT_KEY,
    FORGE_SUSPEND,
    FORGE_REVOKE,
    FORGE_REINSTATE,
    FORGE_COMPROMISE,
    FORGE_DESTROY,
    FORGE_BROKEN_FACT,
    FORGE_EDIT_LAST,
    FORGE_EDIT_SILENTLY,
    FORGE_CUT_ONE,
    FORGE_CUT_UNSIGNED,
    FORGE_RESTORE,
    FORGE_ERA,
    FORGE_FORMER_ERA,
    FORGE_CHECKPOINT,
    FORGE_NO_CHECKPOINTS,
    FORGE_MOVE_CHECKPOINT,
    FORGERIES
};
extern const char *const forgery_names[FORGERIES];
bool forger_acts(enum forgery forgery);

/* servers.c */
bool server_opens(unsigned index);
bool server_looks(unsigned index);
bool server_reports(unsigned index);
bool server_dies(unsigned index);
bool server_serves(const struct server *server);
struct roster;
void servers_fill_roster(struct roster *roster);
void servers_observed(const struct roster *roster);

/* promises.c */
uint8_t chain_key(uint32_t head); /* what the facts of a chain set */
uint8_t chain_version(uint32_t head);
void promise_signed(unsigned who, uint32_t head, uint8_t era);
void promise_anchored(uint8_t count);
void promise_tried(uint32_t before, uint32_t head); /* twice the same: nothing */
void promise_committed(unsigned before);            /* facts that were there before the act */
void promise_opened(const struct server *server);
void promise_looked(const struct server *before, const struct server *after);
void promise_check(void);

#endif
