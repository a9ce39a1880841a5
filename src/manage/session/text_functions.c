/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions on text: times, durations, and what a credential's text contains. */
#include <sealring/manage.h>
#include <sealring/outside.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/foreign_text.h"
#include "base/secret.h"
#include "base/timetext.h"
#include "credential/credential_text.h"

_Static_assert(SEALRING_TIME_SIZE == TIMETEXT_SIZE, "the public size is the internal one");

void sealring_time_format(int64_t time, char text[SEALRING_TIME_SIZE])
{
    timetext_format(time, text);
}

sealring_status sealring_time_parse(const char *text, int64_t *time, sealring_error *error)
{
    if (!timetext_parse(text, time)) {
        return error_set(error, SEALRING_INVALID,
                         "\"%.40s\" is not a time: write it as RFC 3339 with a zone, between 1970 and 9999, like "
                         "2026-11-21T20:15:00Z",
                         text == NULL ? "" : text);
    }
    return SEALRING_OK;
}

void sealring_duration_format(int64_t duration, char text[SEALRING_TIME_SIZE])
{
    timetext_duration_format(duration, text);
}

sealring_status sealring_duration_parse(const char *text, int64_t *duration, sealring_error *error)
{
    if (!timetext_duration_parse(text, duration)) {
        return error_set(
            error, SEALRING_INVALID,
            "\"%.40s\" is not a duration: write it like 90d, 12h, 30m, 10s, 250ms or 1d12h, at most 36500d",
            text == NULL ? "" : text);
    }
    return SEALRING_OK;
}

void sealring_explain(const char *credential, size_t length, sealring_explanation *explanation)
{
    struct text_parts parts;
    size_t position = 0;
    memset(explanation, 0, sizeof *explanation);
    enum text_problem problem = text_parse(credential, length, &parts, &position);
    memcpy(explanation->prefix, parts.prefix, sizeof explanation->prefix);
    memcpy(explanation->key_id, parts.key_id, sizeof explanation->key_id);
    explanation->version = parts.version;
    explanation->well_formed = problem == TEXT_GOOD;
    /* The range is checked once the check digits are known to match. */
    explanation->check_digits_match = problem == TEXT_GOOD || problem == TEXT_SECRET_RANGE;
    secret_wipe(&parts, sizeof parts);
    if (problem == TEXT_GOOD)
        return;
    const char *words = text_problem_words(problem);
    if (problem == TEXT_TOO_SHORT || problem == TEXT_TOO_LONG) {
        (void)snprintf(explanation->problem, sizeof explanation->problem, "%s (%zu characters)", words, length);
    } else {
        (void)snprintf(explanation->problem, sizeof explanation->problem, "%s (at character %zu of %zu)", words,
                       position + 1, length);
    }
}

size_t sealring_text_escape(const char *text, size_t length, sealring_escape form, char *escaped, size_t size)
{
    return outside_escape(text, length, form, escaped, size);
}

size_t sealring_shell_quote(const char *word, char *quoted, size_t size)
{
    return outside_shell_quote(word, quoted, size);
}

void *sealring_secret_allocate(size_t size)
{
    return secret_allocate(size);
}

void sealring_secret_free(void *memory, size_t size)
{
    secret_free(memory, size);
}
