/* SPDX-License-Identifier: Apache-2.0 */
/* Successors that sealring hands over by itself after a rotation: SEALRING_DELIVER_SEALED and _HOOK. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_SUCCESSORS_H
#define SEALRING_SUCCESSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef enum sealring_successor_state {
    SEALRING_SUCCESSOR_OWED = 1,     /* it waits for its first attempt */
    SEALRING_SUCCESSOR_FAILED = 2,   /* the last attempt failed; the next one is made at `due` */
    SEALRING_SUCCESSOR_DELIVERED = 3 /* every hook has ended with status 0, and the file is written */
} sealring_successor_state;
/* "owed", "failed", "delivered"; "none" for anything unknown. Static. */
const char *sealring_successor_state_name(sealring_successor_state state);

/* The handover of one API key's successor. */
typedef struct sealring_successor {
    size_t size;
    const char *ring, *client, *label, *key_id;
    uint32_t version; /* under which the successor is */
    sealring_successor_state state;
    uint32_t attempts;
    int64_t due;        /* of the next attempt; 0: delivered */
    int64_t delivered;  /* 0: not yet */
    const char *reason; /* why the last attempt failed; "": it did not. Safe for a terminal */
} sealring_successor;
typedef int (*sealring_successor_callback)(const sealring_successor *successor, void *context);

typedef struct sealring_successors_options {
    size_t size;
    const char *ring; /* NULL: all rings */
    int64_t limit;    /* ms; no attempt begins after this time. 0: 30 s */
    bool at_once;     /* also what failed a moment ago */
} sealring_successors_options;

typedef struct sealring_successors_result {
    size_t size;
    uint32_t delivered;
    uint32_t failed;
    bool more; /* the time was up, or another process delivers */
} sealring_successors_result;

/* In each ring whose policy is SEALRING_DELIVER_SEALED or SEALRING_DELIVER_HOOK: for each active API key whose newest credential is not under the active
 * version, issues the successor as sealring_reissue does, and passes it to the hooks and the directory that sealring.conf names. Each attempt
 * ends with an entry in the audit log, and `each` gets its outcome; not 0 stops the call. What failed is tried again by a later call, after 1 min to 6 h:
 * then the same credential is passed again.
 *
 * A failure that concerns one API key is an outcome. SEALRING_TOKEN, SEALRING_REGISTRY, …: nothing can be issued at present. SEALRING_INVALID: sealring.conf
 * names nothing that takes successors, or the hooks directory is not safe. With dry_run `each` gets what would be tried, as owed. */
sealring_status sealring_successors_deliver(sealring_manager *manager, const sealring_successors_options *options,
                                            sealring_successor_callback each, void *context,
                                            sealring_successors_result *result, sealring_error *error);

/* What was begun, by ring, client and label. ring NULL: of all rings. delivered: also what was delivered. */
sealring_status sealring_successors_list(sealring_manager *manager, const char *ring, bool delivered,
                                         sealring_successor_callback each, void *context, sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
