/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's loop: it reads requests, bounds them, collects them into batches, and sends the answers. It never waits for a token. */
#include "gateway/broker/serve.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "gateway/broker/key_limit.h"
#include "gateway/broker/leak_reporter.h"
#include "gateway/broker/peers.h"
#include "gateway/broker/renewer.h"
#include "gateway/broker/report_results.h"
#include "gateway/broker/request_queue.h"
#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"

/* Between two batches the vault's lock is free for as long as its waiters sleep at most between two attempts. */
enum { CLAIM_LIMITED = 9 }; /* a result besides those of sealring_claim_result: too often, or too many at once */
enum { COLLECT_MS = 5, REST_MS = 25, RETRY_SECONDS = 5, END_MS = 10000, ROUND_MAX = 64, TICK_MS = 1000 };

static struct key_limit *limit;
static const struct listeners *listening;
static const struct broker_options *options;
static int64_t rested_at; /* no batch begins before */
static bool renewing, stopping;
static struct {
    uint64_t peer;
    uint32_t id;
} asked[BATCH_MAX]; /* by the batch's requests */

bool serve_prepare(void)
{
    limit = calloc(1, sizeof *limit);
    return limit != NULL && getrandom(&limit->seed, sizeof limit->seed, 0) == (ssize_t)sizeof limit->seed &&
           queue_make();
}

void serve_end(void)
{
    queue_free();
    free(limit);
    limit = NULL;
}

/* ---- Requests ---- */

static void answer_without(struct peer *peer, uint32_t id, unsigned result, uint32_t retry_after)
{
    const struct renewal_message message = {
        .type = RENEWAL_RENEWED, .id = id, .of.answer = {.result = result, .retry_after = retry_after}};
    report_count(result);
    peer_send(peer, &message);
}

static void answer_claim_without(struct peer *peer, uint32_t id, unsigned result, uint32_t retry_after)
{
    const struct renewal_message message = {
        .type = RENEWAL_CLAIMED, .id = id, .of.answer = {.result = result, .retry_after = retry_after}};
    peer_send(peer, &message);
}

/* A code has the key ID behind `claim_`. */
static void take_claim(struct peer *peer, const struct renewal_message *message, int64_t now)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1] = "";
    memcpy(key_id, message->of.request.credential + 6, SEALRING_KEY_ID_LENGTH);
    uint32_t wait = key_limit_take(limit, key_id, now);
    struct queued_request queued = {
        .peer = peer->number, .id = message->id, .since = now, .request = message->of.request};
    if (wait == 0 && !queue_add(&queued))
        wait = RETRY_SECONDS;
    explicit_bzero(&queued, sizeof queued);
    if (wait > 0)
        answer_claim_without(peer, message->id, CLAIM_LIMITED, wait);
    else
        peer->requests++;
}

static void take_request(struct peer *peer, const struct renewal_message *message, int64_t now)
{
    const struct renewal_request *request = &message->of.request;
    sealring_explanation explanation;
    sealring_explain(request->credential, request->length, &explanation);
    if (!explanation.well_formed) { /* as those of imported keys are, of which no successor can be derived */
        answer_without(peer, message->id, SEALRING_RENEWAL_OFF, 0);
        return;
    }
    uint32_t wait = key_limit_take(limit, explanation.key_id, now);
    struct queued_request queued = {
        .peer = peer->number, .id = message->id, .since = now, .request = message->of.request};
    if (wait == 0) {
        queued.limited = key_limit_counted(limit, explanation.key_id);
        wait = queue_add(&queued) ? 0 : RETRY_SECONDS;
    }
    explicit_bzero(&queued, sizeof queued);
    if (wait > 0) {
        key_limit_count(limit, explanation.key_id);
        answer_without(peer, message->id, SEALRING_RENEWAL_LIMITED, wait);
    } else
        peer->requests++;
}

static void answer_leak(struct peer *peer, uint32_t id, unsigned result)
{
    peer_send(peer, &(struct renewal_message){.type = RENEWAL_LEAK_TAKEN, .id = id, .of.leak_result = result});
}

static void take_leak(struct peer *peer, const struct renewal_message *message)
{
    if (leak_reporter_add(peer->number, message->id, &message->of.report))
        peer->requests++;
    else
        answer_leak(peer, message->id, SEALRING_LEAK_UNAVAILABLE);
}

static void finish_leaks(void)
{
    uint64_t number;
    uint32_t id;
    unsigned result;
    while (leak_reporter_next(&number, &id, &result)) {
        struct peer *peer = peer_numbered(number);
        if (peer == NULL)
            continue;
        peer->requests--;
        answer_leak(peer, id, result);
    }
}

/* Not for ever, so that one peer does not keep the others waiting. */
static void read_peer(struct peer *peer, int64_t now)
{
    struct renewal_message message;
    for (int i = 0; i < ROUND_MAX && peer->number != 0 && peer_events(peer) == POLLIN; i++) {
        if (!peer_receive(peer, &message))
            break;
        if (message.type == RENEWAL_PING)
            peer_send(peer, &(struct renewal_message){.type = RENEWAL_PONG, .id = message.id});
        else if (message.type == RENEWAL_LEAK)
            take_leak(peer, &message);
        else if (message.type == RENEWAL_CLAIM)
            take_claim(peer, &message, now);
        else
            take_request(peer, &message, now);
    }
    explicit_bzero(&message, sizeof message);
}

/* ---- Batches ---- */

/* The time at which the next batch is to begin; INT64_MAX: there is nothing to renew, or one is being renewed. */
static int64_t batch_due(void)
{
    const struct queued_request *first = queue_first();
    if (first == NULL || renewing)
        return INT64_MAX;
    int64_t due = queue_length() >= BATCH_MAX ? first->since : first->since + COLLECT_MS;
    return due > rested_at ? due : rested_at;
}

static void begin_batch(void)
{
    struct renewal_batch *batch = renewer_batch();
    const struct queued_request *first;
    batch->count = 0;
    batch->claims = false;
    /* a claim is a batch of its own */
    while (batch->count < BATCH_MAX && !batch->claims && (first = queue_first()) != NULL) {
        if (first->request.certificate_length > 0 && batch->count > 0)
            break;
        if (peer_numbered(first->peer) != NULL) { /* else it has left */
            asked[batch->count].peer = first->peer;
            asked[batch->count].id = first->id;
            batch->limited[batch->count] = first->limited;
            batch->claims = first->request.certificate_length > 0;
            batch->requests[batch->count++] = first->request;
        }
        queue_remove_first();
    }
    renewing = batch->count > 0;
    if (renewing)
        renewer_begin();
}

static void answer(struct peer *peer, uint32_t id, const sealring_renewal *renewal)
{
    bool sealed = renewal->sealed != NULL;
    size_t length = sealed ? renewal->sealed_length : strlen(renewal->successor);
    bool handed_over = renewal->result == SEALRING_RENEWAL_ISSUED || renewal->result == SEALRING_RENEWAL_AGAIN;
    if (handed_over && (length == 0 || length > RENEWAL_SEALED_MAX)) {
        journal_write(JOURNAL_WARNING, "the successor of key %s cannot be sent: it has %zu bytes", renewal->key_id,
                      length);
        answer_without(peer, id, SEALRING_RENEWAL_UNAVAILABLE, RETRY_SECONDS);
        return;
    }
    struct renewal_message message = {
        .type = RENEWAL_RENEWED,
        .id = id,
        .of.answer = {.result = (unsigned)renewal->result,
                      .retry_after = renewal->result == SEALRING_RENEWAL_UNAVAILABLE ? RETRY_SECONDS : 0,
                      .expires = renewal->expires,
                      .predecessor_until = renewal->predecessor_until,
                      .version = renewal->version,
                      .serial = renewal->serial,
                      .form = !handed_over ? RENEWAL_NOTHING
                              : sealed     ? RENEWAL_SEALED
                                           : RENEWAL_CREDENTIAL,
                      .payload = sealed ? renewal->sealed : (const uint8_t *)renewal->successor,
                      .payload_length = handed_over ? length : 0}};
    memcpy(message.of.answer.key_id, renewal->key_id, sizeof message.of.answer.key_id);
    report_count(message.of.answer.result);
    peer_send(peer, &message);
}

static void finish_claim(const sealring_claim_request *claim)
{
    struct peer *peer = peer_numbered(asked[0].peer);
    report_claim(claim);
    if (peer == NULL)
        return;
    peer->requests--;
    bool handed_over = claim->sealed != NULL && claim->sealed_length <= RENEWAL_SEALED_MAX;
    bool later = claim->result == SEALRING_CLAIM_UNAVAILABLE || (claim->sealed != NULL && !handed_over);
    if (!handed_over) {
        answer_claim_without(peer, asked[0].id, later ? SEALRING_CLAIM_UNAVAILABLE : (unsigned)claim->result,
                             later ? RETRY_SECONDS : 0);
        return;
    }
    struct renewal_message message = {.type = RENEWAL_CLAIMED,
                                      .id = asked[0].id,
                                      .of.answer = {.result = (unsigned)claim->result,
                                                    .expires = claim->expires,
                                                    .version = claim->version,
                                                    .serial = claim->serial,
                                                    .form = RENEWAL_SEALED,
                                                    .payload = claim->sealed,
                                                    .payload_length = claim->sealed_length}};
    memcpy(message.of.answer.key_id, claim->key_id, sizeof message.of.answer.key_id);
    peer_send(peer, &message);
}

static void finish_batch(void)
{
    if (!renewer_finished())
        return;
    struct renewal_batch *batch = renewer_batch();
    if (batch->claims)
        finish_claim(&batch->claim);
    for (size_t i = 0; !batch->claims && i < batch->count; i++) {
        struct peer *peer = peer_numbered(asked[i].peer);
        report_renewal(&batch->renewals[i]);
        if (peer == NULL)
            continue;
        peer->requests--;
        answer(peer, asked[i].id, &batch->renewals[i]);
    }
    renewer_clear();
    renewing = false;
    rested_at = process_clock_ms() + REST_MS;
}

/* ---- The loop ---- */

static void take_signal(int signals)
{
    struct signalfd_siginfo signal;
    while (read(signals, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        if (signal.ssi_signo != SIGHUP) {
            stopping = true;
            continue;
        }
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, process_clock_ms() * 1000);
        renewer_reopen();
        journal_write(JOURNAL_INFORMATION, "opens %s again for the next renewal", options->vault);
        (void)sd_notify(0, "READY=1");
    }
}

static void serve_peer(struct peer *peer, short events, int64_t now)
{
    if ((events & POLLOUT) != 0 || peer_events(peer) == POLLOUT)
        peer_flush(peer);
    if (peer->number != 0 && (events & POLLIN) != 0 && !stopping)
        read_peer(peer, now);
    else if (peer->number != 0 && (events & (POLLHUP | POLLERR)) != 0)
        peer_close(peer);
}

static int time_left(int64_t now, int64_t most)
{
    int64_t due = batch_due();
    int64_t left = stopping || due == INT64_MAX ? most : due - now;
    return (int)(left < 0 ? 0 : left > most ? most : left);
}

/* One round: waits for whatever is next, and does it. */
static void turn(int signals, int64_t most)
{
    struct pollfd polled[3 + LISTENERS_MAX + PEERS_MAX];
    nfds_t count = 0;
    polled[count++] = (struct pollfd){.fd = signals, .events = POLLIN};
    polled[count++] = (struct pollfd){.fd = renewer_descriptor(), .events = POLLIN};
    polled[count++] = (struct pollfd){.fd = leak_reporter_descriptor(), .events = POLLIN};
    bool accepts = !stopping && !peers_are_full();
    for (size_t i = 0; i < listening->count; i++)
        polled[count++] = (struct pollfd){.fd = accepts ? listening->each[i].descriptor : -1, .events = POLLIN};
    const struct pollfd *of_peers = &polled[count];
    for (size_t i = 0; i < PEERS_MAX; i++) {
        const struct peer *peer = peer_at(i);
        short events = peer == NULL ? 0 : peer_events(peer);
        polled[count++] = (struct pollfd){.fd = peer == NULL ? -1 : peer->descriptor,
                                          .events = stopping ? (short)(events & POLLOUT) : events};
    }
    if (poll(polled, count, time_left(process_clock_ms(), most)) < 0)
        return;
    int64_t now = process_clock_ms();
    if (polled[0].revents != 0)
        take_signal(signals);
    if (polled[1].revents != 0)
        finish_batch();
    if (polled[2].revents != 0)
        finish_leaks();
    for (size_t i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = peer_at(i);
        if (peer != NULL)
            serve_peer(peer, of_peers[i].revents, now);
    }
    for (size_t i = 0; i < listening->count; i++)
        if (polled[3 + i].revents != 0)
            peers_accept(listening->each[i].descriptor, options->allowed, options->allowed_count);
    if (!stopping && batch_due() <= now)
        begin_batch();
}

/* What waits in the queue is asked for again, which costs nothing; the batch that is being renewed is answered. */
static void drain(int signals)
{
    for (const struct queued_request *first; (first = queue_first()) != NULL; queue_remove_first()) {
        struct peer *peer = peer_numbered(first->peer);
        if (peer != NULL && first->request.certificate_length > 0)
            answer_claim_without(peer, first->id, SEALRING_CLAIM_UNAVAILABLE, 1);
        else if (peer != NULL)
            answer_without(peer, first->id, SEALRING_RENEWAL_UNAVAILABLE, 1);
    }
    for (int64_t end = process_clock_ms() + END_MS;
         (renewing || leak_reporter_works() || peers_are_behind()) && process_clock_ms() < end;)
        turn(signals, TICK_MS / 10);
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (peer_at(i) != NULL)
            peer_close(peer_at(i));
}

void serve(const struct listeners *listeners, const struct broker_options *wanted, int signals)
{
    uint64_t watchdog_us = 0;
    (void)sd_watchdog_enabled(0, &watchdog_us);
    int64_t tick = watchdog_us > 0 && watchdog_us / 3000 < TICK_MS ? (int64_t)(watchdog_us / 3000) : TICK_MS;
    listening = listeners;
    options = wanted;
    while (!stopping) {
        (void)sd_notify(0, "WATCHDOG=1");
        turn(signals, tick);
        report_status(peers_malformed(), peers_refused(), process_clock_ms());
    }
    (void)sd_notify(0, "STOPPING=1");
    drain(signals);
    report_end(peers_malformed(), peers_refused());
}
