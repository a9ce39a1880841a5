/* SPDX-License-Identifier: Apache-2.0 */
/* Which sanitizer a test is compiled with, and what cannot be tested with it. */
#ifndef TESTS_SANITIZED_H
#define TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZED 1
#elif defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZED 1
#elif __has_feature(thread_sanitizer)
#define THREAD_SANITIZED 1
#endif
#endif
#ifndef ADDRESS_SANITIZED
#define ADDRESS_SANITIZED 0
#endif
#ifndef THREAD_SANITIZED
#define THREAD_SANITIZED 0
#endif
#define SANITIZED (ADDRESS_SANITIZED || THREAD_SANITIZED)

/* Both put an allocator of their own in the C library's place, whose locks nobody holds still while a process is copied (gcc 12,
 * clang 14): one that another thread held is held in the child for ever, which then waits in malloc or free. So a process
 * that forks while threads of its own are at work is left to the builds without them. */
#define FORKS_AMONG_THREADS (!SANITIZED)

#endif
