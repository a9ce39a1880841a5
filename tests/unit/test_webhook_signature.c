/* SPDX-License-Identifier: Apache-2.0 */
/* notify/webhook_signature: the vectors that the Standard Webhooks project publishes, and what is not signed. */
#include <string.h>

#include "lib/runner.h"
#include "notify/webhook_signature.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const char published_id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek", published_body[] = "{\"test\": 2432232314}";
enum { PUBLISHED_TIME = 1614265330 };

static struct webhook_key read_key(const char *text)
{
    struct webhook_key key;
    ck_assert(base64_decode(text, strlen(text), key.bytes, sizeof key.bytes, &key.length));
    return key;
}

/* libraries/javascript/src/webhook.test.ts of the project, and the same in its other libraries. */
START_TEST(the_published_vector)
{
    struct webhook_key key = read_key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    char signatures[WEBHOOK_SIGNATURES_SIZE], secret[WEBHOOK_SECRET_SIZE];
    ck_assert(
        webhook_sign(&key, 1, published_id, PUBLISHED_TIME, published_body, sizeof published_body - 1, signatures));
    ck_assert_str_eq(signatures, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    webhook_secret_text(&key, secret);
    ck_assert_str_eq(secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
}
END_TEST

START_TEST(each_key_has_a_signature_in_order)
{
    struct webhook_key keys[WEBHOOK_KEYS_MAX];
    char signatures[WEBHOOK_SIGNATURES_SIZE], alone[WEBHOOK_SIGNATURES_SIZE];
    for (size_t i = 0; i < WEBHOOK_KEYS_MAX; i++) {
        keys[i].length = WEBHOOK_KEY_SIZE;
        memset(keys[i].bytes, (int)i, sizeof keys[i].bytes);
    }
    ck_assert(webhook_sign(keys, WEBHOOK_KEYS_MAX, "a", 1, "b", 1, signatures));
    ck_assert_uint_eq(strlen(signatures), sizeof signatures - 1);
    for (size_t i = 0; i < WEBHOOK_KEYS_MAX; i++) {
        ck_assert(webhook_sign(&keys[i], 1, "a", 1, "b", 1, alone));
        ck_assert_mem_eq(signatures + i * (WEBHOOK_SIGNATURE_LENGTH + 1), alone, WEBHOOK_SIGNATURE_LENGTH);
    }
}
END_TEST

START_TEST(the_body_may_be_empty)
{
    struct webhook_key key = read_key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    char signatures[WEBHOOK_SIGNATURES_SIZE];
    ck_assert(webhook_sign(&key, 1, published_id, PUBLISHED_TIME, "", 0, signatures));
}
END_TEST

/* A full stop would move the border between the ID and the time, a line end would begin another header. */
static const char *const invalid_ids[] = {
    "", "a.b", "a b", "a\nb", "a\r", "\xc3\xa4", "12345678901234567890123456789012345678901234567890123456789012345"};

START_TEST(an_invalid_id_is_not_signed)
{
    struct webhook_key key = read_key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    char signatures[WEBHOOK_SIGNATURES_SIZE];
    ck_assert(!webhook_sign(&key, 1, invalid_ids[_i], 1, "b", 1, signatures));
}
END_TEST

START_TEST(no_key_and_too_many_do_not_sign)
{
    struct webhook_key keys[WEBHOOK_KEYS_MAX + 1] = {{.length = WEBHOOK_KEY_SIZE}};
    char signatures[WEBHOOK_SIGNATURES_SIZE];
    ck_assert(!webhook_sign(keys, 0, "a", 1, "b", 1, signatures));
    ck_assert(!webhook_sign(keys, WEBHOOK_KEYS_MAX + 1, "a", 1, "b", 1, signatures));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("webhook signature");
    TCase *cases = tcase_create("webhook signature");
    tcase_add_test(cases, the_published_vector);
    tcase_add_test(cases, each_key_has_a_signature_in_order);
    tcase_add_test(cases, the_body_may_be_empty);
    tcase_add_loop_test(cases, an_invalid_id_is_not_signed, 0, COUNT(invalid_ids));
    tcase_add_test(cases, no_key_and_too_many_do_not_sign);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
