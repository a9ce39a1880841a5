/* SPDX-License-Identifier: Apache-2.0 */
/* verifier/messages: order, room, repetition, and callbacks that add and fork. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/state/log_messages.h"

#define MINUTE 60000

static const _Atomic(unsigned) parent = 1;

static atomic_llong clock_now;

/* Instead of base/clock's (--wrap). */
int64_t __wrap_clock_boot_ms(void);
int64_t __wrap_clock_boot_ms(void)
{
    return atomic_load(&clock_now);
}

static struct messages *fresh(void)
{
    struct messages *messages;
    ck_assert_int_eq(messages_new(&messages, NULL), SEALRING_OK);
    atomic_store(&clock_now, 1000000);
    return messages;
}

/* What was handed out since the last look: "level text" lines. */
struct log {
    char text[100000];
    size_t length;
    unsigned calls;
};

static void write_down(sealring_log_level level, const char *message, void *context)
{
    struct log *log = context;
    log->length +=
        (size_t)snprintf(log->text + log->length, sizeof log->text - log->length, "%d %s\n", (int)level, message);
    ck_assert_uint_lt(log->length, sizeof log->text);
    log->calls++;
}

static void expect(struct messages *messages, const char *text)
{
    static struct log log;
    log.length = 0;
    log.text[0] = '\0';
    messages_hand_out(messages, &parent, write_down, &log);
    ck_assert_str_eq(log.text, text);
}

START_TEST(lines_come_once_and_in_their_order)
{
    struct messages *messages = fresh();
    expect(messages, "");
    messages_add(messages, SEALRING_LOG_WARNING, "second to %s", "none");
    messages_add(messages, SEALRING_LOG_ALARM, "%d of %d", 2, 3);
    messages_add(messages, SEALRING_LOG_INFORMATION, "third");
    expect(messages, "2 second to none\n3 2 of 3\n1 third\n");
    expect(messages, "");
    messages_free(messages);
    messages_free(NULL);
}
END_TEST

START_TEST(without_a_callback_all_stays)
{
    struct messages *messages = fresh();
    messages_add(messages, SEALRING_LOG_ALARM, "kept");
    messages_hand_out(messages, &parent, NULL, NULL);
    expect(messages, "3 kept\n");
    messages_free(messages);
}
END_TEST

START_TEST(a_line_is_one_line_of_whole_characters)
{
    struct messages *messages = fresh();
    messages_add(messages, SEALRING_LOG_ALARM, "a\nb\033[1mc\xff");
    expect(messages, "3 a?b?[1mc?\n");
    for (size_t shift = 0; shift < 3; shift++) { /* of three bytes each, cut at any of them; the middle is left out */
        char text[4000];
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        static struct log log;
        log.length = 0;
        messages_add(messages, SEALRING_LOG_ALARM, "%s", text);
        messages_hand_out(messages, &parent, write_down, &log);
        ck_assert_uint_le(log.length, 2 + SEALRING_MESSAGE_SIZE - 1 + 1);
        ck_assert_uint_gt(log.length, 2 + SEALRING_MESSAGE_SIZE - 1 + 1 - 6);
        const char *omitted = strstr(log.text, " [...] ");
        ck_assert_ptr_nonnull(omitted);
        size_t head = (size_t)(omitted - log.text) - 2, tail = log.length - 2 - head - strlen(" [...] ") - 1;
        ck_assert_uint_eq((head - shift) % 3, 0);
        ck_assert_int_eq(strncmp(log.text + 2, text, head), 0);
        ck_assert_uint_eq(tail % 3, 0);
        ck_assert_int_eq(strncmp(omitted + strlen(" [...] "), text + shift, tail), 0);
    }
    messages_free(messages);
}
END_TEST

START_TEST(the_oldest_give_way_and_that_is_said)
{
    struct messages *messages = fresh();
    char expected[8192];
    size_t length = (size_t)snprintf(expected, sizeof expected,
                                     "2 6 older messages were dropped for newer ones: 64 are kept at most\n");
    for (int i = 0; i < MESSAGES_KEPT + 5; i++)
        messages_add(messages, SEALRING_LOG_ALARM, "line %d", i / 3 == 0 ? 0 : i); /* number 0 three times */
    messages_add(messages, SEALRING_LOG_ALARM, "line 0");                          /* gone already, so it is new */
    for (int i = 6; i < MESSAGES_KEPT + 5; i++)
        length += (size_t)snprintf(expected + length, sizeof expected - length, "3 line %d\n", i);
    (void)snprintf(expected + length, sizeof expected - length, "3 line 0\n");
    expect(messages, expected);
    expect(messages, "");
    messages_free(messages);
}
END_TEST

/* What was handed out is remembered as long as there is room: that never costs a line that was not. */
START_TEST(what_was_handed_out_makes_room_first)
{
    struct messages *messages = fresh();
    static struct log log;
    for (int turn = 0; turn < 3; turn++) {
        log.length = 0;
        log.calls = 0;
        for (int i = 0; i < MESSAGES_KEPT; i++)
            messages_add(messages, SEALRING_LOG_ALARM, "turn %d line %d", turn, i);
        messages_hand_out(messages, &parent, write_down, &log);
        ck_assert_uint_eq(log.calls, MESSAGES_KEPT);
        ck_assert_ptr_null(strstr(log.text, "dropped"));
    }
    messages_free(messages);
}
END_TEST

START_TEST(a_count_that_waits_for_its_minute_is_kept)
{
    struct messages *messages = fresh();
    static struct log log;
    messages_add(messages, SEALRING_LOG_ALARM, "first");
    messages_hand_out(messages, &parent, write_down, &log);
    messages_add(messages, SEALRING_LOG_ALARM, "first");
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < MESSAGES_KEPT - 1; i++)
            messages_add(messages, SEALRING_LOG_ALARM, "turn %d line %d", turn, i);
        messages_hand_out(messages, &parent, write_down, &log);
    }
    messages_add(messages, SEALRING_LOG_ALARM, "first");
    atomic_fetch_add(&clock_now, MINUTE);
    expect(messages, "3 first (2 times)\n");
    messages_free(messages);
}
END_TEST

START_TEST(repetition_is_counted)
{
    struct messages *messages = fresh();
    for (int i = 0; i < 12; i++) {
        messages_add(messages, SEALRING_LOG_WARNING, "the token is away");
        messages_add(messages, SEALRING_LOG_ALARM, i % 2 == 0 ? "the token is away" : "another");
        atomic_fetch_add(&clock_now, 1000);
    }
    expect(messages, "2 the token is away (12 times)\n3 the token is away (6 times)\n3 another (6 times)\n");
    messages_free(messages);
}
END_TEST

START_TEST(what_was_said_is_not_said_again_within_a_minute)
{
    struct messages *messages = fresh();
    messages_add(messages, SEALRING_LOG_WARNING, "away");
    expect(messages, "2 away\n");
    for (int i = 0; i < 3; i++)
        messages_add(messages, SEALRING_LOG_WARNING, "away");
    atomic_fetch_add(&clock_now, MINUTE - 1);
    messages_add(messages, SEALRING_LOG_WARNING, "away");
    messages_add(messages, SEALRING_LOG_WARNING, "else");
    expect(messages, "2 else\n");
    atomic_fetch_add(&clock_now, 1);
    expect(messages, "2 away (4 times)\n");
    messages_add(messages, SEALRING_LOG_WARNING, "away");
    expect(messages, "");
    atomic_fetch_add(&clock_now, MINUTE);
    messages_add(messages, SEALRING_LOG_WARNING, "away");
    expect(messages, "2 away (2 times)\n");
    atomic_fetch_add(&clock_now, MINUTE);
    expect(messages, "");
    messages_add(messages, SEALRING_LOG_WARNING, "away"); /* after a minute of silence it is news */
    messages_add(messages, SEALRING_LOG_WARNING, "last");
    expect(messages, "2 away\n2 last\n");
    messages_free(messages);
}
END_TEST

START_TEST(a_line_waits_for_its_minute_and_then_comes_first)
{
    struct messages *messages = fresh();
    messages_add(messages, SEALRING_LOG_WARNING, "old");
    expect(messages, "2 old\n");
    messages_add(messages, SEALRING_LOG_WARNING, "old");
    atomic_fetch_add(&clock_now, MINUTE);
    messages_add(messages, SEALRING_LOG_WARNING, "new");
    expect(messages, "2 old\n2 new\n");
    messages_free(messages);
}
END_TEST

/* ---- callbacks ---- */

struct chatter {
    struct messages *messages;
    unsigned calls;
};

static void answer(sealring_log_level level, const char *message, void *context)
{
    struct chatter *chatter = context;
    chatter->calls++;
    messages_add(chatter->messages, level, "answer %u", chatter->calls);
    messages_add(chatter->messages, level, "%s", message); /* just said */
}

START_TEST(a_callback_may_add_what_comes_the_next_time)
{
    struct chatter chatter = {fresh(), 0};
    messages_add(chatter.messages, SEALRING_LOG_ALARM, "one");
    messages_add(chatter.messages, SEALRING_LOG_ALARM, "two");
    messages_hand_out(chatter.messages, &parent, answer, &chatter);
    ck_assert_uint_eq(chatter.calls, 2);
    expect(chatter.messages, "3 answer 1\n3 answer 2\n");
    messages_free(chatter.messages);
}
END_TEST

/* A callback that forks. The number changes as it does in a fork page: to 0, or to the child's own if it has joined. */
struct forker {
    _Atomic(unsigned) process;
    unsigned calls;
    pid_t child;
    unsigned child_number;
};

static void fork_at_second(sealring_log_level level, const char *message, void *context)
{
    struct forker *forker = context;
    (void)level;
    (void)message;
    if (++forker->calls != 2)
        return;
    forker->child = fork();
    if (forker->child == 0)
        atomic_store(&forker->process, forker->child_number);
}

START_TEST(a_child_is_handed_nothing)
{
    struct messages *messages = fresh();
    struct forker forker = {.process = 1, .child_number = _i == 0 ? 0 : 2};
    for (int i = 0; i < 4; i++)
        messages_add(messages, SEALRING_LOG_ALARM, "line %d", i);
    messages_hand_out(messages, &forker.process, fork_at_second, &forker);
    if (forker.child == 0) {
        messages_free(messages);
        _exit((int)forker.calls);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(forker.child, &status, 0), forker.child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 2);
    ck_assert_uint_eq(forker.calls, 4);
    messages_free(messages);
}
END_TEST

/* ---- threads ---- */

#define WRITERS 4
#define LINES   5000

static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        messages_add(argument, SEALRING_LOG_INFORMATION, "line %d", i % 10);
    return NULL;
}

static void add_up(sealring_log_level level, const char *message, void *context)
{
    unsigned number, times = 1;
    ck_assert_int_eq(level, SEALRING_LOG_INFORMATION);
    ck_assert_int_ge(sscanf(message, "line %u (%u times)", &number, &times), 1);
    ck_assert_uint_lt(number, 10);
    *(unsigned *)context += times;
}

START_TEST(every_line_of_every_thread_is_counted)
{
    struct messages *messages = fresh();
    pthread_t threads[WRITERS];
    unsigned sum = 0;
    for (size_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, messages), 0);
    for (int i = 0; i < 50; i++) {
        messages_hand_out(messages, &parent, add_up, &sum);
        atomic_fetch_add(&clock_now, MINUTE);
    }
    for (size_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    messages_hand_out(messages, &parent, add_up, &sum);
    ck_assert_uint_eq(sum, WRITERS * LINES);
    messages_free(messages);
}
END_TEST

/* For the record: once a minute for the same text, handed out or not. */
START_TEST(alarms_are_counted_once_a_minute)
{
    struct messages *messages = fresh();
    char text[8];
    ck_assert_uint_eq(messages_alarms(messages, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    messages_add(messages, SEALRING_LOG_WARNING, "no alarm");
    messages_add(messages, SEALRING_LOG_ALARM, "one");
    messages_add(messages, SEALRING_LOG_ALARM, "one");
    ck_assert_uint_eq(messages_alarms(messages, text, sizeof text), 1);
    messages_add(messages, SEALRING_LOG_ALARM, "another one");
    ck_assert_uint_eq(messages_alarms(messages, text, sizeof text), 2);
    ck_assert_str_eq(text, "another");
    atomic_fetch_add(&clock_now, MINUTE - 1);
    messages_add(messages, SEALRING_LOG_ALARM, "one");
    ck_assert_uint_eq(messages_alarms(messages, text, sizeof text), 2);
    atomic_fetch_add(&clock_now, 1);
    messages_add(messages, SEALRING_LOG_ALARM, "one");
    messages_add(messages, SEALRING_LOG_ALARM, "one");
    ck_assert_uint_eq(messages_alarms(messages, text, sizeof text), 3);
    ck_assert_str_eq(text, "one");
    messages_free(messages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("messages");
    TCase *cases = tcase_create("messages");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, lines_come_once_and_in_their_order);
    tcase_add_test(cases, without_a_callback_all_stays);
    tcase_add_test(cases, a_line_is_one_line_of_whole_characters);
    tcase_add_test(cases, the_oldest_give_way_and_that_is_said);
    tcase_add_test(cases, what_was_handed_out_makes_room_first);
    tcase_add_test(cases, a_count_that_waits_for_its_minute_is_kept);
    tcase_add_test(cases, repetition_is_counted);
    tcase_add_test(cases, alarms_are_counted_once_a_minute);
    tcase_add_test(cases, what_was_said_is_not_said_again_within_a_minute);
    tcase_add_test(cases, a_line_waits_for_its_minute_and_then_comes_first);
    tcase_add_test(cases, a_callback_may_add_what_comes_the_next_time);
    tcase_add_loop_test(cases, a_child_is_handed_nothing, 0, 2);
    tcase_add_test(cases, every_line_of_every_thread_is_counted);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
