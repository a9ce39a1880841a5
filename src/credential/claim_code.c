/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a claim code, claim_KEYID_SECRETCHECK: it is traded once for a credential of the API key. Pure. */
#include "credential/claim_code.h"

#include <string.h>

#include <libdeflate.h>

#include "base/base62.h"
#include "base/sha256.h"

#define PREFIX "claim_"
enum {
    KEY_ID_AT = sizeof PREFIX - 1,
    SECRET_AT = KEY_ID_AT + SEALRING_KEY_ID_LENGTH + 1,
    CHECK_AT = SECRET_AT + CLAIM_CODE_DIGITS
};

_Static_assert(CHECK_AT + BASE62_32_DIGITS == CLAIM_CODE_LENGTH, "the parts make the text");

bool claim_code_format(const char *key_id, const uint8_t random[CLAIM_CODE_RANDOM], char text[CLAIM_CODE_SIZE])
{
    memcpy(text, PREFIX, KEY_ID_AT);
    memcpy(text + KEY_ID_AT, key_id, SEALRING_KEY_ID_LENGTH);
    text[SECRET_AT - 1] = '_';
    size_t digits = base62_from_random(random, CLAIM_CODE_RANDOM, text + SECRET_AT, CLAIM_CODE_DIGITS);
    base62_encode_32(libdeflate_crc32(0, text, CHECK_AT), text + CHECK_AT);
    text[CLAIM_CODE_LENGTH] = '\0';
    return digits == CLAIM_CODE_DIGITS;
}

static bool are_digits(const char *text, size_t length)
{
    return base62_find_other(text, length, '0') == length;
}

bool claim_code_parse(const char *text, size_t length, char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    uint32_t check = 0;
    key_id[0] = '\0';
    if (length != CLAIM_CODE_LENGTH || memcmp(text, PREFIX, KEY_ID_AT) != 0 ||
        !are_digits(text + KEY_ID_AT, SEALRING_KEY_ID_LENGTH) || text[SECRET_AT - 1] != '_' ||
        !are_digits(text + SECRET_AT, CLAIM_CODE_LENGTH - SECRET_AT) || !base62_decode_32(text + CHECK_AT, &check) ||
        check != libdeflate_crc32(0, text, CHECK_AT))
        return false;
    memcpy(key_id, text + KEY_ID_AT, SEALRING_KEY_ID_LENGTH);
    key_id[SEALRING_KEY_ID_LENGTH] = '\0';
    return true;
}

void claim_code_digest(const uint8_t vault_id[16], const char text[CLAIM_CODE_LENGTH],
                       uint8_t digest[CLAIM_DIGEST_SIZE])
{
    static const char domain[] = "sealring claim v1"; /* with its NUL */
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, domain, sizeof domain);
    sha256_add(&hash, vault_id, 16);
    sha256_add(&hash, text, CLAIM_CODE_LENGTH);
    sha256_finish(&hash, digest);
}
