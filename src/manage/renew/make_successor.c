/* SPDX-License-Identifier: Apache-2.0 */
/* The successor of a credential: proved by the token, found again or made. */
#include "manage/renew/renew_batch.h"

#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "lifecycle/policy.h"
#include "registry/rows/closed_facts.h"

/* The token is away, or does not know the version's key: only this request has to wait. */
static void answer_unavailable(struct renew_item *item, const sealring_error *error)
{
    renew_answer(item, SEALRING_RENEWAL_UNAVAILABLE, "%s", error->message);
}

static void answer_altered(sealring_manager *manager, struct renew_item *item, uint32_t serial)
{
    atomic_store(&manager->alarmed, true);
    renew_answer(
        item, SEALRING_RENEWAL_UNAVAILABLE,
        "ALARM: the token does not confirm the registry's row of credential %u of API key %s: the registry was "
        "altered; nothing was derived from it",
        serial, item->older.key.key_id);
}

/* The whole text, and not only its digest, which is in the registry. */
static bool prove(struct renew_batch *batch, struct renew_item *item)
{
    const sealring_renewal *request = item->request;
    char text[SEAL_TEXT_SIZE];
    bool confirmed = false, same = false;
    sealring_error error = {.message = ""};
    sealring_status status =
        seal_confirm(batch->manager, &batch->vault, &item->older, text, &confirmed, &item->doubt, &error);
    if (status == SEALRING_OK && confirmed)
        same = strlen(text) == request->credential_length && secret_equal(text, request->credential, strlen(text));
    secret_wipe(text, sizeof text);
    if (status != SEALRING_OK)
        answer_unavailable(item, &error);
    else if (!confirmed)
        answer_altered(batch->manager, item, item->older.credential.serial);
    else if (!same)
        renew_answer(item, SEALRING_RENEWAL_REJECTED, "the key ID is known, the secret is not");
    return same;
}

static bool is_successor(const struct renew_batch *batch, const struct renew_item *item,
                         const struct renew_later *later)
{
    const struct registry_credential *credential = &later->credential;
    return credential->label[0] != '\0' && credential->predecessor == item->older.credential.serial &&
           (credential->expires == 0 || credential->expires > batch->now);
}

/* The newest of the later credentials that the presented one was renewed to. The token confirms each that could be one, because an edited row could
 * hide that; usually there is none, or one. */
static bool find_successor(struct renew_batch *batch, struct renew_item *item)
{
    char *text = item->request->successor;
    for (size_t i = item->later_count; i-- > 0 && item->stage == RENEW_READ;) {
        const struct renew_later *later = &item->later[i];
        struct registry_holder *successor = &item->successor;
        bool confirmed = false;
        sealring_error error = {.message = ""};
        *successor = item->older;
        successor->credential = later->credential;
        successor->version = later->version;
        sealring_status status =
            seal_confirm(batch->manager, &batch->vault, successor, text, &confirmed, &item->doubt, &error);
        if (status != SEALRING_OK)
            answer_unavailable(item, &error);
        else if (!confirmed)
            answer_altered(batch->manager, item, later->credential.serial);
        else if (is_successor(batch, item, later)) {
            for (size_t j = i + 1; j < item->later_count; j++)
                item->was_renewed |= item->later[j].credential.predecessor == later->credential.serial;
            return true;
        }
        secret_wipe(text, SEAL_TEXT_SIZE);
    }
    return false;
}

/* By claims and facts only: `issued` is a cell that nothing vouches for. A life that is longer than the successor's would be counts as that one. */
static bool is_due(const struct renew_batch *batch, const struct renew_item *item)
{
    const struct registry_credential *older = &item->older.credential;
    const int64_t begin = older->not_before > older->origin ? older->not_before : older->origin;
    int64_t life = item->older.ring.policy.renew_life;
    if (older->version != item->active.number)
        return true;
    if (life == 0 || older->expires == 0) /* the successor would expire with it */
        return false;
    if (older->label[0] != '\0' && older->expires - begin < life)
        life = older->expires - begin;
    return older->expires - batch->now < life / 3;
}

/* Answers if the limit since the operator's issue is reached. */
static int64_t choose_expiry(const struct renew_batch *batch, struct renew_item *item)
{
    const struct registry_credential *older = &item->older.credential;
    const sealring_policy *policy = &item->older.ring.policy;
    const int64_t age = policy_renew_age(policy), limit = age != 0 ? older->origin + age : 0;
    const bool gains = older->version != item->active.number || limit > older->expires;
    int64_t expires = policy->renew_life != 0 ? batch->now + policy->renew_life : older->expires;
    if (age != 0 && older->label[0] == '\0')
        renew_answer(
            item, SEALRING_RENEWAL_AGE,
            "the claims of a credential from before schema 3 lack the time of the operator's issue, and ring %s "
            "limits it (--renew-age): sealring reissue %s",
            item->older.ring.name, item->older.key.key_id);
    else if (age != 0 && (limit <= batch->now || !gains))
        renew_answer(
            item, SEALRING_RENEWAL_AGE,
            "the limit since the operator's issue is reached (--renew-age of ring %s): sealring key rekey %s --expires TIME",
            item->older.ring.name, item->older.key.key_id);
    return limit != 0 && (expires == 0 || expires > limit) ? limit : expires;
}

static void make_successor(struct renew_batch *batch, struct renew_item *item)
{
    struct registry_holder *successor = &item->successor;
    sealring_manager *manager = batch->manager;
    sealring_error error = {.message = ""};
    const struct registry_credential *older = &item->older.credential;
    const int64_t expires = choose_expiry(batch, item);
    if (item->stage != RENEW_READ)
        return;
    sealring_status status = seal_successor(manager, &batch->vault, &item->older, &item->active, successor, &error);
    if (status == SEALRING_OK) {
        struct registry_credential *credential = &successor->credential;
        credential->predecessor = older->serial;
        credential->expires = expires;
        if (older->label[0] != '\0')
            credential->origin = older->origin;
        if (older->label[0] != '\0' && !item->older.key.relabelled)
            memcpy(credential->label, older->label, sizeof credential->label);
        status = seal_new(manager, &batch->vault, successor, item->request->successor, &item->doubt, &error);
    }
    if (status != SEALRING_OK)
        answer_unavailable(item, &error);
    else
        renew_answer(item, SEALRING_RENEWAL_ISSUED, "a successor of credential %u", older->serial);
}

/* Two thirds of a life pass before it is due, so the presented credential is the answer. */
static void answer_current(struct renew_item *item)
{
    item->request->version = item->older.credential.version;
    item->request->serial = item->older.credential.serial;
    item->request->expires = item->older.credential.expires;
    renew_answer(item, SEALRING_RENEWAL_CURRENT, "no successor is due");
}

sealring_status renew_seal(size_t index, void *context, sealring_error *error)
{
    struct renew_batch *batch = context;
    struct renew_item *item = &batch->items[index];
    (void)error;
    if (item->stage != RENEW_READ || !prove(batch, item))
        return SEALRING_OK;
    renew_judge_address(item, &item->older.key);
    if (item->stage == RENEW_READ && registry_key_is_contested(&item->older.key))
        renew_answer(item, SEALRING_RENEWAL_CONTESTED, "the API key is contested: sealring key rekey %s",
                     item->older.key.key_id);
    if (item->stage != RENEW_READ)
        return SEALRING_OK;
    if (find_successor(batch, item))
        renew_answer(item, SEALRING_RENEWAL_AGAIN, "the successor that an earlier renewal made");
    else if (item->stage == RENEW_READ && !is_due(batch, item))
        answer_current(item);
    else if (item->stage == RENEW_READ)
        make_successor(batch, item);
    return SEALRING_OK;
}
