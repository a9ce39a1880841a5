/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of the doctor: the findings, the parts that make them, and who repairs them. */
#ifndef MANAGE_DOCTOR_DOCTOR_PARTS_H
#define MANAGE_DOCTOR_DOCTOR_PARTS_H

#include <sys/stat.h>

#include <sealring/doctor.h>

#include "manage/doctor/doctor_kinds.h"
#include "manage/session/manager.h"

#define DOCTOR_ENUMERATOR(kind, ...) kind,
enum doctor_kind { DOCTOR_EACH_KIND(DOCTOR_ENUMERATOR) DOCTOR_KINDS };

struct doctor_finding {
    enum doctor_kind kind;
    char *object; /* owned, as are all texts */
    char *what;
    const char *pattern; /* of what to do about this finding; NULL: that of its kind */
    char *mend;          /* NULL: it is made of the pattern */
    char *failure;       /* why the repair failed, NULL: it was not tried, or it succeeded */
    bool hopeless;       /* the kind can be repaired, but not this finding */
    bool tried;          /* its repair was tried in this call */
    bool repaired;
    /* for its repair */
    mode_t mode; /* permissions to be removed, or those of what is made */
    uid_t owner;
    gid_t group;
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    uint32_t version;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint8_t object_id[REGISTRY_OBJECT_ID_MAX];
    size_t object_id_length;
    uint8_t instance[REGISTRY_ID_SIZE]; /* of a verifier */
};

struct doctor_findings {
    struct doctor_finding *items;
    size_t count;
};

struct doctor {
    const char *vault;
    sealring_doctor_options asked;
    struct config *config;     /* NULL: it cannot be trusted, or read */
    sealring_manager *manager; /* NULL: no registry */
    struct doctor_findings findings;
    struct doctor_finding unreported; /* for doctor_find without memory */
    sealring_doctor_result result;
    sealring_error cannot_repair; /* why nothing can be written, SEALRING_OK if it can */
    sealring_status incomplete; /* why not everything was examined: SEALRING_INVALID, _REGISTRY, _TOKEN; SEALRING_OK */
    char unseen[384];           /* the same as text */
    bool no_memory;
};

/* ---- Findings ------------------------------------------------------------------------------------------------------- */

/* Adds a finding about `object`; the format describes it. Without memory it returns a finding that is not reported, and sets doctor->no_memory. */
struct doctor_finding *doctor_find(struct doctor *doctor, enum doctor_kind kind, const char *object, const char *format,
                                   ...) __attribute__((format(printf, 4, 5)));

/* The same about a version: `what` completes the description. */
struct doctor_finding *doctor_find_version(struct doctor *doctor, enum doctor_kind kind,
                                           const struct registry_version *row, const char *ring, const char *what);

/* Something could not be examined: SEALRING_INVALID, _REGISTRY or _TOKEN is what is to be repaired. The first one counts. */
void doctor_unseen(struct doctor *doctor, sealring_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An empty finding at the end; NULL without memory. */
struct doctor_finding *doctor_add(struct doctor_findings *findings);
void doctor_release(struct doctor_finding *finding);

/* Discards the findings from number `count` on: their objects have changed meanwhile. */
void doctor_forget(struct doctor_findings *findings, size_t count);

/* Whether a command is working on the vault. */
bool doctor_is_busy(const struct doctor *doctor);

/* The path, or another text, as a word of a shell's command line; "NAME" if it is too long. `text` is the caller's buffer. */
#define DOCTOR_WORD_SIZE (4 * PATH_MAX)
const char *doctor_word(const char *path, char text[DOCTOR_WORD_SIZE]);

/* ---- The parts: each examines, changes nothing, and adds findings ------------------------------------------------------- */

/* Before anything is opened: the directory and files that a configuration is read from. */
void doctor_look_at_vault(struct doctor *doctor);
/* With the configuration: directories, the registry's files, PIN files, login records. */
void doctor_look_at_files(struct doctor *doctor);
/* The room that is left on the file systems where sealring writes. */
void doctor_look_at_space(struct doctor *doctor);
/* Before anything logs in to a token: the files of the vault's own software tokens, and their copies. */
void doctor_look_at_copies(struct doctor *doctor);
/* With or without the registry: a wall clock that is certainly late. */
void doctor_look_at_clock(struct doctor *doctor);
/* With the registry or without it: what is configured for notices. */
void doctor_look_at_channels(struct doctor *doctor);
/* With the registry: the files of its objects. */
void doctor_look_at_objects(struct doctor *doctor);
/* With the registry: damage, schema, rings, clocks, owed steps. */
void doctor_look_at_registry(struct doctor *doctor);
void doctor_look_at_audit(struct doctor *doctor);
void doctor_look_at_reports(struct doctor *doctor);
void doctor_look_at_token(struct doctor *doctor);

/* ---- Repairs ------------------------------------------------------------------------------------------------------------- */

/* Under the vault's lock, with the token if it is reachable. Every change is in the audit log before it is made. */
typedef sealring_status (*doctor_mender)(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);

/* Of edited rows (doctor_altered.c). */
sealring_status mend_altered(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);

/* The entry of a repair. `done` describes the repair for readers of the log. */
struct audit_act doctor_entry(const struct doctor_finding *finding, const char *name, const char *done);
/* Records it, before the repair is made. */
sealring_status doctor_record(struct doctor *doctor, const struct doctor_finding *finding, const char *done,
                              sealring_error *error);

struct doctor_kind_row {
    const char *code;
    sealring_severity severity;
    doctor_mender mender; /* NULL: an operator must repair it */
    const char *why;
    const char *mend; /* what to do, a pattern (fill_mend in doctor.c); NULL: it depends on the finding */
};
extern const struct doctor_kind_row doctor_kinds[];

/* Whether it can be repaired, and its repair was not tried yet. */
bool doctor_can_mend(const struct doctor_finding *finding);

/* Repairs what can be repaired, and notes that this was tried. */
void doctor_repair(struct doctor *doctor);

#endif
