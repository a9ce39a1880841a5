/* SPDX-License-Identifier: Apache-2.0 */
/* The worlds: what may happen in each of them, and how far. */
#include "world/settings.h"

#include <string.h>

#define E(kind)  (UINT64_C(1) << (kind))
#define LOOKS    (E(JOIN) | E(PROVE_ALL) | E(SEE) | E(TAKE_IN) | E(APPLIED) | E(REPORT) | E(CRASH) | E(TICKS))
#define COMMANDS (E(PREPARE) | E(ACTIVATE) | E(ROLLBACK) | E(RETIRE) | E(REINSTATE) | E(COMPROMISE) | E(DESTROY))
#define KEYS     (E(SUSPEND) | E(RESUME) | E(EXPIRE) | E(CALLED))

/* What most worlds have: a lease of a tick, clocks that run alike; and windows of a tick. */
#define CLOCKS  .lease = 1000, .verifier_ms = 1000
#define WINDOWS .overlap = 1, .purge_delay = 1

/* Verifier 1 has joined. */
#define JOINED                                                                  \
    {JOIN, 0, 0}, {SEE, 0, 0}, {TAKE_IN, 0, 0}, {PROVE_ALL, 0, 0}, {SEE, 0, 0}, \
    {                                                                           \
        REPORT, 0, 0                                                            \
    }

static const struct event joined[] = {JOINED, {TICKS, 0, 0}};

/* Both have. */
static const struct event both_joined[] = {
    JOINED, {JOIN, 1, 0}, {SEE, 1, 0}, {TAKE_IN, 1, 0}, {PROVE_ALL, 1, 0}, {SEE, 1, 0}, {REPORT, 1, 0}, {TICKS, 0, 0}};

/* There is an older copy, and verifier 1 has applied what was done since. */
static const struct event backed_up[] = {JOINED,          {BACK_UP, 0, 0}, {ISSUE, 0, 1},  {SEE, 0, 0},
                                         {TAKE_IN, 0, 0}, {APPLIED, 0, 0}, {REPORT, 0, 0}, {TICKS, 0, 0}};

static const struct setting settings[] = {
    {
        .name = "revocation",
        .bounds = "1 version, 1 client, 2 verifiers; a first sight under way; the key revoked, the version compromised",
        CLOCKS,
        WINDOWS,
        .versions = 1,
        .verifiers = 2,
        .clients = 1,
        .in_force = true,
        .calls = 1,
        .issued_first = 1,
        .kinds = LOOKS | E(FIRST_SIGHT) | E(TOKEN_SAYS) | E(REVOKE) | E(COMPROMISE),
    },
    {
        .name = "slow-clock",
        .bounds = "1 version, 1 client, 1 verifier whose clock is slow by 1 %; reports are read or not",
        .lease = 3000,
        .verifier_ms = 990,
        WINDOWS,
        .versions = 1,
        .verifiers = 1,
        .clients = 1,
        .in_force = true,
        .calls = 1,
        .issued_first = 1,
        .kinds = LOOKS | E(OBSERVE) | E(FIRST_SIGHT) | E(TOKEN_SAYS) | E(REVOKE) | E(COMPROMISE),
        .first_events = joined,
        .depth_max = 13,
    },
    {
        .name = "identity",
        .bounds =
            "1 version, 1 client, 1 verifier with another boot ID and an edited row; another process waits; reports are read or not",
        CLOCKS,
        WINDOWS,
        .versions = 1,
        .verifiers = 1,
        .clients = 1,
        .in_force = true,
        .calls = 1,
        .issued_first = 1,
        .kinds = LOOKS | E(OBSERVE) | E(FIRST_SIGHT) | E(TOKEN_SAYS) | E(REVOKE) | E(COMPROMISE) | E(ANOTHER) |
                 E(EDIT_ROW) | E(MASK),
        .first_events = joined,
        .depth_max = 12,
    },
    {
        .name = "rotation",
        .bounds = "3 versions, 1 client, 1 verifier, every command; commands wait while it is behind",
        CLOCKS,
        .versions = 3,
        .verifiers = 1,
        .clients = 1,
        .ahead = 1,
        .kinds = LOOKS | COMMANDS | E(ISSUE) | E(PROVE),
        .first_events = joined,
        .depth_max = 12,
    },
    {
        .name = "barrier",
        .bounds = "2 versions, 1 client, 1 verifier, every command; they wait while it is behind by 2 changes",
        CLOCKS,
        .versions = 2,
        .verifiers = 1,
        .clients = 1,
        .ahead = 2,
        .kinds = LOOKS | COMMANDS | E(ISSUE) | E(PROVE),
        .first_events = joined,
        .depth_max = 14,
    },
    {
        .name = "retirement",
        .bounds = "a retiring version, 1 verifier, uses, one report file removed",
        CLOCKS,
        WINDOWS,
        .quiet_period = 1000,
        .versions = 2,
        .verifiers = 1,
        .clients = 1,
        .losses = 1,
        .issued_first = 1,
        .retiring = true,
        .kinds = LOOKS | E(RETIRE) | E(USE) | E(LOSE_FILE) | E(REPORT_FULL),
    },
    {
        .name = "holes",
        .bounds = "the same with a quiet period that is longer than it takes to conclude that a verifier is gone",
        CLOCKS,
        WINDOWS,
        .quiet_period = 3000,
        .versions = 2,
        .verifiers = 1,
        .clients = 1,
        .losses = 1,
        .issued_first = 1,
        .retiring = true,
        .kinds = LOOKS | E(RETIRE) | E(USE) | E(LOSE_FILE) | E(REPORT_FULL),
        .first_events = joined,
        .depth_max = 11,
    },
    {
        .name = "succession",
        .bounds = "3 versions, 2 API keys that are used, suspended, revoked or expire; operators and automation retire",
        CLOCKS,
        WINDOWS,
        .succession = 2000,
        .versions = 3,
        .clients = 2,
        .issued_first = 3,
        .retiring = true,
        .kinds = COMMANDS | KEYS | E(ISSUE) | E(REVOKE) | E(OVERRULE) | E(NAMED) | E(RUN) | E(TICKS),
        .depth_max = 6,
    },
    {
        .name = "restoring",
        .bounds = "1 version, 2 clients, 1 verifier; an older copy comes back once, in each of three ways",
        CLOCKS,
        WINDOWS,
        .versions = 1,
        .verifiers = 1,
        .clients = 2,
        .in_force = true,
        .restores = 1,
        .ahead = 2,
        .calls = 1,
        .issued_first = 1,
        .kinds = LOOKS | E(FIRST_SIGHT) | E(TOKEN_SAYS) | E(REVOKE) | E(ISSUE) | E(COMPROMISE) | E(RESTORE) |
                 E(WRITE_BACK) | E(PUT_BACK),
        .first_events = backed_up,
        .depth_max = 9,
    },
    {
        .name = "everything",
        .bounds = "3 versions, 2 clients, 2 verifiers, every event, an older copy comes back once, a lost file",
        CLOCKS,
        WINDOWS,
        .quiet_period = 1000,
        .versions = 3,
        .verifiers = 2,
        .clients = 2,
        .witnessed = true,
        .restores = 1,
        .losses = 1,
        .ahead = 2,
        .calls = 1,
        .issued_first = 1,
        .retiring = true,
        .kinds = LOOKS | E(OBSERVE) | COMMANDS | E(ISSUE) | E(PROVE) | E(FIRST_SIGHT) | E(TOKEN_SAYS) | E(REVOKE) |
                 E(USE) | E(LOSE_FILE) | E(REPORT_FULL) | E(BACK_UP) | E(RESTORE) | E(WRITE_BACK) | E(PUT_BACK) |
                 E(TAKE_OVER),
        .first_events = both_joined,
        .depth_max = 7,
    },
};
#define KEEP        2 /* retiring versions, in all of them */
#define STATES      UINT64_C(6000000)
#define DEEP_STATES UINT64_C(60000000) /* 1.5 GB */
#define COUNT       (sizeof settings / sizeof settings[0])

unsigned settings_count(void)
{
    return COUNT;
}

struct setting settings_get(bool deep, unsigned index)
{
    struct setting setting = settings[index];
    setting.keep = KEEP;
    setting.states_max = deep ? DEEP_STATES : STATES;
    setting.depth_max = deep ? 0 : setting.depth_max;
    return setting;
}

void settings_begin(const struct setting *setting, struct world *world)
{
    memset(world, 0, sizeof *world);
    struct registry_file *file = &world->registry;
    file->inode = 1;
    file->era = 1;
    file->epoch = 1;
    file->last_number = 1;
    file->era_in_force = 1;
    file->rows[0] = (struct row){
        .state = SEALRING_VERSION_ACTIVE, .made = 1, .activated = 1, .created_epoch = 1, .changed_epoch = 1};
    for (unsigned client = 0; client < setting->clients; client++) {
        file->key_epoch[client] = 1;
        if ((setting->issued_first >> client & 1) == 0)
            continue;
        file->issued |= bit(credential_of(client, 0));
        keys_issued(setting, world, client, 0);
    }
    for (unsigned client = 0; client < CLIENTS; client++)
        world->keys.called[client] = NEVER;
    world->truth.promised = 1;
    if (setting->retiring) {
        file->last_number = 2;
        file->epoch = 2;
        file->rows[1] = file->rows[0];
        file->rows[1].activated = 2;
        file->rows[0].state = SEALRING_VERSION_RETIRING;
        file->rows[0].retire_at = setting->overlap;
        world->truth.promised = 3;
    }
    for (unsigned i = 0; i < VERSIONS; i++)
        world->truth.used[i] = NEVER;
    for (unsigned i = 0; i < VERIFIERS; i++)
        for (unsigned version = 0; version < VERSIONS; version++)
            world->processes[i].last_use[version] = NEVER;
}
