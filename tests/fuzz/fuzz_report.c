/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever lies in the vault's verifiers/ directory: it is no report, or all that is read of it is well formed. */
#include "fuzz/fuzzer.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/property.h"
#include "verifier/report.h"
#include "verifier/report_map.h"

/* The input: how many changes to a good header and its lanes; each an offset (2 bytes), a length and bytes; then the cells. */

static char path[96];
static char directory[64];
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
    (void)rmdir(directory);
}

static void prepare(void)
{
    struct report_header header = {.format = REPORT_FORMAT,
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
                                   .lease_ms = 60000,
                                   .cells = 1000};
    strcpy(header.magic, REPORT_MAGIC);
    memcpy(good, &header, sizeof header);
    make_directory(directory);
    (void)snprintf(path, sizeof path, "%s/00112233445566778899aabbccddeeff.report", directory);
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

/* What a record says is judged by who takes it into the registry (src/vault/usage_files.c, roster.c): here it is whole, and of its kind. */
static sealring_status see_version(const struct report_version *record, void *context)
{
    (void)context;
    require(record->kind == REPORT_VERSION, "a version is one");
    records += sizeof *record / REPORT_CELL_SIZE;
    return SEALRING_OK;
}

static sealring_status see_credential(const struct report_credential *record, void *context)
{
    (void)context;
    require(record->kind == REPORT_CREDENTIAL, "a credential is one");
    records++;
    return SEALRING_OK;
}

static sealring_status see_cell(const struct report_version *record, uint32_t cell, void *context)
{
    const struct report_reader *reader = context;
    struct report_version again;
    require(report_read_version(reader, cell, &again) && again.number == record->number && again.ring == record->ring,
            "a version is found again at its cell");
    return see_version(record, NULL);
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
    status = report_read_each(reader, see_version, see_credential, NULL, &damaged);
    require(status == SEALRING_OK || status == SEALRING_SYSTEM, "records are handed out");
    require(records <= cells && damaged <= cells + 2,
            "no cell counts twice"); /* and claimed too many, and cut at the end */
    (void)report_read_versions(reader, &from, see_cell, reader);
    require(from <= cells, "the walk ends with the file");
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
    return 0;
}
