/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of PINs: which one the token accepted last, and which ones it refused. */
#ifndef TOKEN_PIN_PIN_MEMORY_H
#define TOKEN_PIN_PIN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIN_MARK_SIZE        4
#define PIN_MEMORY_REFUSED   12
#define PIN_MEMORY_DOUBTS    2
#define PIN_MEMORY_TEXT_SIZE 200

/* A PIN is remembered by one of 256 classes, the first byte of its SHA-256. So the record contains 8 bits of it at most, whatever
 * computing power somebody has: a whole hash, however slow, would be a way round the token's counter (a million PINs of six digits). Two
 * PINs of one class are one in 256. There is no salt: every record, and every copy of one, then contains the same 8 bits. */
uint8_t pin_class_of(const char *bytes, size_t length);

/* Identifies a PIN (by its class) at a token, or an environment. */
struct pin_mark {
    uint8_t bytes[PIN_MARK_SIZE];
};

/* token: what identifies it, in any form. */
struct pin_mark pin_mark_of(uint8_t class, const void *token, size_t token_length);

struct pin_memory {
    bool accepted_known;
    struct pin_mark accepted;                    /* the PIN that a token accepted last */
    struct pin_mark refused[PIN_MEMORY_REFUSED]; /* the oldest first; one more drops that */
    size_t refused_count;
    struct pin_mark doubts[PIN_MEMORY_DOUBTS]; /* the environments in which the accepted one was refused since */
    size_t doubt_count;
};

enum pin_judgement {
    PIN_TRY,
    PIN_REFUSED, /* this PIN was refused: by whomever it was tried */
    PIN_REFUSED_HERE /* it was accepted elsewhere and refused in this environment: that is wrong, or the token's PIN was changed */
};

/* Whether a PIN may be tried in this environment. */
enum pin_judgement pin_memory_judge(const struct pin_memory *memory, struct pin_mark pin, struct pin_mark environment);

/* The token accepted it. False: nothing changed. */
bool pin_memory_accept(struct pin_memory *memory, struct pin_mark pin);

/* The token refused it. PIN_REFUSED: the PIN is wrong; PIN_REFUSED_HERE: doubted in this environment only. One that was accepted before
 * counts as wrong after PIN_MEMORY_DOUBTS environments: with a counter of three tries, the usual least, one is left. */
enum pin_judgement pin_memory_refuse(struct pin_memory *memory, struct pin_mark pin, struct pin_mark environment);

/* As lines of text. */
void pin_memory_write(const struct pin_memory *memory, char text[PIN_MEMORY_TEXT_SIZE]);

/* Reads them; a line that is missing (an older record) says nothing. False: they are something else. */
bool pin_memory_read(const char *text, struct pin_memory *memory);

#endif
