/* SPDX-License-Identifier: Apache-2.0 */
/* audit/image: every row comes back from its image as it was, contact aside; nothing else is taken for an image. */
#include <string.h>

#include "lib/runner.h"
#include "log/row_image.h"

static enum registry_table told;
static union image_row back;
static const char *problem;

static bool reads(const char *text)
{
    json_t *image = json_loads(text, JSON_DECODE_ANY, NULL);
    bool good = image_read(image, &told, &back, &problem);
    json_decref(image);
    return good;
}

static void through(enum registry_table table, const void *row, size_t size)
{
    json_t *image = image_of(table, row);
    ck_assert_ptr_nonnull(image);
    ck_assert_msg(image_read(image, &told, &back, &problem), "%s", problem);
    ck_assert_int_eq(told, table);
    ck_assert_mem_eq(&back, row, size);
    json_decref(image);
}

/* A name of every length, so that the last place of every text is used. */
static void fill(char *text, size_t size, char with)
{
    memset(text, with, size - 1);
}

START_TEST(a_ring)
{
    static struct registry_ring row = {
        .id = INT64_MAX,
        .ring_id = {1, [REGISTRY_ID_SIZE - 1] = 255},
        .policy = {.overlap = 1,
                   .purge_delay = 2,
                   .keep = UINT32_MAX,
                   .rotate_every = 4,
                   .quiet_period = INT64_MAX,
                   .standby = true,
                   .idle_blocks = true,
                   .usage_hourly = 7,
                   .usage_daily = 8,
                   .succession = 10,
                   .renew = SEALRING_RENEW_SEALED,
                   .renew_life = 11,
                   .renew_age = 12,
                   .deliver = SEALRING_DELIVER_HOOK,
                   .leaks = SEALRING_LEAKS_REKEY},
        .rotation_held = true,
        .last_version = UINT32_MAX,
        .created = 9,
    };
    fill(row.name, sizeof row.name, 'n');
    fill(row.prefix, sizeof row.prefix, 'p');
    through(REGISTRY_TABLE_RING, &row, sizeof row);
}
END_TEST

START_TEST(a_version)
{
    static struct registry_version row = {
        .ring = 3,
        .number = UINT32_MAX,
        .state = SEALRING_VERSION_DESTROYED,
        .object_id_length = REGISTRY_OBJECT_ID_MAX,
        .check_value = {1, 2, 3, 4, 5, 6, 7, 8},
        .was_compromised = true,
        .closing_owed = true,
        .created = 1,
        .activated = 2,
        .retire_at = 3,
        .closed = 4,
        .purge_at = 5,
        .destroyed = 6,
        .prf = "rsa-pkcs1v15-sha256",
        .origin = REGISTRY_ADOPTED,
        .public_key = {1, [REGISTRY_DIGEST_SIZE - 1] = 255},
    };
    memset(row.object_id, 0xa5, sizeof row.object_id);
    through(REGISTRY_TABLE_VERSION, &row, sizeof row);
    memset(row.object_id + 2, 0, sizeof row.object_id - 2); /* a token that keeps 16 bits of ID */
    row.object_id_length = 2;
    through(REGISTRY_TABLE_VERSION, &row, sizeof row);
}
END_TEST

/* An older sealring's image lacks what all of its versions have in common. */
START_TEST(a_version_of_an_older_sealring)
{
    json_t *image = json_loads("{\"table\":\"version\",\"ring\":3,\"number\":1}", 0, NULL);
    enum registry_table table;
    ck_assert(image_read(image, &table, &back, &problem));
    ck_assert_str_eq(back.version.prf, "hmac-sha256");
    ck_assert_str_eq(back.version.origin, "generated");
    ck_assert(image_complete(image));
    json_t *whole = image_of(table, &back);
    ck_assert(json_equal(image, whole));
    json_decref(whole);
    json_object_set_new(image, "prf", json_string("aes-cmac"));
    ck_assert(image_complete(image));
    ck_assert_str_eq(json_string_value(json_object_get(image, "prf")), "aes-cmac");
    json_decref(image);
}
END_TEST

START_TEST(a_client_without_contact)
{
    static struct registry_client row = {.id = 5, .created = 6, .forgotten = 7};
    fill(row.name, sizeof row.name, 'c');
    through(REGISTRY_TABLE_CLIENT, &row, sizeof row);
    memcpy(row.contact, "ops@example.com", sizeof "ops@example.com");
    json_t *image = image_of(REGISTRY_TABLE_CLIENT, &row);
    char *text = json_dumps(image, 0);
    ck_assert_ptr_null(strstr(text, "example"));
    free(text);
    json_decref(image);
}
END_TEST

START_TEST(a_key)
{
    static struct registry_key row = {
        .id = 5,
        .ring = 6,
        .client = 7,
        .state = SEALRING_KEY_REVOKED,
        .narrowed = true,
        .last_serial = UINT32_MAX,
        .created = 8,
    };
    fill(row.key_id, sizeof row.key_id, 'K');
    fill(row.label, sizeof row.label, 'l');
    fill(row.narrowed_scopes, sizeof row.narrowed_scopes, 's');
    row.holders = (struct holders){true, 3, 4, "192.0.2.1", "2001:db8::1"};
    row.claim = (struct key_claim){true, {1, 2}, 3, 4, true, {5, 6}, "192.0.2.1", 7, "2001:db8::1"};
    through(REGISTRY_TABLE_KEY, &row, sizeof row);
}
END_TEST

START_TEST(a_credential)
{
    static struct registry_credential row = {
        .key = 1,
        .serial = UINT32_MAX,
        .version = UINT32_MAX,
        .not_before = 3,
        .expires = INT64_MAX,
        .state = SEALRING_CREDENTIAL_SUPERSEDED,
        .replaced = true,
        .retire_at = 4,
        .issued = 5,
        .imported = true,
        .origin = 6,
        .predecessor = UINT32_MAX,
    };
    fill(row.scopes, sizeof row.scopes, 's');
    memset(row.digest, 0xd1, sizeof row.digest);
    memset(row.nonce, 0x9e, sizeof row.nonce);
    memset(row.binding, 0xb1, sizeof row.binding);
    through(REGISTRY_TABLE_CREDENTIAL, &row, sizeof row);
}
END_TEST

START_TEST(what_is_nothing_is_left_out)
{
    static const struct registry_key row;
    through(REGISTRY_TABLE_KEY, &row, sizeof row);
    json_t *image = image_of(REGISTRY_TABLE_KEY, &row);
    ck_assert_uint_eq(json_object_size(image), 1);
    json_decref(image);
}
END_TEST

/* Image, and the member that is named. */
static const struct {
    const char *text, *problem;
} bad[] = {
    {"null", "table"},
    {"[]", "table"},
    {"{}", "table"},
    {"{\"table\":\"vault\"}", "table"},
    {"{\"table\":7}", "table"},
    {"{\"table\":\"ring\",\"id\":-1}", "id"},
    {"{\"table\":\"ring\",\"id\":1.5}", "id"},
    {"{\"table\":\"ring\",\"id\":\"1\"}", "id"},
    {"{\"table\":\"ring\",\"keep\":4294967296}", "keep"},
    {"{\"table\":\"ring\",\"standby\":1}", "standby"},
    {"{\"table\":\"ring\",\"standby\":false}", "standby"},
    {"{\"table\":\"ring\",\"prefix\":\"aaaaaaaaaaaaaaaaaaaaaaaaa\"}", "prefix"},
    {"{\"table\":\"ring\",\"name\":null}", "name"},
    {"{\"table\":\"ring\",\"ring_id\":\"00\"}", "ring_id"},
    {"{\"table\":\"version\",\"state\":7}", "state"},
    {"{\"table\":\"version\",\"check_value\":\"0123456789abcde\"}", "check_value"},
    {"{\"table\":\"version\",\"check_value\":\"0123456789ABCDEF\"}", "check_value"},
    {"{\"table\":\"version\",\"check_value\":\"0123456789abcdeg\"}", "check_value"},
    {"{\"table\":\"version\",\"object_id\":\"0\"}", "object_id"},
    {"{\"table\":\"version\",\"object_id\":"
     "\"000000000000000000000000000000000000000000000000000000000000000000\"}",
     "object_id"},
    {"{\"table\":\"client\",\"contact\":\"a\"}", "a member that this version does not know"},
};

START_TEST(what_is_no_image)
{
    ck_assert(!reads(bad[_i].text));
    ck_assert_str_eq(problem, bad[_i].problem);
}
END_TEST

START_TEST(a_text_with_a_nul)
{
    json_t *image = json_object();
    json_object_set_new(image, "table", json_string("ring"));
    json_object_set_new(image, "name", json_stringn("a\0b", 3));
    ck_assert(!image_read(image, &told, &back, &problem));
    ck_assert_str_eq(problem, "name");
    json_decref(image);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image");
    TCase *cases = tcase_create("image");
    tcase_add_test(cases, a_ring);
    tcase_add_test(cases, a_version);
    tcase_add_test(cases, a_version_of_an_older_sealring);
    tcase_add_test(cases, a_client_without_contact);
    tcase_add_test(cases, a_key);
    tcase_add_test(cases, a_credential);
    tcase_add_test(cases, what_is_nothing_is_left_out);
    tcase_add_loop_test(cases, what_is_no_image, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(cases, a_text_with_a_nul);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
