/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning of the audit table: entries that were archived are deleted, and of the tree what only they need. */
#include "registry/log/log_rows.h"

#include "base/error.h"
#include "registry/connection/query.h"

static const struct db_query first_entry = {"SELECT coalesce(min(a.sequence), 1) FROM audit a", false};

static const struct db_query delete_entries = {"DELETE FROM audit WHERE sequence <= ?1", true};

static const struct db_query delete_checkpoints = {"DELETE FROM checkpoint WHERE size < ?1"
                                                   " AND size NOT IN (" SIZES_OF_KEY_CHANGES ")",
                                                   true};

/* Subtrees over these entries alone, except the largest ones, of which every later root and proof is made. */
static const struct db_query delete_nodes = {"DELETE FROM audit_node WHERE position < (?1 >> level)"
                                             " AND NOT (position = (?1 >> level) - 1 AND ((?1 >> level) & 1) = 1)",
                                             true};

sealring_status registry_audit_first(struct registry *registry, uint64_t *first, sealring_error *error)
{
    return query_count(registry, &first_entry, NULL, first, error);
}

/* The schema's triggers keep every row of the log. If they are not used again here, they are at the transaction's end. */
static sealring_status use_triggers(struct registry *registry, bool used, sealring_error *error)
{
    registry->without_triggers = !used;
    return handle_problem(registry, registry->db->driver->use_triggers(registry->db, used), error);
}

sealring_status registry_audit_cut(struct registry *registry, uint64_t size, sealring_error *error)
{
    const struct db_query *const statements[] = {&delete_entries, &delete_checkpoints, &delete_nodes};
    uint64_t entries = 0, first = 0;
    sealring_status status = registry_audit_size(registry, &entries, error);
    /* an empty log would number the next entry from 1 */
    if (status == SEALRING_OK && (size >= entries || size % (1U << REGISTRY_NODE_LEVEL) != 0))
        status = error_set(error, SEALRING_INVALID, "the audit log cannot be cut there");
    if (status == SEALRING_OK)
        status = use_triggers(registry, false, error);
    for (size_t i = 0; status == SEALRING_OK && i < sizeof statements / sizeof *statements; i++)
        status = query_change_any(registry, statements[i], PARAMETERS(UNSIGNED(size)), error);
    if (status == SEALRING_OK)
        status = use_triggers(registry, true, error);
    if (status == SEALRING_OK)
        status = registry_audit_first(registry, &first, error);
    return status != SEALRING_OK || first == size + 1 ? status : registry_unkept(registry, "the cut", error);
}
