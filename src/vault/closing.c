/* SPDX-License-Identifier: Apache-2.0 */
/* The token's part in a version's end and return: closing, reopening, destroying its object. */
#include "vault/closing.h"

#include <stdio.h>

#include "base/error.h"

/* The row that the event is about: its first step's. */
static struct registry_version *subject(const struct transition *transition)
{
    return transition->decision.count == 0 ? NULL
                                           : state_find(&transition->state, transition->decision.steps[0].number);
}

static sealring_status allow_sign(struct transition *transition, bool allow, sealring_error *error)
{
    const struct registry_version *row = subject(transition);
    if (row == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "ring %s has no such version", transition->ring);
    return token_key_allow_sign(transition->manager->token, row->object_id, row->object_id_length, allow, error);
}

struct settle_context {
    int64_t ring;
    uint32_t number;
};

static sealring_status settle(struct registry *registry, void *context, sealring_error *error)
{
    const struct settle_context *settled = context;
    struct registry_version row;
    sealring_status status = registry_version_get(registry, settled->ring, settled->number, &row, error);
    if (status != SEALRING_OK)
        return status;
    row.closing_owed = false;
    return registry_version_update(registry, &row, error);
}

/* The token did its part: nothing is owed any more. Not recorded by itself: the act's own entry is. */
static sealring_status settle_owed(struct transition *transition, sealring_error *error)
{
    struct registry_version *row = subject(transition);
    struct settle_context context = {row->ring, row->number};
    row->closing_owed = false;
    return manager_write(transition->manager, false, NULL, settle, &context, error);
}

void closing_first(struct transition *transition)
{
    sealring_error error;
    if (transition->vault.token_closes_keys && manager_token(transition->manager, &error) == SEALRING_OK)
        transition->closed_already = allow_sign(transition, false, &error) == SEALRING_OK;
}

void closing_follow(struct transition *transition)
{
    sealring_change *change = transition->change;
    struct registry_version *row = subject(transition);
    sealring_error error = {.message = "the token is not open"};
    if (!transition->vault.token_closes_keys) {
        snprintf(change->remark, sizeof change->remark,
                 "this token cannot take a key's right to sign away: only the registry keeps the version closed");
        return;
    }
    if (row == NULL || !row->closing_owed)
        return;
    sealring_status status = manager_token(transition->manager, &error);
    if (status == SEALRING_OK)
        status = allow_sign(transition, false, &error);
    /* an object that is gone signs nothing */
    if (status == SEALRING_OK || status == SEALRING_NOT_FOUND)
        status = settle_owed(transition, &error);
    if (status == SEALRING_OK)
        return;
    change->closing_owed = true;
    snprintf(
        change->remark, sizeof change->remark,
        "the token was not told yet to refuse the version's key; the next command that uses the token does it (%.120s)",
        error.message);
}

sealring_status closing_reopen(struct transition *transition, sealring_error *error)
{
    sealring_status status = allow_sign(transition, true, error);
    if (status != SEALRING_OK)
        return status;
    status = transition_prove(transition, transition->decision.steps[0].number, error);
    if (status != SEALRING_OK)
        closing_revert(transition);
    return status;
}

void closing_revert(struct transition *transition)
{
    (void)allow_sign(transition, false, NULL);
}

/* A module that was initialised afresh looks again: SoftHSM2 with a read-only directory forgets a destroyed object in this
 * process only. */
static sealring_status confirm_gone(struct transition *transition, const struct registry_version *row,
                                    sealring_error *error)
{
    sealring_manager *manager = transition->manager;
    token_close(manager->token);
    manager->token = NULL;
    sealring_status status = manager_token(manager, error);
    if (status != SEALRING_OK)
        return status;
    status = transition_prove(transition, row->number, error);
    if (status == SEALRING_NOT_FOUND)
        return SEALRING_OK;
    return status == SEALRING_TOKEN
               ? status
               : error_set(error, SEALRING_TOKEN, "the token still has the object: is it read-only?");
}

sealring_status closing_destroy(struct transition *transition, sealring_error *error)
{
    struct registry_version *row = subject(transition);
    sealring_error inner;
    sealring_status status =
        token_key_destroy(transition->manager->token, row->object_id, row->object_id_length, NULL, &inner);
    if (status == SEALRING_OK || status == SEALRING_NOT_FOUND)
        status = confirm_gone(transition, row, &inner);
    if (status == SEALRING_OK)
        status = settle_owed(transition, &inner);
    if (status == SEALRING_OK)
        return SEALRING_OK;
    transition->change->closing_owed = true;
    return error_set_token(
        error, inner.token_code,
        "version %u of ring %s is destroyed for the registry, but its object is still in the token (%.200s): "
        "run `sealring destroy %s %u` again",
        row->number, transition->ring, inner.message, transition->ring, row->number);
}
