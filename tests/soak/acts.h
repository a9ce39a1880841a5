/* SPDX-License-Identifier: Apache-2.0 */
/* Acts of an operator, each written into the history with its times: before the call, committed, effective. */
#ifndef SOAK_ACTS_H
#define SOAK_ACTS_H

#include "soak/history.h"

#define ACTS_VERSIONS 128 /* of a ring, the newest */

struct actor {
    struct history *history;
    uint32_t number;
    uint64_t random;
    sealring_manager *manager;
    uint32_t ring; /* which it is at */
};

/* Opens the vault; what goes wrong ends the process. */
void acts_open(struct actor *actor, struct history *history, uint32_t number, uint64_t seed);
void acts_close(struct actor *actor);

/* How an act waits for being effective: mostly as long as it takes, now and then not at all. */
enum patience { PATIENCE_FULL, PATIENCE_NONE, PATIENCE_CHANCE };

/* One event on the actor's ring. A rotation or an activation waits for its barrier. */
sealring_status acts_version(struct actor *actor, enum history_kind kind, uint32_t version, const char *overrule,
                             enum patience patience);

/* What one act makes of keys. `key`: of the history; *issued, if not NULL, receives the credential's index. */
sealring_status acts_issue(struct actor *actor, const char *client, int64_t expires_wall_ms, uint32_t *key);
sealring_status acts_reissue(struct actor *actor, uint32_t key);
sealring_status acts_reissue_ring(struct actor *actor);
sealring_status acts_rekey(struct actor *actor, uint32_t key, int64_t overlap_ms, enum patience patience);
sealring_status acts_key_state(struct actor *actor, uint32_t key, enum history_kind kind, enum patience patience);

/* The ring's newest versions, by number. */
struct acts_version {
    uint32_t number;
    sealring_version_state state;
    int64_t activated;
    int64_t retire_at;
    int64_t purge_at;
};
struct acts_versions {
    struct acts_version list[ACTS_VERSIONS];
    size_t count;
};
void acts_list(struct actor *actor, struct acts_versions *versions);

#endif
