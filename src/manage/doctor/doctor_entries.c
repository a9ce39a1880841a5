/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log's entries of the doctor's repairs. */
#include <string.h>

#include "manage/doctor/doctor_parts.h"

/* Not doctor_kinds, whose menders use this file. */
#define CODE(kind, code, ...) [kind] = code,
static const char *const codes[] = {DOCTOR_EACH_KIND(CODE)};

struct audit_act doctor_entry(const struct doctor_finding *finding, const char *name, const char *done)
{
    struct audit_act act = {.name = name, .version = finding->version};
    memcpy(act.ring, finding->ring, sizeof act.ring);
    audit_detail(&act, "{s:s, s:o, s:o}", "finding", codes[finding->kind], "object", audit_text(finding->object),
                 "done", audit_text(done));
    return act;
}

sealring_status doctor_record(struct doctor *doctor, const struct doctor_finding *finding, const char *done,
                              sealring_error *error)
{
    struct audit_act act = doctor_entry(finding, "doctor.repair", done);
    sealring_status status = manager_record(doctor->manager, &act, error);
    audit_release(&act);
    return status;
}
