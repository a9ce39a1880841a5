/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from reports and silence about verifiers: which may be serving, which have applied a change. */
#include "lifecycle/verifier_liveness.h"

#include <string.h>

#include "base/capped.h"

#define SILENCE_PERCENT   1
#define SILENCE_MARGIN_MS 1000

int64_t watch_silence(int64_t lease_ms)
{
    if (lease_ms < 0)
        lease_ms = 0;
    int64_t percent = lease_ms / 100 * SILENCE_PERCENT + (lease_ms % 100 > 0 ? 1 : 0);
    return capped_add(capped_add(lease_ms, percent), SILENCE_MARGIN_MS);
}

/* Returns whether this process knows that the verifier ended permanently, by what it sees or saw itself. The lock is checked first: if
 * it is held, nothing else matters. */
static bool is_found_ended(const struct watched *watched)
{
    return !watched->held && (watched->file_there || watched->taken_over || watched->own.ended != 0);
}

/* Returns whether the verifier ended, without regard to time. The row is used last, and not for a verifier that this process saw alive. */
static bool has_ended(const struct watched *watched)
{
    return is_found_ended(watched) || (!watched->held && watched->concluded && !watched->own.alive);
}

/* Returns whether the verifier may have reported since the last poll, or this is the first poll: then its silence begins again. If its
 * file is held and cannot be read, it may continue to report there. */
static bool is_news(const struct watched *watched)
{
    const struct watch_memory *own = &watched->own;
    if (!own->seen || own->without_file == watched->file_there)
        return true;
    return watched->file_there ? own->number != watched->number : watched->held || own->held;
}

int64_t watch_serves_until(const struct watched *watched, int64_t boot_ms, int64_t lease_ms)
{
    if (has_ended(watched))
        return boot_ms;
    return capped_add(is_news(watched) ? boot_ms : watched->own.since_boot_ms, watch_silence(lease_ms));
}

bool watch_is_over(const struct watched *watched, int64_t boot_ms, int64_t lease_ms)
{
    return has_ended(watched) || watch_serves_until(watched, boot_ms, lease_ms) <= boot_ms;
}

sealring_verifier_state watch_state(const struct watched *watched, int64_t boot_ms, int64_t lease_ms)
{
    if (has_ended(watched) && watched->forgotten)
        return SEALRING_VERIFIER_FORGOTTEN;
    if (has_ended(watched))
        return watched->file_there && watched->left ? SEALRING_VERIFIER_LEFT : SEALRING_VERIFIER_DEAD;
    if (!watched->file_there)
        return SEALRING_VERIFIER_LOST;
    if (watch_is_over(watched, boot_ms, lease_ms))
        return SEALRING_VERIFIER_SILENT;
    return watched->joining ? SEALRING_VERIFIER_JOINING : SEALRING_VERIFIER_SERVING;
}

static void observe(struct watched *watched, int64_t boot_ms)
{
    struct watch_memory *own = &watched->own;
    if (is_news(watched))
        own->since_boot_ms = boot_ms;
    own->seen = true;
    own->without_file = !watched->file_there;
    own->number = watched->file_there ? watched->number : own->number;
    own->held = watched->held;
    own->alive = own->alive || watched->held;
}

/* A file of another boot may lack what had not reached the disk, and a missing file everything after it was last read. The boot ID may
 * differ only because a container has its own; a process that saw the verifier alive knows better. */
static bool may_lack_uses(const struct watched *watched)
{
    if (!watched->file_there && !watched->taken_over)
        return true;
    return watched->other_boot && !watched->own.alive;
}

/* The row's contents stay, unless this process saw the verifier alive after they were written. */
static void conclude(struct watched *watched, int64_t now, struct watch_end *end)
{
    bool outdated = watched->own.alive && watched->own.ended == 0 && !watched->forgotten;
    if (end->ended != 0 && !outdated)
        return;
    end->ended = watched->own.ended != 0 ? watched->own.ended : now;
    end->hole = may_lack_uses(watched) ? end->ended : 0;
}

sealring_verifier_state watch_look(struct watched *watched, int64_t boot_ms, int64_t now, int64_t lease_ms,
                                   struct watch_end *end)
{
    observe(watched, boot_ms);
    sealring_verifier_state state = watch_state(watched, boot_ms, lease_ms);
    bool lost_for_good = state == SEALRING_VERIFIER_LOST && watch_is_over(watched, boot_ms, lease_ms);
    if (has_ended(watched) || lost_for_good) {
        conclude(watched, now, end);
        if (is_found_ended(watched) || lost_for_good)
            watched->own.ended = end->ended;
    } else {
        /* it may serve, whatever was concluded or written before */
        *end = (struct watch_end){.ended = 0};
        watched->own.ended = 0;
    }
    return state;
}

bool watch_is_deceived(const struct watched *watched, int64_t committed_boot_ms, int64_t boot_ms, int64_t lease_ms)
{
    int64_t reported = is_news(watched) ? boot_ms : watched->own.since_boot_ms;
    return watched->behind && watched->file_there && committed_boot_ms > 0 &&
           reported >= capped_add(committed_boot_ms, lease_ms);
}

bool watch_goes_by(const struct watched *watched, const uint8_t era[WATCH_ID_SIZE], uint64_t epoch,
                   int64_t committed_boot_ms, int64_t boot_ms, int64_t lease_ms)
{
    if (watch_is_over(watched, boot_ms, lease_ms))
        return true;
    /* anything that it polled before the commit is invalid by now */
    if (committed_boot_ms > 0 && boot_ms >= capped_add(committed_boot_ms, watch_silence(lease_ms)))
        return !watch_is_deceived(watched, committed_boot_ms, boot_ms, lease_ms);
    return !watched->behind && watched->file_there && !watched->joining && watched->epoch >= epoch &&
           memcmp(watched->era, era, WATCH_ID_SIZE) == 0;
}

/* A verifier uses its filter for WATCH_FILTER_MS after the beginning of a poll, so when that time has passed since the key was there, or since its
 * last report was seen, the filter has the key or is not used. A verifier without a readable file may use one. */
bool watch_may_exclude(const struct watched *watched, const uint8_t era[WATCH_ID_SIZE], uint64_t epoch,
                       int64_t asked_boot_ms, int64_t boot_ms)
{
    if (watch_is_over(watched, boot_ms, WATCH_FILTER_MS) ||
        boot_ms >= capped_add(asked_boot_ms, watch_silence(WATCH_FILTER_MS)))
        return false;
    if (!watched->file_there)
        return true;
    return watched->filter && (watched->epoch < epoch || memcmp(watched->era, era, WATCH_ID_SIZE) != 0);
}

void watch_testify(const struct watched *watched, const struct watch_account *account, int64_t now, int64_t boot_ms,
                   int64_t lease_ms, struct lifecycle_verifier *verifier)
{
    bool over = watch_is_over(watched, boot_ms, lease_ms);
    bool silent = over && !has_ended(watched); /* it may come back, and then continues to count in its file */

    verifier->epoch = watched->file_there && !watched->joining ? watched->epoch : 0;
    verifier->facts = verifier->epoch != 0 ? watched->facts : 0;
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
