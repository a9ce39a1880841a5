/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a vault, why it matters, and what mends it. Unstable until 1.0, with the conventions of <sealring/manage.h>. */
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
    SEALRING_SEVERITY_NOTICE = 1,  /* worth knowing; not counted as something that remains */
    SEALRING_SEVERITY_WARNING = 2, /* left behind by an interruption or a hand, or in the way of something */
    SEALRING_SEVERITY_ALARM = 3    /* a secret, a verdict or the record may be in danger, or service is */
} sealring_severity;

/* "notice", "warning", "alarm"; "none" for anything unknown. Static. */
const char *sealring_severity_name(sealring_severity severity);

typedef struct sealring_finding {
    size_t size;
    const char *code; /* stable: "object-missing"; sealring-doctor(1) lists all */
    sealring_severity severity;
    const char *object;  /* what it is about: a path, "RING/VERSION", "key ID", "verifier ID", "entry N" … */
    const char *what;    /* one line each: what is so, */
    const char *why;     /* why it matters, */
    const char *mend;    /* and with which command it is mended; "" for nothing */
    bool repairable;     /* sealring_doctor with `repair` mends it */
    bool repaired;       /* it did, and looked again */
    const char *failure; /* why it could not, "" if it was not tried or was mended */
} sealring_finding;

/* Any other value than 0 ends the telling. */
typedef int (*sealring_finding_callback)(const sealring_finding *finding, void *context);

typedef struct sealring_doctor_options {
    size_t size;
    bool repair;         /* mend what can be mended without an operator's decision */
    int64_t stale_after; /* report files that no verifier needed for so long are in the way; 0: 7 d */
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
    uint32_t remaining; /* alarms and warnings that were not mended */
    uint32_t notices;
    bool registry_examined;
    bool token_examined;
    bool audit_token_examined;
} sealring_doctor_result;

/* Looks at every part of a vault: files and their modes, registry, audit log and anchor, what the token is owed, token objects, verifiers and
 * their reports; then tells each finding, in that order. Takes a path, not a manager, as a vault that cannot be opened wants a doctor most. Without
 * `repair` nothing is changed, and reading the registry is enough to get an answer. With it, what can be is mended under the vault's
 * lock, each repair an entry of the audit log, and what is said to be repaired was looked at again. It never gives CKA_SIGN back,
 * never destroys an object that bears a version's label, and never takes over a registry that was put back.
 * SEALRING_OK if everything was looked at, whatever was found. Else, with findings and result told all the same, why not
 * everything was: SEALRING_INVALID: the configuration; SEALRING_REGISTRY; SEALRING_TOKEN: one of the tokens. SEALRING_NOT_FOUND: there is no
 * vault. options, each and result may be NULL. */
sealring_status sealring_doctor(const char *vault, const sealring_doctor_options *options,
                                sealring_finding_callback each, void *context, sealring_doctor_result *result,
                                sealring_error *error);

/* Destroys a key in the token that no version has, and its copy: what an interrupted command left on a token that keeps or changes no labels, or
 * what a registry that was put back does not know. object_id: its CKA_ID in hexadecimal digits. Goes on the record with the reason, which is
 * required, before it is done. SEALRING_REFUSED for a key that this vault did not make (its CKA_ID shows that), for one that a version
 * has, or had by the audit log or by its label, and if the log is not whole. Without an audit token nothing shows whether it is: refused, too,
 * unless `overrule` gives the reason to do it all the same, which goes on the record; else NULL. SEALRING_NOT_FOUND. */
sealring_status sealring_object_destroy(sealring_manager *manager, const char *object_id, const char *reason,
                                        const char *overrule, sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
