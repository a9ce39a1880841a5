/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of renewals: what was presented, what it has as successor, how it is answered. */
#ifndef MANAGE_RENEW_RENEW_BATCH_H
#define MANAGE_RENEW_RENEW_BATCH_H

#include <sealring/renew.h>

#include "credential/credential_text.h"
#include "manage/keys/seal.h"
#include "manage/session/manager.h"

/* A credential that was issued after the presented one, under a version that is accepted, and that no bound ends. */
struct renew_later {
    struct registry_credential credential;
    struct registry_version version;
};

enum renew_stage {
    RENEW_WAITS,     /* for another turn, as its API key has a request in this one */
    RENEW_FOLLOWS,   /* the same credential as `leader`, and answered with it */
    RENEW_READ,      /* its rows permit a renewal; the token has to prove them */
    RENEW_HANDS_OUT, /* the request has the successor, which is handed out once that is recorded */
    RENEW_ANSWERED,
};

struct renew_item {
    sealring_renewal *request;
    bool turn; /* it is answered in this turn */
    enum renew_stage stage;
    size_t leader;
    struct text_parts parts; /* without the secret */
    uint8_t digest[TEXT_DIGEST_SIZE];
    const char *peer; /* "": not known */
    uint8_t address[16];
    size_t address_length;
    struct registry_holder newest; /* the API key with its newest credential */
    struct registry_holder older;  /* with the presented one */
    struct registry_version active;
    struct renew_later *later; /* by serial */
    size_t later_count;
    struct registry_holder successor;
    struct x509_st *recipient; /* in a ring that renews `sealed` */
    unsigned char *sealed;     /* the successor, encrypted, until it is passed */
    size_t sealed_length;
    bool is_known;    /* the presented text has the digest of a credential */
    bool was_renewed; /* the successor that exists was itself renewed */
    bool contests;    /* the key is to be recorded as contested */
    enum seal_doubt doubt;
};

struct renew_batch {
    sealring_manager *manager;
    struct renew_item *items;
    size_t count;
    struct registry_vault vault;
    int64_t now;
    bool stale; /* what was read has changed meanwhile */
    struct audit_act act;
};

/* renew_answer.c: answers the request; the reason is one line without anything secret. */
__attribute__((format(printf, 3, 4))) void renew_answer(struct renew_item *item, sealring_renewal_result result,
                                                        const char *format, ...);

/* Empties the answer. What the caller sets stays. */
void renew_clear(sealring_renewal *request);

/* read_predecessor.c: inside a transaction, reads what was presented, its key's newest credential and those between, and answers what the rows
 * alone decide. A status other than SEALRING_OK is about the registry. */
sealring_status renew_read(struct renew_batch *batch, struct renew_item *item, sealring_error *error);
/* Answers if the key may not be used from the request's address. */
void renew_judge_address(struct renew_item *item, const struct registry_key *key);

/* make_successor.c: the token proves what was presented and gives the successor, or the request is answered. For items of different API keys on
 * several threads. */
sealring_status renew_seal(size_t index, void *batch, sealring_error *error);

/* encrypt_successor.c: inside a transaction, finds the client's certificate if the ring renews `sealed`, or answers. */
sealring_status renew_find_recipient(struct renew_batch *batch, struct renew_item *item, sealring_error *error);
/* Outside of transactions: encrypts what is to be handed out, or answers. */
void renew_encrypt(struct renew_batch *batch);
/* After the commit: passes it in place of the text. */
void renew_pass_sealed(struct renew_item *item);
void renew_copy_sealed(const sealring_renewal *from, struct renew_item *item);
void renew_forget_sealed(struct renew_item *item);

/* record_errors.c: outside of transactions and acts, when all requests are answered. */
void renew_record_errors(struct renew_batch *batch);

/* contested_keys.c: outside of transactions. Answers requests with a used successor of a key for one holder. */
sealring_status renew_find_used(struct renew_batch *batch, sealring_error *error);
/* Records in an act of its own that the item's key is contested. */
void renew_contest(struct renew_batch *batch, struct renew_item *item);

#endif
