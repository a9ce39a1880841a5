/* SPDX-License-Identifier: Apache-2.0 */
/* An act is what the operator wants done: from its beginning to its end, with the locks and the tokens that it needs. */
#ifndef MANAGE_ACT_ACT_H
#define MANAGE_ACT_ACT_H

#include "manage/session/manager.h"

/* Begins an act named `purpose`. with_token also opens the token and finishes what an interrupted act left incomplete. manager_end ends the act,
 * whatever happened in between. SEALRING_REFUSED for a read-only manager.
 *
 * The vault has three locks. An act holds vault.work from begin to end, so that one act at a time changes tokens and takes several steps. The
 * registry's own lock, vault.lock, is held only for each commit, never while a token works. An act that only restricts (manager_begin_restriction)
 * announces itself through vault.urgent. Every other commit then waits for the restriction's commit, which does not need vault.work. So between two
 * steps of an act only restrictions can be committed, and each transaction must check again whether its preconditions still hold. */
sealring_status manager_begin(sealring_manager *manager, const char *purpose, bool with_token, sealring_error *error);
void manager_end(sealring_manager *manager);

/* As manager_begin, for an act that sets times or whose decision depends on the time, and which needs a wall clock that can be right.
 * SEALRING_REFUSED, with what to do, if the wall clock is before the build's date or before the latest checkpoint (clock_check.c). An act that only takes
 * something away begins with manager_begin, so that a wrong clock never delays a revocation. */
sealring_status manager_begin_dated(sealring_manager *manager, const char *purpose, bool with_token,
                                    sealring_error *error);

/* As manager_begin without the token, and without a write before the act's own: the registry may be of an older schema, which the first write
 * changes. */
sealring_status manager_begin_upgrade(sealring_manager *manager, const char *purpose, sealring_error *error);

/* Only the clock check of manager_begin_dated, on the registry as it is: for callers that check without acting. */
sealring_status manager_check_clock(sealring_manager *manager, sealring_error *error);

/* For an act that uses the token before it begins: opens the token and finishes what was left incomplete. With dry_run it only opens the token. */
sealring_status manager_ready(sealring_manager *manager, const char *purpose, sealring_error *error);

/* For a restriction that uses the token before it begins: opens the token without waiting for another act. */
sealring_status manager_ready_restriction(sealring_manager *manager, const char *purpose, sealring_error *error);

/* As manager_begin, for an act that takes something away from API keys or versions and must not wait for others. Holds vault.lock. If a take-over
 * is still to be done, this is manager_begin. */
sealring_status manager_begin_restriction(sealring_manager *manager, const char *purpose, sealring_error *error);

/* After the restriction's commit: lets others commit, and takes vault.work for the steps in the tokens if it is available soon. False: it is not
 * available. Then the process that holds vault.work, or the next act, repeats or completes those steps. */
bool manager_restricted(sealring_manager *manager);

/* Between two steps of a long act that depends on nothing but the registry: if another process is restricting something, or has done so since the
 * last call, releases vault.work for a moment. *yielded: this happened, and everything that was read before must be read again. A failure means
 * that vault.work could not be taken again: nothing more can be written. */
sealring_status manager_yield(sealring_manager *manager, bool *yielded, sealring_error *error);

/* As manager_end, for an act that ended with `status`. An act that was refused or has to wait is recorded in the audit log as `refused`, or as
 * `alarm` if the token did not confirm a registry row. about: the act and its object; its detail is ignored. error: the reason, may be NULL. If the
 * entry cannot be written, there is no entry: the act changed nothing. */
void manager_end_act(sealring_manager *manager, const struct audit_act *about, sealring_status status,
                     const sealring_error *error);

#endif
