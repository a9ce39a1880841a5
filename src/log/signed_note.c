/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes and the keys that verify them: C2SP signed-note. Pure. */
#include "log/signed_note.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "base/utf8.h"

#define NOTE_DASH         "\xe2\x80\x94 " /* em dash (U+2014), space */
#define NOTE_DASH_LENGTH  4
#define NOTE_ED25519_SIZE 32

/* ---- Names ---- */

/* The code points with the property White_Space (Unicode, PropList.txt). */
static bool note_is_space(uint32_t point)
{
    return (point >= 0x09 && point <= 0x0d) || point == 0x20 || point == 0x85 || point == 0xa0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 || point == 0x202f ||
           point == 0x205f || point == 0x3000;
}

static bool note_is_name(const char *name, size_t length)
{
    if (length == 0 || length > NOTE_NAME_MAX)
        return false;
    for (size_t at = 0; at < length;) {
        uint32_t point = 0;
        size_t taken = utf8_character(name + at, length - at, &point);
        if (taken == 0 || point < 0x20 || point == '+' || note_is_space(point))
            return false;
        at += taken;
    }
    return true;
}

/* ---- Keys ---- */

static EVP_PKEY *note_public_key(uint8_t type, const uint8_t *bytes, size_t length)
{
    EVP_PKEY *key = NULL;
    const uint8_t *at = bytes;
    if (type == NOTE_ED25519 && length == NOTE_ED25519_SIZE) {
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, length);
    } else if (type == NOTE_ECDSA) {
        key = d2i_PUBKEY(NULL, &at, (long)length);
        char group[32] = "";
        if (key != NULL &&
            (at != bytes + length || !EVP_PKEY_is_a(key, "EC") ||
             EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1 || strcmp(group, "prime256v1") != 0)) {
            EVP_PKEY_free(key);
            key = NULL;
        }
    }
    ERR_clear_error(); /* an unreadable key must not leave errors in OpenSSL's queue */
    return key;
}

/* C2SP signed-note: for Ed25519 over name, newline, type and key; for ECDSA over the SubjectPublicKeyInfo alone. */
static uint32_t note_key_id(const struct note_key *key)
{
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;
    sha256_start(&hash);
    if (key->type == NOTE_ED25519) {
        sha256_add(&hash, key->name, strlen(key->name));
        sha256_add(&hash, "\n", 1);
        sha256_add(&hash, &key->type, 1);
    }
    sha256_add(&hash, key->public_key, key->public_length);
    sha256_finish(&hash, digest);
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
}

bool note_key_make(const char *name, enum note_type type, const uint8_t *public_key, size_t length,
                   struct note_key *key)
{
    memset(key, 0, sizeof *key);
    if (!note_is_name(name, strlen(name)) || length > sizeof key->public_key)
        return false;
    EVP_PKEY *made = note_public_key((uint8_t)type, public_key, length);
    if (made == NULL)
        return false;
    EVP_PKEY_free(made);
    memcpy(key->name, name, strlen(name));
    key->type = (uint8_t)type;
    memcpy(key->public_key, public_key, length);
    key->public_length = length;
    key->id = note_key_id(key);
    return true;
}

void note_key_format(const struct note_key *key, char text[NOTE_KEY_TEXT_SIZE])
{
    uint8_t material[1 + NOTE_PUBLIC_MAX];
    material[0] = key->type;
    memcpy(material + 1, key->public_key, key->public_length);
    int length = snprintf(text, NOTE_KEY_TEXT_SIZE, "%s+%08x+", key->name, (unsigned)key->id);
    base64_encode(material, 1 + key->public_length, text + length);
}

bool note_key_same(const struct note_key *one, const struct note_key *other)
{
    return one->type == other->type && one->public_length == other->public_length &&
           memcmp(one->public_key, other->public_key, one->public_length) == 0;
}

bool note_key_parse(const char *text, struct note_key *key)
{
    char name[NOTE_NAME_MAX + 1];
    char again[NOTE_KEY_TEXT_SIZE];
    uint8_t material[1 + NOTE_PUBLIC_MAX];
    size_t length;
    memset(key, 0, sizeof *key);
    const char *id = strchr(text, '+');
    if (id == NULL || (size_t)(id - text) > NOTE_NAME_MAX || strlen(id) < 1 + 8 + 1 || id[9] != '+' ||
        !base64_decode(id + 10, strlen(id + 10), material, sizeof material, &length) || length < 1)
        return false;
    memcpy(name, text, (size_t)(id - text));
    name[id - text] = '\0';
    if (!note_key_make(name, material[0], material + 1, length - 1, key))
        return false;
    note_key_format(key, again); /* this also checks that the ID is the key's, in lower-case digits */
    if (strcmp(text, again) == 0)
        return true;
    memset(key, 0, sizeof *key);
    return false;
}

/* ---- Reading ---- */

static bool note_fail(const char **problem, const char *words)
{
    if (problem != NULL)
        *problem = words;
    return false;
}

static bool note_is_text(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        uint32_t point = 0;
        size_t taken = utf8_character(text + at, length - at, &point);
        if (taken == 0 || (point < 0x20 && point != '\n'))
            return false;
        at += taken;
    }
    return true;
}

/* Returns whether it is base64; then the first four bytes are the key ID. Signatures of unknown types may be long. */
static bool note_take_id(struct note_signature *signature)
{
    uint8_t piece[48];
    size_t length;
    for (size_t at = 0; at < signature->base64_length; at += 64) {
        size_t left = signature->base64_length - at;
        size_t take = left < 64 ? left : 64;
        if (!base64_decode(signature->base64 + at, take, piece, sizeof piece, &length) || (left > 64 && length != 48))
            return false;
        if (at == 0) {
            if (length < 5)
                return false;
            signature->key_id =
                (uint32_t)piece[0] << 24 | (uint32_t)piece[1] << 16 | (uint32_t)piece[2] << 8 | piece[3];
        }
    }
    return signature->base64_length > 0;
}

static bool note_take_signature(const char *line, size_t length, struct note_signature *signature)
{
    if (length < NOTE_DASH_LENGTH || memcmp(line, NOTE_DASH, NOTE_DASH_LENGTH) != 0)
        return false;
    const char *space = memchr(line + NOTE_DASH_LENGTH, ' ', length - NOTE_DASH_LENGTH);
    if (space == NULL)
        return false;
    *signature = (struct note_signature){
        .name = line + NOTE_DASH_LENGTH,
        .name_length = (size_t)(space - line) - NOTE_DASH_LENGTH,
        .base64 = space + 1,
        .base64_length = length - (size_t)(space + 1 - line),
    };
    return note_is_name(signature->name, signature->name_length) && note_take_id(signature);
}

/* The position of the last empty line: the newline that ends the text is the one before it. */
static const char *note_last_blank(const char *text, size_t length)
{
    for (size_t i = length; i > 1; i--)
        if (text[i - 1] == '\n' && text[i - 2] == '\n')
            return text + i - 1;
    return NULL;
}

bool note_parse(const char *text, size_t length, struct note *note, const char **problem)
{
    *note = (struct note){0};
    if (length > NOTE_SIZE_MAX)
        return note_fail(problem, "is longer than a note may be");
    if (!note_is_text(text, length))
        return note_fail(problem, "is not UTF-8 text without control characters");
    const char *blank = note_last_blank(text, length);
    if (blank == NULL)
        return note_fail(problem, "has no blank line between a text and its signatures");
    const char *end = text + length;
    for (const char *line = blank + 1; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (newline == NULL)
            return note_fail(problem, "does not end in a newline");
        if (note->count == NOTE_SIGNATURES_MAX)
            return note_fail(problem, "has too many signatures");
        if (!note_take_signature(line, (size_t)(newline - line), &note->signatures[note->count]))
            return note_fail(problem, "has a line below its text that is no signature");
        note->count++;
        line = newline + 1;
    }
    if (note->count == 0)
        return note_fail(problem, "has no signature");
    note->text = text;
    note->text_length = (size_t)(blank - text);
    return true;
}

/* ---- Signatures ---- */

static bool note_signature_good(const struct note *note, const struct note_key *key, const uint8_t *signature,
                                size_t length)
{
    EVP_PKEY *public_key = note_public_key(key->type, key->public_key, key->public_length);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        public_key != NULL && context != NULL &&
        EVP_DigestVerifyInit(context, NULL, key->type == NOTE_ECDSA ? EVP_sha256() : NULL, NULL, public_key) == 1 &&
        EVP_DigestVerify(context, signature, length, (const uint8_t *)note->text, note->text_length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public_key);
    ERR_clear_error();
    return good;
}

enum note_verdict note_verify(const struct note *note, const struct note_key *key)
{
    enum note_verdict verdict = NOTE_NOT_SIGNED;
    for (size_t i = 0; i < note->count; i++) {
        const struct note_signature *one = &note->signatures[i];
        uint8_t bytes[4 + NOTE_SIGNATURE_MAX];
        size_t length;
        if (one->key_id != key->id || one->name_length != strlen(key->name) ||
            memcmp(one->name, key->name, one->name_length) != 0)
            continue;
        if (!base64_decode(one->base64, one->base64_length, bytes, sizeof bytes, &length) ||
            !note_signature_good(note, key, bytes + 4, length - 4))
            return NOTE_BAD;
        verdict = NOTE_GOOD;
    }
    return verdict;
}

bool note_sign_line(const struct note_key *key, const uint8_t *signature, size_t length, char line[NOTE_LINE_SIZE])
{
    uint8_t bytes[4 + NOTE_SIGNATURE_MAX];
    char base64[BASE64_LENGTH(sizeof bytes) + 1];
    if (length > NOTE_SIGNATURE_MAX)
        return false;
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(key->id >> (24 - 8 * i));
    memcpy(bytes + 4, signature, length);
    base64_encode(bytes, 4 + length, base64);
    snprintf(line, NOTE_LINE_SIZE, NOTE_DASH "%s %s\n", key->name, base64);
    return true;
}
