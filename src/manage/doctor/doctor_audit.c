/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of the audit log: entries and tree, checkpoints, and what the audit token contains about them. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/timetext.h"
#include "log/key_change.h"
#include "log/log_examine.h"
#include "manage/doctor/doctor_parts.h"
#include "registry/rows/closed_facts.h"

#define PROBLEMS_MOST 20 /* that are reported one by one */

struct audit_look {
    struct doctor *doctor;
    struct audit_keys keys; /* none: no key signs, or it cannot be read */
    bool keyed;             /* there is one */
    uint64_t entries;
    struct registry_checkpoint latest; /* size 0: none */
    uint64_t problems;
    struct audit_keys configured,
        changed;                  /* of the configuration; and to which the signed changes lead from its first one */
    uint64_t altered;             /* rows */
    bool agrees;                  /* the registry's row names the key of the configuration */
    bool begun;                   /* the upgrade from an older program is complete */
    char foreign[TAIL_TEXT_SIZE]; /* entries that nobody of the operator's side wrote; "": none */
    bool contradicted;            /* the log does not continue from the anchor */
};

static void hear_problem(uint64_t entry, const char *text, void *context)
{
    struct audit_look *look = context;
    char object[32] = "audit log";
    if (++look->problems > PROBLEMS_MOST)
        return;
    if (entry != 0)
        snprintf(object, sizeof object, "entry %" PRIu64, entry);
    doctor_find(look->doctor, DOCTOR_AUDIT_LOG, object, "%s", text);
}

static sealring_status follow_first(struct registry *registry, struct audit_look *look, sealring_error *error)
{
    look->changed.count = 1;
    look->changed.keys[0] = (struct audit_key){look->configured.keys[0].key, UINT64_MAX, UINT64_MAX};
    return audit_keys_follow(registry, &look->changed, error);
}

/* A row that is missing, or that no fact is about, is not made from facts. */
static void hear_altered(const struct registry_contradiction *found, const char *text, void *context)
{
    struct audit_look *look = context;
    char object[SEALRING_NAME_LENGTH_MAX + 16];
    if (++look->altered > PROBLEMS_MOST)
        return;
    bool of_key = !found->is_version && !found->of_ring;
    if (found->is_version || found->of_end)
        snprintf(object, sizeof object, "%s/%" PRIu32, found->name, found->version);
    else
        snprintf(object, sizeof object, "%s", found->name);
    struct doctor_finding *finding = doctor_find(look->doctor, DOCTOR_ROW_ALTERED, object, "%s", text);
    finding->version = found->version;
    finding->hopeless = !found->of_ring && !found->of_end && (found->row_state == 0 || found->fact_state == 0);
    finding->pattern = finding->hopeless ? DOCTOR_RESTORE : NULL;
    if (of_key)
        snprintf(finding->key_id, sizeof finding->key_id, "%.*s", SEALRING_KEY_ID_LENGTH, found->name);
    else
        snprintf(finding->ring, sizeof finding->ring, "%s", found->name);
}

static sealring_status examine(struct registry *registry, struct audit_look *look, sealring_error *error)
{
    struct examine_result result;
    bool found = false;
    struct registry_vault vault = *registry_vault_row(registry);
    sealring_status status = audit_keys_find(registry, &look->keys, &look->keyed, error);
    if (status == SEALRING_OK)
        status = audit_keys_agree(registry, &look->agrees, error);
    if (status == SEALRING_OK && audit_keys_parse(look->doctor->config->audit_key, &look->configured, NULL) &&
        look->configured.count > 0)
        status = follow_first(registry, look, error);
    if (status == SEALRING_OK)
        status = registry_facts_begun(registry, &vault, error);
    look->begun = vault.facts_begun;
    if (status == SEALRING_OK)
        status = registry_audit_size(registry, &look->entries, error);
    if (status == SEALRING_OK)
        status = registry_checkpoint_find_latest(registry, &look->latest, &found, error);
    if (status != SEALRING_OK)
        return status;
    bool readable = look->keys.count > 0;
    struct examine how = {
        .keys = readable ? &look->keys : NULL, .problem = hear_problem, .altered = hear_altered, .context = look};
    if (look->keyed && !readable)
        hear_problem(0, "the registry's key for checkpoints is damaged", look);
    status = examine_log(registry, &how, &result, error);
    /* whoever may not read vault.unsigned may not ask the audit token, either, which is reported */
    if (status == SEALRING_OK && manager_describe_tail(look->doctor->manager, look->foreign, NULL) != SEALRING_OK)
        look->foreign[0] = '\0';
    return status;
}

static void look_at_log(struct audit_look *look)
{
    struct doctor *doctor = look->doctor;
    struct registry *registry = doctor->manager->registry;
    sealring_error error = {.message = ""};
    size_t before = doctor->findings.count;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, &error);
    do {
        doctor_forget(&doctor->findings, before);
        look->problems = look->altered = 0;
        if (registry_begin(&reading, &status))
            status = examine(registry, look, &error);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK) {
        doctor_forget(&doctor->findings, before);
        doctor_unseen(doctor, SEALRING_REGISTRY, "the audit log: %s", error.message);
        return;
    }
    if (look->foreign[0] != '\0')
        doctor_find(doctor, DOCTOR_FOREIGN_ENTRIES, "audit log", "%s", look->foreign);
    if (look->problems > PROBLEMS_MOST)
        doctor_find(doctor, DOCTOR_AUDIT_LOG, "audit log", "%" PRIu64 " problems more", look->problems - PROBLEMS_MOST);
    if (look->altered > PROBLEMS_MOST)
        doctor_find(doctor, DOCTOR_ROW_ALTERED, "other rows", "%" PRIu64 " rows more", look->altered - PROBLEMS_MOST)
            ->hopeless = true; /* the next examination, after the others are corrected, names them */
}

/* ---- the audit token ------------------------------------------------------------------------------------------------------- */

static void tell_behind(struct audit_look *look)
{
    struct doctor *doctor = look->doctor;
    const struct audit_witness *witness = &doctor->manager->witness;
    struct doctor_finding *finding = NULL;
    char when[TIMETEXT_SIZE];
    timetext_format(look->latest.time, when);
    if (look->latest.size < look->entries && look->latest.size == 0)
        finding = doctor_find(doctor, DOCTOR_CHECKPOINT_BEHIND, "checkpoint",
                              "no checkpoint was ever signed, and the log has %" PRIu64 " entries", look->entries);
    else if (look->latest.size < look->entries)
        finding = doctor_find(doctor, DOCTOR_CHECKPOINT_BEHIND, "checkpoint",
                              "the latest checkpoint, of %s, goes up to entry %" PRIu64 " of %" PRIu64, when,
                              look->latest.size, look->entries);
    if (finding != NULL && !doctor->result.audit_token_examined) { /* without its token nothing can be signed */
        finding->hopeless = true;
        finding->pattern = "make the audit token reachable first, then: sealring run --once";
    }
    if (witness->anchored && !look->contradicted && witness->anchor.size < look->entries)
        doctor_find(doctor, DOCTOR_ANCHOR_BEHIND, "anchor",
                    "the audit token knows of entry %" PRIu64 ", the log has %" PRIu64, witness->anchor.size,
                    look->entries);
}

static void look_at_witness(struct audit_look *look)
{
    struct doctor *doctor = look->doctor;
    sealring_manager *manager = doctor->manager;
    sealring_error error = {.message = ""};
    bool differs = false, next = false;
    /* read again, even if this manager has written the anchor itself */
    memset(&manager->witness, 0, sizeof manager->witness);
    witness_read(&manager->witness, manager->config, manager->registry);
    if (manager->witness.remark[0] != '\0') {
        doctor_find(doctor, DOCTOR_AUDIT_TOKEN_UNREACHABLE, "audit token", "%s", manager->witness.remark);
        doctor_unseen(doctor, SEALRING_TOKEN, "%s", manager->witness.remark);
        manager->witness.remark[0] = '\0';
        tell_behind(look);
        return;
    }
    doctor->result.audit_token_examined = true;
    if (look->keys.count > 0)
        (void)witness_check_key(manager->config, manager->registry, &look->keys, &differs, &next, &error);
    if (next)
        doctor_find(doctor, DOCTOR_AUDIT_KEY_UNNAMED, "audit token",
                    "it has a key pair for the audit key that would follow, which no line of " CONFIG_FILE " names");
    if (differs)
        doctor_find(doctor, DOCTOR_AUDIT_KEY_DIFFERS, "audit token", "%s", error.message);
    if (!manager->witness.anchored && look->latest.size > 0) {
        doctor_find(doctor, DOCTOR_ANCHOR_MISSING, "anchor",
                    "the audit token keeps no anchor, and checkpoints up to entry %" PRIu64 " were signed",
                    look->latest.size);
    }
    sealring_status status = witness_check(&manager->witness, manager->registry, &look->contradicted, &error);
    if (look->contradicted)
        doctor_find(doctor, DOCTOR_REGISTRY_PUT_BACK, "registry", "%s", error.message);
    else if (status != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_REGISTRY, "the anchor: %s", error.message);
    tell_behind(look);
}

/* Ends may be lower than they were signed, as after a restore from before the change. */
static void look_at_ends(struct audit_look *look)
{
    const struct audit_keys *configured = &look->configured, *changed = &look->changed;
    for (size_t i = 0; i + 1 < configured->count && i + 1 < changed->count; i++) {
        const struct audit_key *line = &configured->keys[i], *signed_key = &changed->keys[i];
        if (line->entries > signed_key->entries || line->facts > signed_key->facts)
            doctor_find(look->doctor, DOCTOR_AUDIT_KEY_RANGE, CONFIG_FILE,
                        "audit-key %zu counts until %" PRIu64 " %" PRIu64 ", the signed change has until %" PRIu64
                        " %" PRIu64,
                        i + 1, line->entries, line->facts, signed_key->entries, signed_key->facts);
    }
    if (configured->count > 0 && look->keys.count > configured->count)
        doctor_find(look->doctor, DOCTOR_AUDIT_KEY_BEHIND, CONFIG_FILE,
                    "the registry leads to a newer audit key, which no line names");
}

/* An upgrade that is not complete is a finding of its own. */
static void look_at_key(struct audit_look *look)
{
    const struct config *config = look->doctor->config;
    if (!look->agrees)
        doctor_find(look->doctor, DOCTOR_AUDIT_KEY_REPLACED, "audit key",
                    "the registry names another key for its checkpoints than " CONFIG_FILE);
    if (witness_configured(config) && config->audit_key[0] == '\0' && look->begun)
        doctor_find(look->doctor, DOCTOR_AUDIT_KEY_UNCONFIGURED, CONFIG_FILE,
                    "it has no audit-key: the key that verifies checkpoints is the one that the registry names");
}

void doctor_look_at_audit(struct doctor *doctor)
{
    struct audit_look look = {.doctor = doctor, .agrees = true};
    look_at_log(&look);
    look_at_key(&look);
    look_at_ends(&look);
    if (witness_configured(doctor->config)) {
        look_at_witness(&look);
    } else if (look.keyed) {
        doctor_find(doctor, DOCTOR_AUDIT_TOKEN_UNCONFIGURED, CONFIG_FILE,
                    "%s names a key that signs its log, the configuration names no audit token",
                    doctor->config->audit_key[0] != '\0' ? CONFIG_FILE : "the registry");
        tell_behind(&look);
    } else {
        doctor_find(doctor, DOCTOR_AUDIT_UNSIGNED, "audit log", "nothing signs this vault's audit log");
    }
}
