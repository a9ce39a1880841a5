/* SPDX-License-Identifier: Apache-2.0 */
/* One operation on the token: try, evaluate the token's return code, repair, try again. */
#ifndef TOKEN_SESSION_ATTEMPT_H
#define TOKEN_SESSION_ATTEMPT_H

#include "token/session/connection.h"

enum attempt_kind {
    ATTEMPT_SIGN,   /* any session, no lock */
    ATTEMPT_SEARCH, /* any session, under the one lock around find + create + set + destroy */
    ATTEMPT_WRITE   /* a read-write session, under that lock */
};

/* One try of an operation. */
struct attempt {
    struct token *token;
    CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
    uint64_t generation;
    CK_RV code;               /* the token's return code if the try failed: decides what is repaired. CKR_OK: nothing */
    enum token_answer answer; /* if the try failed */
    bool acted;               /* the token may have been changed: do not repeat if it is lost after that */
    sealring_error *error;    /* never NULL */
};

typedef sealring_status (*attempt_action)(struct attempt *attempt, void *context);

/* Runs the action. Repairs what its return code calls for (session, login, connection), and runs it again. *answer, unless NULL: how
 * the last try ended. */
sealring_status attempt_run(struct token *token, enum attempt_kind kind, attempt_action action, void *context,
                            enum token_answer *answer, sealring_error *error);

/* The same. If the object is missing, initialises the module again, and runs the action once more: SoftHSM2, after a failed
 * destruction, shows the object only to other processes. */
sealring_status attempt_run_surely(struct token *token, enum attempt_kind kind, attempt_action action, void *context,
                                   enum token_answer *answer, sealring_error *error);

/* Forgets a failure that the action goes on after. */
void attempt_go_on(struct attempt *attempt);

/* Records that the object may not be used like this. Returns SEALRING_REFUSED. */
sealring_status attempt_refuse(struct attempt *attempt, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Records that `function` returned `code`, while `what`. Returns SEALRING_REFUSED or SEALRING_TOKEN. */
sealring_status attempt_fail(struct attempt *attempt, CK_RV code, const char *function, const char *what);

/* CKR_OK if the user is logged in, or need not be; CKR_USER_NOT_LOGGED_IN; or the return code of C_GetSessionInfo. */
CK_RV attempt_ask_login(const struct attempt *attempt);

/* Checks that the token is present and the user logged in, so that an empty search result is conclusive. Otherwise an error. */
sealring_status attempt_confirm(struct attempt *attempt);

#endif
