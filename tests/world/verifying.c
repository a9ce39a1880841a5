/* SPDX-License-Identifier: Apache-2.0 */
/* The verifiers: each step of joining, looking, proving and answering as src/verifier takes it, around freshness_protocol.c and judge.c. */
#include <string.h>

#include "world/world.h"

/* ---- the protocol's own structure ---- */

static struct protocol unpack(const struct process *process)
{
    struct protocol protocol = {
        .loaded = process->loaded != 0,
        .epoch = process->epoch,
        .seen_epoch = process->seen_epoch,
        .fences = 1,
        .look = (enum protocol_look)process->look,
        .look_started = NOW + process->look_started,
        .look_wall = NOW + process->look_started,
        .lease_from = NOW + LONG_AGO,
        .lease_ends = process->lease_left > 0 ? NOW + process->lease_left : 0,
        .heard_from = NOW + process->heard_from,
    };
    memcpy(protocol.era, era_bytes(process->era), sizeof protocol.era);
    return protocol;
}

static void pack(const struct protocol *protocol, struct process *process)
{
    uint8_t era = 0;
    while (memcmp(protocol->era, era_bytes(era), sizeof protocol->era) != 0)
        era++;
    if (protocol->fences != 1) {
        process->request.same_fences = 0;
        tally.fences++;
    }
    process->loaded = protocol->loaded;
    process->era = era;
    process->epoch = (uint8_t)protocol->epoch;
    process->seen_epoch = (uint8_t)protocol->seen_epoch;
    process->look = (uint8_t)protocol->look;
    process->look_started = (int16_t)(protocol->look_started - NOW);
    process->lease_left = protocol->lease_ends > NOW ? (int16_t)(protocol->lease_ends - NOW) : 0;
    process->heard_from = (int16_t)(protocol->heard_from - NOW);
}

bool verifying_serves(const struct process *process)
{
    struct protocol protocol = unpack(process);
    return process->life == SERVING && NOW < protocol_serves_until(&protocol);
}

/* ---- verdicts: judge.c on what verifier.c or sight.c makes of an entry or a row ---- */

static sealring_verdict judge(const struct process *process, unsigned credential, bool revoked)
{
    unsigned version = credential % VERSIONS;
    struct bearer bearer = {
        .key_id = "0123456789abcdef",
        .ring = "ring",
        .client = "client",
        .scopes = "",
        .version = version + 1,
        .serial = 1,
        .version_state = (sealring_version_state)process->known[version],
        .was_compromised = process->known[version] == SEALRING_VERSION_COMPROMISED,
        .revoked = revoked,
    };
    return judge_bearer(&bearer, NULL, (struct judge_time){.wall_ms = NOW}, NULL);
}

/* judge_seen in verifier.c: an entry of a revoked key would have been dropped. */
sealring_verdict verifying_cached(const struct process *process, unsigned credential)
{
    if ((process->cached & bit(credential)) == 0)
        return SEALRING_UNDECIDED;
    return verifying_serves(process) ? judge(process, credential, false) : SEALRING_UNAVAILABLE;
}

/* look_up in sight.c on a row of this moment, with a token that confirms it. */
sealring_verdict verifying_uncached(const struct world *world, const struct process *process, unsigned credential)
{
    const struct registry_file *file = &world->registry;
    if (!verifying_serves(process))
        return SEALRING_UNAVAILABLE;
    if ((file->issued & bit(credential)) == 0)
        return SEALRING_REJECTED_BAD_SECRET;
    if (process->known[credential % VERSIONS] == SEALRING_VERSION_NONE)
        return SEALRING_UNAVAILABLE; /* find_version looks first */
    return judge(process, credential, (file->revoked & bit(credential / VERSIONS)) != 0);
}

/* ---- joining ---- */

/* verifier_join as far as join_report and protocol_join: the file is another instance's from now on. Records stay, proofs do not
 * (report_usage_unprove). The file of a process that died a moment ago is left alone, and another one is taken: the waiting side
 * has both then, and the former is over; so one file does for both here. Not so for one that had no room: what was not counted in it is
 * forgotten with its verifier, and that is not explored. */
static bool join(struct process *process)
{
    if (process->life != GONE || process->full)
        return false;
    struct protocol protocol = {.loaded = false};
    protocol_join(&protocol, NOW);
    protocol.fences = 1;
    protocol.look_started = NOW;
    pack(&protocol, process);
    process->life = JOINING;
    process->joined = -1; /* a moment before anything else that happens in this tick */
    process->last_report = NEVER;
    for (unsigned version = 0; !process->file_there && version < VERSIONS; version++)
        process->last_use[version] = NEVER;
    process->told = process->file_there ? process->told : 0;
    process->file_there = 1;
    process->file_joining = 1;
    process->file_era = 0;
    process->file_epoch = 0;
    process->proved_told = 0;
    process->remembered = 0;
    process->moved = 0;
    process->seen = 0;
    process->edited = 0;
    process->masked = 0;
    return true;
}

static void crash(struct process *process)
{
    struct process left = *process;
    memset(process, 0, sizeof *process);
    process->joined = left.joined;
    process->last_report = left.last_report;
    memcpy(process->last_use, left.last_use, sizeof process->last_use);
    process->file_there = left.file_there;
    process->file_joining = left.file_joining;
    process->file_era = left.file_era;
    process->file_epoch = left.file_epoch;
    process->told = left.told;
    process->full = left.full;
    process->lost = left.lost;
    process->lost_seen = left.lost_seen;
    process->lost_report = left.lost_report;
    process->lost_joined = left.lost_joined;
}

static void prove(struct process *process, unsigned version)
{
    process->proved |= bit(version);
    process->excused &= (uint8_t)~bit(version);
    process->proved_told |= process->told & bit(version);
}

static bool wants_proof(const struct process *process, unsigned version)
{
    return lifecycle_accepts((sealring_version_state)process->known[version]) && (process->proved & bit(version)) == 0;
}

/* ---- the look ---- */

/* see() in look.c: the clock first, then era and epoch, then protocol_see. A look that got stuck is given up by the next one. */
static bool see(const struct world *world, struct process *process)
{
    const struct registry_file *file = &world->registry;
    if (process->life == GONE || (process->life == JOINING && process->look == PROTOCOL_COMPLETE))
        return false;
    bool other = process->era != file->era || file->epoch < process->epoch || process->opened != file->inode;
    struct protocol protocol = unpack(process);
    protocol_begin_look(&protocol, NOW, NOW);
    enum protocol_step step =
        protocol_see(&protocol, era_bytes(file->era), file->epoch, process->opened != file->inode);
    pack(&protocol, process);
    if (other && process->loaded)
        world_break("another era, another file or an older epoch is looked at, and goes unnoticed");
    process->opened = file->inode;
    process->step = step == PROTOCOL_NOTHING ? 0 : (uint8_t)(1 + step);
    process->taken = 0;
    process->taken_era = 0;
    process->taken_epoch = 0;
    return true;
}

/* take_version in look.c with snapshot_put_version. False: it is altered, another object or one that can never open again. */
static bool take_version(struct process *process, unsigned version, const struct row *row)
{
    uint8_t known = process->known[version];
    bool was_open = lifecycle_accepts((sealring_version_state)known);
    bool is_open = lifecycle_accepts((sealring_version_state)row->state);
    if (known != SEALRING_VERSION_NONE && process->made[version] != row->made)
        return false; /* is_same_key */
    if (known != SEALRING_VERSION_NONE && !was_open && is_open && known != SEALRING_VERSION_RETIRED)
        return false; /* may_reopen */
    process->known[version] = row->state;
    process->made[version] = row->made;
    if (known == SEALRING_VERSION_NONE)
        process->told |= bit(version);
    if (known != SEALRING_VERSION_NONE && was_open == is_open)
        return true;
    /* new, reinstated (another object, that is not proved) or closed: cached credentials of what was there are dropped */
    for (unsigned client = 0; client < CLIENTS; client++)
        process->cached &= (uint8_t)~bit(credential_of(client, version));
    if (is_open) {
        process->proved &= (uint8_t)~bit(version);
        process->proved_told &= (uint8_t)~bit(version);
    }
    return true;
}

/* reload() in look.c: everything anew into another snapshot, the cache dropped, protocol_applied, all behind the fence. */
static void reload(const struct world *world, struct process *process, struct protocol *protocol)
{
    const struct registry_file *file = &world->registry;
    protocol_applying(protocol, file->epoch);
    memset(process->known, SEALRING_VERSION_NONE, sizeof process->known);
    memset(process->made, 0, sizeof process->made);
    process->proved = 0;
    process->cached = 0;
    process->excused = 0;
    for (unsigned version = 0; version < file->last_number; version++) {
        (void)take_version(process, version, &file->rows[version]);
        if (file->rows[version].activated != 0)
            process->excused |= bit(version); /* as a joining one proves all before it serves, this is for the others */
    }
    process->proved_told = 0;
    protocol_applied(protocol, era_bytes(file->era), file->epoch);
    process->step = 0;
    process->taken = 0;
    process->taken_era = 0;
    process->taken_epoch = 0;
}

/* take_in in look.c when what was loaded does not agree with what was known: the fence, and everything anew. */
static void start_over(const struct world *world, struct process *process, struct protocol *protocol, uint8_t era,
                       uint8_t epoch)
{
    protocol_see(protocol, era_bytes(era), epoch, true);
    reload(world, process, protocol);
}

/* The changes that a poll loads, in one reading transaction. A file that was replaced since is refused by it
 * (transaction_allowed), and the look fails. */
static bool take_in(struct world *world, struct process *process)
{
    const struct registry_file *file = &world->registry;
    if (process->step == 0 || process->taken || process->opened != file->inode)
        return false;
    struct protocol protocol = unpack(process);
    bool altered = false;
    if (process->step == 1 + PROTOCOL_RELOAD) {
        reload(world, process, &protocol);
        pack(&protocol, process);
        return true;
    }
    bool any = false;
    for (unsigned version = 0; version < file->last_number; version++)
        any = any || file->rows[version].changed_epoch > protocol.epoch;
    for (unsigned client = 0; client < CLIENTS; client++)
        any = any || file->key_epoch[client] > protocol.epoch;
    if (any)
        protocol_applying(&protocol, file->epoch); /* guard_insertions, before the first row */
    for (unsigned version = 0; version < file->last_number; version++)
        if (file->rows[version].changed_epoch > protocol.epoch)
            altered = !take_version(process, version, &file->rows[version]) || altered;
    for (unsigned client = 0; client < CLIENTS; client++)
        if (file->key_epoch[client] > protocol.epoch && (file->revoked & bit(client)) != 0)
            for (unsigned version = 0; version < VERSIONS; version++)
                process->cached &= (uint8_t)~bit(credential_of(client, version));
    if (altered)
        start_over(world, process, &protocol, file->era, file->epoch);
    pack(&protocol, process);
    if (!altered) {
        process->taken = 1;
        process->taken_era = file->era;
        process->taken_epoch = file->epoch;
    }
    return true;
}

/* The end of apply() in look.c, behind lanes_wait; and if the registry was restored between see and load, all anew. */
static bool applied(const struct world *world, struct process *process)
{
    if (!process->taken)
        return false;
    struct protocol protocol = unpack(process);
    protocol_applied(&protocol, era_bytes(process->taken_era), process->taken_epoch);
    process->step = 0;
    if (!protocol.loaded) {
        if (process->opened != world->registry.inode)
            return false; /* the reload fails, too: the next look sees another file */
        start_over(world, process, &protocol, process->taken_era, process->taken_epoch);
    }
    pack(&protocol, process);
    process->taken = 0;
    process->taken_era = 0;
    process->taken_epoch = 0;
    return true;
}

/* renew_report in look.c: another file, another instance; what was counted in the lost one is lost. */
static void renew_file(struct process *process, bool full)
{
    process->file_there = 1;
    process->joined = -1;
    process->remembered = 0;
    process->moved = 0;
    process->seen = 0;
    process->told = 0;
    for (unsigned version = 0; version < VERSIONS; version++) {
        process->last_use[version] = NEVER;
        if (process->known[version] != SEALRING_VERSION_NONE && !full)
            process->told |= bit(version);
    }
    process->full = full;
    process->proved_told = process->proved & process->told; /* point_to_report */
}

/* report() in look.c: the file is written, then the clock is asked, then protocol_reported. */
static bool report(const struct setting *setting, struct world *world, unsigned index, bool full)
{
    struct process *process = &world->processes[index];
    if (process->life < LOADED || process->look != PROTOCOL_COMPLETE || (full && process->file_there))
        return false;
    if (!process->file_there)
        renew_file(process, full);
    process->file_joining = 0;
    process->file_era = process->era;
    process->file_epoch = process->epoch;
    process->last_report = process->look_started;
    process->moved = process->remembered;
    struct protocol protocol = unpack(process);
    protocol_reported(&protocol, NOW, setting->lease);
    pack(&protocol, process);
    process->life = SERVING;
    if ((world->truth.unseen & bit(index)) == 0)
        world->truth.put_back &= (uint8_t)~bit(index);
    return true;
}

/* Whoever removes a file that the waiting side never saw leaves no trace of its verifier until the next look: not explored. */
static bool lose_file(const struct setting *setting, struct world *world, struct process *process)
{
    if (!process->file_there || process->life < LOADED || !process->remembered || process->lost != NOT_LOST ||
        world->losses == setting->losses)
        return false;
    world->losses++;
    process->lost = LOST;
    process->lost_joined = process->joined;
    /* it was removed after that report, if only by a moment that the ticks of this world do not show */
    process->lost_report = process->last_report == NEVER ? NEVER : (int16_t)(process->last_report - 1);
    process->file_there = 0;
    return true;
}

/* ---- calls ---- */

/* judge_unseen, then present() and look_up() in sight.c: the fences are noted, then the row is read, and the era with it. */
static bool first_sight(const struct setting *setting, const struct world *world, struct process *process,
                        unsigned credential)
{
    const struct registry_file *file = &world->registry;
    unsigned calls = 0;
    for (unsigned i = 0; i < VERIFIERS; i++)
        calls += world->processes[i].request.there;
    if (calls >= setting->calls)
        return false;
    if (process->request.there || (process->cached & bit(credential)) != 0 || process->opened != file->inode ||
        verifying_uncached(world, process, credential) != SEALRING_ACCEPTED)
        return false;
    process->request = (struct request){
        .there = 1,
        .credential = (uint8_t)credential,
        .same_fences = 1,
        .era = file->era,
        .revoked = (file->revoked & bit(credential / VERSIONS)) != 0,
        .began_late = truth_has_ended(world, credential),
        .good_all_along = truth_promises(world, credential),
    };
    return true;
}

/* sight_insert and judge_confirmed in sight.c, after the token said yes. A row that may not enter is read again, or after some tries the
 * verdict is given without: the former is another FIRST_SIGHT. */
static bool token_says(struct process *process)
{
    struct request *request = &process->request;
    if (!request->there)
        return false;
    struct protocol protocol = unpack(process);
    unsigned credential = request->credential;
    bool may = protocol_may_insert(&protocol, request->same_fences ? 1 : 0, era_bytes(request->era));
    if (may && process->known[credential % VERSIONS] != SEALRING_VERSION_NONE && !request->revoked)
        process->cached |= bit(credential);
    tally.inserted += may;
    tally.not_inserted += !may;
    if (verifying_serves(process)) {
        sealring_verdict verdict = judge(process, credential, request->revoked != 0);
        if (verdict == SEALRING_ACCEPTED && request->began_late)
            world_break("a call that began after the end was in force everywhere is accepted");
        if (verdict != SEALRING_ACCEPTED && request->good_all_along)
            world_break("a credential that was good all along is rejected at its first sight");
    }
    memset(request, 0, sizeof *request);
    return true;
}

/* A call from beginning to end: count_use in verifier.c, count in sight.c. What has no record in the file is not told. */
static bool use(struct world *world, struct process *process, unsigned credential)
{
    unsigned version = credential % VERSIONS;
    sealring_verdict verdict = verifying_cached(process, credential);
    if (verdict == SEALRING_UNDECIDED)
        verdict = verifying_uncached(world, process, credential);
    if (verdict == SEALRING_UNAVAILABLE || (world->registry.issued & bit(credential)) == 0 ||
        process->known[version] == SEALRING_VERSION_NONE)
        return false;
    world->truth.used[version] = 0;
    if (process->file_there && (process->told & bit(version)) != 0)
        process->last_use[version] = 0;
    return true;
}

bool verifying_happens(const struct setting *setting, struct world *world, struct event event)
{
    struct process *process = &world->processes[event.verifier];
    switch (event.kind) {
    case JOIN:
        return join(process);
    case CRASH:
        if (process->life == GONE)
            return false;
        crash(process);
        world->truth.put_back &= (uint8_t)~bit(event.verifier);
        return true;
    case SEE:
        if (!see(world, process))
            return false;
        world->truth.unseen &= (uint8_t)~bit(event.verifier);
        return true;
    case TAKE_IN:
        return take_in(world, process);
    case APPLIED:
        return applied(world, process);
    case PROVE_ALL:
        if (process->life != JOINING || process->look != PROTOCOL_COMPLETE)
            return false;
        for (unsigned version = 0; version < VERSIONS; version++)
            if (wants_proof(process, version))
                prove(process, version);
        process->life = LOADED;
        process->look = PROTOCOL_NO_LOOK; /* that look is never reported: verifier_look begins another */
        return true;
    case REPORT:
    case REPORT_FULL:
        return report(setting, world, event.verifier, event.kind == REPORT_FULL);
    case PROVE:
        if (process->life < LOADED || !wants_proof(process, event.subject))
            return false;
        prove(process, event.subject);
        return true;
    case LOSE_FILE:
        return lose_file(setting, world, process);
    case FIRST_SIGHT:
        return first_sight(setting, world, process, event.subject);
    case TOKEN_SAYS:
        return token_says(process);
    case EDIT_ROW:
        process->edited = process->file_there;
        return process->file_there != 0;
    case MASK:
        process->masked = process->file_there;
        return process->file_there != 0;
    default:
        return use(world, process, event.subject);
    }
}
