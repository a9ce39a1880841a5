/* SPDX-License-Identifier: Apache-2.0 */
/* Teaches ThreadSanitizer the POSIX locks that it does not know by itself. */
#ifndef TESTS_THREAD_SANITIZER_H
#define TESTS_THREAD_SANITIZER_H

/* Before the first thread. Does nothing in builds without ThreadSanitizer. */
void thread_sanitizer_teach(void);

#endif
