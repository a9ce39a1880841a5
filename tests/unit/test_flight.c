/* SPDX-License-Identifier: Apache-2.0 */
/* verifier/flight: real threads that ask for the same, for different things, too many of them, and in vain. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/cache/single_flight.h"

#define LONG_MS     120000 /* longer than any test may take */
#define CHILD_ALARM 30     /* seconds after which a child that hangs dies of SIGALRM */

static void pause_shortly(void)
{
    struct timespec pause = {.tv_nsec = 1000000};
    nanosleep(&pause, NULL);
}

static struct flights *fresh(unsigned waiting_max)
{
    struct flights *flights;
    ck_assert_int_eq(flights_new(waiting_max, &flights, NULL), SEALRING_OK);
    return flights;
}

/* Counts the threads that wait for a flight of another one (--wrap). */
static atomic_uint waiting;
int __real_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline)
{
    atomic_fetch_add(&waiting, 1);
    int result = __real_pthread_cond_timedwait(condition, mutex, deadline);
    atomic_fetch_sub(&waiting, 1);
    return result;
}

static void wait_for_waiting(unsigned count)
{
    while (atomic_load(&waiting) != count)
        pause_shortly();
}

static void wait_for_flying(struct flights *flights, unsigned count)
{
    while (flights_under_way(flights) != count)
        pause_shortly();
}

/* ---- an operation that lands when it is told ---- */

struct operation {
    atomic_int calls;
    atomic_int may_land;
    int outcome;
    bool fails;
};

static int fly(void *context, sealring_error *error)
{
    struct operation *operation = context;
    atomic_fetch_add(&operation->calls, 1);
    while (atomic_load(&operation->may_land) == 0)
        pause_shortly();
    if (operation->fails) {
        error->status = SEALRING_TOKEN;
        error->token_code = 0x30;
        (void)snprintf(error->message, sizeof error->message, "the token is away");
    }
    return operation->outcome;
}

/* One thread's question and what it got. */
struct asker {
    pthread_t thread;
    struct flights *flights;
    const char *name;
    struct operation *operation;
    int64_t wait_ms;
    bool without_error;

    int outcome;
    sealring_error error;
};

static void *ask(void *argument)
{
    struct asker *asker = argument;
    asker->outcome = flights_ask(asker->flights, (const uint8_t *)asker->name, strlen(asker->name), fly,
                                 asker->operation, asker->wait_ms, asker->without_error ? NULL : &asker->error);
    return NULL;
}

static void begin_asking(struct asker *asker, struct flights *flights, const char *name, struct operation *operation)
{
    asker->flights = flights;
    asker->name = name;
    asker->operation = operation;
    asker->wait_ms = LONG_MS;
    ck_assert_int_eq(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

static void end_asking(struct asker *asker)
{
    ck_assert_int_eq(pthread_join(asker->thread, NULL), 0);
}

static void ask_here(struct asker *asker, struct flights *flights, const char *name, struct operation *operation,
                     int64_t wait_ms)
{
    *asker = (struct asker){.flights = flights, .name = name, .operation = operation, .wait_ms = wait_ms};
    ask(asker);
}

static void check_good(const struct asker *asker, int outcome)
{
    ck_assert_int_eq(asker->outcome, outcome);
    ck_assert_int_eq(asker->error.status, SEALRING_OK);
}

/* ---- one and many ---- */

START_TEST(one_flies_alone_and_nothing_is_kept)
{
    struct flights *flights = fresh(0);
    struct operation operation = {.may_land = 1};
    struct asker asker;
    for (uint8_t turn = 1; turn < 100; turn++) {
        operation.outcome = turn;
        ask_here(&asker, flights, "name", &operation, 0);
        check_good(&asker, turn);
        ck_assert_int_eq(atomic_load(&operation.calls), turn);
        ck_assert_uint_eq(flights_under_way(flights), 0);
    }
    flights_free(flights);
    flights_free(NULL);
}
END_TEST

#define MANY 16

START_TEST(many_that_ask_for_the_same_fly_once)
{
    struct flights *flights = fresh(MANY - 1);
    struct operation operation = {.outcome = 0x5a};
    struct asker askers[MANY] = {0};
    for (size_t i = 0; i < MANY; i++)
        begin_asking(&askers[i], flights, "the same name", &operation);
    wait_for_waiting(MANY - 1);
    ck_assert_uint_eq(flights_under_way(flights), 1);
    atomic_store(&operation.may_land, 1);
    for (size_t i = 0; i < MANY; i++)
        end_asking(&askers[i]);
    for (size_t i = 0; i < MANY; i++)
        check_good(&askers[i], 0x5a);
    ck_assert_int_eq(atomic_load(&operation.calls), 1);
    ck_assert_uint_eq(flights_under_way(flights), 0);
    ck_assert_uint_eq(atomic_load(&waiting), 0);
    flights_free(flights);
}
END_TEST

/* All are in the air at once, more than one group of them, and each brings its own. */
START_TEST(different_names_fly_side_by_side)
{
    static const char *const beginnings[] = {"", "a", "b", "aa", "ab"}; /* of others */
    static char names[40][16];
    struct flights *flights = fresh(0);
    struct operation operations[40] = {0};
    struct asker askers[40] = {0};
    for (uint8_t i = 0; i < 40; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s%u", beginnings[i % 5], i);
        if (i >= 35)
            (void)snprintf(names[i], sizeof names[i], "%s", beginnings[i % 5]);
        operations[i].outcome = (uint8_t)(i + 1);
        begin_asking(&askers[i], flights, names[i], &operations[i]);
        wait_for_flying(flights, i + 1U);
    }
    for (uint8_t i = 0; i < 40; i++) { /* landing in another order than they started in */
        uint8_t which = (uint8_t)(i * 7 % 40);
        atomic_store(&operations[which].may_land, 1);
        end_asking(&askers[which]);
        check_good(&askers[which], (uint8_t)(which + 1));
        ck_assert_uint_eq(flights_under_way(flights), 39U - i);
    }
    for (size_t i = 0; i < 40; i++)
        ck_assert_int_eq(atomic_load(&operations[i].calls), 1);
    flights_free(flights);
}
END_TEST

/* ---- in vain ---- */

START_TEST(a_failure_is_everybodys)
{
    struct flights *flights = fresh(MANY);
    struct operation operation = {.outcome = 0x5a, .fails = true};
    struct asker askers[MANY] = {0};
    for (size_t i = 0; i < MANY; i++) {
        askers[i].without_error = i % 4 == 3;
        begin_asking(&askers[i], flights, "the same name", &operation);
    }
    wait_for_waiting(MANY - 1);
    atomic_store(&operation.may_land, 1);
    for (size_t i = 0; i < MANY; i++) {
        end_asking(&askers[i]);
        ck_assert_int_eq(askers[i].outcome, 0x5a);
        ck_assert_int_eq(askers[i].error.status, i % 4 == 3 ? SEALRING_OK : SEALRING_TOKEN);
        ck_assert_uint_eq(askers[i].error.token_code, i % 4 == 3 ? 0 : 0x30);
        ck_assert_str_eq(askers[i].error.message, i % 4 == 3 ? "" : "the token is away");
    }
    struct asker later; /* the next one is not told of it */
    operation.fails = false;
    ask_here(&later, flights, "the same name", &operation, 0);
    check_good(&later, 0x5a);
    ck_assert_int_eq(atomic_load(&operation.calls), 2);
    flights_free(flights);
}
END_TEST

static void check_crowded(const struct asker *asker)
{
    ck_assert_int_eq(asker->outcome, FLIGHT_CROWDED);
    ck_assert_int_eq(asker->error.status, SEALRING_SYSTEM);
    ck_assert_str_ne(asker->error.message, "");
}

/* The cap is over all flights; leaders are not counted. */
START_TEST(no_more_may_wait_than_allowed)
{
    struct flights *flights = fresh(3);
    struct operation operations[2] = {{.outcome = 1}, {.outcome = 2}};
    struct asker askers[5] = {0};
    struct asker turned_away;
    for (size_t i = 0; i < 2; i++)
        begin_asking(&askers[i], flights, i == 0 ? "one" : "two", &operations[i]);
    wait_for_flying(flights, 2);
    for (size_t i = 2; i < 5; i++)
        begin_asking(&askers[i], flights, i < 4 ? "one" : "two", &operations[i / 4]);
    wait_for_waiting(3);
    ask_here(&turned_away, flights, "one", &operations[0], LONG_MS);
    check_crowded(&turned_away);
    ask_here(&turned_away, flights, "two", &operations[1], LONG_MS);
    check_crowded(&turned_away);
    struct operation third = {.outcome = 3, .may_land = 1};
    struct asker flier;
    ask_here(&flier, flights, "three", &third, 0);
    check_good(&flier, 3);
    atomic_store(&operations[1].may_land, 1);
    end_asking(&askers[1]);
    end_asking(&askers[4]);
    wait_for_waiting(2); /* so there is room again */
    struct asker again = {0};
    begin_asking(&again, flights, "one", &operations[0]);
    wait_for_waiting(3);
    atomic_store(&operations[0].may_land, 1);
    for (size_t i = 0; i < 4; i++)
        if (i != 1)
            end_asking(&askers[i]);
    end_asking(&again);
    for (size_t i = 0; i < 5; i++)
        check_good(&askers[i], i == 1 || i == 4 ? 2 : 1);
    check_good(&again, 1);
    flights_free(flights);
}
END_TEST

START_TEST(who_waited_too_long_goes_without)
{
    static const int64_t waits[] = {-1, 0, 30, INT64_MIN};
    struct flights *flights = fresh(4);
    struct operation operation = {.outcome = 0x5a};
    struct asker leader = {0};
    struct asker follower;
    begin_asking(&leader, flights, "name", &operation);
    wait_for_flying(flights, 1);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        ask_here(&follower, flights, "name", &operation, waits[i]);
        check_crowded(&follower);
        ck_assert_uint_eq(atomic_load(&waiting), 0);
    }
    struct asker patient = {.wait_ms = 0};
    begin_asking(&patient, flights, "name", &operation);
    wait_for_waiting(1);
    atomic_store(&operation.may_land, 1);
    end_asking(&leader);
    end_asking(&patient);
    check_good(&leader, 0x5a);
    check_good(&patient, 0x5a);
    ck_assert_int_eq(atomic_load(&operation.calls), 1);
    flights_free(flights);
}
END_TEST

START_TEST(a_wait_without_end_does_not_wrap)
{
    struct flights *flights = fresh(1);
    struct operation operation = {.outcome = 0x5a};
    struct asker leader = {0};
    struct asker follower = {.flights = flights, .name = "name", .operation = &operation, .wait_ms = INT64_MAX};
    begin_asking(&leader, flights, "name", &operation);
    wait_for_flying(flights, 1);
    ck_assert_int_eq(pthread_create(&follower.thread, NULL, ask, &follower), 0);
    wait_for_waiting(1);
    atomic_store(&operation.may_land, 1);
    end_asking(&leader);
    end_asking(&follower);
    check_good(&follower, 0x5a);
    flights_free(flights);
}
END_TEST

/* ---- what is left behind ---- */

/* A flight uses the leader's own bytes: when they change, it is found under the other name. */
START_TEST(the_name_is_never_copied)
{
    char name[] = "a name";
    struct flights *flights = fresh(2);
    struct operation operation = {.outcome = 0x5a};
    struct asker askers[2] = {0};
    begin_asking(&askers[0], flights, name, &operation);
    wait_for_flying(flights, 1);
    name[0] = 'A';
    begin_asking(&askers[1], flights, "A name", &operation);
    wait_for_waiting(1);
    atomic_store(&operation.may_land, 1);
    for (size_t i = 0; i < 2; i++) {
        end_asking(&askers[i]);
        check_good(&askers[i], 0x5a);
    }
    ck_assert_int_eq(atomic_load(&operation.calls), 1);
    flights_free(flights);
}
END_TEST

/* The child has none of the threads, but the memory in which they fly and wait. */
START_TEST(a_forked_child_can_free_them)
{
    struct flights *flights = fresh(4);
    struct operation operation = {.outcome = 0x5a};
    struct asker askers[5] = {0};
    for (size_t i = 0; i < 5; i++)
        begin_asking(&askers[i], flights, "name", &operation);
    wait_for_waiting(4);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_ALARM);
        flights_free(flights);
        _exit(7);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    atomic_store(&operation.may_land, 1);
    for (size_t i = 0; i < 5; i++) {
        end_asking(&askers[i]);
        check_good(&askers[i], 0x5a);
    }
    flights_free(flights);
}
END_TEST

/* ---- a crowd at work ---- */

#define WORKERS 6
#define TURNS   3000
#define NAMES   4

struct work {
    struct flights *flights;
    atomic_uint flown;
    atomic_uint in_air[NAMES];
    atomic_uint answered;
    atomic_uint crowded;
    atomic_uint wrong;
};

struct task {
    struct work *work;
    unsigned name;
};

/* Outcome: the name's number; NAMES - 1 always fails. */
static int fly_task(void *context, sealring_error *error)
{
    struct task *task = context;
    struct work *work = task->work;
    if (atomic_fetch_add(&work->in_air[task->name], 1) != 0)
        atomic_fetch_add(&work->wrong, 1);
    atomic_fetch_add(&work->flown, 1);
    if (task->name == NAMES - 1)
        error->status = SEALRING_TOKEN;
    error->token_code = task->name;
    sched_yield(); /* so that others come by while it flies */
    atomic_fetch_sub(&work->in_air[task->name], 1);
    return (int)task->name + 1;
}

static void *work_on(void *argument)
{
    struct work *work = argument;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct task task = {work, turn / 3 % NAMES};
        sealring_error error = {0};
        char name[] = "name 0";
        name[5] = (char)('0' + task.name);
        int outcome = flights_ask(work->flights, (const uint8_t *)name, sizeof name, fly_task, &task,
                                  turn % 5 == 0 ? 0 : LONG_MS, &error);
        bool crowded = outcome == FLIGHT_CROWDED;
        bool failed = task.name == NAMES - 1;
        atomic_fetch_add(crowded ? &work->crowded : &work->answered, 1);
        sealring_status expected = crowded ? SEALRING_SYSTEM : failed ? SEALRING_TOKEN : SEALRING_OK;
        if ((!crowded && outcome != (int)task.name + 1) || error.status != expected ||
            (expected == SEALRING_TOKEN && error.token_code != NAMES - 1))
            atomic_fetch_add(&work->wrong, 1);
    }
    return NULL;
}

START_TEST(a_crowd_at_work_gets_what_it_asks_for)
{
    static struct work work;
    pthread_t threads[WORKERS];
    work.flights = fresh(WORKERS);
    for (size_t i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work_on, &work), 0);
    for (size_t i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&work.wrong), 0);
    ck_assert_uint_eq(atomic_load(&work.answered) + atomic_load(&work.crowded), WORKERS * TURNS);
    ck_assert_uint_gt(atomic_load(&work.answered), 0);
    ck_assert_uint_le(atomic_load(&work.flown), atomic_load(&work.answered));
    ck_assert_uint_eq(flights_under_way(work.flights), 0);
    ck_assert_uint_eq(atomic_load(&waiting), 0);
    flights_free(work.flights);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flight");
    TCase *cases = tcase_create("flight");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, one_flies_alone_and_nothing_is_kept);
    tcase_add_test(cases, many_that_ask_for_the_same_fly_once);
    tcase_add_test(cases, different_names_fly_side_by_side);
    tcase_add_test(cases, a_failure_is_everybodys);
    tcase_add_test(cases, no_more_may_wait_than_allowed);
    tcase_add_test(cases, who_waited_too_long_goes_without);
    tcase_add_test(cases, a_wait_without_end_does_not_wrap);
    tcase_add_test(cases, the_name_is_never_copied);
    tcase_add_test(cases, a_forked_child_can_free_them);
    tcase_add_test(cases, a_crowd_at_work_gets_what_it_asks_for);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
