/* SPDX-License-Identifier: Apache-2.0 */
/* Rekeying: the next serial of an API key, for a leak or for other claims; the older credentials end. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/struct_size.h"
#include "base/timetext.h"
#include "credential/scope.h"
#include "manage/act/act.h"
#include "manage/keys/keys.h"
#include "manage/keys/seal.h"
#include "manage/session/manager.h"
#include "verifier/request/judge.h"

#define TRIES_MOST 20 /* for a key that others' changes make stale */

struct rekey {
    sealring_manager *manager;
    const char *key_id;
    const sealring_rekey_request *request;
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]; /* normalised, if the request has scopes */
    struct registry_vault vault;
    struct registry_version active;
    struct registry_holder older;
    struct registry_holder successor;
    int64_t ends;
    bool stale; /* what was sealed has changed meanwhile: read and seal it again */
    struct audit_act act;
};

static sealring_status read_key(struct rekey *rekey, sealring_error *error)
{
    sealring_status status;
    struct registry *registry = rekey->manager->registry;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        rekey->vault = *registry_vault_row(registry);
        status = key_get(registry, rekey->key_id, &rekey->older, error);
        if (status == SEALRING_OK)
            status = key_check_alive(&rekey->older.key, error);
        if (status == SEALRING_OK)
            status = seal_active_version(rekey->manager, &rekey->older.ring, &rekey->active, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* New scopes may exceed those that the key was narrowed to, or those that it had: rekeying is the way to widen them. But this lifts the narrowing,
 * and older credentials that are still valid would get their former scopes again. */
static sealring_status apply_scopes(struct rekey *rekey, sealring_error *error)
{
    struct registry_holder *successor = &rekey->successor;
    if (rekey->request->scopes == NULL) {
        judge_scopes(&rekey->older, successor->credential.scopes);
        return SEALRING_OK;
    }
    memcpy(successor->credential.scopes, rekey->scopes, strlen(rekey->scopes) + 1);
    if (!successor->key.narrowed || scope_includes(successor->key.narrowed_scopes, rekey->scopes, NULL, NULL))
        return SEALRING_OK;
    if (rekey->request->overlap != 0)
        return error_set(
            error, SEALRING_REFUSED,
            "API key %s is narrowed: widening it lifts that for its older credentials too, so they have to end at "
            "once (--overlap 0s)",
            rekey->key_id);
    successor->key.narrowed = false;
    successor->key.narrowed_scopes[0] = '\0';
    return SEALRING_OK;
}

static sealring_status make_successor(struct rekey *rekey, char text[SEAL_TEXT_SIZE], sealring_error *error)
{
    /* even with new scopes the other claims come from the row: the token must confirm it first */
    sealring_status status = seal_again(rekey->manager, &rekey->vault, &rekey->older, text, NULL, error);
    secret_wipe(text, SEAL_TEXT_SIZE);
    if (status == SEALRING_OK)
        status = seal_successor(rekey->manager, &rekey->older, &rekey->active, &rekey->successor, error);
    if (status == SEALRING_OK)
        status = apply_scopes(rekey, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_credential *credential = &rekey->successor.credential;
    if (rekey->request->set_expires)
        credential->expires = rekey->request->expires;
    if (credential->expires != 0 && credential->expires <= clock_wall_ms())
        return error_set(error, SEALRING_REFUSED,
                         "the credential of API key %s would have expired already: --expires T", rekey->key_id);
    return seal_new(rekey->manager, &rekey->vault, &rekey->successor, text, NULL, error);
}

/* Every older credential ends after the overlap, including those that are superseded already; an earlier end stays. */
static sealring_status end_older(struct registry *registry, const struct rekey *rekey, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    bool found = true;
    for (uint32_t serial = 1; status == SEALRING_OK && serial <= rekey->older.key.last_serial; serial++) {
        struct registry_credential credential;
        status = registry_credential_find(registry, rekey->older.key.id, serial, &credential, &found, error);
        if (status == SEALRING_OK && !found)
            return error_set(error, SEALRING_REGISTRY,
                             "the registry is damaged: credential %u of API key %s is not there", serial,
                             rekey->key_id);
        if (status != SEALRING_OK || (credential.replaced && credential.retire_at <= rekey->ends))
            continue;
        credential.state = SEALRING_CREDENTIAL_SUPERSEDED;
        credential.replaced = true;
        credential.retire_at = rekey->ends;
        status = registry_credential_update(registry, &credential, error);
    }
    return status;
}

static void record(struct rekey *rekey)
{
    key_record(&rekey->act, &rekey->successor);
    rekey->act.version = rekey->successor.credential.version;
    audit_detail(&rekey->act, "{s:I, s:s, s:s, s:I, s:I}", "serial", (json_int_t)rekey->successor.credential.serial,
                 "scopes_before", rekey->older.credential.scopes, "scopes_after", rekey->successor.credential.scopes,
                 "expires", (json_int_t)rekey->successor.credential.expires, "older_end", (json_int_t)rekey->ends);
    if (rekey->request->reason != NULL)
        audit_detail_add(&rekey->act, "reason", json_string(rekey->request->reason));
}

/* Whether key, ring and active version are as they were when they were read. */
static bool is_unchanged(struct registry *registry, const struct rekey *rekey)
{
    struct registry_holder now;
    struct registry_version active;
    const struct registry_holder *older = &rekey->older;
    return memcmp(registry_vault_row(registry)->era, rekey->vault.era, sizeof rekey->vault.era) == 0 &&
           key_get(registry, rekey->key_id, &now, NULL) == SEALRING_OK && now.key.id == older->key.id &&
           now.key.changed_epoch == older->key.changed_epoch && now.ring.changed_epoch == older->ring.changed_epoch &&
           now.version.changed_epoch == older->version.changed_epoch &&
           seal_active_version(rekey->manager, &now.ring, &active, NULL) == SEALRING_OK &&
           active.number == rekey->active.number && active.changed_epoch == rekey->active.changed_epoch;
}

static sealring_status write_rows(struct registry *registry, struct rekey *rekey, sealring_error *error)
{
    rekey->stale = registry_vault_row(registry)->epoch != rekey->vault.epoch + 1 && !is_unchanged(registry, rekey);
    if (rekey->stale)
        return error_set(error, SEALRING_REGISTRY,
                         "the registry was changed again and again meanwhile: repeat the command");
    rekey->ends = clock_wall_ms() + rekey->request->overlap;
    sealring_status status = end_older(registry, rekey, error);
    if (status == SEALRING_OK)
        status = registry_credential_insert(registry, &rekey->successor.credential, error);
    if (status == SEALRING_OK)
        status = registry_key_update(registry, &rekey->successor.key, error);
    record(rekey);
    return status;
}

static sealring_status check_request(struct rekey *rekey, sealring_error *error)
{
    const sealring_rekey_request *request = rekey->request;
    char problem[128];
    if (request->scopes != NULL) {
        const char *wrong = scope_normalise(request->scopes, rekey->scopes, problem);
        if (wrong != NULL)
            return error_set(error, SEALRING_INVALID, "the set of scopes %s", wrong);
    }
    if (request->overlap < 0 || request->overlap > TIMETEXT_DURATION_MAX)
        return error_set(error, SEALRING_INVALID, "the overlap is negative or longer than 36500d");
    if (request->set_expires && request->expires != 0 && request->expires <= clock_wall_ms())
        return error_set(error, SEALRING_INVALID, "the expiry is past");
    return manager_check_reason(request->reason, error);
}

static bool restricts(const struct rekey *rekey)
{
    return rekey->request->overlap == 0 && rekey->manager->trust_clock == NULL;
}

/* A rekey that ends the older credentials at once is a restriction. But its successor needs a clock that can be right, and if an operator confirms
 * the clock, the confirmation is written to the audit log first. */
static sealring_status begin(const struct rekey *rekey, sealring_error *error)
{
    sealring_manager *manager = rekey->manager;
    if (!restricts(rekey))
        return manager_begin_dated(manager, "key rekey", true, error);
    sealring_status status = manager_begin_restriction(manager, "key rekey", error);
    if (status != SEALRING_OK)
        return status;
    status = manager_check_clock(manager, error);
    if (status != SEALRING_OK)
        manager_end(manager);
    return status;
}

/* Writes what was read and sealed, or records why that was refused. */
static sealring_status write_sealed(struct rekey *rekey, sealring_status status, sealring_error *error)
{
    sealring_manager *manager = rekey->manager;
    sealring_error inner = {.message = ""};
    sealring_status begun = begin(rekey, &inner);
    if (begun != SEALRING_OK) {
        if (status == SEALRING_OK && error != NULL)
            *error = inner;
        return status == SEALRING_OK ? begun : status;
    }
    rekey->act = (struct audit_act){.name = "key.rekey"};
    if (status == SEALRING_OK) {
        struct commit commit = manager_commit(manager, true, &rekey->act, error);
        do {
            if (commit_begin(&commit, &status))
                status = write_rows(manager->registry, rekey, error);
        } while (commit_again(&commit, &status));
    }
    if (key_id_is_well_formed(rekey->key_id))
        memcpy(rekey->act.key_id, rekey->key_id, sizeof rekey->act.key_id);
    manager_end_act(manager, &rekey->act, rekey->stale ? SEALRING_OK : status, error);
    audit_release(&rekey->act);
    return status;
}

/* Read and sealed without any lock, because the token is slow; written if nothing has changed. */
static sealring_status run(struct rekey *rekey, char text[SEAL_TEXT_SIZE], sealring_error *error)
{
    sealring_status status = check_request(rekey, error);
    if (status == SEALRING_OK)
        status = restricts(rekey) ? manager_ready_restriction(rekey->manager, "key rekey", error)
                                  : manager_ready(rekey->manager, "key rekey", error);
    if (status != SEALRING_OK)
        return status;
    for (int tries = 0; tries < TRIES_MOST; tries++) {
        rekey->stale = false;
        status = read_key(rekey, error);
        if (status == SEALRING_OK)
            status = make_successor(rekey, text, error);
        status = write_sealed(rekey, status, error);
        if (!rekey->stale)
            return status;
    }
    return status;
}

sealring_status sealring_rekey(sealring_manager *manager, const char *key_id, const sealring_rekey_request *request,
                               sealring_issued_callback each, void *context, sealring_error *error)
{
    sealring_rekey_request asked;
    sized_take(&asked, sizeof asked, request);
    struct rekey rekey = {.manager = manager, .key_id = key_id, .request = &asked};
    char *text = secret_allocate(SEAL_TEXT_SIZE);
    if (text == NULL)
        return error_no_memory(error);
    sealring_status status = run(&rekey, text, error);
    if (status == SEALRING_OK && !manager->dry_run)
        status = seal_hand_over(&rekey.successor, text, 0, false, each, context, error);
    secret_free(text, SEAL_TEXT_SIZE);
    return status;
}
