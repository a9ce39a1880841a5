/* SPDX-License-Identifier: Apache-2.0 */
/* The token's part when a version is closed, reinstated or destroyed: closing, reopening and destroying its object. */
#include "manage/versions/close_object.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "manage/act/act.h"
#include "manage/tokens/token_file_copies.h"

/* The version that the event is about is the one of its first step. */
static uint32_t subject(const struct transition *transition)
{
    return transition->decision.steps[0].number;
}

/* answer: the token's, TOKEN_FAILED if it was not asked. */
static sealring_status allow_sign(struct transition *transition, bool allow, enum token_answer *answer,
                                  sealring_error *error)
{
    const struct registry_version *row = state_find(&transition->state, subject(transition));
    struct owned owned;
    *answer = TOKEN_FAILED;
    if (row == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "ring %s has no such version", transition->ring);
    owned_aim(&transition->vault, &transition->state.ring, row, &owned);
    sealring_status status = owned_allow_sign(transition->manager->token, &owned, allow, error);
    *answer = owned.answer;
    if (status == SEALRING_OK && allow)
        status = copies_follow(transition->manager, error);
    else if (status == SEALRING_OK)
        copies_follow_closing(transition->manager, row->object_id, row->object_id_length);
    return status;
}

/* Notes that the token still has to do its part, or has done it. `act` is the audit entry for this; NULL: the act's own entry records it. */
static sealring_status set_owed(struct transition *transition, bool owed, struct audit_act *act, sealring_error *error)
{
    struct registry *registry = transition->manager->registry;
    struct registry_version row;
    bool found;
    sealring_status status;
    struct commit commit = manager_commit(transition->manager, false, act, error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        status = registry_version_find(registry, transition->state.ring.id, subject(transition), &row, &found, error);
        if (status == SEALRING_OK && !found)
            status = error_set(error, SEALRING_NOT_FOUND, "ring %s has no version %u", transition->ring,
                               subject(transition));
        if (status != SEALRING_OK)
            continue;
        row.closing_owed = owed;
        status = registry_version_update(registry, &row, error);
    } while (commit_again(&commit, &status));
    return status;
}

void closing_aim(const struct transition *transition, struct owned *target)
{
    const struct registry_version *row = state_find(&transition->state, subject(transition));
    memset(target, 0, sizeof *target);
    if (row != NULL)
        owned_aim(&transition->vault, &transition->state.ring, row, target);
}

/* Tried even if the registry states that this token cannot close keys: anybody who can write the registry can write that. */
bool closing_regardless(struct transition *transition, struct owned *target)
{
    const struct token_key_reference *object = &target->reference;
    bool closed = transition->manager->token != NULL && object->object_id_length > 0 &&
                  owned_allow_sign(transition->manager->token, target, false, NULL) == SEALRING_OK;
    if (closed)
        copies_follow_closing(transition->manager, object->object_id, object->object_id_length);
    return closed;
}

void closing_follow(struct transition *transition, const char *problem)
{
    sealring_change *change = transition->change;
    sealring_error error = {.status = SEALRING_TOKEN};
    enum token_answer answer = TOKEN_FAILED;
    snprintf(error.message, sizeof error.message, "%s", problem);
    if (transition->manager->token != NULL)
        (void)allow_sign(transition, false, &answer, &error);
    if (!transition->vault.token_closes_keys) {
        snprintf(change->remark, sizeof change->remark,
                 "this token cannot take a key's right to sign away: only the registry keeps the version closed");
        return;
    }
    /* an object that is gone signs nothing; while another act works in the token, that act may have restored the right to sign, so the closing
     * stays owed */
    bool refuses = answer == TOKEN_DONE || answer == TOKEN_MISSING;
    if (refuses && !manager_holds_work(transition->manager)) {
        change->closing_owed = true;
        snprintf(
            change->remark, sizeof change->remark,
            "the token refuses the version's key; as another command is at work in the token, the next one that uses the token checks "
            "that again");
        return;
    }
    if (refuses && set_owed(transition, false, NULL, &error) == SEALRING_OK)
        return;
    change->closing_owed = true;
    snprintf(change->remark, sizeof change->remark,
             "the token does not refuse the version's key yet; the next command that uses the token closes it (%.120s)",
             error.message);
}

sealring_status closing_reopen(struct transition *transition, sealring_error *error)
{
    enum token_answer answer;
    sealring_status status = SEALRING_OK;
    if (transition->vault.token_closes_keys)
        status = set_owed(transition, true, NULL, error);
    if (status == SEALRING_OK)
        status = allow_sign(transition, true, &answer, error);
    if (status == SEALRING_OK)
        status = transition_prove(transition, subject(transition), &answer, error);
    if (status != SEALRING_OK)
        closing_revert(transition);
    return status;
}

void closing_revert(struct transition *transition)
{
    enum token_answer answer;
    /* read again: the transaction may have loaded only a part of the ring */
    if (transition_load(transition, NULL) == SEALRING_OK && allow_sign(transition, false, &answer, NULL) == SEALRING_OK)
        (void)set_owed(transition, false, NULL, NULL);
}

sealring_status closing_destroy(struct transition *transition, struct audit_act *act, sealring_error *error)
{
    const struct registry_version *row = state_find(&transition->state, subject(transition));
    struct owned owned;
    sealring_error inner;
    owned_aim(&transition->vault, &transition->state.ring, row, &owned);
    sealring_status status = owned_identify(transition->manager->token, &owned, &inner);
    /* the copy goes first, and from the disk as well, so that nothing can restore the object */
    if (status == SEALRING_OK || owned.answer == TOKEN_MISSING)
        status = copies_drop(transition->manager, row->object_id, row->object_id_length, &inner);
    if (status == SEALRING_OK) {
        status = owned_destroy(transition->manager->token, &owned, &inner);
        if (status == SEALRING_OK || owned.answer == TOKEN_MISSING)
            status = copies_sync(transition->manager, &inner);
    }
    if (status == SEALRING_OK)
        status = set_owed(transition, false, act, &inner);
    if (status == SEALRING_OK)
        return SEALRING_OK;
    transition->change->closing_owed = true;
    return error_set_token(
        error, inner.token_code,
        "version %u of ring %s is destroyed for the registry, but its object is still in the token (%.200s): "
        "run `sealring destroy %s %u` again",
        row->number, transition->ring, inner.message, transition->ring, row->number);
}
