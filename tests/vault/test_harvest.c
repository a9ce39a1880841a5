/* SPDX-License-Identifier: Apache-2.0 */
/* Harvesting: whatever becomes of verifiers, of their files and of the harvest itself, the registry has what was counted, exactly. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/runner.h"
#include "manage/usage/harvest.h"
#include "verifier/report/report_map.h"
#include "verifier/report/report_parts.h"
#include "verifier/stage.h"

#define HOUR    INT64_C(3600000)
#define DAY     (24 * HOUR)
#define WORKERS 4
#define KEYS    3

/* ---- Clocks that a test can move, in all its processes */

struct clocks {
    _Atomic(int64_t) wall; /* ms that it is ahead */
    _Atomic(int64_t) boot;
};
static struct clocks *clocks;

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result != 0 || clocks == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME))
        return result;
    int64_t ahead = atomic_load(clock == CLOCK_REALTIME ? &clocks->wall : &clocks->boot);
    time->tv_sec += ahead / 1000;
    return 0;
}

static void pass(int64_t milliseconds)
{
    atomic_fetch_add(&clocks->wall, milliseconds);
    atomic_fetch_add(&clocks->boot, milliseconds);
}

static int64_t wall_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

/* At a quarter past, so that no hour turns by itself while a test runs. */
static void begin_hour(void)
{
    int64_t late = wall_ms() % HOUR;
    pass((HOUR + HOUR / 4 - late) / 1000 * 1000);
}

/* ---- The scene */

static struct stage stage;
static struct stage_key keys[KEYS];
static int64_t rows[KEYS]; /* of the keys */
static uint64_t accepted[KEYS], refused[KEYS];
static sealring_vault *vault;

static int64_t key_row(const char *key_id)
{
    char text[160];
    snprintf(text, sizeof text, "SELECT id FROM api_key WHERE key_id = '%s'", key_id);
    return test_vault_number(&stage.vault, text);
}

static void setup(void)
{
    clocks = mmap(NULL, sizeof *clocks, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(clocks, MAP_FAILED);
    begin_hour();
    stage_make(&stage, 60000, 50);
    for (int i = 0; i < KEYS; i++) {
        stage_issue(&stage, STAGE_RING, "read", &keys[i]);
        rows[i] = key_row(keys[i].key_id);
        accepted[i] = 0;
        refused[i] = 0;
    }
}

/* ---- Workers: verifiers in processes of their own */

struct worker {
    pid_t process;
    int orders;
    int answers;
};
struct order {
    int key; /* -1: look, -2: leave */
    unsigned times;
    bool wrongly; /* with a scope that it has not */
};
static struct worker workers[WORKERS];

static void obey(const struct order *order)
{
    if (order->key == -1) {
        stage_look(vault);
    } else if (order->key == -2) {
        sealring_close(&vault);
        _exit(0);
    } else {
        for (unsigned i = 0; i < order->times; i++)
            if (stage_ask(vault, keys[order->key].text, order->wrongly ? "write" : "read") !=
                (order->wrongly ? SEALRING_REJECTED_SCOPE : SEALRING_ACCEPTED))
                _exit(3);
    }
}

static void work(int orders, int answers)
{
    struct order order;
    vault = stage_open_manual(&stage);
    if (write(answers, "", 1) != 1)
        _exit(1);
    while (read(orders, &order, sizeof order) == (ssize_t)sizeof order) {
        obey(&order);
        if (write(answers, "", 1) != 1)
            _exit(1);
    }
    _exit(2);
}

static void hear(const struct worker *worker)
{
    char byte;
    ck_assert_int_eq(read(worker->answers, &byte, 1), 1);
}

static void hire(int index)
{
    int orders[2], answers[2];
    ck_assert(pipe2(orders, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
    fflush(NULL);
    pid_t process = fork();
    ck_assert_int_ge(process, 0);
    if (process == 0) {
        close(answers[0]);
        close(orders[1]);
        work(orders[0], answers[1]);
    }
    close(orders[0]);
    close(answers[1]);
    workers[index] = (struct worker){process, orders[1], answers[0]};
    hear(&workers[index]);
}

static void tell(int index, struct order order)
{
    ck_assert_int_eq(write(workers[index].orders, &order, sizeof order), (ssize_t)sizeof order);
    hear(&workers[index]);
}

static void ask(int worker, int key, unsigned times, bool wrongly)
{
    tell(worker, (struct order){key, times, wrongly});
    *(wrongly ? &refused[key] : &accepted[key]) += times;
}

static void look(int worker)
{
    tell(worker, (struct order){.key = -1});
}

static void end(int index, int signal_number)
{
    int status;
    struct order leave = {.key = -2};
    if (signal_number != 0)
        kill(workers[index].process, signal_number);
    else
        ck_assert_int_eq(write(workers[index].orders, &leave, sizeof leave), (ssize_t)sizeof leave);
    ck_assert_int_eq(waitpid(workers[index].process, &status, 0), workers[index].process);
    close(workers[index].orders);
    close(workers[index].answers);
    workers[index].process = 0;
}

static void teardown(void)
{
    for (int i = 0; i < WORKERS; i++)
        if (workers[i].process != 0)
            end(i, SIGKILL);
    stage_remove(&stage);
    munmap(clocks, sizeof *clocks);
    clocks = NULL;
}

/* ---- Harvesting and comparing */

static sealring_harvest_result harvest(void)
{
    sealring_error error = {.message = ""};
    sealring_harvest_result result = {.size = sizeof result};
    sealring_manager *manager = test_vault_manage(&stage.vault);
    long long epoch = test_vault_number(&stage.vault, "SELECT epoch FROM vault");
    long long audit = test_vault_number(&stage.vault, "SELECT count(*) FROM audit");
    ASSERT_OK(sealring_harvest(manager, &result, &error), error);
    sealring_manager_close(&manager);
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT epoch FROM vault"), epoch);
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM audit"), audit);
    return result;
}

static uint64_t sum(const char *columns, int64_t key)
{
    char text[512];
    snprintf(text, sizeof text,
             "SELECT (SELECT coalesce(sum(%s), 0) FROM usage_hour WHERE api_key = %lld)"
             " + (SELECT coalesce(sum(%s), 0) FROM usage_day WHERE api_key = %lld)",
             columns, (long long)key, columns, (long long)key);
    return (uint64_t)test_vault_number(&stage.vault, text);
}

static uint64_t traffic_sum(const char *column)
{
    char text[128];
    snprintf(text, sizeof text, "SELECT coalesce(sum(%s), 0) FROM usage_traffic", column);
    return (uint64_t)test_vault_number(&stage.vault, text);
}

static void expect_registry(void)
{
    uint64_t all_accepted = 0, all_refused = 0;
    for (int i = 0; i < KEYS; i++) {
        ck_assert_uint_eq(sum("accepted", rows[i]), accepted[i]);
        ck_assert_uint_eq(sum("scope", rows[i]), refused[i]);
        ck_assert_uint_eq(sum("not_yet_valid + expired + suspended + closed", rows[i]), 0);
        all_accepted += accepted[i];
        all_refused += refused[i];
    }
    ck_assert_uint_eq(traffic_sum("accepted"), all_accepted);
    ck_assert_uint_eq(traffic_sum("rejected"), all_refused);
}

struct totals {
    uint64_t accepted[KEYS], refused[KEYS];
    unsigned rows[KEYS];
    int64_t last_use[KEYS], key_used[KEYS], from[KEYS], span[KEYS];
    uint64_t traffic_accepted, traffic_refused;
};

static int add_usage(const sealring_usage_info *usage, void *context)
{
    struct totals *totals = context;
    for (int i = 0; i < KEYS; i++) {
        if (strcmp(usage->key_id, keys[i].key_id) != 0)
            continue;
        ck_assert_str_eq(usage->ring, STAGE_RING);
        ck_assert_str_eq(usage->client, STAGE_CLIENT);
        ck_assert(usage->newest && usage->serial == 1 && usage->version == 1);
        totals->rows[i]++;
        totals->accepted[i] += usage->accepted;
        totals->refused[i] += usage->scope;
        totals->last_use[i] = usage->last_use;
        totals->key_used[i] = usage->key_used;
        totals->from[i] = usage->from;
        totals->span[i] = usage->span;
    }
    return 0;
}

static int add_traffic(const sealring_traffic_info *traffic, void *context)
{
    struct totals *totals = context;
    ck_assert_uint_eq(traffic->version, 1);
    totals->traffic_accepted += traffic->accepted;
    totals->traffic_refused += traffic->rejected;
    return 0;
}

static struct totals list(const sealring_usage_filter *filter)
{
    struct totals totals = {.traffic_accepted = 0};
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    const sealring_manage_options options = {.size = sizeof options, .read_only = true};
    ASSERT_OK(sealring_manager_open(stage.vault.path, &options, &manager, &error), error);
    ASSERT_OK(sealring_usage_list(manager, filter, add_usage, &totals, &error), error);
    ASSERT_OK(sealring_traffic(manager, STAGE_RING, 0, add_traffic, &totals, &error), error);
    sealring_manager_close(&manager);
    return totals;
}

/* A read-only manager's figures, which have what is not harvested yet. */
static void expect_lists(void)
{
    static const sealring_usage_by ways[] = {SEALRING_USAGE_TOTAL, SEALRING_USAGE_HOUR, SEALRING_USAGE_DAY};
    for (size_t way = 0; way < 3; way++) {
        uint64_t all_accepted = 0, all_refused = 0;
        sealring_usage_filter filter = {.by = ways[way]};
        struct totals totals = list(&filter);
        for (int i = 0; i < KEYS; i++) {
            ck_assert_uint_eq(totals.accepted[i], accepted[i]);
            ck_assert_uint_eq(totals.refused[i], refused[i]);
            all_accepted += accepted[i];
            all_refused += refused[i];
        }
        ck_assert_uint_eq(totals.traffic_accepted, all_accepted);
        ck_assert_uint_eq(totals.traffic_refused, all_refused);
    }
}

static void expect_lists_total(void)
{
    struct totals totals = list(NULL);
    for (int i = 0; i < KEYS; i++)
        ck_assert_uint_eq(totals.accepted[i], accepted[i]);
}

static void expect_all(void)
{
    expect_lists();
    harvest();
    expect_registry();
    expect_lists();
    ck_assert_uint_eq(harvest().changed, 0);
    expect_registry();
}

/* ---- Real verifiers */

START_TEST(the_living_and_the_killed)
{
    for (int i = 0; i < 3; i++)
        hire(i);
    ck_assert_uint_eq(stage_reports(&stage), 3);
    ask(0, 0, 100, false);
    ask(1, 0, 20, false);
    ask(1, 1, 5, true);
    ask(2, 1, 7, false);
    expect_all();
    end(1, SIGKILL);
    ask(0, 0, 11, false);
    ask(2, 0, 3, true);
    expect_all();
    end(2, 0);
    ask(0, 2, 1, false);
    expect_all();
    end(0, SIGKILL);
    expect_all();
}
END_TEST

START_TEST(keys_that_never_called_are_told)
{
    hire(0);
    ask(0, 1, 3, false);
    struct totals totals = list(NULL);
    ck_assert(totals.rows[0] == 1 && totals.accepted[0] == 0 && totals.last_use[0] == 0 && totals.key_used[0] == 0);
    ck_assert(totals.from[0] == 0 && totals.span[0] == 0);
    ck_assert(totals.rows[1] == 1 && totals.accepted[1] == 3 && totals.span[1] == HOUR);
    ck_assert_int_ge(totals.last_use[1], wall_ms() - 60000);
    ck_assert_int_le(totals.last_use[1], wall_ms() + 1000);
    harvest();
    ck_assert_int_gt(test_vault_number(&stage.vault, "SELECT count(*) FROM api_key WHERE used = 0"), 0);
    totals = list(NULL);
    ck_assert(totals.key_used[0] == 0 && totals.key_used[1] == totals.last_use[1]);
    pass(30 * HOUR);
    const sealring_usage_filter lately = {.since = wall_ms() - HOUR};
    totals = list(&lately);
    ck_assert(totals.rows[1] == 1 && totals.accepted[1] == 0 && totals.last_use[1] == 0 && totals.key_used[1] != 0);
}
END_TEST

static long long settled(void)
{
    return test_vault_number(&stage.vault, "SELECT max(settled_hour) FROM usage_seat");
}

START_TEST(an_hour_settles_when_it_is_closed)
{
    int64_t hour = wall_ms() / HOUR;
    hire(0);
    ask(0, 0, 10, false);
    look(0);
    harvest();
    ck_assert_int_eq(settled(), hour - 1);
    pass(HOUR);
    harvest(); /* over, but who counts has not said so: its next look may come late */
    ck_assert_int_eq(settled(), hour - 1);
    look(0);
    ask(0, 0, 5, false);
    harvest();
    ck_assert_int_eq(settled(), hour);
    expect_all();
    pass(3 * HOUR);
    end(0, SIGKILL);
    harvest(); /* nobody sits there any more */
    ck_assert_int_eq(settled(), hour + 3);
    expect_all();
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM usage_seat WHERE length(finished) = 16"), 1);
}
END_TEST

/* When two verifiers have closed an hour, each of its credentials has one row. */
START_TEST(a_settled_hour_has_one_row_for_a_credential)
{
    static const long long wanted[] = {1, 2, 2, 1};
    for (int i = 0; i < 4; i++) {
        if (i < 2)
            hire(i);
        if (i < 2)
            ask(i, 0, 10, false);
        if (i == 2)
            pass(HOUR);
        look(i % 2);
        harvest();
        expect_all();
        ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM usage_hour"), wanted[i]);
    }
}
END_TEST

START_TEST(the_next_one_at_a_file_goes_on)
{
    for (int life = 0; life < 4; life++) {
        hire(0);
        ask(0, 0, 10, false);
        if (life % 2 == 0)
            expect_all();
        end(0, life == 1 ? 0 : SIGKILL);
        expect_all();
        pass(2 * 60000); /* until its lease is over */
        if (life == 2)
            pass(HOUR);
    }
    ck_assert_uint_eq(stage_reports(&stage), 1);
    expect_all();
}
END_TEST

/* It looks no more, and so closes nothing; what it counts late is counted. */
START_TEST(one_that_was_stopped_for_hours)
{
    hire(0);
    ask(0, 0, 10, false);
    ck_assert_int_eq(kill(workers[0].process, SIGSTOP), 0);
    pass(5 * HOUR);
    expect_all();
    ck_assert_int_eq(kill(workers[0].process, SIGCONT), 0);
    look(0);
    ask(0, 0, 10, false);
    expect_all();
}
END_TEST

START_TEST(a_clock_that_steps)
{
    int64_t hour = wall_ms() / HOUR;
    hire(0);
    ask(0, 0, 1, false);
    atomic_fetch_add(&clocks->wall, 100 * HOUR); /* wrong */
    look(0);
    ask(0, 0, 2, false);
    expect_all();
    ck_assert_int_lt(settled(), hour + 100);
    atomic_fetch_sub(&clocks->wall, 100 * HOUR); /* and right again */
    look(0);
    ask(0, 0, 4, false);
    ck_assert_uint_eq(stage_reports(&stage), 2);
    harvest();
    expect_registry();
    char text[128];
    snprintf(text, sizeof text, "SELECT sum(accepted) FROM usage_hour WHERE hour = %lld", (long long)hour);
    ck_assert_int_eq(test_vault_number(&stage.vault, text), 5);
    /* back by less than an hour: it stays where it is, and counts for the hour that it had begun */
    pass(HOUR);
    look(0);
    ask(0, 0, 8, false);
    atomic_fetch_sub(&clocks->wall, HOUR / 2);
    look(0);
    ask(0, 0, 16, false);
    ck_assert_uint_eq(stage_reports(&stage), 2);
    harvest();
    expect_registry();
    pass(HOUR);
    look(0);
    expect_all();
    /* a new one does not sit down where hours lie ahead */
    hire(1);
    ask(1, 0, 32, false);
    expect_all();
    ck_assert_uint_eq(stage_reports(&stage), 3);
    pass(110 * HOUR);
    look(0);
    look(1);
    expect_all();
}
END_TEST

static uint32_t cells_of(const char *path)
{
    struct report_reader *reader = NULL;
    struct report_summary summary;
    sealring_error error = {.message = ""};
    ASSERT_OK(report_read_open(path, &reader, &error), error);
    ASSERT_OK(report_read_summary(reader, &summary, &error), error);
    report_read_close(reader);
    return summary.cells;
}

static sealring_status note_path(const char *path, void *context)
{
    snprintf(context, PATH_MAX, "%s", path);
    return SEALRING_OK;
}

static void only_path(char path[PATH_MAX])
{
    char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%s/verifiers", stage.vault.path);
    ck_assert_int_eq(report_each_path(directory, note_path, path, NULL), SEALRING_OK);
}

START_TEST(cells_are_taken_again)
{
    char path[PATH_MAX];
    uint32_t most = 0;
    hire(0);
    for (unsigned hour = 0; hour < 12; hour++) {
        for (int key = 0; key < KEYS; key++)
            ask(0, key, 1 + hour, hour % 3 == 0);
        only_path(path);
        if (cells_of(path) > most && hour < 4)
            most = cells_of(path);
        harvest();
        expect_registry();
        pass(HOUR);
        look(0);
    }
    ck_assert_uint_eq(cells_of(path), most); /* not one more since the fourth hour */
    ck_assert_uint_le(most, 4 * KEYS + 3);
    expect_all();
}
END_TEST

/* ---- Files that the test writes itself */

static struct report *sit_down(void)
{
    char directory[PATH_MAX];
    uint8_t vault_id[REPORT_ID_SIZE];
    struct report *report = NULL;
    sealring_error error = {.message = ""};
    sealring_vault_info info = {.size = sizeof info};
    sealring_manager *manager = test_vault_manage(&stage.vault);
    ASSERT_OK(sealring_vault_describe(manager, &info, &error), error);
    sealring_manager_close(&manager);
    for (int i = 0; i < REPORT_ID_SIZE; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(info.vault_id + 2 * i, "%2x", &byte), 1);
        vault_id[i] = (uint8_t)byte;
    }
    snprintf(directory, sizeof directory, "%s/verifiers", stage.vault.path);
    ASSERT_OK(report_join(directory, vault_id, &report, &error), error);
    return report;
}

static void count(struct report *report, int key, int64_t wall, unsigned times)
{
    struct report_credential *record = report_credential(report, rows[key], 1, 1, (uint32_t)(wall / HOUR));
    ck_assert_ptr_nonnull(record);
    for (unsigned i = 0; i < times; i++)
        report_count(record, NULL, SEALRING_ACCEPTED, wall);
    accepted[key] += times;
}

START_TEST(two_records_of_one_hour_are_summed)
{
    struct report *report = sit_down();
    int64_t now = wall_ms();
    uint32_t before = atomic_load(&report_map_header(&report->map)->cells);
    count(report, 0, now, 3);
    count(report, 0, now - HOUR, 1);
    count(report, 0, now - 2 * HOUR, 1); /* the first one's hour is forgotten */
    count(report, 0, now, 4);
    ck_assert_uint_eq(atomic_load(&report_map_header(&report->map)->cells) - before, 4);
    report_leave(report);
    expect_all();
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM usage_hour"), 3);
}
END_TEST

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/verifiers/%s", stage.vault.path, name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, bytes, size), (ssize_t)size);
    close(descriptor);
}

START_TEST(what_is_no_report_is_passed_over)
{
    static unsigned char bytes[65536];
    char path[PATH_MAX], link_path[PATH_MAX];
    hire(0);
    ask(0, 0, 10, false);
    only_path(path);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    write_file("00000000000000000000000000000001.report", bytes, size); /* a copy */
    write_file("00000000000000000000000000000002.report", "", 0);
    write_file("00000000000000000000000000000003.report", bytes, 5000);
    struct report_header *header = (void *)bytes;
    memset(header->seat, 0, sizeof header->seat);
    write_file("00000000000000000000000000000000.report", bytes, size); /* in the place of what is folded */
    header->seat[15] = 4;
    memset(header->vault_id, 7, sizeof header->vault_id);
    write_file("00000000000000000000000000000004.report", bytes, size); /* another vault's */
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    write_file("00000000000000000000000000000005.report", bytes, sizeof bytes);
    snprintf(link_path, sizeof link_path, "%s/verifiers/00000000000000000000000000000006.report", stage.vault.path);
    ck_assert_int_eq(symlink(path, link_path), 0);
    write_file("notes.txt", "hello", 5);
    sealring_harvest_result result = harvest();
    ck_assert_uint_eq(result.files, 1);
    ck_assert_uint_eq(result.skipped, 7);
    ck_assert_ptr_nonnull(strstr(result.remark, ".report"));
    expect_all();
    /* a good one that others may write to */
    ck_assert_int_eq(chmod(path, 0666), 0);
    ask(0, 0, 1, false);
    ck_assert_uint_eq(harvest().skipped, 8);
    ck_assert_uint_eq(sum("accepted", rows[0]), accepted[0] - 1);
    ck_assert_int_eq(chmod(path, 0640), 0);
    expect_all();
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
        ck_assert_uint_eq(harvest().skipped, 8);
        ck_assert_int_eq(chown(path, 0, (gid_t)-1), 0);
    }
}
END_TEST

/* Records that no verifier of ours wrote, in a file that is good otherwise. */
START_TEST(damaged_records_are_passed_over)
{
    struct report *report = sit_down();
    int64_t now = wall_ms();
    uint32_t hour = (uint32_t)(now / HOUR);
    count(report, 0, now, 3);
    report_count(report_credential(report, 999999, 1, 1, hour), NULL, SEALRING_ACCEPTED, now);   /* no such key */
    report_count(report_credential(report, rows[0], 7, 99, hour), NULL, SEALRING_ACCEPTED, now); /* no such version */
    report_count(report_credential(report, -5, 1, 1, hour), NULL, SEALRING_ACCEPTED, now);
    struct report_credential *record = report_credential(report, rows[1], 1, 1, hour);
    atomic_store(&record->accepted, UINT64_MAX);
    report_count(report_credential(report, rows[2], 1, 1, hour + 2), NULL, SEALRING_ACCEPTED, now + 2 * HOUR);
    report_leave(report);
    sealring_harvest_result result = harvest();
    ck_assert_uint_eq(result.passed_over, 4);
    ck_assert_uint_eq(result.ahead, 1);
    expect_registry();
    pass(2 * HOUR);
    accepted[2]++;
    expect_all();
}
END_TEST

START_TEST(files_that_are_gone_settle)
{
    char path[PATH_MAX];
    struct report *report = sit_down();
    count(report, 0, wall_ms(), 3);
    report_leave(report);
    harvest();
    only_path(path);
    ck_assert_int_eq(unlink(path), 0);
    pass(3 * HOUR);
    harvest();
    ck_assert_int_eq(settled(), wall_ms() / HOUR - 1);
    expect_all();
    pass(9 * DAY);
    ck_assert_uint_eq(harvest().rolled, 1);
    ck_assert_uint_eq(sum("accepted", rows[0]), 3);
    pass(500 * DAY);
    harvest();
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM usage_seat"), 0);
}
END_TEST

/* ---- Growing old */

static long long days(void)
{
    return test_vault_number(&stage.vault, "SELECT count(*) FROM usage_day");
}

START_TEST(old_hours_become_days_and_old_days_go)
{
    struct report *report = sit_down();
    int64_t now = wall_ms();
    for (int hour = 0; hour < 60 * 24; hour++) /* nobody harvested for two months */
        count(report, hour % KEYS, now - hour * HOUR, 1 + (unsigned)hour % 7);
    report_leave(report);
    expect_lists();
    sealring_harvest_result result = harvest();
    ck_assert_uint_eq(result.changed, 60 * 24);
    ck_assert_uint_ge(result.rolled, 52 * 24);
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM usage_hour") + (long long)result.rolled,
                     60 * 24);
    ck_assert_int_gt(days(), 51 * KEYS);
    for (int i = 0; i < KEYS; i++)
        ck_assert_uint_eq(sum("accepted", rows[i]), accepted[i]);
    struct totals totals = list(NULL);
    for (int i = 0; i < KEYS; i++)
        ck_assert_uint_eq(totals.accepted[i], accepted[i]);
    ck_assert_uint_eq(harvest().rolled, 0);
    pass(8 * DAY);
    harvest();
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM usage_hour"), 0);
    for (int i = 0; i < KEYS; i++)
        ck_assert_uint_eq(sum("accepted", rows[i]), accepted[i]);
    pass(350 * DAY);
    harvest();
    ck_assert_int_lt(days(), 52 * KEYS);
    ck_assert_int_gt(days(), 0);
    pass(100 * DAY);
    ck_assert_uint_gt(harvest().pruned, 0);
    ck_assert_int_eq(days(), 0);
    totals = list(NULL); /* when it was used last is known for good */
    ck_assert_int_ge(totals.key_used[0], now / 1000 * 1000);
    ck_assert_uint_eq(totals.accepted[0], 0);
}
END_TEST

/* Killed at any moment, and begun again: nothing twice, nothing lost. */
START_TEST(killed_in_between)
{
    struct report *report = sit_down();
    int64_t now = wall_ms();
    for (int hour = 0; hour < 20 * 24; hour++)
        for (int key = 0; key < KEYS; key++)
            count(report, key, now - hour * HOUR, 1 + (unsigned)hour % 5);
    report_leave(report);
    unsigned killed = 0;
    for (useconds_t delay = 2000; killed < 500; delay += 3000) {
        int status;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            sealring_manager *manager = test_vault_manage(&stage.vault);
            _exit(sealring_harvest(manager, NULL, NULL) == SEALRING_OK ? 0 : 1);
        }
        usleep(delay);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        expect_lists_total();
        if (WIFEXITED(status))
            break;
        killed++;
    }
    ck_assert_uint_ge(killed, 3);
    harvest();
    for (int i = 0; i < KEYS; i++)
        ck_assert_uint_eq(sum("accepted", rows[i]), accepted[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("harvest");
    TCase *cases = tcase_create("harvest");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_living_and_the_killed);
    tcase_add_test(cases, keys_that_never_called_are_told);
    tcase_add_test(cases, an_hour_settles_when_it_is_closed);
    tcase_add_test(cases, a_settled_hour_has_one_row_for_a_credential);
    tcase_add_test(cases, the_next_one_at_a_file_goes_on);
    tcase_add_test(cases, one_that_was_stopped_for_hours);
    tcase_add_test(cases, a_clock_that_steps);
    tcase_add_test(cases, cells_are_taken_again);
    tcase_add_test(cases, two_records_of_one_hour_are_summed);
    tcase_add_test(cases, what_is_no_report_is_passed_over);
    tcase_add_test(cases, damaged_records_are_passed_over);
    tcase_add_test(cases, files_that_are_gone_settle);
    tcase_add_test(cases, old_hours_become_days_and_old_days_go);
    tcase_add_test(cases, killed_in_between);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
