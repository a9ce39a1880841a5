/* SPDX-License-Identifier: Apache-2.0 */
/* Rekeying: the next serial of an API key, for a leak or for other claims; the older credentials end. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/struct_size.h"
#include "base/timetext.h"
#include "credential/scope.h"
#include "manage/keys/claim_offer.h"
#include "manage/keys/keys.h"
#include "manage/keys/renewal.h"
#include "verifier/request/judge.h"

struct rekey {
    const sealring_rekey_request *request;
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]; /* normalised, if the request has scopes */
    int64_t ends;
};

static sealring_status rekey_check(const struct registry_holder *older, sealring_error *error)
{
    return key_check_alive(&older->key, error);
}

/* New scopes may exceed those that the key was narrowed to, or those that it had: rekeying is the way to widen them. But this lifts the narrowing,
 * and older credentials that are still valid would get their former scopes again. */
static sealring_status apply_scopes(const struct rekey *rekey, struct renewal_item *item, sealring_error *error)
{
    struct registry_holder *successor = &item->successor;
    if (rekey->request->scopes == NULL) {
        judge_scopes(&item->older, successor->credential.scopes);
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
            item->older.key.key_id);
    successor->key.narrowed = false;
    successor->key.narrowed_scopes[0] = '\0';
    return SEALRING_OK;
}

/* The older credentials end by a bound on serials, which is also about rows that somebody hides while this act runs. The new credential has the serial
 * behind it. */
static sealring_status choose_serial(struct renewal_item *item, sealring_error *error)
{
    struct registry_holder *successor = &item->successor;
    successor->key.last_serial = ends_bound(&item->older.key.ends, item->older.key.last_serial);
    sealring_status status = seal_next_serial(&successor->key, error);
    successor->credential.serial = successor->key.last_serial;
    return status;
}

/* Without an overlap it takes something away only, unless it also lifts a narrowing or offers a claim: that needs a signature first. */
static bool restricts(const struct renewal *renewal)
{
    return renewal->rekey->request->overlap == 0 && renewal->manager->trust_clock == NULL && !renewal->manager->claims;
}

static sealring_status rekey_seal(struct renewal *renewal, struct renewal_item *item, char text[SEAL_TEXT_SIZE],
                                  sealring_error *error)
{
    const sealring_rekey_request *request = renewal->rekey->request;
    struct registry_holder *successor = &item->successor;
    /* even with new scopes the other claims come from the row: the token must confirm it first */
    sealring_status status = seal_again(renewal->manager, &renewal->vault, &item->older, text, &item->doubt, error);
    secret_wipe(text, SEAL_TEXT_SIZE);
    if (status == SEALRING_OK)
        status = seal_successor(renewal->manager, &renewal->vault, &item->older, &renewal->active, successor, error);
    if (status == SEALRING_OK)
        status = choose_serial(item, error);
    if (status == SEALRING_OK)
        status = apply_scopes(renewal->rekey, item, error);
    if (status != SEALRING_OK)
        return status;
    renewal->restricts = restricts(renewal) && successor->key.narrowed == item->older.key.narrowed;
    struct registry_credential *credential = &successor->credential;
    if (request->set_expires)
        credential->expires = request->expires;
    if (credential->expires != 0 && credential->expires <= clock_wall_ms())
        return error_set(error, SEALRING_REFUSED,
                         "the credential of API key %s would have expired already: --expires T", renewal->key_id);
    status = seal_new(renewal->manager, &renewal->vault, successor, text, &item->doubt, error);
    return status == SEALRING_OK ? claim_offer(renewal->manager, &renewal->vault, successor, text, &item->doubt, error)
                                 : status;
}

/* Every older credential ends after the overlap, including those that are superseded already; an earlier end stays. */
static sealring_status rekey_write(struct renewal *renewal, const struct renewal_item *item, sealring_error *error)
{
    sealring_manager *manager = renewal->manager;
    struct registry_key key = item->successor.key;
    renewal->rekey->ends = manager_now(manager) + renewal->rekey->request->overlap;
    sealring_status status =
        seal_end(manager, &key, item->successor.credential.serial - 1, renewal->rekey->ends, error);
    if (status == SEALRING_OK)
        status = registry_credential_insert(manager->registry, &item->successor.credential, error);
    if (status != SEALRING_OK)
        return status;
    return item->older.key.narrowed != key.narrowed ? registry_key_set_rekeyed(manager->registry, &key, error)
                                                    : registry_key_set_serial(manager->registry, &key, error);
}

static void rekey_record(struct renewal *renewal)
{
    const struct registry_credential *older = &renewal->items[0].older.credential;
    const struct registry_credential *successor = &renewal->items[0].successor.credential;
    const struct registry_key *key = &renewal->items[0].older.key;
    struct audit_act *act = &renewal->act;
    key_record(act, &renewal->items[0].successor);
    act->version = successor->version;
    audit_detail(act, "{s:I, s:s, s:s, s:I, s:I}", "serial", (json_int_t)successor->serial, "scopes_before",
                 older->scopes, "scopes_after", successor->scopes, "expires", (json_int_t)successor->expires,
                 "older_end", (json_int_t)renewal->rekey->ends);
    seal_record(renewal->manager, act);
    audit_detail_add(act, "narrowed_before", key->narrowed ? json_string(key->narrowed_scopes) : json_null());
    if (renewal->rekey->request->reason != NULL)
        audit_detail_add(act, "reason", json_string(renewal->rekey->request->reason));
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

sealring_status sealring_rekey(sealring_manager *manager, const char *key_id, const sealring_rekey_request *request,
                               sealring_issued_callback each, void *context, sealring_error *error)
{
    static const struct renewal_kind kind = {
        .purpose = "key rekey",
        .act = "key.rekey",
        .check = rekey_check,
        .seal = rekey_seal,
        .write = rekey_write,
        .record = rekey_record,
    };
    sealring_rekey_request asked;
    sized_take(&asked, sizeof asked, request);
    struct rekey rekey = {.request = &asked};
    struct renewal renewal = {
        .manager = manager,
        .kind = &kind,
        .rekey = &rekey,
        .key_id = key_id,
        .room = 1,
    };
    renewal.restricts = restricts(&renewal);
    sealring_status status = check_request(&rekey, error);
    if (status == SEALRING_OK)
        status = renewal_make(&renewal, error);
    if (status == SEALRING_OK)
        status = renewal_run(&renewal, each, context, error);
    renewal_release(&renewal);
    return status;
}
