/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log replayed: what its entries say was done to keys, versions, rings and the vault, held against the rows. */
#include "vault/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "credential/scope.h"

#define REPLAY_NAME_SIZE (SEALRING_NAME_LENGTH_MAX + 16)

/* Maps: jansson's objects are hash tables. Only of what something was done to: most keys are issued and never touched again. */
struct replay {
    json_t *keys;     /* key ID: {state, narrowed, ends: [[serial, end] …]}, each if there was such an act */
    json_t *versions; /* RING/NUMBER: {state, retire_at, purge_at}, {} if not known */
    json_t *rings;    /* name: {prefix, policy} */
    json_t *init;     /* the vault's first detail; NULL: none seen */
    uint64_t credentials;
};

struct comparison {
    struct replay *replay;
    struct registry *registry;
    replay_problem problem;
    void *context;
    const char *ring; /* whose versions are walked through */
    const char *key_id;
    const json_t *ends;
};

sealring_status replay_new(struct replay **made, sealring_error *error)
{
    struct replay *replay = calloc(1, sizeof *replay);
    *made = replay;
    if (replay == NULL)
        return error_no_memory(error);
    replay->keys = json_object();
    replay->versions = json_object();
    replay->rings = json_object();
    if (replay->keys != NULL && replay->versions != NULL && replay->rings != NULL)
        return SEALRING_OK;
    replay_free(replay);
    *made = NULL;
    return error_no_memory(error);
}

void replay_free(struct replay *replay)
{
    if (replay == NULL)
        return;
    json_decref(replay->keys);
    json_decref(replay->versions);
    json_decref(replay->rings);
    json_decref(replay->init);
    free(replay);
}

/* ---- Acts ---- */

static json_t *member_of(json_t *map, const char *name)
{
    json_t *member = json_object_get(map, name);
    if (member == NULL && json_object_set_new(map, name, json_object()) == 0)
        member = json_object_get(map, name);
    return member;
}

static bool replay_state(struct replay *replay, const struct registry_audit *entry, const json_t *detail)
{
    return json_object_set(member_of(replay->keys, entry->key_id), "state", json_object_get(detail, "after")) == 0;
}

static bool replay_narrow(struct replay *replay, const struct registry_audit *entry, const json_t *detail)
{
    return json_object_set(member_of(replay->keys, entry->key_id), "narrowed", json_object_get(detail, "after")) == 0;
}

/* Scopes beyond what the key was narrowed to lift that (vault/rekey.c). */
static bool replay_rekey(struct replay *replay, const struct registry_audit *entry, const json_t *detail)
{
    json_t *key = member_of(replay->keys, entry->key_id);
    const char *narrowed = json_string_value(json_object_get(key, "narrowed"));
    const char *scopes = json_string_value(json_object_get(detail, "scopes_after"));
    replay->credentials++;
    if (narrowed != NULL && scopes != NULL && !scope_includes(narrowed, scopes, NULL, NULL))
        json_object_del(key, "narrowed");
    if (json_object_get(key, "ends") == NULL)
        json_object_set_new(key, "ends", json_array());
    return json_array_append_new(json_object_get(key, "ends"), json_pack("[O, O]", json_object_get(detail, "serial"),
                                                                         json_object_get(detail, "older_end"))) == 0;
}

static bool replay_reissue(struct replay *replay, const struct registry_audit *entry, const json_t *detail)
{
    const json_t *keys = json_object_get(detail, "handed_over");
    (void)entry;
    for (size_t i = 0; i < json_array_size(keys); i++)
        if (json_is_false(json_array_get(json_array_get(keys, i), 2)))
            replay->credentials++;
    return keys != NULL;
}

static json_t *version_of(struct replay *replay, const char *ring, uint32_t number)
{
    char name[REPLAY_NAME_SIZE];
    snprintf(name, sizeof name, "%.64s/%" PRIu32, ring, number);
    return member_of(replay->versions, name);
}

static bool replay_ring(struct replay *replay, const struct registry_audit *entry, const json_t *detail)
{
    json_t *ring = member_of(replay->rings, entry->ring);
    json_t *version = version_of(replay, entry->ring, 1);
    const json_t *state = json_object_get(detail, "state");
    if (state != NULL) /* earlier entries do not tell it */
        json_object_set_new(version, "state", json_string(json_string_value(state)));
    return json_object_set(ring, "prefix", json_object_get(detail, "prefix")) == 0 &&
           json_object_set(ring, "policy", json_object_get(detail, "policy")) == 0;
}

static bool replay_policy(struct replay *replay, const struct registry_audit *entry, const json_t *detail)
{
    return json_object_set(member_of(replay->rings, entry->ring), "policy", json_object_get(detail, "after")) == 0;
}

static bool replay_steps(struct replay *replay, const struct registry_audit *entry, const json_t *detail)
{
    const json_t *steps = json_object_get(detail, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        json_t *version =
            version_of(replay, entry->ring, (uint32_t)json_integer_value(json_object_get(step, "version")));
        if (json_object_set(version, "state", json_object_get(step, "after")) != 0 ||
            json_object_set(version, "retire_at", json_object_get(step, "retire_at")) != 0 ||
            json_object_set(version, "purge_at", json_object_get(step, "purge_at")) != 0)
            return false;
    }
    return true;
}

static bool replay_init(struct replay *replay, const struct registry_audit *entry, const json_t *detail)
{
    (void)entry;
    json_decref(replay->init);
    replay->init = json_deep_copy(detail);
    return replay->init != NULL;
}

/* Lists of issued keys are long, and only their length is of interest: {"count":N, … is how they begin. */
static bool replay_issue(struct replay *replay, const struct registry_audit *entry)
{
    static const char head[] = "{\"count\":";
    if (entry->detail == NULL || strncmp(entry->detail, head, sizeof head - 1) != 0)
        return false;
    replay->credentials += strtoull(entry->detail + sizeof head - 1, NULL, 10);
    return true;
}

static const struct {
    const char *act;
    bool names_key;
    bool names_ring;
    bool (*take)(struct replay *replay, const struct registry_audit *entry, const json_t *detail);
} replay_acts[] = {
    {"key.revoke", true, false, replay_state}, {"key.suspend", true, false, replay_state},
    {"key.resume", true, false, replay_state}, {"key.narrow", true, false, replay_narrow},
    {"key.rekey", true, false, replay_rekey},  {"key.reissue", false, false, replay_reissue},
    {"ring.create", false, true, replay_ring}, {"ring.set", false, true, replay_policy},
    {"vault.init", false, false, replay_init},
};

static bool (*find_act(const struct registry_audit *entry))(struct replay *, const struct registry_audit *,
                                                            const json_t *)
{
    if (strncmp(entry->act, "version.", 8) == 0)
        return entry->ring != NULL ? replay_steps : NULL;
    for (size_t i = 0; i < sizeof replay_acts / sizeof *replay_acts; i++)
        if (strcmp(replay_acts[i].act, entry->act) == 0 && (!replay_acts[i].names_key || entry->key_id != NULL) &&
            (!replay_acts[i].names_ring || entry->ring != NULL))
            return replay_acts[i].take;
    return NULL;
}

sealring_status replay_entry(struct replay *replay, const struct registry_audit *entry, sealring_error *error)
{
    (void)error;
    if (strcmp(entry->act, "key.issue") == 0 || strcmp(entry->act, "key.import") == 0) {
        (void)replay_issue(replay, entry);
        return SEALRING_OK;
    }
    bool (*take)(struct replay *, const struct registry_audit *, const json_t *) = find_act(entry);
    json_t *detail = take != NULL && entry->detail != NULL ? json_loads(entry->detail, 0, NULL) : NULL;
    if (detail != NULL)
        (void)take(replay, entry, detail);
    json_decref(detail);
    return SEALRING_OK;
}

/* ---- Rows ---- */

static void tell(const struct comparison *comparison, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct comparison *comparison, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    comparison->problem(text, comparison->context);
}

static const char *text_of(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : otherwise;
}

static sealring_status compare_end(const struct registry_credential *row, void *context, sealring_error *error)
{
    const struct comparison *comparison = context;
    (void)error;
    for (size_t i = 0; i < json_array_size(comparison->ends); i++) {
        const json_t *end = json_array_get(comparison->ends, i);
        bool older = row->serial < json_integer_value(json_array_get(end, 0));
        if (older && (!row->replaced || row->retire_at > json_integer_value(json_array_get(end, 1)))) {
            tell(comparison,
                 "API key %s: its credential with serial %" PRIu32 " was ended by `key rekey`, its row says %s: it was "
                 "altered",
                 comparison->key_id, row->serial, row->replaced ? "later" : "that it goes on");
            break;
        }
    }
    return SEALRING_OK;
}

/* Revoked ones are the closed facts' matter. */
static sealring_status compare_key(struct comparison *comparison, const char *key_id, const json_t *acts,
                                   sealring_error *error)
{
    struct registry_key row;
    const char *state = text_of(acts, "state", sealring_key_state_name(SEALRING_KEY_ACTIVE));
    const char *narrowed = text_of(acts, "narrowed", NULL);
    sealring_status status = registry_key_get(comparison->registry, key_id, &row, error);
    if (status == SEALRING_NOT_FOUND) {
        tell(comparison, "API key %s: the log knows it, and it has no row: it was removed", key_id);
        return SEALRING_OK;
    }
    if (status != SEALRING_OK || row.state == SEALRING_KEY_REVOKED)
        return status;
    if (strcmp(state, sealring_key_state_name(row.state)) != 0)
        tell(comparison, "API key %s: its row says %s, the log says %s: it was altered", key_id,
             sealring_key_state_name(row.state), state);
    if (row.narrowed != (narrowed != NULL) || (narrowed != NULL && strcmp(narrowed, row.narrowed_scopes) != 0))
        tell(comparison, "API key %s: its row says narrowed to '%.120s', the log says '%.120s': it was altered", key_id,
             row.narrowed ? row.narrowed_scopes : "(not at all)", narrowed != NULL ? narrowed : "(not at all)");
    comparison->key_id = key_id;
    comparison->ends = json_object_get(acts, "ends");
    return json_array_size(comparison->ends) == 0
               ? SEALRING_OK
               : registry_credential_each(comparison->registry, row.id, compare_end, comparison, error);
}

/* A bound that no act has set. */
static sealring_status compare_bound(const struct registry_key *key, void *context, sealring_error *error)
{
    const struct comparison *comparison = context;
    (void)error;
    if (json_object_get(comparison->replay->keys, key->key_id) == NULL)
        tell(comparison, "API key %s: its row says %s, the log knows of no such act: it was altered", key->key_id,
             key->narrowed ? "narrowed" : "suspended");
    return SEALRING_OK;
}

static sealring_status tell_unended(const struct registry_key *key, void *context, sealring_error *error)
{
    (void)error;
    tell(context, "API key %s: its imported credential has a successor and no end: the row was altered", key->key_id);
    return SEALRING_OK;
}

static sealring_status compare_keys(struct comparison *comparison, sealring_error *error)
{
    const char *key_id;
    json_t *acts;
    uint64_t count = 0;
    sealring_status status = SEALRING_OK;
    json_object_foreach(comparison->replay->keys, key_id, acts)
    {
        status = compare_key(comparison, key_id, acts, error);
        if (status != SEALRING_OK)
            return status;
    }
    status = registry_bounds_each(comparison->registry, compare_bound, comparison, error);
    if (status == SEALRING_OK)
        status = registry_unended_imports_each(comparison->registry, tell_unended, comparison, error);
    if (status == SEALRING_OK)
        status = registry_credential_count(comparison->registry, &count, error);
    if (status == SEALRING_OK && count != comparison->replay->credentials)
        tell(comparison,
             "there are rows of %" PRIu64 " credentials, %" PRIu64 " were issued: rows were %s by something else than "
             "sealring",
             count, comparison->replay->credentials, count > comparison->replay->credentials ? "added" : "removed");
    return status;
}

static sealring_status compare_version(const struct registry_version *row, void *context, sealring_error *error)
{
    struct comparison *comparison = context;
    char name[REPLAY_NAME_SIZE];
    (void)error;
    snprintf(name, sizeof name, "%.64s/%" PRIu32, comparison->ring, row->number);
    json_t *version = json_object_get(comparison->replay->versions, name);
    if (version == NULL) {
        tell(comparison, "version %" PRIu32 " of ring %s has a row, and the log knows of none: it was added",
             row->number, comparison->ring);
        return SEALRING_OK;
    }
    json_object_set_new(version, "seen", json_true());
    const char *state = text_of(version, "state", NULL);
    const json_t *retire_at = json_object_get(version, "retire_at");
    const json_t *purge_at = json_object_get(version, "purge_at");
    /* a closed one that should be open contradicts the closed facts: it is told of there */
    if (state != NULL && row->state < SEALRING_VERSION_RETIRED &&
        strcmp(state, sealring_version_state_name(row->state)) != 0)
        tell(comparison, "version %" PRIu32 " of ring %s: its row says %s, the log says %s: it was altered",
             row->number, comparison->ring, sealring_version_state_name(row->state), state);
    else if ((retire_at != NULL && json_integer_value(retire_at) != row->retire_at) ||
             (purge_at != NULL && json_integer_value(purge_at) != row->purge_at))
        tell(comparison,
             "version %" PRIu32
             " of ring %s: its row promises or ends at another time than the log says: it was altered",
             row->number, comparison->ring);
    return SEALRING_OK;
}

static bool same_policy(const sealring_policy *row, const json_t *policy)
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"overlap", row->overlap},           {"purge_delay", row->purge_delay},   {"keep", row->keep},
        {"rotate_every", row->rotate_every}, {"quiet_period", row->quiet_period}, {"usage_hourly", row->usage_hourly},
        {"usage_daily", row->usage_daily},
    };
    bool same = json_is_true(json_object_get(policy, "standby")) == row->standby &&
                json_is_true(json_object_get(policy, "idle_blocks")) == row->idle_blocks;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        same = same && json_integer_value(json_object_get(policy, numbers[i].name)) == numbers[i].value;
    return same;
}

static sealring_status compare_ring(const struct registry_ring *row, void *context, sealring_error *error)
{
    struct comparison *comparison = context;
    json_t *ring = json_object_get(comparison->replay->rings, row->name);
    if (ring == NULL) {
        tell(comparison, "ring %s has a row, and the log knows of none: it was added, or renamed", row->name);
        return SEALRING_OK;
    }
    json_object_set_new(ring, "seen", json_true());
    if (strcmp(text_of(ring, "prefix", ""), row->prefix) != 0)
        tell(comparison, "ring %s: its row says prefix %s, the log says %s: it was altered", row->name, row->prefix,
             text_of(ring, "prefix", "none"));
    if (!same_policy(&row->policy, json_object_get(ring, "policy")))
        tell(comparison, "ring %s: its policy is not the one that was last set: its row was altered", row->name);
    comparison->ring = row->name;
    return registry_version_each(comparison->registry, row->id, compare_version, comparison, error);
}

static void tell_unseen(const struct comparison *comparison, json_t *map, const char *what)
{
    const char *name;
    json_t *member;
    json_object_foreach(map, name, member) if (json_object_get(member, "seen") == NULL)
        tell(comparison, "%s %s is in the log, and has no row: it was removed", what, name);
}

static void compare_vault(const struct comparison *comparison)
{
    const struct registry_vault *row = registry_vault_row(comparison->registry);
    const json_t *init = comparison->replay->init;
    const json_t *lease = json_object_get(init, "lease");
    const json_t *refresh = json_object_get(init, "refresh");
    const json_t *closes = json_object_get(init, "token_closes_keys");
    if (lease != NULL && json_integer_value(lease) != row->lease_ms)
        tell(comparison, "the vault's lease is %" PRId64 " ms, it was made with %" PRId64 " ms: its row was altered",
             row->lease_ms, (int64_t)json_integer_value(lease));
    if (refresh != NULL && json_integer_value(refresh) != row->refresh_ms)
        tell(comparison, "the vault's refresh is %" PRId64 " ms, it was made with %" PRId64 " ms: its row was altered",
             row->refresh_ms, (int64_t)json_integer_value(refresh));
    if (closes != NULL && json_is_true(closes) != row->token_closes_keys)
        tell(comparison, "whether the token can close keys is not what was found at init: the vault's row was altered");
}

sealring_status replay_compare(struct replay *replay, struct registry *registry, replay_problem problem, void *context,
                               sealring_error *error)
{
    struct comparison comparison = {replay, registry, problem, context, NULL, NULL, NULL};
    compare_vault(&comparison);
    sealring_status status = registry_ring_each(registry, compare_ring, &comparison, error);
    if (status == SEALRING_OK)
        status = compare_keys(&comparison, error);
    if (status == SEALRING_OK) {
        tell_unseen(&comparison, replay->rings, "ring");
        tell_unseen(&comparison, replay->versions, "version");
    }
    return status;
}
