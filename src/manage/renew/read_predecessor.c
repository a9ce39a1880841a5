/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the credential that is to be renewed, and answers what its rows and their facts alone decide. */
#include "manage/renew/renew_batch.h"

#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/timetext.h"
#include "lifecycle/transition_table.h"
#include "manage/keys/keys.h"
#include "verifier/request/judge.h"

static sealring_status judge_stranger(struct registry *registry, struct renew_item *item, const char *reason,
                                      sealring_error *error)
{
    struct registry_credential credential;
    bool imported = false;
    sealring_status status = registry_credential_find_imported(registry, item->digest, &credential, &imported, error);
    if (status == SEALRING_OK)
        renew_answer(item, SEALRING_RENEWAL_REJECTED, "%s",
                     imported
                         ? "an imported key has no successor by renewal: an operator replaces it (sealring reissue)"
                         : reason);
    return status;
}

/* The presented credential by its digest, and those after it. */
static sealring_status find_credential(struct registry *registry, struct renew_item *item, bool *found,
                                       sealring_error *error)
{
    struct registry_credential credential;
    sealring_status status = SEALRING_OK;
    *found = false;
    item->later_count = 0;
    struct registry_cursor credentials = registry_credentials(registry, item->newest.key.id, error);
    while (status == SEALRING_OK && registry_credential_next(&credentials, &credential)) {
        (void)registry_credential_end(&credential, &item->newest.key.ends);
        if (!*found && memcmp(credential.digest, item->digest, sizeof item->digest) == 0) {
            *found = true;
            item->older.credential = credential;
        } else if (*found && !credential.replaced && !credential.imported) {
            if (array_grow(&item->later, item->later_count))
                item->later[item->later_count++] = (struct renew_later){.credential = credential};
            else
                status = error_no_memory(error);
        }
    }
    return registry_close_cursor(&credentials, status);
}

/* Keeps those whose version is accepted: no other can be derived again, nor is one a successor. */
static sealring_status find_versions(struct registry *registry, struct renew_item *item, bool *found,
                                     sealring_error *error)
{
    const int64_t ring = item->newest.ring.id;
    size_t kept = 0;
    sealring_status status =
        registry_version_find(registry, ring, item->older.credential.version, &item->older.version, found, error);
    for (size_t i = 0; status == SEALRING_OK && i < item->later_count; i++) {
        struct renew_later *later = &item->later[i];
        bool known = false;
        status = registry_version_find(registry, ring, later->credential.version, &later->version, &known, error);
        if (status == SEALRING_OK && known && !later->version.unfounded && lifecycle_accepts(later->version.state))
            item->later[kept++] = *later;
    }
    item->later_count = kept;
    return status;
}

/* Of a registry that only grows. */
static bool is_last(const struct renew_item *item)
{
    return item->newest.credential.serial == item->newest.key.last_serial;
}

static void judge_rows(struct renew_batch *batch, struct renew_item *item)
{
    const struct registry_holder *older = &item->older;
    const struct bearer bearer = key_bearer(older);
    sealring_grant grant = {.size = sizeof grant};
    char time[TIMETEXT_SIZE];
    if (older->credential.version != item->parts.version || strcmp(older->ring.prefix, item->parts.prefix) != 0)
        renew_answer(item, SEALRING_RENEWAL_REJECTED, "the registry's row does not agree with the credential's text");
    else if (judge_bearer(&bearer, NULL, (struct judge_time){.wall_ms = batch->now}, &grant) != SEALRING_ACCEPTED)
        renew_answer(item, SEALRING_RENEWAL_REJECTED, "%s", grant.reason);
    else if (older->credential.replaced) {
        timetext_format(older->credential.retire_at, time);
        renew_answer(item, SEALRING_RENEWAL_REJECTED, "a rekey superseded the credential, which ends at %s", time);
    } else if (!batch->vault.facts_begun)
        renew_answer(item, SEALRING_RENEWAL_OFF, "this vault renews no credentials yet: finish `sealring upgrade`");
    else if (older->ring.policy.renew == SEALRING_RENEW_OFF)
        renew_answer(item, SEALRING_RENEWAL_OFF, "ring %s renews no credentials: sealring ring set %s --renew bearer",
                     older->ring.name, older->ring.name);
    else
        item->stage = RENEW_READ;
}

/* A ring that cannot issue now, as it has no active version or its row was altered, delays only this request. */
static sealring_status find_active(struct renew_batch *batch, struct renew_item *item)
{
    sealring_error error = {.message = ""};
    struct registry_ring *ring = &item->newest.ring;
    sealring_status status = manager_get_ring(batch->manager->registry, ring->name, ring, &error);
    if (status == SEALRING_OK)
        status = seal_active_version(batch->manager, ring, &item->active, &error);
    if (status != SEALRING_OK)
        renew_answer(item, SEALRING_RENEWAL_UNAVAILABLE, "%s", error.message);
    item->older.ring = *ring;
    return SEALRING_OK;
}

static sealring_status read_key(struct renew_batch *batch, struct renew_item *item, sealring_error *error)
{
    struct registry *registry = batch->manager->registry;
    bool found = false;
    item->older = item->newest;
    sealring_status status = find_credential(registry, item, &found, error);
    if (status == SEALRING_OK && !found)
        return judge_stranger(registry, item, "the key ID is known, the secret is not", error);
    item->is_known = found;
    if (status == SEALRING_OK)
        status = find_versions(registry, item, &found, error);
    if (status != SEALRING_OK)
        return status;
    if (!found || item->older.version.unfounded || !is_last(item)) {
        atomic_store(&batch->manager->alarmed, true);
        renew_answer(item, SEALRING_RENEWAL_UNAVAILABLE,
                     "ALARM: rows of API key %s are missing in the registry: it was altered; nothing was derived",
                     item->newest.key.key_id);
    } else {
        judge_rows(batch, item);
    }
    if (item->stage == RENEW_READ)
        status = find_active(batch, item);
    return item->stage == RENEW_READ && status == SEALRING_OK ? renew_find_recipient(batch, item, error) : status;
}

sealring_status renew_read(struct renew_batch *batch, struct renew_item *item, sealring_error *error)
{
    struct registry *registry = batch->manager->registry;
    sealring_renewal *request = item->request;
    const char *text = request->credential != NULL ? request->credential : "";
    const size_t length = request->credential != NULL ? request->credential_length : 0;
    enum text_problem problem = text_parse(text, length, &item->parts, NULL);
    secret_wipe(item->parts.secret, sizeof item->parts.secret);
    if (!text_digest(text, length, item->digest))
        return error_set(error, SEALRING_SYSTEM, "OpenSSL cannot compute SHA-256");
    if (problem != TEXT_GOOD)
        return judge_stranger(registry, item, text_problem_words(problem), error);
    bool known = false;
    sealring_status status = registry_key_find(registry, item->parts.key_id, &item->newest.key, &known, error);
    if (status == SEALRING_OK && !known)
        return judge_stranger(registry, item, "no API key has this key ID", error);
    if (status == SEALRING_OK)
        status = key_get(registry, item->parts.key_id, &item->newest, error);
    if (status != SEALRING_OK)
        return status;
    memcpy(request->key_id, item->newest.key.key_id, sizeof request->key_id);
    memcpy(request->client, item->newest.client.name, sizeof request->client);
    memcpy(request->ring, item->newest.ring.name, sizeof request->ring);
    return read_key(batch, item, error);
}

void renew_judge_address(struct renew_item *item, const struct registry_key *key)
{
    if (key->bound && !networks_contain(key->networks.items, key->networks.count, item->address, item->address_length))
        renew_answer(item, SEALRING_RENEWAL_ADDRESS, "the API key is bound to networks, and %s is in none of them",
                     item->peer[0] != '\0' ? item->peer : "the unknown address of the request");
}
