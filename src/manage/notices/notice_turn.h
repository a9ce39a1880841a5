/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of one turn of sending. */
#ifndef MANAGE_NOTICES_NOTICE_TURN_H
#define MANAGE_NOTICES_NOTICE_TURN_H

#include "manage/session/manager.h"

/* Whether there is something to derive: a turn that finds nothing new only reads. */
sealring_status notices_find_work(sealring_manager *manager, bool *work, sealring_error *error);

/* In an act: adds to the outbox what follows from the log and the times since the last call. alarm: one line for the operator, "" for nothing. */
sealring_status notices_derive(sealring_manager *manager, char alarm[SEALRING_MESSAGE_SIZE], sealring_error *error);

#endif
