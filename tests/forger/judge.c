/* SPDX-License-Identifier: Apache-2.0 */
/* What a trial shows, compared with the same trial without the attack. */
#include "forger/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forger/limits.h"

const char *const class_names[CLASSES] = {"impossible", "no effect", "refused", "reported", "known limit", "BAD"};
const char *const fault_names[FAULTS] = {
    "none",       "widens",    "permits an act", "a live key is closed or destroyed", "handed to another",
    "unreported", "laundered", "a process ended"};
unsigned judge_baselines;

/* ---- What happens without the attack ---- */

struct baseline {
    struct baseline *next;
    struct plan plan;
    struct outcome outcome;
};
static struct baseline *baselines;

static const struct outcome *baseline_of(const struct world *world, const struct plan *plan)
{
    struct plan without = *plan;
    without.sql = without.source = without.name = NULL;
    /* Which restrictions are made depends on what the edit is about. */
    static const struct edit nothing = {.key_id = ""}, a_key = {.key_id = "a key"};
    const struct edit *about = plan->edit == NULL || plan->edit->key_id[0] == '\0' ? &nothing : &a_key;
    for (struct baseline *each = baselines; each != NULL; each = each->next)
        if (each->plan.point == plan->point && each->plan.act == plan->act && each->plan.edit == about &&
            each->plan.keys == plan->keys && each->plan.doctor == plan->doctor &&
            strcmp(each->plan.key_id, plan->key_id) == 0 && strcmp(each->plan.ring, plan->ring) == 0)
            return &each->outcome;
    struct baseline *made = calloc(1, sizeof *made);
    if (made == NULL) {
        world_fail("baseline", "no memory");
        return NULL;
    }
    without.edit = about;
    without.untouched = true;
    trial_run(world, &without, &made->outcome);
    if (!made->outcome.done)
        world_fail("a trial without an attack", "did not end");
    judge_baselines++;
    made->plan = without;
    made->next = baselines;
    baselines = made;
    return &made->outcome;
}

/* ---- Differences ---- */

static const struct world *world;
static const struct plan *plan;
static const struct outcome *got, *wanted, *first; /* first: of the vault before any act */
static struct judgement *result;

__attribute__((format(printf, 2, 3))) static void find(enum fault fault, const char *format, ...)
{
    va_list arguments;
    if (result->fault != FAULT_NONE && result->fault <= fault)
        return;
    result->fault = fault;
    va_start(arguments, format);
    vsnprintf(result->what, sizeof result->what, format, arguments);
    va_end(arguments);
}

static bool same_acts(void)
{
    return memcmp(got->did, wanted->did, sizeof got->did) == 0;
}

static bool accepts(const struct answer *answer, bool write)
{
    return (write ? answer->write : answer->any) == SEALRING_ACCEPTED;
}

/* Nothing more than without the attack; where an act was refused, nothing more than before it, either. */
static bool may_accept(size_t text, enum asked when, bool write)
{
    return accepts(&wanted->answers[when][text], write) ||
           (!same_acts() && accepts(&first->answers[ASKED_POLLED][text], write));
}

static void find_wider(size_t text, enum asked when)
{
    static const char *const stages[ASKED] = {"before",         "after the poll", "after the start",
                                              "after the acts", "at the end",     "by its key"};
    const struct answer *answer = &got->answers[when][text];
    const struct answer *before = &wanted->answers[when][text];
    const char *label = world->texts[text].label;
    for (int write = 0; write < 2; write++)
        if (accepts(answer, write != 0) && !may_accept(text, when, write != 0))
            find(FAULT_WIDENS, "%s is accepted%s %s", label, write ? " for write" : "", stages[when]);
    if (accepts(answer, false) && accepts(before, false) &&
        (strcmp(answer->client, before->client) != 0 || strcmp(answer->ring, before->ring) != 0))
        find(FAULT_WIDENS, "%s is accepted for client %s %s", label, answer->client, stages[when]);
}

static bool narrows(void)
{
    for (int when = 0; when < ASKED_KEYS; when++)
        for (size_t i = 0; got->asked[when] && wanted->asked[when] && i < world->count; i++)
            if (accepts(&wanted->answers[when][i], false) != accepts(&got->answers[when][i], false) ||
                accepts(&wanted->answers[when][i], true) != accepts(&got->answers[when][i], true))
                return true;
    return false;
}

static void find_handed(void)
{
    for (size_t i = 0; i < got->handed; i++) {
        const struct answer *answer = &got->out[i].answer;
        if (!accepts(answer, false))
            continue;
        if (strcmp(answer->client, got->out[i].client) != 0)
            find(FAULT_HANDED, "%s got a credential of %s", got->out[i].client, answer->client);
        for (size_t j = 0; j < wanted->handed; j++)
            if (strcmp(wanted->out[j].client, answer->client) != 0 ||
                (accepts(answer, true) && !accepts(&wanted->out[j].answer, true)))
                find(FAULT_HANDED, "a credential of %s with '%s'", answer->client, answer->scopes);
        if (plan->act != ACT_ISSUE && strcmp(got->out[i].text.key_id, plan->key_id) != 0)
            find(FAULT_HANDED, "a credential of another key");
    }
}

/* A word of `one` that `other` lacks. */
static bool lacks_word(const char *one, const char *other)
{
    char words[512], *state = NULL;
    snprintf(words, sizeof words, "%s", one);
    for (char *word = strtok_r(words, " ", &state); word != NULL; word = strtok_r(NULL, " ", &state))
        if (strstr(other, word) == NULL)
            return true;
    return false;
}

static void find_lost_keys(void)
{
    struct plan again = *plan;
    static struct outcome outcome;
    if (!lacks_word(got->objects, wanted->objects))
        return;
    again.keys = true;
    const struct outcome *base = baseline_of(world, &again);
    trial_run(world, &again, &outcome);
    for (size_t i = 0; i < world->count; i++)
        if (outcome.done && accepts(&base->answers[ASKED_KEYS][i], false) &&
            !accepts(&outcome.answers[ASKED_KEYS][i], false))
            find(FAULT_KEY_LOST, "the key of %s (%s)", world->texts[i].label,
                 sealring_verdict_name(outcome.answers[ASKED_KEYS][i].any));
}

static void find_permitted(void)
{
    for (int i = 0; i < DIDS; i++)
        if (got->did[i] == SEALRING_OK && wanted->did[i] != SEALRING_OK)
            find(FAULT_PERMITS, "%s is carried out: %s", i == DID_ACT ? act_names[plan->act] : did_names[i],
                 wanted->said[i]);
}

static bool is_reported(const struct outcome *outcome, const struct outcome *base)
{
    for (int i = 0; i < REPORTERS; i++)
        if (outcome->reports[i] > base->reports[i])
            return true;
    for (int i = 0; i < DIDS; i++)
        if ((outcome->did[i] != base->did[i] && outcome->did[i] != SEALRING_OK) ||
            (outcome->said[i][0] != '\0' && base->said[i][0] == '\0'))
            return true;
    return false;
}

/* The first line of `text` that neither of the others has; NULL: there is none. */
static const char *line_beside(const char *text, const char *one, const char *other, char line[400])
{
    for (text++; *text != '\0'; text += strcspn(text, "\n") + 1) {
        snprintf(line, 400, "\n%.*s\n", (int)strcspn(text, "\n"), text);
        if (strstr(one, line) == NULL && strstr(other, line) == NULL)
            return line + 1;
    }
    return NULL;
}

static void find_unreported(void)
{
    char first_line[400], other_line[400];
    const char *used = line_beside(got->dump, wanted->dump, got->before, first_line);
    const char *less = line_beside(wanted->dump, got->dump, got->dump, other_line);
    if (same_acts() && used != NULL && got->reports[BY_AUDIT_LATER] <= wanted->reports[BY_AUDIT_LATER])
        find(is_reported(got, wanted) ? FAULT_LAUNDERED : FAULT_UNREPORTED, "an act used it: %.*s",
             (int)strcspn(used, "\n"), used);
    if (is_reported(got, wanted) ||
        (same_acts() && used == NULL && less == NULL && !narrows() && got->handed == wanted->handed))
        return;
    struct plan again = *plan;
    static struct outcome outcome;
    again.doctor = true;
    if (used == NULL && less == NULL)
        again.act = ACT_REISSUE; /* which asks the token about the row */
    const struct outcome *base = baseline_of(world, &again);
    trial_run(world, &again, &outcome);
    if (!is_reported(&outcome, base))
        find(FAULT_UNREPORTED, "%s%s", narrows() ? "verdicts differ" : "",
             used != NULL || less != NULL ? ", rows differ" : "");
}

static enum class classify(void) {
    if (got->impossible) return CLASS_IMPOSSIBLE;
    if (result->fault != FAULT_NONE) return limit_of(plan, result) != NULL ? CLASS_KNOWN : CLASS_BAD;
    for (int i = 0; i < DIDS; i++) if (got->did[i] != wanted->did[i]) return CLASS_REFUSED;
    return is_reported(got, wanted) ? CLASS_REPORTED : CLASS_NO_EFFECT;
}

void judge(const struct world *on, const struct plan *what, struct judgement *judgement)
{
    static struct outcome outcome;
    struct plan stopped = *what;
    if (stopped.point != POINT_BOTH)
        stopped.point = POINT_STOPPED;
    memset(judgement, 0, sizeof *judgement);
    world = on;
    plan = what;
    result = judgement;
    wanted = baseline_of(on, what);
    first = baseline_of(on, &stopped);
    trial_run(on, what, &outcome);
    got = &outcome;
    if (!outcome.done)
        find(FAULT_DIED, "in the trial");
    for (int when = 0; outcome.done && !outcome.impossible && when < ASKED_KEYS; when++)
        for (size_t i = 0; outcome.asked[when] && i < on->count; i++)
            find_wider(i, (enum asked)when);
    if (outcome.done && !outcome.impossible) {
        find_permitted();
        find_lost_keys();
        find_handed();
        find_unreported();
    }
    memcpy(judgement->reports, outcome.reported, sizeof judgement->reports);
    memcpy(judgement->said, outcome.said, sizeof judgement->said);
    judgement->class = classify();
}
