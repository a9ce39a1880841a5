/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes come: signed notes, checkpoints, verifier keys and base64 keep their properties. */
#include "fuzz/fuzzer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "log/checkpoint.h"
#include "log/signed_note.h"

/* Of C2SP's signed-note: nobody has its private key here, so nothing new can be signed by it. */
static const char known_key[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char known_text[] = "This is an example message.\n";

static void require(bool holds, const char *property)
{
    if (!holds) {
        (void)fprintf(stderr, "property does not hold: %s\n", property);
        abort();
    }
}

/* In memory of exactly that size, so that a sanitizer sees the first byte too many. */
static char *exact_copy(const uint8_t *data, size_t size, size_t more)
{
    char *copy = calloc(size + more == 0 ? 1 : size + more, 1);
    require(copy != NULL, "there is memory");
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

static void check_signature(const char *text, size_t size, const struct note_signature *signature)
{
    require(signature->name > text && signature->name_length > 0 &&
                signature->name + signature->name_length < signature->base64 &&
                signature->base64 + signature->base64_length < text + size,
            "a signature lies in its note");
    require(memchr(signature->name, ' ', signature->name_length) == NULL &&
                memchr(signature->name, '+', signature->name_length) == NULL,
            "a name has neither space nor plus");
    require(signature->base64_length >= 8 && signature->base64_length % 4 == 0, "a signature is base64 with an ID");
}

static void check_note(const char *text, size_t size)
{
    struct note note;
    struct note_key key;
    const char *problem = NULL;
    bool good = note_parse(text, size, &note, &problem);
    require(good == (problem == NULL), "what is no note has a problem, and a note has none");
    if (!good)
        return;
    require(note.text == text && note.text_length > 0 && text[note.text_length - 1] == '\n' &&
                text[note.text_length] == '\n' && note.text_length < size,
            "the text ends in a newline, and a blank line follows");
    require(note.count >= 1 && note.count <= NOTE_SIGNATURES_MAX, "there is a signature");
    for (size_t i = 0; i < note.count; i++)
        check_signature(text, size, &note.signatures[i]);
    require(note_key_parse(known_key, &key), "the known key is one");
    require(note_verify(&note, &key) != NOTE_GOOD ||
                (note.text_length == strlen(known_text) && memcmp(note.text, known_text, note.text_length) == 0),
            "the known key has signed one text");
}

static void check_checkpoint(const char *text, size_t size)
{
    struct checkpoint checkpoint;
    char again[CHECKPOINT_TEXT_SIZE];
    if (checkpoint_parse(text, size, &checkpoint)) {
        checkpoint_format(&checkpoint, again);
        require(strlen(again) == size && memcmp(again, text, size) == 0, "a checkpoint is the only text of its values");
    }
}

static void check_key(const char *text)
{
    struct note_key key;
    char again[NOTE_KEY_TEXT_SIZE];
    if (note_key_parse(text, &key)) {
        note_key_format(&key, again);
        require(strcmp(again, text) == 0, "a key is the only text of its values");
    }
}

static void check_base64(const char *text, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    char *again = malloc(BASE64_LENGTH(size) + 1);
    size_t length = 0;
    require(bytes != NULL && again != NULL, "there is memory");
    if (base64_decode(text, size, bytes, size, &length)) {
        base64_encode(bytes, length, again);
        require(strlen(again) == size && memcmp(again, text, size) == 0, "base64 has one text");
    }
    base64_encode(text, size, again);
    require(base64_decode(again, strlen(again), bytes, size, &length) && length == size &&
                (size == 0 || memcmp(bytes, text, size) == 0),
            "what was encoded is decoded");
    free(bytes);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = exact_copy(data, size, 0);
    check_note(text, size);
    check_checkpoint(text, size);
    check_base64(text, size);
    free(text);
    text = exact_copy(data, size, 1);
    check_key(text);
    free(text);
    return 0;
}
