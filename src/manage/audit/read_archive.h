/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of the audit log: whether a file is one, whole and signed, and whether several of them follow each other. */
#ifndef MANAGE_AUDIT_READ_ARCHIVE_H
#define MANAGE_AUDIT_READ_ARCHIVE_H

#include "log/archive_note.h"
#include "log/log_examine.h"
#include "manage/audit/read_export.h"

/* Reads one archive: passes each entry to `take` (NULL: nowhere). SEALRING_REFUSED names what is wrong with the file. What was passed before counts
 * only if the result is SEALRING_OK. */
typedef sealring_status (*archive_take)(const struct registry_audit *entry, void *context, sealring_error *error);
sealring_status archive_read(const char *path, const struct audit_keys *keys, const uint8_t vault_id[REGISTRY_ID_SIZE],
                             struct archive *archive, archive_take take, void *context, sealring_error *error);

/* Archives in their order. */
struct archive_chain {
    const struct audit_keys *keys;
    const uint8_t *vault_id;
    struct chained_archive *archives;
    size_t count;
    json_t *cuts; /* the details of the entries in them that are about an earlier archive */
};

/* Reads and checks all of them, in any order. *bad: it failed because one is not whole, is not signed, or does not continue another one. Otherwise a
 * failure is that one cannot be read, or that one between two others was not given. */
sealring_status archive_chain_open(struct archive_chain *chain, const char *const *paths, bool *bad,
                                   sealring_error *error);
/* The first and the last one; the chain is not empty. */
const struct archive *archive_chain_first(const struct archive_chain *chain);
const struct archive *archive_chain_last(const struct archive_chain *chain);
/* For struct examine_archives; context: the chain. */
sealring_status archive_chain_each(uint64_t last, sealring_status (*take)(const struct registry_audit *entry, void *of),
                                   void *of, void *context, sealring_error *error);
void archive_chain_close(struct archive_chain *chain);

#endif
