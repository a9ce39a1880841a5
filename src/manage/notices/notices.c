/* SPDX-License-Identifier: Apache-2.0 */
/* One turn: derives what is new, sends what is due, records what became of it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "manage/act/act.h"
#include "manage/notices/notice_text.h"
#include "manage/notices/notice_turn.h"
#include "manage/notices/send_message.h"
#include "registry/rows/client_notices.h"

#define BATCH_MESSAGES 32              /* sent between two acts */
#define LEASE_MS       INT64_C(180000) /* nobody else sends a message meanwhile: longer than a turn takes */
#define DAMAGED_MS     INT64_C(3600000)
#define SEND_MS        INT64_C(10000)
#define HOOKS_MS       INT64_C(30000)
#define TURN_MS        INT64_C(30000)

struct notice_turn {
    sealring_manager *manager;
    sealring_notices_callback each;
    void *context;
    sealring_notices_result result;
    int64_t until; /* since boot */
    bool tried;    /* to send a message */
    struct message_senders senders;
    struct outgoing_message batch[BATCH_MESSAGES];
    size_t count;
    struct registry_notice place; /* the last one that was composed in this turn */
    sealring_error *error;
};

static sealring_status report(struct notice_turn *turn, const sealring_notices_report *line)
{
    if (turn->each == NULL || turn->each(line, turn->context) == 0)
        return SEALRING_OK;
    return error_set(turn->error, SEALRING_REFUSED, "stopped by the caller");
}

static sealring_status report_alarm(struct notice_turn *turn, const char *client, const char *text)
{
    const sealring_notices_report line = {
        .size = sizeof line, .client = client, .state = SEALRING_SEND_ALARM, .text = text};
    (void)snprintf(turn->manager->correction, sizeof turn->manager->correction, "%.*s",
                   (int)sizeof turn->manager->correction - 1, text);
    atomic_store(&turn->manager->alarmed, true);
    turn->result.alarms++;
    return report(turn, &line);
}

/* ---- After sending ------------------------------------------------------------------------------------------------------- */

static sealring_status report_sent(struct notice_turn *turn, const struct outgoing_message *outgoing)
{
    static const sealring_send_state states[] = {
        [SEND_DONE] = SEALRING_SEND_DONE, [SEND_RETRY] = SEALRING_SEND_RETRY, [SEND_REFUSED] = SEALRING_SEND_DEAD};
    const sealring_notices_report line = {.size = sizeof line,
                                          .client = outgoing->name,
                                          .channel = (sealring_notice_channel)outgoing->channel,
                                          .id = outgoing->message.id,
                                          .count = outgoing->message.total,
                                          .state = states[outgoing->result.outcome],
                                          .text = outgoing->result.reason};
    turn->result.sent += outgoing->result.outcome == SEND_DONE;
    turn->result.failed += outgoing->result.outcome != SEND_DONE;
    return report(turn, &line);
}

static void release_batch(struct notice_turn *turn)
{
    for (size_t i = 0; i < turn->count; i++)
        compose_release(&turn->batch[i]);
    memset(turn->batch, 0, sizeof turn->batch);
    turn->count = 0;
}

/* What was sent in the batch before. In an act. */
static sealring_status record_batch(struct notice_turn *turn)
{
    sealring_status status = SEALRING_OK;
    if (turn->count == 0)
        return SEALRING_OK;
    struct commit commit = manager_commit(turn->manager, false, NULL, turn->error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        for (size_t i = 0; status == SEALRING_OK && i < turn->count; i++)
            status = compose_record(turn->manager->registry, &turn->batch[i], manager_now(turn->manager), turn->error);
    } while (commit_again(&commit, &status));
    for (size_t i = 0; status == SEALRING_OK && i < turn->count; i++)
        if (turn->batch[i].tried)
            status = report_sent(turn, &turn->batch[i]);
    release_batch(turn);
    return status;
}

/* ---- Before sending ------------------------------------------------------------------------------------------------------ */

static sealring_status find_next(struct notice_turn *turn, int64_t now, bool *found)
{
    sealring_status status;
    struct registry *registry = turn->manager->registry;
    const struct registry_notice place = turn->place;
    struct registry_transaction reading = registry_reading(registry, turn->error);
    do {
        turn->place = place;
        *found = false;
        if (registry_begin(&reading, &status))
            status = registry_notice_is_due(registry, now, found, turn->error);
        if (status == SEALRING_OK && *found)
            status = registry_notice_next(registry, now, &turn->place, found, turn->error);
    } while (registry_again(&reading, &status));
    return status;
}

/* A damaged row of one client stops no other one. */
static const bool concerns_one[SEALRING_NOT_EFFECTIVE + 1] = {[SEALRING_REGISTRY] = true};

static sealring_status put_off(struct notice_turn *turn, struct outgoing_message *outgoing, int64_t now)
{
    const struct outgoing_message none = {
        .client = outgoing->client, .channel = outgoing->channel, .defer = now + DAMAGED_MS};
    const sealring_notices_report line = {.size = sizeof line,
                                          .client = outgoing->name,
                                          .state = SEALRING_SEND_ALARM,
                                          .text = turn->error != NULL ? turn->error->message : ""};
    compose_release(outgoing);
    *outgoing = none;
    turn->result.alarms++;
    return report(turn, &line);
}

static sealring_status compose_batch(struct notice_turn *turn)
{
    int64_t now = clock_wall_ms();
    bool more = true;
    sealring_status status = SEALRING_OK;
    while (status == SEALRING_OK && more && turn->count < BATCH_MESSAGES) {
        status = find_next(turn, now, &more);
        if (status == SEALRING_OK && !more && turn->count == 0 && turn->place.client != 0) {
            memset(&turn->place, 0, sizeof turn->place); /* once more: each has had one message */
            status = find_next(turn, now, &more);
        }
        if (status != SEALRING_OK || !more)
            break;
        struct outgoing_message *outgoing = &turn->batch[turn->count++];
        *outgoing = (struct outgoing_message){.client = turn->place.client, .channel = turn->place.channel};
        status = compose_message(turn->manager, outgoing, now, turn->error);
        if (concerns_one[status])
            status = put_off(turn, outgoing, now);
        if (status == SEALRING_OK && outgoing->sends)
            senders_prepare(&turn->senders, turn->manager, outgoing->channel);
        if (status == SEALRING_OK && outgoing->alarm[0] != '\0')
            status = report_alarm(turn, outgoing->name, outgoing->alarm);
    }
    return status;
}

static sealring_status claim_batch(struct notice_turn *turn)
{
    sealring_status status = SEALRING_OK;
    if (turn->count == 0)
        return SEALRING_OK;
    struct commit commit = manager_commit(turn->manager, false, NULL, turn->error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        for (size_t i = 0; status == SEALRING_OK && i < turn->count; i++)
            status = compose_claim(turn->manager->registry, &turn->batch[i], manager_now(turn->manager), LEASE_MS,
                                   turn->error);
    } while (commit_again(&commit, &status));
    return status;
}

static sealring_status derive(struct notice_turn *turn)
{
    const struct audit_act about = {.name = "notices"};
    char alarm[SEALRING_MESSAGE_SIZE] = "";
    bool work = false;
    sealring_status status = notices_find_work(turn->manager, &work, turn->error);
    if (status != SEALRING_OK || !work)
        return status;
    status = manager_begin_dated(turn->manager, "notices", false, turn->error);
    if (status != SEALRING_OK)
        return status;
    status = notices_derive(turn->manager, alarm, turn->error);
    if (status == SEALRING_OK && alarm[0] != '\0')
        status = report_alarm(turn, "", alarm);
    manager_end_act(turn->manager, &about, status, turn->error);
    return status;
}

/* The act between two batches: what became of one, and unless `last`, what is in the next. */
static sealring_status prepare(struct notice_turn *turn, bool last)
{
    const struct audit_act about = {.name = "notices"};
    sealring_status status = manager_begin_dated(turn->manager, "notices", !last, turn->error);
    if (status != SEALRING_OK)
        return status;
    status = record_batch(turn);
    if (status == SEALRING_OK && !last)
        status = compose_batch(turn);
    if (status == SEALRING_OK)
        status = claim_batch(turn);
    manager_end_act(turn->manager, &about, status, turn->error);
    return status;
}

/* ---- Sending --------------------------------------------------------------------------------------------------------------- */

static int64_t limit_of(const struct outgoing_message *outgoing)
{
    return outgoing->channel == SEALRING_CHANNEL_HOOK ? HOOKS_MS : SEND_MS;
}

/* Outside of every lock. What the time does not suffice for is sent in the next turn; one message is sent in any case. */
static void send_batch(struct notice_turn *turn)
{
    for (size_t i = 0; i < turn->count; i++) {
        struct outgoing_message *outgoing = &turn->batch[i];
        if (!outgoing->sends || (turn->tried && clock_boot_ms() >= turn->until))
            continue;
        message_send(&turn->senders, outgoing, limit_of(outgoing));
        outgoing->tried = turn->tried = true;
    }
}

static sealring_status run_turn(struct notice_turn *turn)
{
    bool due = false;
    sealring_status status = derive(turn);
    if (status == SEALRING_OK)
        status = find_next(turn, clock_wall_ms(), &due);
    memset(&turn->place, 0, sizeof turn->place);
    bool first = true; /* one batch in any case, however long it took to get here */
    for (bool more = due; status == SEALRING_OK && more; first = false) {
        bool last = !first && clock_boot_ms() >= turn->until;
        status = prepare(turn, last);
        if (status == SEALRING_OK)
            send_batch(turn);
        more = turn->count > 0;
    }
    return status;
}

static sealring_status count_rest(struct notice_turn *turn)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(turn->manager->registry, turn->error);
    do {
        if (registry_begin(&reading, &status))
            status =
                registry_notices_count(turn->manager->registry, &turn->result.waiting, &turn->result.dead, turn->error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status sealring_notices_send(sealring_manager *manager, int64_t limit, sealring_notices_callback each,
                                      void *context, sealring_notices_result *result, sealring_error *error)
{
    struct notice_turn *turn = calloc(1, sizeof *turn);
    if (turn == NULL)
        return error_no_memory(error);
    *turn = (struct notice_turn){.manager = manager, .each = each, .context = context, .error = error};
    turn->until = clock_boot_ms() + (limit > 0 ? limit : TURN_MS);
    sealring_status status = manager->dry_run ? SEALRING_OK : run_turn(turn);
    if (status == SEALRING_OK)
        status = count_rest(turn);
    release_batch(turn);
    senders_close(&turn->senders);
    sized_give(result, &turn->result, sizeof turn->result);
    free(turn);
    return status;
}
