/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the registry's facts, and decides which are covered by a signed checkpoint, and when another era's are believed. With `looking`
 * held, in a poll. */
#include "verifier/fresh/follow_closed.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "log/checkpoint.h"
#include "log/key_change.h"
#include "log/signed_time.h"
#include "verifier/fresh/reload_key.h"

#define UNSIGNED_POLLS 10 /* before a permission that nobody signed is reported: an act commits first, and signs then */

/* ---- checkpoints ---- */

/* The next one, from the newest on, that one of the verifier's keys signed, for this vault and era. All is taken from
 * the note, as the columns beside it are not signed, and a note in the row of another proves nothing about that one. */
static bool next_signed(struct registry_cursor *notes, const struct verifier *verifier,
                        const uint8_t era[REGISTRY_ID_SIZE], char note[REGISTRY_NOTE_SIZE],
                        struct checkpoint *checkpoint)
{
    uint64_t size;
    while (registry_checkpoint_note_next(notes, &size, note))
        if (checkpoint_verify(note, &verifier->keys, verifier->vault_id, checkpoint) && checkpoint->size == size &&
            memcmp(checkpoint->era, era, sizeof checkpoint->era) == 0)
            return true;
    return false;
}

/* The newest checkpoint counts whose hash over the facts is the one that the verifier computed. One of a fork or of an edited log does not,
 * and hides no other. */
static sealring_status find_covered(struct verifier *verifier, const struct closed_reading *reading, uint64_t *covered,
                                    sealring_error *error)
{
    struct checkpoint checkpoint;
    bool found = false;
    *covered = closed_reading_length(reading);
    if (!verifier->has_key || *covered == closed_reading_covered(reading))
        return SEALRING_OK;
    *covered = closed_reading_covered(reading);
    char *note = malloc(REGISTRY_NOTE_SIZE);
    if (note == NULL)
        return error_no_memory(error);
    struct registry_cursor notes = registry_checkpoint_notes(verifier->looker, error);
    while (!found && next_signed(&notes, verifier, verifier->closed_era, note, &checkpoint)) {
        const uint8_t *head = closed_reading_head(reading, checkpoint.closed_count);
        found = head != NULL && memcmp(head, checkpoint.closed.bytes, sizeof checkpoint.closed.bytes) == 0;
    }
    free(note);
    if (found)
        *covered = checkpoint.closed_count;
    if (found && checkpoint.time > verifier->signed_ms)
        verifier->signed_ms = checkpoint.time;
    return registry_close_cursor(&notes, SEALRING_OK);
}

/* ---- another era ---- */

/* Whether the registry's first facts have that hash, computed from them: the column alone can have any value. */
static sealring_status has_facts(const struct verifier *verifier, const struct checkpoint *checkpoint, bool *has,
                                 sealring_error *error)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE] = {0};
    struct registry_closed fact;
    uint64_t count = 0;
    bool gap = false;
    struct registry_cursor facts = registry_closed_facts(verifier->looker, 0, error);
    while (!gap && count < checkpoint->closed_count && registry_closed_next(&facts, &fact)) {
        registry_closed_hash(hash, &fact, hash);
        gap = fact.sequence != ++count;
    }
    *has = !gap && count == checkpoint->closed_count && memcmp(hash, checkpoint->closed.bytes, sizeof hash) == 0;
    return registry_close_cursor(&facts, SEALRING_OK);
}

/* In a transaction: whether a checkpoint that the newest key signed covers this era and the facts of this registry; then *begins is that checkpoint, otherwise its
 * time is 0. One that is not later than what was signed for the present era is of a copy from before that era. A former key begins no era. */
static sealring_status read_signed_era(struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE],
                                       char note[REGISTRY_NOTE_SIZE], struct checkpoint *begins, sealring_error *error)
{
    bool has = false, found = false;
    sealring_status status = audit_keys_follow(verifier->looker, &verifier->keys, error);
    struct registry_cursor notes = registry_checkpoint_notes(verifier->looker, error);
    while (!found && next_signed(&notes, verifier, era, note, begins))
        found = begins->newest;
    status = registry_close_cursor(&notes, status);
    if (status == SEALRING_OK && found && begins->time > verifier->signed_ms)
        status = has_facts(verifier, begins, &has, error);
    begins->time = has ? begins->time : 0;
    return status;
}

static sealring_status find_signed_era(struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE],
                                       struct checkpoint *begins, sealring_error *error)
{
    sealring_status status;
    char *note = malloc(REGISTRY_NOTE_SIZE);
    if (note == NULL)
        return error_no_memory(error);
    struct registry_transaction reading = registry_reading(verifier->looker, error);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status))
            status = read_signed_era(verifier, era, note, begins, error);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    free(note);
    return status;
}

/* What was closed in the former era is forgotten only under a signature. */
static sealring_status follow_era(struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE], bool *forgot,
                                  sealring_error *error)
{
    struct checkpoint begins = {.time = 0};
    bool confirmed = !verifier->has_key;
    if (memcmp(verifier->closed_era, era, sizeof verifier->closed_era) == 0) {
        verifier->era_unsigned = false;
        return SEALRING_OK;
    }
    sealring_status status = confirmed ? SEALRING_OK : find_signed_era(verifier, era, &begins, error);
    if (status != SEALRING_OK)
        return status;
    confirmed = confirmed || begins.time != 0;
    if (!confirmed && !verifier->era_unsigned)
        messages_add(verifier->messages, SEALRING_LOG_WARNING,
                     "the registry %s was restored or taken over, and no signed checkpoint confirms that yet: what was "
                     "revoked, retired or compromised before stays closed until one does",
                     verifier->setup.registry);
    verifier->era_unsigned = !confirmed;
    if (!confirmed)
        return SEALRING_OK;
    closed_chain_forget(&verifier->closed);
    verifier->signed_ms = begins.time;
    if (begins.time != 0) /* what former keys may have signed in this era is older than this */
        (void)audit_keys_limit(&verifier->keys, begins.size - 1, begins.closed_count);
    memcpy(verifier->closed_era, era, sizeof verifier->closed_era);
    *forgot = true;
    return SEALRING_OK;
}

/* Whoever commits permissions signs them. */
void follow_report_unsigned(struct verifier *verifier)
{
    size_t waiting = closed_chain_waiting(&verifier->closed);
    if (waiting == 0) {
        verifier->unsigned_polls = 0;
        return;
    }
    if (verifier->unsigned_polls > UNSIGNED_POLLS || ++verifier->unsigned_polls <= UNSIGNED_POLLS)
        return;
    messages_add(verifier->messages, SEALRING_LOG_WARNING,
                 "the registry %s contains facts that resume or widen API keys or reinstate versions, and that no "
                 "checkpoint signed by the vault's audit key covers (%zu of them): they have no effect until one does; "
                 "see `sealring audit verify`",
                 verifier->setup.registry, waiting);
}

sealring_status follow_look(struct verifier *verifier, const uint8_t era[REGISTRY_ID_SIZE], bool *news, bool *forgot,
                            sealring_error *error)
{
    uint64_t count;
    uint8_t head[REGISTRY_DIGEST_SIZE];
    *forgot = false;
    if (!verifier->protocol.loaded && !verifier->keys_known)
        memcpy(verifier->closed_era, era, sizeof verifier->closed_era); /* the first poll */
    sealring_status status = follow_era(verifier, era, forgot, error);
    if (status != SEALRING_OK)
        return status;
    follow_report_unsigned(verifier);
    fork_guard_enter();
    status = registry_look_closed(verifier->looker, &count, head, error);
    fork_guard_leave();
    *news = status == SEALRING_OK && (closed_chain_differs(&verifier->closed, count, head) ||
                                      closed_chain_waiting(&verifier->closed) > 0 || verifier->closed.unapplied);
    return status;
}

/* ---- the facts ---- */

/* The key is read once: whoever replaces it in the registry does not make this verifier believe the new one, unless the present one has signed that. */
static sealring_status read_key(struct verifier *verifier, sealring_error *error)
{
    if (verifier->keys_known)
        return audit_keys_follow(verifier->looker, &verifier->keys, error);
    sealring_status status = audit_keys_find(verifier->looker, &verifier->keys, &verifier->has_key, error);
    verifier->keys_known = status == SEALRING_OK;
    return status;
}

/* A request that read its row before the facts were applied may insert it until the lock is taken, and its entry is found here. Afterwards it
 * looks up the restrictions; if something was permitted, its row is refused, as it may contain a restriction that does not apply any more. */
static void settle_insertions(struct verifier *verifier, bool widened)
{
    pthread_mutex_lock(&verifier->inserting);
    if (widened)
        protocol_widened(&verifier->protocol);
    atomic_store(&verifier->fences, verifier->protocol.fences);
    pthread_mutex_unlock(&verifier->inserting);
}

/* Gives the entries of the keys that were read about what the facts say now. */
static void apply_to_cache(struct verifier *verifier, const struct closed_reading *reading)
{
    if (reading->key_count == 0 && !reading->crowded)
        return;
    settle_insertions(verifier, reading->widened);
    if (reading->crowded) /* not all keys are listed */
        cache_drop_version(verifier->cache, NULL);
    if (cache_count(verifier->cache) == 0)
        return;
    for (size_t i = 0; i < reading->key_count; i++) {
        struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
        memcpy(key.key_id, reading->keys[i], sizeof key.key_id);
        (void)key_facts_restrict(&verifier->closed.restricted, &key, NULL);
        if (closed_keys_has(&verifier->closed.keys, key.key_id)) {
            cache_drop_key(verifier->cache, key.key_id);
            continue;
        }
        cache_bound_key(verifier->cache, &key);
        key_reload(verifier, key.key_id);
    }
}

/* What was signed when the verifier joined, in whatever era, is older than another era that it may follow. */
static sealring_status read_signed_time(struct verifier *verifier, sealring_error *error)
{
    bool forged;
    struct checkpoint newest = {.time = 0};
    if (verifier->signed_ms != 0 || !verifier->has_key)
        return SEALRING_OK;
    sealring_status status = signed_newest(verifier->looker, NULL, &newest, &forged, error);
    verifier->signed_ms = newest.time;
    return status;
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
    while (registry_closed_next(&facts, &fact))
        closed_reading_take(reading, &fact);
    return registry_close_cursor(&facts, status);
}

sealring_status follow_closed(struct verifier *verifier, sealring_error *error)
{
    struct closed_reading reading = {.chain = NULL};
    uint64_t covered = 0;
    bool broke = false;
    sealring_status status = read_key(verifier, error);
    if (status == SEALRING_OK)
        status = read_signed_time(verifier, error);
    if (status == SEALRING_OK)
        status = read_facts(verifier, &reading, error);
    if (status == SEALRING_OK)
        status = find_covered(verifier, &reading, &covered, error);
    if (status == SEALRING_OK && !closed_reading_end(&reading, covered, &broke))
        status = error_no_memory(error);
    apply_to_cache(verifier, &reading); /* also if the reading failed: what it has restricted is restricted */
    closed_reading_drop(&reading);
    if (broke && !verifier->era_unsigned)
        messages_add(verifier->messages, SEALRING_LOG_ALARM,
                     "ALARM: the registry %s has lost or changed what it recorded about revoked API keys and closed "
                     "versions: what this verifier knows to be closed stays closed; find out who changed the registry, "
                     "and see `sealring audit verify`",
                     verifier->setup.registry);
    return status;
}
