/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts and certificates of clients: the last fact vouches for them, and any other value is recognised. */
#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "lib/runner.h"
#include "registry/fixture.h"
#include "registry/rows/closed_facts.h"

static struct fixture fixture;
static struct registry_client ann, bob;
static struct registry_client_proof proof;

static const uint8_t certificate[] = "-----BEGIN CERTIFICATE-----";

static void run(fixture_body body, void *context)
{
    ck_assert_msg(fixture_write(&fixture, true, body, context) == SEALRING_OK, "%s", fixture.error.message);
}

static sealring_status insert(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_client *client = context;
    registry_client_seal(registry, client);
    return registry_client_insert(registry, client, error);
}

static sealring_status certify(struct registry *registry, void *context, sealring_error *error)
{
    return registry_client_set_certificate(registry, context, certificate, sizeof certificate, error);
}

static sealring_status update(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_client *client = context;
    registry_client_seal(registry, client);
    return registry_client_update(registry, client, error);
}

static sealring_status prove(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_client *client = context;
    bool found;
    sealring_status status = fixture_found(registry_client_find(registry, client->name, client, &found, error), &found);
    return status == SEALRING_OK ? registry_client_prove(registry, client, &proof, error) : status;
}

static void expect(const char *name, enum client_state contact, enum client_state of_certificate, bool forgotten_edited)
{
    struct registry_client client;
    strcpy(client.name, name);
    ck_assert_int_eq(fixture_read(fixture.registry, prove, &client, &fixture.error), SEALRING_OK);
    ck_assert_int_eq(proof.contact, contact);
    ck_assert_int_eq(proof.certificate, of_certificate);
    ck_assert(proof.forgotten_edited == forgotten_edited);
}

static void make(struct registry_client *client, const char *name, const char *contact, int salt)
{
    *client = (struct registry_client){.created = 1};
    strcpy(client->name, name);
    strcpy(client->contact, contact);
    memset(client->salt, salt, sizeof client->salt);
    run(insert, client);
}

static void set_up(void)
{
    fixture_open(&fixture);
    make(&ann, "ann", "ann@example.org", 1);
    make(&bob, "bob", "bob@example.org", 2);
    run(certify, &bob);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

START_TEST(what_was_set_is_confirmed)
{
    expect("ann", CLIENT_CONFIRMED, CLIENT_CONFIRMED, false);
    expect("bob", CLIENT_CONFIRMED, CLIENT_CONFIRMED, false);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM client WHERE certificate_hash IS NOT NULL"), 1);
}
END_TEST

/* As docs/formats.md has it, computed by other means. */
START_TEST(hashes_and_facts_have_their_format)
{
    ck_assert_int_eq(
        fixture_number(
            &fixture,
            "SELECT count(*) FROM client WHERE name = 'ann' AND contact_hash = x'b17f0ef614972bce0a0b3cabe95050f85b97ba6ebae200e123146fd9465b677a'"),
        1);
    ck_assert_int_eq(
        fixture_number(
            &fixture,
            "SELECT count(*) FROM client WHERE name = 'bob' AND certificate_hash = x'f5140f066cde7212327dc961625806599e64e082fca78964c8e48e1c5db6e573'"),
        1);
    ck_assert_int_eq(
        fixture_number(
            &fixture,
            "SELECT count(*) FROM closed_fact WHERE kind = 2 AND version = 0 AND state = 1 AND"
            " ring_id = x'b9811b9b8e7f57a9a8343c09269b0eab' AND value = '0' || char(10) || 'b17f0ef614972bce0a0b3cabe95050f85b97ba6ebae200e123146fd9465b677a' || char(10)"),
        1);
}
END_TEST

START_TEST(a_client_without_anything_costs_no_fact)
{
    struct registry_client none;
    int64_t before = fixture_number(&fixture, "SELECT count(*) FROM closed_fact");
    make(&none, "none", "", 0);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM closed_fact"), before);
    expect("none", CLIENT_CONFIRMED, CLIENT_CONFIRMED, false);
}
END_TEST

static const struct {
    const char *sql;
    enum client_state contact, certificate;
    bool forgotten;
} edits[] = {
    {"UPDATE client SET contact = 'mallory@example.org' WHERE name = 'bob'", CLIENT_ALTERED, CLIENT_CONFIRMED, false},
    {"UPDATE client SET contact = '' WHERE name = 'bob'", CLIENT_ALTERED, CLIENT_CONFIRMED, false},
    {"UPDATE client SET contact = '', contact_hash = NULL WHERE name = 'bob'", CLIENT_ALTERED, CLIENT_CONFIRMED, false},
    {"UPDATE client SET contact_hash = randomblob(32) WHERE name = 'bob'", CLIENT_ALTERED, CLIENT_CONFIRMED, false},
    {"UPDATE client SET salt = NULL WHERE name = 'bob'", CLIENT_ALTERED, CLIENT_ALTERED, false},
    {"UPDATE client SET certificate = x'00' WHERE name = 'bob'", CLIENT_CONFIRMED, CLIENT_ALTERED, false},
    {"UPDATE client SET certificate = NULL WHERE name = 'bob'", CLIENT_CONFIRMED, CLIENT_ALTERED, false},
    {"UPDATE client SET certificate = NULL, certificate_hash = NULL WHERE name = 'bob'", CLIENT_CONFIRMED,
     CLIENT_ALTERED, false},
    {"UPDATE client SET forgotten = 5 WHERE name = 'bob'", CLIENT_CONFIRMED, CLIENT_CONFIRMED, true},
    /* everything of another client: the name is in what is hashed, and the fact is found by it */
    {"UPDATE client SET (contact, salt, contact_hash, certificate, certificate_hash) = (SELECT contact, salt, contact_hash, certificate,"
     " certificate_hash FROM client WHERE name = 'ann') WHERE name = 'bob'",
     CLIENT_ALTERED, CLIENT_ALTERED, false},
};

START_TEST(an_edit_is_recognised)
{
    ck_assert_int_eq(fixture_sql(&fixture, edits[_i].sql), SQLITE_OK);
    expect("bob", edits[_i].contact, edits[_i].certificate, edits[_i].forgotten);
    expect("ann", CLIENT_CONFIRMED, CLIENT_CONFIRMED, false);
}
END_TEST

/* What was once confirmed is not any more: the last fact counts. */
START_TEST(an_older_value_is_recognised)
{
    char salt[2 * REGISTRY_DIGEST_SIZE + 1], hash[2 * REGISTRY_DIGEST_SIZE + 1], sql[512];
    hex_encode(ann.salt, sizeof ann.salt, salt);
    hex_encode(ann.contact_hash, sizeof ann.contact_hash, hash);
    snprintf(sql, sizeof sql, "UPDATE client SET contact = '%s', salt = x'%s', contact_hash = x'%s' WHERE name = 'ann'",
             ann.contact, salt, hash);
    strcpy(ann.contact, "new@example.org");
    memset(ann.salt, 3, sizeof ann.salt);
    run(update, &ann);
    expect("ann", CLIENT_CONFIRMED, CLIENT_CONFIRMED, false);
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    expect("ann", CLIENT_ALTERED, CLIENT_CONFIRMED, false);
}
END_TEST

START_TEST(forgetting_erases_and_lasts)
{
    memset(bob.contact, 0, sizeof bob.contact);
    memset(bob.salt, 0, sizeof bob.salt);
    memset(bob.certificate_hash, 0, sizeof bob.certificate_hash);
    bob.forgotten = 9;
    run(update, &bob);
    expect("bob", CLIENT_CONFIRMED, CLIENT_CONFIRMED, false);
    ck_assert_int_eq(fixture_number(&fixture,
                                    "SELECT count(*) FROM client WHERE name = 'bob' AND contact = '' AND salt IS NULL"
                                    " AND certificate IS NULL AND contact_hash IS NULL"),
                     1);
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE client SET forgotten = 0 WHERE name = 'bob'"), SQLITE_OK);
    struct registry_client client = {.name = "bob"};
    ck_assert_int_eq(fixture_read(fixture.registry, prove, &client, &fixture.error), SEALRING_OK);
    ck_assert(proof.forgotten_edited);
    ck_assert_int_eq(client.forgotten, 9);
}
END_TEST

/* Of before schema 3, or somebody else's: nothing vouches for it. */
START_TEST(without_a_fact_nothing_is_confirmed)
{
    ck_assert_int_eq(fixture_sql(&fixture, "INSERT INTO client (id, name, contact, created, forgotten)"
                                           " VALUES (9, 'old', 'old@example.org', 1, 0)"),
                     SQLITE_OK);
    expect("old", CLIENT_UNCONFIRMED, CLIENT_CONFIRMED, false);
}
END_TEST

START_TEST(an_update_reports_what_it_overwrites)
{
    ck_assert_int_eq(fixture_sql(&fixture, edits[0].sql), SQLITE_OK);
    strcpy(bob.contact, "new@example.org");
    run(update, &bob);
    ck_assert_str_eq(registry_corrected(fixture.registry), "the row of client bob, which was edited");
    expect("bob", CLIENT_CONFIRMED, CLIENT_CONFIRMED, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry/clients");
    TCase *cases = tcase_create("clients");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_was_set_is_confirmed);
    tcase_add_test(cases, hashes_and_facts_have_their_format);
    tcase_add_test(cases, a_client_without_anything_costs_no_fact);
    tcase_add_loop_test(cases, an_edit_is_recognised, 0, sizeof edits / sizeof *edits);
    tcase_add_test(cases, an_older_value_is_recognised);
    tcase_add_test(cases, forgetting_erases_and_lasts);
    tcase_add_test(cases, without_a_fact_nothing_is_confirmed);
    tcase_add_test(cases, an_update_reports_what_it_overwrites);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
