/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside, escaped: for a terminal, for JSON, for a shell. */
#include "base/foreign_text.h"

#include <stdio.h>
#include <string.h>

#include <sealring/outside.h>

#include "base/utf8.h"

#define REPLACEMENT 0xfffd

/* Besides the controls: format characters (general category Cf) that are invisible or affect their neighbours, UnicodeData 15. Private
 * use and unassigned code points appear as a box, or in another harmless way. */
static const uint32_t unsafe[][2] = {
    {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x180e, 0x180e}, {0x200b, 0x200f},   {0x202a, 0x202e},
    {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
};

bool outside_is_unsafe(uint32_t code_point)
{
    if (utf8_is_control(code_point))
        return true;
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++)
        if (code_point >= unsafe[i][0] && code_point <= unsafe[i][1])
            return true;
    return false;
}

/* ---- Into the caller's memory, like snprintf ------------------------------------------------------------------------- */

struct outside_room {
    char *text;
    size_t size;
    size_t wanted; /* the length of the whole result, without NUL */
    bool full;     /* nothing may follow a piece that did not fit */
};

static void room_add(struct outside_room *room, const char *piece, size_t length)
{
    room->full = room->full || room->wanted + length + 1 > room->size;
    if (!room->full) {
        memcpy(room->text + room->wanted, piece, length);
        room->text[room->wanted + length] = '\0';
    }
    room->wanted += length;
}

static struct outside_room room_of(char *text, size_t size)
{
    if (size > 0)
        text[0] = '\0';
    return (struct outside_room){.text = text, .size = size};
}

/* ---- For people and for JSON ------------------------------------------------------------------------------------------ */

/* As in C: \x1b for a byte, \u202e and \U000e0001 for a code point of several bytes. JSON has only \u, and a surrogate pair for code points
 * beyond the basic plane (RFC 8259, section 7). */
static void add_escape(struct outside_room *room, unsigned code_point, bool byte, bool json)
{
    char piece[16];
    unsigned beyond = code_point - 0x10000;
    int length =
        !json && (byte || code_point < 0x80) ? snprintf(piece, sizeof piece, "\\x%02x", code_point)
        : code_point < 0x10000               ? snprintf(piece, sizeof piece, "\\u%04x", code_point)
        : !json                              ? snprintf(piece, sizeof piece, "\\U%08x", code_point)
                : snprintf(piece, sizeof piece, "\\u%04x\\u%04x", 0xd800 + (beyond >> 10), 0xdc00 + (beyond & 0x3ff));
    room_add(room, piece, (size_t)length);
}

/* Returns whether a character is written unchanged. JSON's own blanks may occur only between its values. */
static bool is_kept(uint32_t code_point, sealring_escape form)
{
    if (form == SEALRING_ESCAPE_JSON && (code_point == '\n' || code_point == '\r' || code_point == '\t'))
        return true;
    return !outside_is_unsafe(code_point) && (form != SEALRING_ESCAPE_ASCII || code_point < 0x80);
}

size_t outside_escape(const char *text, size_t length, sealring_escape form, char *escaped, size_t size)
{
    struct outside_room room = room_of(escaped, size);
    for (size_t at = 0, taken = 0; at < length; at += taken) {
        uint32_t code_point = 0;
        taken = utf8_character(text + at, length - at, &code_point);
        if (taken > 0 && is_kept(code_point, form))
            room_add(&room, text + at, taken);
        else if (form == SEALRING_ESCAPE_JSON)
            add_escape(&room, taken > 0 ? code_point : REPLACEMENT, false, true);
        else
            add_escape(&room, taken > 0 ? code_point : (unsigned char)text[at], taken == 0, false);
        taken += taken == 0 ? 1 : 0; /* not a character: one byte */
    }
    return room.wanted;
}

/* ---- For a shell ------------------------------------------------------------------------------------------------------- */

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-+:@%,=";

/* Returns whether 'quotation marks' are not enough: for what is unsafe on a terminal, is not UTF-8, or is changed by an interactive
 * shell. */
static bool needs_escapes(const char *word, size_t length)
{
    for (size_t at = 0, taken = 0; at < length; at += taken) {
        uint32_t code_point = 0;
        taken = utf8_character(word + at, length - at, &code_point);
        if (taken == 0 || code_point == '!' || outside_is_unsafe(code_point))
            return true;
    }
    return false;
}

/* In $'…' (POSIX.1-2024, 2.2.4) each such byte is three octal digits, and so is the quotation mark. A shell that does not know this
 * form reads it as '…', which nothing inside can end. */
static void add_octal(struct outside_room *room, const char *word, size_t length)
{
    room_add(room, "$'", 2);
    for (size_t at = 0, taken = 0; at < length; at += taken) {
        uint32_t code_point = 0;
        taken = utf8_character(word + at, length - at, &code_point);
        bool keep = taken > 0 && !outside_is_unsafe(code_point) && strchr("'\\!", word[at]) == NULL;
        taken += taken == 0 ? 1 : 0;
        if (keep)
            room_add(room, word + at, taken);
        for (size_t i = 0; i < taken && !keep; i++) {
            char piece[8];
            (void)snprintf(piece, sizeof piece, "\\%03o", (unsigned)(unsigned char)word[at + i]);
            room_add(room, piece, 4);
        }
    }
    room_add(room, "'", 1);
}

size_t outside_shell_quote(const char *word, char *quoted, size_t size)
{
    struct outside_room room = room_of(quoted, size);
    size_t length = strlen(word);
    if (length > 0 && strspn(word, plain) == length) {
        room_add(&room, word, length);
    } else if (needs_escapes(word, length)) {
        add_octal(&room, word, length);
    } else {
        room_add(&room, "'", 1);
        for (size_t i = 0; i < length; i++)
            room_add(&room, word[i] == '\'' ? "'\\''" : word + i, word[i] == '\'' ? 4 : 1);
        room_add(&room, "'", 1);
    }
    return room.wanted;
}
