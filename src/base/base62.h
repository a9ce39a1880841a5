/* SPDX-License-Identifier: Apache-2.0 */
/* Base62 (0-9A-Za-z) of fixed width, and hexadecimal. */
#ifndef BASE_BASE62_H
#define BASE_BASE62_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE62_256_DIGITS 43 /* digits of a number below 2^256 */
#define BASE62_32_DIGITS  6  /* digits of a number below 2^32 */

/* No data-dependent branch or index, so that a secret leaves no traces in the processor's cache. Writes no NUL. */
void base62_encode_256(const uint8_t number[32], char digits[BASE62_256_DIGITS]);
/* False for other characters and for 2^256 and above. */
bool base62_decode_256(const char digits[BASE62_256_DIGITS], uint8_t number[32]);

void base62_encode_32(uint32_t number, char digits[BASE62_32_DIGITS]);
bool base62_decode_32(const char digits[BASE62_32_DIGITS], uint32_t *number);

bool base62_is_digit(char character);

/* The position of the first character that is neither a digit nor `also` ('0': nothing else is allowed); `length` if there is none.
 * Compares sixteen at a time; the time does not depend on the values of the digits. */
size_t base62_find_other(const char *text, size_t length, char also);

/* Turns random bytes into `length` unbiased digits by rejection sampling (bytes of 248 and above are skipped). Returns the number of
 * digits, which is below `length` if the bytes ran out. */
size_t base62_from_random(const uint8_t *random, size_t random_length, char *digits, size_t length);

/* Lower-case hexadecimal, NUL-terminated; text has room for 2 * length + 1. */
void hex_encode(const uint8_t *bytes, size_t length, char *text);

/* The bytes of 2 * length digits 0-9a-f. False if there is any other character. */
bool hex_decode(const char *text, uint8_t *bytes, size_t length);

#endif
