/* SPDX-License-Identifier: Apache-2.0 */
/* API keys that still use, or hold, what will be rejected when a version ends. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_LAGGING_H
#define SEALRING_LAGGING_H

#include <sealring/manage.h>
#include <sealring/renew.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The calls of one API key with credentials of one version. */
typedef struct sealring_version_share {
    uint32_t version;
    sealring_version_state state;
    int64_t ends;   /* of a retiring version: its announced end; of a closed one: when it was closed; else 0 */
    uint64_t calls; /* in the time asked about, accepted or rejected */
} sealring_version_share;

/* Renewals of one API key that failed, since its newest credential was issued. */
typedef struct sealring_renewal_error {
    sealring_renewal_result result; /* also SEALRING_RENEWAL_LIMITED, if the broker has counted them */
    uint64_t count;
    int64_t latest;
} sealring_renewal_error;

typedef struct sealring_lagging_info {
    const char *key_id;
    const char *ring;
    const char *client;
    const char *label;
    sealring_key_state state;
    uint32_t serial; /* of its newest credential */
    uint32_t version;
    bool newest_used;      /* there was a call with its newest credential, at any time that is known */
    int64_t renewed;       /* when a renewal made the newest credential; 0: an operator made it */
    int64_t last_use;      /* at any time, with any of its credentials, to the second; 0: none */
    uint32_t last_version; /* of the credential of that use; 0: not known any more */
    uint64_t calls;        /* in the time asked about */
    uint64_t behind;       /* of these, with a version other than the active one */
    /* the earliest end of the versions other than the active one that it called with, or whose credential it has; 0: none is announced */
    int64_t ends;
    size_t share_count;
    const sealring_version_share *shares; /* versions that it called with in that time, by number */
    size_t error_count;
    const sealring_renewal_error *errors; /* one of each kind, the latest first */
} sealring_lagging_info;

typedef int (*sealring_lagging_callback)(const sealring_lagging_info *lagging, void *context);

/* API keys that are not revoked and lag: they called with a version other than the active one, or their newest credential is not of the active
 * version, or it was never used although there is an older one. Those whose version ends first come first; then those with the largest share of calls behind.
 * filter: ring, client, key ID and since count (0: 24 hours before now; hours count as a whole); NULL: all of them. Up to date, as
 * sealring_usage_list. In memory are 48 bytes for each key that lags; each is read again when it is passed on, so one that does not lag any more is left out.
 * SEALRING_NOT_FOUND if the filter names what does not exist. */
sealring_status sealring_lagging(sealring_manager *manager, const sealring_usage_filter *filter,
                                 sealring_lagging_callback each, void *context, sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
