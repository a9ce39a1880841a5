/* SPDX-License-Identifier: Apache-2.0 */
/* The user's login: one try with one PIN, among all processes. */
#ifndef TOKEN_SESSION_LOGIN_H
#define TOKEN_SESSION_LOGIN_H

#include <stdatomic.h>
#include <stdbool.h>

#include <p11-kit/pkcs11.h>

#include <sealring/manage.h>

struct pin;
struct record;
struct token_watch;
struct token_login_wait;

struct login {
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    const char *pin_source;
    struct pin *typed;             /* the PIN that was typed; NULL: read pin_source */
    atomic_bool *typed_refused;    /* set when the token refused that, which prevents another try */
    sealring_pin_callback ask_pin; /* is notified of it */
    void *ask_context;
    const char *uri;
    const char *login_record;
    const char *login_lock;
    const struct token_login_wait *wait;
    struct record *record; /* the record, already open and locked; NULL: login_ensure opens it */
    const struct token_watch *watch;
    const char *name; /* of the token */
};

/* Logs in unless the session's user is logged in already. *done: a login was made. At most one C_Login; none if this PIN was refused
 * before, OpenSSL does not work in this process, or the token reports that only one try is left, or none. SEALRING_TOKEN. */
sealring_status login_ensure(const struct login *login, CK_SESSION_HANDLE session, bool *done, sealring_error *error);

#endif
