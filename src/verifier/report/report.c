/* SPDX-License-Identifier: Apache-2.0 */
/* An open report: joins, leaves, and writes the report under a sequence lock. */
#include "verifier/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/foreign_text.h"
#include "registry/connection/registry.h"
#include "verifier/report/report_parts.h"
#include "verifier/report/report_seat.h"

#define HOUR_MS 3600000

/* The sequence lock. All accesses are atomic and sequentially consistent: they are rare (some per second), and ThreadSanitizer does not
 * support fences. If the number is odd before writing, a verifier was killed while it wrote. */
static void begin_writing(struct report_header *header)
{
    atomic_store(&header->sequence, atomic_load(&header->sequence) | 1);
}

static void end_writing(struct report_header *header)
{
    atomic_store(&header->sequence, atomic_load(&header->sequence) + 1);
}

static void sign_host(struct report_header *header)
{
    memset(header->host, 0, sizeof header->host);
    memset(header->program, 0, sizeof header->program);
    const char *program = program_invocation_short_name;
    char host[sizeof header->host] = "";
    if (gethostname(host, sizeof host - 1) == 0)
        outside_escape(host, strlen(host), SEALRING_ESCAPE_TERMINAL, header->host, sizeof header->host);
    outside_escape(program, strlen(program), SEALRING_ESCAPE_TERMINAL, header->program, sizeof header->program);
}

/* Writes the fields that never change, when the file is made. The magic comes last, after an atomic store: without it the file counts
 * as unwritten. */
static void write_first(struct report *report, const struct report_seats *seats, const struct report_seat *seat)
{
    struct report_header *header = report_map_header(&report->map);
    memset(header, 0, report->map.mapped);
    begin_writing(header);
    header->format = REPORT_FORMAT;
    header->header_size = REPORT_HEADER_SIZE;
    memcpy(header->seat, seat->id, sizeof header->seat);
    memcpy(header->vault_id, seats->vault_id, sizeof header->vault_id);
    atomic_store(&header->state, REPORT_JOINING);
    memcpy(header->magic, REPORT_MAGIC, sizeof REPORT_MAGIC);
}

/* Begins a new instance in the file. */
static void sign(struct report *report, const struct report_seats *seats)
{
    struct report_header *header = report_map_header(&report->map);
    begin_writing(header);
    report_usage_unprove(report);
    memcpy(header->instance, report->instance, sizeof header->instance);
    memcpy(header->boot_id, seats->boot_id, sizeof header->boot_id);
    sign_host(header);
    header->process = getpid();
    header->joined_wall_ms = clock_wall_ms();
    header->joined_boot_ms = clock_boot_ms();
    header->schema = REGISTRY_SCHEMA;
    atomic_store(&header->number, 0);
    atomic_store(&header->era[0], 0);
    atomic_store(&header->era[1], 0);
    atomic_store(&header->epoch, 0);
    atomic_store(&header->look_boot_ms, 0);
    atomic_store(&header->look_wall_ms, 0);
    atomic_store(&header->lease_ms, 0);
    atomic_store(&header->filter_number, 0);
    atomic_store(&header->state, REPORT_JOINING);
    end_writing(header);
}

/* Maps the file and enters its records. Returns 0 or an errno; after an error everything is as before, except that the file is still
 * open. */
static int sit_down(struct report *report, const struct report_seats *seats, const struct report_seat *seat)
{
    int problem = report_map_extend(&report->map, seat->descriptor,
                                    seat->size < REPORT_SEAT_SIZE ? REPORT_SEAT_SIZE : seat->size);
    if (problem != 0)
        return problem;
    if (!report_seat_path(seats->directory, seat->id, report->path)) {
        report_map_forget(&report->map);
        return ENAMETOOLONG;
    }
    if (seat->unwritten)
        write_first(report, seats, seat);
    if (!report_usage_enter(report, (uint32_t)(clock_wall_ms() / HOUR_MS))) {
        report_map_forget(&report->map);
        return EBADMSG;
    }
    report->descriptor = seat->descriptor;
    report->device = seat->device;
    report->inode = seat->inode;
    return 0;
}

/* Takes the first usable free file, or makes a new one. */
static sealring_status find_seat(struct report *report, struct report_seats *seats, sealring_error *error)
{
    struct report_seat seat;
    while (report_seats_next(seats, &seat)) {
        if (sit_down(report, seats, &seat) == 0)
            return SEALRING_OK;
        close(seat.descriptor);
    }
    sealring_status status = report_seats_make(seats, &seat, error);
    if (status != SEALRING_OK)
        return status;
    int problem = sit_down(report, seats, &seat);
    if (problem == 0)
        return SEALRING_OK;
    report_seats_unmake(seats, &seat);
    close(seat.descriptor);
    return error_set_system(error, problem, "a verifier's report of %zu bytes cannot be made in %s", REPORT_SEAT_SIZE,
                            seats->directory);
}

static void free_memory(struct report *report)
{
    report_usage_clear(report);
    free(report->free.cells);
    free(report);
}

static sealring_status prepare(struct report **made, sealring_error *error)
{
    struct report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return error_no_memory(error);
    report->descriptor = -1;
    if (getrandom(report->instance, sizeof report->instance, 0) != (ssize_t)sizeof report->instance) {
        int problem = errno;
        free(report);
        return error_set_system(error, problem, "the system gives no random numbers");
    }
    int problem = report_map_reserve(&report->map);
    if (problem != 0) {
        free(report);
        return error_set_system(error, problem,
                                "no address space for a verifier's report; see ulimit -v and ulimit -l");
    }
    report->cells_max = report_map_room(report->map.reserved);
    pthread_mutex_init(&report->lock, NULL);
    *made = report;
    return SEALRING_OK;
}

sealring_status report_join(const char *directory, const uint8_t vault_id[REPORT_ID_SIZE], struct report **joined,
                            sealring_error *error)
{
    struct report *report = NULL;
    struct report_seats seats = {.stream = NULL};
    *joined = NULL;
    sealring_status status = prepare(&report, error);
    if (status != SEALRING_OK)
        return status;
    status = report_seats_open(directory, vault_id, &seats, error);
    if (status == SEALRING_OK)
        status = find_seat(report, &seats, error);
    if (status == SEALRING_OK) {
        sign(report, &seats);
        *joined = report;
    } else {
        report_map_free(&report->map);
        pthread_mutex_destroy(&report->lock);
        free_memory(report);
    }
    report_seats_close(&seats);
    return status;
}

static bool is_own(const struct report *report)
{
    return memcmp(report_map_header(&report->map)->instance, report->instance, sizeof report->instance) == 0;
}

/* Returns whether the file is still where the operator's side looks: not removed or renamed, nor its directory, nor hidden by a mount. */
static bool has_seat(const struct report *report)
{
    struct stat named;
    return lstat(report->path, &named) == 0 && named.st_dev == report->device && named.st_ino == report->inode &&
           is_own(report);
}

void report_leave(struct report *report)
{
    if (report == NULL)
        return;
    if (is_own(report))
        atomic_store(&report_map_header(&report->map)->state, REPORT_LEFT);
    report_map_free(&report->map);
    if (report_has_descriptor(report)) {
        /* A forked child may have the descriptor, too: closing alone would leave the lock to it. */
        flock(report->descriptor, LOCK_UN);
        close(report->descriptor);
    }
    pthread_mutex_destroy(&report->lock);
    free_memory(report);
}

/* Leaves the memory as it is: a thread that the child does not have may hold its mutex, and may have left its tables half changed. The
 * mapping was not inherited. */
void report_abandon(struct report *report)
{
    if (report != NULL && report_has_descriptor(report))
        close(report->descriptor);
}

bool report_write(struct report *report, const struct report_look *look)
{
    struct report_header *header = report_map_header(&report->map);
    uint64_t era[2], closed[4];
    _Static_assert(sizeof era == sizeof look->era, "an era is two words");
    _Static_assert(sizeof closed == sizeof look->closed_hash, "a hash is four words");
    if (!has_seat(report))
        return false;
    memcpy(era, look->era, sizeof era);
    memcpy(closed, look->closed_hash, sizeof closed);
    begin_writing(header);
    atomic_store(&header->number, atomic_load(&header->number) + 1);
    atomic_store(&header->closed_number, look->has_closed ? atomic_load(&header->number) : 0);
    atomic_store(&header->closed_count, look->closed_count);
    for (unsigned i = 0; i < 4; i++)
        atomic_store(&header->closed_hash[i], closed[i]);
    atomic_store(&header->filter_number, look->filter ? atomic_load(&header->number) : 0);
    atomic_store(&header->look_boot_ms, look->boot_ms);
    atomic_store(&header->look_wall_ms, look->wall_ms);
    atomic_store(&header->lease_ms, look->lease_ms);
    atomic_store(&header->era[0], era[0]);
    atomic_store(&header->era[1], era[1]);
    atomic_store(&header->epoch, look->epoch);
    atomic_store(&header->state, REPORT_SERVING);
    end_writing(header);
    return true;
}

void report_tell_alarms(struct report *report, uint64_t alarms, const char *text)
{
    struct report_header *header = report_map_header(&report->map);
    if (!has_seat(report) || atomic_load(&header->alarms) == alarms)
        return;
    begin_writing(header);
    (void)snprintf(header->alarm, sizeof header->alarm, "%s", text);
    atomic_store(&header->alarms, alarms);
    end_writing(header);
}

uint32_t report_closed_hour(const struct report *report)
{
    return atomic_load(&report_map_header(&report->map)->closed_hour);
}

void report_close_hours(struct report *report, uint32_t hour)
{
    struct report_header *header = report_map_header(&report->map);
    if (atomic_load(&header->closed_hour) < hour)
        atomic_store(&header->closed_hour, hour);
}

const uint8_t *report_seat_id(const struct report *report)
{
    return report_map_header(&report->map)->seat;
}

struct report_lane *report_lane(struct report *report, unsigned lane)
{
    return report_map_lane(&report->map, lane);
}

void report_totals(const struct report *report, uint64_t verdicts[SEALRING_VERDICTS], uint64_t *cached)
{
    memset(verdicts, 0, SEALRING_VERDICTS * sizeof *verdicts);
    *cached = 0;
    for (unsigned i = 0; i < REPORT_LANES; i++) {
        struct report_lane *lane = report_map_lane(&report->map, i);
        for (unsigned verdict = 0; verdict < SEALRING_VERDICTS; verdict++)
            verdicts[verdict] += atomic_load_explicit(&lane->verdicts[verdict], memory_order_relaxed);
        *cached += atomic_load_explicit(&lane->cached, memory_order_relaxed);
    }
}
