/* SPDX-License-Identifier: Apache-2.0 */
/* Signs a checkpoint of the log after an act, and moves the anchor up to it. */
#include "manage/session/audit_token_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "log/key_change.h"
#include "log/log_tree.h"
#include "log/signed_time.h"
#include "manage/session/manager.h"
#include "manage/session/own_token_files.h"
#include "registry/connection/ended_eras.h"
#include "registry/rows/closed_facts.h"
#include "token/object/data_object.h"

#define WITNESS_LOCK_WAIT_MS 10000

sealring_status witness_counts(struct registry *registry, const struct checkpoint *checkpoint, bool *good,
                               sealring_error *error)
{
    struct merkle_hash root;
    *good = memcmp(checkpoint->era, registry_vault_row(registry)->era, sizeof checkpoint->era) == 0;
    if (*good)
        return SEALRING_OK;
    sealring_status status = tree_root_if_whole(registry, checkpoint->size, &root, good, error);
    *good = *good && merkle_equal(&root, &checkpoint->root);
    return status;
}

sealring_status witness_look(struct registry *registry, struct witness_state *state, sealring_error *error)
{
    bool found = false;
    struct checkpoint newest = {.size = 0};
    struct checkpoint *checkpoint = &state->checkpoint;
    const struct registry_vault *vault = registry_vault_row(registry);
    memset(state, 0, sizeof *state);
    checkpoint_origin(vault->vault_id, checkpoint->origin);
    memcpy(checkpoint->era, vault->era, sizeof checkpoint->era);
    sealring_status status = registry_audit_size(registry, &checkpoint->size, error);
    if (status == SEALRING_OK)
        status = signed_newest(registry, witness_counts, &newest, &state->forged, error);
    state->vouched = newest.size;
    state->vouched_facts = newest.closed_count;
    state->signed_ms = newest.time;
    if (status == SEALRING_OK)
        status = audit_keys_find(registry, &state->keys, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_NOT_FOUND, "the registry names no key for it");
    if (status == SEALRING_OK)
        status = tree_root(registry, checkpoint->size, &checkpoint->root, error);
    if (status == SEALRING_OK)
        status = registry_closed_head(registry, &checkpoint->closed_count, checkpoint->closed.bytes, error);
    return status;
}

static sealring_status witness_read_state(struct registry *registry, struct witness_state *state, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = witness_look(registry, state, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* A checkpoint's time is not before that of the previous one, unless an operator has confirmed the clock: a time signed by a late clock would be no
 * lower bound for others. */
sealring_status witness_sign(struct token *token, struct witness_state *state, bool clock_confirmed,
                             const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error)
{
    char text[CHECKPOINT_TEXT_SIZE];
    state->checkpoint.time = clock_wall_ms();
    if (!clock_confirmed && state->checkpoint.time < state->signed_ms)
        state->checkpoint.time = state->signed_ms;
    checkpoint_format(&state->checkpoint, text);
    state->row.size = state->checkpoint.size;
    state->row.time = state->checkpoint.time;
    return witness_sign_text(token, vault_id, &state->keys, text, state->row.note, error);
}

sealring_status witness_keep(struct registry *registry, const struct registry_checkpoint *row, sealring_error *error)
{
    struct registry_write how = {.moves_epoch = false};
    bool held = registry_is_locked(registry);
    sealring_status status = manager_random(how.operation_id, sizeof how.operation_id, error);
    /* the lock is taken only now: nobody is kept from writing while the token signs */
    if (status == SEALRING_OK)
        status = held ? SEALRING_OK : registry_lock(registry, WITNESS_LOCK_WAIT_MS, "checkpoint", error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction writing = registry_writing(registry, &how, error);
    do {
        if (registry_begin(&writing, &status))
            status = registry_checkpoint_insert(registry, row, error);
    } while (registry_again(&writing, &status));
    if (!held)
        registry_unlock(registry);
    return status;
}

/* Describes the checkpoint as an anchor for the token. */
static void witness_describe(const struct witness_state *state, const struct audit_witness *witness,
                             struct witness_anchor *anchor)
{
    *anchor = (struct witness_anchor){
        .serial = witness->anchored ? witness->anchor.serial + 1 : 1,
        .size = state->checkpoint.size,
        .closed_count = state->checkpoint.closed_count,
    };
    memcpy(anchor->era, state->checkpoint.era, sizeof anchor->era);
    anchor_digest(&state->checkpoint.root, state->checkpoint.closed.bytes, &anchor->digest);
}

sealring_status witness_announce(struct audit_witness *witness, const struct config *config, struct registry *registry,
                                 sealring_error *error)
{
    struct token *token = NULL;
    enum token_answer answer;
    struct witness_state state;
    struct witness_anchor *announced = &witness->take_over;
    char text[TOKEN_DATA_MAX], label[TOKEN_LABEL_MAX + 1];
    sealring_status status = witness_read_state(registry, &state, error);
    if (status == SEALRING_OK)
        status = witness_open(config, &token, error);
    if (status != SEALRING_OK)
        return status;
    witness_describe(&state, witness, announced);
    status = manager_random(announced->era, sizeof announced->era, error);
    if (status == SEALRING_OK) {
        witness_label(ANCHOR_OF_TAKE_OVER, registry_vault_row(registry)->vault_id, label);
        anchor_format(announced, text);
        status = token_data_write(token, label, text, strlen(text), &answer, error);
        witness->announced = answer == TOKEN_DONE;
        if (answer == TOKEN_REFUSES)
            status = SEALRING_OK;
    }
    token_close(token);
    return status;
}

sealring_status witness_anchor(struct token *token, struct audit_witness *witness, const struct config *config,
                               const struct witness_state *state, const uint8_t vault_id[REGISTRY_ID_SIZE],
                               sealring_error *error)
{
    struct witness_anchor anchor;
    char label[TOKEN_LABEL_MAX + 1];
    sealring_status status = SEALRING_OK;
    witness_describe(state, witness, &anchor);
    /* before the token forgets it: servers that start recognise older copies by it */
    if (witness->anchored && memcmp(witness->anchor.era, anchor.era, sizeof anchor.era) != 0)
        status = era_end(config->eras, witness->anchor.era, error);
    if (status == SEALRING_OK)
        status = anchor_store(token, vault_id, witness, &anchor, error);
    if (status != SEALRING_OK)
        return status;
    witness->anchor = anchor;
    witness->anchored = true;
    witness_label(ANCHOR_OF_TAKE_OVER, vault_id, label);
    if (witness->announced && token_data_remove(token, label, NULL, NULL) == SEALRING_OK)
        witness->announced = false;
    return SEALRING_OK;
}

sealring_status witness_move_anchor(struct audit_witness *witness, const struct witness_successor *successor,
                                    const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error)
{
    struct token *token = NULL;
    witness->number = successor->number;
    if (!witness->anchored)
        return SEALRING_OK;
    sealring_status status = witness_open(successor->config, &token, error);
    if (status == SEALRING_OK)
        status = anchor_store(token, vault_id, witness, &witness->anchor, error);
    token_close(token);
    return status == SEALRING_OK ? kept_token_follow_audit(successor->config, error) : status;
}

sealring_status witness_load_again(struct audit_witness *witness, struct token *token, struct registry *registry,
                                   sealring_error *error)
{
    enum token_answer answer;
    sealring_status status = anchor_load(token, registry_vault_row(registry)->vault_id, witness, &answer, error);
    bool contradicts;
    return status != SEALRING_OK || witness->settled ? status : witness_check(witness, registry, &contradicts, error);
}

/* Whether the state is the one that the caller has examined. */
static bool is_examined(const struct checkpoint *state, const struct fact_tail *facts, const struct entry_tail *entries)
{
    return (facts == NULL || (state->closed_count == facts->count &&
                              memcmp(state->closed.bytes, facts->head, sizeof facts->head) == 0)) &&
           (entries == NULL || (state->size == entries->size && merkle_equal(&state->root, &entries->root)));
}

/* Logs of the same length may differ: a restore that lost one entry has added another one. */
static bool is_anchored(const struct audit_witness *witness, const struct witness_state *state)
{
    struct witness_anchor wanted;
    const struct witness_anchor *anchor = &witness->anchor;
    witness_describe(state, witness, &wanted);
    return witness->anchored && anchor->size == wanted.size &&
           memcmp(anchor->era, wanted.era, sizeof wanted.era) == 0 && merkle_equal(&anchor->digest, &wanted.digest);
}

sealring_status witness_sign_whole(const struct audit_witness *witness, const struct config *config,
                                   struct registry *registry, struct registry_checkpoint *row, sealring_error *error)
{
    struct witness_state state;
    struct token *token = NULL;
    sealring_error inner = {.message = ""};
    sealring_status status = witness_read_state(registry, &state, &inner);
    if (status == SEALRING_OK)
        status = witness_open(config, &token, &inner);
    if (status == SEALRING_OK)
        status = witness_sign(token, &state, witness->clock_confirmed, registry_vault_row(registry)->vault_id, &inner);
    token_close(token);
    *row = state.row;
    return status == SEALRING_OK
               ? status
               : error_set(error, status,
                           "nothing was changed: what is restored needs a signature of the audit token %s first: %s",
                           config->audit_token, inner.message);
}

/* *what: what is lacking if it fails. *checked: facts and entries are still those that the caller has examined; otherwise nothing is signed. */
static sealring_status witness_settle_log(struct audit_witness *witness, const struct config *config,
                                          struct registry *registry, const struct fact_tail *facts,
                                          const struct entry_tail *entries, bool anchors, bool *checked,
                                          const char **what, sealring_error *error)
{
    struct witness_state state;
    struct token *token = NULL;
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    *what = "no checkpoint was signed over the latest entries, which are committed";
    sealring_status status = witness_read_state(registry, &state, error);
    if (status == SEALRING_OK && state.forged)
        snprintf(
            witness->notice, sizeof witness->notice,
            "ALARM: the registry was altered: it has a checkpoint that its key did not sign, which does not count: "
            "see `sealring audit verify`");
    *checked = is_examined(&state.checkpoint, facts, entries);
    if (status == SEALRING_OK && !*checked)
        return error_set(error, SEALRING_REGISTRY, "the registry was changed again and again meanwhile");
    bool is_signed = state.vouched == state.checkpoint.size && state.vouched_facts == state.checkpoint.closed_count;
    if (status != SEALRING_OK || (is_signed && (!anchors || is_anchored(witness, &state))))
        return status;
    status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = witness_load_again(witness, token, registry, error);
    if (status == SEALRING_OK && !is_signed) {
        status = witness_sign(token, &state, witness->clock_confirmed, vault_id, error);
        if (status == SEALRING_OK)
            status = witness_keep(registry, &state.row, error);
    }
    if (status == SEALRING_OK && anchors) {
        *what = "what was done is committed, but the audit token keeps no anchor of it";
        status = witness_anchor(token, witness, config, &state, vault_id, error);
        witness->settled = witness->settled && status != SEALRING_OK;
    }
    if (status == SEALRING_OK && anchors) {
        *what = "what was done is committed, but the audit token's files are not safe";
        status = kept_token_follow_audit(config, error);
    }
    token_close(token);
    return status;
}

bool witness_settle(struct audit_witness *witness, const struct config *config, struct registry *registry,
                    const struct fact_tail *facts, const struct entry_tail *entries, bool anchors)
{
    const char *what;
    bool checked = true;
    sealring_error error = {0};
    if (!witness_configured(config))
        return true;
    if (witness_settle_log(witness, config, registry, facts, entries, anchors, &checked, &what, &error) != SEALRING_OK)
        witness_say(witness, what, &error);
    else
        witness->remark[0] = '\0';
    return checked;
}
