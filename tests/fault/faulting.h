/* SPDX-License-Identifier: Apache-2.0 */
/* What module_fault.so is told and counts: one file that it and the tests map, also across processes and while they run. */
#ifndef TESTS_FAULTING_H
#define TESTS_FAULTING_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/touches.h"

/* Names of environment variables: the file that holds a struct faulting, and the module that everything is handed on to. */
#define FAULTING_FILE   "SEALRING_TEST_FAULTING"
#define FAULTING_MODULE "SEALRING_TEST_MODULE"

/* The functions that the module stands before. All others are handed on as they are. */
#define FAULT_FUNCTIONS(each)                                                                                        \
    each(C_Initialize) each(C_Finalize) each(C_GetInfo) each(C_GetSlotList) each(C_GetSlotInfo) each(C_GetTokenInfo) \
        each(C_GetMechanismInfo) each(C_OpenSession) each(C_CloseSession) each(C_CloseAllSessions)                   \
            each(C_GetSessionInfo) each(C_Login) each(C_Logout) each(C_CreateObject) each(C_CopyObject)              \
                each(C_DestroyObject) each(C_GetAttributeValue) each(C_SetAttributeValue) each(C_FindObjectsInit)    \
                    each(C_FindObjects) each(C_FindObjectsFinal) each(C_SignInit) each(C_Sign) each(C_GenerateKey)   \
                        each(C_GenerateKeyPair) each(C_GenerateRandom) each(C_InitToken) each(C_InitPIN)             \
                            each(C_SetPIN)

#define FAULT_NAME(name) FAULT_##name,
enum fault_function { FAULT_FUNCTIONS(FAULT_NAME) FAULT_FUNCTION_COUNT, FAULT_ANY };
#undef FAULT_NAME

enum fault_kind {
    FAULT_NONE,
    FAULT_INSTEAD,   /* the code, and nothing else happens */
    FAULT_AFTER,     /* what was asked for happens, and then the code: the answer is lost */
    FAULT_HANG,      /* the call waits until the script is another, and goes on */
    FAULT_SHORT,     /* CKR_OK, with less than what was asked for, and the length says so */
    FAULT_TRUNCATED, /* CKR_OK, with less than what was asked for, and the length does not say so */
    FAULT_VANISH     /* the token's directory is moved away before, and the call goes on */
};

#define FAULT_EVER   UINT64_MAX /* as `times`: until the script is another */
#define FAULT_TRACE  4096
#define FAULT_SLOTS  4
#define FAULT_SUFFIX ".away" /* of a directory that was moved away */

struct faulting {
    /* The script: calls number `from` to `from` + `times` - 1 of `function` (FAULT_ANY: of all) meet the fault. Numbers begin
     * with 1 when `calls` and `all` are set to 0. `kind` is written last. */
    _Atomic(uint32_t) kind;
    _Atomic(uint32_t) function;
    _Atomic(uint64_t) from;
    _Atomic(uint64_t) times;
    _Atomic(uint64_t) code;
    char directory[512]; /* of the token, for FAULT_VANISH */

    /* What the token is like from now on. */
    _Atomic(uint32_t) gone;         /* not 0: no token in the slot */
    _Atomic(uint32_t) swaps;        /* not 0: the number of a handle belongs to another object after each reconnect */
    _Atomic(uint32_t) sessions_max; /* 0: as many as the real one has */
    _Atomic(uint32_t) sessions_unsaid; /* not 0: C_GetTokenInfo does not say so */
    _Atomic(uint32_t) pin_tries;       /* wrong PINs after which the token is locked; 0: as the real one does it */
    _Atomic(uint32_t) pin_tries_made;  /* wrong ones since the last right one, if pin_tries is set */

    /* What happened. */
    _Atomic(uint64_t) calls[FAULT_FUNCTION_COUNT];
    _Atomic(uint64_t) all;
    _Atomic(uint64_t) met;                  /* calls that met the fault */
    _Atomic(uint64_t) hanging;              /* now */
    _Atomic(uint64_t) logins;               /* C_Login that reached the real module, over all processes */
    _Atomic(uint64_t) refused[FAULT_SLOTS]; /* 1 + each slot for which a PIN was refused; 0: none */
    _Atomic(uint64_t) pin_again;            /* C_Login there after that */
    _Atomic(uint64_t) sessions_most;        /* that were open at once in one process on one token */
    _Atomic(uint8_t) trace[FAULT_TRACE];    /* which function call number i + 1 was */
    struct touches touches;                 /* those of the token, and of whatever else the test counts with them */
};

#endif
