/* SPDX-License-Identifier: Apache-2.0 */
/* The permitted forms of names, prefixes and contacts. */
#include "base/name.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <sealring/verify.h>

#include "base/base62.h"
#include "base/utf8.h"

#define PROBLEM_SIZE    128
#define PRF_MAXIMUM     32
#define CONTACT_MAXIMUM 254 /* an e-mail address fits: RFC 5321, section 4.5.3.1.3, less the angle brackets */

/* Written out, because the library must not depend on the program's locale. */
bool name_is_lower_or_digit(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
}

/* The rules for every kind of text. NULL if nothing is wrong so far. */
static const char *length_problem(const char *text, size_t maximum, char problem[PROBLEM_SIZE])
{
    if (text == NULL)
        return "is missing";
    if (text[0] == '\0')
        return "is empty";
    if (strnlen(text, maximum + 1) <= maximum)
        return NULL;
    (void)snprintf(problem, PROBLEM_SIZE, "is longer than %zu bytes", maximum);
    return problem;
}

static const char *identifier_problem(const char *text, const char *punctuation, const char *punctuation_words,
                                      char problem[PROBLEM_SIZE])
{
    const char *wrong = length_problem(text, SEALRING_NAME_LENGTH_MAX, problem);
    if (wrong != NULL)
        return wrong;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (!base62_is_digit(text[i]) && strchr(punctuation, text[i]) == NULL) {
            (void)snprintf(problem, PROBLEM_SIZE, "has a character other than letters, digits, %s at position %zu",
                           punctuation_words, i + 1);
            return problem;
        }
    }
    return base62_is_digit(text[0]) ? NULL : "does not begin with a letter or a digit";
}

const char *name_problem(const char *text, char problem[PROBLEM_SIZE])
{
    return identifier_problem(text, "._-", "`.`, `_`, `-`", problem);
}

const char *name_client_problem(const char *text, char problem[PROBLEM_SIZE])
{
    return identifier_problem(text, "._-@+", "`.`, `_`, `-`, `@`, `+`", problem);
}

/* Lower-case letters and digits, between which single separators may be. */
static const char *words_problem(const char *text, size_t longest, char separator, char problem[PROBLEM_SIZE])
{
    const char *wrong = length_problem(text, longest, problem);
    if (wrong != NULL)
        return wrong;
    size_t i = 0;
    while (name_is_lower_or_digit(text[i]) ||
           (text[i] == separator && i > 0 && text[i + 1] != separator && text[i + 1] != '\0'))
        i++;
    if (text[i] == '\0')
        return NULL;
    if (text[i] == separator)
        (void)snprintf(problem, PROBLEM_SIZE, "has a `%c` that is not between two letters or digits at position %zu",
                       separator, i + 1);
    else
        (void)snprintf(problem, PROBLEM_SIZE,
                       "has a character other than lower-case letters, digits, `%c` at position %zu", separator, i + 1);
    return problem;
}

const char *name_prefix_problem(const char *text, char problem[PROBLEM_SIZE])
{
    return words_problem(text, SEALRING_PREFIX_LENGTH_MAX, '_', problem);
}

const char *name_prf_problem(const char *text, char problem[PROBLEM_SIZE])
{
    return words_problem(text, PRF_MAXIMUM, '-', problem);
}

const char *name_contact_problem(const char *text, char problem[PROBLEM_SIZE])
{
    if (text == NULL || text[0] == '\0')
        return NULL; /* no contact */
    const char *wrong = length_problem(text, CONTACT_MAXIMUM, problem);
    if (wrong != NULL)
        return wrong;
    size_t length = strlen(text);
    for (size_t i = 0; i < length;) {
        uint32_t code_point = 0;
        size_t size = utf8_character(text + i, length - i, &code_point);
        if (size == 0 || utf8_is_control(code_point)) {
            (void)snprintf(problem, PROBLEM_SIZE, "has %s at byte %zu",
                           size == 0 ? "something that is not UTF-8" : "a control character", i + 1);
            return problem;
        }
        i += size;
    }
    return NULL;
}
