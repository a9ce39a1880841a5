/* SPDX-License-Identifier: Apache-2.0 */
/* Forks: memory that a child finds empty, and a guard that delays forks while a library's lock is held. */
#ifndef BASE_FORK_H
#define BASE_FORK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <stdint.h>

#include <sealring/verify.h>

/* Zeroed memory in its own page(s) that is zero again in a forked child (MADV_WIPEONFORK, Linux 4.14; also after a raw clone): detects
 * a fork without a system call. size at most 4096. SEALRING_SYSTEM if the kernel does not support it, or accepts it without effect
 * (base/wiped.h), or if the guard below could not be set up when the program was loaded. */
sealring_status fork_page_new(size_t size, void **page, sealring_error *error);
void fork_page_free(void *page, size_t size);

/* getpid, cached in a wiped page, which children find empty: one load instead of a system call (160 ns). */
pid_t fork_process(void);

/* Surrounds every call into SQLite, Cryptoki or another library with locks of its own, which a child would inherit held for ever. If
 * another thread forks meanwhile, the fork waits until all have left, at most 5 s (then it continues, because a token may hang). A
 * thread that enters during a fork waits for its end, at most 10 s (a handler of that fork may be waiting for this thread). A thread
 * that forks while it is inside, as some PKCS#11 modules do, does not wait for itself. Not nested; no callbacks of the caller inside.
 * The process-wide state is in a wiped page, so a child, also of a raw clone, begins with a free one. */
void fork_guard_enter(void);
void fork_guard_leave(void);

/* What every fork does before it (pthread_atfork), with 5000 ms, and after it in the parent; declared for tests. close: keeps other
 * threads from entering, for at most twice patience_ms, and waits for those inside. False: a thread was still inside then. */
bool fork_guard_close(int64_t patience_ms);
void fork_guard_open(void);

#endif
