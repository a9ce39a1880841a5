/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of all issued key IDs: built beside requests, brought up to date by each poll, and used only while it certainly is. */
#ifndef VERIFIER_FRESH_FOLLOW_KEYS_H
#define VERIFIER_FRESH_FOLLOW_KEYS_H

#include "verifier/state/verifier_state.h"

/* What must hold: from when a credential is handed over, no verifier answers that its key ID is unknown (P2). A filter answers without asking the
 * registry, so both sides take care of that.
 *
 * The verifier. (V1) It uses its filter only until WATCH_FILTER_MS after the beginning of a poll that was followed by a reading of all newer keys and
 * by a report. Each request compares that with a clock that it has read itself, after it began: so a process that was stopped, or a thread that polls
 * no more, leaves no filter in use. (V2) A report that contains an epoch states "filter" only if the keys of that epoch are in the filter. (V3) Its
 * reports state "filter" one poll before the filter is used: the poll after which it is used began after such a report. (V4) A
 * report that comes WATCH_FILTER_MS or more after the former one extends no use: see filter_reported. (V5) It ends the use before
 * it writes a report without "filter", and before it takes another report file.
 *
 * The operator's side commits the key, then reads the reports until for each verifier one of these holds, and then hands over (manage/fleet/filters.c).
 * Let the request begin after the hand-over.
 * - Its report does not state "filter". If it uses a filter when the request comes, then by V3 and V5 after a poll that began after a report that was
 *   written after this reading: that poll's reading of the keys began after the commit.
 * - Its report contains the commit's epoch and era. By V2 the key was in the filter then, and a filter loses nothing.
 * - watch_silence(WATCH_FILTER_MS) has passed since the commit, or since this process saw its last report. By V1 and V4 the filter is not
 *   used, or after a poll that began after the commit. Both sides measure durations only, each on its own CLOCK_BOOTTIME, which goes on while the host is suspended; the
 *   margin covers clocks that differ by 1 %, and the rounding.
 * - No process holds its report file: it has ended. A forked child does not inherit its parent's filter: its verifier is a new one, with a new report.
 *
 * So the bell decides nothing. It only makes waiting short, and a verifier without a working bell, or without maintenance threads, uses no filter, so that
 * nobody has to wait for its polls. After a fence (another era, another file) the filter is used only when all keys were read again; what it has stays,
 * as a key ID too many costs one question to the registry. A row that was inserted by other means than sealring's, below rows that were read already, is
 * found by the next of the passes over all keys. */

/* Before the maintenance threads start: there is no filter without them. */
void keys_want(struct verifier *verifier);

/* Before a poll, by the polling thread: whether the bell works as far as that is known. */
void keys_hear(struct verifier *verifier);

/* With `looking` held, in a poll: after everything else was applied, and before the report. */
void keys_follow(struct verifier *verifier);

/* With `looking` held: a fence. The filter is not used until all keys were read again. */
void keys_forget(struct verifier *verifier);

/* Whether there is a page to read. */
bool keys_are_due(struct verifier *verifier);

/* Reads one page of keys if there is something to read, on a connection of its own. True: there is more. The proving thread calls it. */
bool keys_build_some(struct verifier *verifier);

#endif
