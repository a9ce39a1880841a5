/* SPDX-License-Identifier: Apache-2.0 */
/* The next credential of existing API keys: read and sealed without a lock, written if nothing has changed, handed over. */
#ifndef MANAGE_KEYS_RENEWAL_H
#define MANAGE_KEYS_RENEWAL_H

#include "manage/keys/seal.h"
#include "manage/session/manager.h"

struct renewal_item {
    struct registry_holder older;
    struct registry_holder successor;
    bool existed; /* the newest credential is handed over again, and has no successor */
    enum seal_doubt doubt;
};

struct rekey; /* rekey.c */
struct renewal;

/* What distinguishes reissuing from rekeying. */
struct renewal_kind {
    const char *purpose; /* for the locks */
    const char *act;     /* for the audit log */
    /* Inside a transaction: whether the one API key that the caller named may be renewed. */
    sealring_status (*check)(const struct registry_holder *older, sealring_error *error);
    sealring_status (*seal)(struct renewal *renewal, struct renewal_item *item, char text[SEAL_TEXT_SIZE],
                            sealring_error *error);
    /* Inside the writing transaction; not for what existed. */
    sealring_status (*write)(struct renewal *renewal, const struct renewal_item *item, sealring_error *error);
    void (*record)(struct renewal *renewal);
};

extern const struct renewal_kind reissue_kind; /* reissue.c */

/* A batch: one key, or a page of a ring's keys. The caller fills in the members up to `room`. */
struct renewal {
    sealring_manager *manager;
    const struct renewal_kind *kind;
    struct rekey *rekey;
    bool restricts;     /* begins as a restriction (manager_begin_restriction) */
    const char *key_id; /* one key, or: */
    struct registry_holder_filter filter;
    size_t room;
    struct registry_vault vault;
    struct registry_ring ring;
    struct registry_version active;
    struct renewal_item *items;
    char (*texts)[SEAL_TEXT_SIZE];
    size_t count;
    size_t done;                                    /* handed over in earlier batches */
    bool stale;                                     /* what was sealed has changed meanwhile: read and seal it again */
    char next_client[SEALRING_NAME_LENGTH_MAX + 1]; /* the place of the page's last key */
    char next_label[SEALRING_NAME_LENGTH_MAX + 1];
    bool full; /* the page was full: there may be more keys after it */
    struct audit_act act;
    /* keys of the ring that cannot be confirmed, and the reason for the first of them */
    uint64_t unconfirmed;
    uint64_t undeliverable; /* of the present batch: nothing can be encrypted for their clients */
    char first_problem[SEALRING_MESSAGE_SIZE];
    sealring_error doubt; /* about the token's answers in this batch; status SEALRING_OK: none */
};

sealring_status renewal_make(struct renewal *renewal, sealring_error *error);
void renewal_release(struct renewal *renewal);

/* One batch, and handing it over. */
sealring_status renewal_run(struct renewal *renewal, sealring_issued_callback each, void *context,
                            sealring_error *error);

#endif
