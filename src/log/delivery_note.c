/* SPDX-License-Identifier: Apache-2.0 */
/* What is encrypted together with a credential: a text about it, and the signed note that vouches for several of these. Pure. */
#include "log/delivery_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/sha256.h"

#define HEX_SIZE(bytes) (2 * (bytes) + 1)

void delivery_note_format(const struct delivery_note *note, char text[DELIVERY_TEXT_SIZE])
{
    char vault_id[HEX_SIZE(sizeof note->vault_id)];
    char recipient[HEX_SIZE(DELIVERY_HASH_SIZE)], credential[HEX_SIZE(DELIVERY_HASH_SIZE)];
    hex_encode(note->vault_id, sizeof note->vault_id, vault_id);
    hex_encode(note->recipient, sizeof note->recipient, recipient);
    hex_encode(note->credential, sizeof note->credential, credential);
    (void)snprintf(text, DELIVERY_TEXT_SIZE,
                   "sealring-delivery 1\nvault %s\nring %s\nclient %s\nlabel %s\nprefix %s\nkey %s\nversion %" PRIu32
                   "\nserial %" PRIu32 "\nexpires %" PRId64 "\nsealed %" PRId64 "\nrecipient %s\ncredential %s\n",
                   vault_id, note->ring, note->client, note->label, note->prefix, note->key_id, note->version,
                   note->serial, note->expires, note->sealed, recipient, credential);
}

bool delivery_note_parse(const char *text, size_t length, struct delivery_note *note)
{
    char copy[DELIVERY_TEXT_SIZE], again[DELIVERY_TEXT_SIZE];
    char vault_id[HEX_SIZE(sizeof note->vault_id)] = "";
    char recipient[HEX_SIZE(DELIVERY_HASH_SIZE)] = "", credential[HEX_SIZE(DELIVERY_HASH_SIZE)] = "";
    memset(note, 0, sizeof *note);
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    /* Each value has exactly one text, so formatting the result again reveals any other text, including a number that does not fit. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(copy,
               "sealring-delivery 1 vault %32s ring %64s client %64s label %64s prefix %24s key %16s version %" SCNu32
               " serial %" SCNu32 " expires %" SCNd64 " sealed %" SCNd64 " recipient %64s credential %64s",
               vault_id, note->ring, note->client, note->label, note->prefix, note->key_id, &note->version,
               &note->serial, &note->expires, &note->sealed, recipient, credential) != 12)
        return false;
    if (strlen(vault_id) != sizeof vault_id - 1 || !hex_decode(vault_id, note->vault_id, sizeof note->vault_id) ||
        strlen(recipient) != sizeof recipient - 1 || !hex_decode(recipient, note->recipient, DELIVERY_HASH_SIZE) ||
        strlen(credential) != sizeof credential - 1 || !hex_decode(credential, note->credential, DELIVERY_HASH_SIZE))
        return false;
    delivery_note_format(note, again);
    return strlen(again) == length && memcmp(again, text, length) == 0;
}

/* ---- Several ---- */

#define DELIVERIES_TITLE "sealring-deliveries 1\n"

static void write_line(const char *delivery, size_t length, char line[HEX_SIZE(DELIVERY_HASH_SIZE) + 1])
{
    uint8_t hash[DELIVERY_HASH_SIZE];
    sha256(delivery, length, hash);
    hex_encode(hash, sizeof hash, line);
    memcpy(line + 2 * DELIVERY_HASH_SIZE, "\n", 2);
}

void deliveries_begin(char text[DELIVERIES_TEXT_SIZE])
{
    memcpy(text, DELIVERIES_TITLE, sizeof DELIVERIES_TITLE);
}

void deliveries_add(char text[DELIVERIES_TEXT_SIZE], const char *delivery)
{
    size_t length = strlen(text);
    if (length + HEX_SIZE(DELIVERY_HASH_SIZE) < DELIVERIES_TEXT_SIZE)
        write_line(delivery, strlen(delivery), text + length);
}

bool deliveries_list(const char *text, size_t length, const char *delivery, size_t delivery_length)
{
    char line[HEX_SIZE(DELIVERY_HASH_SIZE) + 1];
    size_t at = sizeof DELIVERIES_TITLE - 1;
    if (length < at || memcmp(text, DELIVERIES_TITLE, at) != 0)
        return false;
    write_line(delivery, delivery_length, line);
    for (; length - at >= sizeof line - 1; at += sizeof line - 1)
        if (memcmp(text + at, line, sizeof line - 1) == 0)
            return true;
    return false;
}
