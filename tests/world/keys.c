/* SPDX-License-Identifier: Apache-2.0 */
/* API keys where successors are asked for: what happens to them, and who of them needs one, by the world's own books. */
#include "world/world.h"

static bool is_good(const struct world *world, unsigned credential)
{
    const struct registry_file *file = &world->registry;
    sealring_version_state state = (sealring_version_state)file->rows[credential % VERSIONS].state;
    return (file->issued & bit(credential)) != 0 && (world->keys.expired & bit(credential)) == 0 &&
           lifecycle_accepts(state);
}

/* The version of the last credential that was issued, of those that are good or of all; VERSIONS: there is none. */
static unsigned newest(const struct world *world, unsigned client, bool good)
{
    unsigned found = VERSIONS;
    uint8_t serial = 0;
    for (unsigned version = 0; version < VERSIONS; version++) {
        unsigned credential = credential_of(client, version);
        if (world->keys.serials[credential] <= serial || (good && !is_good(world, credential)))
            continue;
        serial = world->keys.serials[credential];
        found = version;
    }
    return found;
}

static bool is_active(const struct world *world, unsigned client)
{
    return ((world->registry.revoked | world->keys.suspended) & bit(client)) == 0;
}

uint8_t keys_behind(const struct setting *setting, const struct world *world, unsigned version)
{
    uint8_t behind = 0;
    for (unsigned client = 0; client < setting->clients; client++) {
        int16_t called = world->keys.called[client];
        bool in_use = called != NEVER && called >= -setting->succession;
        if (in_use && is_active(world, client) && newest(world, client, true) == version)
            behind |= bit(client);
    }
    return behind;
}

/* reissue.c: whose newest credential is under the active version gets no other one. */
bool keys_hold(const struct setting *setting, const struct world *world, unsigned client, unsigned version)
{
    if (setting->succession != 0)
        return newest(world, client, false) == version;
    return (world->registry.issued & bit(credential_of(client, version))) != 0;
}

/* A former one under the same version bears on nothing: what is asked of the newer one is asked of it. */
void keys_issued(const struct setting *setting, struct world *world, unsigned client, unsigned version)
{
    uint8_t last = 0;
    if (setting->succession == 0)
        return;
    for (unsigned other = 0; other < VERSIONS; other++) {
        uint8_t serial = world->keys.serials[credential_of(client, other)];
        last = serial > last ? serial : last;
    }
    world->keys.serials[credential_of(client, version)] = (uint8_t)(last + 1);
    world->keys.expired &= (uint8_t)~bit(credential_of(client, version));
}

bool keys_happen(struct world *world, struct event event)
{
    struct keys *keys = &world->keys;
    const struct registry_file *file = &world->registry;
    switch (event.kind) {
    case SUSPEND:
        if (!is_active(world, event.subject))
            return false;
        keys->suspended |= bit(event.subject);
        return true;
    case RESUME:
        if ((keys->suspended & bit(event.subject)) == 0 || (file->revoked & bit(event.subject)) != 0)
            return false;
        keys->suspended &= (uint8_t)~bit(event.subject);
        return true;
    case EXPIRE:
        if ((file->issued & ~keys->expired & bit(event.subject)) == 0)
            return false;
        keys->expired |= bit(event.subject);
        return true;
    default:
        if (!is_active(world, event.subject) || newest(world, event.subject, true) == VERSIONS)
            return false;
        keys->called[event.subject] = 0;
        return true;
    }
}
