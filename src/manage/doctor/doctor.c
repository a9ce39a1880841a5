/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor: examines every part of a vault, repairs what can be repaired, and examines it again before it reports a repair. */
#include "manage/doctor/doctor_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/struct_size.h"
#include "registry/connection/filesystem.h"

#define STALE_AFTER_MS (INT64_C(7) * 86400000)
#define ROUNDS_MOST    5

/* ---- the examination ------------------------------------------------------------------------------------------------------- */

/* SEALRING_NOT_FOUND: there is no vault. */
static sealring_status load_config(struct doctor *doctor, sealring_error *error)
{
    sealring_error inner = {.message = ""};
    if (doctor->config != NULL)
        return SEALRING_OK;
    size_t before = doctor->findings.count;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/" CONFIG_FILE, doctor->vault);
    sealring_status status = config_load(doctor->vault, &doctor->config, &inner);
    if (status != SEALRING_OK && access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(error, status, "%s", inner.message);
    /* an unsuitable file system is reported first, and there inodes mean nothing */
    if (status == SEALRING_OK && filesystem_check(doctor->config->directory, &inner) == SEALRING_OK)
        status = config_check_copy(doctor->config, &inner);
    if (status == SEALRING_OK)
        status = config_check_mounts(doctor->config, &inner);
    if (status != SEALRING_OK && doctor->config != NULL) {
        config_free(doctor->config);
        doctor->config = NULL;
    }
    if (status == SEALRING_OK && !doctor->asked.repair)
        software_hands_off(doctor->config->software);
    if (status == SEALRING_OK)
        return status;
    if (before == 0)
        doctor_find(doctor, DOCTOR_CONFIG_UNUSABLE, doctor->vault, "%s", inner.message);
    doctor_unseen(doctor, SEALRING_INVALID, "%s: nothing else is examined before that is repaired", inner.message);
    return SEALRING_OK;
}

static sealring_status try_to_open(struct doctor *doctor, bool read_only, sealring_error *error)
{
    sealring_manage_options options = {
        .size = sizeof options,
        .read_only = read_only,
        .lock_wait = doctor->asked.lock_wait,
        .pin_source = doctor->asked.pin_source,
        .ask_pin = doctor->asked.ask_pin,
        .ask_context = doctor->asked.ask_context,
        .lock_waits = doctor->asked.lock_waits,
        .lock_context = doctor->asked.lock_context,
    };
    return sealring_manager_open(doctor->vault, &options, &doctor->manager, error);
}

/* Whether it can be opened for an upgrade, which changes nothing yet. */
static bool is_older(const char *vault)
{
    const sealring_manage_options options = {.size = sizeof options};
    sealring_manager *manager = NULL;
    bool opens = manager_open(vault, &options, true, &manager, NULL) == SEALRING_OK;
    sealring_manager_close(&manager);
    return opens;
}

/* For writing, if repairs were requested; a user who may not write gets the findings all the same. */
static void open_registry(struct doctor *doctor)
{
    sealring_error error = {.message = ""};
    if (doctor->manager != NULL)
        return;
    sealring_status status = SEALRING_REFUSED;
    if (doctor->asked.repair) {
        status = try_to_open(doctor, false, &error);
        doctor->cannot_repair = error;
        doctor->cannot_repair.status = status;
    }
    if (status != SEALRING_OK)
        status = try_to_open(doctor, true, &error);
    if (status == SEALRING_OK)
        return;
    struct doctor_finding *finding =
        doctor_find(doctor, DOCTOR_REGISTRY_UNUSABLE, doctor->config->registry, "%s", error.message);
    if (is_older(doctor->vault))
        finding->pattern = "sealring upgrade --backup FILE";
    doctor_unseen(doctor, SEALRING_REGISTRY, "%s", error.message);
}

static sealring_status look(struct doctor *doctor, sealring_error *error)
{
    doctor->incomplete = SEALRING_OK;
    doctor->result = (sealring_doctor_result){.size = sizeof doctor->result};
    doctor_look_at_vault(doctor);
    sealring_status status = load_config(doctor, error);
    if (status != SEALRING_OK || doctor->config == NULL)
        return status;
    doctor_look_at_files(doctor);
    doctor_look_at_space(doctor);
    doctor_look_at_copies(doctor); /* before anything logs in to a token */
    open_registry(doctor);
    doctor_look_at_clock(doctor);
    doctor_look_at_channels(doctor);
    if (doctor->manager == NULL)
        return SEALRING_OK;
    doctor->result.registry_examined = true;
    doctor_look_at_objects(doctor); /* likewise */
    doctor_look_at_registry(doctor);
    doctor_look_at_audit(doctor);
    doctor_look_at_reports(doctor);
    doctor_look_at_token(doctor);
    return SEALRING_OK;
}

/* ---- before and after ------------------------------------------------------------------------------------------------------- */

/* Among the first `count` findings. */
static struct doctor_finding *find_same(const struct doctor *doctor, size_t count, const struct doctor_finding *wanted)
{
    for (size_t i = 0; i < count; i++) {
        struct doctor_finding *present = &doctor->findings.items[i];
        if (present->kind == wanted->kind && wanted->object != NULL && present->object != NULL &&
            strcmp(present->object, wanted->object) == 0)
            return present;
    }
    return NULL;
}

/* A finding that is no longer found was repaired, and is kept; one that is still found keeps the reason why. */
static void compare(struct doctor *doctor, struct doctor_findings *before)
{
    size_t count = doctor->findings.count;
    for (size_t i = 0; i < before->count; i++) {
        struct doctor_finding *old = &before->items[i];
        struct doctor_finding *same = find_same(doctor, count, old);
        if (same != NULL && old->repaired)
            continue; /* in an earlier round, and it is there again */
        if (same != NULL) {
            same->tried = old->tried;
            same->failure = old->failure;
            old->failure = NULL;
            continue;
        }
        struct doctor_finding *kept = doctor_add(&doctor->findings);
        if (kept == NULL) {
            doctor->no_memory = true;
            continue;
        }
        *kept = *old;
        kept->repaired = true;
        memset(old, 0, sizeof *old);
    }
}

static bool has_something_to_mend(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->findings.count; i++)
        if (doctor_can_mend(&doctor->findings.items[i]))
            return true;
    return false;
}

/* Repeats this where a repair makes more visible than before: a PIN file that may be used again. If memory was exhausted, findings are not
 * repaired: they may lack the path. */
static sealring_status repair(struct doctor *doctor, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (int i = 0; i < ROUNDS_MOST && status == SEALRING_OK && !doctor->no_memory && doctor->manager != NULL &&
                    has_something_to_mend(doctor);
         i++) {
        doctor_repair(doctor);
        struct doctor_findings before = doctor->findings;
        doctor->findings = (struct doctor_findings){.items = NULL};
        status = look(doctor, error);
        compare(doctor, &before);
        doctor_forget(&before, 0);
        free(before.items);
    }
    return status;
}

/* ---- reporting ---------------------------------------------------------------------------------------------------------------- */

/* Makes what to do of a pattern: {object} is quoted for a shell, {id} is the object's last word. */
static void fill_mend(struct doctor *doctor, struct doctor_finding *finding, const char *pattern)
{
    char word[DOCTOR_WORD_SIZE], version[16], owner[16], group[16], mode[16];
    const char *space = strrchr(finding->object, ' ');
    const struct {
        const char *name;
        const char *value;
    } places[] = {{"{object}", doctor_word(finding->object, word)},
                  {"{id}", space != NULL ? space + 1 : ""},
                  {"{ring}", finding->ring},
                  {"{version}", version},
                  {"{owner}", owner},
                  {"{group}", group},
                  {"{mode}", mode}};
    const size_t count = sizeof places / sizeof *places;
    size_t length = 0;
    FILE *text = open_memstream(&finding->mend, &length);
    doctor->no_memory = doctor->no_memory || text == NULL;
    if (text == NULL)
        return;
    snprintf(version, sizeof version, "%" PRIu32, finding->version);
    snprintf(owner, sizeof owner, "%u", (unsigned)finding->owner);
    snprintf(group, sizeof group, "%u", (unsigned)finding->group);
    snprintf(mode, sizeof mode, "%03o", (unsigned)finding->mode);
    while (*pattern != '\0') {
        size_t i = 0;
        while (i < count && strncmp(pattern, places[i].name, strlen(places[i].name)) != 0)
            i++;
        if (i < count)
            fputs(places[i].value, text);
        else
            fputc(*pattern, text);
        pattern += i < count ? strlen(places[i].name) : 1;
    }
    doctor->no_memory = fclose(text) != 0 || doctor->no_memory;
}

static int tell(struct doctor *doctor, struct doctor_finding *finding, sealring_finding_callback each, void *context)
{
    const struct doctor_kind_row *row = &doctor_kinds[finding->kind];
    const char *pattern = finding->pattern != NULL ? finding->pattern : row->mend;
    if (finding->mend == NULL && pattern != NULL)
        fill_mend(doctor, finding, pattern);
    doctor->result.found++;
    if (finding->repaired)
        doctor->result.repaired++;
    else if (row->severity == SEALRING_SEVERITY_NOTICE)
        doctor->result.notices++;
    else
        doctor->result.remaining++;
    const sealring_finding told = {
        .size = sizeof told,
        .code = row->code,
        .severity = row->severity,
        .object = finding->object,
        .what = finding->what,
        .why = row->why,
        .mend = finding->mend != NULL ? finding->mend : "",
        .repairable = row->mender != NULL && !finding->hopeless,
        .repaired = finding->repaired,
        .failure = finding->failure != NULL ? finding->failure : "",
    };
    return each == NULL ? 0 : each(&told, context);
}

/* In the order of the kinds, which is the order of the parts. */
static sealring_status tell_all(struct doctor *doctor, sealring_finding_callback each, void *context,
                                sealring_error *error)
{
    for (int kind = 0; kind < DOCTOR_KINDS; kind++)
        for (size_t i = 0; i < doctor->findings.count; i++) {
            struct doctor_finding *finding = &doctor->findings.items[i];
            if ((int)finding->kind == kind && tell(doctor, finding, each, context) != 0)
                return error_set(error, SEALRING_REFUSED, "the report was stopped");
        }
    return SEALRING_OK;
}

sealring_status sealring_doctor(const char *vault, const sealring_doctor_options *options,
                                sealring_finding_callback each, void *context, sealring_doctor_result *result,
                                sealring_error *error)
{
    struct doctor doctor = {.vault = vault};
    sized_take(&doctor.asked, sizeof doctor.asked, options);
    if (doctor.asked.stale_after <= 0)
        doctor.asked.stale_after = STALE_AFTER_MS;
    sealring_status status = look(&doctor, error);
    if (status == SEALRING_OK && doctor.asked.repair)
        status = repair(&doctor, error);
    if (status == SEALRING_OK && doctor.no_memory)
        status = error_no_memory(error);
    if (status == SEALRING_OK)
        status = tell_all(&doctor, each, context, error);
    if (status == SEALRING_OK && doctor.incomplete != SEALRING_OK)
        status = error_set(error, doctor.incomplete, "not everything was examined: %s", doctor.unseen);
    sized_give(result, &doctor.result, sizeof doctor.result);
    sealring_manager_close(&doctor.manager);
    config_free(doctor.config);
    doctor_forget(&doctor.findings, 0);
    free(doctor.findings.items);
    doctor_release(&doctor.unreported);
    return status;
}
