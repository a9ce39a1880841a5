/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to sealring-broker: one thread passes renewals on and takes the answers, so that no other thread waits for it. */
#include "gateway/sealringd/broker_link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"
#include "gateway/daemon/renewal_message.h"
#include "gateway/sealringd/renewal_response.h"

enum {
    WAITING_MAX = 4096,
    IN_FLIGHT_MAX = 128,
    PATIENCE_MS = 10000,
    PING_MS = 1000,
    LIVELY_MS = 5000,
    LIMITED_SECONDS = 5
};

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static pthread_t thread;
static int changed = -1; /* eventfd: something is in `waiting`, or the thread is to end */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct questions waiting = TAILQ_HEAD_INITIALIZER(waiting); /* under `lock`, as the next three */
static struct questions in_flight = TAILQ_HEAD_INITIALIZER(in_flight);
static unsigned waiting_count, in_flight_count;
static atomic_bool stopping;
static _Atomic(int64_t) lively_until; /* ms of CLOCK_MONOTONIC */

/* Of the thread. */
static int link_descriptor = -1;
static bool has_received; /* on this connection */
static bool is_away;      /* and that was reported */
static int64_t ping_at, connect_at;
static uint32_t latest_id;

/* ---- Answers ---- */

/* Under the lock, as all that follows with a question. It belongs to its connection from then on. */
static void resume(struct question *question, unsigned result, uint32_t retry_after)
{
    question->renewed = true;
    question->renewal_result = result;
    question->retry_after = retry_after;
    MHD_resume_connection(question->connection);
}

static void resume_all(struct questions *questions, unsigned *count)
{
    struct question *question;
    while ((question = TAILQ_FIRST(questions)) != NULL) {
        TAILQ_REMOVE(questions, question, entry);
        resume(question, SEALRING_RENEWAL_UNAVAILABLE, 0);
    }
    *count = 0;
}

/* Both are in the order of the deadlines. */
static void resume_late(struct questions *questions, unsigned *count, int64_t now)
{
    struct question *question;
    while ((question = TAILQ_FIRST(questions)) != NULL && now >= question->deadline) {
        TAILQ_REMOVE(questions, question, entry);
        --*count;
        resume(question, SEALRING_RENEWAL_UNAVAILABLE, 0);
    }
}

/* One whose question was answered late already is ignored: the next renewal gets the same successor. */
static void take_answer(const struct renewal_message *message)
{
    const struct renewal_answer *answer = &message->of.answer;
    const bool of_leak = message->type == RENEWAL_LEAK_TAKEN;
    struct question *question = TAILQ_FIRST(&in_flight);
    while (question != NULL && (question->id != message->id || (question->report != NULL) != of_leak))
        question = TAILQ_NEXT(question, entry);
    if (question == NULL)
        return;
    TAILQ_REMOVE(&in_flight, question, entry);
    in_flight_count--;
    if (of_leak) {
        resume(question, message->of.leak_result, 0);
        return;
    }
    if (answer->form != RENEWAL_NOTHING)
        question->body = renewal_body(answer);
    question->expires = answer->expires;
    bool lost = answer->form != RENEWAL_NOTHING && question->body == NULL; /* no memory */
    resume(question, lost ? SEALRING_RENEWAL_UNAVAILABLE : answer->result, answer->retry_after);
}

/* ---- The connection ---- */

static void report_away(const char *reason)
{
    if (!is_away)
        journal_write(JOURNAL_WARNING, "the broker at %s does not answer, so no credential is renewed: %s",
                      address.sun_path, reason);
    is_away = true;
    atomic_store(&lively_until, 0);
}

/* What was in flight is asked again on the next connection, which hands out no second successor; unless this one answered nothing at all. */
static void lose_connection(const char *reason)
{
    (void)close(link_descriptor);
    link_descriptor = -1;
    TAILQ_CONCAT(&in_flight, &waiting, entry);
    TAILQ_CONCAT(&waiting, &in_flight, entry);
    waiting_count += in_flight_count;
    in_flight_count = 0;
    if (has_received)
        return;
    report_away(reason);
    resume_all(&waiting, &waiting_count);
    connect_at = process_clock_ms() + PING_MS;
}

static void connect_now(int64_t now)
{
    link_descriptor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link_descriptor >= 0 && connect(link_descriptor, (const struct sockaddr *)&address, sizeof address) == 0) {
        has_received = false;
        ping_at = now;
        return;
    }
    report_away(strerror(errno));
    if (link_descriptor >= 0)
        (void)close(link_descriptor);
    link_descriptor = -1;
    resume_all(&waiting, &waiting_count);
    connect_at = now + PING_MS;
}

/* False: not now. */
static bool send_message(const struct renewal_message *message)
{
    uint8_t bytes[RENEWAL_MESSAGE_MAX];
    size_t size = renewal_message_write(message, bytes);
    ssize_t sent = send(link_descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    explicit_bzero(bytes, size);
    return sent >= 0; /* an end of the connection is noticed when receiving */
}

static bool send_report(struct question *question)
{
    struct renewal_message message = {.type = RENEWAL_LEAK, .id = ++latest_id, .of.report = *question->report};
    question->id = message.id;
    bool sent = send_message(&message);
    explicit_bzero(&message, sizeof message);
    return sent;
}

static bool send_question(struct question *question)
{
    if (question->report != NULL)
        return send_report(question);
    const struct presented_headers *presented = &question->presented;
    const struct claim_body *claim = question->claim;
    struct renewal_message message = {
        .type = claim != NULL ? RENEWAL_CLAIM : RENEWAL_RENEW,
        .id = ++latest_id,
        .of.request = {.address_length = presented->address_length, .length = presented->length}};
    memcpy(message.of.request.address, presented->address, presented->address_length);
    memcpy(message.of.request.credential, presented->credential, presented->length);
    if (claim != NULL) {
        message.of.request.certificate_length = claim->certificate_length;
        memcpy(message.of.request.certificate, claim->certificate, claim->certificate_length);
    }
    question->id = message.id;
    bool sent = send_message(&message);
    explicit_bzero(&message, sizeof message);
    return sent;
}

static void send_waiting(int64_t now)
{
    struct question *question;
    while (in_flight_count < IN_FLIGHT_MAX && (question = TAILQ_FIRST(&waiting)) != NULL && send_question(question)) {
        TAILQ_REMOVE(&waiting, question, entry);
        TAILQ_INSERT_TAIL(&in_flight, question, entry);
        waiting_count--;
        in_flight_count++;
    }
    if (now < ping_at)
        return;
    ping_at = now + PING_MS;
    (void)send_message(&(struct renewal_message){.type = RENEWAL_PING});
}

/* False: nothing more now. */
static bool receive_message(void)
{
    uint8_t bytes[RENEWAL_MESSAGE_MAX];
    struct renewal_message message;
    ssize_t size = recv(link_descriptor, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (size <= 0) {
        lose_connection(size < 0 ? strerror(errno) : "it has closed the connection: see its messages");
        return false;
    }
    if ((size_t)size > sizeof bytes || !renewal_message_read(bytes, (size_t)size, &message) ||
        (message.type != RENEWAL_PONG && message.type != RENEWAL_RENEWED && message.type != RENEWAL_CLAIMED &&
         message.type != RENEWAL_LEAK_TAKEN)) {
        has_received = false;
        lose_connection("it has sent a malformed message");
        return false;
    }
    has_received = true;
    atomic_store(&lively_until, process_clock_ms() + LIVELY_MS);
    if (is_away)
        journal_write(JOURNAL_INFORMATION, "the broker answers");
    is_away = false;
    if (message.type != RENEWAL_PONG)
        take_answer(&message);
    explicit_bzero(bytes, (size_t)size);
    return true;
}

/* ---- The thread ---- */

static int time_left(int64_t now)
{
    int64_t next = link_descriptor < 0 ? connect_at : ping_at;
    const struct question *oldest[] = {TAILQ_FIRST(&waiting), TAILQ_FIRST(&in_flight)};
    for (int i = 0; i < 2; i++)
        if (oldest[i] != NULL && oldest[i]->deadline < next)
            next = oldest[i]->deadline;
    return next <= now ? 0 : (int)(next - now);
}

static void wait_for_something(int64_t now)
{
    bool blocked = !TAILQ_EMPTY(&waiting) && in_flight_count < IN_FLIGHT_MAX; /* the broker does not read */
    struct pollfd polled[2] = {{.fd = changed, .events = POLLIN},
                               {.fd = link_descriptor, .events = (short)(blocked ? POLLIN | POLLOUT : POLLIN)}};
    int left = time_left(now);
    pthread_mutex_unlock(&lock);
    eventfd_t count;
    if (poll(polled, 2, left) > 0 && polled[0].revents != 0)
        (void)eventfd_read(changed, &count);
    pthread_mutex_lock(&lock);
}

static void *pass_on(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    while (!atomic_load(&stopping)) {
        int64_t now = process_clock_ms();
        if (link_descriptor < 0 && (now >= connect_at || !TAILQ_EMPTY(&waiting)))
            connect_now(now);
        if (link_descriptor >= 0)
            send_waiting(now);
        while (link_descriptor >= 0 && receive_message())
            ;
        resume_late(&waiting, &waiting_count, now);
        resume_late(&in_flight, &in_flight_count, now);
        wait_for_something(process_clock_ms());
    }
    resume_all(&waiting, &waiting_count);
    resume_all(&in_flight, &in_flight_count);
    pthread_mutex_unlock(&lock);
    if (link_descriptor >= 0)
        (void)close(link_descriptor);
    return NULL;
}

bool broker_link_start(const char *path)
{
    if (strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return changed >= 0 && pthread_create(&thread, NULL, pass_on, NULL) == 0;
}

bool broker_link_ask(struct question *question)
{
    pthread_mutex_lock(&lock);
    bool added = waiting_count < WAITING_MAX && !atomic_load(&stopping);
    if (added) {
        question->deadline = process_clock_ms() + PATIENCE_MS;
        MHD_suspend_connection(question->connection); /* before the thread can resume it */
        TAILQ_INSERT_TAIL(&waiting, question, entry);
        waiting_count++;
        (void)eventfd_write(changed, 1);
    }
    pthread_mutex_unlock(&lock);
    return added;
}

bool broker_link_answers(void)
{
    return process_clock_ms() < atomic_load(&lively_until);
}

void broker_link_stop(void)
{
    if (changed < 0)
        return;
    atomic_store(&stopping, true);
    (void)eventfd_write(changed, 1);
    pthread_join(thread, NULL);
    (void)close(changed);
    changed = -1;
}
