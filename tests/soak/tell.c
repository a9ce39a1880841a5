/* SPDX-License-Identifier: Apache-2.0 */
/* Figures, verdicts, and the history around a finding, as lines of TAP. */
#include "soak/tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak/answers.h"

#define MILLISECOND INT64_C(1000000)
#define AROUND      (300 * MILLISECOND) /* answers with the same credential are shown so far away */
#define ACTS_BEFORE (8000 * MILLISECOND)

enum { SHOWN_OF_A_RULE = 3, ANSWERS_SHOWN = 60 };

/* ---- figures ---- */

static uint32_t count_acts(const struct history *history, enum history_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < atomic_load(&history->act_count); i++)
        count += history->acts[i].kind == kind && history->acts[i].status == SEALRING_OK;
    return count;
}

static uint32_t count_moments(const struct history *history, enum moment_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < atomic_load(&history->moment_count); i++)
        count += history->moments[i].kind == kind;
    return count;
}

static int compare(const void *a, const void *b)
{
    const int64_t *first = a;
    const int64_t *second = b;
    return (*first > *second) - (*first < *second);
}

/* From committed to effective, of the acts that waited. */
static void tell_latency(const struct history *history)
{
    uint32_t count = 0;
    uint32_t acts = atomic_load(&history->act_count);
    int64_t *latencies = calloc(acts + 1, sizeof *latencies);
    for (uint32_t i = 0; latencies != NULL && i < acts; i++)
        if (history->acts[i].waited)
            latencies[count++] = history->acts[i].effective - history->acts[i].committed;
    if (count > 0) {
        qsort(latencies, count, sizeof *latencies, compare);
        printf("# from committed to effective: longest %.0f ms, median %.0f ms, of %u acts that waited\n",
               (double)latencies[count - 1] / (double)MILLISECOND, (double)latencies[count / 2] / (double)MILLISECOND,
               count);
        printf("# figure: soak-longest-to-effective %.0f ms\n", (double)latencies[count - 1] / (double)MILLISECOND);
    }
    free(latencies);
}

void tell_figures(const struct history *history, const struct checker_totals *totals)
{
    static const enum history_kind shown[] = {ACT_ROTATE,     ACT_ACTIVATE, ACT_ROLLBACK, ACT_RETIRE,  ACT_REINSTATE,
                                              ACT_COMPROMISE, ACT_DESTROY,  ACT_ISSUE,    ACT_REISSUE, ACT_REISSUE_RING,
                                              ACT_REKEY,      ACT_SUSPEND,  ACT_RESUME,   ACT_NARROW,  ACT_REVOKE,
                                              ACT_RUN,        ACT_HARVEST};
    printf("# %" PRIu64 " verifications: %" PRIu64 " accepted, %" PRIu64 " rejected, %" PRIu64 " unavailable; %" PRIu64
           " cut by a kill\n",
           totals->answers, totals->accepted, totals->rejected, totals->unavailable, totals->cut);
    printf("# figure: soak-verifications %" PRIu64 "\n# figure: soak-rotations %u\n# figure: soak-kills %u\n",
           totals->answers, count_acts(history, ACT_ROTATE), count_moments(history, MOMENT_KILL));
    printf("# unavailable: %" PRIu64 " after a stop past the lease, %" PRIu64
           " by a lease that ran out by itself, %" PRIu64 " by a child that was joining, %" PRIu64
           " by a key that was being declared compromised\n",
           totals->stopped, totals->late, totals->joining, totals->closing);
    printf("# acts:");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        printf(" %u %s%s", count_acts(history, shown[i]), history_kind_name(shown[i]),
               i + 1 < sizeof shown / sizeof *shown ? "," : "\n");
    printf("# processes: %u started, %u killed, %u stopped, %u restarted, %u workers forked\n",
           count_moments(history, MOMENT_START), count_moments(history, MOMENT_KILL),
           count_moments(history, MOMENT_STOP), count_moments(history, MOMENT_RESTART),
           count_moments(history, MOMENT_WORKER));
    printf("# %u API keys, %u credentials\n", atomic_load(&history->key_count),
           atomic_load(&history->credential_count));
    tell_latency(history);
}

unsigned tell_verdicts(const struct history *history)
{
    unsigned failed = 0;
    for (enum rule rule = 0; rule < RULES; rule++) {
        uint32_t found = atomic_load(&history->finding_total[rule]);
        printf("%sok %u - %s\n", found > 0 ? "not " : "", rule + 1u, rule_name(rule));
        failed += found > 0;
    }
    return failed;
}

/* ---- the history around a finding ---- */

struct showing {
    const struct history *history;
    const struct history_finding *finding;
    unsigned shown;
};

static double since(int64_t time, int64_t at)
{
    return (double)(time - at) / (double)MILLISECOND;
}

static void show_act(const struct history_act *act, int64_t at)
{
    printf("#     %10.3f ms to %.3f: operator %u, %s", since(act->begun, at), since(act->committed, at), act->actor,
           history_kind_name(act->kind));
    if (act->version != 0)
        printf(" version %u", act->version);
    if (act->kind == ACT_REKEY)
        printf(", serial %u, overlap %" PRId64 " ms", act->serial, act->overlap_ms);
    printf(", status %d, epoch %" PRIu64 "%s", act->status, act->epoch,
           act->overruled   ? ", overruled"
           : act->automatic ? ", automatic"
                            : "");
    if (act->waited)
        printf(", effective %.3f", since(act->effective, at));
    printf("\n");
}

static void show_answer(const struct answer *answer, void *context)
{
    struct showing *showing = context;
    const struct history_finding *finding = showing->finding;
    int64_t before = atomic_load(&answer->before);
    int64_t distance = before - finding->at;
    bool near = distance < AROUND && distance > -AROUND;
    if (answer->credential != finding->credential || !near || showing->shown++ >= ANSWERS_SHOWN)
        return;
    printf("#     %10.3f ms to %.3f: process %u thread %u, scope %u: %s%s\n", since(before, finding->at),
           since(answer->after, finding->at), answer->life, answer->thread, answer->scope,
           sealring_verdict_name((sealring_verdict)atomic_load(&answer->verdict)),
           before == finding->at ? "  <--" : "");
}

static void show_credential(const struct history *history, const struct history_finding *finding)
{
    const struct history_credential *credential = &history->credentials[finding->credential];
    struct showing showing = {history, finding, 0};
    printf("#   credential %u: key %s, serial %u, version %u of ring %s, handed out %.3f ms before\n",
           finding->credential, history->keys[credential->key].key_id, credential->serial, credential->version,
           history->ring_names[credential->ring], since(finding->at, credential->handed));
    if (credential->expires_wall_ms != 0)
        printf("#   it expires %.3f ms after\n",
               since(credential->expires_wall_ms * MILLISECOND - history->wall_offset, finding->at));
    printf("#   acts that bear on it:\n");
    for (uint32_t i = 0; i < atomic_load(&history->act_count); i++) {
        const struct history_act *act = &history->acts[i];
        bool lasting = act->epoch != 0 && act->kind != ACT_REISSUE_RING && act->kind != ACT_REISSUE;
        if (act->begun < finding->at + 2 * AROUND && (lasting || act->begun > finding->at - ACTS_BEFORE) &&
            checker_bears(history, act, finding->credential))
            show_act(act, finding->at);
    }
    printf("#   answers about it, in %" PRId64 " ms before and after:\n", AROUND / MILLISECOND);
    answers_each(history->directory, show_answer, &showing);
}

static void show_life(const struct history *history, const struct history_finding *finding)
{
    static const char *const names[MOMENT_KINDS] = {"started", "killed", "stopped", "continued", "restarted", "forked"};
    const struct history_life *life = &history->lives[finding->life];
    printf("#   process %u: slot %u, process ID %d, joined %.3f ms before\n", finding->life, life->slot,
           atomic_load(&life->process), since(finding->at, atomic_load(&life->joined)));
    for (uint32_t i = 0; i < atomic_load(&history->moment_count); i++) {
        const struct history_moment *moment = &history->moments[i];
        if (moment->life == finding->life)
            printf("#     %10.3f ms to %.3f: %s\n", since(moment->before, finding->at),
                   since(moment->after, finding->at), names[moment->kind]);
    }
}

static void show_said(const struct history *history, const struct history_finding *finding)
{
    for (uint32_t i = 0; i < atomic_load(&history->finding_count); i++) {
        const struct history_finding *said = &history->findings[i];
        if (said->rule == RULES && said->at == finding->at && said->life == finding->life)
            printf("#   the verifier said: %s\n", said->text);
    }
}

static void show(const struct history *history, const struct history_finding *finding)
{
    printf("# %s: %s\n", rule_name(finding->rule), finding->text);
    show_said(history, finding);
    if (finding->life != HISTORY_NONE)
        show_life(history, finding);
    if (finding->credential != HISTORY_NONE)
        show_credential(history, finding);
}

void tell_findings(const struct history *history)
{
    unsigned shown[RULES + 1] = {0};
    for (uint32_t i = 0; i < atomic_load(&history->finding_count); i++) {
        const struct history_finding *finding = &history->findings[i];
        if (atomic_load(&finding->ready) && finding->rule < RULES && shown[finding->rule]++ < SHOWN_OF_A_RULE)
            show(history, finding);
    }
    for (enum rule rule = 0; rule < RULES; rule++)
        if (atomic_load(&history->finding_total[rule]) > SHOWN_OF_A_RULE)
            printf("# %s: %u times\n", rule_name(rule), atomic_load(&history->finding_total[rule]));
}
