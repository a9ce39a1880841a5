/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever lies in the vault's verifiers/ directory: it is no report, or all that is read of it can be; and whoever goes on from there (the
 * roster, the traffic, the harvest) ends well. */
#include "fuzz/fuzzer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/property.h"
#include "manage/session/manager.h"
#include "manage/usage/harvest.h"
#include "registry/fixture.h"
#include "verifier/report/report.h"
#include "verifier/report/report_map.h"

#define LATEST INT64_C(253402300799999) /* the end of the year 9999 */
#define NOW    INT64_C(1795966038000)

/* The input: how many changes to a good header and its lanes; each an offset (2 bytes), a length and bytes; then the cells. */

static char path[128];
static char directory[64];
static char reports[80];
static struct fixture fixture; /* a registry with a row of each kind, for those who go on from the files */
static sqlite3 *raw;
static struct config config;
static struct sealring_manager manager;
static uint8_t good[REPORT_CELLS_AT];

/* Waiting for a writer that there is not would be all that the fuzzer does. Also of a library that is linked statically. */
int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)wanted;
    (void)left;
    return 0;
}

static void remove_files(void)
{
    (void)unlink(path);
    (void)rmdir(reports);
    (void)rmdir(directory);
    (void)sqlite3_close(raw);
    fixture_close(&fixture);
}

static void prepare_registry(void)
{
    static struct fixture_rows rows;
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
    raw = fixture_raw(&fixture);
    (void)snprintf(config.directory, sizeof config.directory, "%s", directory);
    (void)snprintf(config.verifiers, sizeof config.verifiers, "%s", reports);
    /* as manager_begin leaves it */
    manager = (struct sealring_manager){.config = &config,
                                        .registry = fixture.registry,
                                        .owner = getpid(),
                                        .yielded_epoch = registry_vault_row(fixture.registry)->epoch};
}

static void prepare(void)
{
    struct report_header header = {
        .format = REPORT_FORMAT,
        .header_size = REPORT_HEADER_SIZE,
        .host = "host",
        .program = "program",
        .boot_id = "00000000-0000-4000-8000-000000000000",
        .process = 4711,
        .schema = 1,
        .state = REPORT_SERVING,
        .sequence = 2,
        .number = 1,
        .epoch = 7,
        .seat = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
        .instance = {1, 2, 3},
        .lease_ms = 60000,
        .cells = 1000};
    strcpy(header.magic, REPORT_MAGIC);
    memset(header.vault_id, 0xa5, sizeof header.vault_id); /* as fixture_vault */
    memcpy(good, &header, sizeof header);
    make_directory(directory);
    (void)snprintf(reports, sizeof reports, "%s/verifiers", directory);
    (void)snprintf(path, sizeof path, "%s/00112233445566778899aabbccddeeff.report", reports);
    require(mkdir(reports, 0750) == 0, "there is a directory");
    prepare_registry();
    require(atexit(remove_files) == 0, "files are removed in the end");
}

static void write_file(struct supply *supply)
{
    static uint8_t head[REPORT_CELLS_AT];
    memcpy(head, good, sizeof head);
    for (unsigned changes = supply_byte(supply) % 16; changes > 0; changes--) {
        uint16_t offset = 0;
        uint8_t bytes[64];
        supply_bytes(supply, &offset, sizeof offset);
        size_t length = supply_byte(supply) % sizeof bytes;
        supply_bytes(supply, bytes, length);
        offset %= sizeof head - sizeof bytes;
        memcpy(head + offset, bytes, length);
    }
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    require(descriptor >= 0 && write(descriptor, head, sizeof head) == (ssize_t)sizeof head &&
                write(descriptor, supply->data, supply->left) == (ssize_t)supply->left,
            "the file is written");
    (void)close(descriptor);
}

static uint64_t records; /* cells of them */

/* Whole, of its kind, and such as can be: nobody who takes it computes with anything else. */
static sealring_status see_version(const struct report_version *record, uint32_t cell, void *context)
{
    const struct report_reader *reader = context;
    struct report_version again;
    require(report_read_version(reader, cell, &again) && again.number == record->number && again.ring == record->ring,
            "a version is found again at its cell");
    require(record->kind == REPORT_VERSION, "a version is one");
    require(record->number > 0 && record->ring > 0 && record->last_use_ms >= 0 && record->last_use_ms <= LATEST &&
                record->proved <= INT64_MAX,
            "a version can be");
    records += sizeof *record / REPORT_CELL_SIZE;
    return SEALRING_OK;
}

static sealring_status see_credential(const struct report_credential *record, void *context)
{
    (void)context;
    require(record->kind == REPORT_CREDENTIAL, "a credential is one");
    require(record->key > 0 && record->serial > 0 && record->version > 0 && record->last_use_ms >= 0 &&
                record->last_use_ms <= LATEST && record->accepted < UINT64_C(1) << 50,
            "a credential can be");
    records++;
    return SEALRING_OK;
}

static void check_summary(const struct report_summary *summary, size_t cells)
{
    require(summary->state >= REPORT_JOINING && summary->state <= REPORT_LEFT, "its verifier is in a state");
    require(memchr(summary->boot_id, '\0', sizeof summary->boot_id) != NULL && is_clean(summary->boot_id) &&
                memchr(summary->host, '\0', sizeof summary->host) != NULL && is_clean(summary->host) &&
                memchr(summary->program, '\0', sizeof summary->program) != NULL && is_clean(summary->program),
            "names end, and are clean");
    require(memchr(summary->alarm, '\0', sizeof summary->alarm) != NULL && is_clean(summary->alarm),
            "an alarm ends, and is clean");
    require(summary->process >= 0 && summary->joined_wall_ms >= 0 && summary->joined_wall_ms <= LATEST &&
                summary->look.wall_ms >= 0 && summary->look.wall_ms <= LATEST && summary->look.boot_ms >= 0 &&
                summary->look.lease_ms >= 0 && summary->look.lease_ms <= 3600000,
            "times and lease can be");
    require(summary->number <= INT64_MAX && summary->look.epoch <= INT64_MAX && summary->alarms <= INT64_MAX &&
                summary->verdicts[0] <= INT64_MAX && summary->cached <= INT64_MAX,
            "numbers fit into the registry");
    require(summary->cells <= cells, "there are no more cells than the file has");
}

static void read_file(struct report_reader *reader, size_t cells)
{
    sealring_error error = {0};
    struct report_summary summary;
    uint64_t damaged = 0;
    uint32_t from = 0;
    sealring_status status = report_read_summary(reader, &summary, &error);
    require(status == SEALRING_OK || (status == SEALRING_SYSTEM && is_clean(error.message)), "it is told, or why not");
    if (status == SEALRING_OK)
        check_summary(&summary, cells);
    records = 0;
    status = report_read_each(reader, see_version, see_credential, reader, &damaged);
    require(status == SEALRING_OK || status == SEALRING_SYSTEM, "records are handed out");
    require(records <= cells && damaged <= cells + 2,
            "no cell counts twice"); /* and claimed too many, and cut at the end */
    (void)report_read_versions(reader, &from, see_version, reader);
    require(from <= cells, "the walk ends with the file");
}

/* ---- Who goes on from there ------------------------------------------------------------------------------------------- */

static sealring_status remember(struct registry *registry, void *context, sealring_error *error)
{
    struct roster *roster = context;
    sealring_status status = roster_read(registry, reports, roster, error);
    return status == SEALRING_OK ? roster_remember(registry, roster, error) : status;
}

static void check_roster(void)
{
    struct roster roster = {.count = 0};
    struct roster_count counted;
    require(fixture_write(&fixture, false, remember, &roster) == SEALRING_OK, "the roster is read, and written down");
    for (size_t i = 0; i < roster.count; i++)
        require(is_clean(roster.entries[i].name) && is_clean(roster.entries[i].alarm), "who verifies has a clean name");
    roster_count(&roster, &(struct roster_change){.epoch = 7, .closed_count = 3}, &counted);
    require(counted.done <= counted.total && is_clean(counted.missing), "who is missing is counted");
    roster_release(&roster);
}

static int see_traffic(const sealring_traffic_info *traffic, void *context)
{
    (void)context;
    require(traffic->accepted <= INT64_MAX && traffic->rejected <= INT64_MAX, "traffic is a number");
    return 0;
}

static int see_usage(const sealring_usage_info *usage, void *context)
{
    (void)context;
    require(usage->accepted <= INT64_MAX && usage->closed <= INT64_MAX && usage->last_use >= 0 &&
                usage->last_use <= LATEST,
            "usage is a number");
    return 0;
}

static void check_usage(void)
{
    sealring_error error = {0};
    sealring_harvest_result result = {.size = sizeof result};
    for (int harvested = 0; harvested < 2; harvested++) {
        require(sealring_traffic(&manager, "ring-1", 0, see_traffic, NULL, &error) == SEALRING_OK, "traffic is told");
        require(sealring_usage_list(&manager, NULL, see_usage, NULL, &error) == SEALRING_OK, "usage is told");
        require(harvest_all(&manager, NOW, &result, &error) == SEALRING_OK, "the file is harvested");
    }
    require(sqlite3_exec(
                raw,
                "DELETE FROM usage_hour; DELETE FROM usage_day; DELETE FROM usage_traffic; DELETE FROM usage_seat; "
                "DELETE FROM verifier; DELETE FROM version_use",
                NULL, NULL, NULL) == SQLITE_OK,
            "the registry is as before");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct supply supply = {data, size};
    struct report_reader *reader = NULL;
    sealring_error error = {0};
    if (directory[0] == '\0')
        prepare();
    write_file(&supply);
    sealring_status status = report_read_open(path, &reader, &error);
    require((status == SEALRING_OK) == (reader != NULL), "it is a report, or there is a reason");
    if (status == SEALRING_OK)
        read_file(reader, supply.left / REPORT_CELL_SIZE);
    else
        require((status == SEALRING_SYSTEM || status == SEALRING_INVALID) && is_clean(error.message),
                "which is said in one clean line");
    report_read_close(reader);
    check_roster();
    check_usage();
    return 0;
}
