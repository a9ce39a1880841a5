/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick: C_SignInit + C_Sign on a token's key with nothing of sealring in between. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bare;

/* Finds the token of `uri` in `module` and on it the secret key `label`. The process must be logged in to the token already
 * (an open vault sees to that: a PKCS#11 login holds for the whole process). NULL, with the reason on stderr, if it cannot. */
struct bare *bare_open(const char *module, const char *uri, const char *label);
void bare_close(struct bare *bare);

/* One HMAC-SHA256. */
bool bare_sign(struct bare *bare, const uint8_t *data, size_t length);

#endif
