/* SPDX-License-Identifier: Apache-2.0 */
/* notify/public_address: the first and the last address of each block that is not public, and their neighbours. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/runner.h"
#include "notify/public_address.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static socklen_t make_address(const char *text, struct sockaddr_storage *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    memset(address, 0, sizeof *address);
    if (strchr(text, ':') == NULL) {
        four->sin_family = AF_INET;
        ck_assert_int_eq(inet_pton(AF_INET, text, &four->sin_addr), 1);
        return sizeof *four;
    }
    six->sin6_family = AF_INET6;
    ck_assert_int_eq(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
    return sizeof *six;
}

static bool is_public(const char *text)
{
    struct sockaddr_storage address;
    socklen_t length = make_address(text, &address);
    return address_is_public((struct sockaddr *)&address, length);
}

static const char *const public_addresses[] = {
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
    "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255",
    "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "8.8.8.8",
    "2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2001:ffff::", "2003::", "2606:4700::1", "3ffe::1",
    "3fff:1000::",
    /* what is mapped, or translated, counts as the address of IPv4 */
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"};

static const char *const other_addresses[] = {"0.0.0.0",
                                              "0.255.255.255",
                                              "10.0.0.0",
                                              "10.255.255.255",
                                              "100.64.0.0",
                                              "100.127.255.255",
                                              "127.0.0.1",
                                              "127.255.255.255",
                                              "169.254.0.0",
                                              "169.254.169.254",
                                              "169.254.255.255",
                                              "172.16.0.0",
                                              "172.31.255.255",
                                              "192.0.0.0",
                                              "192.0.0.255",
                                              "192.0.2.0",
                                              "192.0.2.255",
                                              "192.88.99.0",
                                              "192.168.0.0",
                                              "192.168.255.255",
                                              "198.18.0.0",
                                              "198.19.255.255",
                                              "198.51.100.0",
                                              "198.51.100.255",
                                              "203.0.113.0",
                                              "203.0.113.255",
                                              "224.0.0.0",
                                              "239.255.255.255",
                                              "240.0.0.0",
                                              "255.255.255.255",
                                              "::",
                                              "::1",
                                              "::127.0.0.1",
                                              "1fff::",
                                              "4000::",
                                              "100::1",
                                              "fc00::1",
                                              "fdff::1",
                                              "fe80::1",
                                              "fec0::1",
                                              "ff02::1",
                                              "2001::1",
                                              "2001:1ff:ffff::",
                                              "2001:2::",
                                              "2001:10::",
                                              "2001:20::",
                                              "2001:db8::1",
                                              "2001:db8:ffff::",
                                              "2002::",
                                              "2002:7f00:1::",
                                              "2002:808:808::1",
                                              "3fff::1",
                                              "3fff:fff::",
                                              "2620:4f:8000::1",
                                              "5f00::1",
                                              "::ffff:127.0.0.1",
                                              "::ffff:10.0.0.1",
                                              "::ffff:169.254.169.254",
                                              "::ffff:0.0.0.0",
                                              "64:ff9b::10.0.0.1",
                                              "64:ff9b::127.0.0.1",
                                              "64:ff9b::a9fe:a9fe",
                                              "64:ff9b:1::8.8.8.8",
                                              "64:ff9a::8.8.8.8"};

START_TEST(public_addresses_are)
{
    ck_assert_msg(is_public(public_addresses[_i]), "%s", public_addresses[_i]);
}
END_TEST

START_TEST(all_others_are_not)
{
    ck_assert_msg(!is_public(other_addresses[_i]), "%s", other_addresses[_i]);
}
END_TEST

START_TEST(what_is_no_address_is_not_public)
{
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    ck_assert(!address_is_public((struct sockaddr *)&address, sizeof address));
    address.ss_family = AF_INET6;
    ck_assert(!address_is_public((struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    ck_assert(!address_is_loopback((struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    make_address("8.8.8.8", &address);
    ck_assert(!address_is_public((struct sockaddr *)&address, sizeof(struct sockaddr_in) - 1));
}
END_TEST

static const char *const loopback_hosts[] = {"localhost", "LOCALHOST",   "127.0.0.1",
                                             "127.1",     "127.255.0.3", "2130706433",
                                             "[::1]",     "0x7f.1",      "[::ffff:127.0.0.1]"};
static const char *const other_hosts[] = {"10.0.0.1", "[fe80::1%25eth0]", "169.254.169.254",    "[::]",
                                          "0",        "0x0a000001",       "[64:ff9b::10.0.0.1]"};
static const char *const public_hosts[] = {
    "example.org", "8.8.8.8", "[2606:4700::1]", "localhost.example.org", "127.0.0.1.example.org", "[", "[]", "[1:2",
    "[x]",         ""};

START_TEST(hosts_of_this_host)
{
    ck_assert_msg(address_host_is_loopback(loopback_hosts[_i]), "%s", loopback_hosts[_i]);
    ck_assert_msg(!address_host_may_be_public(loopback_hosts[_i]), "%s", loopback_hosts[_i]);
}
END_TEST

START_TEST(hosts_of_other_networks)
{
    ck_assert_msg(!address_host_is_loopback(other_hosts[_i]), "%s", other_hosts[_i]);
    ck_assert_msg(!address_host_may_be_public(other_hosts[_i]), "%s", other_hosts[_i]);
}
END_TEST

START_TEST(hosts_that_may_be_public)
{
    ck_assert_msg(!address_host_is_loopback(public_hosts[_i]), "%s", public_hosts[_i]);
    ck_assert_msg(address_host_may_be_public(public_hosts[_i]), "%s", public_hosts[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("public address");
    TCase *cases = tcase_create("public address");
    tcase_add_loop_test(cases, public_addresses_are, 0, COUNT(public_addresses));
    tcase_add_loop_test(cases, all_others_are_not, 0, COUNT(other_addresses));
    tcase_add_test(cases, what_is_no_address_is_not_public);
    tcase_add_loop_test(cases, hosts_of_this_host, 0, COUNT(loopback_hosts));
    tcase_add_loop_test(cases, hosts_of_other_networks, 0, COUNT(other_hosts));
    tcase_add_loop_test(cases, hosts_that_may_be_public, 0, COUNT(public_hosts));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
