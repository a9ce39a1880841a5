/* SPDX-License-Identifier: Apache-2.0 */
/* Before a credential is handed over: waits until no verifier's filter of key IDs can exclude its API key any more. */
#ifndef MANAGE_FLEET_FILTERS_H
#define MANAGE_FLEET_FILTERS_H

#include "manage/session/manager.h"

/* The keys were committed, by whomever, and this process has read or written them at `epoch`. Returns at once if no verifier reports that it uses a
 * filter; usually in some milliseconds, when those that do have rung back; at the latest in watch_silence(WATCH_FILTER_MS), which is 2.5 s: then none
 * can use an old filter, whatever the reports contain, or if they cannot be read. So it cannot fail. Why that is enough: verifier/fresh/follow_keys.h.
 * Outside of any transaction; best without a lock. */
void filters_wait(sealring_manager *manager, uint64_t epoch);

#endif
