/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes and the keys that verify them: C2SP signed-note. Pure. */
#ifndef LOG_SIGNED_NOTE_H
#define LOG_SIGNED_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTE_SIZE_MAX       (256 * 1024) /* sixteen signatures of 5 kB each, and a text */
#define NOTE_SIGNATURES_MAX 32
#define NOTE_NAME_MAX       255
#define NOTE_PUBLIC_MAX     128 /* bytes of a public key: 32 of Ed25519, 91 of P-256's SubjectPublicKeyInfo */
#define NOTE_SIGNATURE_MAX  128 /* bytes of a signature that can be verified: 64 of Ed25519, up to 72 of P-256 in DER */
#define NOTE_KEY_TEXT_SIZE  (NOTE_NAME_MAX + 1 + 8 + 1 + 4 * ((1 + NOTE_PUBLIC_MAX + 2) / 3) + 1)
#define NOTE_LINE_SIZE      (4 + NOTE_NAME_MAX + 1 + 4 * ((4 + NOTE_SIGNATURE_MAX + 2) / 3) + 2)

/* The signature types that sealring makes and verifies. */
enum note_type { NOTE_ED25519 = 0x01, NOTE_ECDSA = 0x02 };

/* A verifier key ("vkey"). public_key: for Ed25519 the 32 bytes of RFC 8032; for ECDSA the SubjectPublicKeyInfo in DER, on P-256. */
struct note_key {
    char name[NOTE_NAME_MAX + 1];
    uint32_t id;
    uint8_t type;
    uint8_t public_key[NOTE_PUBLIC_MAX];
    size_t public_length;
};

/* Fills the key and computes its ID. False for an invalid name, or a public key that is not valid for the type. */
bool note_key_make(const char *name, enum note_type type, const uint8_t *public_key, size_t length,
                   struct note_key *key);

/* NAME+ID+BASE64, formatted and parsed. Parsing is strict: the ID must follow from the rest. */
void note_key_format(const struct note_key *key, char text[NOTE_KEY_TEXT_SIZE]);
bool note_key_parse(const char *text, struct note_key *key);

/* Whether both are one public key, under whatever name. */
bool note_key_same(const struct note_key *one, const struct note_key *other);

/* One signature line as in the note: only the ID is decoded. */
struct note_signature {
    const char *name;
    size_t name_length;
    const char *base64;
    size_t base64_length;
    uint32_t key_id;
};

/* A parsed note: points into the text that was passed. text ends in a newline; the blank line is not part of it. */
struct note {
    const char *text;
    size_t text_length;
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
    size_t count;
};

/* False for a text that is not a signed note; *problem, if not NULL, is then the reason (static). */
bool note_parse(const char *text, size_t length, struct note *note, const char **problem);

enum note_verdict {
    NOTE_GOOD,      /* signed by the key */
    NOTE_BAD,       /* a signature with the key's name and ID is not valid */
    NOTE_NOT_SIGNED /* no signature has the key's name and ID */
};
enum note_verdict note_verify(const struct note *note, const struct note_key *key);

/* Writes the line "— NAME BASE64
 * ". False if the signature is too long. */
bool note_sign_line(const struct note_key *key, const uint8_t *signature, size_t length, char line[NOTE_LINE_SIZE]);

#endif
