/* SPDX-License-Identifier: Apache-2.0 */
/* Reads report files, which may have any content: copies them piece by piece, never maps them, and never waits for their writer. */
#include "verifier/report/report_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "verifier/report/report_check.h"
#include "verifier/report/report_map.h"
#include "verifier/report/report_seat.h"

sealring_status report_reader_at(const struct report_reader *reader, void *bytes, size_t size, uint64_t offset,
                                 size_t *length, sealring_error *error)
{
    *length = 0;
    while (*length < size) {
        ssize_t taken = pread(reader->descriptor, (char *)bytes + *length, size - *length, (off_t)(offset + *length));
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken < 0)
            return error_set_system(error, errno, "the verifier's report %s cannot be read", reader->path);
        if (taken == 0)
            break;
        *length += (size_t)taken;
    }
    return SEALRING_OK;
}

sealring_status report_reader_whole(const struct report_reader *reader, void *bytes, size_t size, uint64_t offset,
                                    sealring_error *error)
{
    size_t length = 0;
    sealring_status status = report_reader_at(reader, bytes, size, offset, &length, error);
    if (status == SEALRING_OK && length != size)
        return error_set(error, SEALRING_SYSTEM, "the verifier's report %s is truncated", reader->path);
    return status;
}

sealring_status report_reader_header(const struct report_reader *reader, struct report_header *header,
                                     sealring_error *error)
{
    sealring_status status = report_reader_whole(reader, header, sizeof *header, 0, error);
    if (status != SEALRING_OK)
        return status;
    const char *problem = report_header_problem(header);
    if (problem != NULL)
        return error_set(error, SEALRING_SYSTEM, "%s %s", reader->path, problem);
    report_check_header(header);
    return SEALRING_OK;
}

static sealring_status read_sequence(const struct report_reader *reader, uint64_t *sequence, sealring_error *error)
{
    return report_reader_whole(reader, sequence, sizeof *sequence, offsetof(struct report_header, sequence), error);
}

/* Reads the header, all from one writing. *torn: it stays unfinished, because its verifier was killed while it wrote. */
static sealring_status read_report(const struct report_reader *reader, struct report_header *header, bool *torn,
                                   sealring_error *error)
{
    for (int i = 0; i < REPORT_READER_TRIES; i++) {
        uint64_t before = 0, after = 0;
        sealring_status status = read_sequence(reader, &before, error);
        if (status == SEALRING_OK)
            status = report_reader_header(reader, header, error);
        if (status == SEALRING_OK)
            status = read_sequence(reader, &after, error);
        *torn = before % 2 != 0 || before != after;
        if (status != SEALRING_OK || !*torn)
            return status;
        clock_sleep(1);
    }
    return SEALRING_OK;
}

static sealring_status open_file(struct report_reader *reader, sealring_error *error)
{
    struct stat status;
    reader->descriptor = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (reader->descriptor < 0 || fstat(reader->descriptor, &status) != 0)
        return error_set_system(error, errno, "the verifier's report %s cannot be opened", reader->path);
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size < REPORT_CELLS_AT)
        return error_set(error, SEALRING_SYSTEM, "%s is no verifier's report", reader->path);
    return SEALRING_OK;
}

bool report_is_of_another_format(const char *path)
{
    struct report_header header;
    struct report_reader reader = {.descriptor = -1, .path = strdup(path)};
    bool another = reader.path != NULL && open_file(&reader, NULL) == SEALRING_OK &&
                   report_reader_whole(&reader, &header, sizeof header, 0, NULL) == SEALRING_OK &&
                   report_header_is_of_another_format(&header);
    if (reader.descriptor >= 0)
        close(reader.descriptor);
    free(reader.path);
    return another;
}

sealring_status report_read_open(const char *path, struct report_reader **opened, sealring_error *error)
{
    struct report_header header;
    *opened = NULL;
    struct report_reader *reader = malloc(sizeof *reader);
    if (reader == NULL)
        return error_no_memory(error);
    *reader = (struct report_reader){.descriptor = -1, .path = strdup(path)};
    sealring_status status = reader->path != NULL ? open_file(reader, error) : error_no_memory(error);
    if (status == SEALRING_OK)
        status = report_reader_header(reader, &header, error);
    if (status == SEALRING_OK)
        *opened = reader;
    else
        report_read_close(reader);
    return status;
}

void report_read_close(struct report_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->descriptor >= 0)
        close(reader->descriptor);
    free(reader->path);
    free(reader);
}

/* A shared lock: other readers may take it too, and only a verifier that tries to take over the file is refused. */
bool report_read_hold(const struct report_reader *reader)
{
    return flock(reader->descriptor, LOCK_SH | LOCK_NB) == 0;
}

sealring_status report_reader_cells(const struct report_reader *reader, const struct report_header *header,
                                    uint32_t *cells, sealring_error *error)
{
    struct stat status;
    if (fstat(reader->descriptor, &status) != 0)
        return error_set_system(error, errno, "the verifier's report %s cannot be read", reader->path);
    uint32_t room = report_map_room((uint64_t)status.st_size);
    *cells = header->cells < room ? header->cells : room;
    return SEALRING_OK;
}

/* For people and terminals. The text is terminated (report_header_problem, report_check_header). */
static void copy_text(char *copy, const char *text, size_t size)
{
    memcpy(copy, text, size);
    utf8_replace_controls(copy);
}

static void summarise(const struct report_header *header, bool torn, struct report_summary *summary)
{
    memcpy(summary->seat, header->seat, sizeof summary->seat);
    memcpy(summary->vault_id, header->vault_id, sizeof summary->vault_id);
    memcpy(summary->instance, header->instance, sizeof summary->instance);
    copy_text(summary->boot_id, header->boot_id, sizeof summary->boot_id);
    copy_text(summary->host, header->host, sizeof summary->host);
    copy_text(summary->program, header->program, sizeof summary->program);
    summary->process = header->process;
    summary->joined_wall_ms = header->joined_wall_ms;
    summary->joined_boot_ms = header->joined_boot_ms;
    summary->schema = header->schema;
    summary->state = header->state;
    summary->number = header->number;
    summary->look.boot_ms = header->look_boot_ms;
    summary->look.wall_ms = header->look_wall_ms;
    summary->look.lease_ms = header->lease_ms;
    summary->without_detail = header->without_detail;
    summary->closed_hour = header->closed_hour;
    summary->look.filter = torn || (header->number != 0 && header->filter_number == header->number);
    if (torn)
        return;
    summary->alarms = header->alarms;
    copy_text(summary->alarm, header->alarm, sizeof summary->alarm);
    const uint64_t era[2] = {header->era[0], header->era[1]};
    memcpy(summary->look.era, era, sizeof summary->look.era);
    summary->look.epoch = header->epoch;
    const uint64_t closed[4] = {header->closed_hash[0], header->closed_hash[1], header->closed_hash[2],
                                header->closed_hash[3]};
    memcpy(summary->look.closed_hash, closed, sizeof summary->look.closed_hash);
    summary->look.closed_count = header->closed_count;
    summary->look.has_closed = header->number != 0 && header->closed_number == header->number;
}

static void add_up(const struct report_lane *lanes, struct report_summary *summary)
{
    for (unsigned i = 0; i < REPORT_LANES; i++) {
        for (unsigned verdict = 0; verdict < SEALRING_VERDICTS; verdict++)
            summary->verdicts[verdict] = report_sum(summary->verdicts[verdict], lanes[i].verdicts[verdict]);
        summary->cached = report_sum(summary->cached, lanes[i].cached);
    }
}

sealring_status report_read_summary(const struct report_reader *reader, struct report_summary *summary,
                                    sealring_error *error)
{
    struct report_header header;
    struct report_lane lanes[REPORT_LANES];
    bool torn = false;
    memset(summary, 0, sizeof *summary);
    sealring_status status = read_report(reader, &header, &torn, error);
    if (status == SEALRING_OK)
        status = report_reader_whole(reader, lanes, sizeof lanes, REPORT_LANES_AT, error);
    if (status == SEALRING_OK)
        status = report_reader_cells(reader, &header, &summary->cells, error);
    if (status != SEALRING_OK)
        return status;
    summarise(&header, torn, summary);
    add_up(lanes, summary);
    return SEALRING_OK;
}

static bool is_held(int descriptor)
{
    if (flock(descriptor, LOCK_SH | LOCK_NB) != 0)
        return true;
    flock(descriptor, LOCK_UN);
    return false;
}

bool report_read_is_held(const struct report_reader *reader)
{
    return is_held(reader->descriptor);
}

bool report_path_is_held(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return errno == EACCES || errno == EPERM;
    bool held = is_held(descriptor);
    close(descriptor);
    return held;
}

int64_t report_read_inode(const struct report_reader *reader)
{
    struct stat status;
    return fstat(reader->descriptor, &status) == 0 ? (int64_t)status.st_ino : 0;
}

sealring_status report_each_path(const char *directory, report_path_callback each, void *context, sealring_error *error)
{
    DIR *stream = opendir(directory);
    if (stream == NULL && errno == ENOENT)
        return SEALRING_OK; /* no verifier has joined yet */
    if (stream == NULL)
        return error_set_system(error, errno, "the directory %s of the verifiers' reports cannot be read", directory);
    sealring_status status = SEALRING_OK;
    const struct dirent *entry;
    while (status == SEALRING_OK && (entry = readdir(stream)) != NULL) {
        uint8_t id[REPORT_ID_SIZE];
        char *path = NULL;
        if (!report_seat_parse(entry->d_name, id))
            continue;
        bool made = asprintf(&path, "%s/%s", directory, entry->d_name) >= 0;
        status = made ? each(path, context) : error_no_memory(error);
        if (made)
            free(path);
    }
    closedir(stream);
    return status;
}
