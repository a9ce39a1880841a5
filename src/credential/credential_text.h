/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a credential: PREFIX_KEYID_VERSION_SECRETCHECK. */
#ifndef CREDENTIAL_CREDENTIAL_TEXT_H
#define CREDENTIAL_CREDENTIAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define TEXT_SECRET_SIZE 32
#define TEXT_DIGEST_SIZE 32

struct text_parts {
    char prefix[SEALRING_PREFIX_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint32_t version;
    uint8_t secret[TEXT_SECRET_SIZE]; /* wipe after use */
};

enum text_problem {
    TEXT_GOOD = 0,
    TEXT_TOO_SHORT,
    TEXT_TOO_LONG,
    TEXT_BAD_CHARACTER, /* outside 0-9A-Za-z_ */
    TEXT_BAD_STRUCTURE, /* separators are missing or misplaced, or a part has the wrong length */
    TEXT_BAD_PREFIX,
    TEXT_BAD_VERSION,  /* 0, leading zero, above 4294967295, not a number */
    TEXT_SECRET_RANGE, /* 2^256 or above */
    TEXT_BAD_CHECK     /* the check digits differ: a typo or a truncated text */
};

/* Writes the text and its NUL into text. Returns its length, 0 if prefix, key ID or version are not well formed. */
size_t text_format(const char *prefix, const char *key_id, uint32_t version, const uint8_t secret[TEXT_SECRET_SIZE],
                   char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1]);

/* Parses `length` bytes, from the right; no allocation, no lock, reads at most SEALRING_CREDENTIAL_LENGTH_MAX bytes. On a problem the
 * parts that were read are filled and the others empty, and the secret is always wiped; *position, if not NULL, is the offset of the
 * first wrong byte (0 if that has no meaning). With TEXT_BAD_CHECK prefix, key_id and version are filled. */
enum text_problem text_parse(const char *text, size_t length, struct text_parts *parts, size_t *position);

/* A sentence for people: "the check digits do not match: a typo, or the text was cut". Static. */
const char *text_problem_words(enum text_problem problem);

/* SHA-256 of the text. Allocates no memory and leaves no copy of the text behind. False if OpenSSL fails. */
bool text_digest(const char *text, size_t length, uint8_t digest[TEXT_DIGEST_SIZE]);

/* Finds key ID and version by the structure alone (length, separators, the version's digits), without check digits and secret. *key_id
 * points into the text. False: text_parse would report it as malformed, too. */
bool text_locate(const char *text, size_t length, const char **key_id, uint32_t *version);

/* Returns whether the check digits of a text that text_locate found are right. False: text_parse would report it as malformed. */
bool text_check_matches(const char *text, size_t length);

#endif
