/* SPDX-License-Identifier: Apache-2.0 */
/* Secret memory: locked, not dumped, wiped; constant-time comparison. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* A zeroed region in whole pages of its own, with MADV_DONTDUMP, and mlock'ed if RLIMIT_MEMLOCK permits. NULL: no memory. */
void *secret_allocate(size_t size);

/* Locks it again, in a forked child: locks are not inherited. */
void secret_lock(void *memory, size_t size);

/* Returns whether secret_allocate ever returned memory to this process that could not be locked: its contents may reach the swap space. */
bool secret_was_unlocked(void);

/* One line that reports this, and what to do. */
#define SECRET_UNLOCKED_WORDS                                                                                          \
    "secrets cannot be locked into memory, and may be written to the swap space: raise RLIMIT_MEMLOCK (ulimit -l, or " \
    "LimitMEMLOCK= in the unit)"

/* Wipes and releases. memory may be NULL; size as allocated. */
void secret_free(void *memory, size_t size);

/* Wipes in a way that the compiler keeps (OPENSSL_cleanse). For short-lived secrets on the stack. */
void secret_wipe(void *memory, size_t size);

/* Takes the same time wherever the bytes differ (CRYPTO_memcmp). */
bool secret_equal(const void *a, const void *b, size_t size);

#endif
