/* SPDX-License-Identifier: Apache-2.0 */
/* When a verifier may use its filter of key IDs, as pure steps. */
#include "verifier/state/filter_protocol.h"

#include "lifecycle/verifier_liveness.h"

void filter_begin_poll(struct filter_protocol *filter)
{
    filter->announced_before = filter->announced;
    filter->sound = false;
}

void filter_followed(struct filter_protocol *filter, bool sound)
{
    filter->sound = sound;
    if (!sound)
        atomic_store(&filter->until, 0); /* before a report states so */
}

void filter_reported(struct filter_protocol *filter, int64_t look_started_ms, int64_t written_ms)
{
    bool in_time = written_ms - filter->heard_from < WATCH_FILTER_MS;
    filter->announced = filter->sound;
    filter->heard_from = look_started_ms; /* the report was written after that */
    if (filter->sound && filter->announced_before && in_time)
        atomic_store(&filter->until, look_started_ms + WATCH_FILTER_MS);
}

void filter_withdraw(struct filter_protocol *filter)
{
    atomic_store(&filter->until, 0);
    filter->announced = filter->announced_before = false;
}
