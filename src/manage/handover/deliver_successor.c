/* SPDX-License-Identifier: Apache-2.0 */
/* Issues one API key's successor, passes it to whoever takes it, and records what became of that. */
#include "manage/handover/deliver_successor.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "manage/act/act.h"
#include "manage/handover/delivery_file.h"
#include "manage/keys/keys.h"
#include "manage/keys/renewal.h"

#define BACK_OFF_FIRST INT64_C(60000)
#define BACK_OFF_LAST  INT64_C(21600000)

/* ---- Issuing ---- */

static struct registry_handover owed_row(const struct registry_holder *holder, uint32_t version)
{
    return (struct registry_handover){.key = holder->key.id, .version = version, .due = clock_wall_ms()};
}

/* The successor and that it is owed are committed together, so that no crash leaves one that nobody delivers. */
static sealring_status write_owed(struct renewal *renewal, const struct renewal_item *item, sealring_error *error)
{
    const struct registry_handover row = owed_row(&item->older, renewal->active.number);
    sealring_status status = reissue_kind.write(renewal, item, error);
    return status == SEALRING_OK ? registry_handover_put(renewal->manager->registry, &row, error) : status;
}

/* In plain text only while the ring's last fact wants that. */
static sealring_status seal_by_policy(struct renewal *renewal, struct renewal_item *item, char text[SEAL_TEXT_SIZE],
                                      sealring_error *error)
{
    const sealring_deliver_mode wanted = renewal->manager->seals ? SEALRING_DELIVER_SEALED : SEALRING_DELIVER_HOOK;
    if (renewal->ring.policy.deliver != wanted)
        return error_set(error, SEALRING_REFUSED, "the policy of ring %s was changed meanwhile", renewal->ring.name);
    return reissue_kind.seal(renewal, item, text, error);
}

/* ---- Delivering ---- */

static void fail(struct successor_attempt *attempt, const char *reason)
{
    (void)snprintf(attempt->about.row.failure, sizeof attempt->about.row.failure, "%.*s",
                   (int)sizeof attempt->about.row.failure - 1, reason);
}

static bool write_file(struct successor_attempt *attempt, const sealring_issued *issued)
{
    char name[2 * SEALRING_NAME_LENGTH_MAX + SEALRING_KEY_ID_LENGTH + 16];
    sealring_error error = {.message = ""};
    (void)snprintf(name, sizeof name, "%s.%s.%s.cms", issued->client, issued->label, issued->key_id);
    if (delivery_file_write(attempt->takers->directory, name, issued->sealed, strlen(issued->sealed), &error) ==
        SEALRING_OK)
        return true;
    fail(attempt, error.message);
    return false;
}

static bool run_hooks(struct successor_attempt *attempt, const sealring_issued *issued)
{
    char line[SEALRING_CREDENTIAL_LENGTH_MAX + 2];
    struct send_result result;
    const bool sealed = issued->sealed != NULL;
    (void)snprintf(line, sizeof line, "%s\n", sealed ? "" : issued->credential);
    const struct hook_call call = {
        .event = sealed ? "sealed-successor" : "successor",
        .client = issued->client,
        .ring = attempt->ring->name,
        .key_id = issued->key_id,
        .label = issued->label,
        .version = issued->version,
        .input = sealed ? issued->sealed : line,
        .length = sealed ? strlen(issued->sealed) : strlen(line),
        .secret = true,
        .limit = attempt->takers->limit,
    };
    hooks_run(&attempt->takers->hooks, &call, &result);
    explicit_bzero(line, sizeof line);
    fail(attempt, result.reason);
    return result.outcome == SEND_DONE;
}

/* A sealring_issued_callback: everything is released meanwhile. */
static int pass(const sealring_issued *issued, void *context)
{
    struct successor_attempt *attempt = context;
    attempt->serial = issued->serial;
    const bool files = issued->sealed != NULL && attempt->takers->directory[0] != '\0';
    if (files && !write_file(attempt, issued))
        return 0;
    if (!attempt->takers->has_hooks || run_hooks(attempt, issued))
        attempt->about.row.delivered = clock_wall_ms();
    return 0;
}

/* ---- Recording ---- */

static int64_t back_off(uint32_t attempts)
{
    int64_t pause = BACK_OFF_FIRST;
    for (uint32_t i = 1; i < attempts && pause < BACK_OFF_LAST; i++)
        pause *= 2;
    return pause < BACK_OFF_LAST ? pause : BACK_OFF_LAST;
}

/* Whatever the row contains by now. */
static sealring_status write_outcome(struct successor_attempt *attempt, struct audit_act *act, sealring_error *error)
{
    struct registry *registry = attempt->manager->registry;
    struct registry_handover before = {.attempts = 0}, *row = &attempt->about.row;
    bool found = false;
    sealring_status status = registry_handover_find(registry, attempt->about.key.row, &before, &found, error);
    row->attempts = (found && before.version == attempt->active && before.delivered == 0 ? before.attempts : 0) + 1;
    row->key = attempt->about.key.row;
    row->version = attempt->active;
    row->due = row->delivered != 0 ? row->delivered : clock_wall_ms() + back_off(row->attempts);
    audit_release(act);
    audit_detail(act, "{s:I, s:I, s:b}", "serial", (json_int_t)attempt->serial, "attempts", (json_int_t)row->attempts,
                 "delivered", row->delivered != 0);
    if (row->delivered == 0)
        audit_detail_add(act, "reason", audit_text(row->failure));
    return status == SEALRING_OK ? registry_handover_put(registry, row, error) : status;
}

static sealring_status record(struct successor_attempt *attempt, sealring_error *error)
{
    sealring_manager *manager = attempt->manager;
    struct audit_act act = {.name = "key.deliver", .version = attempt->active};
    memcpy(act.ring, attempt->ring->name, sizeof act.ring);
    memcpy(act.key_id, attempt->about.key.key_id, sizeof act.key_id);
    memcpy(act.client, attempt->about.client, sizeof act.client);
    sealring_status status = manager_begin(manager, "deliver", false, error);
    if (status != SEALRING_OK)
        return status;
    /* that nothing could be issued is in the log already */
    struct commit commit = manager_commit(manager, false, attempt->serial != 0 ? &act : NULL, error);
    do {
        if (commit_begin(&commit, &status))
            status = write_outcome(attempt, &act, error);
    } while (commit_again(&commit, &status));
    audit_release(&act);
    manager_end(manager);
    return status;
}

/* ---- One attempt ---- */

/* What the end of a public operation means: another key's successor may be issued nevertheless. */
static const bool about_one[] = {
    [SEALRING_REFUSED] = true, [SEALRING_NOT_FOUND] = true, [SEALRING_NOT_EFFECTIVE] = false};

static sealring_status issue(struct successor_attempt *attempt, sealring_error *error)
{
    struct renewal_kind kind = reissue_kind;
    kind.purpose = "deliver";
    kind.seal = seal_by_policy;
    kind.write = write_owed;
    struct renewal renewal = {
        .manager = attempt->manager, .kind = &kind, .key_id = attempt->about.key.key_id, .room = 1};
    sealring_status status = renewal_make(&renewal, error);
    if (status == SEALRING_OK)
        status = renewal_run(&renewal, pass, attempt, error);
    if (status != SEALRING_OK && attempt->serial == 0) {
        const bool doubted = renewal.items != NULL && renewal.items[0].doubt != SEAL_CERTAIN;
        attempt->concerns_all = !doubted && !about_one[status];
    }
    renewal_release(&renewal);
    return status;
}

sealring_status successor_deliver(struct successor_attempt *attempt, sealring_error *error)
{
    sealring_error inner = {.message = ""};
    sealring_status status = issue(attempt, &inner);
    if (status != SEALRING_OK && attempt->concerns_all) {
        if (error != NULL)
            *error = inner;
        return status;
    }
    if (status != SEALRING_OK && attempt->about.row.delivered == 0 && attempt->about.row.failure[0] == '\0')
        fail(attempt, inner.message);
    return record(attempt, error);
}
