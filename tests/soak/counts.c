/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of answers held against what usage lists and report files say: by credential, by version, and by verdict. */
#include "soak/counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/report/report.h"

static const char *const use_names[USES] = {"accepted", "not yet valid", "expired", "suspended", "scope", "closed"};

bool counts_new(const struct history *history, struct counts *counts)
{
    memset(counts, 0, sizeof *counts);
    counts->credentials = calloc(history->limits.credentials, sizeof *counts->credentials);
    counts->cut = calloc(history->limits.credentials, sizeof *counts->cut);
    counts->versions = calloc(HISTORY_RINGS, sizeof *counts->versions);
    return counts->credentials != NULL && counts->cut != NULL && counts->versions != NULL;
}

void counts_free(struct counts *counts)
{
    free(counts->credentials);
    free(counts->cut);
    free(counts->versions);
    memset(counts, 0, sizeof *counts);
}

static enum use use_of(sealring_verdict verdict)
{
    switch (verdict) {
    case SEALRING_ACCEPTED:
        return USE_ACCEPTED;
    case SEALRING_REJECTED_NOT_YET_VALID:
        return USE_NOT_YET_VALID;
    case SEALRING_REJECTED_EXPIRED:
        return USE_EXPIRED;
    case SEALRING_REJECTED_SUSPENDED:
        return USE_SUSPENDED;
    case SEALRING_REJECTED_SCOPE:
        return USE_SCOPE;
    default:
        return USE_CLOSED;
    }
}

static bool is_use(sealring_verdict verdict)
{
    return verdict == SEALRING_ACCEPTED ||
           (verdict >= SEALRING_REJECTED_NOT_YET_VALID && verdict <= SEALRING_REJECTED_SCOPE);
}

void counts_answer(struct counts *counts, const struct answer *answer)
{
    sealring_verdict verdict = (sealring_verdict)atomic_load_explicit(&answer->verdict, memory_order_relaxed);
    if (verdict == SEALRING_UNDECIDED) {
        counts->cut[answer->credential]++;
        counts->cuts++;
        return;
    }
    counts->verdicts[verdict]++;
    if (is_use(verdict))
        counts->credentials[answer->credential][use_of(verdict)]++;
}

/* ---- what the operator's side says ---- */

struct reading {
    const struct history *history;
    struct counts *counts;
};

static uint32_t find(const struct history *history, const char *key_id, uint32_t serial)
{
    for (uint32_t i = 0; i < atomic_load(&history->credential_count); i++) {
        const struct history_credential *credential = &history->credentials[i];
        if (credential->serial == serial && strcmp(history->keys[credential->key].key_id, key_id) == 0)
            return i;
    }
    return HISTORY_NONE;
}

static int take_usage(const sealring_usage_info *info, void *context)
{
    const struct reading *reading = context;
    uint32_t index = find(reading->history, info->key_id, info->serial);
    if (index == HISTORY_NONE) {
        reading->counts->strange++;
        return 0;
    }
    uint64_t *uses = reading->counts->credentials[index];
    uses[USE_ACCEPTED] += info->accepted;
    uses[USE_NOT_YET_VALID] += info->not_yet_valid;
    uses[USE_EXPIRED] += info->expired;
    uses[USE_SUSPENDED] += info->suspended;
    uses[USE_SCOPE] += info->scope;
    uses[USE_CLOSED] += info->closed;
    return 0;
}

static sealring_status take_version(const struct report_version *record, uint32_t cell, void *context)
{
    (void)cell;
    const struct reading *reading = context;
    for (size_t ring = 0; ring < HISTORY_RINGS; ring++) {
        if (reading->history->ring_rows[ring] != record->ring || record->number >= HISTORY_VERSIONS)
            continue;
        uint64_t *uses = reading->counts->versions[ring][record->number];
        for (unsigned verdict = 1; verdict < SEALRING_VERDICTS; verdict++)
            uses[use_of((sealring_verdict)verdict)] += atomic_load(&record->uncached[verdict]);
    }
    return SEALRING_OK;
}

static sealring_status read_file(const char *path, void *context)
{
    const struct reading *reading = context;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    uint64_t damaged = 0;
    sealring_status status = report_read_open(path, &reader, NULL);
    if (status == SEALRING_OK)
        status = report_read_summary(reader, &summary, NULL);
    if (status == SEALRING_OK)
        status = report_read_each(reader, take_version, NULL, context, &damaged);
    if (status == SEALRING_OK) {
        reading->counts->without_detail += summary.without_detail;
        reading->counts->strange += damaged;
        for (unsigned verdict = 0; verdict < SEALRING_VERDICTS; verdict++)
            reading->counts->verdicts[verdict] += summary.verdicts[verdict];
    }
    report_read_close(reader);
    return status;
}

bool counts_read(const struct history *history, sealring_manager *manager, struct counts *counts, sealring_error *error)
{
    struct reading reading = {history, counts};
    return sealring_usage_list(manager, NULL, take_usage, &reading, error) == SEALRING_OK &&
           report_each_path(history->verifiers, read_file, &reading, error) == SEALRING_OK;
}

/* ---- the two together ---- */

static void complain(struct history *history, uint32_t credential, const char *what, uint64_t answered, uint64_t cut,
                     uint64_t reported)
{
    history_add_finding(history, RULE_COUNTS, credential, HISTORY_NONE, 0,
                        "%s: %llu answered, %llu cut by a kill, %llu counted", what, (unsigned long long)answered,
                        (unsigned long long)cut, (unsigned long long)reported);
}

static bool agrees(uint64_t answered, uint64_t cut, uint64_t reported)
{
    return reported >= answered && reported <= answered + cut;
}

/* What is accepted has a record of its own always; of what is closed and not remembered any more, only its version has. */
static void compare_credential(struct history *history, uint32_t index, const struct counts *answered,
                               const struct counts *reported)
{
    const uint64_t *uses = answered->credentials[index];
    const uint64_t *counted = reported->credentials[index];
    uint64_t cut = answered->cut[index];
    for (enum use use = 0; use < USES; use++) {
        bool good = use == USE_ACCEPTED ? agrees(uses[use], cut, counted[use]) : counted[use] <= uses[use] + cut;
        if (!good)
            complain(history, index, use_names[use], uses[use], cut, counted[use]);
    }
}

static void add_to_version(const struct history *history, const struct counts *answered, const struct counts *reported,
                           uint32_t index, uint64_t (*sums)[3][USES])
{
    const struct history_credential *credential = &history->credentials[index];
    uint64_t(*sum)[USES] = sums[credential->version];
    for (enum use use = 0; use < USES; use++) {
        sum[0][use] += answered->credentials[index][use];
        sum[1][use] += answered->cut[index];
        sum[2][use] += reported->credentials[index][use];
    }
}

static void compare_versions(struct history *history, uint32_t ring, const struct counts *answered,
                             const struct counts *reported)
{
    char what[80];
    uint64_t(*sums)[3][USES] = calloc(HISTORY_VERSIONS, sizeof *sums);
    for (uint32_t i = 0; sums != NULL && i < atomic_load(&history->credential_count); i++)
        if (history->credentials[i].ring == ring)
            add_to_version(history, answered, reported, i, sums);
    for (uint32_t version = 0; sums != NULL && version < HISTORY_VERSIONS; version++)
        for (enum use use = 0; use < USES; use++) {
            uint64_t counted = sums[version][2][use] + reported->versions[ring][version][use];
            if (agrees(sums[version][0][use], sums[version][1][use], counted))
                continue;
            snprintf(what, sizeof what, "version %u of ring %s, %s", version, history->ring_names[ring],
                     use_names[use]);
            complain(history, HISTORY_NONE, what, sums[version][0][use], sums[version][1][use], counted);
        }
    if (sums == NULL)
        complain(history, HISTORY_NONE, "no memory", 0, 0, 0);
    free(sums);
}

void counts_compare(struct history *history, const struct counts *answered, const struct counts *reported)
{
    for (uint32_t i = 0; i < atomic_load(&history->credential_count); i++)
        compare_credential(history, i, answered, reported);
    for (uint32_t ring = 0; ring < HISTORY_RINGS; ring++)
        compare_versions(history, ring, answered, reported);
    for (unsigned verdict = 1; verdict < SEALRING_UNAVAILABLE; verdict++)
        if (!agrees(answered->verdicts[verdict], answered->cuts, reported->verdicts[verdict]))
            complain(history, HISTORY_NONE, sealring_verdict_name((sealring_verdict)verdict),
                     answered->verdicts[verdict], answered->cuts, reported->verdicts[verdict]);
    if (reported->without_detail > 0 || reported->strange > 0)
        complain(history, HISTORY_NONE, "records that are missing, damaged or of nobody", 0, 0,
                 reported->without_detail + reported->strange);
}
