/* SPDX-License-Identifier: Apache-2.0 */
/* Issues one API key's successor, passes it to whoever takes it, and records what became of that. */
#ifndef MANAGE_HANDOVER_DELIVER_SUCCESSOR_H
#define MANAGE_HANDOVER_DELIVER_SUCCESSOR_H

#include "manage/session/manager.h"
#include "notify/run_hook.h"
#include "registry/handover/handover_rows.h"

/* Where successors go, as sealring.conf has it. */
struct takers {
    const char *directory; /* encrypted ones only; "": none */
    bool has_hooks;
    struct hooks hooks;
    int64_t limit; /* ms for each hook */
};

/* One attempt. */
struct successor_attempt {
    sealring_manager *manager;
    const struct takers *takers;
    const struct registry_ring *ring;
    uint32_t active;
    struct registry_handover_info about; /* as registry_handovers_due reads it; then the row has the outcome */
    uint32_t serial;                     /* 0: nothing was issued */
    bool concerns_all;                   /* it failed for a reason that is not about this key: nothing is recorded */
};

/* Outside of every lock and transaction while hooks run. A failure: nothing more can be delivered at present. */
sealring_status successor_deliver(struct successor_attempt *attempt, sealring_error *error);

#endif
