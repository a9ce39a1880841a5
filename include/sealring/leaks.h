/* SPDX-License-Identifier: Apache-2.0 */
/* Leaks: credentials that were found where they do not belong. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_LEAKS_H
#define SEALRING_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- Finding ----------------------------------------------------------------------------------------------------------- */

/* One credential, within the text. */
typedef int (*sealring_found_callback)(const char *credential, size_t length, void *context);

/* Finds what has the form of a credential, check digits included, in `length` bytes of any text, whatever surrounds it. A value other than 0 of the
 * callback ends the search. Pure: no I/O, thread-safe. */
void sealring_find_credentials(const char *text, size_t length, sealring_found_callback each, void *context);

/* ---- Reporting --------------------------------------------------------------------------------------------------------- */

/* The values are stable: programs exchange them. */
typedef enum sealring_leak_result {
    SEALRING_LEAK_UNAVAILABLE = 0, /* token or registry: try again later */
    SEALRING_LEAK_UNKNOWN = 1,     /* no credential of this vault */
    SEALRING_LEAK_ENDED = 2,       /* one that is not valid any more: there is nothing to do */
    SEALRING_LEAK_KNOWN = 3,       /* its leak is in the audit log already */
    SEALRING_LEAK_FOUND = 4,       /* it is valid; nothing was done, as the caller did not ask for it */
    SEALRING_LEAK_ALARMED = 5,     /* its leak is now in the audit log */
    SEALRING_LEAK_SUSPENDED = 6,   /* likewise, and its API key is suspended */
    SEALRING_LEAK_REKEYED = 7      /* likewise, and its API key has a new credential; the older ones have ended */
} sealring_leak_result;
/* "unavailable", "unknown", "ended", "known", "found", "alarmed", "suspended", "rekeyed"; "none" for anything unknown. Static. */
const char *sealring_leak_result_name(sealring_leak_result result);

#define SEALRING_LEAKS_MAX       256 /* in one call */
#define SEALRING_LEAK_URL_MAX    512 /* bytes that are recorded */
#define SEALRING_LEAK_SOURCE_MAX 64

/* One credential that was found, and the answer. */
typedef struct sealring_leak {
    size_t size;
    const char *credential; /* any bytes, no NUL needed */
    size_t credential_length;
    const char *
        url; /* where it was found, and by whom or in what: any text, NULL or "" for not known. They are recorded without control */
    const char *source; /* characters, without the secrets of credentials, and cut to the lengths above */
    /* Set by the call. What does not apply is empty or 0. */
    sealring_leak_result result;
    char reason[256]; /* one line, nothing secret */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    uint32_t version;
    uint32_t serial;
    sealring_leaks_mode policy; /* of the ring */
} sealring_leak;

/* Reports `count` credentials, at most SEALRING_LEAKS_MAX. Each has a result of its own.
 *
 * A credential is proved as a verifier proves it: the row by the text's digest, claims that the token derives again, the whole text compared in constant
 * time. Text that is no credential, an unknown key ID and a wrong secret never reach the token. If it is valid, or will be, and its leak was not reported
 * before, and with `act`, the ring's policy is carried out (sealring_policy.leaks), and one entry of the audit log records the leak (act `key.leak`):
 *
 * - alarm: the entry only.
 * - suspend: the API key is suspended.
 * - rekey: as sealring_rekey without an overlap. The leaked credential cannot be renewed; sealring_reissue hands the new one out. If that is not possible,
 *   as the ring has no active version, the API key is suspended instead.
 *
 * SEALRING_OK: each has its result, which may be UNAVAILABLE for some. SEALRING_INVALID: count is 0 or too large, or a structure has another size.
 * Otherwise the registry, or the token, could not be read, and each result is UNAVAILABLE. Needs the token if there is something to prove. */
sealring_status sealring_report_leaks(sealring_manager *manager, sealring_leak *leaks, size_t count, bool act,
                                      sealring_error *error);

/* ---- Open reports ------------------------------------------------------------------------------------------------------ */

/* A leak that nobody has acted on since: by revoking, suspending, resuming or rekeying the API key, or by acknowledging it. */
typedef struct sealring_leak_info {
    uint64_t entry; /* of the audit log */
    int64_t time;
    const char *key_id;
    const char *ring;
    const char *client;
    uint32_t version;
    uint32_t serial;
    const char *url;    /* "": not known */
    const char *source; /* likewise */
    const char *done;   /* what the report did: "nothing", "suspended", "rekeyed" */
} sealring_leak_info;

typedef int (*sealring_leak_callback)(const sealring_leak_info *leak, void *context);

/* The open ones, the oldest first, without those in archived entries. It is read from the log's rows: for display. ring NULL: of all rings. */
sealring_status sealring_leak_list(sealring_manager *manager, const char *ring, sealring_leak_callback each,
                                   void *context, sealring_error *error);

/* Ends what is open about an API key, by an entry of the audit log (act `key.acknowledge`). reason: as for sealring_key_set_state.
 * SEALRING_NOT_FOUND: nothing is open. */
sealring_status sealring_leak_acknowledge(sealring_manager *manager, const char *key_id, const char *reason,
                                          sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
