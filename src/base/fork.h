/* SPDX-License-Identifier: Apache-2.0 */
/* Forks: memory that a child finds empty, and keeping a fork out while a library's lock is held. */
#ifndef BASE_FORK_H
#define BASE_FORK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <stdint.h>

#include <sealring/verify.h>

/* Zeroed memory of its own page(s) that is zero again in a forked child (MADV_WIPEONFORK, Linux 4.14; also after a raw clone): the
 * detector of a fork that costs no system call. size at most 4096. SEALRING_SYSTEM where the kernel cannot do it or does not do what it says
 * (base/wiped.h), or where the guard below could not be set up as the program was loaded. */
sealring_status fork_page_new(size_t size, void **page, sealring_error *error);
void fork_page_free(void *page, size_t size);

/* getpid, remembered in a wiped page, where children find that empty: one load instead of a system call (160 ns). */
pid_t fork_process(void);

/* Around every stay inside SQLite, Cryptoki or whatever else has locks of its own that a child would inherit held for ever. A fork
 * that another thread wants meanwhile waits until all have left, 5 s at most (then it goes on: a token may hang); who wants to
 * enter while a fork is under way waits for it, 10 s at most (a handler of that fork may be waiting for this thread). A thread that
 * forks while it is inside, as some PKCS#11 modules do, does not wait for itself. Not nested, no callback of the caller inside.
 * The process-wide state behind it lies in a wiped page, so a child, also a raw clone's, begins with a free one. */
void fork_guard_enter(void);
void fork_guard_leave(void);

/* What every fork does by itself before it (pthread_atfork), with 5000 ms, and after it in the parent; declared for tests. close: keeps
 * who wants to enter out, for twice patience_ms at most, and waits for those inside. False: somebody was still inside then. */
bool fork_guard_close(int64_t patience_ms);
void fork_guard_open(void);

#endif
