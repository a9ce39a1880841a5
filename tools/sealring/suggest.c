/* SPDX-License-Identifier: Apache-2.0 */
/* What was probably meant: the word with the smallest edit distance. */
#include "tools/sealring/suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 32

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance, one row at a time; WORD_MAX for words that are too long to be any of ours. */
static size_t distance(const char *a, size_t a_length, const char *b)
{
    size_t b_length = strlen(b);
    size_t row[WORD_MAX + 1];
    if (a_length > WORD_MAX || b_length > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_length];
}

static void consider(const char *word, size_t length, const char *candidate, const char **best, size_t *best_distance)
{
    size_t found = distance(word, length, candidate);
    if (found < *best_distance) {
        *best = candidate;
        *best_distance = found;
    }
}

/* Up to two typos, and fewer than half of the letters. */
static size_t limit(size_t length)
{
    return length < 4 ? 2 : 3;
}

const char *suggest_command(const char *word)
{
    static const char *const nouns[] = {"ring", "client", "key"};
    const char *best = NULL;
    size_t length = strlen(word);
    size_t best_distance = limit(length);
    for (size_t i = 0; command_table[i] != NULL; i++)
        consider(word, length, command_table[i]->words, &best, &best_distance);
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++)
        consider(word, length, nouns[i], &best, &best_distance);
    return best;
}

const char *suggest_option(const struct command *command, const char *name, size_t length)
{
    const char *best = NULL;
    size_t best_distance = limit(length);
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i)) != NULL; i++)
        consider(name, length, option->name, &best, &best_distance);
    return best;
}

void suggest_verbs(const char *noun, char *list, size_t size)
{
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; command_table[i] != NULL; i++) {
        if (!command_has_noun(command_table[i], noun))
            continue;
        const char *verb = command_table[i]->words + strlen(noun) + 1;
        int written = snprintf(list + used, size - used, "%s%s", used > 0 ? ", " : "", verb);
        if (written < 0 || (size_t)written >= size - used)
            return;
        used += (size_t)written;
    }
}
