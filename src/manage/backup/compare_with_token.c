/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a restored registry with the key token, which no backup of the registry rolls back: what the token closed stays closed. */
#include "manage/backup/compare_with_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "lifecycle/invariant.h"
#include "lifecycle/transition_table.h"
#include "manage/session/ring_state.h"
#include "manage/tokens/recover_interrupted.h"
#include "verifier/request/derive.h"

/* A key object of the token. */
struct confront_object {
    struct token_key_info info;
    bool known; /* a version has this object */
};

/* ---- What the registry contains ---- */

static sealring_status confront_add_version(struct confront *confront, const struct registry_ring *ring,
                                            const struct registry_version *version, sealring_error *error)
{
    if (!array_grow(&confront->versions, confront->count))
        return error_no_memory(error);
    confront->versions[confront->count++] = (struct confront_version){.row = *version, .ring = *ring};
    return SEALRING_OK;
}

static sealring_status confront_add_ring(struct confront *confront, const struct registry_ring *ring,
                                         struct registry *registry, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    struct registry_version version;
    if (!array_grow(&confront->rings, confront->ring_count))
        return error_no_memory(error);
    confront->rings[confront->ring_count++] = *ring;
    struct registry_cursor versions = registry_versions(registry, ring->id, error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version))
        status = confront_add_version(confront, ring, &version, error);
    return registry_close_cursor(&versions, status);
}

static sealring_status confront_read(struct confront *confront, struct registry *registry, sealring_error *error)
{
    sealring_status status;
    struct registry_ring ring;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        confront->count = confront->ring_count = 0;
        if (!registry_begin(&reading, &status))
            continue;
        confront->vault = *registry_vault_row(registry);
        struct registry_cursor rings = registry_rings(registry, error);
        while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
            status = confront_add_ring(confront, &ring, registry, error);
        status = registry_close_cursor(&rings, status);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- What the token contains ---- */

static sealring_status take_object(const struct token_key_info *key, void *context, sealring_error *error)
{
    struct confront *confront = context;
    if (!array_grow(&confront->objects, confront->object_count))
        return error_no_memory(error);
    confront->objects[confront->object_count++] = (struct confront_object){.info = *key};
    return SEALRING_OK;
}

static struct confront_object *find_object(const struct confront *confront, const struct registry_version *version)
{
    for (size_t i = 0; i < confront->object_count; i++) {
        struct confront_object *object = &confront->objects[i];
        if (object->info.object_id_length == version->object_id_length &&
            memcmp(object->info.object_id, version->object_id, version->object_id_length) == 0)
            return object;
    }
    return NULL;
}

/* A closed version's object must not sign. The key is tried, as some tokens keep CKA_SIGN and sign all the same. */
static sealring_status judge_closed(const struct confront *confront, struct token *token,
                                    struct confront_version *version, const struct confront_object *object,
                                    sealring_error *error)
{
    bool signs = false;
    enum token_answer answer = TOKEN_DONE;
    sealring_status status = SEALRING_OK;
    if (object != NULL && confront->vault.token_closes_keys)
        status = token_key_signs(token, version->row.object_id, version->row.object_id_length, &signs, &answer, error);
    if (status == SEALRING_OK && signs)
        version->verdict = CONFRONT_OPEN;
    return answer == TOKEN_FAILED ? status : SEALRING_OK;
}

static sealring_status judge(struct confront *confront, struct token *token, struct confront_version *version,
                             sealring_error *error)
{
    struct token_key_reference reference;
    sealring_error inner = {0};
    enum token_answer answer;
    struct confront_object *object = find_object(confront, &version->row);
    if (object != NULL)
        object->known = true;
    version->gone = object == NULL;
    version->verdict = CONFRONT_GOOD;
    if (!lifecycle_accepts(version->row.state))
        return judge_closed(confront, token, version, object, error);
    if (object == NULL) {
        version->verdict = CONFRONT_GONE;
    } else if (!object->info.sign) {
        version->verdict = CONFRONT_CLOSED;
    } else {
        derive_reference(&confront->vault, &version->ring, &version->row, &reference);
        sealring_status status = token_key_prove(token, &reference, &answer, &inner);
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
    for (size_t i = 0; i < confront->ring_count; i++) {
        recover_version_label(confront->rings[i].name, *number, again);
        if (strcmp(again, label) == 0)
            return &confront->rings[i];
    }
    return NULL;
}

/* An object whose making is not complete has another label, and recovery handles it. */
static void count_strange(struct confront *confront)
{
    for (size_t i = 0; i < confront->object_count; i++) {
        const struct confront_object *object = &confront->objects[i];
        size_t length = strlen(confront->strange_names);
        if (object->known || strncmp(object->info.label, "sealring/", 9) != 0)
            continue;
        confront->strange++;
        if (length + strlen(object->info.label) + 3 < sizeof confront->strange_names)
            snprintf(confront->strange_names + length, sizeof confront->strange_names - length, "%s%s",
                     length > 0 ? ", " : "", object->info.label);
    }
}

sealring_status confront_token(struct confront *confront, const struct config *config, struct registry *registry,
                               sealring_error *error)
{
    struct token_config token_config;
    struct token *token = NULL;
    memset(confront, 0, sizeof *confront);
    sealring_status status = confront_read(confront, registry, error);
    config_token(config, &token_config);
    if (status == SEALRING_OK)
        status = token_open(&token_config, &token, error);
    if (status == SEALRING_OK)
        status = token_key_each(token, "", take_object, confront, error);
    for (size_t i = 0; status == SEALRING_OK && i < confront->count; i++)
        status = judge(confront, token, &confront->versions[i], error);
    token_close(token);
    if (status == SEALRING_OK)
        count_strange(confront);
    return status;
}

/* ---- Consequences ---- */

static sealring_status retire(const struct confront_version *version, const struct confront *confront, int64_t now,
                              struct registry *registry, sealring_error *error)
{
    struct registry_version row = version->row;
    row.state = SEALRING_VERSION_RETIRED;
    row.activated = row.activated != 0 ? row.activated : now; /* a retired version must have been active */
    row.retire_at = 0;
    row.closed = now;
    row.purge_at = now + version->ring.policy.purge_delay;
    row.closing_owed = version->verdict == CONFRONT_WRONG && confront->vault.token_closes_keys;
    return registry_version_update(registry, &row, error);
}

static sealring_status settle_version(const struct confront_version *version, const struct confront *confront,
                                      int64_t now, struct registry *registry, sealring_error *error)
{
    struct registry_version row = version->row;
    sealring_status status = SEALRING_OK;
    if (version->verdict == CONFRONT_OPEN && !row.closing_owed) {
        row.closing_owed = true;
        status = registry_version_update(registry, &row, error);
    } else if (version->verdict != CONFRONT_GOOD && version->verdict != CONFRONT_OPEN) {
        status = retire(version, confront, now, registry, error);
    }
    if (status == SEALRING_OK && lifecycle_accepts(version->row.state))
        status = registry_version_use_put(registry, row.ring, row.number, now, error);
    return status;
}

static sealring_status skip_numbers(const struct confront *confront, struct registry *registry, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < confront->object_count; i++) {
        uint32_t number = 0;
        const struct confront_object *object = &confront->objects[i];
        const struct registry_ring *found = object->known ? NULL : ring_of_label(confront, object->info.label, &number);
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
    for (size_t i = 0; status == SEALRING_OK && i < confront->count; i++)
        status = settle_version(&confront->versions[i], confront, now, registry, error);
    if (status == SEALRING_OK && lost)
        status = skip_numbers(confront, registry, error);
    for (size_t i = 0; status == SEALRING_OK && i < confront->ring_count; i++)
        status = check_ring(&confront->rings[i], registry, error);
    return status;
}

void confront_release(struct confront *confront)
{
    free(confront->versions);
    free(confront->rings);
    free(confront->objects);
    memset(confront, 0, sizeof *confront);
}
