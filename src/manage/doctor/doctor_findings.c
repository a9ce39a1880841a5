/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's findings: collected by the examinations, with what to do about each. */
#include "manage/doctor/doctor_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/outside.h>

#include "base/array.h"
#include "registry/lock/lock.h"

void doctor_release(struct doctor_finding *finding)
{
    free(finding->object);
    free(finding->what);
    free(finding->mend);
    free(finding->failure);
}

void doctor_forget(struct doctor_findings *findings, size_t count)
{
    while (findings->count > count)
        doctor_release(&findings->items[--findings->count]);
}

struct doctor_finding *doctor_add(struct doctor_findings *findings)
{
    if (!array_grow(&findings->items, findings->count))
        return NULL;
    struct doctor_finding *finding = &findings->items[findings->count++];
    memset(finding, 0, sizeof *finding);
    return finding;
}

struct doctor_finding *doctor_find(struct doctor *doctor, enum doctor_kind kind, const char *object, const char *format,
                                   ...)
{
    struct doctor_finding *finding = doctor_add(&doctor->findings);
    if (finding == NULL) {
        doctor->no_memory = true;
        doctor_release(&doctor->unreported);
        finding = &doctor->unreported;
        memset(finding, 0, sizeof *finding);
    }
    va_list arguments;
    va_start(arguments, format);
    finding->kind = kind;
    finding->object = strdup(object);
    if (vasprintf(&finding->what, format, arguments) < 0)
        finding->what = NULL;
    va_end(arguments);
    doctor->no_memory = doctor->no_memory || finding->object == NULL || finding->what == NULL;
    return finding;
}

struct doctor_finding *doctor_find_version(struct doctor *doctor, enum doctor_kind kind,
                                           const struct registry_version *row, const char *ring, const char *what)
{
    char object[SEALRING_NAME_LENGTH_MAX + 16];
    snprintf(object, sizeof object, "%s/%" PRIu32, ring, row->number);
    struct doctor_finding *finding = doctor_find(doctor, kind, object, "the %s version %" PRIu32 " of ring %s: %s",
                                                 sealring_version_state_name(row->state), row->number, ring, what);
    snprintf(finding->ring, sizeof finding->ring, "%s", ring);
    finding->version = row->number;
    memcpy(finding->object_id, row->object_id, sizeof finding->object_id);
    finding->object_id_length = row->object_id_length;
    return finding;
}

void doctor_unseen(struct doctor *doctor, sealring_status status, const char *format, ...)
{
    if (doctor->incomplete != SEALRING_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    doctor->incomplete = status;
    vsnprintf(doctor->unseen, sizeof doctor->unseen, format, arguments);
    va_end(arguments);
}

const char *doctor_word(const char *path, char text[DOCTOR_WORD_SIZE])
{
    /* must not begin like an option of a command */
    size_t before = path[0] == '-' ? (size_t)(stpcpy(text, "./") - text) : 0;
    /* a truncated word could be another word */
    if (sealring_shell_quote(path, text + before, DOCTOR_WORD_SIZE - before) >= DOCTOR_WORD_SIZE - before)
        snprintf(text, DOCTOR_WORD_SIZE, "NAME");
    return text;
}

bool doctor_is_busy(const struct doctor *doctor)
{
    return lock_is_taken(doctor->config->work) || lock_is_taken(doctor->config->lock);
}
