/* SPDX-License-Identifier: Apache-2.0 */
/* What every process of every trial would do alike and without an effect of its own, done once before they are forked. */
#ifndef TESTS_CRASH_WARM_H
#define TESTS_CRASH_WARM_H

#include <stdbool.h>

/* Shared by all processes that are forked after it. */
void warm_share(void);

/* The signatures that are found good from now on are remembered: those of the log as the scene has left it. The same key, bytes and signature
 * are good again, as that is arithmetic. */
void warm_learn(bool learns);

/* Once for each process that forks others: OpenSSL's algorithms are looked up, its random generators are there, SoftHSM2 is mapped. */
void warm_up(void);

#endif
