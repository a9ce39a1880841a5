/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a credential: PREFIX_KEYID_VERSION_SECRETCHECK. */
#include "credential/credential_text.h"

#include <stdio.h>
#include <string.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* see text_digest */
#include <libdeflate.h>
#include <openssl/sha.h>

#include "base/base62.h"
#include "base/name.h"
#include "base/secret.h"

#define SECRET_DIGITS  BASE62_256_DIGITS
#define CHECK_DIGITS   BASE62_32_DIGITS
#define TAIL_LENGTH    (SECRET_DIGITS + CHECK_DIGITS)
#define VERSION_DIGITS 10
#define LENGTH_MIN     (1 + 1 + SEALRING_KEY_ID_LENGTH + 1 + 1 + 1 + TAIL_LENGTH)
#define LENGTH_MAX     SEALRING_CREDENTIAL_LENGTH_MAX

_Static_assert(SEALRING_PREFIX_LENGTH_MAX + 1 + SEALRING_KEY_ID_LENGTH + 1 + VERSION_DIGITS + 1 + TAIL_LENGTH ==
                   LENGTH_MAX,
               "the longest parts make the longest text");

static uint32_t check_of(const char *text, size_t length)
{
    return libdeflate_crc32(0, text, length);
}

/* The position of the first byte in [from, to) that is not a base62 digit, `to` if there is none. */
static size_t find_other(const char *text, size_t from, size_t to)
{
    return from + base62_find_other(text + from, to - from, '0');
}

size_t text_format(const char *prefix, const char *key_id, uint32_t version, const uint8_t secret[TEXT_SECRET_SIZE],
                   char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1])
{
    char problem[128];
    text[0] = '\0';
    if (name_prefix_problem(prefix, problem) != NULL || version == 0 ||
        strnlen(key_id, SEALRING_KEY_ID_LENGTH + 1) != SEALRING_KEY_ID_LENGTH ||
        find_other(key_id, 0, SEALRING_KEY_ID_LENGTH) < SEALRING_KEY_ID_LENGTH)
        return 0;
    size_t length = (size_t)snprintf(text, LENGTH_MAX + 1, "%s_%s_%lu_", prefix, key_id, (unsigned long)version);
    base62_encode_256(secret, text + length);
    length += SECRET_DIGITS;
    base62_encode_32(check_of(text, length), text + length);
    length += CHECK_DIGITS;
    text[length] = '\0';
    return length;
}

/* The begin and end of each part: offsets into the text. */
struct text_layout {
    size_t prefix_end;
    size_t key_id;
    size_t version;
    size_t version_end;
    size_t secret;
    size_t check;
};

/* Searches from the right, because a prefix may contain underscores. False with *position if a separator is missing. */
static bool find_parts(const char *text, size_t length, struct text_layout *layout, size_t *position)
{
    layout->check = length - CHECK_DIGITS;
    layout->secret = layout->check - SECRET_DIGITS;
    layout->version_end = layout->secret - 1;
    *position = layout->version_end;
    if (text[layout->version_end] != '_')
        return false;
    layout->version = layout->version_end;
    while (layout->version > 0 && text[layout->version - 1] != '_')
        layout->version--;
    *position = layout->version;
    if (layout->version == layout->version_end || layout->version < 1 + 1 + SEALRING_KEY_ID_LENGTH + 1)
        return false;
    layout->key_id = layout->version - 1 - SEALRING_KEY_ID_LENGTH;
    layout->prefix_end = layout->key_id - 1;
    *position = layout->prefix_end;
    return text[layout->prefix_end] == '_';
}

static bool read_key_id(const char *text, const struct text_layout *layout, struct text_parts *parts, size_t *position)
{
    *position = find_other(text, layout->key_id, layout->key_id + SEALRING_KEY_ID_LENGTH);
    if (*position < layout->key_id + SEALRING_KEY_ID_LENGTH)
        return false;
    memcpy(parts->key_id, text + layout->key_id, SEALRING_KEY_ID_LENGTH); /* zeroed before, so NUL-terminated */
    return true;
}

/* The rule of name_prefix_problem, for bytes without a final NUL. */
static bool read_prefix(const char *text, const struct text_layout *layout, struct text_parts *parts, size_t *position)
{
    size_t length = layout->prefix_end;
    if (length > SEALRING_PREFIX_LENGTH_MAX) {
        *position = SEALRING_PREFIX_LENGTH_MAX;
        return false;
    }
    size_t i = 0;
    while (i < length &&
           (name_is_lower_or_digit(text[i]) || (text[i] == '_' && i > 0 && text[i - 1] != '_' && i + 1 < length)))
        i++;
    *position = i;
    if (i < length)
        return false;
    memcpy(parts->prefix, text, length);
    return true;
}

static bool read_version(const char *text, const struct text_layout *layout, uint32_t *number, size_t *position)
{
    uint64_t version = 0;
    *position = layout->version;
    if (layout->version_end - layout->version > VERSION_DIGITS || text[layout->version] == '0')
        return false;
    for (size_t i = layout->version; i < layout->version_end; i++) {
        if (text[i] < '0' || text[i] > '9') {
            *position = i;
            return false;
        }
        version = version * 10 + (uint64_t)(text[i] - '0');
    }
    if (version > UINT32_MAX)
        return false;
    *number = (uint32_t)version;
    return true;
}

bool text_check_matches(const char *text, size_t length)
{
    uint32_t check = 0;
    return base62_decode_32(text + length - CHECK_DIGITS, &check) && check == check_of(text, length - CHECK_DIGITS);
}

/* The check digits come before the expensive decoding of 256 bits: they reject typos. (If the processor has no instruction for it,
 * libdeflate's CRC may read tables at places that depend on the text; the decoding of the secret does not.) */
static enum text_problem read_tail(const char *text, const struct text_layout *layout, struct text_parts *parts,
                                   size_t *position)
{
    size_t end = layout->check + CHECK_DIGITS;
    *position = find_other(text, layout->secret, end);
    if (*position < end)
        return TEXT_BAD_STRUCTURE;
    *position = layout->check;
    if (!text_check_matches(text, end))
        return TEXT_BAD_CHECK;
    *position = layout->secret;
    return base62_decode_256(text + layout->secret, parts->secret) ? TEXT_GOOD : TEXT_SECRET_RANGE;
}

/* All but secret and check digits. */
static enum text_problem read_head(const char *text, const struct text_layout *layout, struct text_parts *parts,
                                   size_t *position)
{
    if (!read_key_id(text, layout, parts, position))
        return TEXT_BAD_STRUCTURE;
    /* A wrong version does not prevent reporting the prefix, nor the reverse. */
    size_t version_position;
    bool version_good = read_version(text, layout, &parts->version, &version_position);
    if (!read_prefix(text, layout, parts, position))
        return TEXT_BAD_PREFIX;
    *position = version_position;
    return version_good ? TEXT_GOOD : TEXT_BAD_VERSION;
}

static enum text_problem read_parts(const char *text, size_t length, struct text_parts *parts, size_t *position)
{
    struct text_layout layout;
    enum text_problem problem = TEXT_BAD_STRUCTURE;
    if (find_parts(text, length, &layout, position))
        problem = read_head(text, &layout, parts, position);
    /* A byte that never occurs in a credential (a line end, for example) is the best explanation, whatever else is wrong. */
    size_t other = base62_find_other(text, length, '_');
    if (other < length) {
        *position = other;
        return TEXT_BAD_CHARACTER;
    }
    return problem == TEXT_GOOD ? read_tail(text, &layout, parts, position) : problem;
}

bool text_locate(const char *text, size_t length, const char **key_id, uint32_t *version)
{
    if (length < LENGTH_MIN || length > LENGTH_MAX)
        return false;
    struct text_layout layout;
    size_t ignored;
    if (!find_parts(text, length, &layout, &ignored) || !read_version(text, &layout, version, &ignored))
        return false;
    *key_id = text + layout.key_id;
    return true;
}

enum text_problem text_parse(const char *text, size_t length, struct text_parts *parts, size_t *position)
{
    size_t ignored;
    size_t *wrong = position == NULL ? &ignored : position;
    *wrong = 0;
    memset(parts, 0, sizeof *parts);
    if (length < LENGTH_MIN)
        return TEXT_TOO_SHORT;
    if (length > LENGTH_MAX) {
        *wrong = LENGTH_MAX;
        return TEXT_TOO_LONG;
    }
    enum text_problem problem = read_parts(text, length, parts, wrong);
    if (problem == TEXT_GOOD)
        *wrong = 0;
    return problem; /* a failed decoding leaves no secret behind */
}

const char *text_problem_words(enum text_problem problem)
{
    static const char *const words[] = {
        [TEXT_GOOD] = "the text is well formed",
        [TEXT_TOO_SHORT] = "the text is too short: it was cut, or is no credential",
        [TEXT_TOO_LONG] = "the text is too long: it is no credential, or something was added to it",
        [TEXT_BAD_CHARACTER] = "the text has a character other than letters, digits and underscores",
        [TEXT_BAD_STRUCTURE] =
            "the parts between the underscores are not those of a credential: it was cut, or is none",
        [TEXT_BAD_PREFIX] = "the prefix is not well formed",
        [TEXT_BAD_VERSION] = "the version is not a number from 1 to 4294967295 without leading zeros",
        [TEXT_SECRET_RANGE] = "the secret part is larger than any secret: the text was made up",
        [TEXT_BAD_CHECK] = "the check digits do not match: a typo, or the text was cut",
    };
    if ((unsigned)problem >= sizeof words / sizeof words[0])
        return "the text is no credential";
    return words[problem];
}

/* Uses the functions on a caller's context, which OpenSSL 3 calls deprecated, and not EVP: through EVP every hash allocates heap memory
 * (EVP_DigestInit_ex makes the provider's context again, tested with 3.0), and a request for a cached credential allocates none. This
 * is the only place to change if they are removed. */
bool text_digest(const char *text, size_t length, uint8_t digest[TEXT_DIGEST_SIZE])
{
    SHA256_CTX context;
    /* None of the three ever fails in OpenSSL 3.0, so there is no branch for it. */
    bool good = SHA256_Init(&context) == 1;
    good &= SHA256_Update(&context, text, length) == 1;
    good &= SHA256_Final(digest, &context) == 1;
    secret_wipe(&context, sizeof context); /* it contains the text's last block */
    return good;
}
