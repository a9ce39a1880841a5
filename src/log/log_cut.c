/* SPDX-License-Identifier: Apache-2.0 */
/* Where the registry's audit log begins: what is before that was archived, if a signed entry records it. */
#include "log/log_cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "log/log_tree.h"

bool log_cut_read(const json_t *detail, const struct audit_keys *keys, const uint8_t vault_id[REGISTRY_ID_SIZE],
                  struct archive *archive)
{
    const char *note = json_string_value(json_object_get(json_object_get(detail, "archive"), "note"));
    uint8_t kept[SHA256_SIZE];
    return note != NULL && archive_verify(note, keys, vault_id, archive) &&
           log_cut_hash_kept(json_object_get(detail, "kept"), kept) && memcmp(kept, archive->kept, sizeof kept) == 0;
}

bool log_cut_hash_kept(const json_t *kept, uint8_t hash[SHA256_SIZE])
{
    static const size_t flags = JSON_COMPACT | JSON_SORT_KEYS;
    /* into an existing buffer, as in log_entry.c */
    size_t length = json_dumpb(kept, NULL, 0, flags);
    char *text = length == 0 ? NULL : malloc(length);
    bool complete = text != NULL && json_dumpb(kept, text, length, flags) == length;
    if (complete)
        sha256(text, length, hash);
    free(text);
    return complete;
}

static void take_entry(struct log_cut *cut, const struct registry_audit *entry, const struct audit_keys *keys,
                       const uint8_t vault_id[REGISTRY_ID_SIZE])
{
    struct archive archive;
    json_t *detail = entry->detail != NULL ? json_loads(entry->detail, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (log_cut_read(detail, keys, vault_id, &archive) && archive.last == cut->size) {
        const char *file = json_string_value(json_object_get(json_object_get(detail, "archive"), "file"));
        json_decref(cut->kept);
        cut->kept = json_incref(json_object_get(detail, "kept"));
        cut->archive = archive;
        cut->entry = entry->sequence;
        cut->archived = true;
        snprintf(cut->file, sizeof cut->file, "%s", file != NULL ? file : "?");
    }
    json_decref(detail);
}

/* The archive ends with the tree that the registry has at this size. */
static sealring_status check_tree(struct registry *registry, struct log_cut *cut, sealring_error *error)
{
    bool whole = false;
    struct merkle_hash root = {{0}};
    sealring_status status = tree_frontier_if_whole(registry, cut->size, &cut->frontier, &whole, error);
    if (status != SEALRING_OK)
        return status;
    if (whole)
        merkle_root(&cut->frontier, &root);
    cut->archived = whole && merkle_equal(&root, &cut->archive.root);
    return SEALRING_OK;
}

sealring_status log_cut_find(struct registry *registry, const struct audit_keys *keys, struct log_cut *cut,
                             sealring_error *error)
{
    const sealring_audit_filter filter = {.size = sizeof filter, .act = LOG_CUT_ACT};
    struct registry_audit entry;
    *cut = (struct log_cut){.size = 0};
    sealring_status status = registry_audit_first(registry, &cut->size, error);
    cut->size -= status == SEALRING_OK;
    if (status != SEALRING_OK || cut->size == 0 || keys == NULL || cut->size % LOG_CUT_BLOCK != 0)
        return status;
    struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
    while (registry_audit_next(&entries, &entry))
        take_entry(cut, &entry, keys, registry_vault_row(registry)->vault_id);
    status = registry_close_cursor(&entries, status);
    return status == SEALRING_OK && cut->archived ? check_tree(registry, cut, error) : status;
}

bool log_cut_covers(const struct log_cut *cut, unsigned level, uint64_t position, bool *stored)
{
    uint64_t count = cut->archived ? cut->size >> level : 0;
    *stored = (count & 1) != 0 && position == count - 1;
    return position < count;
}

void log_cut_release(struct log_cut *cut)
{
    json_decref(cut->kept);
    cut->kept = NULL;
}
