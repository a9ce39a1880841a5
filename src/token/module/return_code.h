/* SPDX-License-Identifier: Apache-2.0 */
/* What Cryptoki's return codes are called, and what is to be done about each. */
#ifndef TOKEN_MODULE_RETURN_CODE_H
#define TOKEN_MODULE_RETURN_CODE_H

#include <p11-kit/pkcs11.h>

enum code_class {
    CODE_DOUBT = 0, /* anything unknown too: ask whether the token is there; if it is, this one call failed */
    CODE_DONE,
    CODE_SESSION, /* this session is gone: take another */
    CODE_LOGIN,   /* nobody is logged in: one login */
    CODE_HANDLE,  /* a remembered handle is no good: ask whether the token is there, then find the object again */
    CODE_GONE,    /* token, device or module is away: start over */
    CODE_BUSY,    /* no room or no memory just now: nothing to repair */
    CODE_CLOSED,  /* the key exists and is closed */
    CODE_REFUSED, /* the token understands and does not do it */
    CODE_PIN,     /* the PIN or its state: never to be repeated */
    CODE_BUG      /* cannot happen if both sides keep to the standard */
};

enum code_class code_class_of(CK_RV code);

/* "CKR_DEVICE_ERROR"; "an unknown code" for what PKCS #11 v2.40 does not have. Static. */
const char *code_name(CK_RV code);

#endif
