/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the registry's closed facts, and decides when another era's are believed. With `looking` held, in a poll. */
#include "verifier/fresh/follow_closed.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "log/checkpoint.h"

/* ---- another era ---- */

/* Whether the note is a checkpoint of this vault, signed by the key that it had when the verifier joined. */
static bool parse_signed(const struct verifier *verifier, const char *text, struct checkpoint *checkpoint)
{
    struct note_key key;
    return note_key_parse(verifier->vkey, &key) && checkpoint_verify(text, &key, verifier->vault_id, checkpoint);
}

/* In a transaction: whether a signed checkpoint covers this era and the facts of this registry. */
static sealring_status read_signed_era(const struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE],
                                       char note[REGISTRY_NOTE_SIZE], bool *confirmed, sealring_error *error)
{
    struct registry *registry = verifier->looker;
    struct checkpoint checkpoint;
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    bool found = false;
    *confirmed = false;
    sealring_status status = registry_checkpoint_find_note(registry, note, &found, error);
    if (status != SEALRING_OK || !found || !parse_signed(verifier, note, &checkpoint) ||
        memcmp(checkpoint.era, era, sizeof checkpoint.era) != 0)
        return status;
    status = registry_closed_find(registry, checkpoint.closed_count, hash, &found, error);
    *confirmed = status == SEALRING_OK && found && memcmp(hash, checkpoint.closed.bytes, sizeof hash) == 0;
    return status;
}

static sealring_status is_era_signed(const struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE],
                                     bool *confirmed, sealring_error *error)
{
    sealring_status status;
    char *note = malloc(REGISTRY_NOTE_SIZE);
    if (note == NULL)
        return error_no_memory(error);
    struct registry_transaction reading = registry_reading(verifier->looker, error);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status))
            status = read_signed_era(verifier, era, note, confirmed, error);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    free(note);
    return status;
}

/* What was closed in the former era is forgotten only under a signature. */
static sealring_status follow_era(struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE], bool *forgot,
                                  sealring_error *error)
{
    bool confirmed = verifier->vkey[0] == '\0';
    if (memcmp(verifier->closed_era, era, sizeof verifier->closed_era) == 0) {
        verifier->era_unsigned = false;
        return SEALRING_OK;
    }
    sealring_status status = confirmed ? SEALRING_OK : is_era_signed(verifier, era, &confirmed, error);
    if (status != SEALRING_OK)
        return status;
    if (!confirmed && !verifier->era_unsigned)
        messages_add(verifier->messages, SEALRING_LOG_WARNING,
                     "the registry %s was restored or taken over, and no signed checkpoint confirms that yet: what was "
                     "revoked, retired or compromised before stays closed until one does",
                     verifier->setup.registry);
    verifier->era_unsigned = !confirmed;
    if (!confirmed)
        return SEALRING_OK;
    closed_chain_forget(&verifier->closed);
    memcpy(verifier->closed_era, era, sizeof verifier->closed_era);
    *forgot = true;
    return SEALRING_OK;
}

sealring_status follow_look(struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE], bool *news, bool *forgot,
                            sealring_error *error)
{
    uint64_t count;
    uint8_t head[REGISTRY_DIGEST_SIZE];
    *forgot = false;
    if (!verifier->protocol.loaded && !verifier->vkey_known)
        memcpy(verifier->closed_era, era, sizeof verifier->closed_era); /* the first poll */
    sealring_status status = follow_era(verifier, era, forgot, error);
    if (status != SEALRING_OK)
        return status;
    fork_guard_enter();
    status = registry_look_closed(verifier->looker, &count, head, error);
    fork_guard_leave();
    *news = status == SEALRING_OK && closed_chain_differs(&verifier->closed, count, head);
    return status;
}

/* ---- the facts ---- */

/* The key is read once: whoever replaces it in the registry does not make this verifier believe the new one. */
static sealring_status read_key(struct verifier *verifier, sealring_error *error)
{
    bool found = false;
    if (verifier->vkey_known)
        return SEALRING_OK;
    sealring_status status = registry_audit_key_find(verifier->looker, verifier->vkey, &found, error);
    if (!found)
        verifier->vkey[0] = '\0';
    verifier->vkey_known = status == SEALRING_OK;
    return status;
}

/* After it was taken: what is inserted from now on follows it, too. */
static void apply_to_cache(struct verifier *verifier, const struct registry_closed *fact)
{
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    memcpy(key.key_id, fact->key_id, sizeof key.key_id);
    (void)key_facts_restrict(&verifier->closed.restricted, &key);
    if (closed_keys_has(&verifier->closed.keys, fact->key_id))
        cache_drop_key(verifier->cache, fact->key_id);
    else
        cache_bound_key(verifier->cache, &key);
}

static sealring_status read_facts(struct verifier *verifier, struct closed_reading *reading, sealring_error *error)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    bool found = false;
    struct registry_closed fact;
    sealring_status status = registry_closed_find(verifier->looker, verifier->closed.sound.count, hash, &found, error);
    if (status != SEALRING_OK)
        return status;
    uint64_t after = closed_reading_begin(reading, &verifier->closed, found ? hash : NULL);
    struct registry_cursor facts = registry_closed_facts(verifier->looker, after, error);
    while (registry_closed_next(&facts, &fact)) {
        closed_reading_take(reading, &fact);
        if (!fact.is_version)
            apply_to_cache(verifier, &fact);
    }
    return registry_close_cursor(&facts, status);
}

sealring_status follow_closed(struct verifier *verifier, sealring_error *error)
{
    struct closed_reading reading = {.chain = NULL};
    bool broke = false;
    sealring_status status = read_key(verifier, error);
    if (status == SEALRING_OK)
        status = read_facts(verifier, &reading, error);
    if (status != SEALRING_OK) {
        closed_reading_drop(&reading);
        return status;
    }
    if (!closed_reading_end(&reading, &broke))
        return error_no_memory(error);
    if (verifier->closed.broken) { /* what it restricts was applied only now, after its keys' entries were bounded */
        pthread_mutex_lock(&verifier->inserting);
        cache_drop_version(verifier->cache, NULL);
        pthread_mutex_unlock(&verifier->inserting);
    }
    if (broke && !verifier->era_unsigned)
        messages_add(verifier->messages, SEALRING_LOG_ALARM,
                     "ALARM: the registry %s has lost or changed what it recorded about revoked API keys and closed "
                     "versions: what this verifier knows to be closed stays closed; find out who changed the registry, "
                     "and see `sealring audit verify`",
                     verifier->setup.registry);
    return SEALRING_OK;
}
