/* SPDX-License-Identifier: Apache-2.0 */
/* What reports and silence say about verifiers: who may be serving, who goes by a change. */
#include "lifecycle/watch.h"

#include <string.h>

#define SILENCE_PERCENT   1
#define SILENCE_MARGIN_MS 1000

static int64_t add_capped(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t watch_silence(int64_t lease_ms)
{
    if (lease_ms < 0)
        lease_ms = 0;
    int64_t percent = lease_ms / 100 * SILENCE_PERCENT + (lease_ms % 100 > 0 ? 1 : 0);
    return add_capped(add_capped(lease_ms, percent), SILENCE_MARGIN_MS);
}

/* What is no matter of time: it ended for good. */
static bool has_ended(const struct watched *watched)
{
    return watched->taken_over || watched->concluded || watched->other_boot || !watched->seen_this_boot ||
           (watched->file_there && (watched->left || watched->dead));
}

int64_t watch_serves_until(const struct watched *watched, int64_t boot_ms, int64_t lease_ms)
{
    if (has_ended(watched))
        return boot_ms;
    /* a number that was not seen before is seen now */
    bool fresh = watched->file_there && watched->number != watched->seen_number;
    return add_capped(fresh ? boot_ms : watched->seen_boot_ms, watch_silence(lease_ms));
}

bool watch_is_over(const struct watched *watched, int64_t boot_ms, int64_t lease_ms)
{
    return has_ended(watched) || watch_serves_until(watched, boot_ms, lease_ms) <= boot_ms;
}

sealring_verifier_state watch_state(const struct watched *watched, int64_t boot_ms, int64_t lease_ms)
{
    if (watched->file_there && watched->left)
        return SEALRING_VERIFIER_LEFT;
    if (has_ended(watched))
        return SEALRING_VERIFIER_DEAD;
    if (!watched->file_there)
        return SEALRING_VERIFIER_LOST;
    if (watch_is_over(watched, boot_ms, lease_ms))
        return SEALRING_VERIFIER_SILENT;
    return watched->joining ? SEALRING_VERIFIER_JOINING : SEALRING_VERIFIER_SERVING;
}

bool watch_goes_by(const struct watched *watched, const uint8_t era[WATCH_ID_SIZE], uint64_t epoch,
                   int64_t committed_boot_ms, int64_t boot_ms, int64_t lease_ms)
{
    if (watch_is_over(watched, boot_ms, lease_ms))
        return true;
    /* whatever it looked at before the commit is worth nothing by now */
    if (committed_boot_ms > 0 && boot_ms >= add_capped(committed_boot_ms, watch_silence(lease_ms)))
        return true;
    return watched->file_there && !watched->joining && watched->epoch >= epoch &&
           memcmp(watched->era, era, WATCH_ID_SIZE) == 0;
}

void watch_testify(const struct watched *watched, const struct watch_account *account, int64_t now, int64_t boot_ms,
                   int64_t lease_ms, struct lifecycle_verifier *verifier)
{
    bool over = watch_is_over(watched, boot_ms, lease_ms);
    bool silent = over && !has_ended(watched); /* it may come back, and goes on counting in its file then */

    verifier->epoch = watched->file_there && !watched->joining ? watched->epoch : 0;
    verifier->lease_over = over;
    verifier->joined = account->joined;
    verifier->stopped = over && !silent ? (account->ended != 0 ? account->ended : now) : 0;
    verifier->last_use = account->last_use > account->hole ? account->last_use : account->hole;
    verifier->reports_from = account->joined;
    if (watched->file_there)
        verifier->reports_until = account->counted ? now : 0; /* it is read as it is now, whatever its verifier does */
    else
        verifier->reports_until = has_ended(watched) ? now : account->last_report;
}
