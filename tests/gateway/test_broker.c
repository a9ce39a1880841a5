/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's pure parts: its messages, and how often one key may be renewed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/broker/key_limit.h"
#include "gateway/daemon/renewal_message.h"
#include "lib/runner.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* ---- Messages ---- */

static uint8_t bytes[RENEWAL_MESSAGE_MAX + 1];
static const uint8_t der[RENEWAL_SEALED_MAX] = {0x30, 0x82};

#define KEY_ID "0123456789abcdef"
#define TEXT   "acme_live_0123456789abcdef_3_secret"
#define CODE   "claim_0123456789abcdef_0000000000000000000000000000"

static const struct {
    struct renewal_message message;
    size_t size;
} messages[] = {
    {{.type = RENEWAL_PING, .id = 0}, 8},
    {{.type = RENEWAL_PONG, .id = UINT32_MAX}, 8},
    {{.type = RENEWAL_RENEW, .id = 7, .of.request = {.credential = "x", .length = 1}}, 129},
    {{.type = RENEWAL_RENEW,
      .id = 0x01020304,
      .of.request = {.address = {192, 0, 2, 7}, .address_length = 4, .credential = TEXT, .length = sizeof TEXT - 1}},
     129},
    {{.type = RENEWAL_RENEW,
      .of.request = {.address = {0x20, 1, [15] = 9}, .address_length = 16, .length = SEALRING_CREDENTIAL_LENGTH_MAX}},
     129},
    {{.type = RENEWAL_RENEWED, .of.answer = {.result = SEALRING_RENEWAL_LIMITED, .retry_after = 190}}, 59},
    {{.type = RENEWAL_RENEWED,
      .id = 1,
      .of.answer = {.result = SEALRING_RENEWAL_ISSUED,
                    .expires = INT64_MAX,
                    .predecessor_until = 1,
                    .version = UINT32_MAX,
                    .serial = 3,
                    .key_id = KEY_ID,
                    .form = RENEWAL_CREDENTIAL,
                    .payload = (const uint8_t *)TEXT,
                    .payload_length = sizeof TEXT - 1}},
     59 + sizeof TEXT - 1},
    {{.type = RENEWAL_RENEWED,
      .of.answer = {.result = SEALRING_RENEWAL_AGAIN,
                    .key_id = KEY_ID,
                    .form = RENEWAL_SEALED,
                    .payload = der,
                    .payload_length = sizeof der}},
     RENEWAL_MESSAGE_MAX},
    {{.type = RENEWAL_CLAIM,
      .id = 3,
      .of.request = {.address_length = 4,
                     .credential = CODE,
                     .length = CLAIM_CODE_LENGTH,
                     .certificate = "-----BEGIN",
                     .certificate_length = 10}},
     2126},
    {{.type = RENEWAL_CLAIM,
      .of.request = {.credential = CODE, .length = CLAIM_CODE_LENGTH, .certificate_length = CLAIM_CERTIFICATE_MAX}},
     2126},
    {{.type = RENEWAL_CLAIMED,
      .of.answer = {.result = 2, .key_id = KEY_ID, .form = RENEWAL_SEALED, .payload = der, .payload_length = 2}},
     61},
    {{.type = RENEWAL_CLAIMED, .of.answer = {.result = 8}}, 59},
};

START_TEST(what_is_written_is_read)
{
    const struct renewal_message *message = &messages[_i].message;
    struct renewal_message read;
    memset(&read, 0xa5, sizeof read);
    size_t size = renewal_message_write(message, bytes);
    ck_assert_uint_eq(size, messages[_i].size);
    ck_assert(renewal_message_read(bytes, size, &read));
    ck_assert_int_eq(read.type, message->type);
    ck_assert_uint_eq(read.id, message->id);
    if (message->type == RENEWAL_RENEW) {
        const struct renewal_request *request = &message->of.request;
        ck_assert_uint_eq(read.of.request.address_length, request->address_length);
        ck_assert_int_eq(memcmp(read.of.request.address, request->address, sizeof request->address), 0);
        ck_assert_uint_eq(read.of.request.length, request->length);
        ck_assert_int_eq(memcmp(read.of.request.credential, request->credential, request->length), 0);
    } else if (message->type == RENEWAL_RENEWED) {
        const struct renewal_answer *answer = &message->of.answer;
        ck_assert_uint_eq(read.of.answer.result, answer->result);
        ck_assert_uint_eq(read.of.answer.retry_after, answer->retry_after);
        ck_assert(read.of.answer.expires == answer->expires);
        ck_assert(read.of.answer.predecessor_until == answer->predecessor_until);
        ck_assert_uint_eq(read.of.answer.version, answer->version);
        ck_assert_uint_eq(read.of.answer.serial, answer->serial);
        ck_assert_str_eq(read.of.answer.key_id, answer->key_id);
        ck_assert_int_eq(read.of.answer.form, answer->form);
        ck_assert_uint_eq(read.of.answer.payload_length, answer->payload_length);
        ck_assert(answer->payload == NULL ||
                  memcmp(read.of.answer.payload, answer->payload, answer->payload_length) == 0);
    }
    /* Neither shorter nor longer. */
    ck_assert(!renewal_message_read(bytes, size - 1, &read));
    bytes[size] = 0;
    ck_assert(!renewal_message_read(bytes, size + 1, &read));
}
END_TEST

START_TEST(numbers_are_big_endian)
{
    static const uint8_t expected[] = {0, 1, 0, 1, 1, 2, 3, 4, 4, 192, 0, 2, 7};
    (void)renewal_message_write(&messages[3].message, bytes);
    ck_assert_int_eq(memcmp(bytes, expected, sizeof expected), 0);
    ck_assert_uint_eq(bytes[25], 0);
    ck_assert_uint_eq(bytes[26], sizeof TEXT - 1);
}
END_TEST

/* One byte of a valid message changed, which makes it invalid. */
static const struct {
    int message;
    size_t offset;
    uint8_t value;
    const char *what;
} changes[] = {
    {0, 0, 1, "the protocol's high byte"},
    {0, 1, 2, "another protocol"},
    {0, 1, 0, "no protocol"},
    {0, 3, 3, "an unknown type"},
    {0, 3, 1, "a RENEW of a PING's size"},
    {1, 2, 0x81, "an unknown answer"},
    {2, 8, 4 + 1, "an unknown family"},
    {2, 24, 1, "an address without a family"},
    {3, 13, 1, "more than an IPv4 address"},
    {2, 26, 0, "an empty credential"},
    {2, 26, 103, "a credential that is too long"},
    {2, 25, 1, "one that is much too long"},
    {2, 28, 'y', "something behind the credential"},
    {2, 128, 'y', "something at its end"},
    {5, 9, 10, "an unknown result"},
    {5, 8, 1, "a large one"},
    {5, 9, 1, "ISSUED without a successor"},
    {5, 14, 0x80, "a negative expiry"},
    {5, 22, 0x80, "a negative end"},
    {5, 38, 'a', "a part of a key ID"},
    {5, 54, 1, "a form without a payload"},
    {5, 58, 1, "a length without a payload"},
    {6, 9, 3, "CURRENT with a successor"},
    {6, 54, 0, "a payload without a form"},
    {6, 54, 3, "an unknown form"},
    {6, 58, 1, "another length"},
    {6, 59, '"', "a credential that would end a string"},
    {6, 59, 0, "a credential with a zero"},
    {6, 38, '/', "not a key ID"},
    {7, 54, RENEWAL_CREDENTIAL, "a credential of 16 KiB"},
};

START_TEST(a_changed_message_is_malformed)
{
    struct renewal_message read;
    size_t size = renewal_message_write(&messages[changes[_i].message].message, bytes);
    bytes[changes[_i].offset] = changes[_i].value;
    ck_assert_msg(!renewal_message_read(bytes, size, &read), "%s is read", changes[_i].what);
}
END_TEST

/* ---- How often ---- */

static struct key_limit limit;

START_TEST(a_key_has_a_burst_and_an_interval)
{
    memset(&limit, 0, sizeof limit);
    for (int i = 0; i < KEY_LIMIT_BURST; i++)
        ck_assert_uint_eq(key_limit_take(&limit, KEY_ID, 1000), 0);
    ck_assert_uint_eq(key_limit_take(&limit, KEY_ID, 1000), 10);
    ck_assert_uint_eq(key_limit_take(&limit, KEY_ID, 10001), 1);
    ck_assert_uint_eq(key_limit_take(&limit, KEY_ID, 11000), 0);
    ck_assert_uint_eq(key_limit_take(&limit, KEY_ID, 11000), 10);
    ck_assert_uint_eq(key_limit_take(&limit, "fedcba9876543210", 11000), 0);
    for (int i = 0; i < KEY_LIMIT_BURST; i++) /* full again */
        ck_assert_uint_eq(key_limit_take(&limit, KEY_ID, 1000000), 0);
    ck_assert_uint_eq(key_limit_take(&limit, KEY_ID, 1000000), 10);
}
END_TEST

/* What was refused is not counted: whoever goes on asking gets one for each interval all the same. */
START_TEST(asking_costs_nothing)
{
    int got = 0;
    memset(&limit, 0, sizeof limit);
    for (int64_t now = 0; now < 1000000; now += 100)
        got += key_limit_take(&limit, KEY_ID, now) == 0;
    ck_assert_int_eq(got, KEY_LIMIT_BURST + 99);
}
END_TEST

/* A made-up crowd of keys does not make the table forget one. */
START_TEST(a_crowd_forgets_nobody)
{
    char key[SEALRING_KEY_ID_LENGTH + 1];
    memset(&limit, 0, sizeof limit);
    limit.seed = 42;
    for (int i = 0; i < KEY_LIMIT_BURST; i++)
        ck_assert_uint_eq(key_limit_take(&limit, KEY_ID, 0), 0);
    for (int i = 0; i < 500000; i++) {
        (void)snprintf(key, sizeof key, "%016d", i);
        (void)key_limit_take(&limit, key, 0);
    }
    ck_assert_uint_ne(key_limit_take(&limit, KEY_ID, 0), 0);
}
END_TEST

START_TEST(few_keys_share_a_place)
{
    int shared = 0;
    char key[SEALRING_KEY_ID_LENGTH + 1];
    memset(&limit, 0, sizeof limit);
    limit.seed = UINT64_C(0x123456789abcdef0);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof key, "%016d", i);
        for (int times = 0; times < KEY_LIMIT_BURST; times++)
            shared += key_limit_take(&limit, key, 0) != 0;
    }
    ck_assert_int_lt(shared, 30 * KEY_LIMIT_BURST); /* about 8 pairs among 1000 keys in 65536 places */
}
END_TEST

START_TEST(what_is_limited_is_counted_once)
{
    memset(&limit, 0, sizeof limit);
    limit.seed = 42;
    ck_assert_uint_eq(key_limit_counted(&limit, KEY_ID), 0);
    for (int i = 0; i < 3; i++)
        key_limit_count(&limit, KEY_ID);
    ck_assert_uint_eq(key_limit_counted(&limit, "fedcba9876543210"), 0);
    ck_assert_uint_eq(key_limit_counted(&limit, KEY_ID), 3);
    ck_assert_uint_eq(key_limit_counted(&limit, KEY_ID), 0);
}
END_TEST

/* Of keys that share a place, none gets what was counted for another one. */
START_TEST(counts_are_never_those_of_another_key)
{
    char key[SEALRING_KEY_ID_LENGTH + 1];
    unsigned lost = 0;
    memset(&limit, 0, sizeof limit);
    for (int round = 1; round < 3; round++)
        for (int i = 0; i < 100000; i++) {
            (void)snprintf(key, sizeof key, "%016d", i);
            for (int times = 0; round == 1 && times <= i % 3; times++)
                key_limit_count(&limit, key);
            uint32_t counted = round == 2 ? key_limit_counted(&limit, key) : 0;
            lost += round == 2 && counted == 0;
            ck_assert(counted == 0 || counted == (uint32_t)(i % 3 + 1));
        }
    ck_assert_uint_lt(lost, 80000); /* as 100,000 keys have 65,536 places */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("broker");
    TCase *cases = tcase_create("broker");
    tcase_add_loop_test(cases, what_is_written_is_read, 0, COUNT(messages));
    tcase_add_test(cases, numbers_are_big_endian);
    tcase_add_loop_test(cases, a_changed_message_is_malformed, 0, COUNT(changes));
    tcase_add_test(cases, a_key_has_a_burst_and_an_interval);
    tcase_add_test(cases, asking_costs_nothing);
    tcase_add_test(cases, a_crowd_forgets_nobody);
    tcase_add_test(cases, few_keys_share_a_place);
    tcase_add_test(cases, what_is_limited_is_counted_once);
    tcase_add_test(cases, counts_are_never_those_of_another_key);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
