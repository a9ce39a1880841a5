/* SPDX-License-Identifier: Apache-2.0 */
/* Writes an archive of the audit log: entries as `sealring audit export` has them, then the signed note. */
#include "manage/backup/write_archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/base62.h"
#include "base/base64.h"
#include "base/error.h"
#include "log/log_entry.h"

#define PROGRESS_STEP 4096 /* entries */

static sealring_status unwritten(const struct archive_writer *writer, sealring_error *error)
{
    return error_set_system(error, errno, "%s cannot be written", writer->partial);
}

/* ---- Lines ---- */

/* Takes over `line`. Into a buffer, as an export's reader would not notice a member that jansson (2.14) omits for lack of memory. */
static sealring_status write_line(struct archive_writer *writer, json_t *line, bool counts, sealring_error *error)
{
    size_t length = line == NULL ? 0 : json_dumpb(line, NULL, 0, JSON_COMPACT);
    char *text = length == 0 ? NULL : malloc(length + 1);
    bool complete = text != NULL && json_dumpb(line, text, length, JSON_COMPACT) == length;
    sealring_status status = complete ? SEALRING_OK : error_no_memory(error);
    if (complete) {
        text[length] = '\n';
        errno = 0;
        if (fwrite(text, 1, length + 1, writer->stream) != length + 1)
            status = unwritten(writer, error);
    }
    if (complete)
        sha256_add(&writer->whole, text, length + 1);
    if (complete && counts) {
        sha256_add(&writer->hash, text, length + 1);
        writer->archive->bytes += length + 1;
    }
    free(text);
    json_decref(line);
    return status;
}

/* Adds a text of an entry, and, if it is not UTF-8, its bytes. False: no memory. */
static bool add_text(json_t *members, json_t *raw, const char *name, const char *text)
{
    json_t *plain = text != NULL ? json_string(text) : json_null();
    if (plain != NULL)
        return json_object_set_new(members, name, plain) == 0;
    size_t length = strlen(text);
    char *digits = malloc(2 * length + 1);
    if (digits == NULL)
        return false;
    hex_encode((const uint8_t *)text, length, digits);
    bool added = json_object_set_new(raw, name, json_string(digits)) == 0;
    free(digits);
    return added && json_object_set_new(members, name, audit_text(text)) == 0;
}

static json_t *entry_line(const struct registry_audit *entry)
{
    const char *const texts[][2] = {{"act", entry->act},       {"actor", entry->actor},   {"ring", entry->ring},
                                    {"key_id", entry->key_id}, {"client", entry->client}, {"detail", entry->detail}};
    char operation_id[2 * REGISTRY_ID_SIZE + 1], leaf[BASE64_LENGTH(MERKLE_HASH_SIZE) + 1];
    hex_encode(entry->operation_id, REGISTRY_ID_SIZE, operation_id);
    base64_encode(entry->leaf_hash, MERKLE_HASH_SIZE, leaf);
    json_t *raw = json_object();
    json_t *members = json_pack("{s:I, s:s, s:I, s:s}", "entry", (json_int_t)entry->sequence, "operation_id",
                                operation_id, "version", (json_int_t)entry->version, "leaf_hash", leaf);
    bool complete = raw != NULL && members != NULL;
    for (size_t i = 0; complete && i < sizeof texts / sizeof *texts; i++)
        complete = add_text(members, raw, texts[i][0], texts[i][1]);
    if (complete && json_object_size(raw) > 0)
        complete = json_object_set(members, "raw", raw) == 0;
    json_decref(raw);
    if (complete)
        return json_pack("{s:I, s:{s:o}}", "time", (json_int_t)entry->time, "unmapped", "sealring", members);
    json_decref(members);
    return NULL;
}

static json_t *note_line(const char *name, const char *note, int64_t time)
{
    return json_pack("{s:I, s:{s:{s:s}}}", "time", (json_int_t)time, "unmapped", "sealring", name, note);
}

/* ---- The file ---- */

static sealring_status begin(struct archive_writer *writer, sealring_error *error)
{
    writer->archive->bytes = 0;
    writer->frontier = writer->archive->start;
    sha256_start(&writer->hash);
    sha256_start(&writer->whole);
    if (writer->stream == NULL)
        return backup_file_create(writer->partial, 0600, &writer->stream, error);
    rewind(writer->stream);
    return ftruncate(fileno(writer->stream), 0) == 0 ? SEALRING_OK : unwritten(writer, error);
}

static sealring_status write_entry(struct archive_writer *writer, const struct registry_audit *entry,
                                   sealring_error *error)
{
    const struct archive *archive = writer->archive;
    struct merkle_hash leaf;
    memcpy(leaf.bytes, entry->leaf_hash, sizeof leaf.bytes);
    (void)merkle_append(&writer->frontier, &leaf, NULL, NULL);
    if (entry->sequence % PROGRESS_STEP == 0 || entry->sequence == archive->last) {
        sealring_status status =
            backup_progress(writer->progress, "archiving", writer->frontier.size - archive->start.size,
                            archive->last - archive->start.size, error);
        if (status != SEALRING_OK)
            return status;
    }
    return write_line(writer, entry_line(entry), true, error);
}

static sealring_status write_checkpoints(struct archive_writer *writer, struct registry *registry,
                                         sealring_error *error)
{
    struct registry_checkpoint checkpoint;
    sealring_status status = SEALRING_OK;
    struct registry_cursor checkpoints = registry_checkpoints(registry, error);
    while (status == SEALRING_OK && registry_checkpoint_next(&checkpoints, &checkpoint))
        if (checkpoint.size > writer->archive->start.size && checkpoint.size <= writer->archive->last)
            status = write_line(writer, note_line("checkpoint", checkpoint.note, checkpoint.time), true, error);
    return registry_close_cursor(&checkpoints, status);
}

sealring_status archive_write_entries(struct archive_writer *writer, struct registry *registry, sealring_error *error)
{
    const struct archive *archive = writer->archive;
    const sealring_audit_filter filter = {.size = sizeof filter, .first = archive->start.size + 1};
    struct registry_audit entry;
    struct merkle_hash root = {{0}};
    sealring_status status = begin(writer, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
    while (status == SEALRING_OK && writer->frontier.size < archive->last && registry_audit_next(&entries, &entry))
        status = write_entry(writer, &entry, error);
    status = registry_close_cursor(&entries, status);
    if (status == SEALRING_OK)
        status = write_checkpoints(writer, registry, error);
    sha256_finish(&writer->hash, writer->archive->sha256);
    merkle_root(&writer->frontier, &root);
    if (status == SEALRING_OK && !merkle_equal(&root, &archive->root))
        status =
            error_set(error, SEALRING_REFUSED, "the audit log is not what it should be: see `sealring audit verify`");
    return status;
}

sealring_status archive_write_end(struct archive_writer *writer, const char *note, sealring_error *error)
{
    struct backup again;
    uint8_t digest[SHA256_SIZE];
    sealring_status status = write_line(writer, note_line("archive", note, writer->archive->time), false, error);
    sha256_finish(&writer->whole, digest);
    status = backup_file_finish(writer->stream, writer->partial, status, error);
    writer->stream = NULL;
    if (status == SEALRING_OK)
        status = backup_file_hash(writer->partial, &again, NULL, error);
    if (status != SEALRING_OK || memcmp(digest, again.sha256, sizeof digest) == 0)
        return status;
    return error_set(error, SEALRING_SYSTEM, "%s does not contain what was written into it", writer->partial);
}

void archive_write_discard(struct archive_writer *writer)
{
    if (writer->stream != NULL)
        fclose(writer->stream);
    writer->stream = NULL;
    unlink(writer->partial);
}
