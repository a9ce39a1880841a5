/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the entries of the audit log that no signed checkpoint covers, and examines those that the operator's side did not note. */
#include "log/tail/entry_tail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/foreign_text.h"
#include "log/leaf.h"
#include "log/log_tree.h"
#include "log/row_image.h"
#include "registry/rows/closed_facts.h"

/* ---- what an entry does ---- */

static bool is_named_restriction(const char *act)
{
    static const char *const names[] = {"key.revoke",    "key.suspend", "key.narrow",
                                        "key.addresses", "key.holders", "key.contested"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(act, names[i]) == 0)
            return true;
    return false;
}

/* A restore repeats what the image contains: nothing else of the key may differ from its row. */
static bool is_restricted(const struct registry_key *image, const struct registry_key *row)
{
    bool closed = image->state == SEALRING_KEY_REVOKED || image->state == SEALRING_KEY_SUSPENDED || image->narrowed ||
                  image->bound || image->holders.one;
    bool bound = registry_key_has_networks_of(image, row) && holders_equal(&image->holders, &row->holders) &&
                 key_claim_equal(&image->claim, &row->claim);
    return closed && bound && image->id == row->id && image->client == row->client && image->ring == row->ring &&
           image->last_serial == row->last_serial && strcmp(image->label, row->label) == 0;
}

static sealring_status image_restricts(struct registry *registry, const char *key_id, json_t *image, bool *restricts,
                                       sealring_error *error)
{
    enum registry_table table;
    union image_row row;
    struct registry_key present, facts;
    const char *problem;
    bool found = false;
    *restricts = image_complete(image) && image_read(image, &table, &row, &problem) && table == REGISTRY_TABLE_KEY &&
                 strcmp(row.key.key_id, key_id) == 0;
    if (!*restricts)
        return SEALRING_OK;
    sealring_status status = registry_key_find(registry, key_id, &present, &found, error);
    if (status == SEALRING_OK && found) {
        facts = present;
        status = registry_key_follow_closed(registry, &facts, error);
        present.bound = facts.bound;
        present.networks = facts.networks;
        present.holders = facts.holders;
        present.claim = facts.claim;
    }
    *restricts = status == SEALRING_OK && found && is_restricted(&row.key, &present);
    return status;
}

sealring_status entry_restricts(struct registry *registry, const struct registry_audit *entry, bool *restricts,
                                sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    *restricts = is_named_restriction(entry->act) && entry->key_id != NULL && entry->detail != NULL;
    if (!*restricts)
        return status;
    json_t *detail = json_loads(entry->detail, JSON_REJECT_DUPLICATES, NULL);
    json_t *rows = json_object_get(detail, "rows"), *image;
    size_t index;
    *restricts = json_array_size(rows) > 0;
    json_array_foreach(rows, index, image)
    {
        if (status == SEALRING_OK && *restricts)
            status = image_restricts(registry, entry->key_id, image, restricts, error);
    }
    json_decref(detail);
    return status;
}

/* ---- names ---- */

/* The texts are of unknown origin, and are read again while the cursor is open. */
static void name_entry(const struct registry_audit *entry, char names[ENTRY_NAMES_SIZE])
{
    char text[ENTRY_NAMES_SIZE];
    size_t length = strlen(names);
    const char *object = entry->key_id != NULL   ? entry->key_id
                         : entry->ring != NULL   ? entry->ring
                         : entry->client != NULL ? entry->client
                                                 : "";
    const char *kind = entry->key_id != NULL   ? " of API key "
                       : entry->ring != NULL   ? " of ring "
                       : entry->client != NULL ? " of client "
                                               : "";
    snprintf(text, sizeof text, "entry %" PRIu64 ", %.40s%s%.64s", entry->sequence, entry->act, kind, object);
    if (length + strlen(text) + 3 > ENTRY_NAMES_SIZE)
        return;
    if (length > 0)
        length += (size_t)snprintf(names + length, ENTRY_NAMES_SIZE - length, "; ");
    outside_escape(text, strlen(text), SEALRING_ESCAPE_TERMINAL, names + length, ENTRY_NAMES_SIZE - length);
}

/* ---- following ---- */

static sealring_status examine(struct registry *registry, struct entry_tail *tail, const struct registry_audit *entry,
                               sealring_error *error)
{
    bool restricts;
    sealring_status status = entry_restricts(registry, entry, &restricts, error);
    if (status != SEALRING_OK)
        return status;
    if (restricts) {
        tail->restrictions++;
        name_entry(entry, tail->restricted);
    } else if (tail->others++ == 0) {
        name_entry(entry, tail->other);
    }
    return SEALRING_OK;
}

static sealring_status follow_entries(struct registry *registry, struct entry_tail *tail,
                                      struct merkle_frontier *frontier, const struct own_notes *own,
                                      sealring_error *error)
{
    const sealring_audit_filter after = {.size = sizeof after, .first = frontier->size + 1};
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    struct registry_audit entry;
    struct merkle_hash leaf;
    sealring_status status = SEALRING_OK;
    struct registry_cursor entries = registry_audit_entries(registry, &after, error);
    while (status == SEALRING_OK && tail->broken == 0 && registry_audit_next(&entries, &entry)) {
        bool other;
        leaf_hash(vault_id, &entry, &leaf);
        if (entry.sequence != frontier->size + 1 || memcmp(leaf.bytes, entry.leaf_hash, sizeof leaf.bytes) != 0) {
            tail->broken = frontier->size + 1;
            break;
        }
        (void)merkle_append(frontier, &leaf, NULL, NULL);
        bool is_own = own_notes_have_entry(own, entry.sequence, leaf.bytes, &other);
        if (!is_own && other && tail->missing == 0)
            tail->missing = entry.sequence;
        if (!is_own)
            status = examine(registry, tail, &entry, error);
    }
    return registry_close_cursor(&entries, status);
}

/* The tree up to where the entries are new. */
static sealring_status find_start(struct registry *registry, struct entry_tail *tail, const struct checkpoint *covered,
                                  struct merkle_frontier *frontier, sealring_error *error)
{
    struct merkle_hash root = {.bytes = {0}};
    bool again = !tail->begun || covered->size > tail->size, whole = true;
    const uint64_t size = again ? covered->size : tail->size;
    const struct merkle_hash *wanted = again ? &covered->root : &tail->root;
    sealring_status status = SEALRING_OK;
    frontier->size = 0;
    if (size > 0)
        status = tree_frontier_if_whole(registry, size, frontier, &whole, error);
    if (status != SEALRING_OK)
        return status;
    if (whole && size > 0)
        merkle_root(frontier, &root);
    if (again)
        *tail = (struct entry_tail){.begun = true, .size = size, .missing = tail->missing};
    if (!whole || (size > 0 && !merkle_equal(&root, wanted))) {
        tail->lacks_signed = again;
        tail->broken = size;
    }
    return status;
}

static sealring_status follow(struct registry *registry, struct entry_tail *tail, const struct checkpoint *covered,
                              const struct own_notes *own, sealring_error *error)
{
    struct merkle_frontier frontier;
    struct merkle_hash root = {.bytes = {0}};
    bool whole = true;
    uint64_t size = 0;
    if (tail->broken != 0)
        return SEALRING_OK;
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status == SEALRING_OK)
        status = find_start(registry, tail, covered, &frontier, error);
    if (status == SEALRING_OK && tail->broken == 0)
        status = follow_entries(registry, tail, &frontier, own, error);
    if (status != SEALRING_OK || tail->broken != 0)
        return status;
    tail->size = frontier.size;
    if (frontier.size > 0)
        merkle_root(&frontier, &tail->root);
    if (frontier.size > 0)
        status = tree_root_if_whole(registry, frontier.size, &root, &whole, error);
    if (status == SEALRING_OK && frontier.size > 0 && (!whole || !merkle_equal(&root, &tail->root)))
        tail->broken = frontier.size;
    if (status == SEALRING_OK && tail->missing == 0)
        tail->missing = own_notes_missing(own, frontier.size);
    if (status == SEALRING_OK && tail->broken == 0 && size != frontier.size)
        tail->broken = frontier.size + 1;
    return status;
}

sealring_status entry_tail_follow(struct registry *registry, struct entry_tail *tail, const struct checkpoint *covered,
                                  const struct own_notes *own, sealring_error *error)
{
    struct entry_tail followed = *tail; /* after a failure, such as a conflict, all of it is read again */
    sealring_status status = follow(registry, &followed, covered, own, error);
    if (status == SEALRING_OK)
        *tail = followed;
    return status;
}
