/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a vault older: rows that a test edited, as if sealring had recorded them. */
#include "lib/record_rows.h"

#include <check.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "manage/session/unsigned_notes.h"
#include "registry/rows/current_rows.h"
#include "registry/rows/ring_facts.h"
#include "registry/rows/version_facts.h"

#define ROWS_MOST 64

static struct registry_ring rings[ROWS_MOST];
static struct registry_version versions[ROWS_MOST];
static size_t ring_count, version_count;

/* As the rows are. */
static sealring_status read_rows(struct registry *registry, sealring_error *error)
{
    ring_count = version_count = 0;
    struct registry_cursor cursor = registry_current_rings(registry, error);
    while (ring_count < ROWS_MOST && registry_ring_next(&cursor, &rings[ring_count]))
        ring_count++;
    sealring_status status = registry_close_cursor(&cursor, SEALRING_OK);
    if (status != SEALRING_OK)
        return status;
    cursor = registry_current_versions(registry, error);
    while (version_count < ROWS_MOST && registry_version_next(&cursor, &versions[version_count]))
        version_count++;
    return registry_close_cursor(&cursor, SEALRING_OK);
}

/* As after an emergency: so they need not be confirmed. */
static sealring_status note_unsigned(const struct test_vault *vault, struct registry *registry, uint64_t before,
                                     sealring_error *error)
{
    static struct config config;
    struct own_note note = {.kind = OWN_NOTE_ACT, .facts_before = before};
    memcpy(note.era, registry_vault_row(registry)->era, sizeof note.era);
    snprintf(config.directory, sizeof config.directory, "%s", vault->path);
    snprintf(config.unsigned_notes, sizeof config.unsigned_notes, "%s/vault.unsigned", vault->path);
    sealring_status status = registry_closed_head(registry, &note.facts, note.head, error);
    return status == SEALRING_OK ? unsigned_add(&config, &note, true, error) : status;
}

static sealring_status note_rows(struct registry *registry, sealring_error *error)
{
    sealring_status status = read_rows(registry, error);
    for (size_t i = 0; status == SEALRING_OK && i < ring_count; i++)
        status = ring_fact_note(registry, &rings[i], error);
    for (size_t i = 0; status == SEALRING_OK && i < version_count; i++)
        status = version_fact_note(registry, &versions[i], error);
    return status;
}

void record_rows(const struct test_vault *vault)
{
    sealring_error error = {.message = ""};
    char lock[sizeof vault->path + 16];
    struct registry *registry = NULL;
    struct registry_write how = {.schema = REGISTRY_SCHEMA_EXACT};
    sealring_status status;
    ck_assert_int_eq(RAND_bytes(how.operation_id, sizeof how.operation_id), 1);
    snprintf(lock, sizeof lock, "%s/vault.lock", vault->path);
    ASSERT_OK(registry_open(vault->registry, lock, REGISTRY_READ_WRITE, &registry, &error), error);
    ASSERT_OK(registry_lock(registry, 10000, "test", &error), error);
    struct registry_transaction writing = registry_writing(registry, &how, &error);
    do {
        uint64_t before = 0;
        uint8_t head[REGISTRY_DIGEST_SIZE];
        if (registry_begin(&writing, &status))
            status = registry_closed_head(registry, &before, head, &error);
        if (status == SEALRING_OK)
            status = note_rows(registry, &error);
        if (status == SEALRING_OK)
            status = note_unsigned(vault, registry, before, &error);
    } while (registry_again(&writing, &status));
    ck_assert_msg(status == SEALRING_OK, "%s", error.message);
    ck_assert(ring_count < ROWS_MOST && version_count < ROWS_MOST);
    registry_close(registry);
}
