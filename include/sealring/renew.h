/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal: the holder of a valid credential gets the next one of its API key. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_RENEW_H
#define SEALRING_RENEW_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- Renewing ---------------------------------------------------------------------------------------------------------- */

/* The values are stable: programs exchange them. */
typedef enum sealring_renewal_result {
    SEALRING_RENEWAL_UNAVAILABLE = 0, /* token or registry: try again later */
    SEALRING_RENEWAL_ISSUED = 1,      /* a successor was made */
    SEALRING_RENEWAL_AGAIN = 2,       /* the successor that an earlier renewal made */
    SEALRING_RENEWAL_CURRENT = 3,     /* none is due */
    SEALRING_RENEWAL_REJECTED = 4,    /* not a valid credential, or one that cannot be renewed */
    SEALRING_RENEWAL_ADDRESS = 5,     /* the API key may not be used from this address */
    SEALRING_RENEWAL_OFF = 6,         /* the ring renews no credentials, or none of this client */
    SEALRING_RENEWAL_AGE = 7, /* the limit since the operator's issue is reached: the operator issues the next one */
    SEALRING_RENEWAL_CONTESTED =
        8, /* of a key for one holder: its successor is in use already, or was contested before */
    SEALRING_RENEWAL_LIMITED =
        9 /* never of sealring_renew: the caller renewed nothing, as there were too many requests */
} sealring_renewal_result;
/* "unavailable", "issued", "again", "current", "rejected", "address", "renewal-off", "renewal-age", "contested", "limited"; "none" for anything
 * unknown. Static. */
const char *sealring_renewal_result_name(sealring_renewal_result result);

#define SEALRING_RENEWAL_BATCH_MAX 256 /* requests in one call */
#define SEALRING_PEER_SIZE         46  /* an address as text, NUL included */

/* One request and its answer. It contains a secret once it is answered: allocate it with sealring_secret_allocate, which locks it and, when
 * freed, wipes it. */
typedef struct sealring_renewal {
    size_t size;
    const char *credential; /* the predecessor: need not end in NUL, may contain anything */
    size_t credential_length;
    const char *
        peer; /* the client's address as text (IPv4 or IPv6), for the key's networks and the audit log; NULL or "": not known */
    uint32_t
        limited; /* requests with this API key that the caller has answered LIMITED since it passed the last one on */
    /* Set by the call. What does not apply is empty or 0; only `result` and `reason` are set for UNAVAILABLE, and for REJECTED at most the
     * key ID, client and ring besides. */
    sealring_renewal_result result;
    char reason[256]; /* one line for the log, nothing secret */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    /* The successor. With CURRENT, the version, serial and expiry of the presented credential. */
    uint32_t version;
    uint32_t serial;
    int64_t expires;
    int64_t predecessor_until; /* the predecessor is promised until then; 0: not known, as no rotation has begun */
    char successor[SEALRING_CREDENTIAL_LENGTH_MAX + 1]; /* "" if `sealed` is set, or there is none */
    unsigned char *sealed; /* ring policy `sealed`: CMS in DER, else NULL; sealring_renewal_release frees it */
    size_t sealed_length;
} sealring_renewal;

/* Answers `count` requests, at most SEALRING_RENEWAL_BATCH_MAX, in one act: one transaction, one entry of the audit log, one signed
 * checkpoint. Each request has a result of its own, and a bad one does not affect the others. A call
 * that hands out nothing writes no entry.
 *
 * A credential is proved as a verifier proves it: the row by the text's digest, claims that the token derives again, the whole text compared
 * in constant time, states and ends as in the facts; and in the transaction that writes, nothing of this may have changed. The successor has
 * the same client and scopes under the ring's active version, and the expiry of its predecessor or the life that the ring's policy sets
 * (sealring_policy). It is due if the presented credential is not under the active version, or less than a third of its life is left.
 *
 * - Key for many holders (default): one successor for the predecessor's whole life. A repeated request gets the same one (AGAIN), so a lost
 *   answer costs nothing, and copies of a credential move together.
 * - Key for one holder: the same until the successor was used, as reports of verifiers show it, or was itself renewed. After that the
 *   request is CONTESTED, and so are all further ones of this key until sealring_rekey or a revocation ends that.
 * - REJECTED: no such credential, bad secret, revoked, suspended, expired, not yet valid, superseded by rekey, its version closed; also an
 *   imported key, of which no text exists (reason: sealring reissue).
 *
 * A request that failed is counted for `sealring usage --lagging` if the text has the digest of a credential, and so are those that were
 * limited; unless the locks are taken.
 *
 * SEALRING_OK: each request has its result, which may be UNAVAILABLE for some. Otherwise no request got a successor, and each result is
 * UNAVAILABLE: the error is of the token, the registry, the locks or the memory. A successor that was committed before the call failed is
 * what the next request gets. SEALRING_INVALID: count is 0 or too large, or a request has another size. Needs the token. With dry_run every
 * request is judged, no successor is made, and ISSUED has no text. */
sealring_status sealring_renew(sealring_manager *manager, sealring_renewal *requests, size_t count,
                               sealring_error *error);

/* Wipes the successor and frees what the call allocated. The request may be used again. */
void sealring_renewal_release(sealring_renewal *request);

/* ---- Holders of an API key --------------------------------------------------------------------------------------------- */

typedef enum sealring_holders {
    SEALRING_HOLDERS_MANY = 0, /* default: copies of the credential are in use; all get the same successor */
    SEALRING_HOLDERS_ONE = 1 /* one process has it: renewing it again after its successor was used makes it contested */
} sealring_holders;
/* "many", "one"; "none" for anything unknown. Static. */
const char *sealring_holders_name(sealring_holders holders);

/* `one` counts at once; `many` is refused while the key is contested. */
sealring_status sealring_key_set_holders(sealring_manager *manager, const char *key_id, sealring_holders holders,
                                         sealring_error *error);

/* An API key that is contested: two peers renewed the same credential of a key for one holder, or two tried the same claim. */
typedef struct sealring_contested {
    const char *key_id;
    const char *ring;
    const char *client;
    const char *label;
    uint32_t serial;         /* the credential that both presented */
    int64_t since;           /* the second renewal */
    const char *first_peer;  /* who got the successor; "": not known */
    const char *second_peer; /* who was refused; "": not known */
    bool claim;              /* it is the key's claim (<sealring/claim.h>): two public keys came with its code */
} sealring_contested;

typedef int (*sealring_contested_callback)(const sealring_contested *contested, void *context);

/* The contested API keys, sorted by ring, client, label. ring NULL: of all rings. */
sealring_status sealring_contested_list(sealring_manager *manager, const char *ring, sealring_contested_callback each,
                                        void *context, sealring_error *error);

/* ---- Who renews -------------------------------------------------------------------------------------------------------- */

/* How many clients of a ring renew by themselves. It is read from rows alone: for display, nothing may be decided by it. */
typedef struct sealring_renewing {
    size_t size;
    uint64_t clients;  /* that have an active API key in the ring */
    uint64_t renewing; /* of these: a renewal made the newest credential of each such key */
    int64_t
        longest; /* ms from the activation of the active version to the last renewal that moved a key to it; -1: none did */
} sealring_renewing;

/* SEALRING_NOT_FOUND: there is no such ring; SEALRING_INVALID: the structure has another size. */
sealring_status sealring_count_renewing(sealring_manager *manager, const char *ring, sealring_renewing *renewing,
                                        sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
