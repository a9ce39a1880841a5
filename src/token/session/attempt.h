/* SPDX-License-Identifier: Apache-2.0 */
/* One operation on the token: try, evaluate the token's return code, repair, try again. */
#ifndef TOKEN_SESSION_ATTEMPT_H
#define TOKEN_SESSION_ATTEMPT_H

#include "token/module/signal_block.h"
#include "token/session/connection.h"

enum attempt_kind {
    ATTEMPT_SIGN,   /* any session, no lock */
    ATTEMPT_SEARCH, /* any session, under the one lock around find + create + set + destroy */
    ATTEMPT_WRITE   /* a read-write session, under that lock */
};

enum attempt_repair { REPAIR_NONE, REPAIR_REPEAT, REPAIR_LOST };

#define ATTEMPT_NAME_SIZE (2 * TOKEN_OBJECT_ID_MAX + 16)

/* An operation:
 *     struct attempt attempt = attempt_on(token, ATTEMPT_SEARCH);
 *     while (attempt_next(&attempt))
 *         attempt.status = ...;
 *     return attempt_end(&attempt, answer, error);
 * The body is one try. It holds locks, so it must not leave the loop. If its status is not OK, attempt_next repairs what the token's
 * return code calls for (session, login, connection), and permits another try. A status that is set before the loop prevents the first. */
struct attempt {
    struct token *token;
    enum attempt_kind kind;
    bool surely;         /* if the object is missing, initialises the module again and tries once more */
    CK_ATTRIBUTE object; /* what identifies the object: a CKA_ID, or a CKA_LABEL */
    const char *noun;    /* of an object with a CKA_ID, for messages */
    CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
    uint64_t generation;
    sealring_status status;
    CK_RV code;               /* the token's return code if the try failed: decides what is repaired. CKR_OK: nothing */
    enum token_answer answer; /* if the try failed */
    bool acted;               /* the token may have been changed: do not repeat if it is lost after that */
    sealring_error error;

    /* Of attempt_next: */
    int tries; /* so far; 0: not begun */
    enum attempt_repair repair;
    bool running; /* a try, which holds what follows */
    struct pooled_session taken;
    struct signal_block pipe, interruption;
    char name[ATTEMPT_NAME_SIZE];
};

struct attempt attempt_on(struct token *token, enum attempt_kind kind);

/* Ends a try, and returns whether another has begun. `surely` is for a change after which SoftHSM2, if it failed, shows the object only to
 * other processes. */
bool attempt_next(struct attempt *attempt);

/* Returns the status of the last try. *answer and *error, unless NULL: how it ended. */
sealring_status attempt_end(const struct attempt *attempt, enum token_answer *answer, sealring_error *error);

/* Forgets a failure that the try goes on after. */
void attempt_go_on(struct attempt *attempt);

/* "key 0a1b…", or the label of an object that is identified by it: for messages. */
const char *attempt_name(struct attempt *attempt);

/* Records that the object may not be used like this. Returns SEALRING_REFUSED. */
sealring_status attempt_refuse(struct attempt *attempt, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Records that `function` returned `code`, while `what`. Returns SEALRING_REFUSED or SEALRING_TOKEN. */
sealring_status attempt_fail(struct attempt *attempt, CK_RV code, const char *function, const char *what);

/* CKR_OK if the user is logged in, or need not be; CKR_USER_NOT_LOGGED_IN; or the return code of C_GetSessionInfo. */
CK_RV attempt_ask_login(const struct attempt *attempt);

/* Checks that the token is present and the user logged in, so that an empty search result is conclusive. Otherwise an error. */
sealring_status attempt_confirm(struct attempt *attempt);

#endif
