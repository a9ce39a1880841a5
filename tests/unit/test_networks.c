/* SPDX-License-Identifier: Apache-2.0 */
/* credential/networks: reading, the canonical text, and matching, against a slow way of doing the same. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "credential/networks.h"
#include "lib/runner.h"
#include "unit/seeded.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static uint64_t seed;

static const char *const readable[][2] = {
    {NULL, ""},
    {"", ""},
    {"203.0.113.0/24", "203.0.113.0/24"},
    {"203.0.113.7", "203.0.113.7/32"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"255.255.255.255", "255.255.255.255/32"},
    {"128.0.0.0/1", "128.0.0.0/1"},
    {"2001:db8::/48", "2001:db8::/48"},
    {"2001:DB8:0:0:0::1", "2001:db8::1/128"},
    {"::/0", "::/0"},
    {"2001:db8::/127,2001:db8::2", "2001:db8::/127,2001:db8::2/128"},
    {"2001:db8::/48,203.0.113.0/24", "203.0.113.0/24,2001:db8::/48"},
    {"10.0.0.2,10.0.0.1,10.0.0.2", "10.0.0.1/32,10.0.0.2/32"},
    {"10.1.0.0/16,10.0.0.0/8,10.2.3.4", "10.0.0.0/8"},
    {"10.0.0.0/8,10.1.0.0/16", "10.0.0.0/8"},
    {"10.0.0.0/9,10.128.0.0/9", "10.0.0.0/9,10.128.0.0/9"},
    {"::ffff:203.0.113.0/120", "203.0.113.0/24"},
    {"::ffff:203.0.113.7", "203.0.113.7/32"},
    {"::ffff:0:0/96", "0.0.0.0/0"},
    {"::fffe:0:0/95", "::fffe:0:0/95"},
    {"::fffe:0:0/96", "::fffe:0:0/96"},
    {"::/0,0.0.0.0/0", "0.0.0.0/0,::/0"},
};

START_TEST(lists_have_one_form)
{
    struct networks networks, again;
    char text[NETWORKS_TEXT_SIZE], problem[128];
    ck_assert_ptr_null(networks_parse(readable[_i][0], &networks, problem));
    networks_format(&networks, text);
    ck_assert_str_eq(text, readable[_i][1]);
    ck_assert_ptr_null(networks_parse(text, &again, problem));
    ck_assert_mem_eq(&again, &networks, sizeof again);
}
END_TEST

static const char *const unreadable[][2] = {
    {",", "no address of IPv4 or IPv6 as its entry 1"},
    {"10.0.0.1,", "no address of IPv4 or IPv6 as its entry 2"},
    {"10.0.0.1, 10.0.0.2", "no address of IPv4 or IPv6 as its entry 2"},
    {"10.0.0", "no address"},
    {"10.0.0.256", "no address"},
    {"10.0.0.01", "no address"},
    {"example.org", "no address"},
    {"fe80::1%eth0", "no address"},
    {":::", "no address"},
    {"10.0.0.1/", "other than 0 to 32"},
    {"10.0.0.1/33", "other than 0 to 32"},
    {"10.0.0.1/032", "other than 0 to 32"},
    {"10.0.0.1/0032", "other than 0 to 32"},
    {"10.0.0.1/-1", "other than 0 to 32"},
    {"10.0.0.0/8/8", "other than 0 to 32"},
    {"10.0.0.0/255.0.0.0", "other than 0 to 32"},
    {"::/129", "other than 0 to 128"},
    {"::/256", "other than 0 to 128"},
    {"203.0.113.7/24", "bits behind the prefix length"},
    {"10.0.0.1/0", "bits behind the prefix length"},
    {"2001:db8::1/64", "bits behind the prefix length"},
    {"::ffff:203.0.113.7/120", "bits behind the prefix length"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "longer than an address"},
    {"000000000000000000000000000000000000000000000000000000000000000", "no address"},
};

START_TEST(what_is_no_list_is_refused)
{
    struct networks networks;
    char problem[128] = "";
    const char *why = networks_parse(unreadable[_i][0], &networks, problem);
    ck_assert_ptr_eq(why, problem);
    ck_assert_msg(strstr(why, unreadable[_i][1]) != NULL, "%s: %s", unreadable[_i][0], why);
}
END_TEST

START_TEST(there_is_a_most)
{
    struct networks networks;
    char text[NETWORKS_TEXT_SIZE + 64], again[NETWORKS_TEXT_SIZE], problem[128];
    size_t length = 0;
    for (int i = 0; i < NETWORKS_MAX; i++)
        length +=
            (size_t)sprintf(text + length, "%s2001:db8:ffff:ffff:ffff:ffff:ffff:%x/128", i > 0 ? "," : "", 0xff00 + i);
    ck_assert_ptr_null(networks_parse(text, &networks, problem));
    ck_assert_uint_eq(networks.count, NETWORKS_MAX);
    networks_format(&networks, again); /* the longest there is */
    ck_assert_str_eq(again, text);
    strcpy(text + length, ",10.0.0.1");
    ck_assert_ptr_nonnull(networks_parse(text, &networks, problem));
    ck_assert_str_eq(problem, "has more than 32 networks");
    strcpy(text + length, ",::/0"); /* which contains them all */
    ck_assert_ptr_null(networks_parse(text, &networks, problem));
    ck_assert_uint_eq(networks.count, 1);
}
END_TEST

/* ---- matching ---- */

static struct networks list(const char *text)
{
    struct networks networks;
    char problem[128];
    ck_assert_ptr_null(networks_parse(text, &networks, problem));
    return networks;
}

static bool contains(const struct networks *networks, const char *address)
{
    uint8_t bytes[16];
    bool six = strchr(address, ':') != NULL;
    ck_assert_int_eq(inet_pton(six ? AF_INET6 : AF_INET, address, bytes), 1);
    return networks_contain(networks->items, networks->count, bytes, six ? 16 : 4);
}

START_TEST(addresses_are_in_networks)
{
    struct networks both = list("203.0.113.0/24,198.51.100.4/31,2001:db8::/47"), all = list("::/0"), none = list("");
    static const char *const inside[] = {"203.0.113.0",        "203.0.113.255", "198.51.100.4",      "198.51.100.5",
                                         "::ffff:203.0.113.7", "2001:db8::",    "2001:db8:1:ffff::1"};
    static const char *const outside[] = {"203.0.112.255",      "203.0.114.0",  "198.51.100.6",
                                          "::ffff:203.0.114.7", "2001:db8:2::", "::203.0.113.7"};
    for (int i = 0; i < COUNT(inside); i++) {
        ck_assert_msg(contains(&both, inside[i]), "%s", inside[i]);
        ck_assert(!contains(&none, inside[i]));
    }
    for (int i = 0; i < COUNT(outside); i++)
        ck_assert_msg(!contains(&both, outside[i]), "%s", outside[i]);
    ck_assert(contains(&all, "::1"));
    ck_assert(!contains(&all, "10.0.0.1"));
    ck_assert(!contains(&all, "::ffff:10.0.0.1")); /* it is one of IPv4 */
}
END_TEST

START_TEST(an_address_that_is_not_known_is_nowhere)
{
    struct networks all = list("0.0.0.0/0,::/0");
    const uint8_t bytes[32] = {0};
    ck_assert(networks_contain(all.items, all.count, bytes, 4));
    ck_assert(networks_contain(all.items, all.count, bytes, 16));
    ck_assert(!networks_contain(all.items, all.count, NULL, 0));
    static const size_t lengths[] = {1, 3, 5, 15, 17, 32, 256 + 4};
    for (int i = 0; i < COUNT(lengths); i++)
        ck_assert(!networks_contain(all.items, all.count, bytes, lengths[i]));
}
END_TEST

START_TEST(a_list_is_within_another)
{
    static const struct {
        const char *inner, *outer;
        bool within;
    } cases[] = {
        {"", "", true},
        {"", "10.0.0.0/8", true},
        {"10.0.0.0/8", "", false},
        {"10.1.0.0/16,10.2.0.0/16", "10.0.0.0/8", true},
        {"10.1.0.0/16,11.0.0.0/8", "10.0.0.0/8", false},
        {"10.0.0.0/8", "10.0.0.0/9,10.128.0.0/9", false},
        {"10.0.0.1", "::/0", false},
        {"2001:db8::1", "10.0.0.0/8,2001:db8::/32", true},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct networks inner = list(cases[i].inner), outer = list(cases[i].outer);
        ck_assert_msg(networks_within(&inner, &outer) == cases[i].within, "%s in %s", cases[i].inner, cases[i].outer);
    }
}
END_TEST

/* Bit by bit. */
static bool slowly_inside(const uint8_t *address, const struct network *network)
{
    for (unsigned bit = 0; bit < network->bits; bit++)
        if (((address[bit / 8] ^ network->address[bit / 8]) >> (7 - bit % 8) & 1) != 0)
            return false;
    return true;
}

START_TEST(any_network_and_any_address)
{
    for (int i = 0; i < 100000; i++) {
        struct network network = {.length = 16, .bits = (uint8_t)(seeded_next(&seed) % 129)};
        uint8_t address[16];
        for (unsigned byte = 0; byte < 16; byte++)
            network.address[byte] = address[byte] = (uint8_t)(seeded_next(&seed) | 1); /* none is IPv4-mapped */
        unsigned flipped = (unsigned)(seeded_next(&seed) % 128);
        address[flipped / 8] ^= (uint8_t)(0x80 >> flipped % 8);
        address[0] |= 1;
        ck_assert_int_eq(networks_contain(&network, 1, address, 16), slowly_inside(address, &network));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("networks");
    TCase *cases = tcase_create("networks");
    seed = seeded_choose();
    tcase_add_loop_test(cases, lists_have_one_form, 0, COUNT(readable));
    tcase_add_loop_test(cases, what_is_no_list_is_refused, 0, COUNT(unreadable));
    tcase_add_test(cases, there_is_a_most);
    tcase_add_test(cases, addresses_are_in_networks);
    tcase_add_test(cases, an_address_that_is_not_known_is_nowhere);
    tcase_add_test(cases, a_list_is_within_another);
    tcase_add_test(cases, any_network_and_any_address);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
