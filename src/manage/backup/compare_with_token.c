/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a restored registry with the key token, which no backup of the registry rolls back: what the token closed stays closed. */
#include "manage/backup/compare_with_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lifecycle/invariant.h"
#include "lifecycle/transition_table.h"
#include "manage/session/ring_state.h"
#include "manage/tokens/recover_interrupted.h"
#include "verifier/request/derive.h"

/* A closed version's object must not sign. The key is tried, as some tokens keep CKA_SIGN and sign all the same. */
static sealring_status judge_closed(const struct confront *confront, struct token *token,
                                    struct confront_version *version, const struct token_key_info *object,
                                    sealring_error *error)
{
    bool signs = false;
    enum token_answer answer = TOKEN_DONE;
    sealring_status status = SEALRING_OK;
    if (object != NULL && confront->inventory.vault.token_closes_keys)
        status =
            token_key_signs(token, version->row->object_id, version->row->object_id_length, &signs, &answer, error);
    if (status == SEALRING_OK && signs)
        version->verdict = CONFRONT_OPEN;
    return answer == TOKEN_FAILED ? status : SEALRING_OK;
}

static sealring_status judge(struct confront *confront, struct token *token, struct confront_version *version,
                             sealring_error *error)
{
    sealring_error inner = {0};
    enum token_answer answer;
    const struct token_key_info *object;
    version->gone = inventory_count_objects(&confront->inventory, version->row->object_id,
                                            version->row->object_id_length, &object) == 0;
    version->verdict = CONFRONT_GOOD;
    if (!lifecycle_accepts(version->row->state))
        return judge_closed(confront, token, version, object, error);
    if (object == NULL) {
        version->verdict = CONFRONT_GONE;
    } else if (!object->sign) {
        version->verdict = CONFRONT_CLOSED;
    } else {
        sealring_status status =
            derive_prove(token, &confront->inventory.vault, version->ring, version->row, &answer, &inner);
        if (answer == TOKEN_FAILED) {
            if (error != NULL)
                *error = inner;
            return status;
        }
        if (answer != TOKEN_DONE)
            version->verdict = answer == TOKEN_MISSING ? CONFRONT_GONE : CONFRONT_WRONG;
        snprintf(version->why, sizeof version->why, "%.127s", inner.message);
    }
    if (version->verdict == CONFRONT_GOOD)
        confront->proved++;
    else
        confront->lost++;
    return SEALRING_OK;
}

/* "sealring/RING/NUMBER": the ring if it is one of this vault's, NULL for another label. */
static const struct registry_ring *ring_of_label(const struct confront *confront, const char *label, uint32_t *number)
{
    char again[TOKEN_LABEL_MAX + 1];
    const char *slash = strrchr(label, '/');
    *number = slash != NULL ? (uint32_t)strtoul(slash + 1, NULL, 10) : 0;
    for (size_t i = 0; i < confront->inventory.ring_count; i++) {
        recover_version_label(confront->inventory.rings[i].name, *number, again);
        if (strcmp(again, label) == 0)
            return &confront->inventory.rings[i];
    }
    return NULL;
}

/* Whether it is the first object that has the ID of a version. */
static bool is_known(const struct inventory *inventory, const struct token_key_info *object)
{
    const struct token_key_info *first;
    (void)inventory_count_objects(inventory, object->object_id, object->object_id_length, &first);
    return first == object && inventory_find_version(inventory, object) != NULL;
}

/* An object whose making is not complete has another label, and recovery handles it. */
static void count_strange(struct confront *confront)
{
    for (size_t i = 0; i < confront->inventory.object_count; i++) {
        const struct token_key_info *object = &confront->inventory.objects[i];
        size_t length = strlen(confront->strange_names);
        if (is_known(&confront->inventory, object) || strncmp(object->label, "sealring/", 9) != 0)
            continue;
        confront->strange++;
        if (length + strlen(object->label) + 3 < sizeof confront->strange_names)
            snprintf(confront->strange_names + length, sizeof confront->strange_names - length, "%s%s",
                     length > 0 ? ", " : "", object->label);
    }
}

static sealring_status make_versions(struct confront *confront, sealring_error *error)
{
    struct inventory *inventory = &confront->inventory;
    confront->versions = calloc(inventory->version_count + 1, sizeof *confront->versions);
    if (confront->versions == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < inventory->version_count; i++) {
        confront->versions[i].row = &inventory->versions[i].row;
        confront->versions[i].ring = &inventory->versions[i].ring;
    }
    return SEALRING_OK;
}

sealring_status confront_token(struct confront *confront, const struct config *config, struct registry *registry,
                               sealring_error *error)
{
    struct token *token = NULL;
    struct inventory *inventory = &confront->inventory;
    memset(confront, 0, sizeof *confront);
    struct token_config token_config = config_token(config);
    sealring_status status = inventory_read(inventory, registry, error);
    if (status == SEALRING_OK)
        status = make_versions(confront, error);
    if (status == SEALRING_OK)
        status = token_open(&token_config, &token, error);
    if (status == SEALRING_OK)
        status = token_key_each(token, "", inventory_add_object, inventory, error);
    for (size_t i = 0; status == SEALRING_OK && i < confront->inventory.version_count; i++)
        status = judge(confront, token, &confront->versions[i], error);
    token_close(token);
    if (status == SEALRING_OK)
        count_strange(confront);
    return status;
}

/* ---- Consequences ---- */

static sealring_status settle_version(const struct confront_version *version, const struct confront *confront,
                                      int64_t now, struct registry *registry, sealring_error *error)
{
    struct registry_version row = *version->row;
    bool stays = version->verdict == CONFRONT_GOOD || (version->verdict == CONFRONT_OPEN && row.closing_owed);
    if (version->verdict == CONFRONT_OPEN) {
        row.closing_owed = true;
    } else if (!stays) {
        row.state = SEALRING_VERSION_RETIRED;
        row.activated = row.activated != 0 ? row.activated : now; /* a retired version must have been active */
        row.retire_at = 0;
        row.closed = now;
        row.purge_at = now + version->ring->policy.purge_delay;
        row.closing_owed = version->verdict == CONFRONT_WRONG && confront->inventory.vault.token_closes_keys;
    }
    sealring_status status = stays ? SEALRING_OK : registry_version_update(registry, &row, error);
    if (status == SEALRING_OK && lifecycle_accepts(version->row->state))
        status = registry_version_use_put(registry, row.ring, row.number, now, error);
    return status;
}

static sealring_status skip_numbers(const struct confront *confront, struct registry *registry, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < confront->inventory.object_count; i++) {
        uint32_t number = 0;
        const struct token_key_info *object = &confront->inventory.objects[i];
        const struct registry_ring *found =
            is_known(&confront->inventory, object) ? NULL : ring_of_label(confront, object->label, &number);
        struct registry_ring ring;
        if (found == NULL)
            continue;
        bool there = false;
        status = registry_ring_find(registry, found->name, &ring, &there, error);
        if (status == SEALRING_OK && there && number > ring.last_version) {
            ring.last_version = number;
            status = registry_ring_update(registry, &ring, error);
        }
    }
    return status;
}

static sealring_status check_ring(const struct registry_ring *ring, struct registry *registry, sealring_error *error)
{
    struct ring_state state = {0};
    sealring_status status = state_load(registry, ring->name, &state, error);
    const char *broken = status == SEALRING_OK ? lifecycle_broken_invariant(&state.view) : NULL;
    if (broken != NULL)
        status = error_set(error, SEALRING_REGISTRY, "ring %s would be inconsistent, nothing was changed: %s",
                           ring->name, broken);
    state_release(&state);
    return status;
}

sealring_status confront_settle(const struct confront *confront, bool lost, int64_t now, struct registry *registry,
                                sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < confront->inventory.version_count; i++)
        status = settle_version(&confront->versions[i], confront, now, registry, error);
    if (status == SEALRING_OK && lost)
        status = skip_numbers(confront, registry, error);
    for (size_t i = 0; status == SEALRING_OK && i < confront->inventory.ring_count; i++)
        status = check_ring(&confront->inventory.rings[i], registry, error);
    return status;
}

void confront_release(struct confront *confront)
{
    free(confront->versions);
    inventory_release(&confront->inventory);
    memset(confront, 0, sizeof *confront);
}
