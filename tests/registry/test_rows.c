/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of row comes back as it went in, and every change bears its epoch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/runner.h"
#include "registry/connection/registry_copy.h"
#include "registry/fixture.h"

static struct fixture fixture;
static struct fixture_rows rows;

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static void expect_ok(sealring_status status)
{
    ck_assert_msg(status == SEALRING_OK, "status %d: %s", (int)status, fixture.error.message);
}

/* ---- Round trips ---------------------------------------------------------------------------------------------------- */

static sealring_status get_ring(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_ring_find(registry, rows.ring.name, context, &found, error), &found);
}

static sealring_status get_version(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_version_find(registry, rows.ring.id, 1, context, &found, error), &found);
}

static sealring_status get_client(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_client_find(registry, rows.client.name, context, &found, error), &found);
}

static sealring_status get_key(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_key_find(registry, rows.key.key_id, context, &found, error), &found);
}

static sealring_status get_credential(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_credential_find(registry, rows.key.id, 1, context, &found, error), &found);
}

static void expect_ring(const struct registry_ring *a, const struct registry_ring *b)
{
    ck_assert_int_eq(a->id, b->id);
    ck_assert_mem_eq(a->ring_id, b->ring_id, sizeof a->ring_id);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_str_eq(a->prefix, b->prefix);
    ck_assert_int_eq(a->policy.overlap, b->policy.overlap);
    ck_assert_int_eq(a->policy.purge_delay, b->policy.purge_delay);
    ck_assert_uint_eq(a->policy.keep, b->policy.keep);
    ck_assert_int_eq(a->rotation_held, b->rotation_held);
    ck_assert_uint_eq(a->last_version, b->last_version);
    ck_assert_int_eq(a->created, b->created);
}

static void expect_version(const struct registry_version *a, const struct registry_version *b)
{
    ck_assert_int_eq(a->ring, b->ring);
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_int_eq(a->state, b->state);
    ck_assert_uint_eq(a->object_id_length, b->object_id_length);
    ck_assert_mem_eq(a->object_id, b->object_id, a->object_id_length);
    ck_assert_mem_eq(a->check_value, b->check_value, sizeof a->check_value);
    ck_assert_str_eq(a->prf, b->prf);
    ck_assert_str_eq(a->origin, b->origin);
    ck_assert_mem_eq(a->public_key, b->public_key, sizeof a->public_key);
    ck_assert_int_eq(a->was_compromised, b->was_compromised);
    ck_assert_int_eq(a->closing_owed, b->closing_owed);
    ck_assert_int_eq(a->created, b->created);
    ck_assert_int_eq(a->activated, b->activated);
    ck_assert_int_eq(a->retire_at, b->retire_at);
    ck_assert_int_eq(a->closed, b->closed);
    ck_assert_int_eq(a->purge_at, b->purge_at);
    ck_assert_int_eq(a->destroyed, b->destroyed);
}

static void expect_client(const struct registry_client *a, const struct registry_client *b)
{
    ck_assert_int_eq(a->id, b->id);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_str_eq(a->contact, b->contact);
    ck_assert_int_eq(a->created, b->created);
    ck_assert_int_eq(a->forgotten, b->forgotten);
}

static void expect_key(const struct registry_key *a, const struct registry_key *b)
{
    ck_assert_int_eq(a->id, b->id);
    ck_assert_str_eq(a->key_id, b->key_id);
    ck_assert_int_eq(a->ring, b->ring);
    ck_assert_int_eq(a->client, b->client);
    ck_assert_str_eq(a->label, b->label);
    ck_assert_int_eq(a->state, b->state);
    ck_assert_int_eq(a->narrowed, b->narrowed);
    ck_assert_str_eq(a->narrowed_scopes, b->narrowed_scopes);
    ck_assert_uint_eq(a->last_serial, b->last_serial);
    ck_assert_int_eq(a->created, b->created);
}

static void expect_credential(const struct registry_credential *a, const struct registry_credential *b)
{
    ck_assert_int_eq(a->key, b->key);
    ck_assert_uint_eq(a->serial, b->serial);
    ck_assert_uint_eq(a->version, b->version);
    ck_assert_mem_eq(a->digest, b->digest, sizeof a->digest);
    ck_assert_mem_eq(a->nonce, b->nonce, sizeof a->nonce);
    ck_assert_str_eq(a->scopes, b->scopes);
    ck_assert_int_eq(a->not_before, b->not_before);
    ck_assert_int_eq(a->expires, b->expires);
    ck_assert_int_eq(a->state, b->state);
    ck_assert_int_eq(a->replaced, b->replaced);
    ck_assert_int_eq(a->retire_at, b->retire_at);
    ck_assert_int_eq(a->issued, b->issued);
    ck_assert_int_eq(a->imported, b->imported);
    ck_assert_mem_eq(a->binding, b->binding, sizeof a->binding);
    ck_assert_int_eq(a->origin, b->origin);
    ck_assert_uint_eq(a->predecessor, b->predecessor);
}

START_TEST(vault_row_comes_back)
{
    struct registry_vault expected;
    struct registry_ring ring;
    fixture_vault(&expected);
    expect_ok(fixture_read(fixture.registry, get_ring, &ring, &fixture.error));
    const struct registry_vault *vault = registry_vault_row(fixture.registry);
    static const uint8_t none[REGISTRY_ID_SIZE];
    ck_assert_mem_eq(vault->vault_id, expected.vault_id, sizeof expected.vault_id);
    ck_assert_mem_ne(vault->era, none, sizeof none); /* drawn by create */
    ck_assert_uint_eq(vault->epoch, expected.epoch + 1);
    ck_assert_int_eq(vault->schema, REGISTRY_SCHEMA);
    ck_assert_int_eq(vault->min_reader, 1);
    ck_assert_int_eq(vault->min_writer, 1);
    ck_assert_int_eq(vault->lease_ms, expected.lease_ms);
    ck_assert_int_eq(vault->refresh_ms, expected.refresh_ms);
    ck_assert_int_eq(vault->created, expected.created);
    ck_assert_uint_eq(vault->object_id_length, expected.object_id_length);
    ck_assert_int_eq(vault->token_closes_keys, expected.token_closes_keys);
    ck_assert_int_eq(vault->era_in_force, expected.era_in_force);
}
END_TEST

static sealring_status update_ring(struct registry *registry, void *context, sealring_error *error)
{
    return registry_ring_update(registry, context, error);
}

START_TEST(ring_comes_back)
{
    struct registry_ring ring;
    expect_ok(fixture_read(fixture.registry, get_ring, &ring, &fixture.error));
    expect_ring(&ring, &rows.ring);
    ring.policy = (sealring_policy){.overlap = 5, .purge_delay = INT64_C(1) << 40, .keep = UINT32_MAX};
    ring.rotation_held = false;
    ring.last_version = UINT32_MAX;
    expect_ok(fixture_write(&fixture, true, update_ring, &ring));
    struct registry_ring again;
    expect_ok(fixture_read(fixture.registry, get_ring, &again, &fixture.error));
    expect_ring(&again, &ring);
}
END_TEST

static sealring_status insert_adopted(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_version *version = context;
    fixture_version(version, rows.ring.id, 2);
    strcpy(version->prf, "rsa-pkcs1v15-sha256");
    strcpy(version->origin, REGISTRY_ADOPTED);
    memset(version->public_key, 0x5a, sizeof version->public_key);
    return registry_version_insert(registry, version, error);
}

static sealring_status get_adopted(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_version_find(registry, rows.ring.id, 2, context, &found, error), &found);
}

/* Also a kind that this program cannot derive with: its commands have to name it. */
START_TEST(an_adopted_version_comes_back)
{
    struct registry_version version, again;
    expect_ok(fixture_write(&fixture, true, insert_adopted, &version));
    expect_ok(fixture_read(fixture.registry, get_adopted, &again, &fixture.error));
    expect_version(&again, &version);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM version WHERE public_key IS NULL"), 1);
}
END_TEST

static sealring_status update_version(struct registry *registry, void *context, sealring_error *error)
{
    return registry_version_update(registry, context, error);
}

static sealring_status get_by_object(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_version_find_by_object(registry, rows.version.object_id,
                                                         rows.version.object_id_length, context, &found, error),
                         &found);
}

START_TEST(version_comes_back)
{
    struct registry_version version;
    expect_ok(fixture_read(fixture.registry, get_version, &version, &fixture.error));
    expect_version(&version, &rows.version);
    version.state = SEALRING_VERSION_COMPROMISED;
    version.was_compromised = true;
    version.closing_owed = true;
    version.activated = 11;
    version.retire_at = 12;
    version.closed = 13;
    version.purge_at = 14;
    version.destroyed = 15;
    expect_ok(fixture_write(&fixture, true, update_version, &version));
    struct registry_version again;
    expect_ok(fixture_read(fixture.registry, get_by_object, &again, &fixture.error));
    expect_version(&again, &version);
}
END_TEST

static sealring_status update_client(struct registry *registry, void *context, sealring_error *error)
{
    return registry_client_update(registry, context, error);
}

START_TEST(client_comes_back)
{
    struct registry_client client;
    expect_ok(fixture_read(fixture.registry, get_client, &client, &fixture.error));
    expect_client(&client, &rows.client);
    client.contact[0] = '\0';
    client.forgotten = 21;
    expect_ok(fixture_write(&fixture, false, update_client, &client));
    struct registry_client again;
    expect_ok(fixture_read(fixture.registry, get_client, &again, &fixture.error));
    expect_client(&again, &client);
}
END_TEST

static sealring_status update_key(struct registry *registry, void *context, sealring_error *error)
{
    return registry_key_update(registry, context, error);
}

static sealring_status get_by_label(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct registry_key *key = context;
    return fixture_found(
        registry_key_find_by_label(registry, rows.ring.id, rows.client.id, key->label, key, &found, error), &found);
}

START_TEST(key_comes_back)
{
    struct registry_key key;
    expect_ok(fixture_read(fixture.registry, get_key, &key, &fixture.error));
    expect_key(&key, &rows.key);
    key.state = SEALRING_KEY_SUSPENDED;
    key.narrowed = true;
    memset(key.narrowed_scopes, 'x', SEALRING_SCOPES_LENGTH_MAX);
    key.narrowed_scopes[SEALRING_SCOPES_LENGTH_MAX] = '\0';
    memset(key.label, 'l', SEALRING_NAME_LENGTH_MAX);
    key.label[SEALRING_NAME_LENGTH_MAX] = '\0';
    key.last_serial = UINT32_MAX;
    expect_ok(fixture_write(&fixture, true, update_key, &key));
    struct registry_key again = key;
    expect_ok(fixture_read(fixture.registry, get_by_label, &again, &fixture.error));
    expect_key(&again, &key);
    key.state = SEALRING_KEY_REVOKED;
    expect_ok(fixture_write(&fixture, true, update_key, &key));
    ck_assert_int_eq(fixture_read(fixture.registry, get_by_label, &again, NULL), SEALRING_NOT_FOUND);
    expect_ok(fixture_read(fixture.registry, get_key, &again, &fixture.error));
    ck_assert_int_eq(again.state, SEALRING_KEY_REVOKED);
}
END_TEST

static sealring_status update_credential(struct registry *registry, void *context, sealring_error *error)
{
    return registry_credential_update(registry, context, error);
}

START_TEST(credential_comes_back)
{
    struct registry_credential credential;
    expect_ok(fixture_read(fixture.registry, get_credential, &credential, &fixture.error));
    expect_credential(&credential, &rows.credential);
    credential.state = SEALRING_CREDENTIAL_SUPERSEDED;
    credential.replaced = true;
    credential.retire_at = 31;
    expect_ok(fixture_write(&fixture, true, update_credential, &credential));
    struct registry_credential again;
    expect_ok(fixture_read(fixture.registry, get_credential, &again, &fixture.error));
    expect_credential(&again, &credential);
}
END_TEST

static struct registry_intention intention;

static sealring_status insert_intention(struct registry *registry, void *context, sealring_error *error)
{
    return registry_intention_insert(registry, context, error);
}

static sealring_status walk_intentions(struct registry *registry, void *context, sealring_error *error)
{
    unsigned *count = context;
    struct registry_cursor intentions = registry_intentions(registry, error);
    for (*count = 0; registry_intention_next(&intentions, &intention);)
        ++*count;
    return registry_close_cursor(&intentions, SEALRING_OK);
}

static sealring_status delete_intention(struct registry *registry, void *context, sealring_error *error)
{
    return registry_intention_delete(registry, *(int64_t *)context, error);
}

START_TEST(intention_comes_back)
{
    for (int64_t ring = 0; ring <= rows.ring.id; ring += rows.ring.id) { /* 0: not there yet */
        struct registry_intention put = {
            .ring = ring, .object_id = {1, 2}, .object_id_length = 2, .owner = "host 1", .created = 41};
        unsigned count = 0;
        memset(put.nonce, 0x33, sizeof put.nonce);
        expect_ok(fixture_write(&fixture, false, insert_intention, &put));
        expect_ok(fixture_read(fixture.registry, walk_intentions, &count, &fixture.error));
        ck_assert_uint_eq(count, 1);
        ck_assert_int_eq(intention.id, put.id);
        ck_assert_int_eq(intention.ring, ring);
        ck_assert_uint_eq(intention.object_id_length, 2);
        ck_assert_mem_eq(intention.object_id, put.object_id, 2);
        ck_assert_mem_eq(intention.nonce, put.nonce, sizeof put.nonce);
        ck_assert_str_eq(intention.owner, "host 1");
        ck_assert_int_eq(intention.created, 41);
        expect_ok(fixture_write(&fixture, false, delete_intention, &put.id));
        ck_assert_int_eq(fixture_write(&fixture, false, delete_intention, &put.id), SEALRING_REGISTRY);
        expect_ok(fixture_read(fixture.registry, walk_intentions, &count, &fixture.error));
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

struct numbering {
    unsigned first;
    bool fails;
    int64_t ids[2];
};

static sealring_status insert_clients(struct registry *registry, void *context, sealring_error *error)
{
    struct numbering *numbering = context;
    sealring_status status = SEALRING_OK;
    for (unsigned i = 0; i < 2 && status == SEALRING_OK; i++) {
        struct registry_client client;
        fixture_client(&client, numbering->first + i);
        status = registry_client_insert(registry, &client, error);
        numbering->ids[i] = client.id;
    }
    return status == SEALRING_OK && numbering->fails ? SEALRING_REFUSED : status;
}

START_TEST(rows_are_numbered_without_gap)
{
    struct numbering lost = {.first = 100, .fails = true}, kept = {.first = 200};
    ck_assert_int_eq(fixture_write(&fixture, false, insert_clients, &lost), SEALRING_REFUSED);
    expect_ok(fixture_write(&fixture, false, insert_clients, &kept));
    ck_assert_int_eq(kept.ids[0], rows.client.id + 1);
    ck_assert_int_eq(kept.ids[1], rows.client.id + 2);
}
END_TEST

static sealring_status insert_keys(struct registry *registry, void *context, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    (void)context;
    for (unsigned i = 2; i <= 5 && status == SEALRING_OK; i++) {
        struct registry_key key;
        fixture_key(&key, rows.ring.id, rows.client.id, i);
        snprintf(key.label, sizeof key.label, "label-%u", i);
        status = registry_key_insert(registry, &key, error);
    }
    return status;
}

struct key_page {
    int64_t after, limit;
    unsigned count;
    struct registry_key_id last;
    uint64_t highest;
};

static sealring_status read_key_page(struct registry *registry, void *context, sealring_error *error)
{
    struct key_page *page = context;
    page->count = 0;
    struct registry_cursor key_ids = registry_key_ids(registry, page->after, page->limit, error);
    while (registry_key_id_next(&key_ids, &page->last))
        page->count++;
    sealring_status status = registry_close_cursor(&key_ids, SEALRING_OK);
    return status == SEALRING_OK ? registry_key_last(registry, &page->highest, error) : status;
}

/* Page after page, each key once and in order: what a verifier's filter is made of. */
START_TEST(key_ids_come_in_pages)
{
    static const struct {
        int64_t after, limit;
        unsigned count, last;
    } pages[] = {{0, 2, 2, 2}, {2, 2, 2, 4}, {4, 2, 1, 5}, {5, 2, 0, 0}, {0, 100, 5, 5}, {INT64_MAX, 2, 0, 0}};
    char expected[SEALRING_KEY_ID_LENGTH + 1];
    expect_ok(fixture_write(&fixture, true, insert_keys, NULL));
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct key_page page = {.after = pages[i].after, .limit = pages[i].limit};
        expect_ok(fixture_read(fixture.registry, read_key_page, &page, &fixture.error));
        ck_assert_uint_eq(page.count, pages[i].count);
        ck_assert_uint_eq(page.highest, 5);
        if (page.count == 0)
            continue;
        fixture_key_id(expected, pages[i].last);
        ck_assert_int_eq(page.last.row, pages[i].last);
        ck_assert_str_eq(page.last.key_id, expected);
    }
}
END_TEST

static sealring_status append_audit(struct registry *registry, void *context, sealring_error *error)
{
    return registry_audit_append(registry, context, error);
}

START_TEST(audit_entries_follow_without_gap)
{
    for (int i = 0; i < 3; i++) {
        struct registry_write how = fixture_operation(&fixture, false);
        struct registry_audit entry;
        fixture_audit(&entry, &how);
        how.dry_run = i == 1; /* leaves no gap */
        entry.key_id = i == 2 ? NULL : entry.key_id;
        expect_ok(fixture_write_as(fixture.registry, &how, append_audit, &entry, &fixture.error));
    }
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM audit"), 2);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT max(sequence) FROM audit"), 2);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT sequence FROM audit WHERE key_id IS NULL"), 2);
    ck_assert_int_eq(fixture_number(&fixture,
                                    "SELECT time FROM audit WHERE actor = 'tester@host 1' AND act = 'key.issue'"
                                    " AND ring = 'ring-1' AND version = 1 AND key_id = '0123456789abcdef'"
                                    " AND client = 'client-000001' AND detail = '{}'"),
                     1700000007000);
}
END_TEST

START_TEST(audit_entry_of_another_operation_is_refused)
{
    struct registry_write how = fixture_operation(&fixture, false);
    struct registry_audit entry;
    fixture_audit(&entry, &how);
    entry.operation_id[15] ^= 1;
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, append_audit, &entry, &fixture.error), SEALRING_INVALID);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM audit"), 0);
}
END_TEST

/* ---- What is not there ---------------------------------------------------------------------------------------------- */

static sealring_status get_nothing(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct registry_ring ring;
    struct registry_version version;
    struct registry_client client;
    struct registry_key key;
    struct registry_credential credential;
    (void)context;
    ck_assert_int_eq(fixture_found(registry_ring_find(registry, "no", &ring, &found, error), &found),
                     SEALRING_NOT_FOUND);
    ck_assert_int_eq(fixture_found(registry_version_find(registry, rows.ring.id, 2, &version, &found, error), &found),
                     SEALRING_NOT_FOUND);
    ck_assert_int_eq(
        fixture_found(registry_version_find_by_object(registry, (const uint8_t *)"x", 1, &version, &found, error),
                      &found),
        SEALRING_NOT_FOUND);
    ck_assert_int_eq(fixture_found(registry_client_find(registry, "no", &client, &found, error), &found),
                     SEALRING_NOT_FOUND);
    ck_assert_int_eq(fixture_found(registry_key_find(registry, "no", &key, &found, error), &found), SEALRING_NOT_FOUND);
    ck_assert_int_eq(
        fixture_found(registry_key_find_by_label(registry, rows.ring.id, rows.client.id, "no", &key, &found, error),
                      &found),
        SEALRING_NOT_FOUND);
    ck_assert_int_eq(
        fixture_found(registry_credential_find(registry, rows.key.id, 2, &credential, &found, error), &found),
        SEALRING_NOT_FOUND);
    return SEALRING_OK;
}

START_TEST(nothing_is_not_found_and_leaves_the_error_alone)
{
    strcpy(fixture.error.message, "untouched");
    expect_ok(fixture_read(fixture.registry, get_nothing, NULL, &fixture.error));
    ck_assert_str_eq(fixture.error.message, "untouched");
}
END_TEST

/* In a transaction of its own each: after a failure there can only be a rollback. */
static void expect_absent(fixture_body update, void *row)
{
    ck_assert_int_eq(fixture_write(&fixture, false, update, row), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "lacks a row that was to be changed: run sealring doctor"));
}

START_TEST(updating_nothing_is_a_failure)
{
    struct registry_ring ring = rows.ring;
    struct registry_version version = rows.version;
    struct registry_client client = rows.client;
    struct registry_key key = rows.key;
    struct registry_credential credential = rows.credential;
    ring.id = version.ring = client.id = key.id = credential.key = 999;
    expect_absent(update_ring, &ring);
    expect_absent(update_version, &version);
    expect_absent(update_client, &client);
    expect_absent(update_key, &key);
    expect_absent(update_credential, &credential);
}
END_TEST

/* A body that goes on all the same commits nothing. */
static sealring_status update_nothing_and_go_on(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring ring = rows.ring;
    (void)error;
    ring.id = 999;
    ck_assert_int_eq(registry_client_update(registry, context, NULL), SEALRING_OK);
    ck_assert_int_eq(registry_ring_update(registry, &ring, NULL), SEALRING_REGISTRY);
    return SEALRING_OK;
}

START_TEST(failed_update_is_not_ignored)
{
    struct registry_client client = rows.client;
    client.forgotten = 21;
    ck_assert_int_eq(fixture_write(&fixture, false, update_nothing_and_go_on, &client), SEALRING_REGISTRY);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT forgotten FROM client"), 0);
}
END_TEST

/* ---- Holders -------------------------------------------------------------------------------------------------------- */

static sealring_status get_holder(struct registry *registry, void *context, sealring_error *error)
{
    const struct registry_holder_filter filter = {.key_id = rows.key.key_id};
    struct registry_cursor holders = registry_holders(registry, &filter, error);
    bool found = registry_holder_next(&holders, context);
    return fixture_found(registry_close_cursor(&holders, SEALRING_OK), &found);
}

START_TEST(holder_is_everything_of_a_credential)
{
    struct registry_holder holder;
    expect_ok(fixture_read(fixture.registry, get_holder, &holder, &fixture.error));
    expect_ring(&holder.ring, &rows.ring);
    expect_version(&holder.version, &rows.version);
    expect_client(&holder.client, &rows.client);
    expect_key(&holder.key, &rows.key);
    expect_credential(&holder.credential, &rows.credential);
}
END_TEST

/* ---- Looks ---------------------------------------------------------------------------------------------------------- */

static sealring_status insert_imported(struct registry *registry, void *context, sealring_error *error)
{
    return registry_credential_insert(registry, context, error);
}

static sealring_status get_imported(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct registry_credential *credential = context;
    return fixture_found(registry_credential_find_imported(registry, credential->digest, credential, &found, error),
                         &found);
}

START_TEST(imported_credential_is_known_by_its_digest)
{
    struct registry_credential imported = rows.credential, again;
    imported.serial = 2;
    imported.imported = true;
    imported.origin = INT64_C(1700000000000);
    imported.predecessor = UINT32_MAX;
    memset(imported.digest, 0x44, sizeof imported.digest);
    memset(imported.binding, 0x55, sizeof imported.binding);
    expect_ok(fixture_write(&fixture, true, insert_imported, &imported));
    again = imported;
    expect_ok(fixture_read(fixture.registry, get_imported, &again, &fixture.error));
    expect_credential(&again, &imported);
    again = rows.credential; /* an issued one is not found so */
    ck_assert_int_eq(fixture_read(fixture.registry, get_imported, &again, NULL), SEALRING_NOT_FOUND);
}
END_TEST

/* ---- Rows that the schema would not have let in --------------------------------------------------------------------- */

/* Written with a connection that checks nothing, as somebody could who may write the file. */
static const char *const forgeries[] = {
    "UPDATE version SET state = 9",
    "UPDATE version SET check_value = x'00'",
    "UPDATE version SET prf = ''",
    "UPDATE version SET prf = printf('%033d', 0)",
    "UPDATE version SET origin = 'found'",
    "UPDATE version SET public_key = x'00'",
    "UPDATE version SET object_id = zeroblob(33)",
    "UPDATE ring SET name = 'ring-1' || char(0) || 'x' WHERE 0; UPDATE ring SET prefix = 'sr' || char(0) || 'x'",
    "UPDATE ring SET prefix = replace(hex(zeroblob(20)), '0', 'x')",
    "UPDATE ring SET last_version = 4294967296",
    "UPDATE ring SET last_version = -1",
    "UPDATE api_key SET narrowed = 2",
    "UPDATE api_key SET state = 0",
    "UPDATE api_key SET label = replace(hex(zeroblob(40)), '0', 'x')",
    "UPDATE credential SET scopes = replace(hex(zeroblob(600)), '0', 'x')",
    "UPDATE credential SET nonce = zeroblob(17)",
    "UPDATE client SET contact = replace(hex(zeroblob(200)), '0', 'x')",
};

START_TEST(forged_rows_are_damage)
{
    sqlite3 *raw = fixture_raw(&fixture);
    char sql[512];
    snprintf(sql, sizeof sql, "PRAGMA ignore_check_constraints = ON; %s", forgeries[_i]);
    ck_assert_int_eq(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(raw);
    struct registry_holder holder;
    ck_assert_int_eq(fixture_read(fixture.registry, get_holder, &holder, &fixture.error), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is damaged"));
}
END_TEST

/* A reference to nothing, and a value that the schema does not permit. */
static const char *const unsound[] = {
    "INSERT INTO version_use (ring, version, last_use) VALUES (99, 1, 1)",
    "PRAGMA ignore_check_constraints = ON; UPDATE ring SET last_version = -1",
};

START_TEST(unsound_registry_is_damaged)
{
    expect_ok(registry_sound(fixture.registry, &fixture.error));
    sqlite3 *raw = fixture_raw(&fixture);
    ck_assert_int_eq(sqlite3_exec(raw, "PRAGMA foreign_keys = OFF", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(raw, unsound[_i], NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(raw);
    ck_assert_int_eq(registry_sound(fixture.registry, &fixture.error), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is damaged"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry rows");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, vault_row_comes_back);
    tcase_add_test(cases, ring_comes_back);
    tcase_add_test(cases, version_comes_back);
    tcase_add_test(cases, an_adopted_version_comes_back);
    tcase_add_test(cases, client_comes_back);
    tcase_add_test(cases, key_comes_back);
    tcase_add_test(cases, credential_comes_back);
    tcase_add_test(cases, intention_comes_back);
    tcase_add_test(cases, rows_are_numbered_without_gap);
    tcase_add_test(cases, key_ids_come_in_pages);
    tcase_add_test(cases, audit_entries_follow_without_gap);
    tcase_add_test(cases, audit_entry_of_another_operation_is_refused);
    tcase_add_test(cases, nothing_is_not_found_and_leaves_the_error_alone);
    tcase_add_test(cases, updating_nothing_is_a_failure);
    tcase_add_test(cases, failed_update_is_not_ignored);
    tcase_add_test(cases, holder_is_everything_of_a_credential);
    tcase_add_test(cases, imported_credential_is_known_by_its_digest);
    tcase_add_loop_test(cases, forged_rows_are_damage, 0, (int)(sizeof forgeries / sizeof *forgeries));
    tcase_add_loop_test(cases, unsound_registry_is_damaged, 0, (int)(sizeof unsound / sizeof *unsound));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
