/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of the registry: damage, schema, the rings' invariants, the clocks, and what is owed to the token. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/timetext.h"
#include "config/config.h"
#include "lifecycle/invariant.h"
#include "manage/act/clock_check.h"
#include "manage/doctor/doctor_parts.h"
#include "manage/fleet/contested_holders.h"
#include "manage/leaks/leak_list.h"
#include "manage/versions/policy_plan.h"
#include "registry/connection/registry_copy.h"
#include "registry/lock/lock.h"
#include "registry/rows/closed_facts.h"

/* ---- the database ------------------------------------------------------------------------------------------------------ */

/* The name may contain anything: it is quoted as an SQL text, and the whole statement as a word of the shell. */
static void mend_strange(struct doctor *doctor, struct doctor_finding *finding, const char *path, const char *name)
{
    char file[DOCTOR_WORD_SIZE], word[DOCTOR_WORD_SIZE], *sql = NULL;
    size_t length;
    FILE *text = open_memstream(&sql, &length);
    doctor->no_memory = doctor->no_memory || text == NULL;
    if (text == NULL)
        return;
    fputs("SELECT sql FROM sqlite_schema WHERE name = '", text);
    for (; *name != '\0'; name++)
        fprintf(text, *name == '\'' ? "''" : "%c", *name);
    fputc('\'', text);
    if (fclose(text) != 0 || asprintf(&finding->mend, "find out who wrote it: sqlite3 %s %s; then: " DOCTOR_RESTORE,
                                      doctor_word(path, file), doctor_word(sql, word)) < 0) {
        finding->mend = NULL;
        doctor->no_memory = true;
    }
    free(sql);
}

static void hear_flaw(enum db_flaw flaw, const char *name, const char *words, void *context)
{
    struct doctor *doctor = context;
    const char *path = doctor->config->registry;
    switch (flaw) {
    case DB_FLAW_DAMAGE:
        doctor_find(doctor, DOCTOR_REGISTRY_DAMAGED, name[0] != '\0' ? name : path, "%s", words);
        return;
    case DB_FLAW_LACKING:
        doctor_find(doctor, DOCTOR_SCHEMA_LACKING, name, "the index or trigger %s %s", name, words);
        return;
    case DB_FLAW_STRANGE:
        mend_strange(doctor, doctor_find(doctor, DOCTOR_SCHEMA_STRANGE, name, "%s %s", name, words), path, name);
        return;
    }
}

static void look_at_database(struct doctor *doctor)
{
    struct registry *registry = doctor->manager->registry;
    sealring_error error = {.message = ""};
    size_t before = doctor->findings.count;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, &error);
    do {
        doctor_forget(&doctor->findings, before);
        if (registry_begin(&reading, &status))
            status = registry_examine(registry, hear_flaw, doctor, &error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK)
        return;
    doctor_forget(&doctor->findings, before);
    doctor_find(doctor, DOCTOR_REGISTRY_DAMAGED, doctor->config->registry, "%s", error.message);
}

/* ---- the rings --------------------------------------------------------------------------------------------------------- */

static void look_at_rings(struct doctor *doctor)
{
    struct registry *registry = doctor->manager->registry;
    struct registry_ring ring;
    struct ring_state state = {.count = 0};
    sealring_error error = {.message = ""};
    size_t before = doctor->findings.count;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, &error);
    do {
        doctor_forget(&doctor->findings, before);
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_cursor rings = registry_rings(registry, &error);
        while (status == SEALRING_OK && registry_ring_next(&rings, &ring)) {
            status = state_load(registry, ring.name, &state, &error);
            const char *broken = status == SEALRING_OK ? lifecycle_broken_invariant(&state.view) : NULL;
            if (broken != NULL)
                doctor_find(doctor, DOCTOR_RING_BROKEN, ring.name, "%s", broken);
        }
        status = registry_close_cursor(&rings, status);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_REGISTRY, "the rings: %s", error.message);
    state_release(&state);
}

/* ---- clocks ------------------------------------------------------------------------------------------------------------ */

void doctor_look_at_clock(struct doctor *doctor)
{
    struct late_judgement judgement;
    sealring_error error = {.message = ""};
    char shown[TIMETEXT_SIZE], known[TIMETEXT_SIZE];
    sealring_status status = late_judge(doctor->manager, &judgement, &error);
    if (status != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_REGISTRY, "the wall clock: %s", error.message);
    if (status != SEALRING_OK || !judgement.late)
        return;
    late_times(&judgement, shown, known);
    bool unbuilt = late_is_unbuilt(&judgement);
    struct doctor_finding *finding = doctor_find(
        doctor, DOCTOR_CLOCK_LATE, "clock", "this host's wall clock shows %s, %s%s%s", shown,
        unbuilt ? "before the date of this build of sealring (" : "and the latest checkpoint was signed at ", known,
        unbuilt ? ")" : "");
    if (!unbuilt)
        finding->pattern =
            "set the clock, and check the host's time service; if it is right, the clock of the host that signed was ahead: "
            "add --trust-clock REASON to the next command that issues or rotates";
}

/* ---- what is owed to the token ------------------------------------------------------------------------------------------- */

/* A retired version is not closed before every verifier rejects it: until then its closing is not owed. */
static void tell_closing(struct doctor *doctor, const struct registry_version *version, const char *ring)
{
    if (version->state == SEALRING_VERSION_DESTROYED)
        doctor_find_version(doctor, DOCTOR_DESTRUCTION_OWED, version, ring, "its object was not destroyed yet");
    else if (plan_may_close(doctor->manager, version))
        doctor_find_version(doctor, DOCTOR_CLOSING_OWED, version, ring, "the token does not refuse its key yet");
}

static void tell_intention(struct doctor *doctor, const struct registry_intention *intention)
{
    char object[2 * REGISTRY_OBJECT_ID_MAX + 8] = "key ";
    char when[TIMETEXT_SIZE];
    hex_encode(intention->object_id, intention->object_id_length, object + 4);
    timetext_format(intention->created, when);
    struct doctor_finding *finding =
        doctor_find(doctor, DOCTOR_INTENTION_UNFINISHED, object,
                    "a key was about to be made at %s by %s, who neither finished nor gave up", when, intention->owner);
    if (config_labels(doctor->config) != TOKEN_LABELS_CHANGE) /* only the label could show whose the object is */
        finding->pattern = "sealring doctor --repair; if it stays, the token has the key, and no version has it: "
                           "sealring token destroy-object {id} --reason REASON";
}

static sealring_status look_at_intentions(struct doctor *doctor, struct registry *registry, sealring_error *error)
{
    struct registry_intention intention;
    struct registry_cursor intentions = registry_intentions(registry, error);
    while (registry_intention_next(&intentions, &intention))
        tell_intention(doctor, &intention);
    return registry_close_cursor(&intentions, SEALRING_OK);
}

static sealring_status look_at_closings(struct doctor *doctor, struct registry *registry,
                                        const struct registry_ring *ring, sealring_error *error)
{
    struct registry_version version;
    struct registry_cursor versions = registry_versions(registry, ring->id, error);
    while (registry_version_next(&versions, &version))
        if (version.closing_owed)
            tell_closing(doctor, &version, ring->name);
    return registry_close_cursor(&versions, SEALRING_OK);
}

static sealring_status look_at_steps(struct doctor *doctor, struct registry *registry, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = look_at_intentions(doctor, registry, error);
    struct registry_cursor rings = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
        status = look_at_closings(doctor, registry, &ring, error);
    return registry_close_cursor(&rings, status);
}

/* With the roster: it shows how the clocks have run, and whether a closing may be done already. While a command is working, the steps that it is
 * about to do are not owed. */
static void look_at_clocks_and_steps(struct doctor *doctor)
{
    sealring_manager *manager = doctor->manager;
    struct registry *registry = manager->registry;
    struct clock_judgement judgement;
    sealring_error error = {.message = ""};
    size_t before = doctor->findings.count;
    bool busy = doctor_is_busy(doctor);
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, &error);
    do {
        doctor_forget(&doctor->findings, before);
        if (registry_begin(&reading, &status))
            status = manager_read_roster(manager, registry, &error);
        if (status == SEALRING_OK)
            status = plan_judge_clocks(manager, registry, &judgement, &error);
        if (status == SEALRING_OK)
            status = look_at_steps(doctor, registry, &error);
    } while (registry_again(&reading, &status));
    if (busy || doctor_is_busy(doctor))
        doctor_forget(&doctor->findings, before);
    if (status != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_REGISTRY, "the clocks, and what the token is owed: %s", error.message);
    else if (judgement.memory.held)
        doctor_find(doctor, DOCTOR_CLOCKS_DISAGREE, "clock", "%s", judgement.text);
}

static void look_at_contested(struct doctor *doctor)
{
    struct contested_holders list = {.count = 0};
    char object[SEALRING_KEY_ID_LENGTH + 16], text[CONTESTED_TEXT_SIZE];
    sealring_error error = {.message = ""};
    sealring_status status;
    struct registry_transaction reading = registry_reading(doctor->manager->registry, &error);
    do {
        if (registry_begin(&reading, &status))
            status = contested_read(doctor->manager->registry, 0, &list, &error);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_REGISTRY, "which API keys are contested: %s", error.message);
    for (size_t i = 0; status == SEALRING_OK && i < list.count; i++) {
        (void)snprintf(object, sizeof object, "API key %s", list.items[i].key.key_id);
        contested_describe(&list.items[i], text);
        doctor_find(doctor, DOCTOR_KEY_CONTESTED, object, "%s", text);
    }
    contested_free(&list);
}

static void look_at_leaks(struct doctor *doctor)
{
    struct open_leaks list = {.count = 0};
    char object[SEALRING_KEY_ID_LENGTH + 16];
    sealring_error error = {.message = ""};
    sealring_status status;
    struct registry_transaction reading = registry_reading(doctor->manager->registry, &error);
    do {
        if (registry_begin(&reading, &status))
            status = leaks_read(doctor->manager->registry, NULL, NULL, &list, &error);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_REGISTRY, "which leaks are open: %s", error.message);
    for (size_t i = 0; status == SEALRING_OK && i < list.count; i++) {
        const struct open_leak *leak = &list.items[i];
        (void)snprintf(object, sizeof object, "API key %s", leak->key_id);
        doctor_find(doctor, DOCTOR_KEY_LEAKED, object, "a credential of client %s was found%s%s (done: %s)",
                    leak->client, leak->url[0] != '\0' ? " at " : "", leak->url, leak->done);
    }
    leaks_free(&list);
}

/* ---- all ------------------------------------------------------------------------------------------------------------------- */

static void look_at_upgrade(struct doctor *doctor)
{
    struct registry *registry = doctor->manager->registry;
    struct registry_vault vault = {.facts_begun = true};
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, NULL);
    do {
        if (registry_begin(&reading, &status))
            status = registry_facts_begun(registry, &vault, NULL);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && !vault.facts_begun)
        doctor_find(doctor, DOCTOR_UPGRADE_UNFINISHED, doctor->config->registry,
                    "the second step of its upgrade was not made yet");
}

void doctor_look_at_registry(struct doctor *doctor)
{
    struct registry_vault vault = {.schema = 0};
    if (manager_read_vault(doctor->manager, &vault, NULL) == SEALRING_OK && vault.min_writer > REGISTRY_SCHEMA) {
        doctor_find(doctor, DOCTOR_REGISTRY_NEWER, doctor->config->registry,
                    "it is of schema %d; this program reads it and writes up to schema %d", vault.schema,
                    REGISTRY_SCHEMA);
    }
    look_at_upgrade(doctor);
    look_at_database(doctor);
    look_at_rings(doctor);
    look_at_clocks_and_steps(doctor);
    look_at_contested(doctor);
    look_at_leaks(doctor);
}
