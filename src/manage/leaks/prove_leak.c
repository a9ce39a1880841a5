/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a reported text is a valid credential of this vault: by rows, by facts, and by the token. */
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "manage/keys/keys.h"
#include "manage/keys/seal.h"
#include "manage/leaks/leak_batch.h"
#include "registry/rows/closed_facts.h"
#include "verifier/request/judge.h"

#define ALTERED "ALARM: the registry was altered: %s of API key %s: nothing was done"

static sealring_status judge_stranger(struct registry *registry, struct leak_item *item, const char *reason,
                                      sealring_error *error)
{
    struct registry_credential credential;
    bool imported = false;
    sealring_status status = registry_credential_find_imported(registry, item->digest, &credential, &imported, error);
    if (status == SEALRING_OK)
        leak_answer(item, SEALRING_LEAK_UNKNOWN, "%s",
                    imported ? "an imported key: `sealring explain` names its API key, and an operator acts on it"
                             : reason);
    return status;
}

/* The credential by its digest, and its version. */
static sealring_status find_credential(struct registry *registry, struct leak_item *item, bool *known, bool *complete,
                                       sealring_error *error)
{
    struct registry_holder *holder = &item->holder;
    struct registry_credential credential;
    *known = *complete = false;
    struct registry_cursor credentials = registry_credentials(registry, holder->key.id, error);
    while (!*known && registry_credential_next(&credentials, &credential)) {
        *known = memcmp(credential.digest, item->digest, sizeof item->digest) == 0;
        if (*known)
            holder->credential = credential;
    }
    sealring_status status = registry_close_cursor(&credentials, SEALRING_OK);
    if (status != SEALRING_OK || !*known)
        return status;
    (void)registry_credential_end(&holder->credential, &holder->key.ends);
    status =
        registry_version_find(registry, holder->ring.id, holder->credential.version, &holder->version, complete, error);
    *complete = *complete && !holder->version.unfounded && holder->credential.version == item->parts.version &&
                strcmp(holder->ring.prefix, item->parts.prefix) == 0;
    return status;
}

/* A suspension can be lifted, and a time comes. */
static bool can_be_valid(sealring_verdict verdict)
{
    return verdict == SEALRING_ACCEPTED || verdict == SEALRING_REJECTED_SUSPENDED ||
           verdict == SEALRING_REJECTED_NOT_YET_VALID;
}

static sealring_status judge_rows(struct leak_batch *batch, struct leak_item *item, sealring_error *error)
{
    const struct bearer bearer = key_bearer(&item->holder);
    sealring_grant grant = {.size = sizeof grant};
    bool recorded = false;
    sealring_verdict verdict = judge_bearer(&bearer, NULL, (struct judge_time){.wall_ms = batch->now}, &grant);
    if (!can_be_valid(verdict)) {
        leak_answer(item, SEALRING_LEAK_ENDED, "%s", grant.reason);
        return SEALRING_OK;
    }
    sealring_status status =
        leak_is_recorded(batch->manager->registry, item->leak->key_id, item->leak->serial, &recorded, error);
    if (status == SEALRING_OK && recorded)
        leak_answer(item, SEALRING_LEAK_KNOWN, "its leak was reported before: sealring audit show --key %s",
                    item->leak->key_id);
    item->doubtful = status == SEALRING_OK && !recorded;
    return status;
}

static void name(struct leak_item *item)
{
    const struct registry_holder *holder = &item->holder;
    sealring_leak *leak = item->leak;
    memcpy(leak->key_id, holder->key.key_id, sizeof leak->key_id);
    memcpy(leak->client, holder->client.name, sizeof leak->client);
    memcpy(leak->ring, holder->ring.name, sizeof leak->ring);
    leak->version = holder->credential.version;
    leak->serial = holder->credential.serial;
    leak->policy = holder->ring.policy.leaks;
}

sealring_status leak_read(struct leak_batch *batch, struct leak_item *item, sealring_error *error)
{
    struct registry *registry = batch->manager->registry;
    const sealring_leak *leak = item->leak;
    const size_t length = leak->credential != NULL ? leak->credential_length : 0;
    const char *text = length > 0 ? leak->credential : "";
    bool known = false, complete = false;
    enum text_problem problem = text_parse(text, length, &item->parts, NULL);
    secret_wipe(item->parts.secret, sizeof item->parts.secret);
    if (!text_digest(text, length, item->digest))
        return error_set(error, SEALRING_SYSTEM, "OpenSSL cannot compute SHA-256");
    if (problem != TEXT_GOOD)
        return judge_stranger(registry, item, text_problem_words(problem), error);
    sealring_status status = registry_key_find(registry, item->parts.key_id, &item->holder.key, &known, error);
    if (status == SEALRING_OK && !known)
        return judge_stranger(registry, item, "no API key has this key ID", error);
    if (status == SEALRING_OK)
        status = key_get(registry, item->parts.key_id, &item->holder, error);
    if (status == SEALRING_OK)
        status = find_credential(registry, item, &known, &complete, error);
    if (status != SEALRING_OK)
        return status;
    if (!known)
        return judge_stranger(registry, item, "the key ID is known, the secret is not", error);
    name(item);
    if (complete)
        return judge_rows(batch, item, error);
    atomic_store(&batch->manager->alarmed, true);
    leak_answer(item, SEALRING_LEAK_UNAVAILABLE, ALTERED, "rows", leak->key_id);
    return SEALRING_OK;
}

bool leak_prove(struct leak_batch *batch, struct leak_item *item)
{
    const sealring_leak *leak = item->leak;
    char text[SEAL_TEXT_SIZE];
    bool confirmed = false, same = false;
    enum seal_doubt doubt = SEAL_CERTAIN;
    sealring_error error = {.message = ""};
    sealring_status status =
        seal_confirm(batch->manager, &batch->vault, &item->holder, text, &confirmed, &doubt, &error);
    if (status == SEALRING_OK && confirmed)
        same = strlen(text) == leak->credential_length && secret_equal(text, leak->credential, strlen(text));
    secret_wipe(text, sizeof text);
    if (status != SEALRING_OK) {
        leak_answer(item, SEALRING_LEAK_UNAVAILABLE, "%s", error.message);
    } else if (!confirmed) {
        atomic_store(&batch->manager->alarmed, true);
        leak_answer(item, SEALRING_LEAK_UNAVAILABLE, ALTERED, "the token does not confirm the row", leak->key_id);
    } else if (!same) {
        leak_answer(item, SEALRING_LEAK_UNKNOWN, "the key ID is known, the secret is not");
    }
    return same;
}
