/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and differences limited to 64 bits, whatever values a registry, a report or a clock that was never set contains. */
#ifndef BASE_CAPPED_H
#define BASE_CAPPED_H

#include <stdint.h>

static inline int64_t capped_add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static inline int64_t capped_subtract(int64_t a, int64_t b)
{
    int64_t difference;
    return __builtin_sub_overflow(a, b, &difference) ? (b > 0 ? INT64_MIN : INT64_MAX) : difference;
}

#endif
