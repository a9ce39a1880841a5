/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a credential: PREFIX_KEYID_VERSION_SECRETCHECK. */
#include "credential/text.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <zlib.h>

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
    return (uint32_t)crc32(0, (const unsigned char *)text, (uInt)length);
}

static bool is_key_id(const char *text)
{
    bool good = true;
    for (size_t i = 0; i < SEALRING_KEY_ID_LENGTH; i++) {
        good = base62_is_digit(text[i]) && good;
    }
    return good;
}

size_t text_format(const char *prefix, const char *key_id, uint32_t version, const uint8_t secret[TEXT_SECRET_SIZE],
                   char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1])
{
    char problem[128];
    text[0] = '\0';
    if (name_prefix_problem(prefix, problem) != NULL || version == 0 ||
        strnlen(key_id, SEALRING_KEY_ID_LENGTH + 1) != SEALRING_KEY_ID_LENGTH || !is_key_id(key_id)) {
        return 0;
    }
    size_t length = (size_t)snprintf(text, LENGTH_MAX + 1, "%s_%s_%lu_", prefix, key_id, (unsigned long)version);
    base62_encode_256(secret, text + length);
    length += SECRET_DIGITS;
    base62_encode_32(check_of(text, length), text + length);
    length += CHECK_DIGITS;
    text[length] = '\0';
    return length;
}

/* Where the parts begin and end: offsets into the text. */
struct layout {
    size_t prefix_end;
    size_t key_id;
    size_t version;
    size_t version_end;
    size_t secret;
    size_t check;
};

/* From the right, as a prefix may hold underscores of its own. False, and where, if a separator is not in its place. */
static bool find_parts(const char *text, size_t length, struct layout *layout, size_t *position)
{
    layout->check = length - CHECK_DIGITS;
    layout->secret = layout->check - SECRET_DIGITS;
    layout->version_end = layout->secret - 1;
    *position = layout->version_end;
    if (text[layout->version_end] != '_') {
        return false;
    }
    layout->version = layout->version_end;
    while (layout->version > 0 && text[layout->version - 1] != '_') {
        layout->version--;
    }
    *position = layout->version;
    if (layout->version == layout->version_end || layout->version < 1 + 1 + SEALRING_KEY_ID_LENGTH + 1) {
        return false;
    }
    layout->key_id = layout->version - 1 - SEALRING_KEY_ID_LENGTH;
    layout->prefix_end = layout->key_id - 1;
    *position = layout->prefix_end;
    return text[layout->prefix_end] == '_';
}

static bool read_key_id(const char *text, const struct layout *layout, struct text_parts *parts, size_t *position)
{
    const char *key_id = text + layout->key_id;
    if (!is_key_id(key_id)) {
        *position = layout->key_id;
        while (base62_is_digit(text[*position])) {
            (*position)++;
        }
        return false;
    }
    memcpy(parts->key_id, key_id, SEALRING_KEY_ID_LENGTH); /* zeroed before: it ends in NUL */
    return true;
}

/* The rule of name_prefix_problem, over bytes that do not end in NUL. */
static bool read_prefix(const char *text, const struct layout *layout, struct text_parts *parts, size_t *position)
{
    size_t length = layout->prefix_end;
    if (length > SEALRING_PREFIX_LENGTH_MAX) {
        *position = SEALRING_PREFIX_LENGTH_MAX;
        return false;
    }
    bool after_separator = true;
    for (size_t i = 0; i < length; i++) {
        char character = text[i];
        bool separator = character == '_';
        bool plain = (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
        if ((!plain && !separator) || (separator && (after_separator || i + 1 == length))) {
            *position = i;
            return false;
        }
        after_separator = separator;
    }
    memcpy(parts->prefix, text, length);
    return true;
}

static bool read_version(const char *text, const struct layout *layout, struct text_parts *parts, size_t *position)
{
    uint64_t version = 0;
    *position = layout->version;
    if (layout->version_end - layout->version > VERSION_DIGITS || text[layout->version] == '0') {
        return false;
    }
    for (size_t i = layout->version; i < layout->version_end; i++) {
        if (text[i] < '0' || text[i] > '9') {
            *position = i;
            return false;
        }
        version = version * 10 + (uint64_t)(text[i] - '0');
    }
    if (version > UINT32_MAX) {
        return false;
    }
    parts->version = (uint32_t)version;
    return true;
}

/* The first byte in [from, to) that is no base62 digit, `to` if there is none. */
static size_t find_other(const char *text, size_t from, size_t to)
{
    while (from < to && base62_is_digit(text[from])) {
        from++;
    }
    return from;
}

/* The check digits come first: they turn away typos before the dear decoding of 256 bits. (zlib's CRC reads tables at
 * places that depend on the text; decoding the secret does not.) */
static enum text_problem read_tail(const char *text, const struct layout *layout, struct text_parts *parts,
                                   size_t *position)
{
    size_t end = layout->check + CHECK_DIGITS;
    uint32_t check = 0;
    if (base62_decode_32(text + layout->check, &check) && check == check_of(text, layout->check)) {
        if (base62_decode_256(text + layout->secret, parts->secret)) {
            return TEXT_GOOD;
        }
        *position = find_other(text, layout->secret, layout->check);
        if (*position < layout->check) {
            return TEXT_BAD_STRUCTURE;
        }
        *position = layout->secret;
        return TEXT_SECRET_RANGE;
    }
    *position = find_other(text, layout->secret, end);
    if (*position < end) {
        return TEXT_BAD_STRUCTURE;
    }
    *position = layout->check;
    return TEXT_BAD_CHECK;
}

static enum text_problem read_parts(const char *text, size_t length, struct text_parts *parts, size_t *position)
{
    struct layout layout;
    if (!find_parts(text, length, &layout, position) || !read_key_id(text, &layout, parts, position)) {
        return TEXT_BAD_STRUCTURE;
    }
    /* A wrong version does not keep people from being told the prefix, and the other way round. */
    size_t version_position;
    bool version_good = read_version(text, &layout, parts, &version_position);
    if (!read_prefix(text, &layout, parts, position)) {
        return TEXT_BAD_PREFIX;
    }
    if (!version_good) {
        *position = version_position;
        return TEXT_BAD_VERSION;
    }
    return read_tail(text, &layout, parts, position);
}

enum text_problem text_parse(const char *text, size_t length, struct text_parts *parts, size_t *position)
{
    size_t ignored;
    size_t *wrong = position == NULL ? &ignored : position;
    *wrong = 0;
    memset(parts, 0, sizeof *parts);
    if (length < LENGTH_MIN) {
        return TEXT_TOO_SHORT;
    }
    if (length > LENGTH_MAX) {
        *wrong = LENGTH_MAX;
        return TEXT_TOO_LONG;
    }
    enum text_problem problem = read_parts(text, length, parts, wrong);
    if (problem == TEXT_GOOD) {
        *wrong = 0;
        return TEXT_GOOD;
    }
    /* A byte that never occurs explains best what is wrong (a line end, say). Good texts need no look for it: each of
     * their bytes was checked as part of something. */
    for (size_t i = 0; i < length; i++) {
        if (!base62_is_digit(text[i]) && text[i] != '_') {
            *wrong = i;
            problem = TEXT_BAD_CHARACTER;
            break;
        }
    }
    secret_wipe(parts->secret, sizeof parts->secret);
    return problem;
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
    if ((unsigned)problem >= sizeof words / sizeof words[0]) {
        return "the text is no credential";
    }
    return words[problem];
}

/* Fetched once: SHA256() and EVP_sha256() make OpenSSL 3 look the algorithm up again under a lock at every call, which
 * takes twice as long, and four times with two threads. Kept for the life of the process; read-only after the once. */
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

bool text_digest(const char *text, size_t length, uint8_t digest[TEXT_DIGEST_SIZE])
{
    unsigned size = 0;
    return pthread_once(&sha256_once, fetch_sha256) == 0 && sha256 != NULL &&
           EVP_Digest(text, length, digest, &size, sha256, NULL) == 1 && size == TEXT_DIGEST_SIZE;
}
