/* SPDX-License-Identifier: Apache-2.0 */
/* Base62 (0-9A-Za-z) of fixed width, and hexadecimal. */
#include "base/base62.h"

#include <string.h>

#include "base/secret.h"

#define LIMBS_16         16 /* 256 bits in 16-bit pieces */
#define LIMBS_32         8  /* 256 bits in 32-bit pieces */
#define DIGITS_AT_A_TIME 5  /* 62^5 is below 2^30 */

/* Hides from the optimiser what it knows of a value, so that it cannot turn a mask into a branch. */
static inline uint32_t opaque(uint32_t value)
{
    __asm__("" : "+r"(value));
    return value;
}

/* All ones if low <= value <= high, else 0. Correct for values below 2^31. */
static inline uint32_t mask_between(uint32_t value, uint32_t low, uint32_t high)
{
    return opaque((((value - low) | (high - value)) >> 31) - 1);
}

/* The character of a digit below 62: '0' + digit, and for digits past 9 and 35 an offset to the next range of ASCII letters. */
static inline char character_of(uint32_t digit)
{
    uint32_t upper = mask_between(digit, 10, 61) & ('A' - '0' - 10);
    uint32_t lower = mask_between(digit, 36, 61) & ('a' - 'A' - 26);
    return (char)('0' + digit + upper + lower);
}

/* The digit of a character, plus 1; 0 for any other character. */
static inline uint32_t digit_plus_one(char character)
{
    uint32_t value = (unsigned char)character;
    return (mask_between(value, '0', '9') & (value - '0' + 1)) | (mask_between(value, 'A', 'Z') & (value - 'A' + 11)) |
           (mask_between(value, 'a', 'z') & (value - 'a' + 37));
}

/* value / 62 for value below 2^22, without the divide instruction, whose time depends on its operands. It multiplies by 69273667 =
 * (2^32 + 58) / 62; the error value * 58 / 2^32 stays below 1. */
static inline uint32_t divide_by_62(uint32_t value)
{
    return (uint32_t)((uint64_t)value * 69273667 >> 32);
}

void base62_encode_256(const uint8_t number[32], char digits[BASE62_256_DIGITS])
{
    uint32_t limbs[LIMBS_16];
    for (size_t i = 0; i < LIMBS_16; i++)
        limbs[i] = (uint32_t)number[2 * i] << 8 | number[2 * i + 1];
    for (size_t position = BASE62_256_DIGITS; position-- > 0;) {
        uint32_t remainder = 0;
        for (size_t i = 0; i < LIMBS_16; i++) {
            uint32_t value = remainder << 16 | limbs[i];
            limbs[i] = divide_by_62(value);
            remainder = value - limbs[i] * 62;
        }
        digits[position] = character_of(remainder);
    }
    secret_wipe(limbs, sizeof limbs);
}

/* Sixteen characters, processed at once if the processor can (a GNU C extension of gcc and clang). */
typedef uint8_t sixteen __attribute__((vector_size(16)));

static inline sixteen sixteen_at(const char *text)
{
    sixteen characters;
    memcpy(&characters, text, sizeof characters);
    return characters;
}

/* All ones in each place that contains a digit or `also`. */
static inline sixteen are_digits(sixteen characters, char also)
{
    sixteen letters = (characters | 0x20) - 'a'; /* upper and lower case differ only in this bit */
    return (sixteen)(characters - '0' < 10) | (sixteen)(letters < 26) | (sixteen)(characters == (uint8_t)also);
}

static inline bool are_all(sixteen mask)
{
    uint64_t halves[2];
    memcpy(halves, &mask, sizeof halves);
    return (halves[0] & halves[1]) == UINT64_MAX;
}

/* The value of each digit, and some number below 256 for other characters. False if there are any. */
static bool values_of(const char digits[BASE62_256_DIGITS], uint8_t values[BASE62_256_DIGITS])
{
    static const size_t places[] = {0, 16, BASE62_256_DIGITS - sizeof(sixteen)}; /* some twice */
    sixteen good = ~(sixteen){0};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        sixteen characters = sixteen_at(digits + places[i]);
        sixteen upper = (sixteen)(characters >= 'A') & ('A' - '0' - 10);
        sixteen lower = (sixteen)(characters >= 'a') & ('a' - 'A' - 26);
        sixteen value = characters - '0' - upper - lower;
        good &= are_digits(characters, '0');
        memcpy(values + places[i], &value, sizeof value);
    }
    return are_all(good);
}

/* number = number * 62^5 + the next 5 digits, over the limbs in use. Returns what does not fit. */
static inline uint32_t shift_in(uint32_t *limbs, size_t count, uint32_t chunk, uint32_t factor)
{
    uint64_t carry = chunk;
    for (size_t i = 0; i < count; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (uint32_t)carry;
}

bool base62_decode_256(const char digits[BASE62_256_DIGITS], uint8_t number[32])
{
    uint8_t values[BASE62_256_DIGITS];
    uint32_t limbs[LIMBS_32] = {0}; /* least significant first */
    uint32_t wrong = !values_of(digits, values);
    size_t position = 0;
    /* One multiplication for several digits: 43 = 3 + 8 * 5. A chunk has less than 30 bits, so after n chunks the number fits into n
     * limbs, except after the last. */
    for (size_t chunks = 1; position < BASE62_256_DIGITS; chunks++) {
        size_t end = position == 0 ? BASE62_256_DIGITS % DIGITS_AT_A_TIME : position + DIGITS_AT_A_TIME;
        uint32_t chunk = 0;
        while (position < end)
            chunk = chunk * 62 + values[position++];
        wrong |= shift_in(limbs, chunks < LIMBS_32 ? chunks : LIMBS_32, chunk, 62U * 62 * 62 * 62 * 62);
    }
    uint32_t keep = opaque((uint32_t)(((uint64_t)wrong - 1) >> 32)); /* all ones if everything was valid */
    for (size_t i = 0; i < LIMBS_32; i++) {
        uint32_t limb = limbs[LIMBS_32 - 1 - i] & keep;
        number[4 * i] = (uint8_t)(limb >> 24);
        number[4 * i + 1] = (uint8_t)(limb >> 16);
        number[4 * i + 2] = (uint8_t)(limb >> 8);
        number[4 * i + 3] = (uint8_t)limb;
    }
    secret_wipe(limbs, sizeof limbs);
    secret_wipe(values, sizeof values);
    return wrong == 0;
}

void base62_encode_32(uint32_t number, char digits[BASE62_32_DIGITS])
{
    for (size_t position = BASE62_32_DIGITS; position-- > 0;) {
        digits[position] = character_of(number % 62);
        number /= 62;
    }
}

bool base62_decode_32(const char digits[BASE62_32_DIGITS], uint32_t *number)
{
    uint64_t value = 0;
    for (size_t position = 0; position < BASE62_32_DIGITS; position++) {
        uint32_t digit = digit_plus_one(digits[position]);
        if (digit == 0)
            return false;
        value = value * 62 + digit - 1;
    }
    if (value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

bool base62_is_digit(char character)
{
    return digit_plus_one(character) != 0;
}

static size_t find_other_slowly(const char *text, size_t from, size_t length, char also)
{
    while (from < length && (base62_is_digit(text[from]) || text[from] == also))
        from++;
    return from;
}

size_t base62_find_other(const char *text, size_t length, char also)
{
    size_t place = 0;
    if (length < sizeof(sixteen))
        return find_other_slowly(text, 0, length, also);
    while (place < length) {
        if (length - place < sizeof(sixteen))
            place = length - sizeof(sixteen); /* some of them twice */
        if (!are_all(are_digits(sixteen_at(text + place), also)))
            return find_other_slowly(text, place, length, also);
        place += sizeof(sixteen);
    }
    return length;
}

size_t base62_from_random(const uint8_t *random, size_t random_length, char *digits, size_t length)
{
    size_t made = 0;
    for (size_t i = 0; i < random_length && made < length; i++)
        if (random[i] < 4 * 62)
            digits[made++] = character_of(random[i] % 62U);
    return made;
}

void hex_encode(const uint8_t *bytes, size_t length, char *text)
{
    static const char characters[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = characters[bytes[i] >> 4];
        text[2 * i + 1] = characters[bytes[i] & 15];
    }
    text[2 * length] = '\0';
}

static int hex_digit(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool hex_decode(const char *text, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
