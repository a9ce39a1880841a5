/* SPDX-License-Identifier: Apache-2.0 */
/* One mail as the bytes that SMTP carries (RFC 5322): pure. */
#include "notify/mail_message.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "notify/webhook_signature.h"

#define LOCAL_MAX     64  /* RFC 5321, section 4.5.3.1 */
#define LABEL_MAX     63  /* RFC 1035, section 2.3.4 */
#define SUBJECT_MAX   512 /* bytes */
#define PLAIN_SUBJECT 69  /* what is left of a line of 78 characters */
#define WORD_BYTES    39 /* of an encoded word: with `Subject: ` a line of at most 76 characters (RFC 2047, section 2) */
#define QUOTED_LINE   76 /* RFC 2045, section 6.7 */
#define TEXT_MAX      (1024 * 1024)

/* ---- Addresses ---- */

/* Atoms of RFC 5322, section 3.2.3, separated by single dots. */
static bool is_local_part(const char *text, size_t length)
{
    static const char atom[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.";
    if (length == 0 || length > LOCAL_MAX || strspn(text, atom) < length || text[0] == '.' || text[length - 1] == '.')
        return false;
    return memmem(text, length, "..", 2) == NULL;
}

static bool is_domain(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    for (const char *label = text;; label++) {
        size_t length = strspn(label, allowed);
        if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
            return false;
        label += length;
        if (*label != '.')
            return *label == '\0';
    }
}

const char *mail_address_problem(const char *address)
{
    const char *at = strrchr(address, '@');
    if (strlen(address) > MAIL_ADDRESS_MAX)
        return "is longer than 254 bytes";
    if (at == NULL)
        return "has no `@`";
    if (!is_local_part(address, (size_t)(at - address)))
        return "has something other than letters, digits, dots and signs before the `@`";
    return is_domain(at + 1) ? NULL : "has no domain name after the `@`";
}

/* ---- Headers ---- */

/* Well-formed UTF-8 without controls, apart from `allowed`. */
static bool is_clean(const char *text, size_t length, const char *allowed)
{
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t code_point = 0;
        size = utf8_character(text + at, length - at, &code_point);
        if (size == 0 || code_point == 0 || (utf8_is_control(code_point) && (size > 1 || !strchr(allowed, text[at]))))
            return false;
    }
    return true;
}

static bool is_plain_subject(const char *subject)
{
    for (const char *at = subject; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            return false;
    return strlen(subject) <= PLAIN_SUBJECT && subject[0] != ' ' && strstr(subject, "=?") == NULL;
}

/* The header's value. What is not ASCII, and what is long, becomes encoded words, none of which cuts a character in two. */
static void write_subject(FILE *file, const char *subject)
{
    char word[BASE64_LENGTH(WORD_BYTES) + 1];
    if (is_plain_subject(subject)) {
        fputs(subject, file);
        return;
    }
    for (const char *rest = subject, *separator = ""; *rest != '\0'; separator = "\r\n ") {
        size_t length = strlen(rest) <= WORD_BYTES ? strlen(rest) : utf8_cut(rest, WORD_BYTES);
        base64_encode(rest, length, word);
        fprintf(file, "%s=?UTF-8?B?%s?=", separator, word);
        rest += length;
    }
}

/* Not strftime, whose names of days and months are those of the locale. */
static void write_date(FILE *file, int64_t now)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) != NULL)
        fprintf(file, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000\r\n", days + 3 * tm.tm_wday, tm.tm_mday,
                months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* ---- The text ---- */

/* Quoted-printable (RFC 2045, section 6.7): always, so that no server has to permit 8 bits or long lines. */
static void write_line(FILE *file, const char *line, size_t length)
{
    size_t column = 0;
    for (size_t at = 0; at < length; at++) {
        unsigned char byte = (unsigned char)line[at];
        bool blank = (byte == ' ' || byte == '\t') && at + 1 < length;
        bool plain = blank || (byte > ' ' && byte <= '~' && byte != '=');
        size_t size = plain ? 1 : 3;
        if (column + size > QUOTED_LINE - (at + 1 < length ? 1 : 0)) {
            fputs("=\r\n", file);
            column = 0;
        }
        fprintf(file, plain ? "%c" : "=%02X", byte);
        column += size;
    }
    fputs("\r\n", file);
}

static void write_text(FILE *file, const char *text)
{
    for (size_t length; *text != '\0'; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        write_line(file, text, length);
    }
}

/* ---- The message ---- */

static const char *find_mail_problem(const struct mail *mail, const char *from)
{
    if (mail_address_problem(from) != NULL)
        return "has a sender's address that is not valid";
    if (mail_address_problem(mail->to) != NULL)
        return "has a recipient's address that is not valid";
    if (!webhook_id_is_valid(mail->id))
        return "has an ID that is not valid";
    if (strlen(mail->subject) > SUBJECT_MAX || !is_clean(mail->subject, strlen(mail->subject), ""))
        return "has a subject that is too long, or has control characters";
    if (strlen(mail->text) > TEXT_MAX || !is_clean(mail->text, strlen(mail->text), "\n\t"))
        return "has a text that is too long, or has control characters";
    return NULL;
}

char *mail_message_make(const struct mail *mail, const char *from, const char **problem)
{
    char *message = NULL;
    size_t length = 0;
    *problem = find_mail_problem(mail, from);
    FILE *file = *problem == NULL ? open_memstream(&message, &length) : NULL;
    if (file == NULL)
        return NULL;
    write_date(file, mail->now);
    fprintf(file, "From: %s\r\nTo: %s\r\nSubject: ", from, mail->to);
    write_subject(file, mail->subject);
    fprintf(file, "\r\nMessage-ID: <%s@%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", mail->id,
            strrchr(from, '@') + 1);
    fputs("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", file);
    write_text(file, mail->text);
    bool good = !ferror(file);
    if (fclose(file) == 0 && good)
        return message;
    free(message);
    return NULL;
}
