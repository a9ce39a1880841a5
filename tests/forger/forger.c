/* SPDX-License-Identifier: Apache-2.0 */
/* A forger with sealring's own code, and without the audit token: what each of its attacks achieves, and who notices it.
 *
 *   test_forger                     some of them, chosen by a fixed seed: one edit of each column
 *   test_forger all [PART[/PARTS]]  all of them in 128 parts one after the other, or from PART on, or one part of PARTS
 *   test_forger forgeries [PART[/PARTS]]  the same without the edits of single cells
 *   test_forger only TEXT           those whose name contains the text, with what they show */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "forger/forgeries.h"
#include "forger/judge.h"
#include "forger/limits.h"
#include "forger/shortcuts.h"

#define PARTS 128

struct totals {
    const char *table;
    unsigned long classes[CLASSES];
};

static struct totals totals[64];
static size_t tables;
static unsigned long trials, bad;
static double started; /* s */
static const char *only;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct totals *totals_of(const char *table)
{
    for (size_t i = 0; i < tables; i++)
        if (strcmp(totals[i].table, table) == 0)
            return &totals[i];
    totals[tables].table = table;
    return &totals[tables++];
}

static void name_trial(const struct plan *plan, char *name, size_t size)
{
    const struct edit *edit = plan->edit;
    if (edit == NULL)
        snprintf(name, size, "%s; %s; %s", plan->name, point_names[plan->point], act_names[plan->act]);
    else
        snprintf(name, size, "%s.%s = %.40s (%s) where %.80s; %s; %s", edit->table, edit->column, edit->after,
                 edit->kind, edit->keys, point_names[plan->point], act_names[plan->act]);
}

static void run(const struct world *world, const struct plan *plan)
{
    struct judgement judgement;
    char name[512];
    name_trial(plan, name, sizeof name);
    if (only != NULL && strstr(name, only) == NULL)
        return;
    judge(world, plan, &judgement);
    trials++;
    totals_of(plan->edit == NULL ? plan->kind : plan->edit->table)->classes[judgement.class]++;
    bad += judgement.class == CLASS_BAD;
    if (judgement.class == CLASS_BAD || only != NULL)
        printf("# %s: %s: %s: %s\n", class_names[judgement.class], name, fault_names[judgement.fault], judgement.what);
    for (int i = 0; only != NULL && i < REPORTERS; i++)
        if (judgement.reports[i][0] != '\0')
            printf("#     %s: %s\n", reporter_names[i], judgement.reports[i]);
    for (int i = 0; only != NULL && i < DIDS; i++)
        if (judgement.said[i][0] != '\0')
            printf("#     %s: %s\n", did_names[i], judgement.said[i]);
    fflush(stdout);
}

/* ---- Which ---- */

/* The acts that the row matters to come one after the other. */
static enum act act_for(const struct edit *edit, unsigned number)
{
    static const enum act of_keys[] = {ACT_REISSUE, ACT_REKEY, ACT_NARROW, ACT_RESUME, ACT_RELABEL};
    static const enum act of_rings[] = {ACT_POLICY, ACT_ROTATE, ACT_ISSUE, ACT_REISSUE};
    if (edit->key_id[0] != '\0')
        return of_keys[number % (sizeof of_keys / sizeof *of_keys)];
    return of_rings[number % (sizeof of_rings / sizeof *of_rings)];
}

static void run_edit(const struct world *world, const struct edit *edit, enum point point, unsigned number)
{
    struct plan plan = {.point = point, .act = act_for(edit, number), .edit = edit};
    snprintf(plan.key_id, sizeof plan.key_id, "%s",
             strlen(edit->key_id) == SEALRING_KEY_ID_LENGTH ? edit->key_id : world_key(world, "full"));
    snprintf(plan.ring, sizeof plan.ring, "%s", edit->ring[0] != '\0' ? edit->ring : "payments");
    run(world, &plan);
}

static void run_forgery(const struct world *world, const struct forgery *forgery, enum point point, unsigned number)
{
    static const enum act few[] = {ACT_REISSUE, ACT_POLICY, ACT_RELABEL, ACT_ROTATE};
    struct plan plan = {.point = point, .act = few[number % 4], .sql = forgery->sql, .source = forgery->source};
    plan.name = forgery->name;
    plan.kind = forgery->kind;
    snprintf(plan.key_id, sizeof plan.key_id, "%s", world_key(world, "full"));
    snprintf(plan.ring, sizeof plan.ring, "%s", "payments");
    run(world, &plan);
}

static unsigned mix(unsigned number)
{
    number = (number ^ 61U ^ (number >> 16)) * 9U;
    number = (number ^ (number >> 4)) * 0x27d4eb2dU;
    return number ^ (number >> 15);
}

static void run_forgeries(const struct world *world, const struct forgeries *forgeries, unsigned part, unsigned parts)
{
    for (size_t i = 0; i < forgeries->count; i++)
        for (unsigned point = POINT_STOPPED; point < POINTS; point++) {
            unsigned number = mix((unsigned)i * POINTS + point);
            if (number % parts == part)
                run_forgery(world, &forgeries->list[i], (enum point)point, number / parts);
        }
}

static void run_all(const struct world *world, const struct edits *edits, unsigned part, unsigned parts)
{
    for (size_t i = 0; i < edits->count; i++)
        for (unsigned point = POINT_STOPPED; point < POINTS; point++) {
            unsigned number = mix((unsigned)i * POINTS + point);
            if (number % parts == part)
                run_edit(world, &edits->list[i], (enum point)point, number / parts);
        }
}

static bool same_column(const struct edit *one, const struct edit *other)
{
    return one->table == other->table && strcmp(one->column, other->column) == 0;
}

static unsigned mix_text(unsigned number, const char *text)
{
    for (; *text != '\0'; text++)
        number = mix(number ^ (unsigned char)*text);
    return number;
}

/* The same in each run, although IDs and digests differ. An older value undoes something, so it comes first. */
static uint64_t rank(const struct edit *edit)
{
    unsigned number = mix_text(mix_text(mix_text((unsigned)edit->place, edit->table), edit->column), edit->kind);
    return ((uint64_t)(strcmp(edit->kind, "older") == 0) << 32) + number;
}

/* One edit of each column, and the chosen forgeries. */
static void run_some(const struct world *world, const struct edits *edits, const struct forgeries *forgeries)
{
    for (size_t i = 0; i < forgeries->count; i++)
        if (forgeries->list[i].chosen)
            run_forgery(world, &forgeries->list[i], POINT_BOTH, 1);
    for (size_t i = 0; i < edits->count; i++) {
        size_t chosen = i, before = 0;
        while (!same_column(&edits->list[before], &edits->list[i]))
            before++;
        if (before < i)
            continue;
        for (size_t j = i; j < edits->count; j++)
            if (same_column(&edits->list[i], &edits->list[j]) && rank(&edits->list[j]) > rank(&edits->list[chosen]))
                chosen = j;
        run_edit(world, &edits->list[chosen], POINT_BOTH, 0);
    }
}

static void print_totals(const struct edits *edits)
{
    printf("# %zu tables, %zu columns, %zu cells, %zu edits; %lu trials and %u without an attack\n", edits->tables,
           edits->columns, edits->cells, edits->count, trials, judge_baselines);
    printf("# %-14s", "");
    for (int i = 0; i < CLASSES; i++)
        printf(" %11s", class_names[i]);
    printf("\n");
    for (size_t i = 0; i < tables; i++) {
        printf("# %-14s", totals[i].table);
        for (int j = 0; j < CLASSES; j++)
            printf(" %11lu", totals[i].classes[j]);
        printf("\n");
    }
}

static volatile sig_atomic_t interrupted;

static void interrupt_run(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* A part is a sample of all: where the run is interrupted (SIGTERM), its finished parts count. */
static void run_parts(const struct world *world, const struct forgeries *forgeries, const struct edits *edits,
                      unsigned first)
{
    (void)signal(SIGTERM, interrupt_run);
    for (unsigned part = first; part < PARTS && !interrupted; part++) {
        run_forgeries(world, forgeries, part, PARTS);
        if (edits != NULL)
            run_all(world, edits, part, PARTS);
        printf("# part %u of %u ended after %.0f s: %lu trials and %u without an attack so far, %lu bad\n", part, PARTS,
               seconds() - started, trials, judge_baselines, bad);
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    struct edits edits;
    struct forgeries forgeries;
    unsigned part = 0, parts = 1;
    bool all = count > 1 && strcmp(arguments[1], "all") == 0;
    bool acts = count > 1 && strcmp(arguments[1], "forgeries") == 0;
    if (count > 2 && (all || acts))
        (void)sscanf(arguments[2], "%u/%u", &part, &parts);
    if (count > 2 && strcmp(arguments[1], "only") == 0)
        only = arguments[2];
    shortcuts_begin();
    started = seconds();
    struct world *world = world_make();
    world_restore(world);
    world_enter(world->work);
    edits_make(world, &edits);
    forgeries_make(world, &forgeries);
    if (parts == 1 && (all || acts)) {
        run_parts(world, &forgeries, all ? &edits : NULL, part);
    } else if (all || only != NULL || acts) {
        run_forgeries(world, &forgeries, part % parts, parts);
        if (!acts)
            run_all(world, &edits, part % parts, parts);
    } else {
        run_some(world, &edits, &forgeries);
    }
    print_totals(&edits);
    unsigned missing = limits_missing(TEST_SOURCE_DIR "/../docs/threat-model.md");
    printf("%sok 1 - no attack has an effect that is not known\n", bad > 0 ? "not " : "");
    printf("%sok 2 - the threat model states what is known\n1..2\n", missing > 0 ? "not " : "");
    world_remove(world);
    fflush(stdout);
    _exit(bad + missing > 0 ? 1 : 0); /* the texts of edits last as long as the process: no leaks */
}
