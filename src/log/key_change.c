/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the key that signs checkpoints: a fact names the new key, and both keys sign the checkpoint that covers it. */
#include "log/key_change.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/checkpoint.h"

#define CHANGES_MOST \
    64 /* that are read at once: whoever inserts more gains nothing but that later ones are not followed */

bool key_change_read(const uint8_t vault_id[REGISTRY_ID_SIZE], const uint8_t before[REGISTRY_DIGEST_SIZE],
                     const struct registry_closed *fact, const char *note, struct key_change *change)
{
    struct note parsed;
    struct registry_key_change row;
    struct checkpoint checkpoint;
    char origin[CHECKPOINT_ORIGIN_SIZE];
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    checkpoint_origin(vault_id, origin);
    registry_closed_hash(before, fact, hash);
    if (!registry_key_change_read(fact, vault_id, &row) || !note_key_parse(row.old_key, &change->old_key) ||
        !note_key_parse(row.new_key, &change->new_key) || !note_parse(note, strlen(note), &parsed, NULL) ||
        !checkpoint_parse(parsed.text, parsed.text_length, &checkpoint) || strcmp(checkpoint.origin, origin) != 0 ||
        checkpoint.size != row.size || checkpoint.closed_count != fact->sequence ||
        memcmp(checkpoint.closed.bytes, hash, sizeof hash) != 0)
        return false;
    change->entries = checkpoint.size;
    change->facts = checkpoint.closed_count;
    return note_verify(&parsed, &change->old_key) == NOTE_GOOD && note_verify(&parsed, &change->new_key) == NOTE_GOOD;
}

static sealring_status read_change(struct registry *registry, uint64_t sequence, struct registry_closed *fact,
                                   uint8_t before[REGISTRY_DIGEST_SIZE], bool *found, sealring_error *error)
{
    sealring_status status = registry_closed_find(registry, sequence - 1, before, found, error);
    if (status != SEALRING_OK || !*found)
        return status;
    struct registry_cursor facts = registry_closed_facts(registry, sequence - 1, error);
    *found = registry_closed_next(&facts, fact);
    return registry_close_cursor(&facts, status);
}

/* *there: it names both keys. *proved: both have signed it. */
static sealring_status take_change(struct registry *registry, uint64_t sequence, char *note, struct key_change *change,
                                   bool *there, bool *proved, sealring_error *error)
{
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    struct registry_closed fact;
    struct registry_key_change row;
    uint8_t before[REGISTRY_DIGEST_SIZE];
    bool found = false;
    *there = *proved = false;
    sealring_status status = read_change(registry, sequence, &fact, before, &found, error);
    if (status != SEALRING_OK || !found || !registry_key_change_read(&fact, vault_id, &row))
        return status;
    *there = note_key_parse(row.old_key, &change->old_key) && note_key_parse(row.new_key, &change->new_key);
    change->entries = row.size;
    change->facts = sequence;
    status = registry_checkpoint_find_at(registry, row.size, note, &found, error);
    *proved = status == SEALRING_OK && found && key_change_read(vault_id, before, &fact, note, change);
    return status;
}

/* The changes after the fact `sequence`, in order. */
static sealring_status each_change(struct registry *registry, uint64_t sequence, struct audit_keys *keys,
                                   void (*take)(struct audit_keys *keys, const struct key_change *change, bool proved),
                                   sealring_error *error)
{
    struct key_change change;
    char *note = NULL;
    bool found = keys->count > 0, there = false, proved = false;
    sealring_status status = SEALRING_OK;
    for (int changes = 0; status == SEALRING_OK && found && changes < CHANGES_MOST; changes++) {
        status = registry_key_change_after(registry, sequence, &sequence, &found, error);
        if (status != SEALRING_OK || !found)
            break;
        note = note != NULL ? note : malloc(REGISTRY_NOTE_SIZE);
        status = note == NULL ? error_no_memory(error)
                              : take_change(registry, sequence, note, &change, &there, &proved, error);
        if (status == SEALRING_OK && there)
            take(keys, &change, proved);
    }
    free(note);
    return status;
}

/* The old key ends at once, even if the signatures are not there: somebody may hide them, to go on with a stolen old key. The new one counts only under them. */
static void take_next(struct audit_keys *keys, const struct key_change *change, bool proved)
{
    struct audit_key *newest = &keys->keys[keys->count - 1];
    if (!note_key_same(&newest->key, &change->old_key))
        return;
    if (proved && audit_keys_add(keys, &change->new_key, change->entries, change->facts))
        return;
    newest->entries = newest->entries < change->entries ? newest->entries : change->entries;
    newest->facts = newest->facts < change->facts ? newest->facts : change->facts;
}

sealring_status audit_keys_follow(struct registry *registry, struct audit_keys *keys, sealring_error *error)
{
    if (keys->count > 0)
        keys->keys[keys->count - 1].entries = keys->keys[keys->count - 1].facts = UINT64_MAX;
    return each_change(registry, keys->count > 1 ? keys->keys[keys->count - 2].facts : 0, keys, take_next, error);
}

static void take_previous(struct audit_keys *keys, const struct key_change *change, bool proved)
{
    if (proved && note_key_same(&keys->keys[0].key, &change->new_key))
        (void)audit_keys_prepend(keys, &change->old_key, change->entries, change->facts);
}

/* One change more in each round, as the latest is the first that is needed. */
sealring_status audit_keys_trace_back(struct registry *registry, struct audit_keys *keys, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t before = 0; status == SEALRING_OK && before != keys->count;) {
        before = keys->count;
        status = each_change(registry, 0, keys, take_previous, error);
    }
    return status;
}

sealring_status audit_keys_find(struct registry *registry, struct audit_keys *keys, bool *found, sealring_error *error)
{
    char vkey[REGISTRY_VKEY_SIZE] = "";
    const char *text = registry_trusted_key(registry);
    sealring_status status = SEALRING_OK;
    keys->count = 0;
    *found = text != NULL;
    if (text == NULL) {
        status = registry_audit_key_find(registry, vkey, found, error);
        text = vkey;
    }
    if (status != SEALRING_OK || !*found)
        return status;
    if (!audit_keys_parse(text, keys, NULL))
        keys->count = 0;
    return audit_keys_follow(registry, keys, error);
}

sealring_status audit_keys_agree(struct registry *registry, bool *agrees, sealring_error *error)
{
    struct audit_keys keys;
    char vkey[NOTE_KEY_TEXT_SIZE] = "";
    bool found;
    *agrees = true;
    if (registry_trusted_key(registry) == NULL)
        return SEALRING_OK;
    sealring_status status = audit_keys_find(registry, &keys, &found, error);
    if (status != SEALRING_OK)
        return status;
    if (keys.count > 0)
        note_key_format(audit_keys_newest(&keys), vkey);
    return registry_audit_key_is(registry, vkey, agrees, error);
}
