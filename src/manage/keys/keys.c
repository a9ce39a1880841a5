/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: listed, suspended, resumed, revoked, narrowed, relabelled. */
#include "manage/keys/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/name.h"
#include "credential/scope.h"
#include "manage/act/act.h"
#include "manage/keys/clients.h"
#include "manage/session/manager.h"
#include "verifier/request/judge.h"

struct newest {
    struct registry_holder *holder;
    bool found;
};

static sealring_status take_newest(const struct registry_holder *holder, void *context, sealring_error *error)
{
    (void)error;
    struct newest *newest = context;
    *newest->holder = *holder;
    newest->found = true;
    return SEALRING_OK;
}

bool key_id_is_well_formed(const char *key_id)
{
    bool well_formed = strlen(key_id) == SEALRING_KEY_ID_LENGTH;
    for (size_t i = 0; well_formed && i < SEALRING_KEY_ID_LENGTH; i++)
        well_formed = base62_is_digit(key_id[i]);
    return well_formed;
}

sealring_status key_get(struct registry *registry, const char *key_id, struct registry_holder *holder,
                        sealring_error *error)
{
    if (!key_id_is_well_formed(key_id)) /* the text is not repeated: people paste whole credentials here */
        return error_set(error, SEALRING_INVALID, "that is no key ID: it has %d characters out of 0-9, A-Z, a-z",
                         SEALRING_KEY_ID_LENGTH);
    struct registry_holder_filter filter = {.key_id = key_id};
    struct newest newest = {.holder = holder};
    sealring_status status = registry_holder_each(registry, &filter, take_newest, &newest, error);
    if (status == SEALRING_OK && !newest.found)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no API key %s: see `sealring key list`", key_id);
    return status;
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
    sealring_key_state state;
    const char *text; /* scopes or label */
    const char *reason;
    struct audit_act act;
};

static sealring_status change_key(sealring_manager *manager, const char *purpose, bool restricts, registry_body body,
                                  struct key_change *change, sealring_error *error)
{
    sealring_status status = manager_check_reason(change->reason, error);
    if (status == SEALRING_OK)
        status = restricts                              ? manager_begin_restriction(manager, purpose, error)
                 : change->state == SEALRING_KEY_ACTIVE ? manager_begin_dated(manager, purpose, false, error)
                                                        : manager_begin(manager, purpose, false, error);
    if (status != SEALRING_OK)
        return status;
    status = manager_write(manager, true, &change->act, body, change, error);
    if (key_id_is_well_formed(change->key_id))
        memcpy(change->act.key_id, change->key_id, sizeof change->act.key_id);
    manager_end_act(manager, &change->act, status, error);
    audit_release(&change->act);
    return status;
}

static sealring_status set_state(struct registry *registry, void *context, sealring_error *error)
{
    struct key_change *change = context;
    struct registry_holder holder;
    sealring_status status = key_get(registry, change->key_id, &holder, error);
    if (status != SEALRING_OK)
        return status;
    if (holder.key.state == SEALRING_KEY_REVOKED)
        return error_set(error, SEALRING_REFUSED, "API key %s is revoked, and that is final", change->key_id);
    if (holder.key.state == change->state)
        return error_set(error, SEALRING_REFUSED, "API key %s is %s already", change->key_id,
                         sealring_key_state_name(change->state));
    key_record(&change->act, &holder);
    audit_detail(&change->act, "{s:s, s:s}", "before", sealring_key_state_name(holder.key.state), "after",
                 sealring_key_state_name(change->state));
    if (change->reason != NULL)
        audit_detail_add(&change->act, "reason", json_string(change->reason));
    holder.key.state = change->state;
    return registry_key_update(registry, &holder.key, error);
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
    return change_key(manager, acts[state], state != SEALRING_KEY_ACTIVE, set_state, &change, error);
}

static sealring_status narrow(struct registry *registry, void *context, sealring_error *error)
{
    struct key_change *change = context;
    struct registry_holder holder;
    char now[SEALRING_SCOPES_LENGTH_MAX + 1];
    sealring_status status = key_get(registry, change->key_id, &holder, error);
    if (status != SEALRING_OK)
        return status;
    if (holder.key.state == SEALRING_KEY_REVOKED)
        return error_set(error, SEALRING_REFUSED, "API key %s is revoked, and that is final", change->key_id);
    judge_scopes(&holder, now);
    const char *missing = NULL;
    size_t missing_length = 0;
    if (!scope_includes(now, change->text, &missing, &missing_length))
        return error_set(error, SEALRING_REFUSED,
                         "API key %s does not have the scope %.*s: narrowing cannot widen, use `sealring key rekey`",
                         change->key_id, (int)(missing_length < 100 ? missing_length : 100), missing);
    key_record(&change->act, &holder);
    audit_detail(&change->act, "{s:s, s:s}", "before", now, "after", change->text);
    holder.key.narrowed = true;
    memcpy(holder.key.narrowed_scopes, change->text, strlen(change->text) + 1);
    return registry_key_update(registry, &holder.key, error);
}

sealring_status sealring_key_narrow(sealring_manager *manager, const char *key_id, const char *scopes,
                                    sealring_error *error)
{
    char problem[128];
    char normalised[SEALRING_SCOPES_LENGTH_MAX + 1];
    const char *wrong = scope_normalise(scopes, normalised, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the set of scopes %s", wrong);
    struct key_change change = {.key_id = key_id, .text = normalised, .act = {.name = "key.narrow"}};
    return change_key(manager, "key set", true, narrow, &change, error);
}

static sealring_status set_label(struct registry *registry, void *context, sealring_error *error)
{
    struct key_change *change = context;
    struct registry_holder holder;
    struct registry_key other;
    sealring_status status = key_get(registry, change->key_id, &holder, error);
    if (status != SEALRING_OK)
        return status;
    if (holder.key.state == SEALRING_KEY_REVOKED)
        return error_set(error, SEALRING_REFUSED, "API key %s is revoked, and that is final", change->key_id);
    status = registry_key_get_by_label(registry, holder.ring.id, holder.client.id, change->text, &other, error);
    if (status == SEALRING_OK && other.id != holder.key.id)
        return error_set(error, SEALRING_REFUSED, "client %s has an API key labelled %s in ring %s already: %s",
                         holder.client.name, change->text, holder.ring.name, other.key_id);
    if (status != SEALRING_OK && status != SEALRING_NOT_FOUND)
        return status;
    key_record(&change->act, &holder);
    audit_detail(&change->act, "{s:s, s:s}", "before", holder.key.label, "after", change->text);
    memcpy(holder.key.label, change->text, strlen(change->text) + 1);
    return registry_key_update(registry, &holder.key, error);
}

sealring_status sealring_key_set_label(sealring_manager *manager, const char *key_id, const char *label,
                                       sealring_error *error)
{
    char problem[128];
    const char *wrong = name_problem(label, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the label %s", wrong);
    struct key_change change = {.key_id = key_id, .text = label, .act = {.name = "key.label"}};
    return change_key(manager, "key set", false, set_label, &change, error);
}

/* ---- lists */

struct key_listing {
    struct registry_holder_filter filter;
    sealring_key_callback each;
    void *context;
    bool found;
};

static sealring_status tell_key(const struct registry_holder *holder, void *context, sealring_error *error)
{
    struct key_listing *listing = context;
    sealring_key_info info = {
        .key_id = holder->key.key_id,
        .ring = holder->ring.name,
        .client = holder->client.name,
        .label = holder->key.label,
        .state = holder->key.state,
        .narrowed = holder->key.narrowed ? holder->key.narrowed_scopes : NULL,
        .created = holder->key.created,
        .serial = holder->credential.serial,
        .version = holder->credential.version,
        .scopes = holder->credential.scopes,
        .expires = holder->credential.expires,
    };
    listing->found = true;
    return listing->each(&info, listing->context) == 0 ? SEALRING_OK
                                                       : error_set(error, SEALRING_REFUSED, "the listing was stopped");
}

/* Whether what the filter names exists: an empty answer about something unknown would mislead. */
sealring_status key_check_filter(struct registry *registry, const struct registry_holder_filter *filter,
                                 sealring_error *error)
{
    struct registry_ring ring;
    struct registry_client client;
    struct registry_holder holder;
    sealring_status status = SEALRING_OK;
    if (filter->ring != NULL)
        status = manager_get_ring(registry, filter->ring, &ring, error);
    if (status == SEALRING_OK && filter->client != NULL)
        status = client_check(filter->client, NULL, error);
    if (status == SEALRING_OK && filter->client != NULL) {
        status = registry_client_get(registry, filter->client, &client, error);
        if (status == SEALRING_NOT_FOUND)
            status = error_set(error, SEALRING_NOT_FOUND, "there is no client %s: see `sealring client list`",
                               filter->client);
    }
    if (status == SEALRING_OK && filter->key_id != NULL)
        status = key_get(registry, filter->key_id, &holder, error);
    return status;
}

static sealring_status read_keys(struct registry *registry, void *context, sealring_error *error)
{
    struct key_listing *listing = context;
    sealring_status status = key_check_filter(registry, &listing->filter, error);
    return status != SEALRING_OK ? status : registry_holder_each(registry, &listing->filter, tell_key, listing, error);
}

sealring_status sealring_key_list(sealring_manager *manager, const sealring_key_filter *filter,
                                  sealring_key_callback each, void *context, sealring_error *error)
{
    struct key_listing listing = {.each = each, .context = context};
    if (filter != NULL) {
        listing.filter.key_id = filter->key_id;
        listing.filter.ring = filter->ring;
        listing.filter.client = filter->client;
    }
    return manager_read(manager, read_keys, &listing, error);
}

struct credential_listing {
    const char *key_id;
    struct registry_holder holder;
    sealring_credential_callback each;
    void *context;
    struct registry *registry;
};

static sealring_status tell_credential(const struct registry_credential *credential, void *context,
                                       sealring_error *error)
{
    struct credential_listing *listing = context;
    struct registry_version version;
    sealring_status status =
        registry_version_get(listing->registry, listing->holder.ring.id, credential->version, &version, error);
    if (status == SEALRING_NOT_FOUND)
        return error_set(error, SEALRING_REGISTRY,
                         "the registry is damaged: API key %s refers to a version %u that is not there",
                         listing->key_id, credential->version);
    if (status != SEALRING_OK)
        return status;
    sealring_credential_info info = {
        .key_id = listing->key_id,
        .serial = credential->serial,
        .version = credential->version,
        .version_state = version.state,
        .state = credential->state,
        .replaced = credential->replaced,
        .scopes = credential->scopes,
        .issued = credential->issued,
        .not_before = credential->not_before,
        .expires = credential->expires,
        .imported = credential->imported,
        .retire_at = credential->retire_at,
    };
    hex_encode(credential->digest, sizeof credential->digest, info.digest);
    return listing->each(&info, listing->context) == 0 ? SEALRING_OK
                                                       : error_set(error, SEALRING_REFUSED, "the listing was stopped");
}

static sealring_status read_credentials(struct registry *registry, void *context, sealring_error *error)
{
    struct credential_listing *listing = context;
    listing->registry = registry;
    sealring_status status = key_get(registry, listing->key_id, &listing->holder, error);
    return status != SEALRING_OK
               ? status
               : registry_credential_each(registry, listing->holder.key.id, tell_credential, listing, error);
}

sealring_status sealring_credential_list(sealring_manager *manager, const char *key_id,
                                         sealring_credential_callback each, void *context, sealring_error *error)
{
    struct credential_listing listing = {.key_id = key_id, .each = each, .context = context};
    return manager_read(manager, read_credentials, &listing, error);
}
