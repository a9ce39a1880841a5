/* SPDX-License-Identifier: Apache-2.0 */
/* An act: what the operator wants done, from its beginning to its end, with the locks and the tokens that it needs. */
#ifndef MANAGE_ACT_ACT_H
#define MANAGE_ACT_ACT_H

#include "manage/session/manager.h"

/* Begins an act named `purpose`; with_token also opens the token and finishes what an interrupted act left half done. Ends with
 * manager_end, whatever happened between. SEALRING_REFUSED for a read-only manager.
 *
 * Three locks of the vault's. An act holds vault.work from begin to end, so that one act at a time changes tokens and takes several steps;
 * the registry's own lock, vault.lock, is held for each commit alone, never while a token works. An act that only restricts
 * (manager_begin_restriction) announces itself by vault.urgent, after which every other commit waits for its, and does not need vault.work to
 * commit. So between two steps of an act only restrictions can be committed, and each transaction has to find out by itself whether
 * what it rests on is still so. */
sealring_status manager_begin(sealring_manager *manager, const char *purpose, bool with_token, sealring_error *error);
void manager_end(sealring_manager *manager);

/* The same for an act that sets times, or is decided by the time, and may only be done by a clock that can be right: SEALRING_REFUSED, with what to
 * do, if the wall clock is before the build's date, or before the latest checkpoint (late.c). What only takes something away begins by
 * manager_begin: a wrong clock holds up no revocation. */
sealring_status manager_begin_dated(sealring_manager *manager, const char *purpose, bool with_token,
                                    sealring_error *error);

/* The judgement of manager_begin_dated alone, of the registry as it is: for what is only checked. */
sealring_status manager_check_clock(sealring_manager *manager, sealring_error *error);

/* For an act that uses the token before it begins: opens it, and finishes what was left half done. With dry_run it is only opened. */
sealring_status manager_ready(sealring_manager *manager, const char *purpose, sealring_error *error);

/* For a restriction that uses the token before it begins: opens it, without waiting for another act. */
sealring_status manager_ready_restriction(sealring_manager *manager, const char *purpose, sealring_error *error);

/* The same for an act that takes something away from API keys or versions and must not wait for others. Holds vault.lock. */
sealring_status manager_begin_restriction(sealring_manager *manager, const char *purpose, sealring_error *error);

/* The restriction is committed: lets others commit, and takes vault.work for what follows in the tokens, if it can be had soon. False: it
 * cannot, and what follows is done again, or made up for, by whoever has it or comes next. */
bool manager_restricted(sealring_manager *manager);

/* Between two steps of a long act that rests on nothing but the registry: if somebody restricts something, or has done so since the last
 * call, lets go of vault.work for a moment; *yielded: then whatever was read before must be read again. A failure means that vault.work
 * could not be had again: nothing more can be written. */
sealring_status manager_yield(sealring_manager *manager, bool *yielded, sealring_error *error);

/* The same for an act that ended with `status`: one that was refused, or has to wait, goes on the record as `refused`, and as `alarm` if the
 * token did not confirm what the registry says. about: which act, and of what; its detail is not looked at. error: why, may be
 * NULL. What cannot be recorded is left: nothing was done. */
void manager_end_act(sealring_manager *manager, const struct audit_act *about, sealring_status status,
                     const sealring_error *error);

#endif
