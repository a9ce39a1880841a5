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
#include "manage/versions/policy_plan.h"
#include "registry/connection/registry_examine.h"
#include "registry/lock/lock.h"

/* ---- the database ------------------------------------------------------------------------------------------------------ */

/* The name may contain anything: it is quoted as an SQL text, and the whole statement as a word of the shell. */
static void mend_strange(struct doctor *doctor, struct doctor_finding *finding, const char *path, const char *name)
{
    static const char beginning[] = "SELECT sql FROM sqlite_schema WHERE name = '";
    char file[DOCTOR_WORD_SIZE], word[DOCTOR_WORD_SIZE];
    char *sql = malloc(sizeof beginning + 2 * strlen(name) + 1);
    if (sql == NULL) {
        doctor->no_memory = true;
        return;
    }
    char *end = stpcpy(sql, beginning);
    for (const char *at = name; *at != '\0'; at++) {
        *end++ = *at;
        if (*at == '\'')
            *end++ = '\'';
    }
    memcpy(end, "'", 2);
    doctor_mend(doctor, finding, "find out who wrote it: sqlite3 %s %s; then: " DOCTOR_RESTORE, doctor_word(path, file),
                doctor_word(sql, word));
    free(sql);
}

static void hear_flaw(enum db_flaw flaw, const char *name, const char *words, void *context)
{
    struct doctor *doctor = context;
    const char *path = doctor->config->registry;
    struct doctor_finding *finding;
    switch (flaw) {
    case DB_FLAW_DAMAGE:
        finding = doctor_find(doctor, DOCTOR_REGISTRY_DAMAGED, name[0] != '\0' ? name : path, "%s", words);
        doctor_mend(doctor, finding, DOCTOR_RESTORE);
        return;
    case DB_FLAW_LACKING:
        finding = doctor_find(doctor, DOCTOR_SCHEMA_LACKING, name, "the index or trigger %s %s", name, words);
        doctor_mend(doctor, finding, "sealring doctor --repair");
        return;
    case DB_FLAW_STRANGE:
        finding = doctor_find(doctor, DOCTOR_SCHEMA_STRANGE, name, "%s %s", name, words);
        mend_strange(doctor, finding, path, name);
        return;
    }
}

static sealring_status examine(struct registry *registry, void *context, sealring_error *error)
{
    return registry_examine(registry, hear_flaw, context, error);
}

static void look_at_database(struct doctor *doctor)
{
    sealring_error error = {.message = ""};
    size_t before = doctor->findings.count;
    sealring_status status = manager_read(doctor->manager, examine, doctor, &error);
    if (status == SEALRING_OK)
        return;
    doctor_forget(&doctor->findings, before);
    struct doctor_finding *finding =
        doctor_find(doctor, DOCTOR_REGISTRY_DAMAGED, doctor->config->registry, "%s", error.message);
    doctor_mend(doctor, finding, DOCTOR_RESTORE);
}

/* ---- the rings --------------------------------------------------------------------------------------------------------- */

struct doctor_rings {
    char (*names)[SEALRING_NAME_LENGTH_MAX + 1];
    size_t count;
    const char *ring; /* the present ring */
    struct ring_state state;
};

static sealring_status name_ring(const struct registry_ring *ring, void *context, sealring_error *error)
{
    struct doctor_rings *rings = context;
    void *grown = realloc(rings->names, (rings->count + 1) * sizeof *rings->names);
    if (grown == NULL)
        return error_no_memory(error);
    rings->names = grown;
    memcpy(rings->names[rings->count++], ring->name, sizeof ring->name);
    return SEALRING_OK;
}

static sealring_status name_rings(struct registry *registry, void *context, sealring_error *error)
{
    struct doctor_rings *rings = context;
    rings->count = 0;
    return registry_ring_each(registry, name_ring, rings, error);
}

static sealring_status load_ring(struct registry *registry, void *context, sealring_error *error)
{
    struct doctor_rings *rings = context;
    return state_load(registry, rings->ring, &rings->state, error);
}

static void look_at_rings(struct doctor *doctor)
{
    struct doctor_rings rings = {.names = NULL};
    sealring_error error = {.message = ""};
    sealring_status status = manager_read(doctor->manager, name_rings, &rings, &error);
    for (size_t i = 0; status == SEALRING_OK && i < rings.count; i++) {
        rings.ring = rings.names[i];
        status = manager_read(doctor->manager, load_ring, &rings, &error);
        const char *broken = status == SEALRING_OK ? lifecycle_broken_invariant(&rings.state.view) : NULL;
        if (broken == NULL)
            continue;
        struct doctor_finding *finding = doctor_find(doctor, DOCTOR_RING_BROKEN, rings.ring, "%s", broken);
        doctor_mend(doctor, finding,
                    "compare `sealring ring show %s` with `sealring audit show --ring %s`; then: " DOCTOR_RESTORE,
                    rings.ring, rings.ring);
    }
    if (status != SEALRING_OK)
        doctor_unseen(doctor, status, "the rings: %s", error.message);
    state_release(&rings.state);
    free(rings.names);
}

/* ---- clocks ------------------------------------------------------------------------------------------------------------ */

struct clocks {
    struct doctor *doctor;
    struct clock_judgement judgement;
};

static sealring_status judge_clocks(struct registry *registry, void *context, sealring_error *error)
{
    struct clocks *clocks = context;
    sealring_manager *manager = clocks->doctor->manager;
    sealring_status status = manager_read_roster(manager, registry, error);
    return status == SEALRING_OK ? plan_judge_clocks(manager, registry, &clocks->judgement, error) : status;
}

static void look_at_clocks(struct doctor *doctor)
{
    struct clocks clocks = {.doctor = doctor};
    sealring_error error = {.message = ""};
    sealring_status status = manager_read(doctor->manager, judge_clocks, &clocks, &error);
    if (status != SEALRING_OK) {
        doctor_unseen(doctor, status, "the clocks: %s", error.message);
        return;
    }
    if (!clocks.judgement.memory.held)
        return;
    struct doctor_finding *finding = doctor_find(doctor, DOCTOR_CLOCKS_DISAGREE, "clock", "%s", clocks.judgement.text);
    doctor_mend(doctor, finding, "set the clock right; sealring run goes on by itself when it has been steady");
}

void doctor_look_at_clock(struct doctor *doctor)
{
    struct late_judgement judgement;
    sealring_error error = {.message = ""};
    char shown[TIMETEXT_SIZE], known[TIMETEXT_SIZE];
    sealring_status status = late_judge(doctor->manager, &judgement, &error);
    if (status != SEALRING_OK)
        doctor_unseen(doctor, status, "the wall clock: %s", error.message);
    if (status != SEALRING_OK || !judgement.late)
        return;
    late_times(&judgement, shown, known);
    struct doctor_finding *finding =
        late_is_unbuilt(&judgement)
            ? doctor_find(doctor, DOCTOR_CLOCK_LATE, "clock",
                          "this host's wall clock shows %s, before the date of this build of sealring (%s)", shown,
                          known)
            : doctor_find(doctor, DOCTOR_CLOCK_LATE, "clock",
                          "this host's wall clock shows %s, and the latest checkpoint was signed at %s", shown, known);
    doctor_mend(doctor, finding, "set the clock, and check the host's time service%s",
                late_is_unbuilt(&judgement) ? ""
                                            : "; if it is right, the clock of the host that signed was ahead: add "
                                              "--trust-clock REASON to the next command that issues or rotates");
}

/* ---- what is owed to the token ------------------------------------------------------------------------------------------- */

struct owed_closings {
    struct doctor *doctor;
    struct registry_intention intentions[32];
    size_t intention_count;
    struct registry_version closings[32];
    size_t closing_count;
};

static sealring_status take_intention(const struct registry_intention *intention, void *context, sealring_error *error)
{
    struct owed_closings *owed = context;
    (void)error;
    if (owed->intention_count < sizeof owed->intentions / sizeof *owed->intentions)
        owed->intentions[owed->intention_count++] = *intention;
    return SEALRING_OK;
}

static sealring_status take_closing(const struct registry_version *version, void *context, sealring_error *error)
{
    struct owed_closings *owed = context;
    (void)error;
    if (owed->closing_count < sizeof owed->closings / sizeof *owed->closings)
        owed->closings[owed->closing_count++] = *version;
    return SEALRING_OK;
}

/* A retired version is not closed before every verifier rejects it: until then its closing is not owed. */
static void tell_closing(struct doctor *doctor, const struct registry_version *version, const char *ring)
{
    char object[SEALRING_NAME_LENGTH_MAX + 16];
    snprintf(object, sizeof object, "%s/%" PRIu32, ring, version->number);
    struct doctor_finding *finding = NULL;
    if (version->state == SEALRING_VERSION_DESTROYED) {
        finding = doctor_find(doctor, DOCTOR_DESTRUCTION_OWED, object,
                              "version %" PRIu32 " of ring %s is destroyed for the registry, and its object was not",
                              version->number, ring);
        doctor_mend(doctor, finding, "sealring destroy %s %" PRIu32, ring, version->number);
    } else if (plan_may_close(doctor->manager, version)) {
        finding = doctor_find(doctor, DOCTOR_CLOSING_OWED, object,
                              "version %" PRIu32 " of ring %s is %s, and the token was not told yet to refuse its key",
                              version->number, ring, sealring_version_state_name(version->state));
        doctor_mend(doctor, finding, "sealring run --once");
    }
}

static sealring_status tell_closings(const struct registry_ring *ring, void *context, sealring_error *error)
{
    struct owed_closings *owed = context;
    (void)error;
    for (size_t i = 0; i < owed->closing_count; i++)
        if (owed->closings[i].ring == ring->id)
            tell_closing(owed->doctor, &owed->closings[i], ring->name);
    return SEALRING_OK;
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
    if (config_labels(doctor->config) == TOKEN_LABELS_CHANGE)
        doctor_mend(doctor, finding, "sealring doctor --repair");
    else /* only the label could show whose the object is */
        doctor_mend(
            doctor, finding,
            "sealring doctor --repair; if it stays, the token has the key, and no version has it: sealring token "
            "destroy-object %s --reason REASON",
            object + 4);
}

static sealring_status read_owed(struct registry *registry, void *context, sealring_error *error)
{
    struct owed_closings *owed = context;
    owed->intention_count = 0;
    owed->closing_count = 0;
    sealring_status status = registry_intention_each(registry, take_intention, owed, error);
    if (status == SEALRING_OK)
        status = registry_version_each_owed(registry, take_closing, owed, error);
    if (status == SEALRING_OK && owed->closing_count > 0)
        status = manager_read_roster(owed->doctor->manager, registry, error);
    if (status == SEALRING_OK)
        status = registry_ring_each(registry, tell_closings, owed, error);
    return status;
}

/* While a command is working, the steps that it is about to do are not owed. */
static void look_at_owed(struct doctor *doctor)
{
    struct owed_closings *owed = calloc(1, sizeof *owed);
    sealring_error error = {.message = ""};
    size_t before = doctor->findings.count;
    if (owed == NULL) {
        doctor->no_memory = true;
        return;
    }
    owed->doctor = doctor;
    bool busy = doctor_is_busy(doctor);
    sealring_status status = manager_read(doctor->manager, read_owed, owed, &error);
    for (size_t i = 0; status == SEALRING_OK && i < owed->intention_count; i++)
        tell_intention(doctor, &owed->intentions[i]);
    if (status != SEALRING_OK)
        doctor_unseen(doctor, status, "what the token is owed: %s", error.message);
    if (busy || doctor_is_busy(doctor))
        doctor_forget(&doctor->findings, before);
    free(owed);
}

/* ---- all ------------------------------------------------------------------------------------------------------------------- */

static sealring_status copy_vault(struct registry *registry, void *context, sealring_error *error)
{
    (void)error;
    *(struct registry_vault *)context = *registry_vault_row(registry);
    return SEALRING_OK;
}

void doctor_look_at_registry(struct doctor *doctor)
{
    struct registry_vault vault = {.schema = 0};
    if (manager_read(doctor->manager, copy_vault, &vault, NULL) == SEALRING_OK && vault.min_writer > REGISTRY_SCHEMA) {
        struct doctor_finding *finding = doctor_find(
            doctor, DOCTOR_REGISTRY_NEWER, doctor->config->registry,
            "it is of schema %d; this program reads it and writes up to schema %d", vault.schema, REGISTRY_SCHEMA);
        doctor_mend(doctor, finding, "install the newer sealring");
    }
    look_at_database(doctor);
    look_at_rings(doctor);
    look_at_clocks(doctor);
    look_at_owed(doctor);
}
