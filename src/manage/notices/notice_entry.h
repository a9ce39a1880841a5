/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a row of the outbox follows from the entry of the log that it names. */
#ifndef MANAGE_NOTICES_NOTICE_ENTRY_H
#define MANAGE_NOTICES_NOTICE_ENTRY_H

#include "manage/session/manager.h"
#include "registry/notices/outbox_rows.h"

enum notice_truth {
    NOTICE_TRUE,
    NOTICE_PAST,     /* it was true, or there is nobody to notify: it is dropped */
    NOTICE_UNSIGNED, /* no checkpoint covers it yet: it waits */
    NOTICE_FALSE     /* it does not follow from anything: somebody wrote it */
};

/* In a transaction of an act. */
sealring_status notice_check_entry(sealring_manager *manager, const struct registry_notice *row, const char *ring,
                                   const char *client, enum notice_truth *truth, sealring_error *error);

#endif
