/* SPDX-License-Identifier: Apache-2.0 */
/* A poll's report, and another report file where the present one cannot be used any more. */
#include "verifier/fresh/poll_report.h"

#include <string.h>

#include "base/error.h"
#include "verifier/fresh/usage_hours.h"

static void point_to_report(struct known_version *version, void *context)
{
    struct verifier *verifier = context;
    struct report_version *former = atomic_load(&version->usage);
    struct report_version *record = report_version(atomic_load(&verifier->report), version->ring->id, version->number);
    /* the evidence of use is carried over, as the lost file may not have been read */
    if (record != NULL && former != NULL && atomic_load(&former->last_use_ms) > 0)
        report_touch_version(record, atomic_load(&former->last_use_ms));
    if (record != NULL)
        atomic_store(&record->proved, atomic_load(&version->proved) ? verifier_proof(verifier) : 0);
    atomic_store(&version->usage, record);
}

/* Keeps the statistics counted so far. What only the lost file contained is lost. */
static void carry_over(struct verifier *verifier, struct report *lost, struct report *fresh)
{
    uint64_t verdicts[SEALRING_VERDICTS], fresh_verdicts[SEALRING_VERDICTS], cached, fresh_cached;
    report_totals(lost, verdicts, &cached);
    report_totals(fresh, fresh_verdicts, &fresh_cached);
    pthread_mutex_lock(&verifier->inserting);
    for (size_t i = 0; i < SEALRING_VERDICTS; i++)
        verifier->verdicts_before[i] = fresh_verdicts[i] - (verdicts[i] - verifier->verdicts_before[i]);
    verifier->cached_before = fresh_cached - (cached - verifier->cached_before);
    atomic_store(&verifier->report, fresh);
    pthread_mutex_unlock(&verifier->inserting);
}

/* The file was removed or renamed, so the operator's side would not read this verifier's reports any more. The verifier takes another
 * file. Threads in a lane may still count in the lost one, so it is released when all threads have left that could have found it: first
 * through the verifier, then through versions and entries. */
static sealring_status renew_report(struct verifier *verifier, sealring_error *error)
{
    struct report *lost = atomic_load(&verifier->report);
    struct report *fresh = NULL;
    filter_withdraw(&verifier->known_keys.protocol);
    sealring_status status = report_join(verifier->setup.reports, verifier->vault_id, &fresh, error);
    if (status == SEALRING_OK)
        status = hours_begin(verifier->looker, fresh, error);
    if (status != SEALRING_OK) {
        report_leave(fresh);
        return status;
    }
    hours_raise(verifier, fresh);
    carry_over(verifier, lost, fresh);
    lanes_wait(verifier->lanes);
    snapshot_each(atomic_load(&verifier->snapshot), point_to_report, verifier);
    cache_forget_hours(verifier->cache, UINT32_MAX);
    lanes_wait(verifier->lanes);
    hours_settle(verifier, fresh);
    report_leave(lost);
    return SEALRING_OK;
}

/* Called before a report is written: if the file changed after it, this verifier would serve on a lease whose report nobody reads. */
static sealring_status step_back(struct verifier *verifier, sealring_error *error)
{
    if (!hours_are_ahead(verifier, verifier->wall_ms))
        return SEALRING_OK;
    sealring_status status = renew_report(verifier, error);
    if (status == SEALRING_OK)
        messages_add(verifier->messages, SEALRING_LOG_WARNING,
                     "the wall clock was set back: uses are counted in another report file in %s from now on",
                     verifier->setup.reports);
    return status;
}

static void tell_alarms(struct verifier *verifier)
{
    char text[REPORT_ALARM_SIZE], notice[VERIFIER_NOTICE_SIZE];
    const struct verifier_setup *setup = &verifier->setup;
    if (setup->token_notice != NULL && setup->token_notice(setup->token_notice_context, notice, sizeof notice))
        messages_add(verifier->messages, SEALRING_LOG_ALARM, "%s", notice);
    uint64_t alarms = messages_alarms(verifier->messages, text, sizeof text);
    report_tell_alarms(atomic_load(&verifier->report), alarms, text);
}

sealring_status poll_report(const struct look *look, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    struct report_look written = {
        .epoch = verifier->protocol.epoch,
        .boot_ms = verifier->protocol.look_started,
        .wall_ms = verifier->protocol.look_wall,
        .lease_ms = look->vault.lease_ms,
        .has_closed = true,
        .closed_count = verifier->closed.sound.count,
        .filter = verifier->known_keys.protocol.sound,
    };
    memcpy(written.era, verifier->protocol.era, sizeof written.era);
    memcpy(written.closed_hash, verifier->closed.sound.head, sizeof written.closed_hash);
    sealring_status status = step_back(verifier, error);
    if (status == SEALRING_OK)
        tell_alarms(verifier);
    if (status != SEALRING_OK || report_write(atomic_load(&verifier->report), &written))
        return status;
    status = renew_report(verifier, error);
    if (status != SEALRING_OK)
        return status;
    messages_add(
        verifier->messages, SEALRING_LOG_WARNING,
        "the report file in %s was removed: there is another one now, but what the verifier had counted is lost; "
        "leave the files there alone",
        verifier->setup.reports);
    if (!report_write(atomic_load(&verifier->report), &written))
        status = error_set(error, SEALRING_SYSTEM, "the report file in %s is being removed again and again",
                           verifier->setup.reports);
    return status;
}
