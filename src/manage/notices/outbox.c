/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of rows of the outbox, before and after their message is sent. */
#include "manage/notices/compose_message.h"

#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "manage/notices/notice_schedule.h"

static sealring_status claim_row(struct registry *registry, const struct outgoing_message *outgoing,
                                 struct registry_notice row, int64_t now, int64_t lease, sealring_error *error)
{
    row.is_in_message = hex_decode(outgoing->message.id, row.message, sizeof row.message);
    row.first = row.attempts == 0 ? now : row.first;
    row.attempts++;
    row.due = now + lease;
    memcpy(row.reason, "being sent", sizeof "being sent");
    return registry_notice_update(registry, &row, error);
}

sealring_status compose_claim(struct registry *registry, const struct outgoing_message *outgoing, int64_t now,
                              int64_t lease, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    if (outgoing->defer > now && !outgoing->sends)
        status = registry_notices_defer(registry, outgoing->client, outgoing->channel, outgoing->defer, error);
    for (size_t i = 0; status == SEALRING_OK && i < outgoing->row_count; i++)
        if (outgoing->fates[i] == OUTGOING_DROPPED)
            status = registry_notice_delete(registry, &outgoing->rows[i], error);
        else if (outgoing->fates[i] == OUTGOING_SENT && outgoing->sends)
            status = claim_row(registry, outgoing, outgoing->rows[i], now, lease, error);
    return status;
}

static sealring_status record_row(struct registry *registry, const struct outgoing_message *outgoing,
                                  struct registry_notice row, int64_t now, sealring_error *error)
{
    const struct send_result *result = &outgoing->result;
    if (outgoing->tried && result->outcome == SEND_DONE)
        return registry_notice_delete(registry, &row, error);
    row.is_in_message = hex_decode(outgoing->message.id, row.message, sizeof row.message);
    if (!outgoing->tried) {
        row.due = now;
        return registry_notice_update(registry, &row, error);
    }
    row.first = row.attempts == 0 ? now : row.first;
    row.attempts++;
    row.due = now + notice_back_off(row.attempts, result->retry_after);
    row.dead = result->outcome == SEND_REFUSED || now - row.first >= NOTICE_DEAD_AFTER;
    (void)snprintf(row.reason, sizeof row.reason, "%.199s", result->reason);
    return registry_notice_update(registry, &row, error);
}

sealring_status compose_record(struct registry *registry, struct outgoing_message *outgoing, int64_t now,
                               sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && outgoing->sends && i < outgoing->row_count; i++)
        if (outgoing->fates[i] == OUTGOING_SENT)
            status = record_row(registry, outgoing, outgoing->rows[i], now, error);
    return status;
}
