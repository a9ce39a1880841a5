/* SPDX-License-Identifier: Apache-2.0 */
/* Which facts restrict, and which permit something. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "log/tail/fact_effect.h"

#define ACTIVE    SEALRING_KEY_ACTIVE
#define SUSPENDED SEALRING_KEY_SUSPENDED
#define REVOKED   SEALRING_KEY_REVOKED

static struct registry_closed key_fact(int state, const char *value)
{
    struct registry_closed fact = {.state = state};
    snprintf(fact.key_id, sizeof fact.key_id, "%s", "0123456789abcdef");
    snprintf(fact.value, sizeof fact.value, "%s", value);
    return fact;
}

static struct registry_closed version_fact(uint32_t number, int state, const char *value)
{
    struct registry_closed fact = {.is_version = true, .version = number, .state = state};
    memset(fact.ring_id, 7, sizeof fact.ring_id);
    snprintf(fact.value, sizeof fact.value, "%s", value);
    return fact;
}

#define CODE      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OPEN      "0\n\n\n\n\n\n0 claim " CODE " 1 9"
#define TAKEN     "0\n\n\n\n\n\n0 claim " CODE " " CODE " 192.0.2.1 1 9"
#define CONTESTED "0\n\n\n\n\n\n1 claim " CODE " " CODE " 192.0.2.1 - 8 1 9"

/* A value is: whether it is narrowed, to which scopes, the new label, the ends of credentials, the networks, the holders, the claim. */
static const struct {
    int before; /* 0: there is none */
    const char *was;
    int after;
    const char *now;
    enum fact_effect effect;
} keys[] = {
    {0, "", REVOKED, "", FACT_RESTRICTS_KEY},
    {SUSPENDED, "0\n\n\n", REVOKED, "", FACT_RESTRICTS_KEY},
    {0, "", SUSPENDED, "0\n\n\n", FACT_RESTRICTS_KEY},
    {0, "", ACTIVE, "1\nread\n\n", FACT_RESTRICTS_KEY},
    {0, "", ACTIVE, "1\n\n\n", FACT_RESTRICTS_KEY},
    {ACTIVE, "1\nread write\n\n", ACTIVE, "1\nread\n\n", FACT_RESTRICTS_KEY},
    {ACTIVE, "1\nread write\n\n", SUSPENDED, "1\nread write\n\n", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\nlabel\n", SUSPENDED, "0\n\nlabel\n", FACT_RESTRICTS_KEY},
    {SUSPENDED, "0\n\n\n", ACTIVE, "0\n\n\n", FACT_PERMITS},
    {SUSPENDED, "0\n\n\n", ACTIVE, "1\nread\n\n", FACT_PERMITS},
    {ACTIVE, "1\nread\n\n", ACTIVE, "1\nread write\n\n", FACT_PERMITS},
    {ACTIVE, "1\nread\n\n", ACTIVE, "1\nwrite\n\n", FACT_PERMITS},
    {ACTIVE, "1\nread\n\n", ACTIVE, "0\n\n\n", FACT_PERMITS},
    {ACTIVE, "1\nread\n\n", SUSPENDED, "0\n\n\n", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\nlabel\n", FACT_PERMITS},
    {0, "", SUSPENDED, "0\n\nlabel\n", FACT_PERMITS},
    {ACTIVE, "0\n\nlabel\n", SUSPENDED, "0\n\nother\n", FACT_PERMITS},
    {ACTIVE, "0\n\nlabel\n", SUSPENDED, "0\n\n\n", FACT_PERMITS},
    {REVOKED, "", ACTIVE, "0\n\n\n", FACT_PERMITS},
    {REVOKED, "", SUSPENDED, "0\n\n\n", FACT_PERMITS},
    {0, "", SUSPENDED, "", FACT_PERMITS},
    {0, "", SUSPENDED, "2\n\n\n", FACT_PERMITS},
    {ACTIVE, "0\n\n", ACTIVE, "0\n\n\n", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n5:x", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n5:100", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n5:100", ACTIVE, "0\n\n\n5:100 10:200", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n5:100 10:200", ACTIVE, "0\n\n\n10:100", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n5:100", SUSPENDED, "0\n\n\n5:100", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n5:100", SUSPENDED, "0\n\n\n5:101", FACT_PERMITS},
    {ACTIVE, "0\n\n\n5:100", SUSPENDED, "0\n\n\n4:100", FACT_PERMITS},
    {ACTIVE, "0\n\n\n5:100", SUSPENDED, "0\n\n\n", FACT_PERMITS},
    {ACTIVE, "1\nread\n\n", ACTIVE, "0\n\n\n5:100", FACT_PERMITS},
    {ACTIVE, "0\n\n\n5:100", REVOKED, "", FACT_RESTRICTS_KEY},
    {0, "", ACTIVE, "0\n\n\n\n10.0.0.0/8", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n", ACTIVE, "0\n\n\n\n10.0.0.0/8,2001:db8::/48", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n\n10.0.0.0/8", ACTIVE, "0\n\n\n\n10.1.0.0/16", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n\n10.0.0.0/8", SUSPENDED, "0\n\n\n\n10.0.0.0/8", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n\n10.0.0.0/8", REVOKED, "", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n\n10.0.0.0/8", ACTIVE, "0\n\n\n\n0.0.0.0/0", FACT_PERMITS},
    {ACTIVE, "0\n\n\n\n10.0.0.0/8", ACTIVE, "0\n\n\n\n10.0.0.0/8,11.0.0.0/8", FACT_PERMITS},
    {ACTIVE, "0\n\n\n\n10.0.0.0/8", SUSPENDED, "0\n\n\n", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n10.0.0.1/8", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n10.0.0.1", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n11.0.0.0/8,10.0.0.0/8", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n10.0.0.0/8\n", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n\n1", FACT_RESTRICTS_KEY},
    {0, "", ACTIVE, "0\n\n\n\n10.0.0.0/8\n1", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n\n\n1", ACTIVE, "0\n\n\n\n\n1 - 192.0.2.1 3 5", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n\n\n1", SUSPENDED, "0\n\n\n\n\n1", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n\n\n1", ACTIVE, "0\n\n\n", FACT_PERMITS},
    {ACTIVE, "0\n\n\n\n\n1 - - 3 5", ACTIVE, "0\n\n\n\n\n1", FACT_PERMITS},
    {ACTIVE, "0\n\n\n\n\n1 - - 3 5", ACTIVE, "0\n\n\n\n\n1 - - 4 6", FACT_RESTRICTS_KEY},
    {ACTIVE, "0\n\n\n\n\n1 - - 3 5", SUSPENDED, "0\n\n\n\n\n1 - - 3 6", FACT_PERMITS},
    {ACTIVE, "0\n\n\n\n\n1 - - 3 5", SUSPENDED, "0\n\n\n\n\n1 - - 2 5", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n\n", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n\n0", FACT_PERMITS},
    {0, "", ACTIVE, "0\n\n\n\n\n1\n", FACT_PERMITS},
    {0, "", ACTIVE, OPEN, FACT_PERMITS}, /* whoever offers a claim gives something */
    {ACTIVE, "0\n\n\n\n\n1", ACTIVE, "0\n\n\n\n\n1\n0 claim " CODE " 1 9", FACT_PERMITS},
    {ACTIVE, OPEN, ACTIVE, TAKEN, FACT_RESTRICTS_KEY},
    {ACTIVE, TAKEN, ACTIVE, CONTESTED, FACT_RESTRICTS_KEY},
    {ACTIVE, CONTESTED, ACTIVE, TAKEN, FACT_PERMITS},
    {ACTIVE, TAKEN, SUSPENDED, OPEN, FACT_PERMITS},
    {ACTIVE, TAKEN, ACTIVE, "0\n\n\n", FACT_RESTRICTS_KEY},
    {ACTIVE, OPEN, SUSPENDED, OPEN, FACT_RESTRICTS_KEY},
    {ACTIVE, OPEN, REVOKED, "", FACT_RESTRICTS_KEY},
    {ACTIVE, OPEN, ACTIVE, "0\n\n\n\n10.0.0.0/8\n1\n0 claim " CODE " 1 9", FACT_RESTRICTS_KEY},
    {ACTIVE, OPEN, ACTIVE, "0\n\n\n\n\n\n", FACT_PERMITS},
    {ACTIVE, OPEN, SUSPENDED, OPEN "\n", FACT_PERMITS},
    {ACTIVE, OPEN, SUSPENDED, "0\n\n\n\n\n\n0 claim " CODE " 2 9", FACT_PERMITS},
};

START_TEST(facts_about_keys)
{
    struct registry_closed before = key_fact(keys[_i].before, keys[_i].was);
    struct registry_closed fact = key_fact(keys[_i].after, keys[_i].now);
    ck_assert_int_eq(fact_effect(keys[_i].before == 0 ? NULL : &before, &fact), keys[_i].effect);
}
END_TEST

#define OBJECT  "aabb\n0011\n"
#define ANOTHER "aabc\n0011\n"
#define CHECKED "aabb\n0012\n"

static const struct {
    uint32_t number;
    int before; /* 0: there is none */
    const char *was;
    int after;
    const char *now;
    enum fact_effect effect;
} versions[] = {
    {3, SEALRING_VERSION_ACTIVE, OBJECT "0", SEALRING_VERSION_COMPROMISED, OBJECT "1", FACT_CLOSES_VERSION},
    {3, SEALRING_VERSION_RETIRED, OBJECT "0", SEALRING_VERSION_COMPROMISED, OBJECT "1", FACT_CLOSES_VERSION},
    {3, SEALRING_VERSION_RETIRED, "", SEALRING_VERSION_COMPROMISED, OBJECT "1", FACT_CLOSES_VERSION},
    {3, 0, "", SEALRING_VERSION_COMPROMISED, "", FACT_CLOSES_VERSION},
    {3, SEALRING_VERSION_ACTIVE, OBJECT "0", SEALRING_VERSION_COMPROMISED, ANOTHER "1", FACT_PERMITS},
    {3, SEALRING_VERSION_ACTIVE, OBJECT "0", SEALRING_VERSION_COMPROMISED, CHECKED "1", FACT_PERMITS},
    {3, SEALRING_VERSION_ACTIVE, OBJECT "0", SEALRING_VERSION_COMPROMISED, "", FACT_PERMITS},
    {3, SEALRING_VERSION_COMPROMISED, OBJECT "1", SEALRING_VERSION_COMPROMISED, OBJECT "1\n5", FACT_PERMITS},
    {3, SEALRING_VERSION_DESTROYED, OBJECT "1", SEALRING_VERSION_COMPROMISED, OBJECT "1", FACT_PERMITS},
    {3, SEALRING_VERSION_ACTIVE, OBJECT "0", SEALRING_VERSION_RETIRED, OBJECT "0", FACT_PERMITS},
    {3, SEALRING_VERSION_ACTIVE, OBJECT "0", SEALRING_VERSION_RETIRING, OBJECT "0", FACT_PERMITS},
    {3, SEALRING_VERSION_COMPROMISED, OBJECT "1", SEALRING_VERSION_DESTROYED, OBJECT "1", FACT_PERMITS},
    {3, 0, "", SEALRING_VERSION_PENDING, OBJECT "0", FACT_PERMITS},
    {0, SEALRING_VERSION_PENDING, "a", SEALRING_VERSION_PENDING, "b", FACT_PERMITS},
    {0, SEALRING_VERSION_PENDING, "a", SEALRING_VERSION_COMPROMISED, "a", FACT_PERMITS},
};

START_TEST(facts_about_versions_and_rings)
{
    struct registry_closed before = version_fact(versions[_i].number, versions[_i].before, versions[_i].was);
    struct registry_closed fact = version_fact(versions[_i].number, versions[_i].after, versions[_i].now);
    ck_assert_int_eq(fact_effect(versions[_i].before == 0 ? NULL : &before, &fact), versions[_i].effect);
}
END_TEST

START_TEST(that_facts_with_values_begin)
{
    struct registry_closed fact = version_fact(0, SEALRING_VERSION_PENDING, "1");
    memset(fact.ring_id, 0, sizeof fact.ring_id);
    ck_assert_int_eq(fact_effect(NULL, &fact), FACT_BEGINS);
    ck_assert_int_eq(fact_effect(&fact, &fact), FACT_PERMITS); /* that there are imports */
    fact.version = 1;
    ck_assert_int_eq(fact_effect(NULL, &fact), FACT_PERMITS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fact_effect");
    TCase *cases = tcase_create("fact_effect");
    tcase_add_loop_test(cases, facts_about_keys, 0, sizeof keys / sizeof keys[0]);
    tcase_add_loop_test(cases, facts_about_versions_and_rings, 0, sizeof versions / sizeof versions[0]);
    tcase_add_test(cases, that_facts_with_values_begin);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
