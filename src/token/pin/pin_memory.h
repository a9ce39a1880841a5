/* SPDX-License-Identifier: Apache-2.0 */
/* The record of PINs: which one the token accepted last, and which ones it refused. */
#ifndef TOKEN_PIN_PIN_MEMORY_H
#define TOKEN_PIN_PIN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIN_MARK_SIZE        4
#define PIN_MEMORY_REFUSED   12
#define PIN_MEMORY_DOUBTS    2
#define PIN_MEMORY_TEXT_SIZE 200

/* A PIN is recorded as one of 256 classes, the first byte of its SHA-256. So the record reveals at most 8 bits of it, whatever
 * computing power an attacker has. A whole hash, however slow, would bypass the token's counter (there are a million PINs of six
 * digits). Two PINs are in one class with probability 1/256. There is no salt, so that every record, and every copy of one, reveals the
 * same 8 bits. */
uint8_t pin_class_of(const char *bytes, size_t length);

/* Identifies a PIN (by its class) at a token, or an environment. */
struct pin_mark {
    uint8_t bytes[PIN_MARK_SIZE];
};

/* token: its identity, in any form. */
struct pin_mark pin_mark_of(uint8_t class, const void *token, size_t token_length);

struct pin_marks {
    struct pin_mark marks[PIN_MEMORY_REFUSED];
    size_t count;
};

struct pin_memory {
    struct pin_marks accepted; /* the PIN that a token accepted last, if it is known */
    struct pin_marks refused;  /* oldest first; a new one evicts the oldest */
    struct pin_marks doubts;   /* the environments in which the accepted one was refused since */
};

enum pin_judgement {
    PIN_TRY,
    PIN_REFUSED, /* this PIN was refused, in whichever process */
    PIN_REFUSED_HERE /* accepted elsewhere, refused in this environment: the environment is wrong, or the token's PIN was changed */
};

/* Decides whether a PIN may be tried in this environment. */
enum pin_judgement pin_memory_judge(const struct pin_memory *memory, struct pin_mark pin, struct pin_mark environment);

/* Records that the token accepted it. False: nothing changed. */
bool pin_memory_accept(struct pin_memory *memory, struct pin_mark pin);

/* Records that the token refused it. PIN_REFUSED: the PIN is wrong; PIN_REFUSED_HERE: doubted in this environment only. A PIN that was
 * accepted before counts as wrong after PIN_MEMORY_DOUBTS environments: of a counter of three tries, the usual minimum, one is left
 * then. */
enum pin_judgement pin_memory_refuse(struct pin_memory *memory, struct pin_mark pin, struct pin_mark environment);

/* Writes it as lines of text. */
void pin_memory_write(const struct pin_memory *memory, char text[PIN_MEMORY_TEXT_SIZE]);

/* Reads it; a missing line (of an older record) means nothing is known. False: the text is not such a record. */
bool pin_memory_read(const char *text, struct pin_memory *memory);

#endif
