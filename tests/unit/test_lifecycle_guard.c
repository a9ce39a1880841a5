/* SPDX-License-Identifier: Apache-2.0 */
/* Guards over verifier lists and times: what opens them, what does not, who is named, and how the line reads. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "lib/runner.h"
#include "lifecycle/guard.h"

#define NOW    INT64_C(1795292100000) /* 2026-11-21T20:15:00Z */
#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char reason[LIFECYCLE_REASON_SIZE];

/* One line, ended, without controls. */
static void assert_line(void)
{
    size_t length = strnlen(reason, sizeof(reason));

    ck_assert_uint_gt(length, 0);
    ck_assert_uint_lt(length, sizeof(reason));
    for (size_t i = 0; i < length; i++)
        ck_assert_msg((unsigned char)reason[i] >= 0x20 && reason[i] != 0x7F, "control character in \"%s\"", reason);
}

static void assert_says(const char *part)
{
    assert_line();
    ck_assert_msg(strstr(reason, part) != NULL, "\"%s\" does not say \"%s\"", reason, part);
}

static void assert_silent_on(const char *part)
{
    assert_line();
    ck_assert_msg(strstr(reason, part) == NULL, "\"%s\" says \"%s\"", reason, part);
}

/* ---- Barrier ---------------------------------------------------------------------------------------------------------- */

static const uint32_t none[] = {0};
static const uint32_t only_4[] = {4};
static const uint32_t up_to_3[] = {1, 2, 3};
static const uint32_t up_to_5[] = {1, 2, 3, 4, 5};

static const struct lifecycle_version pending_4 = {.number = 4, .state = SEALRING_VERSION_PENDING, .fact = 7};

static enum lifecycle_answer ask(guard_function *guard, const struct lifecycle_ring *ring,
                                 const struct lifecycle_version *version, const struct lifecycle_evidence *evidence)
{
    return guard(&(struct guard_question){ring, version, evidence}, reason);
}

static enum lifecycle_answer barrier(const struct lifecycle_verifier *verifiers, size_t count)
{
    struct lifecycle_evidence evidence = {.now = NOW, .verifiers = verifiers, .verifier_count = count};

    memset(reason, 'x', sizeof(reason));
    return ask(guard_barrier, NULL, &pending_4, &evidence);
}

START_TEST(barrier_without_verifiers_is_open)
{
    ck_assert_int_eq(barrier(NULL, 0), LIFECYCLE_ALLOWED);
    ck_assert_str_eq(reason, "barrier open: no verifier is registered");
}
END_TEST

START_TEST(barrier_of_a_version_that_is_not_made_is_ahead)
{
    struct lifecycle_evidence evidence = {.now = NOW, .verifiers_ahead = 3};
    ck_assert_int_eq(ask(guard_barrier, NULL, &pending_4, &evidence), LIFECYCLE_ALLOWED);
    ck_assert_str_eq(reason, "barrier ahead: version 4 waits until 3 verifiers have proved it");
}
END_TEST

/* One verifier of each kind, alone. */
static const struct {
    struct lifecycle_verifier verifier;
    enum lifecycle_answer answer;
    const char *says;
} alone[] = {
    {{.name = "a", .epoch = 7, .facts = 7, .proved = only_4, .proved_count = 1},
     LIFECYCLE_ALLOWED,
     "1 of 1 verifiers proved version 4"},
    {{.name = "a", .epoch = 8, .facts = 8, .proved = up_to_5, .proved_count = 5},
     LIFECYCLE_ALLOWED,
     "1 of 1 verifiers proved"},
    {{.name = "a", .epoch = UINT64_MAX, .facts = UINT64_MAX, .proved = up_to_5, .proved_count = 5},
     LIFECYCLE_ALLOWED,
     "barrier open"},
    {{.name = "a", .epoch = 6, .facts = 6, .proved = up_to_5, .proved_count = 5},
     LIFECYCLE_WAITING,
     "a (at fact 6, not 7)"},
    {{.name = "a", .epoch = 0, .facts = 0, .proved = up_to_5, .proved_count = 5},
     LIFECYCLE_WAITING,
     "a (at fact 0, not 7)"},
    {{.name = "a", .epoch = 7, .facts = 7, .proved = up_to_3, .proved_count = 3}, LIFECYCLE_WAITING, "a (not proved)"},
    {{.name = "a", .epoch = 7, .facts = 7, .proved = none, .proved_count = 0}, LIFECYCLE_WAITING, "a (not proved)"},
    {{.name = "a", .alarm = "the token has no such key", .epoch = 7, .facts = 7},
     LIFECYCLE_WAITING,
     "a (not proved); last alarm: the token has no such key"},
    {{.name = "a", .alarm = "long ago", .epoch = 7, .facts = 7, .proved = only_4, .proved_count = 1},
     LIFECYCLE_ALLOWED,
     "barrier open: 1 of 1 verifiers proved version 4"},
    {{.name = "a", .epoch = 7, .facts = 7, .proved = NULL, .proved_count = 0}, LIFECYCLE_WAITING, "a (not proved)"},
    {{.name = "a", .epoch = 3, .facts = 3, .proved = NULL, .lease_over = true},
     LIFECYCLE_ALLOWED,
     "the lease of 1 has expired"},
    {{.name = "a", .epoch = 7, .facts = 7, .proved = up_to_3, .proved_count = 3, .lease_over = true},
     LIFECYCLE_ALLOWED,
     "0 of 1 verifiers proved version 4, the lease of 1 has expired"},
    {{.name = NULL, .epoch = 1, .facts = 1}, LIFECYCLE_WAITING, "unnamed (at fact 1"},
    {{.name = "", .epoch = 1, .facts = 1}, LIFECYCLE_WAITING, "unnamed (at fact 1"},
};

START_TEST(barrier_of_one_verifier)
{
    ck_assert_int_eq(barrier(&alone[_i].verifier, 1), alone[_i].answer);
    assert_says(alone[_i].says);
}
END_TEST

START_TEST(barrier_names_all_that_miss)
{
    const struct lifecycle_verifier verifiers[] = {
        {.name = "web1 (41)", .epoch = 9, .facts = 9, .proved = up_to_5, .proved_count = 5},
        {.name = "web2 (42)", .epoch = 5, .facts = 5, .proved = up_to_5, .proved_count = 5},
        {.name = "web3 (43)", .epoch = 5, .facts = 5, .lease_over = true},
        {.name = "web4 (44)", .epoch = 7, .facts = 7, .proved = up_to_3, .proved_count = 3},
    };

    ck_assert_int_eq(barrier(verifiers, COUNT(verifiers)), LIFECYCLE_WAITING);
    ck_assert_str_eq(reason,
                     "barrier closed: 2 of 4 verifiers cannot verify version 4 yet: web2 (42) (at fact 5, not 7), "
                     "web4 (44) (not proved)");
    ck_assert_int_eq(barrier(verifiers, 1), LIFECYCLE_ALLOWED);
}
END_TEST

/* What a progress line shows has no sentence around it. */
START_TEST(those_that_miss_are_listed_alone)
{
    const struct lifecycle_verifier verifiers[] = {
        {.name = "web1", .epoch = 9, .facts = 9, .proved = up_to_5, .proved_count = 5},
        {.name = "web2", .epoch = 0, .facts = 0, .alarm = "no memory"},
    };
    const struct lifecycle_version version = {.number = 4, .fact = 7};
    const struct lifecycle_evidence evidence = {.verifiers = verifiers, .verifier_count = 2, .new_era = true};
    const struct guard_question asked = {.version = &version, .evidence = &evidence};
    char missing[LIFECYCLE_REASON_SIZE] = "";

    ck_assert_uint_eq(guard_barrier_missing(&asked, missing), 1);
    ck_assert_str_eq(missing, "web2 (at fact 0, not 7); last alarm: no memory");
    missing[0] = '\0';
    ck_assert_uint_eq(guard_era_missing(&asked, missing), 1);
    ck_assert_str_eq(missing, "web2 (by what was before)");
}
END_TEST

START_TEST(an_alarm_of_who_does_not_block_is_left_out)
{
    static const uint32_t proved[] = {4};
    const struct lifecycle_verifier verifiers[] = {
        {.name = "a", .alarm = "", .epoch = 7, .facts = 7},
        {.name = "b", .alarm = "long ago", .epoch = 7, .facts = 7, .proved = proved, .proved_count = 1},
        {.name = "c", .epoch = 7, .facts = 7},
    };
    ck_assert_int_eq(barrier(verifiers, 3), LIFECYCLE_WAITING);
    assert_says("2 of 3");
    ck_assert_ptr_null(strstr(reason, "last alarm"));
}
END_TEST

START_TEST(barrier_counts_those_it_does_not_name)
{
    struct lifecycle_verifier verifiers[50];
    char names[50][16];

    for (size_t i = 0; i < COUNT(verifiers); i++) {
        snprintf(names[i], sizeof(names[i]), "server-%zu", i);
        verifiers[i] = (struct lifecycle_verifier){.name = names[i], .epoch = 7, .facts = 7};
    }
    ck_assert_int_eq(barrier(verifiers, 3), LIFECYCLE_WAITING);
    assert_silent_on("more");
    ck_assert_int_eq(barrier(verifiers, 4), LIFECYCLE_WAITING);
    assert_says("server-0 (not proved), server-1 (not proved), server-2 (not proved) and 1 more");
    ck_assert_int_eq(barrier(verifiers, 50), LIFECYCLE_WAITING);
    assert_says("50 of 50 verifiers");
    assert_says(" and 47 more");
    assert_silent_on("server-3");
}
END_TEST

START_TEST(barrier_survives_hostile_names)
{
    char long_name[1000];
    struct lifecycle_verifier verifiers[4];

    memset(long_name, 'n', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    for (size_t i = 0; i < COUNT(verifiers); i++)
        verifiers[i] = (struct lifecycle_verifier){.name = long_name, .epoch = UINT64_MAX - 1, .facts = UINT64_MAX - 1};
    struct lifecycle_version version = {.number = UINT32_MAX, .fact = UINT64_MAX};
    struct lifecycle_evidence evidence = {.now = NOW, .verifiers = verifiers, .verifier_count = 4};
    ck_assert_int_eq(ask(guard_barrier, NULL, &version, &evidence), LIFECYCLE_WAITING);
    assert_says("4 of 4 verifiers cannot verify version 4294967295");
    ck_assert_str_eq(reason + strlen(reason) - 3, "\xE2\x80\xA6"); /* it was cut, and says so */

    verifiers[0].name = "two\nlines\x1B[31m\x7F \xC2\x9B \xFF";
    verifiers[0].epoch = verifiers[0].facts = 0;
    ck_assert_int_eq(barrier(verifiers, 1), LIFECYCLE_WAITING);
    assert_says("two?lines?[31m? ?? ? (at fact 0");
}
END_TEST

START_TEST(a_line_is_cut_between_characters)
{
    for (size_t padding = LIFECYCLE_REASON_SIZE - 16; padding < LIFECYCLE_REASON_SIZE; padding++) {
        memset(reason, 'a', padding);
        reason[padding] = '\0';
        guard_say(reason, "%s",
                  "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"); /* U+20AC */
        size_t length = strlen(reason);
        ck_assert_uint_lt(length, LIFECYCLE_REASON_SIZE);
        ck_assert_ptr_null(strchr(reason, '?')); /* half a character would have become one */
        for (size_t i = 0, left = 0; i < length; i++) {
            bool continues = ((unsigned char)reason[i] & 0xC0) == 0x80;
            ck_assert_int_eq(continues, left > 0);
            left = continues ? left - 1 : (unsigned char)reason[i] == 0xE2 ? 2 : 0;
        }
        guard_say(reason, "more"); /* nothing is added behind a cut */
        if (padding > LIFECYCLE_REASON_SIZE - 16)
            ck_assert_uint_eq(strlen(reason), length);
    }
}
END_TEST

/* Nothing of it can stand before the mark, as all of it could be the middle of a character. */
START_TEST(a_line_of_half_characters_is_cut)
{
    char halves[2 * LIFECYCLE_REASON_SIZE];
    memset(halves, '\x80', sizeof(halves) - 1);
    halves[sizeof(halves) - 1] = '\0';
    reason[0] = '\0';
    guard_say(reason, "%s", halves);
    ck_assert_uint_gt(strspn(reason, "?"), LIFECYCLE_REASON_SIZE - 16);
    ck_assert_str_eq(reason + strspn(reason, "?"), "\xE2\x80\xA6");
}
END_TEST

/* vsnprintf fails at a wide character that the locale does not have. */
START_TEST(what_cannot_be_written_leaves_a_line)
{
    static const wchar_t wide[] = {0x20AC, 0};
    strcpy(reason, "before");
    guard_say(reason, " after %ls", wide);
    ck_assert_uint_lt(strlen(reason), LIFECYCLE_REASON_SIZE);
    ck_assert_int_eq(strncmp(reason, "before", strlen("before")), 0);
    ck_assert_ptr_null(strstr(reason, "\xE2\x80\xA6")); /* it was not cut */
    assert_line();
}
END_TEST

/* ---- Gate ------------------------------------------------------------------------------------------------------------- */

static enum lifecycle_answer gate(int64_t retire_at, int64_t quiet, const struct lifecycle_verifier *verifiers,
                                  size_t count)
{
    const struct lifecycle_version version = {.number = 3, .state = SEALRING_VERSION_RETIRING, .retire_at = retire_at};
    struct lifecycle_evidence evidence = {
        .now = NOW, .verifiers = verifiers, .verifier_count = count, .quiet_period = quiet};

    memset(reason, 'x', sizeof(reason));
    return ask(guard_gate, NULL, &version, &evidence);
}

static const struct {
    int64_t retire_at;
    enum lifecycle_answer answer;
    const char *says;
} windows[] = {
    {NOW, LIFECYCLE_ALLOWED, "window over since 2026-11-21T20:15:00Z"},
    {NOW - 1, LIFECYCLE_ALLOWED, "window over since 2026-11-21T20:14:59.999Z"},
    {NOW + 1, LIFECYCLE_WAITING, "window ends 2026-11-21T20:15:00.001Z, in 1s"},
    {NOW + 30 * SECOND, LIFECYCLE_WAITING, "in 30s"},
    {NOW + HOUR - 1, LIFECYCLE_WAITING, "in 1h"},
    {NOW + 7 * DAY, LIFECYCLE_WAITING, "window ends 2026-11-28T20:15:00Z, in 7d"},
    {NOW + 7 * DAY - 59 * 60 * SECOND, LIFECYCLE_WAITING, "in 7d"}, /* never told too early */
    {NOW + 7 * DAY - HOUR, LIFECYCLE_WAITING, "window ends 2026-11-28T19:15:00Z, in 6d23h"},
    {NOW - 3650 * DAY, LIFECYCLE_ALLOWED, "window over"},
    {INT64_MAX, LIFECYCLE_WAITING, "window ends"},
    {0, LIFECYCLE_FORBIDDEN, "registry is damaged"},
    {-1, LIFECYCLE_FORBIDDEN, "registry is damaged"},
    {INT64_MIN, LIFECYCLE_FORBIDDEN, "registry is damaged"},
};

START_TEST(gate_of_a_window)
{
    ck_assert_int_eq(gate(windows[_i].retire_at, 0, NULL, 0), windows[_i].answer);
    assert_says(windows[_i].says);
    /* Reports do not matter without a quiet period. */
    const struct lifecycle_verifier busy = {.name = "busy", .last_use = NOW};
    ck_assert_int_eq(gate(windows[_i].retire_at, 0, &busy, 1), windows[_i].answer);
}
END_TEST

/* Quiet period of one day, the window over. */
static const struct {
    struct lifecycle_verifier verifier;
    enum lifecycle_answer answer;
    const char *says;
} quiet[] = {
    /* covered, never used; used before; used at the edges */
    {{.name = "v", .reports_from = NOW - DAY, .reports_until = NOW}, LIFECYCLE_ALLOWED, "no use for 1d"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW + DAY}, LIFECYCLE_ALLOWED, "no use for 1d"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW, .last_use = NOW - DAY - 1},
     LIFECYCLE_ALLOWED,
     "no use for 1d"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW, .last_use = NOW - DAY},
     LIFECYCLE_WAITING,
     "v (used 1d ago)"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW, .last_use = NOW - 2 * HOUR},
     LIFECYCLE_WAITING,
     "v (used 2h ago)"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW, .last_use = NOW + HOUR},
     LIFECYCLE_WAITING,
     "v (used 0s ago)"},
    /* holes: at the end, at the beginning, everywhere */
    {{.name = "v", .reports_from = 1, .reports_until = NOW - 1}, LIFECYCLE_WAITING, "v (no reports for 1s)"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW - 3 * HOUR}, LIFECYCLE_WAITING, "v (no reports for 3h)"},
    {{.name = "v", .reports_from = NOW - DAY + 1, .reports_until = NOW},
     LIFECYCLE_WAITING,
     "v (reports only since 1d ago)"},
    {{.name = "v", .reports_from = NOW - HOUR, .reports_until = NOW},
     LIFECYCLE_WAITING,
     "v (reports only since 1h ago)"},
    {{.name = "v"}, LIFECYCLE_WAITING, "v (no reports)"},
    /* it joined lately: nothing to report from before */
    {{.name = "v", .reports_from = NOW - HOUR, .reports_until = NOW, .joined = NOW - HOUR},
     LIFECYCLE_ALLOWED,
     "no use"},
    {{.name = "v", .reports_from = NOW - HOUR + 1, .reports_until = NOW, .joined = NOW - HOUR},
     LIFECYCLE_WAITING,
     "v (reports only since"},
    {{.name = "v", .reports_from = NOW - HOUR, .reports_until = NOW, .joined = NOW - HOUR, .last_use = NOW - SECOND},
     LIFECYCLE_WAITING,
     "v (used 1s ago)"},
    /* dead: the hole between its last report and the end of its lease is a use, what comes later is not */
    {{.name = "v", .reports_from = 1, .reports_until = NOW - HOUR, .lease_over = true},
     LIFECYCLE_WAITING,
     "v (no reports for 1h)"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW - HOUR, .lease_over = true, .stopped = NOW - HOUR + SECOND},
     LIFECYCLE_WAITING,
     "v (no reports for 1h)"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW - HOUR, .lease_over = true, .stopped = NOW - HOUR},
     LIFECYCLE_ALLOWED,
     "no use"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW - 3 * DAY, .lease_over = true, .stopped = NOW - DAY},
     LIFECYCLE_ALLOWED,
     "no use"},
    {{.name = "v", .reports_from = 1, .reports_until = NOW - 3 * DAY, .lease_over = true, .stopped = NOW - DAY + 1},
     LIFECYCLE_WAITING,
     "v (no reports for 3d)"},
    {{.name = "v", .lease_over = true, .stopped = NOW - 2 * DAY}, LIFECYCLE_ALLOWED, "no use"},
    {{.name = "v", .lease_over = true, .stopped = NOW - 2 * DAY, .last_use = NOW - HOUR},
     LIFECYCLE_WAITING,
     "v (used 1h ago)"},
    {{.name = "v",
      .reports_from = 1,
      .reports_until = NOW - HOUR,
      .stopped = NOW - HOUR}, /* not dead: `stopped` says nothing */
     LIFECYCLE_WAITING,
     "v (no reports for 1h)"},
};

START_TEST(gate_of_one_verifier)
{
    ck_assert_int_eq(gate(NOW - SECOND, DAY, &quiet[_i].verifier, 1), quiet[_i].answer);
    assert_says("window over since 2026-11-21T20:14:59Z");
    assert_says(quiet[_i].says);
    /* Whatever the reports say, an open window waits. */
    ck_assert_int_eq(gate(NOW + SECOND, DAY, &quiet[_i].verifier, 1), LIFECYCLE_WAITING);
}
END_TEST

START_TEST(gate_names_blockers)
{
    const struct lifecycle_verifier verifiers[] = {
        {.name = "good", .reports_from = 1, .reports_until = NOW},
        {.name = "used", .reports_from = 1, .reports_until = NOW, .last_use = NOW - HOUR},
        {.name = "silent", .reports_from = 1, .reports_until = NOW - HOUR},
        {.name = "young", .reports_from = NOW - HOUR, .reports_until = NOW},
        {.name = "other", .reports_from = NOW - HOUR, .reports_until = NOW},
    };

    ck_assert_int_eq(gate(NOW, DAY, verifiers, COUNT(verifiers)), LIFECYCLE_WAITING);
    assert_says("4 of 5 verifiers do not show 1d without a use: used (used 1h ago), silent (no reports for 1h), young ("
                "reports only since 1h ago) and 1 more");
    assert_silent_on("good");
    assert_silent_on("other");
    ck_assert_int_eq(gate(NOW, DAY, verifiers, 1), LIFECYCLE_ALLOWED);
    assert_says("no use for 1d by the reports of 1 verifier");
    ck_assert_int_eq(gate(NOW, DAY, NULL, 0), LIFECYCLE_ALLOWED);
    assert_says("no verifier is registered");
}
END_TEST

START_TEST(gate_with_absurd_times)
{
    static const int64_t absurd[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, NOW, INT64_MAX - 1, INT64_MAX};

    for (size_t a = 0; a < COUNT(absurd); a++)
        for (size_t b = 0; b < COUNT(absurd); b++)
            for (size_t c = 0; c < COUNT(absurd); c++) {
                const struct lifecycle_verifier verifier = {.name = "v",
                                                            .reports_from = absurd[a],
                                                            .reports_until = absurd[b],
                                                            .last_use = absurd[c],
                                                            .joined = absurd[b],
                                                            .stopped = absurd[c],
                                                            .lease_over = a % 2 == 0};
                const struct lifecycle_version version = {.number = 1, .retire_at = absurd[b], .purge_at = absurd[b]};
                struct lifecycle_evidence evidence = {
                    .now = absurd[a], .verifiers = &verifier, .verifier_count = 1, .quiet_period = absurd[c]};
                ask(guard_gate, NULL, &version, &evidence);
                assert_line();
                bool over = absurd[b] > 0 && absurd[a] >= absurd[b];
                ck_assert_int_eq(ask(guard_purge, NULL, &version, &evidence) == LIFECYCLE_ALLOWED, over);
                assert_line();
            }
}
END_TEST

/* ---- Succession ------------------------------------------------------------------------------------------------------- */

static const struct lifecycle_ring pay = {.name = "pay"};

static enum lifecycle_answer succession(int64_t within, size_t named, size_t count, bool more)
{
    static const struct lifecycle_user users[] = {
        {"k1 of one", NOW - HOUR}, {"k2 of two", NOW - DAY}, {"k3 of three", 0}};
    const struct lifecycle_version version = {.number = 3, .state = SEALRING_VERSION_RETIRING, .retire_at = NOW};
    const struct lifecycle_evidence evidence = {.now = NOW,
                                                .succession = within,
                                                .behind = users,
                                                .behind_named = named,
                                                .behind_count = count,
                                                .behind_more = more};
    memset(reason, 'x', sizeof(reason));
    return ask(guard_succession, &pay, &version, &evidence);
}

START_TEST(who_has_no_successor_is_named)
{
    ck_assert_int_eq(succession(400 * DAY, 0, 0, false), LIFECYCLE_ALLOWED);
    ck_assert_str_eq(reason, "every API key used in the last 400d has a successor");
    ck_assert_int_eq(succession(400 * DAY, 1, 1, false), LIFECYCLE_WAITING);
    ck_assert_str_eq(reason,
                     "1 API key used in the last 400d has no credential newer than version 3: k1 of one (1h ago); "
                     "run `sealring reissue pay --all --out DIR/`");
    ck_assert_int_eq(succession(30 * DAY, 3, 3, false), LIFECYCLE_WAITING);
    ck_assert_str_eq(reason,
                     "3 API keys used in the last 30d have no credential newer than version 3: k1 of one (1h ago), "
                     "k2 of two (1d ago), k3 of three; run `sealring reissue pay --all --out DIR/`");
    ck_assert_int_eq(succession(30 * DAY, 3, 1000, true), LIFECYCLE_WAITING);
    assert_says("1000 or more API keys");
    assert_says("k3 of three and 997 more; run `sealring reissue pay --all --out DIR/`");
    ck_assert_int_eq(succession(0, 3, 3, false), LIFECYCLE_ALLOWED); /* the policy does not ask */
    ck_assert_str_eq(reason, "");
}
END_TEST

START_TEST(the_command_for_successors_is_never_cut)
{
    static const char name[] = "0123456789abcdef of 0123456789012345678901234567890123456789012345678901234567890123";
    static const struct lifecycle_ring named = {.name =
                                                    "0123456789012345678901234567890123456789012345678901234567890123"};
    const struct lifecycle_user users[] = {{name, NOW - DAY}, {name, NOW - DAY}, {name, NOW - DAY}};
    const struct lifecycle_version version = {.number = UINT32_MAX, .state = SEALRING_VERSION_RETIRING};
    struct lifecycle_evidence evidence = {.now = NOW, .succession = 400 * DAY, .behind = users, .behind_more = true};
    for (size_t count = 1; count <= 1000; count = count < 4 ? count + 1 : 1000 + (count == 1000)) {
        evidence.behind_count = count;
        evidence.behind_named = count < 3 ? count : 3;
        ask(guard_succession, &named, &version, &evidence);
        assert_says(name);
        assert_says(
            "; run `sealring reissue 0123456789012345678901234567890123456789012345678901234567890123 --all --out "
            "DIR/`");
    }
}
END_TEST

static enum lifecycle_answer succession_with_gap(int64_t within, uint64_t more)
{
    const struct lifecycle_version version = {.number = 3, .state = SEALRING_VERSION_RETIRING, .retire_at = NOW};
    const struct lifecycle_evidence evidence = {
        .now = NOW, .succession = within, .gap = "x.report is damaged: repair it", .gap_more = more};
    memset(reason, 'x', sizeof(reason));
    return ask(guard_succession, &pay, &version, &evidence);
}

START_TEST(uses_that_may_be_missing_hold_it_up)
{
    ck_assert_int_eq(succession_with_gap(400 * DAY, 0), LIFECYCLE_WAITING);
    ck_assert_str_eq(reason,
                     "which API keys were used in the last 400d is not fully known: x.report is damaged: repair it");
    ck_assert_int_eq(succession_with_gap(400 * DAY, 2), LIFECYCLE_WAITING);
    assert_says("repair it (and 2 more)");
    ck_assert_int_eq(succession_with_gap(0, 2), LIFECYCLE_ALLOWED); /* the policy does not ask */
}
END_TEST

/* ---- Gate: users, idle keys, verifiers that are gone ------------------------------------------------------------------ */

static enum lifecycle_answer gate_of(struct lifecycle_evidence evidence)
{
    const struct lifecycle_version version = {.number = 3, .state = SEALRING_VERSION_RETIRING, .retire_at = NOW};

    evidence.now = NOW;
    memset(reason, 'x', sizeof(reason));
    return ask(guard_gate, NULL, &version, &evidence);
}

/* The last use that was ever reported, without a verifier that tells. */
static const struct {
    int64_t last_use;
    int64_t quiet_period;
    enum lifecycle_answer answer;
    const char *says;
} last_uses[] = {
    {0, DAY, LIFECYCLE_ALLOWED, "no verifier is registered"},
    {NOW, DAY, LIFECYCLE_WAITING, ", but it was used 0s ago"},
    {NOW + HOUR, DAY, LIFECYCLE_WAITING, ", but it was used 0s ago"}, /* by a clock that is ahead */
    {NOW - DAY, DAY, LIFECYCLE_WAITING, ", but it was used 1d ago"},
    {NOW - DAY - 1, DAY, LIFECYCLE_ALLOWED, "no verifier is registered"},
    {1, DAY, LIFECYCLE_ALLOWED, "no verifier is registered"},
    {NOW, 0, LIFECYCLE_ALLOWED, "window over"}, /* without a quiet period nobody asks */
    {NOW, -1, LIFECYCLE_ALLOWED, "window over"},
    {1, INT64_MAX, LIFECYCLE_WAITING, ", but it was used"},
    {INT64_MAX, DAY, LIFECYCLE_WAITING, ", but it was used"},
    {INT64_MIN, DAY, LIFECYCLE_ALLOWED, "no verifier is registered"},
};

START_TEST(gate_goes_by_the_last_use_of_verifiers_that_are_gone)
{
    struct lifecycle_evidence evidence = {.quiet_period = last_uses[_i].quiet_period,
                                          .last_use = last_uses[_i].last_use};

    ck_assert_int_eq(gate_of(evidence), last_uses[_i].answer);
    assert_says(last_uses[_i].says);
    /* One that is there, and shows nothing of the kind, changes nothing. */
    const struct lifecycle_verifier quiet_one = {.name = "v", .reports_from = INT64_MIN, .reports_until = NOW};
    evidence.verifiers = &quiet_one;
    evidence.verifier_count = 1;
    ck_assert_int_eq(gate_of(evidence), last_uses[_i].answer);
}
END_TEST

START_TEST(gate_says_a_use_once)
{
    const struct lifecycle_verifier user = {
        .name = "web1", .reports_from = 1, .reports_until = NOW, .last_use = NOW - HOUR};
    const struct lifecycle_evidence evidence = {
        .quiet_period = DAY, .last_use = NOW - HOUR, .verifiers = &user, .verifier_count = 1};

    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_WAITING);
    assert_says("web1 (used 1h ago)");
    assert_silent_on("it was used");
    assert_silent_on("no use");
}
END_TEST

START_TEST(gate_names_the_keys_that_use_the_version)
{
    const struct lifecycle_user users[] = {
        {.name = "KEY1 of client acme", .last_use = NOW - 3 * SECOND},
        {.name = "KEY2 of client beta", .last_use = 0},
        {.name = "KEY3 of client gamma", .last_use = NOW - 2 * HOUR},
        {.name = "KEY4 of client delta", .last_use = NOW},
    };
    struct lifecycle_evidence evidence = {
        .quiet_period = DAY, .last_use = NOW - 3 * SECOND, .users = users, .user_count = 3};

    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_WAITING);
    assert_says(", but it is in use: KEY1 of client acme (3s ago), KEY2 of client beta, KEY3 of client gamma (2h ago)");
    assert_silent_on("more");
    assert_silent_on("it was used");
    evidence.user_count = 4;
    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_WAITING);
    assert_says("KEY3 of client gamma (2h ago) and 1 more");
    assert_silent_on("KEY4");
    evidence.user_count = 1;
    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_WAITING);
    assert_silent_on("KEY2");
    /* The statistics only give names: it is the evidence that blocks. */
    evidence.last_use = NOW - DAY - 1;
    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(gate_asks_for_idle_keys_if_the_policy_does)
{
    const struct lifecycle_user idle[] = {{.name = "KEY1 of client acme"},
                                          {.name = "KEY2 of client beta"},
                                          {.name = "KEY3 of client gamma"},
                                          {.name = "KEY4 of client delta"}};
    struct lifecycle_evidence evidence = {.quiet_period = DAY, .idle = idle, .idle_count = 4, .idle_blocks = true};

    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_WAITING);
    assert_says("never called (the policy has idle keys block): KEY1 of client acme, KEY2 of client beta, KEY3 of "
                "client gamma and 1 more");
    evidence.idle_count = 1;
    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_WAITING);
    assert_silent_on("more");
    evidence.idle_count = 0;
    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_ALLOWED);
    assert_silent_on("never called");
    evidence.idle_count = 4;
    evidence.idle_blocks = false;
    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_ALLOWED);
    assert_silent_on("never called");
    evidence.idle_blocks = true;
    evidence.quiet_period = 0;
    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(gate_says_everything_that_blocks_on_one_line)
{
    const struct lifecycle_user users[] = {{.name = "KEY1\nof \x1B[31mclient", .last_use = INT64_MIN}};
    const struct lifecycle_user idle[] = {{.name = "KEY2 of client beta"}};
    const struct lifecycle_verifier silent = {.name = "web1", .reports_from = 1, .reports_until = NOW - HOUR};
    const struct lifecycle_evidence evidence = {.quiet_period = DAY,
                                                .last_use = NOW,
                                                .verifiers = &silent,
                                                .verifier_count = 1,
                                                .users = users,
                                                .user_count = 1,
                                                .idle = idle,
                                                .idle_count = 1,
                                                .idle_blocks = true};

    ck_assert_int_eq(gate_of(evidence), LIFECYCLE_WAITING);
    assert_says("in use: KEY1?of ?[31mclient");
    assert_says("web1 (no reports for 1h)");
    assert_says("never called");
}
END_TEST

/* ---- Purge, unheld, keep ---------------------------------------------------------------------------------------------- */

static enum lifecycle_answer purge(int64_t purge_at)
{
    const struct lifecycle_version version = {.number = 3, .state = SEALRING_VERSION_RETIRED, .purge_at = purge_at};
    struct lifecycle_evidence evidence = {.now = NOW};

    memset(reason, 'x', sizeof(reason));
    return ask(guard_purge, NULL, &version, &evidence);
}

/* Whoever can write the registry can mark a version as retired long ago. */
START_TEST(unconfirmed_version_is_kept)
{
    const struct lifecycle_version version = {
        .number = 3, .state = SEALRING_VERSION_RETIRED, .purge_at = NOW - DAY, .unconfirmed = true};
    const struct lifecycle_evidence evidence = {.now = NOW};
    ck_assert_int_eq(ask(guard_purge, NULL, &version, &evidence), LIFECYCLE_FORBIDDEN);
    ck_assert_ptr_nonnull(strstr(reason, "no closed fact confirms that version 3 is retired"));
}
END_TEST

START_TEST(purge_time)
{
    ck_assert_int_eq(purge(NOW), LIFECYCLE_ALLOWED);
    assert_says("over since 2026-11-21T20:15:00Z");
    ck_assert_int_eq(purge(NOW - 1), LIFECYCLE_ALLOWED);
    ck_assert_int_eq(purge(NOW + 1), LIFECYCLE_WAITING);
    ck_assert_int_eq(purge(NOW + 30 * DAY), LIFECYCLE_WAITING);
    assert_says("ends 2026-12-21T20:15:00Z, in 30d");
    ck_assert_int_eq(purge(0), LIFECYCLE_FORBIDDEN);
    assert_says("registry is damaged");
    ck_assert_int_eq(purge(-5), LIFECYCLE_FORBIDDEN);
}
END_TEST

/* Where an older copy was put back, whoever does not go by it blocks, whatever it proved; else nobody does. */
START_TEST(era_of_the_registry)
{
    const struct lifecycle_verifier verifiers[] = {
        {.name = "a", .epoch = 1, .facts = 1},
        {.name = "b", .epoch = 0, .facts = 0, .proved = up_to_5, .proved_count = 5},
        {.name = "c", .epoch = 0, .facts = 0, .lease_over = true},
        {.name = "d", .epoch = 0, .facts = 0},
    };
    struct lifecycle_evidence evidence = {.now = NOW, .verifiers = verifiers, .verifier_count = COUNT(verifiers)};

    ck_assert_int_eq(ask(guard_era, NULL, NULL, &evidence), LIFECYCLE_ALLOWED);
    ck_assert_str_eq(reason, "");
    evidence.new_era = true;
    ck_assert_int_eq(ask(guard_era, NULL, NULL, &evidence), LIFECYCLE_WAITING);
    assert_says("2 of 4 verifiers have not applied that yet: b (by what was before), d (by what was before)");
    evidence.verifier_count = 1;
    ck_assert_int_eq(ask(guard_era, NULL, NULL, &evidence), LIFECYCLE_ALLOWED);
    evidence.verifier_count = 0;
    ck_assert_int_eq(ask(guard_era, NULL, NULL, &evidence), LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(held_or_not)
{
    struct lifecycle_version version = {.number = 3, .state = SEALRING_VERSION_PENDING, .held = true};

    ck_assert_int_eq(ask(guard_unheld, NULL, &version, NULL), LIFECYCLE_FORBIDDEN);
    assert_says("clients may hold credentials of version 3");
    version.held = false;
    ck_assert_int_eq(ask(guard_unheld, NULL, &version, NULL), LIFECYCLE_ALLOWED);
    assert_says("nobody holds credentials of version 3");
}
END_TEST

START_TEST(keep_counts_the_retiring_ones)
{
    struct lifecycle_version versions[] = {
        {.number = 1, .state = SEALRING_VERSION_RETIRED},
        {.number = 2, .state = SEALRING_VERSION_RETIRING, .retire_at = NOW + 2 * DAY},
        {.number = 3, .state = SEALRING_VERSION_RETIRING, .retire_at = NOW + DAY},
        {.number = 4, .state = SEALRING_VERSION_ACTIVE},
        {.number = 5, .state = SEALRING_VERSION_PENDING},
    };
    struct lifecycle_ring ring = {.name = "acme", .versions = versions, .count = COUNT(versions), .last_number = 5};

    ring.policy.keep = 3;
    ck_assert_int_eq(ask(guard_keep, &ring, NULL, NULL), LIFECYCLE_ALLOWED);
    assert_says("3 of at most 3");
    ring.policy.keep = 2;
    ck_assert_int_eq(ask(guard_keep, &ring, NULL, NULL), LIFECYCLE_WAITING);
    assert_says("retire version 3, whose window ends 2026-11-22T20:15:00Z");
    ring.policy.keep = 1; /* lowered after they became retiring */
    ck_assert_int_eq(ask(guard_keep, &ring, NULL, NULL), LIFECYCLE_WAITING);
    ring.policy.keep = 0; /* no policy at all: in doubt, no */
    ck_assert_int_eq(ask(guard_keep, &ring, NULL, NULL), LIFECYCLE_WAITING);
    ring.policy.keep = 1;
    ring.versions = &versions[3];
    ring.count = 1;
    ck_assert_int_eq(ask(guard_keep, &ring, NULL, NULL), LIFECYCLE_ALLOWED);
    assert_says("1 of at most 1");
    ring.policy.keep = 0;
    ck_assert_int_eq(ask(guard_keep, &ring, NULL, NULL), LIFECYCLE_WAITING);
    assert_line();
    ring.versions = versions;
    ring.count = 3; /* none is active, so none becomes retiring */
    ck_assert_int_eq(ask(guard_keep, &ring, NULL, NULL), LIFECYCLE_ALLOWED);
    ck_assert_str_eq(reason, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/guard");
    TCase *cases = tcase_create("guards");

    tcase_add_test(cases, barrier_without_verifiers_is_open);

    tcase_add_test(cases, barrier_of_a_version_that_is_not_made_is_ahead);
    tcase_add_loop_test(cases, barrier_of_one_verifier, 0, (int)COUNT(alone));
    tcase_add_test(cases, barrier_names_all_that_miss);
    tcase_add_test(cases, those_that_miss_are_listed_alone);
    tcase_add_test(cases, an_alarm_of_who_does_not_block_is_left_out);
    tcase_add_test(cases, barrier_counts_those_it_does_not_name);
    tcase_add_test(cases, barrier_survives_hostile_names);
    tcase_add_test(cases, a_line_is_cut_between_characters);
    tcase_add_test(cases, a_line_of_half_characters_is_cut);
    tcase_add_test(cases, what_cannot_be_written_leaves_a_line);
    tcase_add_loop_test(cases, gate_of_a_window, 0, (int)COUNT(windows));
    tcase_add_loop_test(cases, gate_of_one_verifier, 0, (int)COUNT(quiet));
    tcase_add_test(cases, gate_names_blockers);
    tcase_add_test(cases, gate_with_absurd_times);
    tcase_add_test(cases, who_has_no_successor_is_named);
    tcase_add_test(cases, the_command_for_successors_is_never_cut);
    tcase_add_test(cases, uses_that_may_be_missing_hold_it_up);
    tcase_add_loop_test(cases, gate_goes_by_the_last_use_of_verifiers_that_are_gone, 0, (int)COUNT(last_uses));
    tcase_add_test(cases, gate_says_a_use_once);
    tcase_add_test(cases, gate_names_the_keys_that_use_the_version);
    tcase_add_test(cases, gate_asks_for_idle_keys_if_the_policy_does);
    tcase_add_test(cases, gate_says_everything_that_blocks_on_one_line);
    tcase_add_test(cases, purge_time);
    tcase_add_test(cases, unconfirmed_version_is_kept);
    tcase_add_test(cases, held_or_not);
    tcase_add_test(cases, era_of_the_registry);
    tcase_add_test(cases, keep_counts_the_retiring_ones);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
