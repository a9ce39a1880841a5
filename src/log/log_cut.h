/* SPDX-License-Identifier: Apache-2.0 */
/* Where the registry's audit log begins: what is before that was archived, if a signed entry records it. */
#ifndef LOG_LOG_CUT_H
#define LOG_LOG_CUT_H

#include <jansson.h>

#include "log/archive_note.h"
#include "registry/log/log_rows.h"

#define LOG_CUT_ACT       "audit.archive"
#define LOG_CUT_NAME_SIZE 256
/* Archives end where a stored subtree does, so that the tree needs no leaf hash of an archived entry. */
#define LOG_CUT_BLOCK (1U << REGISTRY_NODE_LEVEL)

struct log_cut {
    uint64_t size; /* the entries before the first one that the registry has; 0: none is missing */
    bool
        archived; /* an entry records that they were archived, by a note that the key signed, and the tree is the one of the note */
    uint64_t entry; /* that entry, and what it contains */
    struct archive archive;
    char file[LOG_CUT_NAME_SIZE]; /* the archive's name when it was made */
    json_t *kept;                 /* what later entries need of the archived ones (manage/audit/retrace.h) */
    struct merkle_frontier frontier;
};

/* Within a transaction. keys NULL: nothing can be recognised as archived. */
sealring_status log_cut_find(struct registry *registry, const struct audit_keys *keys, struct log_cut *cut,
                             sealring_error *error);
/* Whether a subtree is one over archived entries alone; *stored: one of the largest, which the registry still has. */
bool log_cut_covers(const struct log_cut *cut, unsigned level, uint64_t position, bool *stored);
/* The hash of an entry's `kept`, which its note covers; false: no memory. */
bool log_cut_hash_kept(const json_t *kept, uint8_t hash[32]);
void log_cut_release(struct log_cut *cut);

/* What an entry contains about an archive, if it does, the key signed that, and `kept` is what the note covers. detail: the entry's, NULL: none. */
bool log_cut_read(const json_t *detail, const struct audit_keys *keys, const uint8_t vault_id[REGISTRY_ID_SIZE],
                  struct archive *archive);

#endif
