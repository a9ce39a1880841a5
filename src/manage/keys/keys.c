/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: suspended, resumed, revoked, narrowed, bound to networks, relabelled. */
#include "manage/keys/keys.h"

#include <stdio.h>
#include <string.h>

#include <sealring/renew.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/name.h"
#include "credential/scope.h"
#include "manage/act/act.h"
#include "manage/session/manager.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/ring_facts.h"
#include "verifier/request/judge.h"

bool key_id_is_well_formed(const char *key_id)
{
    size_t length = strlen(key_id);
    return length == SEALRING_KEY_ID_LENGTH && base62_find_other(key_id, length, '0') == length;
}

sealring_status key_get(struct registry *registry, const char *key_id, struct registry_holder *holder,
                        sealring_error *error)
{
    if (!key_id_is_well_formed(key_id)) /* the text is not repeated: people paste whole credentials here */
        return error_set(error, SEALRING_INVALID, "that is no key ID: it has %d characters out of 0-9, A-Z, a-z",
                         SEALRING_KEY_ID_LENGTH);
    struct registry_holder_filter filter = {.key_id = key_id};
    bool differs; /* the row is corrected by the next change, and reported by `sealring audit verify` */
    struct registry_cursor holders = registry_holders(registry, &filter, error);
    bool found = registry_holder_next(&holders, holder);
    sealring_status status = registry_close_cursor(&holders, SEALRING_OK);
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no API key %s: see `sealring key list`", key_id);
    if (status == SEALRING_OK)
        status = registry_ring_follow(registry, &holder->ring, &differs, error);
    if (status == SEALRING_OK)
        status = registry_key_follow(registry, &holder->key, &differs, error);
    (void)registry_credential_end(&holder->credential, &holder->key.ends);
    return status;
}

/* The row shows what is not a fact: a state without one is of a vault that is being upgraded, and the serial is that of the newest credential. */
bool key_is_unchanged(const struct registry_holder *before, const struct registry_holder *now)
{
    const struct registry_key *one = &before->key, *other = &now->key;
    return one->id == other->id && one->fact == other->fact && one->state == other->state &&
           one->last_serial == other->last_serial && one->narrowed == other->narrowed &&
           strcmp(one->narrowed_scopes, other->narrowed_scopes) == 0 && strcmp(one->label, other->label) == 0 &&
           before->credential.replaced == now->credential.replaced &&
           before->credential.retire_at == now->credential.retire_at;
}

sealring_status key_check_alive(const struct registry_key *key, sealring_error *error)
{
    if (key->state != SEALRING_KEY_REVOKED)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED, "API key %s is revoked, and that is final", key->key_id);
}

struct bearer key_bearer(const struct registry_holder *holder)
{
    return (struct bearer){
        .key_id = holder->key.key_id,
        .ring = holder->ring.name,
        .client = holder->client.name,
        .scopes = holder->credential.scopes,
        .version = holder->credential.version,
        .serial = holder->credential.serial,
        .version_state = holder->version.state,
        .was_compromised = holder->version.was_compromised,
        .version_closed = holder->version.closed,
        .version_retire_at = holder->version.retire_at,
        .not_before = holder->credential.not_before,
        .expires = holder->credential.expires,
        .revoked = holder->key.state == SEALRING_KEY_REVOKED,
        .suspended = holder->key.state == SEALRING_KEY_SUSPENDED,
        .replaced = holder->credential.replaced,
        .retire_at = holder->credential.retire_at,
    };
}

void key_record(struct audit_act *act, const struct registry_holder *holder)
{
    memcpy(act->ring, holder->ring.name, sizeof act->ring);
    memcpy(act->key_id, holder->key.key_id, sizeof act->key_id);
    memcpy(act->client, holder->client.name, sizeof act->client);
}

/* One change of one API key. */
struct key_change {
    const char *key_id;
    sealring_key_state state;            /* to be set */
    const char *scopes;                  /* the key is narrowed to these; NULL: not narrowed */
    const char *label;                   /* the key's new label; NULL: not relabelled */
    const struct registry_key *networks; /* the key is bound to the networks of this one; NULL: stays as it is */
    const struct holders *holders;       /* likewise: the key's number of holders */
    bool
        takes_away; /* with these networks or holders: it was found that the key gets no further addresses, or one holder */
    const char *reason;
    struct audit_act act;
    struct registry_key key; /* as written */
};

static sealring_status key_set_state(struct key_change *change, struct registry_key *key, sealring_error *error)
{
    const char *before = sealring_key_state_name(key->state);
    const char *after = sealring_key_state_name(change->state);
    if (key->state == change->state)
        return error_set(error, SEALRING_REFUSED, "API key %s is %s already", key->key_id, after);
    audit_detail(&change->act, "{s:s, s:s}", "before", before, "after", after);
    if (change->reason != NULL)
        audit_detail_add(&change->act, "reason", json_string(change->reason));
    key->state = change->state;
    return SEALRING_OK;
}

static sealring_status key_narrow(struct key_change *change, struct registry_holder *holder, sealring_error *error)
{
    char now[SEALRING_SCOPES_LENGTH_MAX + 1];
    const char *missing = NULL;
    size_t missing_length = 0;
    judge_scopes(holder, now);
    if (!scope_includes(now, change->scopes, &missing, &missing_length))
        return error_set(error, SEALRING_REFUSED,
                         "API key %s does not have the scope %.*s: narrowing cannot widen, use `sealring key rekey`",
                         change->key_id, (int)(missing_length < 100 ? missing_length : 100), missing);
    audit_detail(&change->act, "{s:s, s:s}", "before", now, "after", change->scopes);
    holder->key.narrowed = true;
    memcpy(holder->key.narrowed_scopes, change->scopes, strlen(change->scopes) + 1);
    return SEALRING_OK;
}

const char *key_read_networks(const char *text, struct registry_key *key, char problem[128])
{
    const char *wrong = networks_parse(text == NULL || strcmp(text, "any") == 0 ? "" : text, &key->networks, problem);
    key->bound = key->networks.count > 0;
    return wrong;
}

sealring_status key_refuse_networks(sealring_error *error)
{
    return error_set(
        error, SEALRING_REFUSED,
        "this vault cannot bind API keys to addresses or to one holder yet: finish `sealring upgrade` first");
}

/* Whether `next` is bound to addresses of `key` only. */
static bool takes_away(const struct registry_key *key, const struct registry_key *next)
{
    return !key->bound || (next->bound && networks_within(&next->networks, &key->networks));
}

void key_networks_text(const struct registry_key *key, char text[NETWORKS_TEXT_SIZE])
{
    if (key->bound)
        networks_format(&key->networks, text);
    else
        memcpy(text, "any", sizeof "any");
}

static sealring_status key_bind(struct key_change *change, struct registry_key *key, sealring_error *error)
{
    char before[NETWORKS_TEXT_SIZE], after[NETWORKS_TEXT_SIZE];
    key_networks_text(key, before);
    key_networks_text(change->networks, after);
    if (registry_key_has_networks_of(key, change->networks))
        return error_set(error, SEALRING_REFUSED, "API key %s is bound to these addresses already: %.300s", key->key_id,
                         after);
    if (change->takes_away && !takes_away(key, change->networks))
        return error_set(error, SEALRING_REFUSED,
                         "the addresses of API key %s were changed meanwhile, to %.300s: repeat the command",
                         key->key_id, before);
    audit_detail(&change->act, "{s:s, s:s}", "before", before, "after", after);
    key->bound = change->networks->bound;
    key->networks = change->networks->networks;
    return SEALRING_OK;
}

static sealring_status key_hold(struct key_change *change, struct registry_key *key, sealring_error *error)
{
    const char *before = sealring_holders_name(key->holders.one), *after = sealring_holders_name(change->holders->one);
    if (key->holders.one == change->holders->one)
        return error_set(error, SEALRING_REFUSED, "API key %s has %s already: holders %s", key->key_id,
                         change->holders->one ? "one holder" : "many holders", after);
    if (registry_key_is_contested(key))
        return error_set(error, SEALRING_REFUSED, "API key %s is contested: first sealring key rekey %s", key->key_id,
                         key->key_id);
    audit_detail(&change->act, "{s:s, s:s}", "before", before, "after", after);
    key->holders = *change->holders;
    return SEALRING_OK;
}

static sealring_status key_relabel(struct registry *registry, struct key_change *change, struct registry_holder *holder,
                                   sealring_error *error)
{
    struct registry_key other;
    bool found;
    sealring_status status =
        registry_key_find_by_label(registry, holder->ring.id, holder->client.id, change->label, &other, &found, error);
    if (status == SEALRING_OK && found && other.id != holder->key.id)
        return error_set(error, SEALRING_REFUSED, "client %s has an API key labelled %s in ring %s already: %s",
                         holder->client.name, change->label, holder->ring.name, other.key_id);
    audit_detail(&change->act, "{s:s, s:s}", "before", holder->key.label, "after", change->label);
    memcpy(holder->key.label, change->label, strlen(change->label) + 1);
    return status;
}

static sealring_status key_change(struct registry *registry, struct key_change *change, sealring_error *error)
{
    struct registry_holder holder;
    sealring_status status = key_get(registry, change->key_id, &holder, error);
    if (status == SEALRING_OK)
        status = key_check_alive(&holder.key, error);
    if (status != SEALRING_OK)
        return status;
    key_record(&change->act, &holder);
    if (change->scopes != NULL)
        status = key_narrow(change, &holder, error);
    else if (change->networks != NULL)
        status = key_bind(change, &holder.key, error);
    else if (change->holders != NULL)
        status = key_hold(change, &holder.key, error);
    else if (change->label != NULL)
        status = key_relabel(registry, change, &holder, error);
    else
        status = key_set_state(change, &holder.key, error);
    change->key = holder.key;
    if (status != SEALRING_OK)
        return status;
    if (change->scopes != NULL)
        return registry_key_set_narrowing(registry, &holder.key, error);
    if (change->networks != NULL)
        return registry_key_set_networks(registry, &holder.key, error);
    if (change->holders != NULL)
        return registry_key_set_holders(registry, &holder.key, error);
    return change->label != NULL ? registry_key_set_label(registry, &holder.key, error)
                                 : registry_key_set_state(registry, &holder.key, error);
}

/* The act, when it has begun. */
static sealring_status key_carry_out(sealring_manager *manager, struct key_change *change, sealring_error *error)
{
    sealring_status status;
    struct commit commit = manager_commit(manager, true, &change->act, error);
    commit.restricts = change->scopes != NULL || change->takes_away ||
                       (change->label == NULL && change->networks == NULL && change->holders == NULL &&
                        change->state != SEALRING_KEY_ACTIVE);
    commit.key = &change->key;
    do {
        if (commit_begin(&commit, &status))
            status = key_change(manager->registry, change, error);
    } while (commit_again(&commit, &status));
    if (key_id_is_well_formed(change->key_id))
        memcpy(change->act.key_id, change->key_id, sizeof change->act.key_id);
    manager_end_act(manager, &change->act, status, error);
    audit_release(&change->act);
    return status;
}

sealring_status sealring_key_set_state(sealring_manager *manager, const char *key_id, sealring_key_state state,
                                       const char *reason, sealring_error *error)
{
    static const char *const acts[] = {
        [SEALRING_KEY_ACTIVE] = "key.resume",
        [SEALRING_KEY_SUSPENDED] = "key.suspend",
        [SEALRING_KEY_REVOKED] = "key.revoke",
    };
    if (state < SEALRING_KEY_ACTIVE || state > SEALRING_KEY_REVOKED)
        return error_set(error, SEALRING_INVALID, "there is no such state of an API key");
    struct key_change change = {.key_id = key_id, .state = state, .reason = reason, .act = {.name = acts[state]}};
    sealring_status status = manager_check_reason(reason, error);
    if (status == SEALRING_OK)
        status = state == SEALRING_KEY_ACTIVE ? manager_begin_dated(manager, acts[state], false, error)
                                              : manager_begin_restriction(manager, acts[state], error);
    return status != SEALRING_OK ? status : key_carry_out(manager, &change, error);
}

sealring_status sealring_key_narrow(sealring_manager *manager, const char *key_id, const char *scopes,
                                    sealring_error *error)
{
    char problem[128];
    char normalised[SEALRING_SCOPES_LENGTH_MAX + 1];
    const char *wrong = scope_normalise(scopes, normalised, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the set of scopes %s", wrong);
    struct key_change change = {.key_id = key_id, .scopes = normalised, .act = {.name = "key.narrow"}};
    sealring_status status = manager_begin_restriction(manager, "key set", error);
    return status != SEALRING_OK ? status : key_carry_out(manager, &change, error);
}

/* Until then no fact could contain it. */
static sealring_status check_facts_begun(sealring_manager *manager, sealring_error *error)
{
    sealring_status status;
    struct registry_vault vault = {.facts_begun = false};
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = registry_facts_begun(manager->registry, &vault, error);
    } while (registry_again(&reading, &status));
    return status == SEALRING_OK && !vault.facts_begun ? key_refuse_networks(error) : status;
}

/* Reads the key without a lock, only to know how the act begins. */
static sealring_status foresee_binding(sealring_manager *manager, struct key_change *change, sealring_error *error)
{
    sealring_status status;
    struct registry_holder holder;
    struct registry_vault vault = {.facts_begun = false};
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = key_get(manager->registry, change->key_id, &holder, error);
        if (status == SEALRING_OK)
            status = registry_facts_begun(manager->registry, &vault, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && !vault.facts_begun)
        return key_refuse_networks(error);
    change->takes_away = status == SEALRING_OK && takes_away(&holder.key, change->networks);
    return status;
}

sealring_status sealring_key_set_addresses(sealring_manager *manager, const char *key_id, const char *networks,
                                           sealring_error *error)
{
    char problem[128];
    struct registry_key next = {.bound = false};
    const char *wrong = key_read_networks(networks, &next, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the list of addresses %s", wrong);
    struct key_change change = {.key_id = key_id, .networks = &next, .act = {.name = "key.addresses"}};
    sealring_status status = foresee_binding(manager, &change, error);
    if (status == SEALRING_OK)
        status = change.takes_away ? manager_begin_restriction(manager, "key set", error)
                                   : manager_begin(manager, "key set", false, error);
    return status != SEALRING_OK ? status : key_carry_out(manager, &change, error);
}

sealring_status sealring_key_set_holders(sealring_manager *manager, const char *key_id, sealring_holders holders,
                                         sealring_error *error)
{
    const struct holders next = {.one = holders == SEALRING_HOLDERS_ONE};
    if (holders != SEALRING_HOLDERS_MANY && holders != SEALRING_HOLDERS_ONE)
        return error_set(error, SEALRING_INVALID, "an API key has one holder or many");
    struct key_change change = {
        .key_id = key_id, .holders = &next, .takes_away = next.one, .act = {.name = "key.holders"}};
    sealring_status status = check_facts_begun(manager, error);
    if (status == SEALRING_OK)
        status = next.one ? manager_begin_restriction(manager, "key set", error)
                          : manager_begin(manager, "key set", false, error);
    return status != SEALRING_OK ? status : key_carry_out(manager, &change, error);
}

sealring_status sealring_key_set_label(sealring_manager *manager, const char *key_id, const char *label,
                                       sealring_error *error)
{
    char problem[128];
    const char *wrong = name_problem(label, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the label %s", wrong);
    struct key_change change = {.key_id = key_id, .label = label, .act = {.name = "key.label"}};
    sealring_status status = manager_begin(manager, "key set", false, error);
    return status != SEALRING_OK ? status : key_carry_out(manager, &change, error);
}
