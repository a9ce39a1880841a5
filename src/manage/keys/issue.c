/* SPDX-License-Identifier: Apache-2.0 */
/* Issuing and importing: everything is checked first, then committed in batches, and can safely be repeated. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "manage/act/act.h"
#include "manage/fleet/filters.h"
#include "manage/keys/batch.h"
#include "manage/keys/issue_request.h"
#include "manage/session/manager.h"
#include "manage/session/parallel_work.h"

#define TRIES_MOST 20 /* for one batch that others' changes make stale */

/* Two batches: while one is written, the token seals the next. */
struct pipeline {
    struct batch_call call;
    struct batch batches[2];
    struct batch *present;
    struct batch *ahead;
    bool sealing_ahead;   /* `ahead` is planned, and being sealed */
    struct doubts doubts; /* of all batches so far */
    struct parallel_job job;
};

static void set_range(const struct pipeline *pipeline, struct batch *batch, size_t first)
{
    size_t left = pipeline->call.count - first;
    batch->first = first;
    batch->count = left < batch->room ? left : batch->room;
}

static sealring_status seal_ahead(void *context, sealring_error *error)
{
    return batch_seal(context, error);
}

/* Starts on the batch after the present one, if there is one. A failure here is tried again, and reported, when that batch is the present one. */
static void start_ahead(struct pipeline *pipeline)
{
    size_t next = pipeline->present->first + pipeline->present->count;
    pipeline->sealing_ahead = false;
    if (next == pipeline->call.count)
        return;
    set_range(pipeline, pipeline->ahead, next);
    if (batch_plan(pipeline->ahead, true, NULL) != SEALRING_OK)
        return;
    pipeline->sealing_ahead = true;
    parallel_start(&pipeline->job, seal_ahead, pipeline->ahead);
}

/* True if the batch ahead is sealed. */
static bool finish_ahead(struct pipeline *pipeline)
{
    bool sealed = pipeline->sealing_ahead && parallel_wait(&pipeline->job) == SEALRING_OK;
    pipeline->sealing_ahead = false;
    return sealed;
}

/* Updates the epoch in the plan of the batch ahead. The batch that was written in between moved the epoch, but changed nothing that the plan
 * depends on. */
static void skip_own_epoch(struct batch *batch, const struct batch *before)
{
    struct registry_vault now;
    if (before->wrote && manager_read_vault(batch->call->manager, &now, NULL) == SEALRING_OK &&
        now.epoch == batch->vault.epoch + 1)
        batch->vault.epoch = now.epoch;
}

static void add_doubts(struct doubts *all, const struct doubts *more)
{
    if (all->count == 0)
        all->first = more->first;
    all->count += more->count;
    all->contradicted = all->contradicted || more->contradicted;
}

/* If requests were left out, the call ends with a failure, but only after everything else is done. */
static sealring_status report_doubts(const struct pipeline *pipeline, sealring_error *error)
{
    const struct doubts *doubts = &pipeline->doubts;
    if (doubts->count == 0)
        return SEALRING_OK;
    return error_set(error, doubts->contradicted ? SEALRING_TOKEN : SEALRING_REFUSED,
                     "%zu of %zu API key%s %s left out, the others are done: %.380s", doubts->count,
                     pipeline->call.count, pipeline->call.count == 1 ? "" : "s", doubts->count == 1 ? "was" : "were",
                     doubts->first.message);
}

/* Writes the present batch, and starts on the one ahead. status: of its planning and sealing, which is recorded in the audit log if it was refused. */
static sealring_status write_present(struct pipeline *pipeline, sealring_status status, sealring_error *error)
{
    struct batch *batch = pipeline->present;
    sealring_error inner = {.message = ""};
    sealring_status begun = manager_begin_dated(pipeline->call.manager, "issue", true, &inner);
    if (begun != SEALRING_OK) {
        if (status == SEALRING_OK && error != NULL)
            *error = inner;
        return status == SEALRING_OK ? begun : status;
    }
    if (status == SEALRING_OK) {
        start_ahead(pipeline);
        status = batch_write(batch, error);
    }
    struct audit_act about = {.name = pipeline->call.imports ? "key.import" : "key.issue"};
    memcpy(about.ring, batch->ring.name, sizeof about.ring);
    if (status == SEALRING_OK && batch->doubts.count > 0)
        manager_end_act(pipeline->call.manager, &about, batch->doubts.first.status, &batch->doubts.first);
    else
        manager_end_act(pipeline->call.manager, &about, batch->stale ? SEALRING_OK : status, error);
    return status;
}

/* Planned and sealed without any lock, because the token is slow; written if it still means the same. sealed: it was sealed while the previous
 * batch was written. */
static sealring_status issue_present(struct pipeline *pipeline, bool sealed, sealring_error *error)
{
    struct batch *batch = pipeline->present;
    sealring_status status = SEALRING_OK;
    if (sealed)
        skip_own_epoch(batch, pipeline->ahead);
    for (int tries = 0; tries < TRIES_MOST; tries++) {
        batch->stale = false;
        if (!sealed) {
            status = batch_plan(batch, true, error);
            if (status == SEALRING_OK)
                status = batch_seal(batch, error);
        }
        status = write_present(pipeline, status, error);
        if (!batch->stale)
            return status;
        (void)finish_ahead(pipeline);
        sealed = false;
    }
    return status;
}

/* An imported key is in its client's hands already. */
static sealring_status hand_over(const struct pipeline *pipeline, sealring_issued_callback each, void *context,
                                 sealring_error *error)
{
    struct batch *batch = pipeline->present;
    sealring_manager *manager = pipeline->call.manager;
    if (!pipeline->call.imports)
        filters_wait(manager, batch->wrote ? manager->committed.epoch : batch->vault.epoch);
    return batch_hand_over(batch, each, context, error);
}

static sealring_status issue_all(struct pipeline *pipeline, sealring_issued_callback each, void *context,
                                 sealring_error *error)
{
    bool sealed = false;
    sealring_status status = SEALRING_OK;
    set_range(pipeline, pipeline->present, 0);
    while (status == SEALRING_OK && pipeline->present->first < pipeline->call.count) {
        status = issue_present(pipeline, sealed, error);
        if (status == SEALRING_OK)
            status = hand_over(pipeline, each, context, error);
        if (status == SEALRING_OK)
            add_doubts(&pipeline->doubts, &pipeline->present->doubts);
        sealed = finish_ahead(pipeline);
        if (status != SEALRING_OK)
            break;
        struct batch *done = pipeline->present;
        pipeline->present = pipeline->ahead;
        pipeline->ahead = done;
        set_range(pipeline, pipeline->present, done->first + done->count);
    }
    return status;
}

/* Checks every request by itself, all of them together, and against the registry, without the lock: the batches check again. */
static sealring_status check(struct pipeline *pipeline, sealring_error *error)
{
    const struct batch_call *call = &pipeline->call;
    struct batch *batch = pipeline->present;
    sealring_status status =
        request_check_all(call->requests, call->count, call->imports, clock_wall_ms(), &batch->bad, error);
    if (status == SEALRING_OK)
        status = manager_ready(call->manager, "issue", error);
    if (status == SEALRING_OK)
        status = manager_check_clock(call->manager, error);
    if (status == SEALRING_OK && !call->imports)
        status = sealed_delivery_foresee(call->manager, error);
    batch->first = 0;
    batch->count = call->count;
    return status == SEALRING_OK ? batch_plan(batch, false, error) : status;
}

static sealring_status run(const struct batch_call *call, sealring_issued_callback each, void *context,
                           size_t *bad_request, sealring_error *error)
{
    struct pipeline pipeline = {.call = *call};
    if (call->count == 0)
        return error_set(error, SEALRING_INVALID, "there is nothing to issue");
    pipeline.present = &pipeline.batches[0];
    pipeline.ahead = &pipeline.batches[1];
    sealring_status status = batch_make(pipeline.present, &pipeline.call, error);
    if (status == SEALRING_OK)
        status = batch_make(pipeline.ahead, &pipeline.call, error);
    if (status == SEALRING_OK)
        status = check(&pipeline, error);
    if (status == SEALRING_OK && !call->manager->dry_run)
        status = issue_all(&pipeline, each, context, error);
    if (status != SEALRING_OK && bad_request != NULL)
        *bad_request = pipeline.present->bad;
    if (status == SEALRING_OK) {
        status = report_doubts(&pipeline, error);
        if (status != SEALRING_OK && bad_request != NULL)
            *bad_request = call->count;
    }
    batch_release(&pipeline.batches[0]);
    batch_release(&pipeline.batches[1]);
    return status;
}

sealring_status sealring_issue(sealring_manager *manager, const char *ring, const sealring_issue_request *requests,
                               size_t count, unsigned flags, sealring_issued_callback each, void *context,
                               size_t *bad_request, sealring_error *error)
{
    const struct batch_call call = {manager, ring, requests, count, flags, false};
    return run(&call, each, context, bad_request, error);
}

sealring_status sealring_import(sealring_manager *manager, const char *ring, const sealring_issue_request *requests,
                                size_t count, unsigned flags, sealring_issued_callback each, void *context,
                                size_t *bad_request, sealring_error *error)
{
    const struct batch_call call = {manager, ring, requests, count, flags, true};
    return run(&call, each, context, bad_request, error);
}
