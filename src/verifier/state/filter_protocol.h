/* SPDX-License-Identifier: Apache-2.0 */
/* When a verifier may use its filter of key IDs, as pure steps. No clock, no I/O, so tests can try every order. Why: fresh/follow_keys.h. */
#ifndef VERIFIER_STATE_FILTER_PROTOCOL_H
#define VERIFIER_STATE_FILTER_PROTOCOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* All zero at first. Only polls change it; requests read `until`. Times are CLOCK_BOOTTIME. */
struct filter_protocol {
    _Atomic(int64_t) until; /* until which requests may use it */
    bool sound;             /* this poll has brought it up to date: what the report states */
    bool announced;         /* the last report states that it may be used */
    bool announced_before;  /* so did the last one before this poll began */
    int64_t heard_from;     /* not after the last report was written */
};

/* At the beginning of a poll, before anything is read. */
void filter_begin_poll(struct filter_protocol *filter);

/* After everything else was applied, and before the report: whether the filter has all keys that the registry had since the poll began. */
void filter_followed(struct filter_protocol *filter, bool sound);

/* The report of the poll that began at look_started_ms was written, with `sound`, no later than written_ms. If it came so late after the former one
 * that an operator may have concluded from the silence that no filter is used, and have handed over what this poll was too early to see, it only shows
 * that the verifier is alive. */
void filter_reported(struct filter_protocol *filter, int64_t look_started_ms, int64_t written_ms);

/* Before another report file is made, and before everything is loaded again. */
void filter_withdraw(struct filter_protocol *filter);

/* boot_ms: read by the request after it began. */
static inline bool filter_may_be_used(const struct filter_protocol *filter, int64_t boot_ms)
{
    return boot_ms < atomic_load(&filter->until);
}

#endif
