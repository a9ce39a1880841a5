/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the key that signs checkpoints: a fact names the new key, and both keys sign the checkpoint that covers it. */
#ifndef LOG_KEY_CHANGE_H
#define LOG_KEY_CHANGE_H

#include "log/audit_keys.h"
#include "registry/log/log_rows.h"
#include "registry/rows/closed_facts.h"

/* What a fact and a note prove: the key that the fact names as the new one, and the one before, have both signed the checkpoint that the note contains, which is that of this
 * entry and fact alone. before: the hash over the facts before. Pure. */
struct key_change {
    struct note_key old_key, new_key;
    uint64_t entries, facts; /* that the checkpoint covers: the old key's last */
};
bool key_change_read(const uint8_t vault_id[REGISTRY_ID_SIZE], const uint8_t before[REGISTRY_DIGEST_SIZE],
                     const struct registry_closed *fact, const char *note, struct key_change *change);

/* Call all of these inside a transaction. */

/* The keys that verify checkpoints: those of the configuration (registry_trust_key), or, without them, the one that the row names; and those to which the
 * registry's changes lead from there. *found: there is one; keys->count is 0 if the row cannot be read as one. */
sealring_status audit_keys_find(struct registry *registry, struct audit_keys *keys, bool *found, sealring_error *error);
/* Adds those to which the registry's changes lead. The newest key has an end then, if a change is there that is not proved. */
sealring_status audit_keys_follow(struct registry *registry, struct audit_keys *keys, sealring_error *error);
/* For a key that was kept elsewhere: adds those that the registry's changes name as the ones before it. */
sealring_status audit_keys_trace_back(struct registry *registry, struct audit_keys *keys, sealring_error *error);
/* Whether the row names the key that signs now; also true if the configuration names none. */
sealring_status audit_keys_agree(struct registry *registry, bool *agrees, sealring_error *error);

#endif
