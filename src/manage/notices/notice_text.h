/* SPDX-License-Identifier: Apache-2.0 */
/* What a message contains: JSON for webhooks and hooks, subject and text for mail. Pure. */
#ifndef MANAGE_NOTICES_NOTICE_TEXT_H
#define MANAGE_NOTICES_NOTICE_TEXT_H

#include <stdbool.h>

#include "manage/notices/notice_channel.h"

/* Makes json, subject and text from the other members. False: no memory. */
bool notice_text_make(struct notice_message *message);
void notice_text_release(struct notice_message *message);

#endif
