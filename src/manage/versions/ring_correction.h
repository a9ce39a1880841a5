/* SPDX-License-Identifier: Apache-2.0 */
/* Corrects rows of a ring and of its versions that somebody edited. */
#ifndef MANAGE_VERSIONS_RING_CORRECTION_H
#define MANAGE_VERSIONS_RING_CORRECTION_H

#include "manage/session/manager.h"

/* An act of its own: the rows become what the last facts about them contain, and the log gets an alarm, if a row still differs. alarm: what was
 * corrected, one row of several; "" for nothing. */
sealring_status ring_correct_rows(sealring_manager *manager, const char *ring, char alarm[SEALRING_MESSAGE_SIZE],
                                  sealring_error *error);

/* The same in a writing transaction of the caller, which corrects (struct commit). */
sealring_status ring_write_facts(struct registry *registry, const char *ring, sealring_error *error);

#endif
