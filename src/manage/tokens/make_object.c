/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a version's object in the token: first the intention, then the object under its label, then the row. */
#include "manage/tokens/make_object.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "config/config.h"
#include "kdf/claims.h"
#include "manage/tokens/object_label.h"
#include "manage/tokens/token_file_copies.h"
#include "manage/tokens/version_object.h"

/* The check input and the object ID depend on the vault's ID, and the object ID on the length that the token keeps: both are in the vault's row. */
static sealring_status intend(struct registry *registry, struct make *make, const struct registry_ring *ring,
                              sealring_error *error)
{
    const struct registry_vault *vault = registry_vault_row(registry);
    struct token_key_reference *reference = &make->reference;
    reference->object_id_length = vault->object_id_length;
    owned_mark(vault->vault_id, reference->object_id, reference->object_id_length);
    reference->check_input_length =
        claims_check_input(vault->vault_id, ring->ring_id, make->number, reference->object_id,
                           reference->object_id_length, ring->name, reference->check_input);
    if (reference->check_input_length == 0)
        return error_set(error, SEALRING_REGISTRY, "the vault's row is damaged: the length of object IDs is wrong");
    memcpy(make->intention.object_id, reference->object_id, sizeof make->intention.object_id);
    make->intention.object_id_length = reference->object_id_length;
    return registry_intention_insert(registry, &make->intention, error);
}

/* If this fails, recovery does it. */
static void forget(const struct make *make)
{
    sealring_status status;
    struct commit commit = manager_commit(make->manager, false, NULL, NULL);
    do {
        if (commit_begin(&commit, &status))
            status = registry_intention_delete(make->manager->registry, make->intention.id, NULL);
    } while (commit_again(&commit, &status));
}

/* Whether the object is made with its intention's label. If the token loses labels or cannot change them, the object has its own from the start. */
static bool keeps_intention(const struct make *make)
{
    return config_labels(make->manager->config) == TOKEN_LABELS_CHANGE;
}

static void make_finish(struct make *make)
{
    sealring_error trouble;
    if (!keeps_intention(make) ||
        (token_key_relabel(make->manager->token, make->reference.object_id, make->reference.object_id_length,
                           make->intent, make->label, NULL, NULL) == SEALRING_OK &&
         copies_follow(make->manager, &trouble) == SEALRING_OK))
        forget(make);
}

/* This process has made the object, under an ID that it drew: it needs no label to know that. An object whose making failed was destroyed by the
 * function that tried; recovery finds out whether it is gone. */
static void make_undo(struct make *make)
{
    sealring_error trouble;
    enum token_answer answer;
    if (!keeps_intention(make) && !make->generated)
        return;
    (void)token_key_destroy(make->manager->token, make->reference.object_id, make->reference.object_id_length,
                            keeps_intention(make) ? make->intent : NULL, &answer, NULL);
    if ((answer == TOKEN_DONE || answer == TOKEN_MISSING) &&
        copies_drop(make->manager, make->reference.object_id, make->reference.object_id_length, &trouble) ==
            SEALRING_OK &&
        copies_sync(make->manager, &trouble) == SEALRING_OK)
        forget(make);
}

sealring_status make_begin(struct make *make, sealring_manager *manager, const struct registry_ring *ring,
                           uint32_t number, sealring_error *error)
{
    *make = (struct make){
        .manager = manager, .number = number, .intention = {.ring = ring->id, .created = clock_wall_ms()}};
    recover_version_label(ring->name, number, make->label);
    snprintf(make->intention.owner, sizeof make->intention.owner, "%.127s", manager->actor);
    sealring_status status = token_random(manager->token, make->intention.nonce, sizeof make->intention.nonce, error);
    if (status == SEALRING_OK)
        status = token_random(manager->token, make->reference.object_id, sizeof make->reference.object_id, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, false, NULL, error);
    do {
        if (commit_begin(&commit, &status))
            status = intend(manager->registry, make, ring, error);
    } while (commit_again(&commit, &status));
    if (status != SEALRING_OK)
        return status;
    struct object_files before;
    recover_intention_label(make->intention.nonce, make->intent);
    status = copies_before(manager, &before, error);
    if (status == SEALRING_OK)
        status = token_key_generate(manager->token, keeps_intention(make) ? make->intent : make->label,
                                    &make->reference, NULL, error);
    make->generated = status == SEALRING_OK;
    if (status == SEALRING_OK)
        status = copies_add(manager, &before, make->reference.object_id, make->reference.object_id_length, error);
    objects_release(&before);
    if (status != SEALRING_OK)
        make_undo(make);
    return status;
}

void make_fill(const struct make *make, struct registry_version *version)
{
    version->number = make->number;
    memcpy(version->object_id, make->reference.object_id, sizeof version->object_id);
    version->object_id_length = make->reference.object_id_length;
    memcpy(version->check_value, make->reference.check_value, sizeof version->check_value);
    memcpy(version->prf, REGISTRY_HMAC_SHA256, sizeof REGISTRY_HMAC_SHA256);
    memcpy(version->origin, REGISTRY_GENERATED, sizeof REGISTRY_GENERATED);
}

void make_end(struct make *make, sealring_status committed)
{
    if (committed == SEALRING_OK)
        make_finish(make);
    else if (!make->manager->doubtful)
        make_undo(make);
}
