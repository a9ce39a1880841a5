/* SPDX-License-Identifier: Apache-2.0 */
/* The user's login: one try with one PIN, among all processes. */
#ifndef TOKEN_SESSION_LOGIN_H
#define TOKEN_SESSION_LOGIN_H

#include <p11-kit/pkcs11.h>

#include <sealring/verify.h>

struct token;

/* Logs in, if the token requires it and the session's user is not logged in. At most one C_Login; none if this PIN was refused before,
 * OpenSSL does not work in this process, or the token reports that only one try is left, or none. SEALRING_TOKEN.
 * error is not NULL. */
sealring_status login_ensure(struct token *token, CK_SESSION_HANDLE session, sealring_error *error);

#endif
