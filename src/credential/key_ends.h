/* SPDX-License-Identifier: Apache-2.0 */
/* When the credentials of an API key end, by bounds on their serials. Pure. */
#ifndef CREDENTIAL_KEY_ENDS_H
#define CREDENTIAL_KEY_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each credential whose serial is not above `serial` ends at `at`, or earlier. A bound on serials also ends credentials whose rows somebody has hidden. */
struct key_end {
    uint32_t serial;
    int64_t at; /* ms since 1970 */
};

/* Serials and times both ascend: any other bound would add nothing. */
#define KEY_ENDS_MAX 16
struct key_ends {
    size_t count;
    struct key_end items[KEY_ENDS_MAX];
};

/* As text: SERIAL:TIME, with one blank between two; "" for none. The longest, NUL included. */
#define KEY_ENDS_TEXT_SIZE (KEY_ENDS_MAX * (10 + 1 + 15 + 1))
void ends_format(const struct key_ends *ends, char text[KEY_ENDS_TEXT_SIZE]);
/* False: ends_format writes no such text, and `ends` is empty. */
bool ends_parse(const char *text, struct key_ends *ends);

/* When the credential with this serial ends; 0: no bound is about it. */
int64_t ends_of(const struct key_ends *ends, uint32_t serial);

/* Whether `one` ends each credential that `other` ends, and no later. */
bool ends_include(const struct key_ends *one, const struct key_ends *other);

/* Adds a bound. If there are too many, the first two become one: all of their serials end when those of the first end. So the second must have passed
 * at `now`; false: it has not, and nothing was changed. */
bool ends_add(struct key_ends *ends, uint32_t serial, int64_t at, int64_t now);

/* Adds all bounds of `more`. If there are too many, the first two become one, whether or not they have passed: nothing ends later by that. Whether
 * anything was added. */
bool ends_restrict(struct key_ends *ends, const struct key_ends *more);

/* The serial of the next credential, which no bound is about; last: of the newest one. 0: there is none left. */
uint32_t ends_next_serial(const struct key_ends *ends, uint32_t last);

/* The serial of a bound that is also about credentials which are newer than the newest known one: the next multiple of KEY_ENDS_STEP.
 * UINT32_MAX: no serial is left behind it. */
#define KEY_ENDS_STEP 65536
uint32_t ends_bound(const struct key_ends *ends, uint32_t last);

#endif
