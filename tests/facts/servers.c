/* SPDX-License-Identifier: Apache-2.0 */
/* The servers' verifiers: each opens, polls and reports with the functions of src/verifier, and how they are seen from outside. */
#include <string.h>

#include "facts/facts.h"
#include "manage/roster/roster.h"
#include "verifier/fresh/check_head.h"
#include "verifier/fresh/follow_closed.h"
#include "verifier/state/verifier_state.h"

static struct verifier verifier; /* the one that is at work */
static char a_registry;

/* ---- the state of one ---- */

static struct key_ends *ends_of_facts(void)
{
    static struct key_ends ends;
    (void)ends_parse(ENDS, &ends);
    return &ends;
}

static void check_together(bool narrowed, bool ended)
{
    if (narrowed != ended)
        world_break("a server follows only a part of a fact");
}

static struct tail_fact unpack_fact(const struct tail_entry *entry, uint64_t sequence)
{
    struct registry_closed fact;
    struct tail_fact unpacked = {.sequence = sequence, .permits = entry->permits};
    fact_fill(&(struct fact){.subject = entry->subject, .value = entry->value}, sequence, &fact);
    unpacked.is_version = fact.is_version;
    unpacked.state = fact.state;
    unpacked.version = fact.version;
    unpacked.narrowed = entry->subject == OF_KEY && (entry->value & KEY_NARROWED) != 0;
    unpacked.scopes = unpacked.narrowed ? (char[]){"a"} : NULL;
    unpacked.ends = unpacked.narrowed ? ends_of_facts() : NULL;
    memcpy(unpacked.key_id, fact.key_id, sizeof unpacked.key_id);
    memcpy(unpacked.ring_id, fact.ring_id, sizeof unpacked.ring_id);
    return unpacked;
}

static void unpack_chain(const struct server *server, struct closed_chain *chain)
{
    struct registry_closed of_key, of_version;
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    fact_fill(&(struct fact){.subject = OF_KEY}, 0, &of_key);
    fact_fill(&(struct fact){.subject = OF_VERSION}, 0, &of_version);
    closed_chain_open(chain);
    memcpy(key.key_id, of_key.key_id, sizeof key.key_id);
    key.state = (server->key & KEY_SUSPENDED) != 0 ? SEALRING_KEY_SUSPENDED : SEALRING_KEY_ACTIVE;
    key.narrowed = (server->key & KEY_NARROWED) != 0;
    strcpy(key.narrowed_scopes, key.narrowed ? "a" : "");
    if (key.narrowed)
        key.ends = *ends_of_facts();
    (void)key_facts_put(&chain->restricted, &key);
    if ((server->key & KEY_REVOKED) != 0)
        (void)closed_keys_add(&chain->keys, key.key_id);
    struct closed_version version = {.number = 1, .state = server->version};
    memcpy(version.ring_id, of_version.ring_id, sizeof version.ring_id);
    (void)closed_versions_set(&chain->versions, &version);
    chain->tail.start.count = server->start_count;
    memcpy(chain->tail.start.head, hash_bytes(server->start_head), REGISTRY_DIGEST_SIZE);
    for (unsigned i = 0; i < server->tail_length; i++) {
        struct tail_fact fact = unpack_fact(&server->tail[i], server->start_count + i + 1U);
        (void)tail_add_head(&chain->tail, hash_bytes(server->tail[i].head));
        if (server->tail[i].there)
            (void)tail_add_fact(&chain->tail, &fact);
    }
    chain->sound.count = server->sound_count;
    memcpy(chain->sound.head, hash_bytes(server->sound_head), REGISTRY_DIGEST_SIZE);
    chain->seen.count = server->seen_count;
    memcpy(chain->seen.head, hash_bytes(server->seen_head), REGISTRY_DIGEST_SIZE);
    chain->broken = server->broken;
    chain->unapplied = server->unapplied;
}

static void pack_tail(const struct closed_tail *tail, struct server *server)
{
    memset(server->tail, 0, sizeof server->tail);
    server->start_count = (uint8_t)tail->start.count;
    server->start_head = hash_number(tail->start.head);
    server->tail_length = (uint8_t)tail->length;
    for (unsigned i = 0; i < tail->length; i++)
        server->tail[i].head = hash_number(tail->heads[i]);
    for (size_t i = 0; i < tail->count; i++) {
        const struct tail_fact *fact = &tail->facts[i];
        struct tail_entry *entry = &server->tail[fact->sequence - tail->start.count - 1];
        bool suspended = fact->state == SEALRING_KEY_SUSPENDED;
        if (!fact->is_version)
            check_together(fact->narrowed, fact->ends != NULL);
        entry->there = 1;
        entry->subject = fact->is_version ? OF_VERSION : OF_KEY;
        entry->permits = fact->permits;
        entry->value = (uint8_t)((suspended ? KEY_SUSPENDED : 0) | (fact->narrowed ? KEY_NARROWED : 0));
        if (fact->is_version)
            entry->value = (uint8_t)fact->state;
    }
}

static void pack_chain(struct closed_chain *chain, struct server *server)
{
    struct registry_closed of_key, of_version;
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    fact_fill(&(struct fact){.subject = OF_KEY}, 0, &of_key);
    fact_fill(&(struct fact){.subject = OF_VERSION}, 0, &of_version);
    memcpy(key.key_id, of_key.key_id, sizeof key.key_id);
    (void)key_facts_restrict(&chain->restricted, &key, NULL);
    check_together(key.narrowed, key.ends.count > 0);
    server->key =
        (uint8_t)((key.narrowed ? KEY_NARROWED : 0) | (key.state == SEALRING_KEY_SUSPENDED ? KEY_SUSPENDED : 0));
    server->key |= closed_keys_has(&chain->keys, key.key_id) ? KEY_REVOKED : 0;
    server->version = (uint8_t)closed_chain_version(chain, of_version.ring_id, 1);
    pack_tail(&chain->tail, server);
    server->sound_count = (uint8_t)chain->sound.count;
    server->sound_head = hash_number(chain->sound.head);
    server->seen_count = (uint8_t)chain->seen.count;
    server->seen_head = hash_number(chain->seen.head);
    server->broken = chain->broken;
    server->unapplied = chain->unapplied;
    closed_chain_forget(chain);
}

static void unpack(const struct server *server)
{
    struct protocol *protocol = &verifier.protocol;
    memset(&verifier, 0, sizeof verifier);
    verifier.looker = (struct registry *)&a_registry;
    verifier.setup.registry = "registry";
    verifier.keys_known = server->loaded;
    verifier.has_key = server->loaded;
    verifier.keys.count = server->loaded;
    memcpy(verifier.closed_era, era_bytes(server->closed_era), sizeof verifier.closed_era);
    verifier.era_unsigned = server->era_unsigned != 0;
    verifier.signed_ms = server->signed_time;
    *protocol = (struct protocol){
        .loaded = server->loaded,
        .epoch = server->epoch,
        .seen_epoch = server->seen_epoch,
        .look = (enum protocol_look)server->look,
        .look_started = NOW + server->look_started,
        .look_wall = NOW + server->look_started,
        .heard_from = NOW + server->heard_from,
        .lease_from = NOW + LONG_AGO,
        .lease_ends = server->lease_left > 0 ? NOW + server->lease_left : 0,
    };
    memcpy(protocol->era, era_bytes(server->era), sizeof protocol->era);
    unpack_chain(server, &verifier.closed);
}

static void pack(struct server *server)
{
    const struct protocol *protocol = &verifier.protocol;
    server->closed_era = era_number(verifier.closed_era);
    server->era_unsigned = verifier.era_unsigned;
    server->signed_time = (uint8_t)verifier.signed_ms;
    server->loaded = protocol->loaded;
    server->era = era_number(protocol->era);
    server->epoch = (uint8_t)protocol->epoch;
    server->seen_epoch = (uint8_t)protocol->seen_epoch;
    server->look = (uint8_t)protocol->look;
    server->look_started = (int16_t)(protocol->look_started - NOW);
    server->heard_from = (int16_t)(protocol->heard_from - NOW);
    server->lease_left = protocol->lease_ends > NOW ? (int16_t)(protocol->lease_ends - NOW) : 0;
    pack_chain(&verifier.closed, server);
}

bool server_serves(const struct server *server)
{
    return server->life == SERVING && server->loaded && server->lease_left > 0;
}

/* ---- what the verifier asks for, and has no part here ---- */

unsigned __wrap_cache_count(const struct cache *cache);
unsigned __wrap_cache_count(const struct cache *cache)
{
    (void)cache;
    return 0;
}

void __wrap_cache_drop_version(struct cache *cache, const struct known_version *version);
void __wrap_cache_drop_version(struct cache *cache, const struct known_version *version)
{
    (void)cache, (void)version;
}

void __wrap_messages_add(struct messages *messages, sealring_log_level level, const char *format, ...);
void __wrap_messages_add(struct messages *messages, sealring_log_level level, const char *format, ...)
{
    (void)messages, (void)level, (void)format;
}

/* ---- report files ---- */

sealring_status __wrap_report_each_path(const char *directory, report_path_callback each, void *context,
                                        sealring_error *error);
sealring_status __wrap_report_each_path(const char *directory, report_path_callback each, void *context,
                                        sealring_error *error)
{
    (void)directory, (void)error;
    sealring_status status = SEALRING_OK;
    for (unsigned i = 0; status == SEALRING_OK && i < SERVERS; i++)
        if (world.servers[i].file)
            status = each(i == 0 ? "0" : "1", context);
    return status;
}

sealring_status __wrap_report_read_open(const char *path, struct report_reader **opened, sealring_error *error);
sealring_status __wrap_report_read_open(const char *path, struct report_reader **opened, sealring_error *error)
{
    (void)error;
    *opened = (struct report_reader *)&world.servers[path[0] - '0'];
    return SEALRING_OK;
}

void __wrap_report_read_close(struct report_reader *reader);
void __wrap_report_read_close(struct report_reader *reader)
{
    (void)reader;
}

sealring_status __wrap_report_read_summary(const struct report_reader *reader, struct report_summary *summary,
                                           sealring_error *error);
sealring_status __wrap_report_read_summary(const struct report_reader *reader, struct report_summary *summary,
                                           sealring_error *error)
{
    const struct server *server = (const struct server *)reader;
    (void)error;
    memset(summary, 0, sizeof *summary);
    summary->look.has_closed = !server->joining;
    summary->look.closed_count = server->file_count;
    memcpy(summary->look.era, era_bytes(server->file_era), sizeof summary->look.era);
    memcpy(summary->look.closed_hash, hash_bytes(server->file_head), sizeof summary->look.closed_hash);
    return SEALRING_OK;
}

void servers_fill_roster(struct roster *roster)
{
    roster->vault.lease_ms = LEASE;
    roster->vault.epoch = world.registry.epoch;
    memcpy(roster->vault.era, era_bytes(world.registry.era), sizeof roster->vault.era);
    for (unsigned i = 0; i < SERVERS; i++) {
        const struct server *server = &world.servers[i];
        if (!server->file)
            continue;
        struct roster_entry *entry = &roster->entries[roster->count++];
        entry->inode = i + 1;
        entry->watched = (struct watched){.file_there = true,
                                          .held = server->life != GONE,
                                          .joining = server->joining,
                                          .epoch = server->file_epoch,
                                          .number = server->moved ? 2 : 1};
        memcpy(entry->watched.era, era_bytes(server->joining ? 0 : server->file_era), WATCH_ID_SIZE);
        if (server->remembered)
            entry->own =
                (struct watch_memory){.seen = true, .held = true, .number = 1, .since_boot_ms = NOW + server->since};
        entry->has_closed = !server->joining;
        entry->closed_count = server->file_count;
        memcpy(entry->closed_hash, hash_bytes(server->file_head), sizeof entry->closed_hash);
    }
}

void servers_observed(const struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct server *server = &world.servers[roster->entries[i].inode - 1];
        server->remembered = 1;
        server->moved = 0;
        server->since = (int16_t)(roster->entries[i].own.since_boot_ms - NOW);
    }
}

/* ---- steps ---- */

/* load_once in load_changes.c: facts first. Rows count for nothing here: each permits all. */
static void load(void)
{
    const struct registry_vault vault = {.epoch = world.registry.epoch};
    protocol_applying(&verifier.protocol, vault.epoch);
    if (follow_closed(&verifier, NULL) == SEALRING_OK)
        closed_chain_applied(&verifier.closed);
    protocol_applied(&verifier.protocol, era_bytes(world.registry.era), vault.epoch);
}

/* take_in in poll.c */
static void look(void)
{
    bool news = false, forgot = false;
    const uint8_t *era = era_bytes(world.registry.era);
    protocol_begin_look(&verifier.protocol, NOW, NOW);
    if (follow_look(&verifier, era, &news, &forgot, NULL) != SEALRING_OK)
        return;
    enum protocol_step step = protocol_see(&verifier.protocol, era, world.registry.epoch, forgot);
    if (step != PROTOCOL_NOTHING || news)
        load();
}

/* A report of another era shows nothing once a checkpoint was signed for the registry's: a restored registry may lack its facts. */
static bool is_era_signed(void)
{
    for (unsigned i = 0; i < CHECKPOINTS_MAX; i++)
        if (world.registry.checkpoints[i].verifies && world.registry.checkpoints[i].era == world.registry.era)
            return true;
    return false;
}

/* Whether a report or a checkpoint shows what must be known: if none does, only the anchor can. */
static bool is_reported(void)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        const struct server *server = &world.servers[i];
        if (server->file && !server->joining && (server->file_era == world.registry.era || !is_era_signed()) &&
            key_has(chain_key(server->file_head), world.truth.key) &&
            chain_version(server->file_head) >= world.truth.version)
            return true;
    }
    const struct checkpoint_row *newest = world.registry.checkpoints;
    while (newest < world.registry.checkpoints + CHECKPOINTS_MAX - 1 &&
           !(newest->verifies && newest->column == newest->size))
        newest++;
    return newest->verifies && key_has(chain_key(newest->head), world.truth.key) &&
           chain_version(newest->head) >= world.truth.version;
}

/* verifier_join in verifier.c */
bool server_opens(unsigned index)
{
    struct server *server = &world.servers[index];
    const struct verifier_setup setup = {.registry = "registry", .reports = "reports"};
    if (server->life != GONE)
        return false;
    const bool excused = !is_reported();
    if (head_check((struct registry *)&a_registry, &setup, NULL) != SEALRING_OK)
        return true;
    memset(server, 0, sizeof *server);
    server->file = server->joining = 1;
    unpack(server);
    protocol_join(&verifier.protocol, NOW);
    look();
    verifier.protocol.look = PROTOCOL_NO_LOOK;
    server->life = verifier.closed.broken ? GONE : OPEN;
    pack(server);
    server->excused = excused;
    if (server->life == OPEN)
        promise_opened(server);
    if (server->life == OPEN && !excused &&
        (!key_has(server->key, world.truth.key) || server->version < world.truth.version))
        world_break("a server opens without what is effective everywhere");
    return true;
}

bool server_looks(unsigned index)
{
    struct server *server = &world.servers[index];
    const struct server before = *server;
    if (server->life == GONE || server->look != PROTOCOL_NO_LOOK)
        return false;
    unpack(server);
    look();
    pack(server);
    promise_looked(&before, server);
    return true;
}

bool server_reports(unsigned index)
{
    struct server *server = &world.servers[index];
    if (server->life == GONE || server->look == PROTOCOL_NO_LOOK)
        return false;
    if (server->look != PROTOCOL_COMPLETE) {
        server->look = PROTOCOL_NO_LOOK; /* the next poll completes it */
        return true;
    }
    unpack(server);
    server->joining = 0;
    server->file_era = era_number(verifier.protocol.era);
    server->file_epoch = (uint8_t)verifier.protocol.epoch;
    server->file_count = (uint8_t)verifier.closed.sound.count;
    server->file_head = hash_number(verifier.closed.sound.head);
    server->reported = 0;
    server->moved = server->remembered;
    if (protocol_reported(&verifier.protocol, NOW, LEASE))
        server->life = SERVING;
    pack(server);
    return true;
}

bool server_dies(unsigned index)
{
    struct server *server = &world.servers[index];
    const struct server former = *server;
    if (server->life == GONE)
        return false;
    memset(server, 0, sizeof *server);
    server->file = former.file;
    server->joining = former.joining;
    server->file_era = former.file_era;
    server->file_epoch = former.file_epoch;
    server->file_count = former.file_count;
    server->file_head = former.file_head;
    return true;
}
