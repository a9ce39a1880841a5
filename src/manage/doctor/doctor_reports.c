/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of verifiers: report files that nobody can use or needs, and verifiers that block something. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/timetext.h"
#include "manage/doctor/doctor_parts.h"
#include "verifier/report/report_seat.h"

#define FRESH_MS INT64_C(60000) /* an invalid file that is younger may still be in the making */

static const struct roster_entry *entry_of(const struct roster *roster, const uint8_t seat[REPORT_ID_SIZE],
                                           const uint8_t *instance)
{
    for (size_t i = 0; i < roster->count; i++) {
        const struct registry_verifier *row = &roster->entries[i].row;
        if (instance != NULL ? memcmp(row->instance, instance, REPORT_ID_SIZE) == 0
                             : memcmp(row->seat, seat, REPORT_ID_SIZE) == 0 && row->ended == 0)
            return &roster->entries[i];
    }
    return NULL;
}

/* No file may be taken from a process that holds it, nor from the verifier that owned it last and may serve. */
static bool is_somebodys(const struct roster *roster, const char *path, const uint8_t seat[REPORT_ID_SIZE])
{
    const struct roster_entry *entry = entry_of(roster, seat, NULL);
    return report_path_is_held(path) || (entry != NULL && roster_may_serve(roster, entry));
}

static void look_at_unreadable(struct doctor *doctor, const char *path, const struct stat *file,
                               const sealring_error *error)
{
    const struct roster *roster = &doctor->manager->roster;
    uint8_t seat[REPORT_ID_SIZE];
    struct stat place;
    struct doctor_finding *finding;
    if (error->system_errno == EACCES) {
        finding = doctor_find(doctor, DOCTOR_REPORT_UNREADABLE, path,
                              "it belongs to uid %lu, and this user may not read it", (unsigned long)file->st_uid);
        if (file->st_uid == 0 && stat(doctor->config->verifiers, &place) == 0 && place.st_uid == geteuid()) {
            finding->pattern = "as root: chgrp {group} {object}";
            finding->group = place.st_gid;
        }
        return;
    }
    if (clock_wall_ms() - (int64_t)file->st_mtim.tv_sec * 1000 < FRESH_MS)
        return;
    finding = report_is_of_another_format(path)
                  ? doctor_find(doctor, DOCTOR_REPORT_UNKNOWN_FORMAT, path, "%s", error->message)
                  : doctor_find(doctor, DOCTOR_REPORT_DAMAGED, path, "%s", error->message);
    if (report_seat_parse(strrchr(path, '/') + 1, seat))
        finding->hopeless = is_somebodys(roster, path, seat);
}

/* Files of root are good: sealring also runs as root, beside servers of the user that owns the directory. */
static void look_at_owner(struct doctor *doctor, const char *path, const struct stat *file)
{
    struct stat place;
    if (stat(doctor->config->verifiers, &place) != 0 || report_owner_counts(file, &place))
        return;
    doctor_find(doctor, DOCTOR_REPORT_OWNER, path, "it belongs to uid %lu, neither root nor the owner of its directory",
                (unsigned long)file->st_uid)
        ->owner = place.st_uid;
}

static void look_at_records(struct doctor *doctor, const char *path, const struct report_reader *reader)
{
    uint64_t damaged = 0;
    if (report_read_each(reader, NULL, NULL, NULL, &damaged) != SEALRING_OK || damaged == 0)
        return;
    doctor_find(doctor, DOCTOR_REPORT_DAMAGED, path, "%llu of its records %s damaged", (unsigned long long)damaged,
                damaged == 1 ? "is" : "are")
        ->hopeless = report_read_is_held(reader);
}

static void look_at_own(struct doctor *doctor, const char *path, const struct report_summary *summary, bool held)
{
    const struct roster *roster = &doctor->manager->roster;
    const struct roster_entry *entry = entry_of(roster, summary->seat, summary->instance);
    int64_t last = summary->look.wall_ms > summary->joined_wall_ms ? summary->look.wall_ms : summary->joined_wall_ms;
    char when[TIMETEXT_SIZE];
    if (held || entry == NULL || roster_may_serve(roster, entry) || roster->now - last < doctor->asked.stale_after)
        return;
    timetext_format(last, when);
    doctor_find(doctor, DOCTOR_REPORT_STALE, path, "the verifier that wrote it is %s, and was last seen at %s",
                sealring_verifier_state_name(entry->row.state), when);
}

static sealring_status look_at_file(const char *path, void *context)
{
    struct doctor *doctor = context;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    sealring_error error = {.message = ""};
    struct stat file;
    uint8_t seat[REPORT_ID_SIZE];
    if (lstat(path, &file) != 0)
        return SEALRING_OK;
    if (S_ISREG(file.st_mode) && (file.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        doctor_find(doctor, DOCTOR_REPORT_WRITABLE, path, "it can be written by others than its owner (mode %03o)",
                    (unsigned)(file.st_mode & 0777))
            ->mode = file.st_mode & (S_IWGRP | S_IWOTH);
    }
    look_at_owner(doctor, path, &file);
    sealring_status status = report_read_open(path, &reader, &error);
    if (status == SEALRING_OK)
        status = report_read_summary(reader, &summary, &error);
    if (status != SEALRING_OK && error_is_exhaustion(&error))
        doctor_unseen(doctor, SEALRING_REGISTRY, "the verifiers' reports: %s", error.message);
    else if (status != SEALRING_OK)
        look_at_unreadable(doctor, path, &file, &error);
    else if (memcmp(summary.vault_id, doctor->manager->roster.vault.vault_id, sizeof summary.vault_id) != 0)
        doctor_find(doctor, DOCTOR_REPORT_FOREIGN, path, "it is the report of another vault's verifier")->hopeless =
            report_path_is_held(path);
    else if (!report_seat_parse(strrchr(path, '/') + 1, seat) || memcmp(summary.seat, seat, sizeof seat) != 0)
        doctor_find(doctor, DOCTOR_REPORT_MISPLACED, path, "it is a copy: the report in it has another name")
            ->hopeless = report_path_is_held(path);
    else {
        look_at_own(doctor, path, &summary, report_read_is_held(reader));
        look_at_records(doctor, path, reader);
    }
    report_read_close(reader);
    return SEALRING_OK;
}

/* ---- verifiers --------------------------------------------------------------------------------------------------------- */

/* quiet_period: the longest of all rings. */
static void look_at_verifier(struct doctor *doctor, int64_t quiet_period, const struct roster_entry *entry)
{
    const struct roster *roster = &doctor->manager->roster;
    char object[2 * REPORT_ID_SIZE + 16] = "verifier ";
    char digits[2 * REPORT_ID_SIZE + 1], when[TIMETEXT_SIZE];
    hex_encode(entry->row.instance, REPORT_ID_SIZE, digits);
    snprintf(object, sizeof object, "verifier %.8s", digits);
    if (entry->row_damaged) {
        struct doctor_finding *finding =
            doctor_find(doctor, DOCTOR_VERIFIER_ROW_DAMAGED, object, "its row in the registry cannot be read, and %s",
                        entry->watched.file_there ? "its report file is there" : "it has no report file");
        memcpy(finding->instance, entry->row.instance, sizeof finding->instance);
    } else if (entry->row.ended == 0 && entry->row.state == SEALRING_VERIFIER_LOST) {
        doctor_find(doctor, DOCTOR_VERIFIER_LOST, object, "%s: its report file is %s", entry->name,
                    entry->damaged ? "damaged, or unreadable for this user" : "gone")
            ->pattern =
            "sealring run --once, which waits until its lease has ended; then sealring verifier forget {id} "
            "--reason REASON";
    } else if (entry->row.hole != 0 && entry->row.state != SEALRING_VERIFIER_FORGOTTEN &&
               entry->row.hole >= roster->now - quiet_period) {
        timetext_format(entry->row.hole, when);
        doctor_find(doctor, DOCTOR_VERIFIER_LOST, object, "%s ended, and its reports lack what it saw up to %s",
                    entry->name, when);
    } else if (entry->row.ended == 0 && entry->row.state == SEALRING_VERIFIER_SILENT) {
        doctor_find(doctor, DOCTOR_VERIFIER_SILENT, object, "%s runs, and does not poll the registry", entry->name);
    }
}

/* The roster, and the longest quiet period of all rings. */
static sealring_status read_fleet(sealring_manager *manager, int64_t *quiet_period, sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct registry_ring ring;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        *quiet_period = 0;
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_cursor rings = registry_rings(registry, error);
        while (registry_ring_next(&rings, &ring))
            if (ring.policy.quiet_period > *quiet_period)
                *quiet_period = ring.policy.quiet_period;
        status = registry_close_cursor(&rings, status);
        if (status == SEALRING_OK)
            status = manager_read_roster(manager, registry, error);
    } while (registry_again(&reading, &status));
    return status;
}

void doctor_look_at_reports(struct doctor *doctor)
{
    int64_t quiet_period = 0;
    const struct roster *roster = &doctor->manager->roster;
    sealring_error error = {.message = ""};
    sealring_status status = read_fleet(doctor->manager, &quiet_period, &error);
    if (status == SEALRING_OK)
        status = report_each_path(doctor->config->verifiers, look_at_file, doctor, &error);
    if (status != SEALRING_OK) {
        doctor_unseen(doctor, SEALRING_REGISTRY, "the verifiers' reports: %s", error.message);
        return;
    }
    for (size_t i = 0; i < roster->count; i++)
        look_at_verifier(doctor, quiet_period, &roster->entries[i]);
}
