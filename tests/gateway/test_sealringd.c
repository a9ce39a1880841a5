/* SPDX-License-Identifier: Apache-2.0 */
/* sealringd's pure parts: targets, credentials in headers, the table of answers. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/daemon/address_limit.h"
#include "gateway/sealringd/answer.h"
#include "gateway/daemon/claim_body.h"
#include "gateway/sealringd/presented.h"
#include "gateway/sealringd/renewal_response.h"
#include "gateway/sealringd/target.h"
#include "lib/runner.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* ---- Targets ---- */

static const struct {
    const char *text;
    const char *scopes; /* NULL: the target is refused */
} targets[] = {
    {"/v1/verify/read/-", "read"},
    {"/v1/verify/read/-/", "read"},
    {"/v1/verify/read/-/v1/verify/admin/-", "read"},
    {"/v1/verify/read/-?scope=admin", "read"},
    {"/v1/verify/read/-anything", "read"},
    {"/v1/verify/read/-/../../admin/-", "read"},
    {"/v1/verify/read/-/%2e%2e/%2f", "read"},
    {"/v1/verify/read,write/-", "read write"},
    {"/v1/verify/orders:read,a+b,c=d,~e/-", "orders:read a+b c=d ~e"},
    {"/v1/verify/read,read/-", "read read"},
    {"/v1/verify/.read/-", ".read"},
    {"/v1/verify/-a/-", "-a"},
    {"/v1/verify/read", NULL},
    {"/v1/verify/read/", NULL},
    {"/v1/verify/read/x/-", NULL}, /* cut at the first slash */
    {"/v1/verify/read/admin/-", NULL},
    {"/v1/verify/read//-", NULL},
    {"/v1/verify//-", NULL},
    {"/v1/verify//read/-", NULL},
    {"/v1/verify/,/-", NULL},
    {"/v1/verify/read,/-", NULL},
    {"/v1/verify/,read/-", NULL},
    {"/v1/verify/read,,write/-", NULL},
    {"/v1/verify/./-", NULL},
    {"/v1/verify/../-", NULL},
    {"/v1/verify/.../-", NULL},
    {"/v1/verify/%72ead/-", NULL},
    {"/v1/verify/read%2Fadmin/-", NULL},
    {"/v1/verify/read%00/-", NULL},
    {"/v1/verify/read;admin/-", NULL},
    {"/v1/verify/read?/-", NULL},
    {"/v1/verify/read#/-", NULL},
    {"/v1/verify/read admin/-", NULL},
    {"/v1/verify/read\"/-", NULL},
    {"/v1/verify/read\\/-", NULL},
    {"/v1/verify/r\xc3\xa9"
     "ad/-",
     NULL},
    {"/v1/verify", NULL},
    {"/v1/verify/", NULL},
    {"/v1//verify/read/-", NULL},
    {"//v1/verify/read/-", NULL},
    {"/V1/verify/read/-", NULL},
    {"/v1/verifyread/-", NULL},
    {"/x/../v1/verify/read/-", NULL},
    {"http://host/v1/verify/read/-", NULL},
    {"*", NULL},
    {"", NULL},
};

START_TEST(scopes_come_from_the_path)
{
    for (int any = 0; any < 2; any++) {
        struct target target;
        memset(&target, 0xa5, sizeof target);
        target_parse(targets[_i].text, any == 1, &target);
        const char *wanted = targets[_i].scopes;
        ck_assert_msg((target.kind == TARGET_VERIFY) == (wanted != NULL), "%s", targets[_i].text);
        ck_assert_str_eq(target.scopes, wanted == NULL ? "" : wanted);
    }
}
END_TEST

START_TEST(no_scope_is_offered_where_it_is_allowed)
{
    static const char *const texts[] = {"/v1/verify/-", "/v1/verify/-/", "/v1/verify/-/x/-", "/v1/verify/-?x"};
    for (int i = 0; i < COUNT(texts); i++) {
        struct target target;
        target_parse(texts[i], false, &target);
        ck_assert_int_eq(target.kind, TARGET_UNKNOWN);
        target_parse(texts[i], true, &target);
        ck_assert_int_eq(target.kind, TARGET_VERIFY);
        ck_assert_str_eq(target.scopes, "");
    }
}
END_TEST

START_TEST(a_set_of_1023_bytes_fits)
{
    char text[SEALRING_SCOPES_LENGTH_MAX + 64];
    for (size_t length = SEALRING_SCOPES_LENGTH_MAX - 1; length < SEALRING_SCOPES_LENGTH_MAX + 3; length++) {
        struct target target;
        (void)snprintf(text, sizeof text, "/v1/verify/%0*d/-/x", (int)length, 0);
        target_parse(text, false, &target);
        ck_assert_int_eq(target.kind, length <= SEALRING_SCOPES_LENGTH_MAX ? TARGET_VERIFY : TARGET_UNKNOWN);
        ck_assert_uint_eq(strlen(target.scopes), length <= SEALRING_SCOPES_LENGTH_MAX ? length : 0);
    }
}
END_TEST

START_TEST(states_have_targets)
{
    struct target target;
    target_parse("/healthz", false, &target);
    ck_assert_int_eq(target.kind, TARGET_HEALTH);
    target_parse("/readyz?verbose", false, &target);
    ck_assert_int_eq(target.kind, TARGET_READY);
    target_parse("/readyz/", false, &target);
    ck_assert_int_eq(target.kind, TARGET_UNKNOWN);
}
END_TEST

/* ---- Headers ---- */

static const struct {
    const char *headers[8]; /* names and values */
    enum presented_count count;
    const char *credential;
} requests[] = {
    {{NULL}, PRESENTED_NONE, NULL},
    {{"Host", "abc"}, PRESENTED_NONE, NULL},
    {{"Authorization", "Bearer abc"}, PRESENTED_ONE, "abc"},
    {{"authorization", "bEARER \t abc \t"}, PRESENTED_ONE, "abc"},
    {{"Authorization", "Bearer"}, PRESENTED_NONE, NULL},
    {{"Authorization", "Bearer "}, PRESENTED_NONE, NULL},
    {{"Authorization", "Bearerabc"}, PRESENTED_NONE, NULL},
    {{"Authorization", "Basic YWJj"}, PRESENTED_NONE, NULL},
    {{"Authorization", ""}, PRESENTED_NONE, NULL},
    {{"X-API-Key", "abc"}, PRESENTED_ONE, "abc"},
    {{"x-api-key", "  "}, PRESENTED_NONE, NULL},
    {{"X-API-Key", "Bearer abc"}, PRESENTED_ONE, "Bearer abc"},
    {{"Authorization", "Basic YWJj", "X-API-Key", "abc"}, PRESENTED_ONE, "abc"},
    {{"X-API-Key", "abc", "Authorization", "Bearer abc", "X-API-Key", " abc"}, PRESENTED_ONE, "abc"},
    {{"X-API-Key", "abc", "X-API-Key", "abd"}, PRESENTED_CONFLICT, NULL},
    {{"X-API-Key", "abc", "X-API-Key", "ab"}, PRESENTED_CONFLICT, NULL},
    {{"Authorization", "Bearer abc", "X-API-Key", "x"}, PRESENTED_CONFLICT, NULL},
    {{"X-API-Key", "abc", "X-API-Key", "x", "X-API-Key", "abc"}, PRESENTED_CONFLICT, NULL},
    {{"Authorization", "Bearer a, Bearer a"}, PRESENTED_ONE, "a, Bearer a"},
    {{"Proxy-Authorization", "Bearer abc", "X-API-Keys", "abc"}, PRESENTED_NONE, NULL},
};

static void take_headers(const char *const headers[8], const char *address_name, struct presented_headers *presented)
{
    memset(presented, 0, sizeof *presented);
    for (int i = 0; i < 8 && headers[i] != NULL; i += 2)
        presented_header(presented, address_name, headers[i], headers[i + 1]);
}

START_TEST(headers_present_one_credential_at_most)
{
    struct presented_headers presented;
    take_headers(requests[_i].headers, NULL, &presented);
    ck_assert_int_eq(presented.credentials, requests[_i].count);
    if (requests[_i].credential != NULL) {
        ck_assert_uint_eq(presented.length, strlen(requests[_i].credential));
        ck_assert_int_eq(memcmp(presented.credential, requests[_i].credential, presented.length), 0);
    }
    ck_assert_uint_eq(presented.address_length, 0);
}
END_TEST

static const struct {
    const char *headers[8];
    size_t length;
} addresses[] = {
    {{"X-Real-IP", "192.0.2.7"}, 4},
    {{"x-real-ip", "2001:db8::7"}, 16},
    {{"X-Real-IP", "192.0.2.7, 192.0.2.8"}, 0},
    {{"X-Real-IP", "192.0.2.7", "X-Real-IP", "192.0.2.7"}, 0}, /* one of them may be the client's */
    {{"X-Real-IP", "somewhere", "X-Real-IP", "192.0.2.7"}, 0},
    {{"X-Real-IP", "192.0.2.7", "X-Real-IP", "somewhere", "X-Real-IP", "192.0.2.7"}, 0},
    {{"X-Forwarded-For", "192.0.2.7"}, 0},
    {{"X-Real-IP", ""}, 0},
};

START_TEST(the_address_comes_from_its_header_only)
{
    struct presented_headers presented;
    take_headers(addresses[_i].headers, "X-Real-IP", &presented);
    ck_assert_uint_eq(presented.address_length, addresses[_i].length);
    if (addresses[_i].length == 4)
        ck_assert_int_eq(memcmp(presented.address, "\xc0\x00\x02\x07", 4), 0);
}
END_TEST

/* ---- Answers ---- */

START_TEST(every_verdict_has_an_answer)
{
    for (int verdict = -1; verdict < 80; verdict++) {
        enum answer_kind kind = answer_for((sealring_verdict)verdict);
        const struct answer *answer = answer_of(kind);
        ck_assert_int_eq((int)answer->status, sealring_verdict_http_status((sealring_verdict)verdict));
        ck_assert_int_eq(kind == ANSWER_ACCEPTED, verdict == SEALRING_ACCEPTED);
        ck_assert_int_eq(kind == ANSWER_ADDRESS, verdict == SEALRING_REJECTED_ADDRESS);
        ck_assert_int_eq(kind == ANSWER_SCOPE, verdict == SEALRING_REJECTED_SCOPE);
    }
}
END_TEST

START_TEST(answers_follow_the_standards)
{
    for (int kind = 0; kind < ANSWERS; kind++) {
        const struct answer *answer = answer_of((enum answer_kind)kind);
        ck_assert((answer->title == NULL) == (answer->status < 300));
        ck_assert((answer->title == NULL) == (answer->detail == NULL));
        ck_assert((answer->retry_after != NULL) == (answer->status == 503 || answer->status == 429));
        ck_assert((answer->allow != NULL) == (answer->status == 405)); /* RFC 9110, section 15.5.6 */
        if (answer->status == 401)                                     /* RFC 9110, section 15.5.2 */
            ck_assert(strncmp(answer->challenge, "Bearer realm=\"api\"", 18) == 0);
    }
    ck_assert_ptr_null(strstr(answer_of(ANSWER_ABSENT)->challenge, "error=")); /* RFC 6750, section 3.1 */
}
END_TEST

/* ---- Renewal ---- */

static const struct {
    unsigned result, status;
    const char *code;
} results[] = {
    {SEALRING_RENEWAL_UNAVAILABLE, 503, "unavailable"},
    {SEALRING_RENEWAL_ISSUED, 200, NULL},
    {SEALRING_RENEWAL_AGAIN, 200, NULL},
    {SEALRING_RENEWAL_CURRENT, 204, NULL},
    {SEALRING_RENEWAL_REJECTED, 401, NULL},
    {SEALRING_RENEWAL_ADDRESS, 403, "address"},
    {SEALRING_RENEWAL_OFF, 403, "renewal-off"},
    {SEALRING_RENEWAL_AGE, 403, "renewal-age"},
    {SEALRING_RENEWAL_CONTESTED, 409, "contested"},
    {SEALRING_RENEWAL_LIMITED, 429, "limited"},
    {SEALRING_RENEWAL_LIMITED + 1, 503, "unavailable"},
};

START_TEST(every_result_has_an_answer)
{
    const struct answer *answer = answer_of(renewal_answer_for(results[_i].result));
    ck_assert_uint_eq(answer->status, results[_i].status);
    ck_assert(answer->code == results[_i].code || strcmp(answer->code, results[_i].code) == 0);
}
END_TEST

START_TEST(every_result_of_a_claim_has_an_answer)
{
    static const unsigned statuses[] = {503, 200, 200, 503, 404, 403, 403, 400, 409, 429, 503};
    for (unsigned result = 0; result < sizeof statuses / sizeof *statuses; result++)
        ck_assert_uint_eq(answer_of(claim_answer_for(result))->status, statuses[result]);
}
END_TEST

/* ---- Bodies of claims ---- */

#define CODE "claim_0123456789abcdef_0000000000000000000000000000"
static const struct {
    const char *text;
    enum claim_body_problem problem;
} claims[] = {
    {"{\"code\":\"" CODE "\",\"certificate\":\"x\"}", CLAIM_BODY_GOOD},
    {"{\"more\":1,\"certificate\":\"x\",\"code\":\"" CODE "\"}", CLAIM_BODY_GOOD},
    {"", CLAIM_BODY_MALFORMED},
    {"[]", CLAIM_BODY_MALFORMED},
    {"{}", CLAIM_BODY_MALFORMED},
    {"{\"code\":\"" CODE "\",\"certificate\":\"x\"} x", CLAIM_BODY_MALFORMED},
    {"{\"code\":\"" CODE "\",\"code\":\"" CODE "\",\"certificate\":\"x\"}", CLAIM_BODY_MALFORMED},
    {"{\"code\":\"" CODE "\",\"certificate\":7}", CLAIM_BODY_MALFORMED},
    {"{\"code\":\"" CODE "\",\"certificate\":\"\"}", CLAIM_BODY_NO_CERTIFICATE},
    {"{\"code\":\"" CODE "0\",\"certificate\":\"x\"}", CLAIM_BODY_NO_CODE},
    {"{\"code\":\"claim_0123456789abcdef-0000000000000000000000000000\",\"certificate\":\"x\"}", CLAIM_BODY_NO_CODE},
};

START_TEST(bodies_of_claims)
{
    struct claim_body body = {.length = 0};
    ck_assert(claim_body_add(&body, claims[_i].text, strlen(claims[_i].text)));
    ck_assert_int_eq(claim_body_read(&body), claims[_i].problem);
    if (claims[_i].problem == CLAIM_BODY_GOOD) {
        ck_assert_int_eq(memcmp(body.code, CODE, sizeof body.code), 0);
        ck_assert(body.certificate_length == 1 && body.certificate[0] == 'x');
    }
}
END_TEST

START_TEST(a_body_has_a_bound)
{
    static char bytes[CLAIM_BODY_MAX + 1];
    struct claim_body body = {.length = 0};
    ck_assert(!claim_body_add(&body, bytes, sizeof bytes));
    ck_assert(claim_body_add(&body, bytes, CLAIM_BODY_MAX));
    ck_assert(!claim_body_add(&body, bytes, 1));
}
END_TEST

static const struct {
    struct renewal_answer answer;
    const char *body;
} bodies[] = {
    {{.expires = 1767225600999,
      .version = 3,
      .key_id = "0123456789abcdef",
      .form = RENEWAL_CREDENTIAL,
      .payload = (const uint8_t *)"acme_x",
      .payload_length = 6},
     "{\"credential\":\"acme_x\",\"key_id\":\"0123456789abcdef\",\"version\":3,\"expires\":\"2026-01-01T00:00:00Z\","
     "\"predecessor_until\":null}\n"},
    {{.predecessor_until = INT64_MAX,
      .version = UINT32_MAX,
      .key_id = "0123456789abcdef",
      .form = RENEWAL_SEALED,
      .payload = (const uint8_t *)"\x30\xff\x00\x01",
      .payload_length = 4},
     "{\"sealed\":\"MP8AAQ==\",\"key_id\":\"0123456789abcdef\",\"version\":4294967295,\"expires\":null,"
     "\"predecessor_until\":null}\n"},
};

START_TEST(a_successor_has_a_body)
{
    char *body = renewal_body(&bodies[_i].answer);
    ck_assert_str_eq(body, bodies[_i].body);
    free(body);
}
END_TEST

START_TEST(renewal_has_one_target)
{
    static const char *const others[] = {
        "/v1/renew/", "/v1/renewal", "/v1/verify/read/-", "/healthz", "//v1/renew", "/v1/%72enew", "", "/"};
    struct target target;
    target_parse_renewal("/v1/renew", &target);
    ck_assert_int_eq(target.kind, TARGET_RENEW);
    target_parse_renewal("/v1/renew?x=y", &target);
    ck_assert_int_eq(target.kind, TARGET_RENEW);
    for (int i = 0; i < COUNT(others); i++) {
        target_parse_renewal(others[i], &target);
        ck_assert_int_eq(target.kind, TARGET_UNKNOWN);
    }
    target_parse("/v1/renew", true, &target);
    ck_assert_int_eq(target.kind, TARGET_UNKNOWN);
}
END_TEST

START_TEST(a_connections_address_counts)
{
    struct presented_headers presented = {.credentials = PRESENTED_NONE};
    const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000207)};
    presented_address(&presented, (const struct sockaddr *)(const void *)&in);
    ck_assert_uint_eq(presented.address_length, 4);
    ck_assert_int_eq(memcmp(presented.address, "\xc0\x00\x02\x07", 4), 0);
    const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    presented_address(&presented, (const struct sockaddr *)(const void *)&in6);
    ck_assert_uint_eq(presented.address_length, 16);
    ck_assert_uint_eq(presented.address[15], 1);
    memset(&presented, 0, sizeof presented);
    presented_address(&presented, &(const struct sockaddr){.sa_family = AF_UNIX});
    ck_assert_uint_eq(presented.address_length, 0);
}
END_TEST

/* ---- What an address may do ---- */

static struct address_limit limit;

static struct address_place *place_of(const char *text)
{
    struct sockaddr_in6 new = {.sin6_family = AF_INET6};
    struct sockaddr_in old = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, text, &old.sin_addr) == 1)
        return address_limit_find(&limit, (const struct sockaddr *)(const void *)&old);
    ck_assert_int_eq(inet_pton(AF_INET6, text, &new.sin6_addr), 1);
    return address_limit_find(&limit, (const struct sockaddr *)(const void *)&new);
}

START_TEST(addresses_of_one_host_are_one)
{
    static const struct sockaddr local = {.sa_family = AF_UNIX};
    limit = (struct address_limit){.seed = 42};
    ck_assert_ptr_eq(place_of("192.0.2.1"), place_of("::ffff:192.0.2.1"));
    ck_assert_ptr_ne(place_of("192.0.2.1"), place_of("192.0.2.2"));
    ck_assert_ptr_ne(place_of("::ffff:192.0.2.1"), place_of("::ffff:192.0.2.2"));
    ck_assert_ptr_eq(place_of("2001:db8::1"), place_of("2001:db8::ffff:0:0:2"));
    ck_assert_ptr_ne(place_of("2001:db8::1"), place_of("2001:db8:0:1::1"));
    ck_assert_ptr_eq(place_of("2001:db8::ffff:192.0.2.1"), place_of("2001:db8::"));
    ck_assert_ptr_null(address_limit_find(&limit, &local));
}
END_TEST

START_TEST(an_address_has_bursts_and_rates)
{
    struct address_place *place = place_of("192.0.2.1");
    limit = (struct address_limit){.seed = 42};
    for (int i = 0; i < ADDRESS_REQUEST_BURST; i++)
        ck_assert(address_limit_request(place, 1000));
    ck_assert(!address_limit_request(place, 1000));
    ck_assert(!address_limit_request(place, 1000 + ADDRESS_REQUEST_MS - 1));
    ck_assert(address_limit_request(place, 1000 + ADDRESS_REQUEST_MS));
    ck_assert(!address_limit_request(place, 1000 + ADDRESS_REQUEST_MS));
    for (int i = 0; i < ADDRESS_ACCEPT_BURST; i++)
        ck_assert(address_limit_accept(place, 1000));
    ck_assert(!address_limit_accept(place, 1000));
    ck_assert(address_limit_accept(place, 1000 + ADDRESS_ACCEPT_MS));
    ck_assert(address_limit_request(place_of("192.0.2.2"), 1000));
    ck_assert(address_limit_accept(place_of("192.0.2.2"), 1000));
}
END_TEST

START_TEST(an_address_has_so_many_connections)
{
    struct address_place *place = place_of("192.0.2.1");
    limit = (struct address_limit){.seed = 42};
    place->connections = ADDRESS_CONNECTIONS - 1;
    ck_assert(address_limit_accept(place, 0));
    place->connections++;
    ck_assert(!address_limit_accept(place, 1000000));
    place->connections--;
    ck_assert(address_limit_accept(place, 1000000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sealringd");
    TCase *cases = tcase_create("sealringd");
    tcase_add_loop_test(cases, scopes_come_from_the_path, 0, COUNT(targets));
    tcase_add_test(cases, no_scope_is_offered_where_it_is_allowed);
    tcase_add_test(cases, a_set_of_1023_bytes_fits);
    tcase_add_test(cases, states_have_targets);
    tcase_add_loop_test(cases, headers_present_one_credential_at_most, 0, COUNT(requests));
    tcase_add_loop_test(cases, the_address_comes_from_its_header_only, 0, COUNT(addresses));
    tcase_add_test(cases, every_verdict_has_an_answer);
    tcase_add_test(cases, answers_follow_the_standards);
    tcase_add_loop_test(cases, every_result_has_an_answer, 0, COUNT(results));
    tcase_add_test(cases, every_result_of_a_claim_has_an_answer);
    tcase_add_loop_test(cases, bodies_of_claims, 0, (int)(sizeof claims / sizeof claims[0]));
    tcase_add_test(cases, a_body_has_a_bound);
    tcase_add_loop_test(cases, a_successor_has_a_body, 0, COUNT(bodies));
    tcase_add_test(cases, renewal_has_one_target);
    tcase_add_test(cases, a_connections_address_counts);
    tcase_add_test(cases, addresses_of_one_host_are_one);
    tcase_add_test(cases, an_address_has_bursts_and_rates);
    tcase_add_test(cases, an_address_has_so_many_connections);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
