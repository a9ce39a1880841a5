/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier's freshness protocol as pure steps: poll, apply, report, lease, insert. No clock, no I/O, so tests can try every order. */
#include "verifier/state/freshness_protocol.h"

#include <string.h>

#include "base/capped.h"
#include "lifecycle/verifier_liveness.h"

static bool same_era(const struct protocol *protocol, const uint8_t era[REGISTRY_ID_SIZE])
{
    return memcmp(protocol->era, era, REGISTRY_ID_SIZE) == 0;
}

/* Invalidates everything that was loaded, and the lease that depends on it. */
static void fence(struct protocol *protocol)
{
    protocol->loaded = false;
    protocol->lease_ends = 0;
    protocol->fences++;
}

void protocol_join(struct protocol *protocol, int64_t boot_ms)
{
    protocol->heard_from = boot_ms;
}

void protocol_begin_look(struct protocol *protocol, int64_t boot_ms, int64_t wall_ms)
{
    protocol->look = PROTOCOL_BEGUN;
    protocol->look_started = boot_ms;
    protocol->look_wall = wall_ms;
}

/* Advances the poll. From NO_LOOK there is no step: without a start there is no time from which a lease could run. */
static void advance(struct protocol *protocol, enum protocol_look look)
{
    if (protocol->look != PROTOCOL_NO_LOOK)
        protocol->look = look;
}

enum protocol_step protocol_see(struct protocol *protocol, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch,
                                bool replaced)
{
    if (!protocol->loaded || replaced || !same_era(protocol, era) || epoch < protocol->seen_epoch) {
        fence(protocol);
        memcpy(protocol->era, era, REGISTRY_ID_SIZE);
        protocol->epoch = 0;
        protocol->seen_epoch = epoch;
        advance(protocol, PROTOCOL_APPLYING);
        return PROTOCOL_RELOAD;
    }
    protocol->seen_epoch = epoch;
    if (epoch == protocol->epoch) {
        advance(protocol, PROTOCOL_COMPLETE);
        return PROTOCOL_NOTHING;
    }
    advance(protocol, PROTOCOL_APPLYING);
    return PROTOCOL_CHANGES;
}

void protocol_applying(struct protocol *protocol, uint64_t epoch)
{
    if (epoch > protocol->seen_epoch)
        protocol->seen_epoch = epoch;
    if (epoch > protocol->epoch && protocol->look == PROTOCOL_COMPLETE)
        protocol->look = PROTOCOL_APPLYING;
    protocol->fences++;
}

void protocol_applied(struct protocol *protocol, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch)
{
    if (!same_era(protocol, era) || epoch < protocol->epoch) {
        fence(protocol);
        advance(protocol, PROTOCOL_BEGUN);
        return;
    }
    protocol->loaded = true;
    protocol->epoch = epoch;
    if (epoch > protocol->seen_epoch)
        protocol->seen_epoch = epoch;
    if (protocol->look == PROTOCOL_APPLYING && epoch == protocol->seen_epoch)
        protocol->look = PROTOCOL_COMPLETE;
}

void protocol_widened(struct protocol *protocol)
{
    protocol->fences++;
}

static void take_wall_offset(struct protocol *protocol)
{
    int64_t offset = capped_add(protocol->look_wall, -protocol->look_started);
    int64_t moved = capped_add(offset, -protocol->wall_offset);
    protocol->clocks_disagree =
        protocol->wall_known && (moved > PROTOCOL_CLOCKS_APART_MS || moved < -PROTOCOL_CLOCKS_APART_MS);
    protocol->wall_offset = offset;
    protocol->wall_known = true;
}

bool protocol_reported(struct protocol *protocol, int64_t boot_ms, int64_t lease_ms)
{
    if (protocol->look != PROTOCOL_COMPLETE)
        return true;
    protocol->look = PROTOCOL_NO_LOOK;
    if (protocol->look_started < protocol->lease_from)
        return true;
    bool in_time = boot_ms < capped_add(protocol->heard_from, lease_ms);
    protocol->heard_from = protocol->look_started;
    if (!in_time)
        return false;
    protocol->lease_from = protocol->look_started;
    protocol->lease_ends = capped_add(protocol->look_started, lease_ms);
    take_wall_offset(protocol);
    return true;
}

int64_t protocol_serves_until(const struct protocol *protocol)
{
    return protocol->loaded ? protocol->lease_ends : 0;
}

bool protocol_may_insert(const struct protocol *protocol, uint64_t fences, const uint8_t era[REGISTRY_ID_SIZE])
{
    return protocol->loaded && fences == protocol->fences && same_era(protocol, era);
}
