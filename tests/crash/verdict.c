/* SPDX-License-Identifier: Apache-2.0 */
/* What may have become of a vault in a trial: the states that are allowed, and whether it is in one of them. */
#include "crash/verdict.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Goes from line to line; the next one's length without its end, or SIZE_MAX at the end. */
static size_t line_length(const char *line)
{
    return *line == '\0' ? SIZE_MAX : strcspn(line, "\n");
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line == '\n' ? line + 1 : line;
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* The next line that counts: `loosely`, neither a fault, nor what the start said, nor an act of the log, nor a verdict does. */
static const char *skip(const char *line, bool loosely)
{
    while (loosely &&
           (begins(line, "FAULT") || begins(line, "start:") || begins(line, "act:") || begins(line, "verdict:")))
        line = next_line(line);
    return line;
}

/* The first lines that differ; false if none do. */
static bool differ(const char *one, const char *other, bool loosely, const char **first, const char **second)
{
    for (;;) {
        one = skip(one, loosely);
        other = skip(other, loosely);
        size_t length = line_length(one);
        if (length != line_length(other) || (length != SIZE_MAX && strncmp(one, other, length) != 0)) {
            *first = one;
            *second = other;
            return true;
        }
        if (length == SIZE_MAX)
            return false;
        one = next_line(one);
        other = next_line(other);
    }
}

/* The state that the text is; with several equal ones (a step that changes nothing) the last. */
static int look(const struct allowed *allowed, const char *text, bool loosely)
{
    const char *first, *second;
    for (unsigned i = allowed->count; i-- > 0;)
        if (!differ(text, allowed->texts[i], loosely, &first, &second))
            return (int)i;
    return FOUND_NEITHER;
}

static void explain(const struct allowed *allowed, const char *text, char why[512])
{
    const char *first = "", *second = "";
    (void)differ(text, allowed->texts[0], false, &first, &second);
    int written = snprintf(why, 512, "neither old nor new: \"%.*s\" where the old one has \"%.*s\"",
                           (int)strcspn(first, "\n") % 120, first, (int)strcspn(second, "\n") % 120, second);
    (void)differ(text, allowed->texts[allowed->count - 1], false, &first, &second);
    if (written > 0 && written < 500)
        snprintf(why + written, 512 - (size_t)written, ", \"%.*s\" where the new one has \"%.*s\"",
                 (int)strcspn(first, "\n") % 120, first, (int)strcspn(second, "\n") % 120, second);
}

/* Whether a verifier accepts what it accepts neither before nor after the command. */
static bool accepts_more(const struct allowed *allowed, const char *text)
{
    for (const char *line = text; *line != '\0'; line = next_line(line)) {
        char verdict[128];
        snprintf(verdict, sizeof verdict, "\n%.*s\n", (int)strcspn(line, "\n") % 120, line);
        if (begins(line, "verdict:") && strstr(verdict, "|accepted") != NULL &&
            strstr(allowed->texts[0], verdict) == NULL && strstr(allowed->texts[allowed->count - 1], verdict) == NULL)
            return true;
    }
    return false;
}

/* A disk that says that it has written what it has not takes acknowledged acts back: no program can help that. The rows are then those of
 * before. That they are is noticed by the anchor, if it went on; what the token was told meanwhile stays told; and nobody is let in
 * who was not before. */
static int find_after_lies(const struct allowed *allowed, const struct outcome *outcome, char why[512])
{
    int found = look(allowed, outcome->text, false);
    if (found == FOUND_NEITHER)
        found = look(allowed, outcome->text, true);
    if (found == FOUND_NEITHER) {
        explain(allowed, outcome->text, why);
    } else if (accepts_more(allowed, outcome->text)) {
        snprintf(why, 512, "a credential is accepted that was not");
        found = FOUND_NEITHER;
    }
    return found;
}

/* A conflict is resolved, and nothing of it is left, neither in what the command has made nor in what it has said. Conflicts without end
 * are reported as what they are. NULL: so it was. */
static const char *find_conflict_fault(const struct allowed *allowed, const struct trial *trial,
                                       const struct outcome *outcome)
{
    const struct told *told = &outcome->told;
    bool acknowledged = atomic_load(&told->acknowledged) != 0;
    if (trial->kind == TRIAL_BUSY && !acknowledged)
        return "it has not been tried again";
    if (trial->kind == TRIAL_BUSY && atomic_load(&told->handed) != allowed->handed)
        return "another number of credentials was handed over";
    if (trial->kind == TRIAL_BUSY && strcmp(told->message, allowed->message) != 0)
        return "it left another message";
    bool reported = told->status == SEALRING_REGISTRY || strstr(told->message, "is busy") != NULL ||
                    strcmp(told->message, COMMAND_ACT_FAILED) == 0;
    if (trial->kind == TRIAL_BUSY_EVER && !acknowledged && !reported)
        return "the failure is not reported as one of the registry";
    return NULL;
}

int verdict_find(const struct allowed *allowed, const struct trial *trial, const struct outcome *outcome, char why[512])
{
    bool owed = outcome->again[0] != '\0';
    int last = (int)allowed->count - 1;
    why[0] = '\0';
    if (outcome->complaint[0] != '\0') {
        snprintf(why, 512, "%s", outcome->complaint);
        return FOUND_NEITHER;
    }
    if (outcome->unchanged)
        return look(allowed, allowed->texts[FOUND_OLD], false);
    if (trial->kind == TRIAL_LYING)
        return find_after_lies(allowed, outcome, why);
    const char *fault = find_conflict_fault(allowed, trial, outcome);
    if (fault == NULL)
        fault = state_fault(outcome->text, owed);
    if (fault == NULL && owed)
        fault = state_fault(outcome->again, false);
    if (fault != NULL) {
        snprintf(why, 512, "%s", fault);
        return FOUND_NEITHER;
    }
    int found = owed ? look(allowed, outcome->again, true) : look(allowed, outcome->text, false);
    if (found == FOUND_NEITHER) {
        explain(allowed, owed ? outcome->again : outcome->text, why);
        return FOUND_NEITHER;
    }
    if ((atomic_load(&outcome->told.acknowledged) != 0 || outcome->ended) && found != last) {
        snprintf(why, 512, "it was acknowledged, and is state %d of %d", found, last);
        return FOUND_NEITHER;
    }
    if (atomic_load(&outcome->told.handed) > 0 && found == FOUND_OLD && last > 0 &&
        look(allowed, allowed->texts[last], false) != FOUND_OLD) {
        snprintf(why, 512, "a credential was handed over, and nothing was issued");
        return FOUND_NEITHER;
    }
    return found;
}
