/* SPDX-License-Identifier: Apache-2.0 */
/* What is encrypted together with a credential: a text about it, and the signed note that vouches for several of these. Pure. */
#ifndef LOG_DELIVERY_NOTE_H
#define LOG_DELIVERY_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define DELIVERY_HASH_SIZE 32
#define DELIVERY_TEXT_SIZE 1024

struct delivery_note {
    uint8_t vault_id[16];
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    char label[SEALRING_NAME_LENGTH_MAX + 1];
    char prefix[SEALRING_PREFIX_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint32_t version, serial;
    int64_t expires; /* milliseconds since 1970 UTC; 0: never */
    int64_t sealed;  /* when it was made */
    uint8_t recipient
        [DELIVERY_HASH_SIZE]; /* SHA-256 of the certificate, so that a recipient cannot pass it on as meant for another */
    uint8_t credential[DELIVERY_HASH_SIZE]; /* SHA-256 of the credential's text */
};

/* Writes the text, which ends in a newline. */
void delivery_note_format(const struct delivery_note *note, char text[DELIVERY_TEXT_SIZE]);

/* Parses what delivery_note_format wrote, and nothing else. */
bool delivery_note_parse(const char *text, size_t length, struct delivery_note *note);

/* The text that is signed: a line with SHA-256 of each delivery's text. Its first line cannot be that of a checkpoint, a backup or an archive. */
#define DELIVERIES_MAX       32
#define DELIVERIES_TEXT_SIZE (32 + DELIVERIES_MAX * (2 * DELIVERY_HASH_SIZE + 1))
void deliveries_begin(char text[DELIVERIES_TEXT_SIZE]);
void deliveries_add(char text[DELIVERIES_TEXT_SIZE], const char *delivery); /* DELIVERIES_MAX times at most */
bool deliveries_list(const char *text, size_t length, const char *delivery, size_t delivery_length);

#endif
