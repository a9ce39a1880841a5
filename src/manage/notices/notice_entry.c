/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a row of the outbox follows from the entry of the log that it names. */
#include "manage/notices/notice_entry.h"

#include <string.h>

#include "log/leaf.h"
#include "log/log_tree.h"
#include "manage/notices/notice_events.h"

static bool is_text(const char *text, const char *other)
{
    return strcmp(text != NULL ? text : "", other) == 0;
}

static bool follows(const struct registry_notice *row, const struct registry_audit *entry, const char *ring,
                    const char *client)
{
    const struct notice_rule *rule = notice_rule_of_act(entry->act);
    if (rule == NULL || (int)rule->event != row->event || row->threshold != 0 || row->serial != 0 ||
        row->at != entry->time || !is_text(entry->ring, ring) || !is_text(entry->key_id, row->key_id))
        return false;
    return rule->scope == NOTICE_OF_KEY ? is_text(entry->client, client) : entry->version == row->version;
}

/* Whether the entry is the one that was signed. */
static sealring_status check_signed(sealring_manager *manager, uint64_t sequence, const struct merkle_hash *leaf,
                                    enum notice_truth *truth, sealring_error *error)
{
    const struct checkpoint *covered = &manager->covered;
    struct merkle_proof proof;
    if (sequence > covered->size) {
        *truth = NOTICE_UNSIGNED;
        return SEALRING_OK;
    }
    sealring_status status = tree_inclusion(manager->registry, sequence, covered->size, &proof, error);
    if (status == SEALRING_OK && !merkle_is_included(&proof, leaf, sequence - 1, covered->size, &covered->root))
        *truth = NOTICE_FALSE;
    return status;
}

sealring_status notice_check_entry(sealring_manager *manager, const struct registry_notice *row, const char *ring,
                                   const char *client, enum notice_truth *truth, sealring_error *error)
{
    const sealring_audit_filter filter = {.size = sizeof filter, .first = row->entry};
    struct registry_audit entry;
    struct merkle_hash leaf;
    uint64_t first = 1;
    bool fits = false;
    sealring_status status = registry_audit_first(manager->registry, &first, error);
    *truth = row->entry < first ? NOTICE_PAST : NOTICE_FALSE;
    if (status != SEALRING_OK || row->entry < first)
        return status; /* an archived one */
    struct registry_cursor entries = registry_audit_entries(manager->registry, &filter, error);
    if (registry_audit_next(&entries, &entry) && entry.sequence == row->entry && follows(row, &entry, ring, client)) {
        leaf_hash(registry_vault_row(manager->registry)->vault_id, &entry, &leaf);
        fits = true;
    }
    status = registry_close_cursor(&entries, SEALRING_OK);
    if (status != SEALRING_OK || !fits)
        return status;
    *truth = NOTICE_TRUE;
    return witness_configured(manager->config) ? check_signed(manager, row->entry, &leaf, truth, error) : SEALRING_OK;
}
