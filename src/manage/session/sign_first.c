/* SPDX-License-Identifier: Apache-2.0 */
/* Signs the checkpoint of an act that permits something before that act is committed. */
#include "manage/session/audit_token_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "manage/session/own_token_files.h"

struct signed_first {
    struct witness_state state;
    bool is_signed;
    bool is_covered;     /* what the last try resulted in is what was signed */
    struct token *token; /* open since the signature; NULL: there is none */
};

static bool is_same_state(const struct checkpoint *one, const struct checkpoint *other)
{
    return one->size == other->size && merkle_equal(&one->root, &other->root) &&
           memcmp(one->era, other->era, sizeof one->era) == 0 && one->closed_count == other->closed_count &&
           merkle_equal(&one->closed, &other->closed);
}

sealring_status witness_rehearse(struct signed_first **first, struct registry *registry, bool *covered,
                                 sealring_error *error)
{
    struct witness_state *state = malloc(sizeof *state);
    *covered = false;
    if (*first == NULL)
        *first = calloc(1, sizeof **first);
    sealring_status status =
        state == NULL || *first == NULL ? error_no_memory(error) : witness_look(registry, state, error);
    if (status != SEALRING_OK)
        goto cleanup;
    *covered = (*first)->is_covered =
        (*first)->is_signed && is_same_state(&(*first)->state.checkpoint, &state->checkpoint);
    if (*covered) {
        status = registry_checkpoint_insert(registry, &(*first)->state.row, error);
    } else {
        (*first)->state = *state;
        (*first)->is_signed = false;
    }
cleanup:
    free(state);
    return status;
}

/* The error has all that a remark about the same token would report. */
static sealring_status refuse_unsigned(struct audit_witness *witness, const struct config *config,
                                       const sealring_error *inner, const char *end, sealring_error *error)
{
    witness->remark[0] = '\0';
    (void)error_set(error, inner->status, "%s: this act needs a signature of the audit token %s first: %s", end,
                    config->audit_token, inner->message);
    if (error != NULL)
        error->token_code = inner->token_code;
    return inner->status;
}

sealring_status witness_foresee(struct audit_witness *witness, const struct config *config, sealring_error *error)
{
    if (witness->away.status == SEALRING_OK)
        return SEALRING_OK;
    return refuse_unsigned(witness, config, &witness->away, "this would be refused", error);
}

sealring_status witness_sign_first(struct audit_witness *witness, const struct config *config,
                                   struct registry *registry, struct signed_first *first, sealring_error *error)
{
    sealring_error inner = {.message = ""};
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    sealring_status status = SEALRING_OK;
    if (first->token == NULL)
        status = witness_open(config, &first->token, &inner);
    if (status == SEALRING_OK)
        status = witness_load_again(witness, first->token, registry, &inner);
    if (status == SEALRING_OK)
        status = witness_sign(first->token, &first->state, witness->clock_confirmed, vault_id, &inner);
    if (status == SEALRING_OK && witness->successor != NULL)
        status = witness_sign_both(first->token, config, witness->successor, vault_id, first->state.row.note, &inner);
    first->is_signed = status == SEALRING_OK;
    inner.status = status;
    return status == SEALRING_OK ? status : refuse_unsigned(witness, config, &inner, "nothing was changed", error);
}

void witness_end_first(struct audit_witness *witness, const struct config *config, const struct registry *registry,
                       struct signed_first **first, bool committed)
{
    sealring_error error = {.message = ""};
    if (*first == NULL)
        return;
    committed = committed && (*first)->is_covered;
    if (committed && witness_anchor((*first)->token, witness, config, &(*first)->state,
                                    registry_vault_row(registry)->vault_id, &error) != SEALRING_OK)
        witness_say(witness, "what was done is committed, but the audit token keeps no anchor of it", &error);
    else if (committed && kept_token_follow_audit(config, &error) != SEALRING_OK)
        witness_say(witness, "what was done is committed, but the audit token's files are not safe", &error);
    token_close((*first)->token);
    free(*first);
    *first = NULL;
}
