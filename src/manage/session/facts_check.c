/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what an act starts from: the chain of facts, the end of the log, and that a signature covers them, or the operator's side wrote them. */
#include "manage/session/manager.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "log/log_tree.h"
#include "log/signed_time.h"
#include "manage/session/unsigned_notes.h"
#include "registry/rows/closed_facts.h"

#define TAIL_NAME_SIZE (ENTRY_NAMES_SIZE + 48)

/* ---- refusing ---- */

static sealring_status refuse_altered(const sealring_manager *manager, const char *what, const char *kind,
                                      uint64_t number, sealring_error *error)
{
    return error_set(error, SEALRING_REFUSED,
                     "ALARM: the registry %s was altered: its %s are not those that were recorded, from %s %" PRIu64
                     " on; nothing was changed: see `sealring audit verify`, and restore the newest backup",
                     manager->config->registry, what, kind, number);
}

static void name_missing(const sealring_manager *manager, char name[TAIL_NAME_SIZE])
{
    const bool entry = manager->entries.missing != 0;
    snprintf(name, TAIL_NAME_SIZE, "%s %" PRIu64, entry ? "entry" : "fact",
             entry ? manager->entries.missing : manager->facts.missing);
}

static sealring_status refuse_missing(const sealring_manager *manager, sealring_error *error)
{
    char name[TAIL_NAME_SIZE];
    name_missing(manager, name);
    return error_set(
        error, SEALRING_REFUSED,
        "ALARM: the registry %s has not the %s that " UNSIGNED_FILE
        " records: it was rolled back or altered; nothing was changed: bring the newest registry back, or, "
        "if what is missing is lost, repeat the command with --take-over REASON",
        manager->config->registry, name);
}

static void name_unsigned(const sealring_manager *manager, char name[TAIL_NAME_SIZE])
{
    const bool entries = manager->entries.others > 0;
    const uint64_t count = entries ? manager->entries.others : manager->facts.others;
    char more[48] = "";
    if (count > 1)
        snprintf(more, sizeof more, " and %" PRIu64 " %s more", count - 1, entries ? "entries" : "facts");
    snprintf(name, TAIL_NAME_SIZE, "%s%s", entries ? manager->entries.other : manager->facts.other, more);
}

static sealring_status refuse_unsigned(const sealring_manager *manager, sealring_error *error)
{
    char name[TAIL_NAME_SIZE];
    name_unsigned(manager, name);
    return error_set(error, SEALRING_REFUSED,
                     "ALARM: no signature covers %s: somebody may have written it to the registry %s; nothing was "
                     "changed: see `sealring audit show`; if it is right, repeat the command with --take-over REASON, "
                     "otherwise restore the newest backup",
                     name, manager->config->registry);
}

static sealring_status refuse_era(const sealring_manager *manager, sealring_error *error)
{
    return error_set(error, SEALRING_REFUSED,
                     "ALARM: the registry %s is of another era than the one that is signed, and " UNSIGNED_FILE
                     " records no restore or take-over that began it; nothing was changed: bring the newest registry "
                     "back, or repeat the command, with the audit token, with --take-over REASON",
                     manager->config->registry);
}

static bool is_missing(const sealring_manager *manager)
{
    return !manager->gives_up && (manager->facts.missing != 0 || manager->entries.missing != 0);
}

/* The order in which it is reported. */
static sealring_status judge(const sealring_manager *manager, sealring_error *error)
{
    const struct fact_tail *facts = &manager->facts;
    const struct entry_tail *entries = &manager->entries;
    if (facts->broken != 0 || facts->lacks_signed)
        return refuse_altered(manager, "facts", "fact", facts->broken != 0 ? facts->broken : facts->count, error);
    if (entries->broken != 0)
        return refuse_altered(manager, "audit entries", "entry", entries->broken, error);
    if (manager->other_era && !manager->gives_up)
        return refuse_era(manager, error);
    if (is_missing(manager))
        return refuse_missing(manager, error);
    return facts->others > 0 || entries->others > 0 ? refuse_unsigned(manager, error) : SEALRING_OK;
}

bool manager_can_accept(const sealring_manager *manager, bool *loses)
{
    const struct fact_tail *facts = &manager->facts;
    const struct entry_tail *entries = &manager->entries;
    *loses = manager->other_era || is_missing(manager);
    return facts->broken == 0 && !facts->lacks_signed && entries->broken == 0;
}

/* ---- following ---- */

/* What others added is compared with the facts before it, which somebody may have edited since they were read: then all are read again. */
static sealring_status follow(sealring_manager *manager, bool signs, sealring_error *error)
{
    const struct checkpoint *covered = &manager->covered;
    struct fact_tail *facts = &manager->facts;
    const struct fact_tail before = *facts;
    sealring_status status = fact_tail_follow(manager->registry, facts, signs, covered->closed_count,
                                              covered->closed.bytes, &manager->own, error);
    if (status != SEALRING_OK || before.count == 0 || facts->restrictions == before.restrictions)
        return status;
    *facts = (struct fact_tail){.count = 0};
    return fact_tail_follow(manager->registry, facts, signs, covered->closed_count, covered->closed.bytes,
                            &manager->own, error);
}

/* What was examined counts as if it were signed, while the registry has it. */
static sealring_status raise_to(struct registry *registry, const struct own_note *note, struct checkpoint *covered,
                                sealring_error *error)
{
    struct merkle_hash root;
    uint8_t head[REGISTRY_DIGEST_SIZE] = {0};
    bool there = true;
    if (note->kind != OWN_NOTE_EXAMINED || note->entry < covered->size || note->facts < covered->closed_count)
        return SEALRING_OK;
    sealring_status status = tree_root_if_whole(registry, note->entry, &root, &there, error);
    if (status == SEALRING_OK && there)
        status = registry_closed_find(registry, note->facts, head, &there, error);
    if (status != SEALRING_OK || !there || memcmp(root.bytes, note->hash, sizeof note->hash) != 0 ||
        memcmp(head, note->head, sizeof head) != 0)
        return status;
    covered->size = note->entry;
    covered->root = root;
    covered->closed_count = note->facts;
    memcpy(covered->closed.bytes, head, sizeof head);
    return SEALRING_OK;
}

static sealring_status raise_all(const sealring_manager *manager, struct checkpoint *covered, sealring_error *error)
{
    const struct own_notes *own = &manager->own;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < own->count; i++)
        status = raise_to(manager->registry, &own->list[i], covered, error);
    for (size_t i = 0; status == SEALRING_OK && i < own->kept_count; i++)
        status = raise_to(manager->registry, &own->kept[i], covered, error);
    return status;
}

static sealring_status read_notes(sealring_manager *manager, sealring_error *error)
{
    const struct registry_vault *vault = registry_vault_row(manager->registry);
    struct own_notes *own = &manager->own;
    sealring_status status = unsigned_read(manager->config, vault->era, own, error);
    manager->witness.era_noted = false;
    for (size_t i = 0; status == SEALRING_OK && i < own->count; i++)
        manager->witness.era_noted = manager->witness.era_noted || own->list[i].kind == OWN_NOTE_EXAMINED;
    return status;
}

/* A former era's checkpoint does not show that the registry's era is not somebody else's. */
static bool is_era_known(const sealring_manager *manager, const struct checkpoint *newest)
{
    const struct audit_witness *witness = &manager->witness;
    const uint8_t *era = registry_vault_row(manager->registry)->era;
    return newest->size == 0 || memcmp(newest->era, era, sizeof newest->era) == 0 || witness->era_noted ||
           (witness->anchored && witness_knows_era(witness, era));
}

/* Of whom signs: what is covered, and whether the log behind it is the operator's side's. */
static sealring_status follow_log(sealring_manager *manager, sealring_error *error)
{
    bool forged;
    struct checkpoint newest;
    sealring_status status = read_notes(manager, error);
    if (status == SEALRING_OK)
        status = signed_newest(manager->registry, witness_counts, &newest, &forged, error);
    manager->other_era = status == SEALRING_OK && !is_era_known(manager, &newest);
    if (status == SEALRING_OK)
        status = witness_cover(&manager->witness, manager->registry, &newest, error);
    if (status == SEALRING_OK)
        status = raise_all(manager, &newest, error);
    if (status != SEALRING_OK)
        return status;
    manager->covered = newest;
    return manager->upgrades ? SEALRING_OK
                             : entry_tail_follow(manager->registry, &manager->entries, &newest, &manager->own, error);
}

static sealring_status follow_all(sealring_manager *manager, sealring_error *error)
{
    const bool signs = witness_configured(manager->config);
    sealring_status status = signs ? follow_log(manager, error) : SEALRING_OK;
    return status == SEALRING_OK ? follow(manager, signs, error) : status;
}

sealring_status manager_follow_facts(sealring_manager *manager, sealring_error *error)
{
    sealring_status status = follow_all(manager, error);
    return status == SEALRING_OK ? judge(manager, error) : status;
}

/* Somebody may have edited facts that were checked: the whole chain is read again. */
static sealring_status check_again(void *context, sealring_error *error)
{
    sealring_manager *manager = context;
    manager->facts = (struct fact_tail){.count = 0};
    manager->entries = (struct entry_tail){.size = 0};
    return manager_follow_facts(manager, error);
}

sealring_status manager_check_facts(sealring_manager *manager, bool whole, sealring_error *error)
{
    static const struct fact_tail none;
    static const struct entry_tail no_entries;
    const struct fact_tail before = whole ? none : manager->facts;
    const struct entry_tail entries_before = whole ? no_entries : manager->entries;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    if (whole)
        (void)registry_watch_changes(manager->registry, NULL, NULL, NULL);
    do {
        manager->facts = before;
        manager->entries = entries_before;
        if (registry_begin(&reading, &status))
            status = manager_follow_facts(manager, error);
        if (whole && status == SEALRING_OK)
            status = registry_watch_changes(manager->registry, check_again, manager, error);
    } while (registry_again(&reading, &status));
    return status;
}

static void describe(const sealring_manager *manager, char what[TAIL_TEXT_SIZE])
{
    char name[TAIL_NAME_SIZE];
    if (manager->other_era) {
        snprintf(what, TAIL_TEXT_SIZE,
                 "the registry is of another era than the one that is signed, and " UNSIGNED_FILE
                 " records no restore or take-over that began it");
    } else if (is_missing(manager)) {
        name_missing(manager, name);
        snprintf(what, TAIL_TEXT_SIZE, UNSIGNED_FILE " records %s, which the registry has not", name);
    } else if (manager->facts.others > 0 || manager->entries.others > 0 || manager->entries.restrictions > 0) {
        name_unsigned(manager, name);
        snprintf(what, TAIL_TEXT_SIZE, "no signature covers %s, and " UNSIGNED_FILE " does not record it",
                 name[0] != '\0' ? name : manager->entries.restricted);
    }
}

sealring_status manager_describe_tail(sealring_manager *manager, char what[TAIL_TEXT_SIZE], sealring_error *error)
{
    const struct fact_tail facts = manager->facts;
    const struct entry_tail entries = manager->entries;
    what[0] = '\0';
    if (!witness_configured(manager->config))
        return SEALRING_OK;
    manager->facts = (struct fact_tail){.count = 0};
    manager->entries = (struct entry_tail){.size = 0};
    sealring_status status = follow_all(manager, error);
    if (status == SEALRING_OK)
        describe(manager, what);
    manager->facts = facts;
    manager->entries = entries;
    return status;
}

sealring_status manager_read_notes(sealring_manager *manager, sealring_error *error)
{
    sealring_status status;
    if (!witness_configured(manager->config))
        return SEALRING_OK;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_notes(manager, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status manager_accept(sealring_manager *manager, const uint8_t *era, struct own_note *noted,
                               sealring_error *error)
{
    struct fact_tail *facts = &manager->facts;
    struct entry_tail *entries = &manager->entries;
    *noted = (struct own_note){
        .kind = OWN_NOTE_EXAMINED, .entry = entries->size, .facts_before = facts->count, .facts = facts->count};
    memcpy(noted->era, era != NULL ? era : registry_vault_row(manager->registry)->era, sizeof noted->era);
    memcpy(noted->hash, entries->root.bytes, sizeof noted->hash);
    memcpy(noted->head, facts->head, sizeof noted->head);
    manager->own.kept_count = 0; /* it covers them */
    *facts = (struct fact_tail){.count = 0};
    *entries = (struct entry_tail){.size = 0};
    return own_notes_keep(&manager->own, noted) ? SEALRING_OK : error_no_memory(error);
}
