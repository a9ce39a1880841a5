/* SPDX-License-Identifier: Apache-2.0 */
/* When notices are sent: quiet hours, digests, back-off. Pure. */
#ifndef MANAGE_NOTICES_NOTICE_SCHEDULE_H
#define MANAGE_NOTICES_NOTICE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "manage/delivery/notice_settings.h"

#define NOTICE_BACK_OFF_FIRST INT64_C(60000)
#define NOTICE_BACK_OFF_MOST  (INT64_C(6) * 3600000)
#define NOTICE_DEAD_AFTER     (INT64_C(72) * 3600000)

/* When a notice about what happened at `at` may be sent: `now`, or a later time. */
int64_t notice_not_before(const struct notice_settings *settings, bool urgent, int64_t at, int64_t now);

/* How long to wait after that number of attempts, the last of which failed. asked: what the receiver asks for; 0: nothing. */
int64_t notice_back_off(uint32_t attempts, int64_t asked);

#endif
