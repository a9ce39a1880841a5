/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: a short-lived code that a client trades for its credential. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_CLAIM_H
#define SEALRING_CLAIM_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>
#include <sealring/renew.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- Offering ---------------------------------------------------------------------------------------------------------- */

#define SEALRING_CLAIM_CODE_LENGTH 51
#define SEALRING_CLAIM_LIFE        86400000            /* ms: 24 h */
#define SEALRING_CLAIM_LIFE_MAX    INT64_C(2592000000) /* 30 d */

/* From now on sealring_issue, sealring_reissue, sealring_reissue_ring and sealring_rekey pass a claim code instead of each credential
 * (sealring_issued.claim), and `credential` is NULL. A code is valid for `life` ms, and is traded with sealring_claim. It is not stored, and
 * repeating a call passes another one: the former counts no more. An API key has one claim at a time.
 *
 * SEALRING_INVALID: life is not 1 minute to SEALRING_CLAIM_LIFE_MAX, or credentials are to be encrypted; SEALRING_REFUSED: the vault has no
 * audit token, whose key signs what a claim gets. */
sealring_status sealring_claim_credentials(sealring_manager *manager, int64_t life, sealring_error *error);

typedef struct sealring_claim_info {
    const char *key_id;
    const char *ring;
    const char *client;
    const char *label;
    const char *state; /* "open", "taken", "contested", or "expired": nobody took it in time */
    uint32_t serial;
    int64_t expires;
    const char *first_peer;  /* who took it; "": nobody, or not known */
    const char *second_peer; /* contested: who was refused; "": not known */
    int64_t contested;       /* when that was; 0: it is not contested */
} sealring_claim_info;

typedef int (*sealring_claim_callback)(const sealring_claim_info *claim, void *context);

/* The claims of API keys that are not revoked and of credentials that no rekey ended, in the order of the keys. key_id, ring: of this key or
 * ring only; NULL: of all. */
sealring_status sealring_claim_list(sealring_manager *manager, const char *key_id, const char *ring,
                                    sealring_claim_callback each, void *context, sealring_error *error);

/* Ends the key's claim at once: its code counts no more, and a contested one is not reported any more. The credential stays as it is.
 * SEALRING_REFUSED: the key has none. */
sealring_status sealring_claim_cancel(sealring_manager *manager, const char *key_id, sealring_error *error);

/* ---- Trading ----------------------------------------------------------------------------------------------------------- */

/* The values are stable: programs exchange them. */
typedef enum sealring_claim_result {
    SEALRING_CLAIM_UNAVAILABLE = 0, /* token or registry: try again later */
    SEALRING_CLAIM_TAKEN = 1,       /* the claim is this public key's from now on */
    SEALRING_CLAIM_AGAIN = 2,       /* it was this public key's before */
    SEALRING_CLAIM_UNKNOWN = 4,     /* no such code, or it has expired */
    SEALRING_CLAIM_ADDRESS = 5,     /* the API key may not be used from this address */
    SEALRING_CLAIM_CLOSED = 6,      /* the credential is not valid any more, or suspended: ask the operator */
    SEALRING_CLAIM_CERTIFICATE = 7, /* nothing is encrypted to this certificate */
    SEALRING_CLAIM_CONTESTED = 8    /* another public key has taken it */
} sealring_claim_result;
/* "unavailable", "taken", "again", "unknown", "address", "closed", "certificate", "contested"; "none" for anything unknown. Static. */
const char *sealring_claim_result_name(sealring_claim_result result);

typedef struct sealring_claim_request {
    size_t size;
    const char *code; /* need not end in NUL, may contain anything */
    size_t code_length;
    const void *certificate; /* self-signed, PEM or DER, as in <sealring/sealed.h> */
    size_t certificate_length;
    const char *peer; /* the client's address as text; NULL or "": not known */
    /* Set by the call. */
    sealring_claim_result result;
    char reason[256]; /* one line for the log, nothing secret */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    uint32_t version;
    uint32_t serial;
    int64_t expires;
    unsigned char
        *sealed; /* TAKEN, AGAIN: CMS in DER (docs/formats.md, "Sealed credential"); sealring_claim_release frees it */
    size_t sealed_length;
} sealring_claim_request;

/* Trades a code for the credential, which is encrypted to the certificate and signed by the audit token. The code, its time, and what the
 * credential is are proved by the API key's last fact and by the token; the first public key is recorded in another fact, and gets the same
 * credential again until the code expires. Another one gets nothing: the key's claim is contested from then on, which `sealring status` and
 * `doctor` report, until sealring_rekey, a revocation or sealring_claim_cancel. One entry of the audit log, `key.claim`, for each.
 *
 * SEALRING_OK: the request has its result. Otherwise it is UNAVAILABLE. SEALRING_INVALID: the structure has another size. Needs the token. */
sealring_status sealring_claim(sealring_manager *manager, sealring_claim_request *request, sealring_error *error);

/* Frees what the call allocated. The request may be used again. */
void sealring_claim_release(sealring_claim_request *request);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
