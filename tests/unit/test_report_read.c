/* SPDX-License-Identifier: Apache-2.0 */
/* Reading report files that may be anything: damaged, cut short, foreign, huge, or no files at all. */
#include "unit/report_fixture.h"
#include "unit/seeded.h"

static uint64_t seed;

/* A file with versions and credentials, some of which a reader's piece ends within. */
enum { VERSIONS = 400, CREDENTIALS = 1000 };

static char good_path[PATH_MAX];

static void make_good(void)
{
    struct report_look look = {.era = "era", .epoch = 5, .boot_ms = 6, .wall_ms = 7, .lease_ms = 8};
    fixture_make();
    struct report *report = fixture_join();
    for (uint32_t i = 0; i < CREDENTIALS; i++) {
        report_count(report_credential(report, 1 + i, 1, 1, FIXTURE_HOUR), NULL, SEALRING_ACCEPTED, 1);
        if (i < VERSIONS)
            report_count(NULL, report_version(report, 1, 1 + i), SEALRING_ACCEPTED, 1);
    }
    ck_assert(report_write(report, &look));
    report_leave(report);
    snprintf(good_path, sizeof good_path, "%s", fixture_paths().last);
}

static void refuse_to_open(const char *path, const char *words)
{
    sealring_error error = {.message = ""};
    struct report_reader *reader = (struct report_reader *)&error;
    ck_assert_msg(report_read_open(path, &reader, &error) != SEALRING_OK, "%s", words);
    ck_assert_ptr_null(reader);
    ck_assert_msg(strstr(error.message, words) != NULL && strstr(error.message, path) != NULL, "%s", error.message);
    ck_assert_int_eq(report_read_open(path, &reader, NULL), error.status);
}

START_TEST(reads_all_of_a_good_file)
{
    struct fixture_sums sums = fixture_sums(good_path);
    ck_assert_uint_eq(sums.versions, VERSIONS);
    ck_assert_uint_eq(sums.credentials, CREDENTIALS);
    ck_assert_uint_eq(sums.accepted, CREDENTIALS);
    ck_assert_uint_eq(sums.uncached, VERSIONS);
    ck_assert_uint_eq(sums.damaged, 0);
    ck_assert_uint_eq(fixture_summary(good_path).cells, 3 * VERSIONS + CREDENTIALS);
    report_read_close(NULL);
}
END_TEST

static sealring_status stop_at_version(const struct report_version *record, uint32_t cell, void *context)
{
    (void)cell;
    ++*(unsigned *)context;
    return record->number == 3 ? SEALRING_WAITING : SEALRING_OK;
}

static sealring_status stop_at_credential(const struct report_credential *record, void *context)
{
    ++*(unsigned *)context;
    return record->key == 700 ? SEALRING_REFUSED : SEALRING_OK;
}

START_TEST(ends_the_walk_when_the_callback_says_so)
{
    struct report_reader *reader = NULL;
    unsigned seen = 0;
    uint64_t damaged = 1;
    ck_assert_int_eq(report_read_open(good_path, &reader, NULL), SEALRING_OK);
    ck_assert_int_eq(report_read_each(reader, stop_at_version, NULL, &seen, &damaged), SEALRING_WAITING);
    ck_assert_uint_eq(seen, 3);
    seen = 0;
    ck_assert_int_eq(report_read_each(reader, NULL, stop_at_credential, &seen, &damaged), SEALRING_REFUSED);
    ck_assert_uint_eq(seen, 700);
    ck_assert_int_eq(report_read_each(reader, NULL, NULL, NULL, &damaged), SEALRING_OK);
    ck_assert_uint_eq(damaged, 0);
    report_read_close(reader);
}
END_TEST

static sealring_status refuse_path(const char *path, void *context)
{
    (void)path;
    ++*(unsigned *)context;
    return SEALRING_REFUSED;
}

START_TEST(lists_what_is_named_as_reports_are)
{
    char path[PATH_MAX];
    unsigned seen = 0;
    snprintf(path, sizeof path, "%s/notes.txt", fixture_directory);
    fclose(fopen(path, "we"));
    snprintf(path, sizeof path, "%s/%032d.report", fixture_directory, 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_uint_eq(fixture_paths().count, 2);
    ck_assert_int_eq(report_each_path(fixture_directory, refuse_path, &seen, NULL), SEALRING_REFUSED);
    ck_assert_uint_eq(seen, 1);
    snprintf(path, sizeof path, "%s/none", fixture_top);
    ck_assert_int_eq(report_each_path(path, refuse_path, &seen, NULL), SEALRING_OK);
    ck_assert_uint_eq(seen, 1);
    sealring_error error = {.message = ""};
    ck_assert_int_eq(report_each_path(good_path, refuse_path, &seen, &error), SEALRING_SYSTEM);
    ck_assert_int_eq(error.system_errno, ENOTDIR);
}
END_TEST

START_TEST(opens_nothing_but_reports)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/x", fixture_top);
    refuse_to_open(path, "No such file");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refuse_to_open(path, "is no verifier's report");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink(good_path, path), 0);
    refuse_to_open(path, "cannot be opened");
    ck_assert_int_eq(unlink(path), 0);
    refuse_to_open(fixture_directory, "is no verifier's report");
    refuse_to_open("/dev/null", "is no verifier's report");
    int descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    refuse_to_open(path, "is no verifier's report");
    ck_assert_int_eq(ftruncate(descriptor, INT64_C(1) << 42), 0);
    refuse_to_open(path, "is no verifier's report");
    close(descriptor);
    FIXTURE_PATCH(good_path, format, 2);
    refuse_to_open(good_path, "format");
}
END_TEST

START_TEST(bears_files_that_are_cut_short)
{
    /* From the end to the beginning; a reader that has it open already sees it shrink. */
    struct report_reader *reader = NULL;
    struct report_summary summary;
    off_t size = (off_t)REPORT_CELLS_AT + 2200 * REPORT_CELL_SIZE;
    ck_assert_int_eq(report_read_open(good_path, &reader, NULL), SEALRING_OK);
    for (off_t length = size - 1; length >= 0; length -= 97) {
        struct fixture_sums sums = {.versions = 0};
        ck_assert_int_eq(truncate(good_path, length), 0);
        sealring_status status =
            report_read_each(reader, fixture_add_version, fixture_add_credential, &sums, &sums.damaged);
        bool has_lanes = length >= (off_t)REPORT_CELLS_AT;
        ck_assert_int_eq(report_read_summary(reader, &summary, NULL), has_lanes ? SEALRING_OK : SEALRING_SYSTEM);
        if (has_lanes) {
            ck_assert_int_eq(status, SEALRING_OK);
            ck_assert_uint_ge(sums.damaged, 1);
            ck_assert_uint_le(sums.damaged, 2);
            ck_assert_uint_ge(3 * sums.versions + sums.credentials + 3, summary.cells);
            ck_assert_uint_eq(summary.cells, report_map_room((uint64_t)length));
        } else
            refuse_to_open(good_path, "is no verifier's report");
    }
    report_read_close(reader);
}
END_TEST

START_TEST(counts_what_is_damaged)
{
    uint32_t kind = 77, zero = 0;
    /* The first record is a credential, the second a version, whose three cells are nothing without it. */
    fixture_patch(good_path, REPORT_CELLS_AT, &kind, sizeof kind);
    struct fixture_sums sums = fixture_sums(good_path);
    ck_assert_uint_eq(sums.damaged, 1);
    ck_assert_uint_eq(sums.credentials, CREDENTIALS - 1);
    ck_assert_uint_eq(sums.versions, VERSIONS);
    fixture_patch(good_path, REPORT_CELLS_AT + REPORT_CELL_SIZE, &zero, sizeof zero);
    sums = fixture_sums(good_path);
    ck_assert_uint_eq(sums.damaged, 4);
    ck_assert_uint_eq(sums.credentials, CREDENTIALS - 1);
    ck_assert_uint_eq(sums.versions, VERSIONS - 1);
    /* A version in the last cell; a claim of more cells than there are. */
    kind = REPORT_VERSION;
    fixture_patch(good_path, REPORT_CELLS_AT + (3 * VERSIONS + CREDENTIALS - 1) * REPORT_CELL_SIZE, &kind, sizeof kind);
    ck_assert_uint_eq(fixture_sums(good_path).damaged, 5);
    FIXTURE_PATCH(good_path, cells, REPORT_CELLS_MAX);
    ck_assert_uint_eq(fixture_summary(good_path).cells, report_map_room((uint64_t)fixture_size(good_path)));
    ck_assert_uint_gt(fixture_sums(good_path).damaged, 5);
    FIXTURE_PATCH(good_path, cells, REPORT_CELLS_MAX + 1);
    refuse_to_open(good_path, "more records than there can be");
}
END_TEST

/* The first record is a credential, the second a version. */
enum { FIRST_CREDENTIAL = REPORT_CELLS_AT, FIRST_VERSION = REPORT_CELLS_AT + REPORT_CELL_SIZE };
#define IN_CREDENTIAL(member) FIRST_CREDENTIAL + offsetof(struct report_credential, member)
#define IN_VERSION(member)    FIRST_VERSION + offsetof(struct report_version, member)
static const struct {
    uint64_t offset;
    size_t size;
    uint64_t value;
    bool good; /* at the edge of what can be */
} numbers[] = {
    {IN_CREDENTIAL(accepted), 8, UINT64_C(1) << 50, false},
    {IN_CREDENTIAL(accepted), 8, (UINT64_C(1) << 50) - 1, true},
    {IN_CREDENTIAL(accepted), 8, INT64_MAX, false},
    {IN_CREDENTIAL(accepted), 8, UINT64_MAX, false},
    {IN_CREDENTIAL(last_use_ms), 8, UINT64_MAX, false},
    {IN_CREDENTIAL(last_use_ms), 8, UINT64_C(253402300800000), false},
    {IN_CREDENTIAL(last_use_ms), 8, UINT64_C(253402300799999), true},
    {IN_CREDENTIAL(key), 8, 0, false},
    {IN_CREDENTIAL(key), 8, UINT64_MAX, false},
    {IN_CREDENTIAL(serial), 4, 0, false},
    {IN_CREDENTIAL(version), 4, 0, false},
    {IN_CREDENTIAL(closed), 4, UINT32_MAX, true},
    {IN_VERSION(number), 4, 0, false},
    {IN_VERSION(ring), 8, 0, false},
    {IN_VERSION(ring), 8, UINT64_C(1) << 63, false},
    {IN_VERSION(last_use_ms), 8, UINT64_MAX, false},
    {IN_VERSION(last_use_ms), 8, UINT64_C(253402300800000), false},
    {IN_VERSION(proved), 8, UINT64_MAX, false},
    {IN_VERSION(uncached), 8, UINT64_MAX, false},
    {IN_VERSION(uncached[SEALRING_VERDICTS - 1]), 8, UINT64_C(1) << 50, false},
};

/* For readers, and for a verifier that looks for a free file: what it counted on with would be passed over with the rest. */
START_TEST(what_cannot_be_is_damaged)
{
    struct report_reader *reader = NULL;
    struct report_version again;
    struct report *report = NULL;
    bool version = numbers[_i].offset >= FIRST_VERSION;
    fixture_patch(good_path, numbers[_i].offset, &numbers[_i].value, numbers[_i].size);
    struct fixture_sums sums = fixture_sums(good_path);
    ck_assert_uint_eq(sums.damaged, numbers[_i].good ? 0 : 1);
    ck_assert_uint_eq(sums.credentials + sums.versions, CREDENTIALS + VERSIONS - sums.damaged);
    ck_assert_int_eq(report_read_open(good_path, &reader, NULL), SEALRING_OK);
    ck_assert_int_eq(report_read_version(reader, 1, &again), numbers[_i].good || !version);
    report_read_close(reader);
    report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, numbers[_i].good ? 1 : 2);
    report_leave(report);
}
END_TEST

START_TEST(a_header_is_brought_into_range)
{
    FIXTURE_PATCH(good_path, process, INT64_MIN);
    FIXTURE_PATCH(good_path, joined_wall_ms, -1);
    FIXTURE_PATCH(good_path, joined_boot_ms, INT64_MAX);
    FIXTURE_PATCH(good_path, look_wall_ms, INT64_MAX);
    FIXTURE_PATCH(good_path, look_boot_ms, INT64_MIN);
    FIXTURE_PATCH(good_path, lease_ms, -1);
    FIXTURE_PATCH(good_path, number, UINT64_MAX);
    FIXTURE_PATCH(good_path, epoch, UINT64_MAX);
    FIXTURE_PATCH(good_path, alarms, UINT64_MAX);
    FIXTURE_PATCH(good_path, without_detail, UINT64_MAX);
    struct report_summary summary = fixture_summary(good_path);
    ck_assert_int_eq(summary.process, 0);
    ck_assert_int_eq(summary.joined_wall_ms, 0);
    ck_assert_int_eq(summary.joined_boot_ms, INT64_C(253402300799999));
    ck_assert_int_eq(summary.look.wall_ms, INT64_C(253402300799999));
    ck_assert_int_eq(summary.look.boot_ms, 0);
    ck_assert_int_eq(summary.look.lease_ms, INT64_C(3600000)); /* the longest: it may only lengthen a wait */
    ck_assert_uint_eq(summary.number, INT64_MAX);
    ck_assert_uint_eq(summary.look.epoch, 0); /* it knows of nothing */
    ck_assert_uint_eq(summary.alarms, INT64_MAX);
    ck_assert_uint_eq(summary.without_detail, UINT64_C(1) << 50);
    const uint64_t most[2] = {UINT64_MAX, UINT64_MAX};
    for (unsigned i = 0; i < REPORT_LANES; i++)
        fixture_patch(good_path, REPORT_LANES_AT + i * sizeof(struct report_lane), most, sizeof most);
    ck_assert_uint_eq(fixture_summary(good_path).verdicts[0], INT64_MAX);
}
END_TEST

START_TEST(an_alarm_ends)
{
    char endless[REPORT_ALARM_SIZE];
    memset(endless, 'A', sizeof endless);
    fixture_patch(good_path, offsetof(struct report_header, alarm), endless, sizeof endless);
    struct report_summary summary = fixture_summary(good_path);
    ck_assert_uint_eq(strnlen(summary.alarm, sizeof summary.alarm), sizeof summary.alarm - 1);
    memset(endless, '\x9b', sizeof endless);
    fixture_patch(good_path, offsetof(struct report_header, alarm), endless, sizeof endless);
    summary = fixture_summary(good_path);
    ck_assert_uint_eq(strspn(summary.alarm, "?"), sizeof summary.alarm - 1);
}
END_TEST

START_TEST(hands_out_clean_names)
{
    static const char host[72] = "a\x1b[2J\n\xff\xc3\xa9\xc2\x85z";
    fixture_patch(good_path, offsetof(struct report_header, host), host, sizeof host);
    ck_assert_str_eq(fixture_summary(good_path).host, "a?[2J??\xc3\xa9??z");
    char endless[72];
    memset(endless, 'x', sizeof endless);
    fixture_patch(good_path, offsetof(struct report_header, program), endless, sizeof endless);
    refuse_to_open(good_path, "does not end");
}
END_TEST

/* Reads all that can be read, whatever it is. Returns whether it could be opened. */
static bool read_anything(const char *path)
{
    struct report_reader *reader = NULL;
    struct report_summary summary;
    struct fixture_sums sums = {.versions = 0};
    sealring_error error;
    if (report_read_open(path, &reader, &error) != SEALRING_OK) {
        ck_assert_ptr_null(reader);
        return false;
    }
    (void)report_read_summary(reader, &summary, &error);
    (void)report_read_each(reader, fixture_add_version, fixture_add_credential, &sums, &sums.damaged);
    ck_assert_uint_le(sums.versions + sums.credentials + sums.damaged, REPORT_CELLS_MAX);
    report_read_close(reader);
    return true;
}

/* One of: a few random bytes in the header, anywhere, one 32-bit word that is small or extreme; a random length. */
static void spoil(const char *path, uint64_t *state, uint64_t size)
{
    static const uint32_t words[] = {0, 1, 2, 3, 4, 77, 0x7fffffff, 0x80000000, 0xffffffff};
    uint8_t bytes[8];
    uint64_t kind = seeded_next(state) % 8;
    for (uint64_t i = seeded_next(state) % 4 + 1; i > 0; i--) {
        uint64_t range = kind < 3 ? sizeof(struct report_header) : size;
        uint64_t offset = seeded_next(state) % (range - sizeof bytes) & ~UINT64_C(3);
        seeded_fill(state, bytes, sizeof bytes);
        if (kind % 2 == 0)
            memcpy(bytes, &words[seeded_next(state) % (sizeof words / sizeof *words)], sizeof *words);
        /* An odd sequence number is waited for; that is tried elsewhere, and here once in a while. */
        if (offset + sizeof bytes <= offsetof(struct report_header, sequence) ||
            offset >= offsetof(struct report_header, number) || seeded_next(state) % 16 == 0)
            fixture_patch(path, offset, bytes, kind % 2 == 0 ? sizeof *words : sizeof bytes);
    }
    if (kind == 7)
        ck_assert_int_eq(truncate(path, (off_t)(seeded_next(state) % (2 * size))), 0);
}

static void write_bytes(const char *path, const uint8_t *bytes, size_t size)
{
    int descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0640);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, bytes, size), (ssize_t)size);
    close(descriptor);
}

START_TEST(bears_anything)
{
    enum { MUTATIONS = 2000, SIZE = REPORT_CELLS_AT + 100 * REPORT_CELL_SIZE };
    static uint8_t good[SIZE];
    uint64_t state = seed;
    unsigned opened = 0;
    FIXTURE_PATCH(good_path, cells, 100);
    int descriptor = open(good_path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(read(descriptor, good, sizeof good), (ssize_t)sizeof good);
    close(descriptor);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        struct report *report = NULL;
        write_bytes(good_path, good, sizeof good);
        spoil(good_path, &state, sizeof good);
        opened += read_anything(good_path);
        /* Nor does anything in it harm a verifier that looks for a free file. */
        ck_assert_int_eq(report_join(fixture_directory, fixture_vault, &report, NULL), SEALRING_OK);
        ck_assert_ptr_nonnull(report_version(report, 1, 1));
        report_leave(report);
    }
    printf("# %u of %u spoiled files could be opened\n", opened, (unsigned)MUTATIONS);
    fflush(stdout);
    ck_assert_uint_ge(opened, MUTATIONS / 10);
    ck_assert_uint_le(opened, MUTATIONS - MUTATIONS / 50);
    ck_assert_uint_le(fixture_paths().count, 2);
}
END_TEST

START_TEST(bears_noise)
{
    static uint8_t noise[REPORT_CELLS_AT + 3000 * REPORT_CELL_SIZE];
    uint64_t state = seed;
    for (unsigned i = 0; i < 50; i++) {
        struct report_header *header = (struct report_header *)(void *)noise;
        seeded_fill(&state, noise, sizeof noise);
        write_bytes(good_path, noise, sizeof noise);
        ck_assert(!read_anything(good_path));
        /* Noise under a good header. */
        memset(noise, 0, sizeof *header);
        memcpy(header->magic, REPORT_MAGIC, sizeof REPORT_MAGIC);
        header->format = REPORT_FORMAT;
        header->header_size = REPORT_HEADER_SIZE;
        header->state = REPORT_SERVING;
        header->cells = 3000;
        for (unsigned cell = 0; cell < 3000; cell++)
            memset(noise + REPORT_CELLS_AT + cell * REPORT_CELL_SIZE + 1, 0, 3);
        write_bytes(good_path, noise, sizeof noise);
        ck_assert(read_anything(good_path));
    }
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("report_read");
    TCase *cases = tcase_create("report_read");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, make_good, fixture_remove);
    tcase_add_test(cases, reads_all_of_a_good_file);
    tcase_add_test(cases, ends_the_walk_when_the_callback_says_so);
    tcase_add_test(cases, lists_what_is_named_as_reports_are);
    tcase_add_test(cases, opens_nothing_but_reports);
    tcase_add_test(cases, bears_files_that_are_cut_short);
    tcase_add_test(cases, counts_what_is_damaged);
    tcase_add_loop_test(cases, what_cannot_be_is_damaged, 0, (int)(sizeof numbers / sizeof *numbers));
    tcase_add_test(cases, a_header_is_brought_into_range);
    tcase_add_test(cases, an_alarm_ends);
    tcase_add_test(cases, hands_out_clean_names);
    tcase_add_test(cases, bears_anything);
    tcase_add_test(cases, bears_noise);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
