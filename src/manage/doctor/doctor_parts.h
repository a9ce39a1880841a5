/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of the doctor: the findings, the parts that make them, and who repairs them. */
#ifndef MANAGE_DOCTOR_DOCTOR_PARTS_H
#define MANAGE_DOCTOR_DOCTOR_PARTS_H

#include <sys/stat.h>

#include <sealring/doctor.h>

#include "manage/session/manager.h"

/* Every kind of finding; doctor_kinds.c contains the name, severity, reason and repair of each. */
enum doctor_kind {
    /* files and permissions */
    DOCTOR_VAULT_WRITABLE,
    DOCTOR_CONFIG_WRITABLE,
    DOCTOR_CONFIG_UNUSABLE,
    DOCTOR_PLACE_MISSING,
    DOCTOR_MODULE_WRITABLE,
    DOCTOR_DIRECTORY_WRITABLE,
    DOCTOR_DIRECTORY_MISSING,
    DOCTOR_TOKENS_OPEN,
    DOCTOR_TOKEN_FILE_DAMAGED,
    DOCTOR_TOKEN_FILE_LOST,
    DOCTOR_TOKEN_COPY_BEHIND,
    DOCTOR_TOKEN_COPY_UNREADABLE,
    DOCTOR_TOKEN_FILE_ASIDE,
    DOCTOR_PIN_OPEN,
    DOCTOR_PIN_MISSING,
    DOCTOR_PIN_UNUSABLE,
    DOCTOR_LOGIN_RECORD_OPEN,
    DOCTOR_REGISTRY_WRITABLE,
    DOCTOR_REGISTRY_READABLE,
    DOCTOR_LOCK_OPEN,
    DOCTOR_REGISTRY_ON_NETWORK,
    DOCTOR_WRONG_OWNER,
    DOCTOR_LEFTOVER_FILE,
    /* registry */
    DOCTOR_REGISTRY_UNUSABLE,
    DOCTOR_REGISTRY_NEWER,
    DOCTOR_UPGRADE_UNFINISHED,
    DOCTOR_REGISTRY_DAMAGED,
    DOCTOR_SCHEMA_LACKING,
    DOCTOR_SCHEMA_STRANGE,
    DOCTOR_RING_BROKEN,
    DOCTOR_CLOCKS_DISAGREE,
    DOCTOR_CLOCK_LATE,
    /* audit log */
    DOCTOR_AUDIT_LOG,
    DOCTOR_AUDIT_UNSIGNED,
    DOCTOR_AUDIT_TOKEN_UNCONFIGURED,
    DOCTOR_AUDIT_TOKEN_UNREACHABLE,
    DOCTOR_AUDIT_KEY_DIFFERS,
    DOCTOR_CHECKPOINT_BEHIND,
    DOCTOR_ANCHOR_BEHIND,
    DOCTOR_ANCHOR_MISSING,
    DOCTOR_REGISTRY_PUT_BACK,
    /* steps that are owed to the token */
    DOCTOR_INTENTION_UNFINISHED,
    DOCTOR_CLOSING_OWED,
    DOCTOR_DESTRUCTION_OWED,
    /* token objects */
    DOCTOR_TOKEN_UNREACHABLE,
    DOCTOR_TOKEN_CANNOT_CLOSE,
    DOCTOR_OBJECT_MISSING,
    DOCTOR_OBJECT_GONE,
    DOCTOR_OBJECT_TWICE,
    DOCTOR_OBJECT_RELABELLED,
    DOCTOR_OBJECT_ATTRIBUTES,
    DOCTOR_OBJECT_USAGES,
    DOCTOR_CHECK_VALUE_DIFFERS,
    DOCTOR_CLOSED_VERSION_SIGNS,
    DOCTOR_ACCEPTED_VERSION_CLOSED,
    DOCTOR_OBJECT_FOREIGN,
    DOCTOR_OBJECT_HALF_MADE,
    DOCTOR_OBJECT_UNKNOWN,
    /* verifiers and their reports */
    DOCTOR_REPORT_WRITABLE,
    DOCTOR_REPORT_OWNER,
    DOCTOR_REPORT_UNREADABLE,
    DOCTOR_REPORT_DAMAGED,
    DOCTOR_REPORT_UNKNOWN_FORMAT,
    DOCTOR_REPORT_FOREIGN,
    DOCTOR_REPORT_MISPLACED,
    DOCTOR_REPORT_STALE,
    DOCTOR_VERIFIER_ROW_DAMAGED,
    DOCTOR_VERIFIER_LOST,
    DOCTOR_VERIFIER_SILENT,
    DOCTOR_KINDS
};

/* Replaces an unusable registry by a good one. */
#define DOCTOR_RESTORE "sealring restore BACKUP --log EXPORT"
/* Makes the key of a version sign again. */
#define DOCTOR_REOPEN "sealring retire {ring} {version} --overrule REASON, sealring reinstate {ring} {version}"

struct doctor_finding {
    enum doctor_kind kind;
    char *object; /* owned, as are all texts */
    char *what;
    const char *pattern; /* as doctor_kind_row.mend, for this finding; NULL: as for its kind */
    char *mend;          /* NULL: made of the pattern */
    char *failure;       /* why the repair failed, NULL: it was not tried, or it succeeded */
    bool hopeless;       /* the kind can be repaired, but not this finding */
    bool tried;          /* its repair was tried in this call */
    bool repaired;
    /* for its repair */
    mode_t mode; /* permissions to be removed */
    uid_t owner;
    gid_t group;
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    uint32_t version;
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

/* Sets what to do about it, where no pattern will do. */
void doctor_mend(struct doctor *doctor, struct doctor_finding *finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

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
/* Before anything logs in to a token: the files of the vault's own software tokens, and their copies. */
void doctor_look_at_copies(struct doctor *doctor);
/* With or without the registry: a wall clock that is certainly late. */
void doctor_look_at_clock(struct doctor *doctor);
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

struct doctor_kind_row {
    const char *code;
    sealring_severity severity;
    doctor_mender mender; /* NULL: an operator must repair it */
    const char *why;
    const char *
        mend; /* what to do, with {object} (quoted for a shell), {ring} and {version}; NULL: it depends on the finding */
};
const struct doctor_kind_row *doctor_kind_row(enum doctor_kind kind);

/* Whether it can be repaired, and its repair was not tried yet. */
bool doctor_can_mend(const struct doctor_finding *finding);

/* Repairs what can be repaired, and notes that this was tried. */
void doctor_repair(struct doctor *doctor);

/* The repairs. */
sealring_status doctor_mend_mode(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_owner(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_directory(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_place(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_leftover(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_schema(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_closing(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_usages(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_strange_report(struct doctor *doctor, struct doctor_finding *finding,
                                           sealring_error *error);
sealring_status doctor_mend_verifier_row(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
sealring_status doctor_mend_stale_report(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
/* Carried out when the lock is released: checkpoint and anchor. */
sealring_status doctor_mend_settling(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);
/* Recovery carries it out, as part of taking the lock, and writes its own entries. */
sealring_status doctor_mend_owed(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error);

#endif
