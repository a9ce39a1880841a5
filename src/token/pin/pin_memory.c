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

static bool pin_mark_equal(struct pin_mark one, struct pin_mark other)
{
    return memcmp(one.bytes, other.bytes, sizeof one.bytes) == 0;
}

/* The index of the mark in the list; `count` if it is not there. */
static size_t pin_mark_find(const struct pin_mark *marks, size_t count, struct pin_mark mark)
{
    size_t i = 0;
    while (i < count && !pin_mark_equal(marks[i], mark))
        i++;
    return i;
}

static void pin_mark_drop(struct pin_mark *marks, size_t *count, size_t index)
{
    if (index < *count) {
        (*count)--;
        memmove(marks + index, marks + index + 1, (*count - index) * sizeof(*marks));
    }
}

enum pin_judgement pin_memory_judge(const struct pin_memory *memory, struct pin_mark pin, struct pin_mark environment)
{
    if (pin_mark_find(memory->refused, memory->refused_count, pin) < memory->refused_count)
        return PIN_REFUSED;
    if (memory->accepted_known && pin_mark_equal(memory->accepted, pin) &&
        pin_mark_find(memory->doubts, memory->doubt_count, environment) < memory->doubt_count)
        return PIN_REFUSED_HERE;
    return PIN_TRY;
}

bool pin_memory_accept(struct pin_memory *memory, struct pin_mark pin)
{
    size_t refused = pin_mark_find(memory->refused, memory->refused_count, pin);
    if (memory->accepted_known && pin_mark_equal(memory->accepted, pin) && memory->doubt_count == 0 &&
        refused == memory->refused_count)
        return false;
    pin_mark_drop(memory->refused, &memory->refused_count, refused);
    memory->accepted_known = true;
    memory->accepted = pin;
    memory->doubt_count = 0;
    return true;
}

enum pin_judgement pin_memory_refuse(struct pin_memory *memory, struct pin_mark pin, struct pin_mark environment)
{
    bool accepted = memory->accepted_known && pin_mark_equal(memory->accepted, pin);
    if (accepted && pin_mark_find(memory->doubts, memory->doubt_count, environment) == memory->doubt_count)
        memory->doubts[memory->doubt_count++] = environment;
    if (accepted && memory->doubt_count < PIN_MEMORY_DOUBTS)
        return PIN_REFUSED_HERE;
    if (accepted) {
        memory->accepted_known = false;
        memory->doubt_count = 0;
    }
    pin_mark_drop(memory->refused, &memory->refused_count, pin_mark_find(memory->refused, memory->refused_count, pin));
    if (memory->refused_count == PIN_MEMORY_REFUSED)
        pin_mark_drop(memory->refused, &memory->refused_count, 0);
    memory->refused[memory->refused_count++] = pin;
    return PIN_REFUSED;
}

/* ---- As text ---- */

static char *pin_marks_write(char *text, const char *name, const struct pin_mark *marks, size_t count)
{
    text = stpcpy(text, name);
    for (size_t i = 0; i < count; i++) {
        *text++ = ' ';
        hex_encode(marks[i].bytes, sizeof marks[i].bytes, text);
        text += MARK_DIGITS;
    }
    return stpcpy(text, "\n");
}

void pin_memory_write(const struct pin_memory *memory, char text[PIN_MEMORY_TEXT_SIZE])
{
    text = pin_marks_write(text, "accepted:", &memory->accepted, memory->accepted_known);
    text = pin_marks_write(text, "refused:", memory->refused, memory->refused_count);
    (void)pin_marks_write(text, "doubted:", memory->doubts, memory->doubt_count);
}

/* Reads the line that begins with `name`, if it exists. */
static bool pin_marks_read(const char *text, const char *name, struct pin_mark *marks, size_t most, size_t *count)
{
    *count = 0;
    const char *at = strstr(text, name);
    if (at == NULL)
        return true;
    for (at += strlen(name); *at == ' '; at += MARK_DIGITS) {
        at++;
        if (*count == most || strlen(at) <= MARK_DIGITS || !hex_decode(at, marks[*count].bytes, PIN_MARK_SIZE))
            return false;
        (*count)++;
    }
    return *at == '\n';
}

bool pin_memory_read(const char *text, struct pin_memory *memory)
{
    size_t accepted;
    memset(memory, 0, sizeof(*memory));
    if (!pin_marks_read(text, "accepted:", &memory->accepted, 1, &accepted) ||
        !pin_marks_read(text, "refused:", memory->refused, PIN_MEMORY_REFUSED, &memory->refused_count) ||
        !pin_marks_read(text, "doubted:", memory->doubts, PIN_MEMORY_DOUBTS, &memory->doubt_count))
        return false;
    memory->accepted_known = accepted == 1;
    return memory->accepted_known || memory->doubt_count == 0;
}
