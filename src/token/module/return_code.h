/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Cryptoki's return codes, and how to react to each. */
#ifndef TOKEN_MODULE_RETURN_CODE_H
#define TOKEN_MODULE_RETURN_CODE_H

#include <p11-kit/pkcs11.h>

enum code_class {
    CODE_DOUBT = 0, /* also any unknown code: ask whether the token is present; if so, only this call failed */
    CODE_DONE,
    CODE_SESSION, /* this session is lost: take another */
    CODE_LOGIN,   /* the user is not logged in: log in once */
    CODE_HANDLE,  /* a stored handle is invalid: ask whether the token is present, then find the object again */
    CODE_GONE,    /* token, device or module is gone: start over */
    CODE_BUSY,    /* no room or no memory at present: nothing to repair */
    CODE_CLOSED,  /* the key exists and is closed */
    CODE_REFUSED, /* the token understands the request and refuses it */
    CODE_PIN,     /* the PIN or its state: never repeat */
    CODE_BUG      /* cannot happen if both sides follow the standard */
};

enum code_class code_class_of(CK_RV code);

/* "CKR_DEVICE_ERROR"; "an unknown code" for codes that PKCS #11 v2.40 does not define. A static string. */
const char *code_name(CK_RV code);

#endif
