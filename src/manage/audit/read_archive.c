/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of the audit log: whether a file is one, whole and signed, and whether several of them follow each other. */
#include "manage/audit/read_archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/error.h"
#include "base/sha256.h"
#include "log/leaf.h"
#include "log/log_cut.h"

struct chained_archive {
    const char *path;
    struct archive archive;
};

/* ---- One archive ---- */

struct reading {
    const char *path;
    const uint8_t *vault_id;
    struct sha256 hash;
    uint64_t bytes;
    uint64_t first, last; /* entries; 0: none yet */
    char *note;           /* of the last line; NULL: not read yet */
    archive_take take;
    void *context;
};

static sealring_status refuse(const char *path, const char *what, sealring_error *error)
{
    return error_set(error, SEALRING_REFUSED, "%s is no good archive of this vault's audit log: %s", path, what);
}

static sealring_status read_entry(struct reading *reading, const struct registry_audit *entry, sealring_error *error)
{
    struct merkle_hash hash;
    leaf_hash(reading->vault_id, entry, &hash);
    if (memcmp(hash.bytes, entry->leaf_hash, sizeof hash.bytes) != 0)
        return error_set(error, SEALRING_REFUSED,
                         "%s is no good archive of this vault's audit log: entry %" PRIu64 " was changed",
                         reading->path, entry->sequence);
    if (reading->last != 0 && entry->sequence != reading->last + 1)
        return refuse(reading->path, "entries are missing or exchanged", error);
    if (reading->first == 0)
        reading->first = entry->sequence;
    reading->last = entry->sequence;
    return reading->take != NULL ? reading->take(entry, reading->context, error) : SEALRING_OK;
}

static sealring_status read_line(const struct exported *line, void *context, sealring_error *error)
{
    struct reading *reading = context;
    if (reading->note != NULL)
        return refuse(reading->path, "something follows its end", error);
    if (line->archive != NULL) {
        reading->note = strdup(line->archive);
        return reading->note != NULL ? SEALRING_OK : error_no_memory(error);
    }
    sha256_add(&reading->hash, line->text, line->length);
    reading->bytes += line->length;
    return line->is_entry ? read_entry(reading, &line->entry, error) : SEALRING_OK;
}

static sealring_status judge(struct reading *reading, const struct audit_keys *keys, struct archive *archive,
                             sealring_error *error)
{
    uint8_t digest[SHA256_SIZE];
    sha256_finish(&reading->hash, digest);
    if (reading->note == NULL)
        return refuse(reading->path, "its end is missing", error);
    if (!archive_verify(reading->note, keys, reading->vault_id, archive))
        return refuse(reading->path, "the note at its end is not about an archive of it, or not signed by the key",
                      error);
    if (reading->bytes != archive->bytes || memcmp(digest, archive->sha256, sizeof digest) != 0 ||
        reading->first != archive->start.size + 1 || reading->last != archive->last)
        return refuse(reading->path, "its content was changed: the SHA-256 is another one", error);
    return SEALRING_OK;
}

sealring_status archive_read(const char *path, const struct audit_keys *keys, const uint8_t vault_id[REGISTRY_ID_SIZE],
                             struct archive *archive, archive_take take, void *context, sealring_error *error)
{
    const char *const paths[] = {path, NULL};
    struct reading reading = {.path = path, .vault_id = vault_id, .take = take, .context = context};
    sha256_start(&reading.hash);
    sealring_status status = exports_each(paths, read_line, &reading, error);
    if (status == SEALRING_OK)
        status = judge(&reading, keys, archive, error);
    free(reading.note);
    return status;
}

/* ---- Several archives ---- */

static sealring_status keep_cut(const struct registry_audit *entry, void *context, sealring_error *error)
{
    struct archive_chain *chain = context;
    if (strcmp(entry->act, LOG_CUT_ACT) != 0 || entry->detail == NULL)
        return SEALRING_OK;
    json_t *detail = json_loads(entry->detail, JSON_REJECT_DUPLICATES, NULL);
    if (detail == NULL)
        return SEALRING_OK;
    return json_array_append_new(chain->cuts, detail) == 0 ? SEALRING_OK : error_no_memory(error);
}

static sealring_status add(struct archive_chain *chain, const char *path, sealring_error *error)
{
    struct chained_archive added = {.path = path};
    size_t place = chain->count;
    sealring_status status = archive_read(path, chain->keys, chain->vault_id, &added.archive, keep_cut, chain, error);
    if (status != SEALRING_OK)
        return status;
    while (place > 0 && chain->archives[place - 1].archive.start.size > added.archive.start.size)
        place--;
    if (!array_insert(&chain->archives, chain->count, place))
        return error_no_memory(error);
    chain->archives[place] = added;
    chain->count++;
    return SEALRING_OK;
}

/* Also sets *bad if this fails. */
static sealring_status check_order(const struct archive_chain *chain, bool *bad, sealring_error *error)
{
    for (size_t i = 1; i < chain->count; i++) {
        const struct chained_archive *one = &chain->archives[i - 1], *next = &chain->archives[i];
        struct merkle_hash start = {{0}};
        merkle_root(&next->archive.start, &start);
        if (next->archive.start.size > one->archive.last)
            return error_set(error, SEALRING_INVALID,
                             "the archive with the entries %" PRIu64 " to %" PRIu64
                             ", between %.100s and %.100s, was not given",
                             one->archive.last + 1, next->archive.start.size, one->path, next->path);
        *bad = next->archive.start.size < one->archive.last || !merkle_equal(&start, &one->archive.root);
        if (*bad)
            return error_set(error, SEALRING_REFUSED, "the archive %.150s does not continue the archive %.150s",
                             next->path, one->path);
    }
    return SEALRING_OK;
}

sealring_status archive_chain_open(struct archive_chain *chain, const char *const *paths, bool *bad,
                                   sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    *bad = false;
    chain->cuts = json_array();
    if (chain->cuts == NULL)
        return error_no_memory(error);
    for (size_t i = 0; status == SEALRING_OK && paths[i] != NULL; i++) {
        if (access(paths[i], R_OK) != 0)
            return error_set_system(error, errno, "the archive %.200s cannot be read", paths[i]);
        status = add(chain, paths[i], error);
        *bad = status != SEALRING_OK && !error_is_exhaustion(error);
    }
    return status == SEALRING_OK ? check_order(chain, bad, error) : status;
}

const struct archive *archive_chain_first(const struct archive_chain *chain)
{
    return &chain->archives[0].archive;
}

const struct archive *archive_chain_last(const struct archive_chain *chain)
{
    return &chain->archives[chain->count - 1].archive;
}

struct passing {
    uint64_t last;
    sealring_status (*take)(const struct registry_audit *entry, void *of);
    void *of;
};

static sealring_status pass(const struct registry_audit *entry, void *context, sealring_error *error)
{
    const struct passing *passing = context;
    (void)error;
    return entry->sequence <= passing->last ? passing->take(entry, passing->of) : SEALRING_OK;
}

sealring_status archive_chain_each(uint64_t last, sealring_status (*take)(const struct registry_audit *entry, void *of),
                                   void *of, void *context, sealring_error *error)
{
    const struct archive_chain *chain = context;
    struct passing passing = {last, take, of};
    struct archive again;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < chain->count; i++)
        status = archive_read(chain->archives[i].path, chain->keys, chain->vault_id, &again, pass, &passing, error);
    return status;
}

void archive_chain_close(struct archive_chain *chain)
{
    free(chain->archives);
    json_decref(chain->cuts);
    chain->archives = NULL;
    chain->cuts = NULL;
    chain->count = 0;
}
