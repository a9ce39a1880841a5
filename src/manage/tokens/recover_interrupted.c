/* SPDX-License-Identifier: Apache-2.0 */
/* Completes what an interrupted operation left incomplete in the token. */
#include "manage/tokens/recover_interrupted.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "config/config.h"
#include "lifecycle/transition_table.h"
#include "manage/fleet/effective.h"
#include "manage/tokens/token_file_copies.h"
#include "manage/tokens/version_object.h"

#define RECOVER_AT_ONCE 64 /* intentions, and closings, in one call: there is rarely more than one */

/* One thing to complete: an intention, or else a closing. */
struct unfinished {
    bool closing;
    struct registry_intention intention;
    struct registry_version version;
    bool has_version;
    struct registry_ring ring; /* of the version */
};

struct worklist {
    struct unfinished items[2 * RECOVER_AT_ONCE];
    size_t count;
    struct registry_vault vault;
};

static sealring_status collect_intentions(struct worklist *list, struct registry *registry, sealring_error *error)
{
    struct registry_cursor intentions = registry_intentions(registry, error);
    while (list->count < RECOVER_AT_ONCE && registry_intention_next(&intentions, &list->items[list->count].intention))
        list->count++;
    sealring_status status = registry_close_cursor(&intentions, SEALRING_OK);
    for (size_t i = 0; status == SEALRING_OK && i < list->count; i++) {
        struct unfinished *one = &list->items[i];
        status = registry_version_find_by_object(registry, one->intention.object_id, one->intention.object_id_length,
                                                 &one->version, &one->has_version, error);
    }
    return status;
}

static sealring_status collect_closings(struct worklist *list, sealring_manager *manager, sealring_error *error)
{
    struct registry_version version;
    size_t before = list->count;
    struct registry_cursor versions = registry_versions_owed(manager->registry, error);
    while (list->count < before + RECOVER_AT_ONCE && registry_version_next(&versions, &version))
        if (version.closing_owed && !lifecycle_accepts(version.state))
            list->items[list->count++] = (struct unfinished){.closing = true, .version = version, .has_version = true};
    sealring_status status = registry_close_cursor(&versions, SEALRING_OK);
    return status == SEALRING_OK && list->count > before ? manager_read_roster(manager, manager->registry, error)
                                                         : status;
}

static sealring_status collect(struct worklist *list, sealring_manager *manager, sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct registry_ring ring;
    memset(list, 0, sizeof *list);
    list->vault = *registry_vault_row(registry);
    sealring_status status = collect_intentions(list, registry, error);
    if (status == SEALRING_OK)
        status = collect_closings(list, manager, error);
    if (status != SEALRING_OK || list->count == 0)
        return status;
    struct registry_cursor rings = registry_rings(registry, error);
    while (registry_ring_next(&rings, &ring))
        for (size_t i = 0; i < list->count; i++)
            if (list->items[i].version.ring == ring.id)
                list->items[i].ring = ring;
    return registry_close_cursor(&rings, status);
}

/* What happened to an intention's object. */
enum outcome {
    OUTCOME_FINISHED, /* it is destroyed, or has its version's label */
    OUTCOME_NOTHING,  /* there is no object */
    OUTCOME_ANOTHERS, /* it has another label: the intention may be forged */
    OUTCOME_UNDECIDED /* the token refuses, or has several with this ID: the intention stays, and blocks nothing else */
};

/* If the object does not have the intention's label, or the token cannot keep it, nothing is destroyed: an object that only an intention names may
 * be anybody's key, as anybody who can write the registry can write an intention. An object that no version has stays until an operator destroys it
 * by name. */
static sealring_status finish_object(sealring_manager *manager, const struct unfinished *one, enum outcome *outcome,
                                     sealring_error *error)
{
    char has[TOKEN_LABEL_MAX + 1], intent[TOKEN_LABEL_MAX + 1], label[TOKEN_LABEL_MAX + 1];
    const struct registry_intention *intention = &one->intention;
    bool labelled = config_labels(manager->config) == TOKEN_LABELS_CHANGE;
    enum token_answer answer;
    *outcome = OUTCOME_FINISHED;
    if (!labelled && one->has_version)
        return SEALRING_OK;
    sealring_status status =
        token_key_label(manager->token, intention->object_id, intention->object_id_length, has, &answer, error);
    if (status != SEALRING_OK || !labelled) {
        *outcome = answer == TOKEN_MISSING ? OUTCOME_NOTHING : OUTCOME_UNDECIDED;
        return answer == TOKEN_FAILED ? status : SEALRING_OK;
    }
    recover_intention_label(intention->nonce, intent);
    recover_version_label(one->ring.name, one->version.number, label);
    if (strcmp(has, intent) != 0) {
        *outcome = one->has_version && strcmp(has, label) == 0 ? OUTCOME_FINISHED : OUTCOME_ANOTHERS;
        return SEALRING_OK;
    }
    status = one->has_version ? token_key_relabel(manager->token, intention->object_id, intention->object_id_length,
                                                  intent, label, &answer, error)
                              : token_key_destroy(manager->token, intention->object_id, intention->object_id_length,
                                                  intent, &answer, error);
    *outcome = answer == TOKEN_REFUSES   ? OUTCOME_UNDECIDED
               : answer == TOKEN_MISSING ? OUTCOME_NOTHING
                                         : OUTCOME_FINISHED;
    return *outcome == OUTCOME_FINISHED ? status : SEALRING_OK;
}

static sealring_status finish_intention(sealring_manager *manager, struct unfinished *one, sealring_error *error)
{
    char intent[TOKEN_LABEL_MAX + 1];
    const struct registry_intention *intention = &one->intention;
    struct audit_act act = {.name = one->has_version ? "recover.complete" : "recover.undo"};
    sealring_error inner = {.token_code = 0};
    enum outcome outcome;
    sealring_status status = finish_object(manager, one, &outcome, &inner);
    if (status != SEALRING_OK && error != NULL)
        *error = inner;
    if (status != SEALRING_OK || outcome == OUTCOME_UNDECIDED)
        return status;
    if (!one->has_version && outcome != OUTCOME_ANOTHERS) {
        status = copies_drop(manager, intention->object_id, intention->object_id_length, error);
        if (status == SEALRING_OK)
            status = copies_sync(manager, error);
    } else
        status = copies_follow(manager, error);
    if (status != SEALRING_OK)
        return status;
    if (one->has_version) {
        memcpy(act.ring, one->ring.name, sizeof act.ring);
        act.version = one->version.number;
    }
    recover_intention_label(intention->nonce, intent);
    audit_detail(&act, "{s:s, s:s}", "owner", intention->owner, "label", intent);
    struct commit commit = manager_commit(manager, false, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = registry_intention_delete(manager->registry, intention->id, error);
    } while (commit_again(&commit, &status));
    audit_release(&act);
    return status;
}

static sealring_status clear_owed(struct registry *registry, const struct unfinished *one, sealring_error *error)
{
    struct registry_version version;
    bool found = false;
    sealring_status status =
        registry_version_find(registry, one->version.ring, one->version.number, &version, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_REGISTRY,
                           "the registry's row of version %" PRIu32 " of ring %s is missing: run `sealring doctor`",
                           one->version.number, one->ring.name);
    if (status != SEALRING_OK)
        return status;
    version.closing_owed = false;
    return registry_version_update(registry, &version, error);
}

static sealring_status finish_closing(sealring_manager *manager, const struct registry_vault *vault,
                                      struct unfinished *one, sealring_error *error)
{
    struct owned owned;
    owned_aim(vault, &one->ring, &one->version, &owned);
    sealring_status status = owned_allow_sign(manager->token, &owned, false, error);
    /* an object that is gone signs nothing; if the token refuses, the closing stays owed, which `sealring status` reports; so does a destruction,
     * which only an operator may order */
    if (owned.answer == TOKEN_REFUSES ||
        (owned.answer == TOKEN_DONE && one->version.state == SEALRING_VERSION_DESTROYED))
        return SEALRING_OK;
    if (owned.answer == TOKEN_FAILED)
        return status;
    copies_follow_closing(manager, one->version.object_id, one->version.object_id_length);
    struct audit_act act = {.name = "recover.close", .version = one->version.number};
    memcpy(act.ring, one->ring.name, sizeof act.ring);
    struct commit commit = manager_commit(manager, false, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = clear_owed(manager->registry, one, error);
    } while (commit_again(&commit, &status));
    audit_release(&act);
    return status;
}

/* A retired version's object is closed once the retirement is effective everywhere; the object of a compromised or destroyed version, at once. A row
 * that no closed fact confirms decides nothing. */
static bool may_close(const sealring_manager *manager, const struct registry_version *version)
{
    if (version->unconfirmed)
        return false;
    return version->state != SEALRING_VERSION_RETIRED ||
           effective_everywhere(&manager->roster, &(struct roster_change){.closed_count = version->fact});
}

/* A commit that failed at its last step (the log was written and could not be made durable) is visible to no process, but it is in the log, and a
 * process that starts when no other one uses the registry would accept it. Changes in the token depend on its absence, so it is overwritten first:
 * by a row that is deleted again, as SQLite does not write a row that is replaced by the same one. */
static sealring_status bury_failed_commits(sealring_manager *manager, sealring_error *error)
{
    struct registry_intention none = {.object_id_length = 1, .owner = "recovery", .created = 1};
    sealring_status status = manager_random(none.nonce, sizeof none.nonce, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, false, NULL, error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        status = registry_intention_insert(manager->registry, &none, error);
        if (status == SEALRING_OK)
            status = registry_intention_delete(manager->registry, none.id, error);
    } while (commit_again(&commit, &status));
    return status;
}

sealring_status recover_unfinished(sealring_manager *manager, sealring_error *error)
{
    struct worklist list = {.count = 0};
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = collect(&list, manager, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && list.count > 0)
        status = bury_failed_commits(manager, error);
    for (size_t i = 0; status == SEALRING_OK && i < list.count; i++) {
        struct unfinished *one = &list.items[i];
        if (!one->closing)
            status = finish_intention(manager, one, error);
        else if (may_close(manager, &one->version))
            status = finish_closing(manager, &list.vault, one, error);
    }
    return status;
}
