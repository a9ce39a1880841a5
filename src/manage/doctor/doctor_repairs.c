/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's repairs: each is in the audit log before it is carried out, under the vault's lock. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "manage/act/act.h"
#include "manage/doctor/doctor_parts.h"
#include "manage/fleet/effective.h"
#include "manage/tokens/recover_interrupted.h"
#include "manage/tokens/token_file_copies.h"
#include "manage/tokens/version_object.h"
#include "manage/usage/harvest.h"
#include "registry/connection/registry_examine.h"
#include "registry/usage/usage_rows.h"
#include "verifier/report/report_seat.h"

#define ASIDE_MOST 100

/* ---- audit entries ------------------------------------------------------------------------------------------------------- */

/* Writes one entry and makes the change of `body` in the registry, in one transaction. `done` describes the repair for readers of the log. */
static sealring_status record_with(struct doctor *doctor, const struct doctor_finding *finding, const char *act_name,
                                   const char *done, registry_body body, void *context, sealring_error *error)
{
    struct audit_act act = {.name = act_name, .version = finding->version};
    memcpy(act.ring, finding->ring, sizeof act.ring);
    audit_detail(&act, "{s:s, s:o, s:o}", "finding", doctor_kind_row(finding->kind)->code, "object",
                 audit_text(finding->object), "done", audit_text(done));
    sealring_status status = manager_write(doctor->manager, false, &act, body, context, error);
    audit_release(&act);
    return status;
}

static sealring_status record(struct doctor *doctor, const struct doctor_finding *finding, const char *done,
                              sealring_error *error)
{
    return record_with(doctor, finding, "doctor.repair", done, manager_no_change, NULL, error);
}

/* The repair was in the audit log, and then failed: records this as well. */
static sealring_status take_back(struct doctor *doctor, const struct doctor_finding *finding, int problem,
                                 sealring_error *error)
{
    (void)record_with(doctor, finding, "doctor.failed", strerror(problem), manager_no_change, NULL, NULL);
    return error_set_system(error, problem, "%s cannot be mended", finding->path);
}

/* ---- files --------------------------------------------------------------------------------------------------------------- */

sealring_status doctor_mend_mode(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    struct stat file;
    char done[64];
    if (stat(finding->path, &file) != 0)
        return error_set_system(error, errno, "%s cannot be examined", finding->path);
    mode_t mode = file.st_mode & 07777 & ~finding->mode;
    snprintf(done, sizeof done, "mode %04o to %04o", (unsigned)(file.st_mode & 07777), (unsigned)mode);
    sealring_status status = record(doctor, finding, done, error);
    if (status == SEALRING_OK && chmod(finding->path, mode) != 0)
        status = take_back(doctor, finding, errno, error);
    return status;
}

sealring_status doctor_mend_owner(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    char done[64];
    snprintf(done, sizeof done, "owner to %lu:%lu", (unsigned long)finding->owner, (unsigned long)finding->group);
    sealring_status status = record(doctor, finding, done, error);
    if (status == SEALRING_OK && lchown(finding->path, finding->owner, finding->group) != 0)
        status = take_back(doctor, finding, errno, error);
    return status;
}

sealring_status doctor_mend_directory(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_status status = record(doctor, finding, "made", error);
    if (status != SEALRING_OK)
        return status;
    if (mkdir(finding->path, finding->mode) != 0 && errno != EEXIST)
        return take_back(doctor, finding, errno, error);
    if (geteuid() == 0 && finding->owner != 0 && chown(finding->path, finding->owner, finding->group) != 0)
        return take_back(doctor, finding, errno, error);
    return SEALRING_OK;
}

sealring_status doctor_mend_leftover(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_status status = record(doctor, finding, "removed", error);
    if (status == SEALRING_OK && unlink(finding->path) != 0)
        status = take_back(doctor, finding, errno, error);
    return status;
}

sealring_status doctor_mend_place(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_status status = record(doctor, finding, "added", error);
    return status == SEALRING_OK ? config_add_place(doctor->config, error) : status;
}

/* ---- reports --------------------------------------------------------------------------------------------------------------- */

/* The file is renamed, not removed: it may be evidence, or another vault's. */
sealring_status doctor_mend_strange_report(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    char aside[PATH_MAX], done[PATH_MAX + 32];
    struct stat file;
    int length = snprintf(aside, sizeof aside, "%s.aside", finding->path);
    for (int i = 2; i <= ASIDE_MOST && length < (int)sizeof aside && lstat(aside, &file) == 0; i++)
        length = snprintf(aside, sizeof aside, "%s.aside%d", finding->path, i);
    if (length >= (int)sizeof aside || lstat(aside, &file) == 0)
        return error_set(error, SEALRING_REFUSED, "there is no free name beside it: remove what was set aside before");
    if (report_path_is_held(finding->path))
        return error_set(error, SEALRING_REFUSED, "a process has it open as its report");
    snprintf(done, sizeof done, "renamed to %s", strrchr(aside, '/') + 1);
    sealring_status status = record(doctor, finding, done, error);
    if (status == SEALRING_OK && rename(finding->path, aside) != 0)
        status = take_back(doctor, finding, errno, error);
    return status;
}

/* A verifier that has its report file gets a row again from that file. */
static sealring_status delete_damaged(struct registry *registry, void *context, sealring_error *error)
{
    const struct doctor_finding *finding = context;
    return registry_verifier_delete_damaged(registry, finding->instance, error);
}

sealring_status doctor_mend_verifier_row(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_status status =
        record_with(doctor, finding, "doctor.repair", "row removed", delete_damaged, finding, error);
    if (status == SEALRING_OK)
        roster_release(&doctor->manager->roster); /* the roster would still use the row */
    return status;
}

struct harvested {
    const struct report_summary *summary;
    bool all;
};

static sealring_status ask_harvested(struct registry *registry, void *context, sealring_error *error)
{
    struct harvested *harvested = context;
    struct registry_usage_seat row = {.is_finished = false};
    sealring_status status = registry_usage_seat_get(registry, harvested->summary->seat, &row, error);
    harvested->all = status == SEALRING_OK && row.is_finished &&
                     memcmp(row.finished, harvested->summary->instance, sizeof row.finished) == 0;
    return status == SEALRING_NOT_FOUND ? SEALRING_OK : status;
}

static sealring_status read_roster(struct registry *registry, void *context, sealring_error *error)
{
    return manager_read_roster(context, registry, error);
}

/* Before the file is removed, everything in it is in the registry: uses of credentials and of versions, its verifier's end. */
sealring_status doctor_mend_stale_report(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_manager *manager = doctor->manager;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    struct harvested harvested = {.summary = &summary};
    sealring_harvest_result ignored = {.size = sizeof ignored};
    sealring_status status = manager_read(manager, read_roster, manager, error);
    if (status == SEALRING_OK) {
        effective_remember(manager);
        status = harvest_all(manager, manager->roster.now, &ignored, error);
    }
    if (status == SEALRING_OK)
        status = report_read_open(finding->path, &reader, error);
    if (status == SEALRING_OK && !report_read_hold(reader))
        status = error_set(error, SEALRING_REFUSED, "a verifier sits at it again");
    if (status == SEALRING_OK)
        status = report_read_summary(reader, &summary, error);
    if (status == SEALRING_OK)
        status = manager_read(manager, ask_harvested, &harvested, error);
    if (status == SEALRING_OK && !harvested.all)
        status =
            error_set(error, SEALRING_REFUSED, "not all of it is harvested for good yet: again when the hour is over");
    if (status == SEALRING_OK)
        status = record(doctor, finding, "removed, with all that it told in the registry", error);
    if (status == SEALRING_OK && unlink(finding->path) != 0)
        status = take_back(doctor, finding, errno, error);
    report_read_close(reader);
    return status;
}

/* ---- registry --------------------------------------------------------------------------------------------------------------- */

static sealring_status complete(struct registry *registry, void *context, sealring_error *error)
{
    return registry_complete(registry, context, error);
}

sealring_status doctor_mend_schema(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    return record_with(doctor, finding, "doctor.repair", "made again", complete, finding->object, error);
}

/* ---- token ------------------------------------------------------------------------------------------------------------------- */

static sealring_status owe_closing(struct registry *registry, void *context, sealring_error *error)
{
    const struct doctor_finding *finding = context;
    struct registry_ring ring;
    struct registry_version row;
    sealring_status status = manager_get_ring(registry, finding->ring, &ring, error);
    if (status == SEALRING_OK)
        status = registry_version_get(registry, ring.id, finding->version, &row, error);
    if (status != SEALRING_OK)
        return status;
    if (row.state != SEALRING_VERSION_RETIRED && row.state != SEALRING_VERSION_COMPROMISED)
        return error_set(error, SEALRING_REFUSED, "the version is %s by now", sealring_version_state_name(row.state));
    row.closing_owed = true;
    return registry_version_update(registry, &row, error);
}

/* Notes the closing as owed; recovery, which follows all repairs, carries it out as after a crash. */
sealring_status doctor_mend_closing(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    return record_with(doctor, finding, "doctor.repair", "its object is to be closed", owe_closing, finding, error);
}

struct aim {
    const struct doctor_finding *finding;
    struct owned owned;
};

static sealring_status aim_at_version(struct registry *registry, void *context, sealring_error *error)
{
    struct aim *aim = context;
    const struct doctor_finding *finding = aim->finding;
    struct registry_ring ring;
    struct registry_version row;
    sealring_status status = manager_get_ring(registry, finding->ring, &ring, error);
    if (status == SEALRING_OK)
        status = registry_version_get(registry, ring.id, finding->version, &row, error);
    if (status != SEALRING_OK)
        return status;
    if (row.object_id_length != finding->object_id_length ||
        memcmp(row.object_id, finding->object_id, row.object_id_length) != 0)
        return error_set(error, SEALRING_REFUSED, "the registry names another key for the version by now");
    owned_aim(registry_vault_row(registry), &ring, &row, &aim->owned);
    return SEALRING_OK;
}

sealring_status doctor_mend_usages(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    struct aim aim = {.finding = finding};
    sealring_status status = manager_read(doctor->manager, aim_at_version, &aim, error);
    if (status == SEALRING_OK)
        status = record(doctor, finding, finding->what, error);
    if (status == SEALRING_OK)
        status = owned_narrow(doctor->manager->token, &aim.owned, error);
    return status == SEALRING_OK ? copies_follow(doctor->manager, error) : status;
}

sealring_status doctor_mend_settling(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    return record(doctor, finding, "checkpoint and anchor are made", error);
}

sealring_status doctor_mend_owed(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    (void)doctor;
    (void)finding;
    (void)error;
    return SEALRING_OK;
}

/* ---- all ----------------------------------------------------------------------------------------------------------------------- */

bool doctor_can_mend(const struct doctor_finding *finding)
{
    return doctor_kind_row(finding->kind)->mender != NULL && !finding->hopeless && !finding->tried;
}

static void set_failure(struct doctor *doctor, struct doctor_finding *finding, const sealring_error *error)
{
    finding->failure = strdup(error->message);
    doctor->no_memory = doctor->no_memory || finding->failure == NULL;
}

static void fail_all(struct doctor *doctor, const sealring_error *error)
{
    for (size_t i = 0; i < doctor->findings.count; i++) {
        struct doctor_finding *finding = &doctor->findings.items[i];
        if (!doctor_can_mend(finding))
            continue;
        finding->tried = true;
        set_failure(doctor, finding, error);
    }
}

static void mend_each(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->findings.count; i++) {
        struct doctor_finding *finding = &doctor->findings.items[i];
        sealring_error error = {.message = ""};
        if (!doctor_can_mend(finding))
            continue;
        finding->tried = true;
        if (doctor_kind_row(finding->kind)->mender(doctor, finding, &error) != SEALRING_OK)
            set_failure(doctor, finding, &error);
    }
}

void doctor_repair(struct doctor *doctor)
{
    sealring_manager *manager = doctor->manager;
    sealring_error error = {.message = ""};
    if (doctor->cannot_repair.status != SEALRING_OK) {
        fail_all(doctor, &doctor->cannot_repair);
        return;
    }
    sealring_status status = manager_begin(manager, "doctor --repair", doctor->result.token_examined, &error);
    if (status == SEALRING_TOKEN)
        status = manager_begin(manager, "doctor --repair", false, &error);
    if (status != SEALRING_OK) {
        fail_all(doctor, &error);
        return;
    }
    mend_each(doctor);
    if (manager->token != NULL && recover_unfinished(manager, &error) != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_TOKEN, "what the token is owed: %s", error.message);
    manager->unsettled = true; /* manager_end signs the checkpoint and writes the anchor, if either is behind */
    manager_end(manager);
}
