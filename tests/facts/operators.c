/* SPDX-License-Identifier: Apache-2.0 */
/* Two operators, whose acts are those of src/manage/act and src/manage/session, and the wait until a restriction is effective everywhere. */
#include <string.h>

#include "facts/facts.h"
#include "manage/act/act.h"
#include "manage/roster/roster.h"
#include "manage/session/audit_token_parts.h"

const char *const act_names[ACTS] = {"suspend", "narrow", "revoke",    "compromise", "resume",
                                     "widen",   "retire", "reinstate", "destroy"};
unsigned operator_at_work;

static struct config config = {.audit_token = "audit", .audit_pin_source = "file", .registry = "registry"};
static struct sealring_manager managers[OPERATORS];
static char a_registry;

/* ---- what a process remembers ---- */

static void unpack(const struct memory *memory, sealring_manager *manager)
{
    struct own_note kept;
    note_unpack(&memory->kept, &kept);
    if (memory->keeps)
        (void)own_notes_keep(&manager->own, &kept);
    manager->facts.count = memory->count;
    memcpy(manager->facts.head, hash_bytes(memory->head), sizeof manager->facts.head);
    manager->facts.restrictions = memory->restrictions;
    manager->facts.others = memory->others;
    manager->facts.broken = memory->broken;
    manager->facts.lacks_signed = memory->lacks_signed;
    manager->judged = memory->judged;
    manager->unsettled = memory->unsettled;
    manager->witness.settled = memory->settled;
    manager->witness.anchored = memory->anchor.there;
    manager->witness.anchor = (struct witness_anchor){
        .serial = memory->anchor.serial, .size = memory->anchor.size, .closed_count = memory->anchor.count};
    memcpy(manager->witness.anchor.era, era_bytes(memory->anchor.era), sizeof manager->witness.anchor.era);
    memcpy(manager->witness.anchor.digest.bytes, hash_bytes(memory->anchor.digest), REGISTRY_DIGEST_SIZE);
}

static void pack(const sealring_manager *manager, struct memory *memory)
{
    const struct witness_anchor *anchor = &manager->witness.anchor;
    memset(memory, 0, sizeof *memory);
    memory->keeps = manager->own.kept_count > 0;
    if (memory->keeps)
        memory->kept = note_pack(&manager->own.kept[0]);
    memory->count = (uint8_t)manager->facts.count;
    memory->head = hash_number(manager->facts.head);
    memory->restrictions = (uint8_t)manager->facts.restrictions;
    memory->others = (uint8_t)manager->facts.others;
    memory->broken = (uint8_t)manager->facts.broken;
    memory->lacks_signed = manager->facts.lacks_signed;
    memory->judged = manager->judged;
    memory->unsettled = manager->unsettled;
    memory->settled = manager->witness.settled;
    if (manager->witness.anchored)
        memory->anchor = (struct anchor){.there = 1,
                                         .serial = (uint8_t)anchor->serial,
                                         .era = era_number(anchor->era),
                                         .size = (uint8_t)anchor->size,
                                         .count = (uint8_t)anchor->closed_count,
                                         .digest = hash_number(anchor->digest.bytes)};
}

/* As `sealring init` leaves it: the log has an entry, which is signed and anchored. */
void operator_begins(void)
{
    static const uint8_t entry[REGISTRY_DIGEST_SIZE] = {1};
    struct merkle_hash root, digest;
    struct file *file = &world.registry;
    memset(&world, 0, sizeof world);
    world.signatures = 1;
    memcpy(root.bytes, entry, sizeof root.bytes);
    file->era = world.eras = file->epoch = file->log_size = 1;
    file->log[0] = hash_number(entry);
    file->checkpoints[0] =
        (struct checkpoint_row){.column = 1, .size = 1, .era = 1, .verifies = 1, .time = 1, .root = file->log[0]};
    anchor_digest(&root, hash_bytes(0), &digest);
    world.anchor = (struct anchor){.there = 1, .serial = 1, .era = 1, .size = 1, .digest = hash_number(digest.bytes)};
    promise_committed(0);
}

bool operator_restarts(void)
{
    static const struct memory none;
    bool had = memcmp(&world.memory, &none, sizeof none) != 0;
    memset(&world.memory, 0, sizeof world.memory);
    return had;
}

bool operator_backs_up(void)
{
    if (world.copied)
        return false;
    world.copy = world.registry;
    world.copied = 1;
    return true;
}

/* ---- one act ---- */

/* What the act sets, by the facts as they are. False: there is nothing to do, or it is not permitted. */
static bool aim(enum act act, uint8_t *subject, uint8_t *value)
{
    uint8_t key, version;
    file_values(&world.registry, &key, &version);
    bool closed = version == SEALRING_VERSION_RETIRED || version == SEALRING_VERSION_COMPROMISED;
    static const uint8_t set[ACTS] = {
        [ACT_SUSPEND] = KEY_SUSPENDED, [ACT_NARROW] = KEY_NARROWED, [ACT_REVOKE] = KEY_REVOKED};
    static const uint8_t removed[ACTS] = {[ACT_RESUME] = KEY_SUSPENDED, [ACT_WIDEN] = KEY_NARROWED};
    static const uint8_t states[ACTS] = {[ACT_COMPROMISE] = SEALRING_VERSION_COMPROMISED,
                                         [ACT_RETIRE] = SEALRING_VERSION_RETIRED,
                                         [ACT_REINSTATE] = SEALRING_VERSION_PENDING,
                                         [ACT_DESTROY] = SEALRING_VERSION_DESTROYED};
    *subject = states[act] != 0 ? OF_VERSION : OF_KEY;
    *value = states[act] != 0 ? states[act] : (uint8_t)((key | set[act]) & ~removed[act]);
    *value = act == ACT_REVOKE ? KEY_REVOKED : *value;
    switch (act) {
    case ACT_COMPROMISE:
        return version < SEALRING_VERSION_COMPROMISED;
    case ACT_RETIRE:
        return version < SEALRING_VERSION_RETIRED;
    case ACT_REINSTATE:
        return version == SEALRING_VERSION_RETIRED;
    case ACT_DESTROY:
        return closed;
    default:
        return (key & KEY_REVOKED) == 0 && *value != key;
    }
}

/* By the anchor in the token: whether this registry continues from it. */
static bool continues(void)
{
    struct merkle_hash root, digest;
    const struct anchor *anchor = &world.anchor;
    const struct file *file = &world.registry;
    if (!anchor->there)
        return true;
    if (file->log_size < anchor->size || file->fact_count < anchor->count)
        return false;
    memcpy(root.bytes, hash_bytes(anchor->size == 0 ? 0 : file->log[anchor->size - 1]), sizeof root.bytes);
    anchor_digest(&root, hash_bytes(anchor->count == 0 ? 0 : file->facts[anchor->count - 1].hash), &digest);
    return hash_number(digest.bytes) == anchor->digest;
}

static sealring_status carry_out(sealring_manager *manager, enum act act, bool restricts)
{
    static const struct registry_version version = {.number = 1};
    struct audit_act recorded = {.name = "act"};
    sealring_status status;
    struct commit commit = manager_commit(manager, true, &recorded, NULL);
    commit.restricts = restricts;
    commit.version = act == ACT_COMPROMISE ? &version : NULL;
    do {
        uint8_t subject, value;
        if (commit_begin(&commit, &status))
            status = aim(act, &subject, &value) && file_add(&world.registry, subject, value) ? SEALRING_OK
                                                                                             : SEALRING_REFUSED;
    } while (commit_again(&commit, &status));
    return status;
}

/* A take-over: the operator has examined what the registry contains, and it counts from now on. */
static void confirm_all(void)
{
    uint8_t key, version;
    struct truth *truth = &world.truth;
    file_values(&world.registry, &key, &version);
    truth->key &= key;
    if (version < truth->version)
        truth->version = version < SEALRING_VERSION_RETIRED ? 0 : version;
    memset(&world.pending, 0, sizeof world.pending);
    truth->anchored = 0; /* what else was signed is given up */
    for (unsigned i = 0; i < world.registry.fact_count; i++) {
        unsigned known = 0;
        while (known < truth->written_count && truth->written[known].head != world.registry.facts[i].hash)
            known++;
        if (known == WRITTEN_MAX) {
            world_full = true;
            return;
        }
        truth->written[known].head = world.registry.facts[i].hash;
        truth->written[known].by = OPERATORS;
        truth->written_count = known == truth->written_count ? (uint8_t)(known + 1) : truth->written_count;
    }
    if (world.registry.era == world.eras + 1) /* it began one */
        world.eras = world.registry.era;
}

static void await(const sealring_manager *manager, uint8_t subject, uint8_t value, uint32_t head)
{
    world.pending = (struct pending){
        .waits = 1,
        .subject = subject,
        .value = value,
        .epoch = (uint8_t)manager->committed.epoch,
        .count = (uint8_t)manager->committed.closed_count,
        .head = head,
    };
}

static void permitted(uint8_t subject, uint8_t value)
{
    struct truth *truth = &world.truth;
    if (subject == OF_KEY)
        truth->key &= value;
    else if (value < truth->version)
        truth->version = value < SEALRING_VERSION_RETIRED ? 0 : value;
    if (world.pending.waits && world.pending.subject == subject)
        memset(&world.pending, 0, sizeof world.pending);
}

bool operator_acts(unsigned who, enum act act, enum token_mode mode, bool takes_over)
{
    static char reason[] = "reason";
    sealring_manager *manager = &managers[who];
    const bool restricts = act <= ACT_COMPROMISE;
    const unsigned former = operator_at_work;
    uint8_t subject, value;
    if (!aim(act, &subject, &value))
        return false;
    memset(manager, 0, sizeof *manager);
    manager->config = &config;
    manager->registry = (struct registry *)&a_registry;
    manager->take_over = takes_over ? reason : NULL;
    if (who == 0)
        unpack(&world.memory, manager);
    operator_at_work = who;
    token_mode = mode;
    promise_tried(0, 0);
    const bool good = continues() || takes_over;
    const bool alone = world.registry.era <= world.eras;
    sealring_status status =
        restricts ? manager_begin_restriction(manager, "act", NULL) : manager_begin(manager, "act", false, NULL);
    if (status == SEALRING_OK) {
        if (takes_over)
            confirm_all();
        status = carry_out(manager, act, restricts);
        const uint32_t head = file_head(&world.registry);
        if (status == SEALRING_OK && restricts)
            await(manager, subject, value, head);
        else if (status == SEALRING_OK)
            permitted(subject, value);
        if (status == SEALRING_OK && act == ACT_DESTROY)
            world.truth.destroyed = 1;
        manager_end(manager);
    }
    if (restricts && status != SEALRING_OK && good && alone && !takes_over && !world_full)
        world_break("a restriction is refused");
    if (who == 0)
        pack(manager, &world.memory);
    manager->own.list = NULL; /* data of the world */
    own_notes_release(&manager->own);
    operator_at_work = former;
    return true;
}

/* ---- the wait ---- */

static void check_told(const struct pending *pending)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        const struct server *server = &world.servers[i];
        bool reports = server->life != GONE && server->file && !server->joining;
        bool after = server->reported - LEASE >= pending->committed;
        if (reports && after && pending->committed != LONG_AGO && !hash_extends(server->file_head, pending->head))
            world_break("a restriction is called effective although a server goes on reporting facts without it");
    }
}

bool operator_waits(void)
{
    struct roster roster = {.boot_ms = NOW, .now = NOW};
    struct roster_entry entries[SERVERS];
    struct roster_count count;
    struct pending pending = world.pending;
    if (!pending.waits)
        return false;
    memset(entries, 0, sizeof entries);
    roster.entries = entries;
    servers_fill_roster(&roster);
    if (roster_judge((struct registry *)&a_registry, &roster, NULL) != SEALRING_OK)
        return false;
    struct roster_change change = {
        .epoch = pending.epoch, .closed_count = pending.count, .committed_boot_ms = NOW + pending.committed};
    memcpy(change.closed_hash, hash_bytes(pending.head), sizeof change.closed_hash);
    if (roster_find_change((struct registry *)&a_registry, &change, NULL) != SEALRING_OK)
        return false;
    roster_count(&roster, &change, &count);
    servers_observed(&roster);
    if (count.done < count.total)
        return true;
    check_told(&pending);
    if (pending.subject == OF_KEY)
        world.truth.key |= pending.value;
    else
        world.truth.version = pending.value > world.truth.version ? pending.value : world.truth.version;
    memset(&world.pending, 0, sizeof world.pending);
    return true;
}
