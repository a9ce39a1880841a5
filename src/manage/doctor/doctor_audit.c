/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of the audit log: entries and tree, checkpoints, and what the audit token contains about them. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/timetext.h"
#include "log/log_examine.h"
#include "manage/doctor/doctor_parts.h"
#include "registry/rows/closed_facts.h"

#define PROBLEMS_MOST 20 /* that are reported one by one */

struct audit_look {
    struct doctor *doctor;
    char vkey[REGISTRY_VKEY_SIZE]; /* "": no key signs */
    uint64_t entries;
    struct registry_checkpoint latest; /* size 0: none */
    struct note_key key;
    uint64_t problems;
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

static sealring_status examine(struct registry *registry, struct audit_look *look, sealring_error *error)
{
    struct examine_result result;
    bool found = false;
    struct registry_vault vault = *registry_vault_row(registry);
    sealring_status status = registry_audit_key_find(registry, look->vkey, &found, error);
    if (status == SEALRING_OK)
        status = registry_audit_key_agrees(registry, &look->agrees, error);
    if (status == SEALRING_OK)
        status = registry_facts_begun(registry, &vault, error);
    look->begun = vault.facts_begun;
    if (status == SEALRING_OK)
        status = registry_audit_size(registry, &look->entries, error);
    if (status == SEALRING_OK)
        status = registry_checkpoint_find_latest(registry, &look->latest, &found, error);
    if (status != SEALRING_OK)
        return status;
    bool readable = look->vkey[0] != '\0' && note_key_parse(look->vkey, &look->key);
    struct examine how = {.key = readable ? &look->key : NULL, .problem = hear_problem, .context = look};
    if (look->vkey[0] != '\0' && !readable)
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
        look->problems = 0;
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
    if (finding != NULL) /* without its token nothing can be signed */
        finding->hopeless = !doctor->result.audit_token_examined;
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
    bool differs = false;
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
    (void)witness_check_key(manager->config, manager->registry, look->vkey, &differs, &error);
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
    if (witness_configured(doctor->config)) {
        look_at_witness(&look);
    } else if (look.vkey[0] != '\0') {
        doctor_find(doctor, DOCTOR_AUDIT_TOKEN_UNCONFIGURED, CONFIG_FILE,
                    "%s names a key that signs its log, the configuration names no audit token",
                    doctor->config->audit_key[0] != '\0' ? CONFIG_FILE : "the registry");
        tell_behind(&look);
    } else {
        doctor_find(doctor, DOCTOR_AUDIT_UNSIGNED, "audit log", "nothing signs this vault's audit log");
    }
}
