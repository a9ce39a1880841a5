/* SPDX-License-Identifier: Apache-2.0 */
/* Before a credential is handed over: waits until no verifier's filter of key IDs can exclude its API key any more. */
#include "manage/fleet/filters.h"

#include "base/clock.h"
#include "bell/bell.h"

#define FILTERS_POLL_MS 20 /* between two polls of the reports, if no verifier rings */

static bool may_exclude(const struct roster *roster, uint64_t epoch, int64_t asked_boot_ms)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct watched watched = roster->entries[i].watched;
        if (watched.epoch > roster->vault.epoch) /* of a registry that was rolled back: it proves nothing */
            watched.epoch = 0;
        if (watch_may_exclude(&watched, roster->vault.era, epoch, asked_boot_ms, roster->boot_ms))
            return true;
    }
    return false;
}

static bool look(sealring_manager *manager, uint64_t epoch, int64_t asked_boot_ms)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, NULL);
    do {
        if (registry_begin(&reading, &status))
            status = manager_read_roster(manager, manager->registry, NULL);
    } while (registry_again(&reading, &status));
    return status == SEALRING_OK && !may_exclude(&manager->roster, epoch, asked_boot_ms);
}

void filters_wait(sealring_manager *manager, uint64_t epoch)
{
    struct bell bell;
    int64_t asked_boot_ms = clock_boot_ms();
    int64_t until = asked_boot_ms + watch_silence(WATCH_FILTER_MS);
    bell_open(&bell, manager->config->reports_bell, BELL_REST_MS);
    for (;;) {
        uint32_t word;
        bool present = bell_read(&bell, &word);
        if (look(manager, epoch, asked_boot_ms))
            break;
        int64_t left = until - clock_boot_ms();
        if (left <= 0)
            break;
        left = left < FILTERS_POLL_MS ? left : FILTERS_POLL_MS;
        if (!present || bell_wait(&bell, word, left) == BELL_ABSENT)
            clock_sleep(left);
    }
    bell_close(&bell);
}
