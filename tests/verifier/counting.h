/* SPDX-License-Identifier: Apache-2.0 */
/* What module_count.so counts and is told: one file that it and the tests map, also across processes. */
#ifndef TESTS_COUNTING_H
#define TESTS_COUNTING_H

#include <stdatomic.h>
#include <stdint.h>

/* Names of environment variables: the file that holds a struct counting, and the module that everything is handed on to. */
#define COUNTING_FILE   "SEALRING_TEST_COUNTING"
#define COUNTING_MODULE "SEALRING_TEST_MODULE"

struct counting {
    _Atomic(int64_t) watched; /* process whose calls are counted, delayed and held; 0: every process */

    _Atomic(uint64_t) initialize;
    _Atomic(uint64_t) login;
    _Atomic(uint64_t) open_session;
    _Atomic(uint64_t) close_session; /* those that C_CloseAllSessions and C_Finalize closed included */
    _Atomic(uint64_t) find;          /* C_FindObjectsInit and C_FindObjects */
    _Atomic(uint64_t) sign_init;
    _Atomic(uint64_t) sign;

    _Atomic(uint32_t) hold;     /* so many calls of C_Sign wait as long as this is not 0; others pass */
    _Atomic(uint32_t) held;     /* calls that wait now */
    _Atomic(uint32_t) delay_ms; /* of each C_Sign */
};

#endif
