/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and facts that no checkpoint covers and the operator's side did not write: adopted, refused, or confirmed by an operator. */
#ifndef MANAGE_ACT_FOREIGN_TAIL_H
#define MANAGE_ACT_FOREIGN_TAIL_H

#include "manage/session/manager.h"

/* Under vault.work. Checks facts and entries: restrictions of API keys are adopted with an alarm, anything else is refused unless the operator takes over.
 * *takes_over: the registry contradicts the anchor, and nothing is written before that is announced; set if
 * something is missing that the operator gives up. */
sealring_status tail_check(sealring_manager *manager, bool *takes_over, sealring_error *error);

/* Before the commit that begins the era: what was examined belongs to it, also for later processes. */
sealring_status tail_note_era(sealring_manager *manager, const uint8_t era[REGISTRY_ID_SIZE], sealring_error *error);

/* Announces the take-over to the audit token, notes the new era, and begins it. */
sealring_status tail_take_over(sealring_manager *manager, sealring_error *error);

/* What --take-over did, for the operator: the act itself reports only its own result. */
void tail_note(sealring_manager *manager, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
