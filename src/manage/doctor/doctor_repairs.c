/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's repairs: each is in the audit log before it is carried out, under the vault's lock. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/verifier_group.h"
#include "log/key_change.h"
#include "manage/act/act.h"
#include "manage/doctor/doctor_parts.h"
#include "manage/fleet/effective.h"
#include "manage/tokens/recover_interrupted.h"
#include "manage/tokens/token_file_copies.h"
#include "manage/tokens/version_object.h"
#include "manage/usage/harvest.h"
#include "registry/connection/registry_copy.h"
#include "registry/usage/usage_rows.h"
#include "verifier/report/report_seat.h"

#define ASIDE_MOST 100

/* The result of the system call that carries out a repair, whose entry is in the audit log: if it failed, records this as well. */
static sealring_status carried_out(struct doctor *doctor, const struct doctor_finding *finding, int result,
                                   sealring_error *error)
{
    int problem = errno;
    if (result == 0)
        return SEALRING_OK;
    struct audit_act act = doctor_entry(finding, "doctor.failed", strerror(problem));
    (void)manager_record(doctor->manager, &act, NULL);
    audit_release(&act);
    return error_set_system(error, problem, "%s cannot be repaired", finding->object);
}

/* ---- files --------------------------------------------------------------------------------------------------------------- */

static sealring_status mend_mode(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    struct stat file;
    char done[64];
    if (stat(finding->object, &file) != 0)
        return error_set_system(error, errno, "%s cannot be examined", finding->object);
    mode_t mode = file.st_mode & 07777 & ~finding->mode;
    snprintf(done, sizeof done, "mode %04o to %04o", (unsigned)(file.st_mode & 07777), (unsigned)mode);
    sealring_status status = doctor_record(doctor, finding, done, error);
    return status == SEALRING_OK ? carried_out(doctor, finding, chmod(finding->object, mode), error) : status;
}

static sealring_status mend_owner(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    char done[64];
    snprintf(done, sizeof done, "owner to %lu:%lu", (unsigned long)finding->owner, (unsigned long)finding->group);
    sealring_status status = doctor_record(doctor, finding, done, error);
    if (status != SEALRING_OK)
        return status;
    return carried_out(doctor, finding, lchown(finding->object, finding->owner, finding->group), error);
}

static sealring_status mend_group(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    struct group_place place = {.mode = finding->mode};
    char done[64];
    snprintf(place.path, sizeof place.path, "%s", finding->object);
    snprintf(done, sizeof done, "group to %lu, mode to %04o", (unsigned long)finding->group, (unsigned)finding->mode);
    sealring_status status = doctor_record(doctor, finding, done, error);
    if (status != SEALRING_OK)
        return status;
    errno = group_permit(&place, finding->group);
    return carried_out(doctor, finding, errno == 0 ? 0 : -1, error);
}

static sealring_status mend_directory(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_status status = doctor_record(doctor, finding, "made", error);
    if (status != SEALRING_OK)
        return status;
    if (mkdir(finding->object, finding->mode) != 0 && errno != EEXIST)
        return carried_out(doctor, finding, -1, error);
    bool gives = geteuid() == 0 && finding->owner != 0;
    return carried_out(doctor, finding, gives ? chown(finding->object, finding->owner, finding->group) : 0, error);
}

static sealring_status mend_leftover(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_status status = doctor_record(doctor, finding, "removed", error);
    return status == SEALRING_OK ? carried_out(doctor, finding, unlink(finding->object), error) : status;
}

static sealring_status mend_place(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_status status = doctor_record(doctor, finding, "added", error);
    return status == SEALRING_OK ? config_add_place(doctor->config, error) : status;
}

/* ---- reports --------------------------------------------------------------------------------------------------------------- */

/* The file is renamed, not removed: it may be evidence, or another vault's. */
static sealring_status mend_strange_report(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    char aside[PATH_MAX], done[PATH_MAX + 32];
    struct stat file;
    int length = snprintf(aside, sizeof aside, "%s.aside", finding->object);
    for (int i = 2; i <= ASIDE_MOST && length < (int)sizeof aside && lstat(aside, &file) == 0; i++)
        length = snprintf(aside, sizeof aside, "%s.aside%d", finding->object, i);
    if (length >= (int)sizeof aside || lstat(aside, &file) == 0)
        return error_set(error, SEALRING_REFUSED, "there is no free name beside it: remove what was set aside before");
    if (report_path_is_held(finding->object))
        return error_set(error, SEALRING_REFUSED, "a process has it open as its report");
    snprintf(done, sizeof done, "renamed to %s", strrchr(aside, '/') + 1);
    sealring_status status = doctor_record(doctor, finding, done, error);
    return status == SEALRING_OK ? carried_out(doctor, finding, rename(finding->object, aside), error) : status;
}

static sealring_status read_roster(sealring_manager *manager, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = manager_read_roster(manager, manager->registry, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* *harvested: the registry has everything that the report contains. */
static sealring_status find_harvested(struct registry *registry, const struct report_summary *summary, bool *harvested,
                                      sealring_error *error)
{
    struct registry_usage_seat row;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        bool found = false;
        if (registry_begin(&reading, &status))
            status = registry_usage_seat_find(registry, summary->seat, &row, &found, error);
        *harvested = found && row.is_finished && memcmp(row.finished, summary->instance, sizeof row.finished) == 0;
    } while (registry_again(&reading, &status));
    return status;
}

/* Before the file is removed, everything in it is in the registry: uses of credentials and of versions, its verifier's end. */
static sealring_status mend_stale_report(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_manager *manager = doctor->manager;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    bool harvested = false;
    sealring_harvest_result ignored = {.size = sizeof ignored};
    sealring_status status = read_roster(manager, error);
    if (status == SEALRING_OK) {
        effective_remember(manager);
        status = harvest_all(manager, manager->roster.now, &ignored, error);
    }
    if (status == SEALRING_OK)
        status = report_read_open(finding->object, &reader, error);
    if (status == SEALRING_OK && !report_read_hold(reader))
        status = error_set(error, SEALRING_REFUSED, "a verifier uses it again");
    if (status == SEALRING_OK)
        status = report_read_summary(reader, &summary, error);
    if (status == SEALRING_OK)
        status = find_harvested(manager->registry, &summary, &harvested, error);
    if (status == SEALRING_OK && !harvested)
        status =
            error_set(error, SEALRING_REFUSED, "not all of it is harvested yet: try again when the hour has ended");
    if (status == SEALRING_OK)
        status = doctor_record(doctor, finding, "removed; the registry has everything from it", error);
    if (status == SEALRING_OK)
        status = carried_out(doctor, finding, unlink(finding->object), error);
    report_read_close(reader);
    return status;
}

/* ---- token ------------------------------------------------------------------------------------------------------------------- */

static sealring_status find_version(struct registry *registry, const struct doctor_finding *finding,
                                    struct registry_ring *ring, struct registry_version *row, sealring_error *error)
{
    bool found = false;
    sealring_status status = manager_get_ring(registry, finding->ring, ring, error);
    if (status == SEALRING_OK)
        status = registry_version_find(registry, ring->id, finding->version, row, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set_registry(error, 0, "the registry's row of version %" PRIu32 " of ring %s is missing",
                                    finding->version, finding->ring);
    return status;
}

static sealring_status owe_closing(struct registry *registry, const struct doctor_finding *finding,
                                   sealring_error *error)
{
    struct registry_ring ring;
    struct registry_version row;
    sealring_status status = find_version(registry, finding, &ring, &row, error);
    if (status != SEALRING_OK)
        return status;
    if (row.state != SEALRING_VERSION_RETIRED && row.state != SEALRING_VERSION_COMPROMISED)
        return error_set(error, SEALRING_REFUSED, "the version is %s by now", sealring_version_state_name(row.state));
    if (row.unconfirmed)
        return error_set(
            error, SEALRING_REFUSED,
            "no closed fact confirms that the version is %s: its row was altered; `sealring audit verify`, and "
            "`sealring reinstate %s %" PRIu32 "` opens it again",
            sealring_version_state_name(row.state), finding->ring, finding->version);
    row.closing_owed = true;
    return registry_version_update(registry, &row, error);
}

static sealring_status aim_at_version(struct registry *registry, const struct doctor_finding *finding,
                                      struct owned *owned, sealring_error *error)
{
    struct registry_ring ring;
    struct registry_version row;
    sealring_status status = find_version(registry, finding, &ring, &row, error);
    if (status != SEALRING_OK)
        return status;
    if (row.object_id_length != finding->object_id_length ||
        memcmp(row.object_id, finding->object_id, row.object_id_length) != 0)
        return error_set(error, SEALRING_REFUSED, "the registry names another key for the version by now");
    owned_aim(registry_vault_row(registry), &ring, &row, owned);
    return SEALRING_OK;
}

static sealring_status mend_usages(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    struct registry *registry = doctor->manager->registry;
    struct owned owned;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = aim_at_version(registry, finding, &owned, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK)
        status = doctor_record(doctor, finding, finding->what, error);
    if (status == SEALRING_OK)
        status = owned_narrow(doctor->manager->token, &owned, error);
    return status == SEALRING_OK ? copies_follow(doctor->manager, error) : status;
}

/* ---- rows --------------------------------------------------------------------------------------------------------------------- */

static sealring_status name_key(struct registry *registry, sealring_error *error)
{
    struct audit_keys keys;
    char vkey[NOTE_KEY_TEXT_SIZE];
    bool found;
    sealring_status status = audit_keys_find(registry, &keys, &found, error);
    if (status != SEALRING_OK || keys.count == 0)
        return status;
    note_key_format(audit_keys_newest(&keys), vkey);
    return registry_audit_key_insert(registry, vkey, clock_wall_ms(), error);
}

static sealring_status change_row(struct registry *registry, const struct doctor_finding *finding,
                                  sealring_error *error)
{
    if (finding->kind == DOCTOR_SCHEMA_LACKING)
        return registry_complete(registry, finding->object, error);
    if (finding->kind == DOCTOR_VERIFIER_ROW_DAMAGED) /* one that has its report file gets a row again from that */
        return registry_verifier_delete_damaged(registry, finding->instance, error);
    if (finding->kind == DOCTOR_AUDIT_KEY_REPLACED)
        return name_key(registry, error);
    return owe_closing(registry, finding,
                       error); /* recovery, which follows all repairs, carries it out as after a crash */
}

/* In the transaction of the repair's entry. */
static sealring_status mend_row(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_manager *manager = doctor->manager;
    struct audit_act act =
        doctor_entry(finding, "doctor.repair",
                     finding->kind == DOCTOR_SCHEMA_LACKING         ? "made again"
                     : finding->kind == DOCTOR_VERIFIER_ROW_DAMAGED ? "row removed"
                     : finding->kind == DOCTOR_AUDIT_KEY_REPLACED   ? "the configuration's key is named"
                                                                    : "its object is to be closed");
    sealring_status status;
    struct commit commit = manager_commit(manager, false, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = change_row(manager->registry, finding, error);
    } while (commit_again(&commit, &status));
    audit_release(&act);
    if (status == SEALRING_OK && finding->kind == DOCTOR_VERIFIER_ROW_DAMAGED)
        roster_release(&manager->roster); /* the roster would still use the row */
    return status;
}

/* Carried out when the lock is released: checkpoint and anchor. */
static sealring_status mend_settling(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    return doctor_record(doctor, finding, "checkpoint and anchor are made", error);
}

/* Recovery carries it out, as part of taking the lock, and writes its own entries. */
static sealring_status mend_owed(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    (void)doctor;
    (void)finding;
    (void)error;
    return SEALRING_OK;
}

/* ---- all ----------------------------------------------------------------------------------------------------------------------- */

#define NOTICE  SEALRING_SEVERITY_NOTICE
#define WARNING SEALRING_SEVERITY_WARNING
#define ALARM   SEALRING_SEVERITY_ALARM

#define DOCTOR_ROW(kind, ...) [kind] = {__VA_ARGS__},
const struct doctor_kind_row doctor_kinds[] = {DOCTOR_EACH_KIND(DOCTOR_ROW)};

bool doctor_can_mend(const struct doctor_finding *finding)
{
    return doctor_kinds[finding->kind].mender != NULL && !finding->hopeless && !finding->tried && !finding->repaired;
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

static void mend_each(struct doctor *doctor, bool only_schema)
{
    for (size_t i = 0; i < doctor->findings.count; i++) {
        struct doctor_finding *finding = &doctor->findings.items[i];
        sealring_error error = {.message = ""};
        if (!doctor_can_mend(finding) || (only_schema && finding->kind != DOCTOR_SCHEMA_LACKING))
            continue;
        finding->tried = true;
        if (doctor_kinds[finding->kind].mender(doctor, finding, &error) != SEALRING_OK)
            set_failure(doctor, finding, &error);
    }
}

/* Without the token, because with it the beginning of an act may write, and an altered schema refuses that. */
static void repair_schema_first(struct doctor *doctor)
{
    sealring_error error;
    bool lacks = false;
    for (size_t i = 0; i < doctor->findings.count; i++) {
        const struct doctor_finding *finding = &doctor->findings.items[i];
        lacks = lacks || (finding->kind == DOCTOR_SCHEMA_LACKING && doctor_can_mend(finding));
    }
    doctor->manager->repairs_schema = lacks;
    if (lacks && manager_begin(doctor->manager, "doctor --repair", false, &error) == SEALRING_OK) {
        mend_each(doctor, true);
        manager_end(doctor->manager);
    }
    doctor->manager->repairs_schema = false;
}

void doctor_repair(struct doctor *doctor)
{
    sealring_manager *manager = doctor->manager;
    sealring_error error = {.message = ""};
    if (doctor->cannot_repair.status != SEALRING_OK) {
        fail_all(doctor, &doctor->cannot_repair);
        return;
    }
    repair_schema_first(doctor);
    sealring_status status = manager_begin(manager, "doctor --repair", doctor->result.token_examined, &error);
    if (status != SEALRING_OK && manager->token == NULL) /* what needs no token is repaired */
        status = manager_begin(manager, "doctor --repair", false, &error);
    if (status != SEALRING_OK) {
        fail_all(doctor, &error);
        return;
    }
    mend_each(doctor, false);
    if (manager->token != NULL && recover_unfinished(manager, &error) != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_TOKEN, "what the token is owed: %s", error.message);
    manager->unsettled = true; /* manager_end signs the checkpoint and writes the anchor, if either is behind */
    manager_end(manager);
}
