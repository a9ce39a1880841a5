/* SPDX-License-Identifier: Apache-2.0 */
/* The rule table against a table written down independently, and the advice for all that no rule allows. */
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/transition_table.h"

#define B GUARD_BARRIER
#define G GUARD_GATE
#define P GUARD_PURGE
#define U GUARD_UNHELD
#define K GUARD_KEEP
#define E GUARD_ERA
#define S GUARD_SUCCESSION

/* DESIGN, section 5, as a grid: where an event leads from each state ('-': forbidden) and under which guards. Letters: the
 * state's initial, with R retiring, T retired. */
struct cell {
    char to;
    unsigned guards;
};

static const struct cell expected[8][7] = {
    /*              none      pending         active    retiring  retired   compromised destroyed */
    /* prepare */ {{'P', 0}, {'-', 0}, {'-', 0}, {'-', 0}, {'-', 0}, {'-', 0}, {'-', 0}},
    /* activate */ {{'-', 0}, {'A', B | K}, {'-', 0}, {'A', E}, {'-', 0}, {'-', 0}, {'-', 0}},
    /* rotate */ {{'-', 0}, {'-', 0}, {'-', 0}, {'-', 0}, {'-', 0}, {'-', 0}, {'-', 0}},
    /* rollback */ {{'-', 0}, {'-', 0}, {'-', 0}, {'A', E}, {'-', 0}, {'-', 0}, {'-', 0}},
    /* retire */ {{'-', 0}, {'-', 0}, {'-', 0}, {'T', G | S}, {'-', 0}, {'-', 0}, {'-', 0}},
    /* reinstate */ {{'-', 0}, {'-', 0}, {'-', 0}, {'-', 0}, {'P', 0}, {'-', 0}, {'-', 0}},
    /* compromise */ {{'-', 0}, {'C', 0}, {'C', 0}, {'C', 0}, {'C', 0}, {'-', 0}, {'-', 0}},
    /* destroy */ {{'-', 0}, {'D', U}, {'-', 0}, {'-', 0}, {'D', P}, {'D', P}, {'-', 0}},
};
static const char state_letters[] = "-PARTCD"; /* by the state's value; NONE never is where an event leads */

START_TEST(rules_are_as_designed)
{
    int event = _i / 7 + 1;
    int state = _i % 7;
    const struct cell *cell = &expected[event - 1][state];
    const struct lifecycle_rule *rule = lifecycle_rule((sealring_event)event, (sealring_version_state)state);

    if (cell->to == '-') {
        ck_assert_msg(rule == NULL, "event %d from state %d must be forbidden", event, state);
        return;
    }
    ck_assert_msg(rule != NULL, "event %d from state %d must be allowed", event, state);
    ck_assert_int_eq(rule->event, event);
    ck_assert_int_eq(rule->from, state);
    ck_assert_int_eq(state_letters[rule->to], cell->to);
    ck_assert_uint_eq(rule->guards, cell->guards);
}
END_TEST

START_TEST(no_rule_twice_and_none_besides)
{
    size_t allowed = 0;

    for (size_t i = 0; i < lifecycle_rule_count; i++) {
        ck_assert_ptr_eq(lifecycle_rule(lifecycle_rules[i].event, lifecycle_rules[i].from), &lifecycle_rules[i]);
        ck_assert_uint_eq(lifecycle_rules[i].guards & ~(unsigned)(B | G | P | U | K | E | S), 0);
    }
    for (size_t event = 0; event < 8; event++)
        for (size_t state = 0; state < 7; state++)
            allowed += expected[event][state].to != '-';
    ck_assert_uint_eq(lifecycle_rule_count, allowed);
}
END_TEST

START_TEST(every_forbidden_event_has_advice)
{
    int event = _i / 7 + 1;
    int state = _i % 7;
    const char *advice = lifecycle_advice((sealring_event)event, (sealring_version_state)state);

    ck_assert_ptr_nonnull(advice);
    if (expected[event - 1][state].to != '-') {
        ck_assert_str_eq(advice, "");
        return;
    }
    ck_assert_msg(strlen(advice) > 10, "event %d from state %d: \"%s\" helps nobody", event, state, advice);
    ck_assert_uint_lt(strlen(advice), 128); /* it is the end of a line */
    ck_assert_ptr_null(strchr(advice, '\n'));
}
END_TEST

START_TEST(advice_leads_where_it_says)
{
    ck_assert_ptr_nonnull(strstr(lifecycle_advice(SEALRING_EVENT_ACTIVATE, SEALRING_VERSION_RETIRED), "reinstate"));
    ck_assert_ptr_nonnull(strstr(lifecycle_advice(SEALRING_EVENT_RETIRE, SEALRING_VERSION_ACTIVE), "rotate"));
    ck_assert_ptr_nonnull(strstr(lifecycle_advice(SEALRING_EVENT_DESTROY, SEALRING_VERSION_RETIRING), "retire"));
    ck_assert_ptr_nonnull(strstr(lifecycle_advice(SEALRING_EVENT_REINSTATE, SEALRING_VERSION_COMPROMISED), "never"));
    ck_assert_ptr_nonnull(strstr(lifecycle_advice(SEALRING_EVENT_REINSTATE, SEALRING_VERSION_DESTROYED), "never"));
}
END_TEST

START_TEST(nonsense_is_answered)
{
    ck_assert_ptr_null(lifecycle_rule((sealring_event)0, SEALRING_VERSION_PENDING));
    ck_assert_ptr_null(lifecycle_rule((sealring_event)99, SEALRING_VERSION_PENDING));
    ck_assert_ptr_null(lifecycle_rule(SEALRING_EVENT_ACTIVATE, (sealring_version_state)99));
    ck_assert_uint_gt(strlen(lifecycle_advice((sealring_event)0, SEALRING_VERSION_PENDING)), 0);
    ck_assert_uint_gt(strlen(lifecycle_advice((sealring_event)99, SEALRING_VERSION_PENDING)), 0);
    ck_assert_uint_gt(strlen(lifecycle_advice((sealring_event)-1, SEALRING_VERSION_PENDING)), 0);
    ck_assert_uint_gt(strlen(lifecycle_advice(SEALRING_EVENT_RETIRE, (sealring_version_state)99)), 0);
    ck_assert_uint_gt(strlen(lifecycle_advice(SEALRING_EVENT_RETIRE, (sealring_version_state)-1)), 0);
    ck_assert(!lifecycle_accepts((sealring_version_state)99));
}
END_TEST

START_TEST(accepted_states)
{
    static const bool accepted[7] = {false, true, true, true, false, false, false};

    for (int state = 0; state < 7; state++)
        ck_assert_int_eq(lifecycle_accepts((sealring_version_state)state), accepted[state]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/table");
    TCase *cases = tcase_create("table");

    tcase_add_loop_test(cases, rules_are_as_designed, 0, 8 * 7);
    tcase_add_test(cases, no_rule_twice_and_none_besides);
    tcase_add_loop_test(cases, every_forbidden_event_has_advice, 0, 8 * 7);
    tcase_add_test(cases, advice_leads_where_it_says);
    tcase_add_test(cases, nonsense_is_answered);
    tcase_add_test(cases, accepted_states);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
