/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of scopes: checked, sorted, compared (RFC 6749, section 3.3). */
#include "credential/scope.h"

#include <stdio.h>
#include <string.h>

#define PROBLEM_SIZE 128

struct scope_token {
    const char *text;
    size_t length;
};

/* scope-token = 1*( %x21 / %x23-5B / %x5D-7E ): RFC 6749, section 3.3. */
static bool is_scope_character(char character)
{
    return character == 0x21 || (character >= 0x23 && character <= 0x5b) || (character >= 0x5d && character <= 0x7e);
}

/* Reads the next token at or after *cursor, and advances *cursor. False at the end. */
static bool next_token(const char **cursor, struct scope_token *token)
{
    token->text = *cursor + strspn(*cursor, " ");
    token->length = strcspn(token->text, " ");
    *cursor = token->text + token->length;
    return token->length > 0;
}

/* Compares bytes; the shorter is first if the longer begins with it. */
static int compare_tokens(struct scope_token a, struct scope_token b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.text, b.text, common);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* The number of characters before the first that no token may have. */
static size_t good_length(struct scope_token token)
{
    size_t length = 0;
    while (length < token.length && is_scope_character(token.text[length]))
        length++;
    return length;
}

/* Inserts the token into the sorted set, unless it is there. False if it does not fit. */
static bool insert_token(char scopes[SEALRING_SCOPES_LENGTH_MAX + 1], size_t *length, struct scope_token token)
{
    const char *cursor = scopes;
    struct scope_token other;
    int order = -1;
    while (order < 0 && next_token(&cursor, &other))
        order = compare_tokens(other, token);
    if (order == 0)
        return true;
    size_t place = order > 0 ? (size_t)(other.text - scopes) : *length;
    size_t separator = *length > 0 ? 1 : 0;
    if (token.length + separator > SEALRING_SCOPES_LENGTH_MAX - *length)
        return false;
    if (place == *length) { /* at the end the separator comes before it */
        memset(scopes + place, ' ', separator);
        memcpy(scopes + place + separator, token.text, token.length);
    } else {
        memmove(scopes + place + token.length + 1, scopes + place, *length - place);
        memcpy(scopes + place, token.text, token.length);
        scopes[place + token.length] = ' ';
    }
    *length += token.length + separator;
    scopes[*length] = '\0';
    return true;
}

const char *scope_normalise(const char *input, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1], char problem[PROBLEM_SIZE])
{
    const char *cursor = input == NULL ? "" : input;
    struct scope_token token;
    size_t length = 0;
    scopes[0] = '\0';
    while (next_token(&cursor, &token)) {
        size_t good = good_length(token);
        if (good == token.length && insert_token(scopes, &length, token))
            continue;
        scopes[0] = '\0';
        if (good == token.length)
            (void)snprintf(problem, PROBLEM_SIZE, "is longer than %d bytes", SEALRING_SCOPES_LENGTH_MAX);
        else
            (void)snprintf(problem, PROBLEM_SIZE,
                           "has a character other than printable ASCII without `\"` and `\\` at position %zu",
                           (size_t)(token.text - input) + good + 1);
        return problem;
    }
    return NULL;
}

static bool contains(const char *scopes, struct scope_token wanted)
{
    struct scope_token token;
    while (next_token(&scopes, &token))
        if (compare_tokens(token, wanted) == 0)
            return true;
    return false;
}

bool scope_includes(const char *scopes, const char *wanted, const char **missing, size_t *missing_length)
{
    struct scope_token token;
    while (wanted != NULL && next_token(&wanted, &token)) {
        /* Also checked here: if `scopes` ever contained a malformed token, nobody would get access by requesting it. */
        if (good_length(token) < token.length || !contains(scopes, token)) {
            if (missing != NULL)
                *missing = token.text;
            if (missing_length != NULL)
                *missing_length = token.length;
            return false;
        }
    }
    return true;
}

/* `scopes` may be `a` or `b` itself: the write position never passes the read position. */
void scope_intersect(const char *a, const char *b, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1])
{
    struct scope_token first, second;
    size_t length = 0;
    bool more = next_token(&a, &first) && next_token(&b, &second);
    while (more) {
        int order = compare_tokens(first, second);
        if (order == 0 && first.length + (length > 0) <= SEALRING_SCOPES_LENGTH_MAX - length) {
            if (length > 0)
                scopes[length++] = ' ';
            memmove(scopes + length, first.text, first.length);
            length += first.length;
        }
        more = (order > 0 || next_token(&a, &first)) && (order < 0 || next_token(&b, &second));
    }
    scopes[length] = '\0';
}
