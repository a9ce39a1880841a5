/* SPDX-License-Identifier: Apache-2.0 */
/* The record of PINs: which one the token accepted last, and which ones it refused. */
#include "token/pin/pin_memory.h"

#include <string.h>

#include "base/base62.h"
#include "base/secret.h"
#include "base/sha256.h"

#define MARK_DIGITS (2 * PIN_MARK_SIZE)

static const char class_domain[] = "sealring PIN class";
static const char mark_domain[] = "sealring PIN mark";

_Static_assert(sizeof "accepted:\nrefused:\ndoubted:\n" +
                       (1 + PIN_MEMORY_REFUSED + PIN_MEMORY_DOUBTS) * (MARK_DIGITS + 1) <=
                   PIN_MEMORY_TEXT_SIZE,
               "a full memory fits");

uint8_t pin_class_of(const char *bytes, size_t length)
{
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, class_domain, sizeof class_domain);
    sha256_add(&hash, bytes, length);
    sha256_finish(&hash, digest);
    uint8_t class = digest[0];
    secret_wipe(digest, sizeof digest);
    secret_wipe(&hash, sizeof hash);
    return class;
}

struct pin_mark pin_mark_of(uint8_t class, const void *token, size_t token_length)
{
    struct pin_mark mark;
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, mark_domain, sizeof mark_domain);
    sha256_add(&hash, &class, sizeof class);
    sha256_add(&hash, token, token_length);
    sha256_finish(&hash, digest);
    memcpy(mark.bytes, digest, sizeof mark.bytes);
    return mark;
}

/* The index of the mark in the list; its count if it is not there. */
static size_t pin_marks_find(const struct pin_marks *list, struct pin_mark mark)
{
    size_t i = 0;
    while (i < list->count && memcmp(list->marks[i].bytes, mark.bytes, sizeof mark.bytes) != 0)
        i++;
    return i;
}

static bool pin_marks_have(const struct pin_marks *list, struct pin_mark mark)
{
    return pin_marks_find(list, mark) < list->count;
}

static void pin_marks_drop(struct pin_marks *list, struct pin_mark mark)
{
    size_t index = pin_marks_find(list, mark);
    if (index < list->count) {
        list->count--;
        memmove(list->marks + index, list->marks + index + 1, (list->count - index) * sizeof(mark));
    }
}

enum pin_judgement pin_memory_judge(const struct pin_memory *memory, struct pin_mark pin, struct pin_mark environment)
{
    if (pin_marks_have(&memory->refused, pin))
        return PIN_REFUSED;
    return pin_marks_have(&memory->accepted, pin) && pin_marks_have(&memory->doubts, environment) ? PIN_REFUSED_HERE
                                                                                                  : PIN_TRY;
}

bool pin_memory_accept(struct pin_memory *memory, struct pin_mark pin)
{
    if (pin_marks_have(&memory->accepted, pin) && memory->doubts.count == 0 && !pin_marks_have(&memory->refused, pin))
        return false;
    pin_marks_drop(&memory->refused, pin);
    memory->accepted = (struct pin_marks){{pin}, 1};
    memory->doubts.count = 0;
    return true;
}

enum pin_judgement pin_memory_refuse(struct pin_memory *memory, struct pin_mark pin, struct pin_mark environment)
{
    struct pin_marks *refused = &memory->refused, *doubts = &memory->doubts;
    if (pin_marks_have(&memory->accepted, pin)) {
        if (!pin_marks_have(doubts, environment))
            doubts->marks[doubts->count++] = environment;
        if (doubts->count < PIN_MEMORY_DOUBTS)
            return PIN_REFUSED_HERE;
        memory->accepted.count = doubts->count = 0;
    }
    pin_marks_drop(refused, pin);
    if (refused->count == PIN_MEMORY_REFUSED)
        pin_marks_drop(refused, refused->marks[0]);
    refused->marks[refused->count++] = pin;
    return PIN_REFUSED;
}

/* ---- As text ---- */

static char *pin_marks_write(char *text, const char *name, const struct pin_marks *list)
{
    text = stpcpy(text, name);
    for (size_t i = 0; i < list->count; i++) {
        *text++ = ' ';
        hex_encode(list->marks[i].bytes, PIN_MARK_SIZE, text);
        text += MARK_DIGITS;
    }
    return stpcpy(text, "\n");
}

void pin_memory_write(const struct pin_memory *memory, char text[PIN_MEMORY_TEXT_SIZE])
{
    text = pin_marks_write(text, "accepted:", &memory->accepted);
    text = pin_marks_write(text, "refused:", &memory->refused);
    (void)pin_marks_write(text, "doubted:", &memory->doubts);
}

/* Reads the line that begins with `name`, if it exists. */
static bool pin_marks_read(const char *text, const char *name, struct pin_marks *list, size_t most)
{
    const char *at = strstr(text, name);
    list->count = 0;
    if (at == NULL)
        return true;
    for (at += strlen(name); *at == ' '; at += MARK_DIGITS) {
        at++;
        if (list->count == most || strlen(at) <= MARK_DIGITS ||
            !hex_decode(at, list->marks[list->count].bytes, PIN_MARK_SIZE))
            return false;
        list->count++;
    }
    return *at == '\n';
}

bool pin_memory_read(const char *text, struct pin_memory *memory)
{
    return pin_marks_read(text, "accepted:", &memory->accepted, 1) &&
           pin_marks_read(text, "refused:", &memory->refused, PIN_MEMORY_REFUSED) &&
           pin_marks_read(text, "doubted:", &memory->doubts, PIN_MEMORY_DOUBTS) &&
           (memory->accepted.count == 1 || memory->doubts.count == 0);
}
