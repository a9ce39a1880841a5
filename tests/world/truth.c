/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true in every state: DESIGN's invariants and promises, judged by the world's own books. */
#include <stdio.h>
#include <string.h>

#include "world/world.h"

const char *world_broken;
struct tally tally;

void world_break(const char *what)
{
    if (world_broken == NULL)
        world_broken = what;
}

/* From its issue until it is revoked or its version closed; of a version that was reinstated, from when it is activated again. */
bool truth_promises(const struct world *world, unsigned credential)
{
    unsigned client = credential / VERSIONS;
    const struct registry_file *file = &world->registry;
    return (file->issued & bit(credential)) != 0 && (file->revoked & bit(client)) == 0 &&
           (world->truth.doubtful & bit(client)) == 0 && (world->truth.promised & bit(credential % VERSIONS)) != 0;
}

bool truth_has_ended(const struct world *world, unsigned credential)
{
    return world->truth.keys[credential / VERSIONS].effective || world->truth.versions[credential % VERSIONS].effective;
}

static bool rejects(sealring_verdict verdict)
{
    return verdict != SEALRING_UNDECIDED && verdict != SEALRING_ACCEPTED && verdict != SEALRING_UNAVAILABLE;
}

/* P2 and P3, of a call that begins now. */
static void check_call(const struct world *world, const struct process *process, unsigned credential)
{
    sealring_verdict cached = verifying_cached(process, credential);
    sealring_verdict uncached = verifying_uncached(world, process, credential);
    if (truth_promises(world, credential)) {
        if (rejects(cached))
            world_break("a good credential that was seen before is rejected");
        if (rejects(uncached))
            world_break("a good credential is rejected at its first sight");
        if (verifying_serves(process) && (cached == SEALRING_UNAVAILABLE || uncached == SEALRING_UNAVAILABLE))
            world_break("a verifier whose lease lasts does not know the version of a good credential");
    }
    if (truth_has_ended(world, credential)) {
        if (cached == SEALRING_ACCEPTED)
            world_break("a credential whose end is in force everywhere is accepted from the cache");
        if (uncached == SEALRING_ACCEPTED)
            world_break("a credential whose end is in force everywhere is accepted at its first sight");
    }
}

/* Who has applied the registry's present epoch knows what the registry says: so nothing went back, or came in, unnoticed. */
static void check_knowledge(const struct world *world, const struct process *process)
{
    const struct registry_file *file = &world->registry;
    bool current = process->loaded && !process->taken && process->era == file->era && process->epoch == file->epoch &&
                   process->opened == file->inode && !world->truth.written_back;
    if (!current)
        return;
    for (unsigned version = 0; version < VERSIONS; version++) {
        if (process->known[version] != file->rows[version].state || process->made[version] != file->rows[version].made)
            world_break("a verifier that applied the registry's epoch knows another state of a version");
        for (unsigned client = 0; client < CLIENTS; client++) {
            unsigned credential = credential_of(client, version);
            if ((process->cached & bit(credential)) != 0 && (file->revoked & bit(client)) != 0)
                world_break("a verifier that applied a revocation has the credential cached");
        }
    }
}

static void check_active(const struct world *world)
{
    unsigned active = 0;
    for (unsigned version = 0; version < VERSIONS; version++)
        active += world->registry.rows[version].state == SEALRING_VERSION_ACTIVE;
    if (active > 1)
        world_break("two versions are active");
}

/* Clients' credentials of a version stay good until it is retired or compromised. */
static void check_held(const struct world *world)
{
    for (unsigned version = 0; version < VERSIONS; version++) {
        bool promised = (world->truth.promised & bit(version)) != 0;
        if (promised && !lifecycle_accepts((sealring_version_state)world->registry.rows[version].state))
            world_break("a version that was promised is closed in the registry");
    }
}

void truth_check(const struct setting *setting, const struct world *world)
{
    check_active(world);
    check_held(world);
    for (unsigned i = 0; i < setting->verifiers; i++) {
        const struct process *process = &world->processes[i];
        if (process->life == GONE)
            continue;
        check_knowledge(world, process);
        bool excused = verifying_serves(process) && (process->excused & ~process->proved) != 0;
        tally.excused += excused;
        for (unsigned credential = 0; credential < CREDENTIALS; credential++)
            check_call(world, process, credential);
    }
}
