/* SPDX-License-Identifier: Apache-2.0 */
/* Corrects a ring's row that somebody edited. */
#ifndef MANAGE_VERSIONS_RING_CORRECTION_H
#define MANAGE_VERSIONS_RING_CORRECTION_H

#include "manage/session/manager.h"

/* An act of its own: the row becomes what the ring's last fact contains, and the log gets an alarm, if the row still differs. alarm: what was
 * corrected, "" for nothing. */
sealring_status ring_correct_row(sealring_manager *manager, const char *ring, char alarm[SEALRING_MESSAGE_SIZE],
                                 sealring_error *error);

#endif
