/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the registry against the anchor, and lets an operator take over one that does not continue from it. */
#include "manage/session/audit_token_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/error.h"
#include "log/log_entry.h"
#include "log/log_tree.h"
#include "registry/rows/closed_facts.h"

void witness_say(struct audit_witness *witness, const char *what, const sealring_error *error)
{
    snprintf(witness->remark, sizeof witness->remark, "%s: %s", what, error->message);
}

/* The key exists since `init`, under the vault's ID, and stays even if the anchor is lost. In doubt: true. */
static bool witness_has_key(struct token *token, const struct registry *registry, uint32_t number)
{
    struct token_signer signer;
    char label[TOKEN_LABEL_MAX + 1];
    enum token_answer answer;
    witness_signer(registry_vault_row(registry)->vault_id, number, &signer);
    (void)token_signer_label(token, &signer, label, &answer, NULL);
    return answer != TOKEN_MISSING;
}

void witness_read(struct audit_witness *witness, const struct config *config, const struct registry *registry)
{
    struct token *token = NULL;
    sealring_error error = {0};
    enum token_answer answer = TOKEN_FAILED;
    witness->refused.status = witness->away.status = SEALRING_OK;
    witness->number = config_key_number(config);
    if (!witness_configured(config))
        return;
    sealring_status status = witness_open(config, &token, &error);
    if (status == SEALRING_OK)
        status = anchor_load(token, registry_vault_row(registry)->vault_id, witness, &answer, &error);
    witness->unknown =
        status == SEALRING_OK && !witness->anchored && !witness_has_key(token, registry, witness->number);
    token_close(token);
    witness->away = error;
    witness->away.status = status;
    if (status != SEALRING_OK && answer == TOKEN_REFUSES)
        witness->refused = error;
    if (status == SEALRING_OK && !witness->anchored && !witness->unknown)
        snprintf(witness->notice, sizeof witness->notice,
                 "the audit token has lost its anchor: whether the registry was rolled back before is not known");
    if (status != SEALRING_OK)
        witness_say(witness, "the audit token was not asked whether the registry was rolled back", &error);
}

/* The configuration's keys, if the audit token has the one that signs now; without them the token's own: what only another key has signed would not be believed. */
static sealring_status choose_keys(const struct config *config, const struct note_key *own, struct audit_keys *keys,
                                   sealring_error *error)
{
    char vkey[NOTE_KEY_TEXT_SIZE], newest[NOTE_KEY_TEXT_SIZE];
    note_key_format(own, vkey);
    if (!audit_keys_parse(config->audit_key[0] != '\0' ? config->audit_key : vkey, keys, NULL) || keys->count == 0)
        return error_set(error, SEALRING_TOKEN, "the audit token has a key pair whose public key is none");
    note_key_format(audit_keys_newest(keys), newest);
    if (strcmp(newest, vkey) == 0)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED,
                     "the audit token's key is not the audit-key of " CONFIG_FILE
                     ": compare both with the key that was kept elsewhere; the audit token has %.250s",
                     vkey);
}

sealring_status witness_recall(struct audit_witness *witness, const struct config *config,
                               const uint8_t vault_id[REGISTRY_ID_SIZE], struct audit_keys *keys, sealring_error *error)
{
    struct token *token = NULL;
    struct note_key own = {.type = 0};
    struct token_signer signer;
    enum token_answer answer = TOKEN_FAILED;
    witness->number = config_key_number(config);
    witness_signer(vault_id, witness->number, &signer);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = token_signer_find(token, &signer, &answer, error);
    witness->unknown = answer == TOKEN_MISSING;
    if (status == SEALRING_OK && !witness_key(vault_id, &signer, &own))
        status = error_set(error, SEALRING_TOKEN, "the audit token has a key pair whose public key is none");
    if (status == SEALRING_OK)
        status = anchor_load(token, vault_id, witness, &answer, error);
    token_close(token);
    return status == SEALRING_OK ? choose_keys(config, &own, keys, error) : status;
}

/* Whether the registry's log continues from the anchor: *matches; then *state is what the anchor is about. */
static sealring_status witness_match(const struct witness_anchor *anchor, struct registry *registry,
                                     struct checkpoint *state, bool *matches, sealring_error *error)
{
    uint64_t size = 0;
    struct merkle_hash digest;
    *matches = false;
    *state = (struct checkpoint){.size = anchor->size, .closed_count = anchor->closed_count};
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status != SEALRING_OK || size < anchor->size)
        return status;
    status = tree_root_if_whole(registry, anchor->size, &state->root, matches, error);
    if (status == SEALRING_OK && *matches)
        status = registry_closed_find(registry, anchor->closed_count, state->closed.bytes, matches, error);
    if (status == SEALRING_OK && *matches) {
        anchor_digest(&state->root, state->closed.bytes, &digest);
        *matches = merkle_equal(&digest, &anchor->digest);
    }
    return status;
}

/* Somebody may have removed the checkpoints. */
static sealring_status raise_to(const struct witness_anchor *anchor, struct registry *registry,
                                struct checkpoint *covered, sealring_error *error)
{
    struct checkpoint state;
    bool matches;
    if (anchor->size < covered->size ||
        (anchor->size == covered->size && anchor->closed_count <= covered->closed_count))
        return SEALRING_OK;
    sealring_status status = witness_match(anchor, registry, &state, &matches, error);
    if (status == SEALRING_OK && matches)
        *covered = state;
    return status;
}

static bool is_announced(const struct audit_witness *witness, const uint8_t era[REGISTRY_ID_SIZE])
{
    return witness->announced && memcmp(witness->take_over.era, era, sizeof witness->take_over.era) == 0;
}

sealring_status witness_cover(const struct audit_witness *witness, struct registry *registry,
                              struct checkpoint *covered, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    if (witness->anchored)
        status = raise_to(&witness->anchor, registry, covered, error);
    if (status == SEALRING_OK && is_announced(witness, registry_vault_row(registry)->era))
        status = raise_to(&witness->take_over, registry, covered, error);
    return status;
}

/* Whether an interrupted take-over left this state: the registry that it was about, under the era that it chose, or a later state of that registry.
 * Write access to the registry alone does not suffice to announce a take-over. */
static sealring_status witness_was_taken_over(const struct audit_witness *witness, struct registry *registry, bool *was,
                                              sealring_error *error)
{
    struct checkpoint state;
    *was = false;
    return is_announced(witness, registry_vault_row(registry)->era)
               ? witness_match(&witness->take_over, registry, &state, was, error)
               : SEALRING_OK;
}

bool witness_knows_era(const struct audit_witness *witness, const uint8_t era[REGISTRY_ID_SIZE])
{
    return !witness->anchored || witness->era_noted || is_announced(witness, era) ||
           memcmp(witness->anchor.era, era, sizeof witness->anchor.era) == 0;
}

sealring_status witness_compare(const struct audit_witness *witness, struct registry *registry, bool *contradicts,
                                sealring_error *error)
{
    struct checkpoint state;
    bool matches = false;
    bool taken_over = false;
    uint64_t size = 0;
    *contradicts = witness->refused.status != SEALRING_OK;
    if (*contradicts)
        return error_set(
            error, SEALRING_REFUSED,
            "ALARM: the audit token does not show what it knows of the registry, so whether that was rolled back "
            "is not known: %s; repair the token, or repeat the command with --take-over REASON",
            witness->refused.message);
    if (!witness->anchored && !witness->unknown)
        return SEALRING_OK;
    sealring_status status = registry_audit_size(registry, &size, error);
    *contradicts = status == SEALRING_OK && witness->unknown && size > 1;
    if (*contradicts)
        return error_set(
            error, SEALRING_REFUSED,
            "ALARM: the audit token knows nothing of this vault: the registry is another one, its vault ID was changed, "
            "or the token was: bring the right one back, or repeat the command with --take-over REASON");
    if (!witness->anchored)
        return status;
    if (status == SEALRING_OK)
        status = witness_match(&witness->anchor, registry, &state, &matches, error);
    const bool known_era = witness_knows_era(witness, registry_vault_row(registry)->era);
    if (status != SEALRING_OK || (matches && known_era))
        return status;
    status = witness_was_taken_over(witness, registry, &taken_over, error);
    if (status != SEALRING_OK || taken_over)
        return status;
    *contradicts = true;
    if (matches)
        return error_set(
            error, SEALRING_REFUSED,
            "ALARM: the registry is of another era than the audit token knows, and no restore or take-over "
            "of this vault began it: bring the newest registry back, or repeat the command with "
            "--take-over REASON");
    if (size < witness->anchor.size)
        return error_set(error, SEALRING_REFUSED,
                         "ALARM: the registry was rolled back: its audit log ends with entry %" PRIu64
                         ", the audit token knows of %" PRIu64 ": bring the newest registry back, or, if what is "
                         "missing is lost, repeat the command with --take-over REASON",
                         size, witness->anchor.size);
    return error_set(error, SEALRING_REFUSED,
                     "ALARM: the registry is another one, or its audit log was changed: up to entry %" PRIu64
                     " it is not what the audit token knows: see `sealring audit verify`; bring the right registry "
                     "back, or repeat the command with --take-over REASON",
                     witness->anchor.size);
}

sealring_status witness_take_over(const struct audit_witness *witness, struct registry *registry, const char *reason,
                                  struct audit_act *act, sealring_error *error)
{
    const uint8_t *era = witness->take_over.era;
    uint64_t size = 0;
    char text[TOKEN_DATA_MAX], before[2 * REGISTRY_ID_SIZE + 1], after[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(registry_vault_row(registry)->era, REGISTRY_ID_SIZE, before);
    hex_encode(era, REGISTRY_ID_SIZE, after);
    anchor_format(&witness->anchor, text);
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status == SEALRING_OK)
        status = registry_vault_renew(registry, era, registry_vault_row(registry)->epoch, error);
    audit_detail(act, "{s:s, s:I, s:s, s:s, s:s}", "anchor", text, "entries", (json_int_t)size, "era_before", before,
                 "era_after", after, "reason", reason);
    return status;
}

sealring_status witness_check(const struct audit_witness *witness, struct registry *registry, bool *contradicts,
                              sealring_error *error)
{
    sealring_status status;
    *contradicts = false;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = witness_compare(witness, registry, contradicts, error);
    } while (registry_again(&reading, &status));
    return status;
}
