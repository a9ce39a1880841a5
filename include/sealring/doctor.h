/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a vault, why it matters, and what repairs it. Unstable until 1.0, with the conventions of <sealring/manage.h>. */
#ifndef SEALRING_DOCTOR_H
#define SEALRING_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef enum sealring_severity {
    SEALRING_SEVERITY_NOTICE = 1,  /* for information; not counted as remaining */
    SEALRING_SEVERITY_WARNING = 2, /* left by an interruption or a manual edit, or obstructs an operation */
    SEALRING_SEVERITY_ALARM = 3    /* a secret, a verdict, the audit log or service may be in danger */
} sealring_severity;

/* "notice", "warning", "alarm"; "none" for anything unknown. Static. */
const char *sealring_severity_name(sealring_severity severity);

typedef struct sealring_finding {
    size_t size;
    const char *code; /* stable: "object-missing"; sealring-doctor(1) lists all */
    sealring_severity severity;
    const char *object;  /* the object of the finding: a path, "RING/VERSION", "key ID", "verifier ID", "entry N" … */
    const char *what;    /* one line each: the finding, */
    const char *why;     /* why it matters, */
    const char *mend;    /* the command that repairs it; "" for none */
    bool repairable;     /* sealring_doctor with `repair` repairs it */
    bool repaired;       /* it was repaired, and a second examination did not find it */
    const char *failure; /* why the repair failed, "" if it was not tried or succeeded */
} sealring_finding;

/* After a value other than 0 no more findings are passed. */
typedef int (*sealring_finding_callback)(const sealring_finding *finding, void *context);

typedef struct sealring_doctor_options {
    size_t size;
    bool repair;         /* repair what needs no decision by an operator */
    int64_t stale_after; /* a report file that no verifier has used for this time is a finding; 0: 7 d */
    int64_t lock_wait;   /* this and what follows as in sealring_manage_options */
    const char *pin_source;
    sealring_pin_callback ask_pin;
    void *ask_context;
    sealring_lock_callback lock_waits;
    void *lock_context;
} sealring_doctor_options;

typedef struct sealring_doctor_result {
    size_t size;
    uint32_t found;
    uint32_t repaired;
    uint32_t remaining; /* alarms and warnings that were not repaired */
    uint32_t notices;
    bool registry_examined;
    bool token_examined;
    bool audit_token_examined;
} sealring_doctor_result;

/* Examines every part of a vault: files and their modes, registry, audit log and anchor, closings that are owed, token objects, verifiers
 * and their reports; then passes each finding, in that order. Takes a path, not a manager, so that it can examine a vault that cannot be
 * opened. Without `repair` nothing is changed, and permission to read the registry is enough. With it, repairs are made under the vault's
 * lock, each an entry of the audit log, and what is reported as repaired was examined again. It never sets CKA_SIGN again, never
 * destroys an object with a version's label, and never takes over a registry that was rolled back.
 * SEALRING_OK if everything was examined, whatever was found. Otherwise the status is the reason why something was not; findings and
 * result are passed all the same: SEALRING_INVALID: the configuration; SEALRING_REGISTRY; SEALRING_TOKEN: one of the tokens.
 * SEALRING_NOT_FOUND: there is no vault. options, each and result may be NULL. */
sealring_status sealring_doctor(const char *vault, const sealring_doctor_options *options,
                                sealring_finding_callback each, void *context, sealring_doctor_result *result,
                                sealring_error *error);

/* Destroys a key in the token that belongs to no version, and its copy: an interrupted command left it in a token that does not keep or
 * cannot change labels, or it is missing in a registry that was rolled back. object_id: its CKA_ID in hexadecimal digits. The audit log
 * stores this with the reason, which is required, before the key is destroyed. SEALRING_REFUSED for a key that this vault did not make
 * (its CKA_ID shows that), for one that belongs to a version, or did by the audit log or by its label, and if the log is not whole.
 * Without an audit token nothing shows whether the log is whole: refused, too, unless `overrule` is the reason to destroy the key all the
 * same, which is stored in the audit log; else NULL. SEALRING_NOT_FOUND. */
sealring_status sealring_object_destroy(sealring_manager *manager, const char *object_id, const char *reason,
                                        const char *overrule, sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
