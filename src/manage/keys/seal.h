/* SPDX-License-Identifier: Apache-2.0 */
/* One credential on its way to the caller: sealed in the token, confirmed by it, handed over. */
#ifndef MANAGE_KEYS_SEAL_H
#define MANAGE_KEYS_SEAL_H

#include "manage/act/era_check.h"
#include "manage/delivery/sealed_delivery.h"
#include "manage/session/manager.h"

/* Room for the text of a credential, NUL included. */
#define SEAL_TEXT_SIZE (SEALRING_CREDENTIAL_LENGTH_MAX + 1)

/* Why one API key can be left out while others continue. */
enum seal_doubt {
    SEAL_CERTAIN,
    SEAL_UNCONFIRMED,  /* the token does not confirm the registry's row */
    SEAL_CONTRADICTED, /* the token answered the same question twice, and the answers differ */
};

/* Derives the credential that `holder` describes (its version must be open), writes its text, and sets the row's digest; for an imported key, whose
 * text stays empty, it binds the row's digest to its claims. The token is asked twice: SEALRING_TOKEN and SEAL_CONTRADICTED if its answers differ,
 * and then neither is used. */
sealring_status seal_new(sealring_manager *manager, const struct registry_vault *vault, struct registry_holder *holder,
                         char text[SEAL_TEXT_SIZE], enum seal_doubt *doubt, sealring_error *error);

/* Derives the credential of an existing row again. No row is trusted: SEALRING_REFUSED unless the text has the stored digest (for an imported one:
 * unless the token's binding is the stored one; its text stays empty), if the version is closed, as its key no longer signs, and if the credential
 * was ended or is not the key's last one. A row is reported
 * as unconfirmed only if the token gave the same answer twice. */
sealring_status seal_again(sealring_manager *manager, const struct registry_vault *vault,
                           const struct registry_holder *holder, char text[SEAL_TEXT_SIZE], enum seal_doubt *doubt,
                           sealring_error *error);

/* Whether the token confirms the row: *confirmed; `text` is what it derives. An answer that equals the stored one needs no second; any other does.
 * Nothing else about the key is judged. */
sealring_status seal_confirm(sealring_manager *manager, const struct registry_vault *vault,
                             const struct registry_holder *holder, char text[SEAL_TEXT_SIZE], bool *confirmed,
                             enum seal_doubt *doubt, sealring_error *error);

/* Makes `successor` the next credential of the same API key under `active`, with the claims of `holder` and a nonce from the token. Its digest is
 * not sealed yet. */
sealring_status seal_successor(sealring_manager *manager, const struct registry_vault *vault,
                               const struct registry_holder *holder, const struct registry_version *active,
                               struct registry_holder *successor, sealring_error *error);

/* Inserts the successor's row, supersedes `older`, ends it if it was imported, and sets the key's serial. Within a commit. */
sealring_status seal_insert_successor(sealring_manager *manager, const struct registry_holder *older,
                                      const struct registry_holder *successor, sealring_error *error);

/* Sets the key's last serial to that of its next credential. SEALRING_REFUSED: there is none left. */
sealring_status seal_next_serial(struct registry_key *key, sealring_error *error);

/* Adds an end to those of the key, in memory. Within a commit. SEALRING_REFUSED: it has as many as are kept, and they are not past. */
sealring_status seal_end(const sealring_manager *manager, struct registry_key *key, uint32_t serial, int64_t end,
                         sealring_error *error);

/* Adds to the details of an act that issues whether its credentials are passed encrypted. */
void seal_record(const sealring_manager *manager, struct audit_act *act);

/* Where credentials go: opened for at most `room`, closed at the end whatever happened. If the manager's caller asked for that, they are encrypted: then
 * each one is announced, all of them are signed, and each is passed, in the same order; otherwise the first two do nothing. All outside any
 * transaction. */
struct seal_receiver {
    sealring_manager *manager;
    sealring_issued_callback each;
    void *context;
    struct sealed_delivery *delivery; /* NULL: in plain text */
    const char *first;                /* the key ID of the first one, for messages */
    size_t passed;                    /* encrypted ones */
};
sealring_status seal_open(struct seal_receiver *receiver, size_t room, sealring_error *error);
sealring_status seal_announce(struct seal_receiver *receiver, const struct registry_holder *holder, const char *text,
                              sealring_error *error);
sealring_status seal_sign(struct seal_receiver *receiver, sealring_error *error);
/* Passes it to the caller's callback. SEALRING_REFUSED if that stops the call. */
sealring_status seal_hand_over(struct seal_receiver *receiver, const struct registry_holder *holder, const char *text,
                               size_t index, bool existed, sealring_error *error);

/* The ring's active version; SEALRING_REFUSED if there is none, SEALRING_WAITING as era_check. Inside a transaction. */
sealring_status seal_active_version(sealring_manager *manager, const struct registry_ring *ring,
                                    struct registry_version *active, sealring_error *error);

#endif
