/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's side: commands that are decided as src/manage/versions/transition.c does, and what is known to be in force everywhere. */
#include <stdio.h>
#include <string.h>

#include "manage/act/era_check.h"
#include "world/world.h"

/* ---- the ring as src/manage/session/ring_state.c gives it to the life cycle ---- */

static int64_t row_time(int8_t ticks)
{
    return NOW + (int64_t)ticks * TICK;
}

/* version_held in registry/rows/version_rows.c: credentials of keys that are not revoked. */
static bool is_held(const struct registry_file *file, unsigned version)
{
    for (unsigned client = 0; client < CLIENTS; client++)
        if ((file->issued & bit(credential_of(client, version))) != 0 && (file->revoked & bit(client)) == 0)
            return true;
    return false;
}

void operator_ring(const struct setting *setting, const struct registry_file *file, struct lifecycle_ring *ring,
                   struct lifecycle_version versions[VERSIONS])
{
    for (unsigned i = 0; i < file->last_number; i++) {
        const struct row *row = &file->rows[i];
        bool closed = row->state == SEALRING_VERSION_RETIRED || row->state == SEALRING_VERSION_COMPROMISED;
        /* an active one keeps what was promised of it before a rollback; what is over promises no more than the present */
        bool promised = row->state == SEALRING_VERSION_RETIRING || row->state == SEALRING_VERSION_ACTIVE;
        versions[i] = (struct lifecycle_version){
            .number = i + 1,
            .state = (sealring_version_state)row->state,
            .activated = row->activated == 0 ? 0 : 1 + row->activated,
            .retire_at = promised ? row_time(row->retire_at) : 0,
            .closed = closed ? row_time((int8_t)(row->purge_at - setting->purge_delay)) : 0,
            .purge_at = closed ? row_time(row->purge_at) : 0,
            .destroyed = row->state == SEALRING_VERSION_DESTROYED ? 1 : 0,
            .fact = row->changed_epoch, /* in this world each change is a fact */
            .was_compromised = row->was_compromised != 0,
            .held = is_held(file, i),
        };
    }
    *ring = (struct lifecycle_ring){
        .name = "ring",
        .policy = {.overlap = (int64_t)setting->overlap * TICK,
                   .purge_delay = (int64_t)setting->purge_delay * TICK,
                   .keep = setting->keep,
                   .quiet_period = setting->quiet_period},
        .rotation_held = file->rotation_held != 0,
        .last_number = file->last_number,
        .versions = versions,
        .count = file->last_number,
    };
}

/* ---- evidence, as src/manage/fleet/evidence.c reads it ---- */

/* name_behind: it is asked of a retiring version. */
static void read_behind(const struct setting *setting, const struct world *world, unsigned version,
                        struct testimony *testimony)
{
    struct lifecycle_evidence *evidence = &testimony->evidence;
    evidence->succession = setting->succession;
    if (setting->succession == 0 || world->registry.rows[version].state != SEALRING_VERSION_RETIRING)
        return;
    evidence->behind = testimony->behind;
    evidence->behind_count = (size_t)__builtin_popcount(ledger_behind(setting, world, version));
    evidence->behind_named = evidence->behind_count;
    for (size_t i = 0; i < evidence->behind_count; i++)
        testimony->behind[i] = (struct lifecycle_user){.name = "k", .last_use = NOW};
}

void operator_testify(const struct setting *setting, const struct world *world, unsigned version,
                      struct testimony *testimony)
{
    struct sighting sightings[WATCHED_MAX];
    unsigned count = roster_sight(world, version, sightings);
    for (unsigned i = 0; i < count; i++) {
        struct lifecycle_verifier *verifier = &testimony->verifiers[i];
        *verifier = (struct lifecycle_verifier){.name = "v", .proved = testimony->proved[i]};
        for (unsigned v = 0; v < world->registry.last_number; v++)
            if ((sightings[i].proved_told & bit(v)) != 0)
                testimony->proved[i][verifier->proved_count++] = v + 1;
        /* what it applied in another life of the registry is worth nothing */
        if (memcmp(sightings[i].watched.era, era_bytes(world->registry.era), WATCH_ID_SIZE) != 0)
            sightings[i].watched.epoch = sightings[i].watched.facts = 0;
        watch_testify(&sightings[i].watched, &sightings[i].account, NOW, NOW, setting->lease, verifier);
    }
    testimony->evidence = (struct lifecycle_evidence){
        .now = NOW,
        .verifiers = testimony->verifiers,
        .verifier_count = count,
        .quiet_period = setting->quiet_period,
        .new_era = !world->registry.era_in_force,
    };
    read_behind(setting, world, version, testimony);
}

/* ---- closings: what must be in force everywhere before the command says `effective` ---- */

/* Reports from before an older copy was put back into the same era say epochs that mean something else by now, which nobody can tell. */
static struct closing commit_closing(const struct setting *setting, const struct world *world)
{
    if (!setting->in_force || world->truth.put_back != 0)
        return (struct closing){.pending = 0};
    return (struct closing){.pending = 1, .era = world->registry.era, .epoch = world->registry.epoch};
}

static bool in_force(const struct setting *setting, const struct world *world, const struct closing *closing,
                     const struct sighting *sightings, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!watch_goes_by(&sightings[i].watched, era_bytes(world->registry.era), closing->epoch,
                           at(closing->committed), NOW, setting->lease))
            return false;
    return true;
}

static void conclude(const struct setting *setting, const struct world *world, struct closing *closing,
                     const struct sighting *sightings, unsigned count)
{
    if (!closing->pending || closing->era != world->registry.era ||
        !in_force(setting, world, closing, sightings, count))
        return;
    *closing = (struct closing){.effective = 1};
    tally.effective++;
}

/* sealring_wait_effective looks in every state: so each is in force as early as it can be. */
void operator_conclude(const struct setting *setting, struct world *world)
{
    struct sighting sightings[WATCHED_MAX];
    unsigned count = roster_sight(world, 0, sightings);
    for (unsigned client = 0; client < CLIENTS; client++)
        conclude(setting, world, &world->truth.keys[client], sightings, count);
    for (unsigned version = 0; version < VERSIONS; version++)
        conclude(setting, world, &world->truth.versions[version], sightings, count);
}

/* ---- events of versions ---- */

/* Who was passed over by a barrier because of its silence may serve the version, once it is back, before it has proved it. */
static void excuse_silent(struct world *world, const struct testimony *testimony, unsigned version)
{
    struct sighting sightings[WATCHED_MAX];
    unsigned index = 0;
    (void)roster_sight(world, version, sightings);
    for (unsigned i = 0; i < VERIFIERS; i++) {
        struct process *process = &world->processes[i];
        if (process->file_there && testimony->verifiers[index++].lease_over && (process->proved & bit(version)) == 0)
            process->excused |= bit(version);
        index += process->lost != NOT_LOST;
    }
}

/* P6, by the world's own books: no use in the quiet period. */
static void check_retirement(const struct setting *setting, const struct world *world, unsigned version)
{
    int16_t used = world->truth.used[version];
    if (used != NEVER && used >= -setting->quiet_period)
        world_break("a version retires although it was used in the quiet period");
}

/* By the world's own books as well: nobody in use is left without a credential, and nobody else holds anything up. */
static void check_succession(const struct setting *setting, const struct world *world, unsigned version,
                             const struct lifecycle_decision *decision, unsigned overrule)
{
    bool behind = setting->succession != 0 && keys_behind(setting, world, version) != 0;
    if (decision->answer == LIFECYCLE_ALLOWED && behind && (overrule & GUARD_SUCCESSION) == 0)
        world_break("a version retires although an API key in use has no successor");
    if (decision->answer == LIFECYCLE_WAITING && (decision->waiting & GUARD_SUCCESSION) != 0 && !behind)
        world_break("a retirement waits for successors although every API key in use has one");
}

/* apply_step in manage/session/ring_state.c, and registry_version_update: a version that changed bears the new epoch. */
static void apply_step(const struct setting *setting, struct world *world, const struct lifecycle_step *step)
{
    struct registry_file *file = &world->registry;
    unsigned version = step->number - 1;
    struct row *row = &file->rows[version];
    bool accepted = lifecycle_accepts((sealring_version_state)row->state);
    bool accepts = lifecycle_accepts(step->to);

    if (row->state == SEALRING_VERSION_COMPROMISED && step->to != SEALRING_VERSION_DESTROYED)
        world_break("a compromised version becomes something other than destroyed");
    if (row->was_compromised && accepts)
        world_break("a compromised version comes back");
    if (step->to == SEALRING_VERSION_ACTIVE) {
        uint8_t newest = 0;
        for (unsigned i = 0; i < VERSIONS; i++)
            newest = file->rows[i].activated > newest ? file->rows[i].activated : newest;
        row->activated = (uint8_t)(newest + 1);
        world->truth.promised |= bit(version);
    }
    row->state = (uint8_t)step->to;
    row->retire_at = 0;
    row->purge_at = 0;
    if (step->retire_at != 0)
        row->retire_at = (int8_t)(step->retire_at / TICK - NOW_TICKS);
    if (step->purge_at != 0 && step->to != SEALRING_VERSION_DESTROYED)
        row->purge_at = (int8_t)(step->purge_at / TICK - NOW_TICKS);
    if (step->to == SEALRING_VERSION_COMPROMISED)
        row->was_compromised = 1;
    row->changed_epoch = file->epoch;
    if (step->from == SEALRING_VERSION_NONE) {
        file->last_number = (uint8_t)step->number;
        row->created_epoch = file->epoch;
        row->made = (uint8_t)(1 + world->restores);
    }
    if (accepted && !accepts) {
        world->truth.promised &= (uint8_t)~bit(version);
        world->truth.versions[version] = commit_closing(setting, world);
    }
    if (accepts && !accepted)
        world->truth.versions[version] = (struct closing){.pending = 0}; /* reinstated, or new */
}

static void check_ring(const struct setting *setting, const struct world *before, const struct world *after)
{
    struct lifecycle_version old_versions[VERSIONS], new_versions[VERSIONS];
    struct lifecycle_ring old_ring, new_ring;
    operator_ring(setting, &before->registry, &old_ring, old_versions);
    operator_ring(setting, &after->registry, &new_ring, new_versions);
    const char *broken = lifecycle_broken_invariant(&new_ring);
    if (broken == NULL)
        broken = lifecycle_broken_transition(&old_ring, &new_ring);
    if (broken != NULL)
        world_break(broken);
}

/* run_event and carry_out in src/vault: one transaction in which everything is read and decided. Proving the key before (test_version)
 * succeeds; closing it in the token behind the commit changes no verdict of who goes by the registry. */
bool operator_changes(const struct setting *setting, struct world *world, sealring_event event, unsigned number,
                      unsigned overrule)
{
    struct world before;
    struct testimony testimony;
    struct lifecycle_version versions[VERSIONS];
    struct lifecycle_ring ring;
    struct lifecycle_decision decision;
    const struct registry_file *file = &world->registry;
    if (number != 0 && lifecycle_rule(event, (sealring_version_state)file->rows[number - 1].state) == NULL)
        return false; /* as lifecycle_decide would say, with a line for people that takes its time */
    memcpy(&before, world, sizeof before);
    operator_ring(setting, &world->registry, &ring, versions);
    operator_testify(setting, world, number == 0 ? 0 : number - 1, &testimony);
    lifecycle_decide(&ring, &testimony.evidence, event, number, overrule, &decision);
    if (event == SEALRING_EVENT_COMPROMISE && decision.answer != LIFECYCLE_ALLOWED)
        world_break("a compromise is held up");
    if (event == SEALRING_EVENT_RETIRE)
        check_succession(setting, world, number - 1, &decision, overrule);
    if (decision.answer != LIFECYCLE_ALLOWED || decision.overruled != (overrule != 0))
        return world_broken != NULL;
    if (event == SEALRING_EVENT_PREPARE && decision.steps[0].number > setting->versions)
        return false;
    if (event == SEALRING_EVENT_RETIRE && (overrule & GUARD_GATE) == 0)
        check_retirement(setting, world, number - 1);
    world->registry.epoch++;
    for (size_t i = 0; i < decision.count; i++) {
        apply_step(setting, world, &decision.steps[i]);
        if (decision.steps[i].to == SEALRING_VERSION_ACTIVE)
            excuse_silent(world, &testimony, decision.steps[i].number - 1);
    }
    if (decision.set_hold)
        world->registry.rotation_held = decision.hold;
    check_ring(setting, &before, world);
    return true;
}

/* ---- keys ---- */

/* The barrier's promise: nobody holds what a verifier that serves has not proved. */
static void check_issue(const struct world *world, unsigned version)
{
    for (unsigned i = 0; i < VERIFIERS; i++) {
        const struct process *process = &world->processes[i];
        if (!verifying_serves(process))
            continue;
        bool same = process->made[version] == world->registry.rows[version].made;
        if (!same || !lifecycle_accepts((sealring_version_state)process->known[version]))
            world_break("a credential is issued that a serving verifier does not know");
        else if ((process->proved & bit(version)) == 0 && (process->excused & bit(version)) == 0)
            world_break("a credential is issued whose version a serving verifier has not proved");
    }
}

/* manage/keys/issue.c and reissue.c: under the active version; the key's epoch moves. Where an older copy goes unnoticed nobody knows what
 * verifiers know. */
static bool issue(const struct setting *setting, struct world *world, unsigned client)
{
    struct registry_file *file = &world->registry;
    if (!file->era_in_force)
        return false; /* seal_active_version */
    for (unsigned version = 0; version < file->last_number; version++) {
        uint8_t credential = bit(credential_of(client, version));
        if (file->rows[version].state != SEALRING_VERSION_ACTIVE)
            continue;
        if (keys_hold(setting, world, client, version) || ((file->revoked | world->keys.suspended) & bit(client)) != 0)
            return false;
        if (!world->truth.older)
            world->truth.promised |= bit(version);
        if ((world->truth.promised & bit(version)) != 0)
            check_issue(world, version);
        file->epoch++;
        file->key_epoch[client] = file->epoch;
        file->issued |= credential;
        keys_issued(setting, world, client, version);
        return true;
    }
    return false;
}

static bool revoke(const struct setting *setting, struct world *world, unsigned client)
{
    struct registry_file *file = &world->registry;
    if ((file->revoked & bit(client)) != 0 || file->key_epoch[client] == 0)
        return false;
    file->epoch++;
    file->key_epoch[client] = file->epoch;
    file->revoked |= bit(client);
    world->truth.keys[client] = commit_closing(setting, world);
    return true;
}

/* ---- older copies ---- */

/* era_check, and follow_era in manage/session/manager.c: whatever changes the registry begins with it. */
static void follow_era(const struct setting *setting, struct world *world)
{
    struct registry_file *file = &world->registry;
    struct sighting sightings[WATCHED_MAX];
    if (file->era_in_force)
        return;
    unsigned count = roster_sight(world, 0, sightings);
    for (unsigned i = 0; i < count; i++)
        if (!watch_goes_by(&sightings[i].watched, era_bytes(file->era), 0, 0, NOW, setting->lease))
            return;
    file->era_in_force = 1;
}

/* witness_take_over: from here on all former reports are of another life, and every verifier loads all anew. */
static bool take_over(struct world *world)
{
    struct registry_file *file = &world->registry;
    if (!world->truth.older)
        return false;
    file->era++;
    file->epoch++;
    file->era_in_force = 0;
    world->truth.older = 0;
    world->truth.put_back = world->truth.unseen = world->truth.written_back = 0;
    return true;
}

static bool back_up(struct world *world)
{
    if (world->copy.there || world->restores > 0)
        return false;
    world->copy = world->registry;
    world->copy.there = 1;
    return true;
}

/* Whether a closing that the copy knows of stays one, else it is undone: whoever sees to that cannot say what is so meanwhile. */
static void undo_closings(struct world *world)
{
    struct truth *truth = &world->truth;
    const struct registry_file *file = &world->registry;
    for (unsigned client = 0; client < CLIENTS; client++) {
        bool closed = (file->revoked & bit(client)) != 0;
        if (!closed && (truth->keys[client].pending || truth->keys[client].effective))
            truth->doubtful |= bit(client);
        if (!closed || !truth->keys[client].effective)
            truth->keys[client] = (struct closing){.pending = 0};
    }
    for (unsigned version = 0; version < VERSIONS; version++) {
        bool closed = file->rows[version].state >= SEALRING_VERSION_RETIRED;
        if (!closed || !truth->versions[version].effective)
            truth->versions[version] = (struct closing){.pending = 0};
        if (closed || file->rows[version].state == SEALRING_VERSION_NONE)
            truth->promised &= (uint8_t)~bit(version);
    }
}

/* Another era makes all former epochs void. Without one, it is noticed by whoever looks before as many changes were made as were lost;
 * nobody can tell later, so nothing changes until everybody reported. */
static bool put_back(const struct setting *setting, struct world *world, enum kind how)
{
    uint8_t inode = world->registry.inode;
    uint8_t era = world->registry.era;
    if (!world->copy.there || world->restores == setting->restores)
        return false;
    if (how == WRITE_BACK && world->registry.epoch == world->copy.epoch)
        return false;
    for (unsigned i = 0; how == WRITE_BACK && i < VERIFIERS; i++)
        if (world->processes[i].request.there)
            return false; /* it would be the same for a row that was read before */
    bool older = world->registry.epoch > world->copy.epoch;
    world->registry = world->copy;
    world->registry.there = 0;
    world->registry.inode = how == PUT_BACK ? (uint8_t)(inode + 1) : inode;
    world->registry.era = how == RESTORE ? (uint8_t)(era + 1) : era;
    memset(&world->copy, 0, sizeof world->copy);
    world->restores++;
    world->truth.put_back = 0;
    for (unsigned i = 0; how != RESTORE && i < VERIFIERS; i++)
        if (world->processes[i].life != GONE)
            world->truth.put_back |= bit(i);
    world->truth.unseen = world->truth.put_back;
    world->truth.older = how != RESTORE && older;
    if (how == RESTORE)
        world->registry.era_in_force = 0;
    world->truth.written_back = how == WRITE_BACK && world->truth.put_back != 0;
    undo_closings(world);
    return true;
}

/* A bound on how many states there are: not on what the product does. */
static bool waits_for_looks(const struct setting *setting, const struct world *world)
{
    const struct registry_file *file = &world->registry;
    for (unsigned i = 0; setting->ahead != 0 && i < VERIFIERS; i++) {
        const struct process *process = &world->processes[i];
        if (process->life != GONE && process->loaded && process->era == file->era &&
            file->epoch >= process->epoch + setting->ahead)
            return true;
    }
    return false;
}

bool operator_happens(const struct setting *setting, struct world *world, struct event event)
{
    unsigned number = event.subject + 1U;
    bool changes = event.kind >= PREPARE && event.kind <= PUT_BACK;
    if (changes && (world->truth.written_back || waits_for_looks(setting, world)))
        return false;
    if (changes && setting->witnessed && world->truth.older)
        return false; /* witness_compare refuses */
    if (changes)
        follow_era(setting, world);
    switch (event.kind) {
    case PREPARE:
        return operator_changes(setting, world, SEALRING_EVENT_PREPARE, 0, 0);
    case ACTIVATE:
        return operator_changes(setting, world, SEALRING_EVENT_ACTIVATE, number, 0);
    case ROLLBACK:
        return operator_changes(setting, world, SEALRING_EVENT_ROLLBACK, 0, 0);
    case RETIRE:
        return operator_changes(setting, world, SEALRING_EVENT_RETIRE, number, 0);
    case OVERRULE:
        return operator_changes(setting, world, SEALRING_EVENT_RETIRE, number, LIFECYCLE_OVERRULE);
    case NAMED:
        return operator_changes(setting, world, SEALRING_EVENT_RETIRE, number, GUARD_SUCCESSION);
    case REINSTATE:
        return operator_changes(setting, world, SEALRING_EVENT_REINSTATE, number, 0);
    case COMPROMISE:
        return operator_changes(setting, world, SEALRING_EVENT_COMPROMISE, number, 0);
    case DESTROY:
        return operator_changes(setting, world, SEALRING_EVENT_DESTROY, number, 0);
    case ISSUE:
        return issue(setting, world, event.subject);
    case REVOKE:
        return revoke(setting, world, event.subject);
    case RUN:
        return automation_runs(setting, world);
    case SUSPEND:
    case RESUME:
    case EXPIRE:
    case CALLED:
        return keys_happen(world, event);
    case BACK_UP:
        return back_up(world);
    case RESTORE:
    case WRITE_BACK:
    case PUT_BACK:
        return put_back(setting, world, (enum kind)event.kind);
    case TAKE_OVER:
        return take_over(world);
    case ANOTHER:
        roster_forget(world);
        return true;
    default:
        roster_observe(setting, world);
        return true;
    }
}
