/* SPDX-License-Identifier: Apache-2.0 */
/* Looks into the report files, as they are, without asking the product's own barrier. */
#include "soak/barrier.h"

#include <string.h>

#include "verifier/report/report.h"

#define MILLISECOND INT64_C(1000000)

struct check {
    struct history *history;
    uint32_t credential;
    const struct history_credential *about;
    bool proved;
};

static sealring_status take_version(const struct report_version *record, uint32_t cell, void *context)
{
    (void)cell;
    struct check *check = context;
    const struct history *history = check->history;
    if (record->ring == history->ring_rows[check->about->ring] && record->number == check->about->version)
        check->proved = atomic_load(&record->proved) != 0;
    return SEALRING_OK;
}

static bool is_serving(const struct report_reader *reader, const struct report_summary *summary)
{
    return summary->state == REPORT_SERVING && summary->number > 0 && report_read_is_held(reader) &&
           (summary->look.boot_ms + summary->look.lease_ms) * MILLISECOND > history_now();
}

/* A verifier that left or ended meanwhile, or that joined in its place, is none that was serving all the time. */
static void check_file(struct check *check, const struct report_reader *reader)
{
    struct report_summary before;
    struct report_summary after;
    uint64_t damaged;
    check->proved = false;
    if (report_read_summary(reader, &before, NULL) != SEALRING_OK || !is_serving(reader, &before))
        return;
    if (report_read_each(reader, take_version, NULL, check, &damaged) != SEALRING_OK || check->proved)
        return;
    if (report_read_summary(reader, &after, NULL) != SEALRING_OK || !is_serving(reader, &after) ||
        memcmp(before.instance, after.instance, sizeof before.instance) != 0)
        return;
    history_add_finding(check->history, RULE_BARRIER, check->credential, HISTORY_NONE, 0,
                        "process %lld serves, and has not proved version %u of ring %s", (long long)after.process,
                        check->about->version, check->history->ring_names[check->about->ring]);
}

static sealring_status read_file(const char *path, void *context)
{
    struct report_reader *reader = NULL;
    if (report_read_open(path, &reader, NULL) == SEALRING_OK)
        check_file(context, reader);
    report_read_close(reader);
    return SEALRING_OK;
}

void barrier_check(struct history *history, uint32_t credential)
{
    struct check check = {history, credential, &history->credentials[credential], false};
    (void)report_each_path(history->verifiers, read_file, &check, NULL);
}
