/* SPDX-License-Identifier: Apache-2.0 */
/* Who lacks a successor, by the registry's own query on rows that the world's keys would have; each answer is asked for once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/usage/usage_rows.h"
#include "world/world.h"

/* ---- the registry, made at the first question ---- */

static char directory[256];
static struct registry *registry;

static void remove_file(const char *name)
{
    char path[sizeof directory + 32];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    unlink(path);
}

static void close_registry(void)
{
    registry_close(registry);
    remove_file("ledger.db");
    remove_file("ledger.db-wal");
    remove_file("ledger.db-shm");
    remove_file("lock");
    rmdir(directory);
}

static void demand(sealring_status status, const sealring_error *error)
{
    if (status == SEALRING_OK)
        return;
    fprintf(stderr, "the registry of the keys: %s\n", error->message);
    exit(99);
}

static void open_registry(void)
{
    const char *temporary = getenv("TMPDIR");
    char path[sizeof directory + 16], lock[sizeof directory + 16];
    sealring_error error = {.message = "no directory can be made"};
    const struct registry_vault vault = {.schema = REGISTRY_SCHEMA,
                                         .min_reader = 1,
                                         .min_writer = 1,
                                         .lease_ms = 1000,
                                         .refresh_ms = 200,
                                         .created = 1,
                                         .object_id_length = 16,
                                         .era_in_force = true};
    snprintf(directory, sizeof directory, "%.200s/sealring-world-XXXXXX", temporary != NULL ? temporary : "/tmp");
    demand(mkdtemp(directory) != NULL ? SEALRING_OK : SEALRING_SYSTEM, &error);
    atexit(close_registry);
    snprintf(path, sizeof path, "%s/ledger.db", directory);
    snprintf(lock, sizeof lock, "%s/lock", directory);
    demand(registry_create(path, &vault, &error), &error);
    demand(registry_open(path, lock, REGISTRY_READ_WRITE, &registry, &error), &error);
    demand(registry_lock(registry, 0, "world", &error), &error);
}

/* ---- the rows ---- */

/* All that the question is about. */
struct PACKED ledger {
    struct keys keys;
    uint8_t revoked;
    uint8_t states[VERSIONS];
    uint8_t version;
    int64_t succession;
};

struct question {
    const struct ledger *ledger;
    int64_t ring;
    uint8_t behind;
};

static sealring_status write_versions(struct question *question, sealring_error *error)
{
    struct registry_ring ring = {
        .name = "ring", .prefix = "sr", .policy = {.overlap = TICK, .keep = 1}, .created = 1, .last_version = VERSIONS};
    sealring_status status = registry_ring_insert(registry, &ring, error);
    for (uint32_t i = 0; i < VERSIONS && status == SEALRING_OK; i++) {
        struct registry_version version = {.ring = ring.id,
                                           .number = i + 1,
                                           .state = SEALRING_VERSION_PENDING,
                                           .object_id = {(uint8_t)i},
                                           .object_id_length = 1,
                                           .created = 1,
                                           .prf = REGISTRY_HMAC_SHA256,
                                           .origin = REGISTRY_GENERATED};
        sealring_version_state state = (sealring_version_state)question->ledger->states[i];
        if (state == SEALRING_VERSION_NONE)
            continue;
        status = registry_version_insert(registry, &version, error);
        version.state = state;
        version.was_compromised = state == SEALRING_VERSION_COMPROMISED;
        if (status == SEALRING_OK && state != SEALRING_VERSION_PENDING)
            status = registry_version_update(registry, &version, error); /* which writes closed facts */
    }
    question->ring = ring.id;
    return status;
}

/* What ended of the second client did so after a rekey, what of the first expired. */
static sealring_status write_credentials(const struct ledger *ledger, unsigned client, int64_t key,
                                         sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (unsigned version = 0; version < VERSIONS && status == SEALRING_OK; version++) {
        unsigned name = credential_of(client, version);
        bool ended = (ledger->keys.expired & bit(name)) != 0;
        bool replaced = ended && client == 1;
        const struct registry_credential credential = {.key = key,
                                                       .serial = ledger->keys.serials[name],
                                                       .version = version + 1,
                                                       .digest = {(uint8_t)name},
                                                       .expires = ended && !replaced ? NOW : NOW + TICK,
                                                       .state = replaced ? SEALRING_CREDENTIAL_SUPERSEDED
                                                                         : SEALRING_CREDENTIAL_CURRENT,
                                                       .replaced = replaced,
                                                       .retire_at = replaced ? NOW : 0,
                                                       .issued = 1};
        if (credential.serial != 0 && ledger->states[version] != SEALRING_VERSION_NONE)
            status = registry_credential_insert(registry, &credential, error);
    }
    return status;
}

/* The key called for the first time long ago. Its last use is an hour's row, after a tick a day's, and after two only the key's: so each
 * place in which a use is kept is asked for. */
static sealring_status write_use(const struct question *question, unsigned client, int64_t key, sealring_error *error)
{
    int16_t called = question->ledger->keys.called[client];
    bool pruned = called <= -2 * TICK;
    struct registry_usage usage = {.key = key,
                                   .serial = 1,
                                   .version = 1,
                                   .ring = question->ring,
                                   .period = pruned ? 0 : 24,
                                   .seat = {(uint8_t)client},
                                   .accepted = 1,
                                   .last_use = 1};
    const struct registry_usage_seat seat = {.seat = {(uint8_t)client}, .settled_hour = usage.period};
    unsigned moved;
    if (called == NEVER)
        return SEALRING_OK;
    sealring_status status = registry_usage_put(registry, &usage, error);
    usage.last_use = at(called);
    if (status == SEALRING_OK)
        status = registry_usage_put(registry, &usage, error);
    if (status == SEALRING_OK && called <= -TICK)
        status = registry_usage_seat_put(registry, &seat, error);
    if (status == SEALRING_OK && called <= -TICK)
        status = registry_usage_age(registry, USAGE_ROLL, question->ring, 1, 2 * 24, &moved, error);
    if (status == SEALRING_OK && pruned)
        status = registry_usage_age(registry, USAGE_PRUNE, question->ring, 1, 1, &moved, error);
    return status;
}

static sealring_status write_key(const struct question *question, unsigned client, sealring_error *error)
{
    const struct ledger *ledger = question->ledger;
    struct registry_client row = {.created = 1};
    struct registry_key key = {.ring = question->ring,
                               .label = "default",
                               .state = SEALRING_KEY_ACTIVE,
                               .last_serial = VERSIONS,
                               .created = 1};
    snprintf(row.name, sizeof row.name, "%u", client);
    snprintf(key.key_id, sizeof key.key_id, "key-of-client-%02u", client);
    sealring_status status = registry_client_insert(registry, &row, error);
    key.client = row.id;
    if (status == SEALRING_OK)
        status = registry_key_insert(registry, &key, error);
    if (status == SEALRING_OK)
        status = write_credentials(ledger, client, key.id, error);
    if (status == SEALRING_OK)
        status = write_use(question, client, key.id, error);
    if ((ledger->keys.suspended & bit(client)) != 0)
        key.state = SEALRING_KEY_SUSPENDED;
    if ((ledger->revoked & bit(client)) != 0)
        key.state = SEALRING_KEY_REVOKED;
    if (status == SEALRING_OK && key.state != SEALRING_KEY_ACTIVE)
        status = registry_key_update(registry, &key, error);
    return status;
}

/* ---- the question ---- */

static sealring_status ask(struct question *question, sealring_error *error)
{
    const struct ledger *ledger = question->ledger;
    struct registry_usage_names names;
    unsigned count = 0;
    question->behind = 0;
    sealring_status status = write_versions(question, error);
    for (unsigned client = 0; client < CLIENTS && status == SEALRING_OK; client++)
        status = write_key(question, client, error);
    const struct usage_behind asked = {.ring = question->ring,
                                       .version = ledger->version + 1U,
                                       .now = NOW,
                                       .since = NOW - ledger->succession,
                                       .named = CLIENTS,
                                       .most = CLIENTS + 1};
    if (status == SEALRING_OK)
        status = usage_behind(registry, &asked, &count, &names, error);
    for (unsigned i = 0; status == SEALRING_OK && i < names.count; i++)
        question->behind |= bit((unsigned)(names.found[i].client[0] - '0'));
    return status;
}

/* In a transaction that is rolled back: the rows are there for this question only. */
static sealring_status try_out(struct question *question, sealring_error *error)
{
    static const struct registry_write trial = {.operation_id = {1}, .dry_run = true};
    sealring_status status;
    struct registry_transaction writing = registry_writing(registry, &trial, error);
    do {
        if (registry_begin(&writing, &status))
            status = ask(question, error);
    } while (registry_again(&writing, &status));
    return status;
}

/* ---- answers that are known ---- */

#define ANSWERS (1U << 20) /* more than any world has questions */

static struct answer {
    struct ledger ledger;
    uint8_t known;
    uint8_t behind;
} answers[ANSWERS];

static struct answer *find_answer(const struct ledger *ledger)
{
    const unsigned char *bytes = (const unsigned char *)ledger;
    uint64_t print = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sizeof *ledger; i++)
        print = (print ^ bytes[i]) * UINT64_C(1099511628211);
    size_t place = print % ANSWERS;
    for (size_t tries = 0; tries < ANSWERS; tries++, place = (place + 1) % ANSWERS)
        if (!answers[place].known || memcmp(&answers[place].ledger, ledger, sizeof *ledger) == 0)
            return &answers[place];
    fputs("more questions about keys than there is room for\n", stderr);
    exit(99);
}

uint8_t ledger_behind(const struct setting *setting, const struct world *world, unsigned version)
{
    struct ledger ledger = {.keys = world->keys,
                            .revoked = world->registry.revoked,
                            .version = (uint8_t)version,
                            .succession = setting->succession};
    for (unsigned i = 0; i < VERSIONS; i++)
        ledger.states[i] = world->registry.rows[i].state;
    struct answer *answer = find_answer(&ledger);
    if (answer->known)
        return answer->behind;
    struct question question = {.ledger = &ledger};
    sealring_error error = {.message = ""};
    if (registry == NULL)
        open_registry();
    demand(try_out(&question, &error), &error);
    *answer = (struct answer){.ledger = ledger, .known = 1, .behind = question.behind};
    tally.asked++;
    return answer->behind;
}
