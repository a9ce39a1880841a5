/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that may wait for the token, so that those which serve connections never do. */
#include "gateway/sealringd/waiters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/daemon/daemon_process.h"

enum { THREADS_MAX = 256, WAITING_MAX = 4096, PATIENCE_MS = 5000, STOP_MS = 1000, TICK_MS = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER; /* for the threads */
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;   /* for the one that watches the time */
static pthread_t timer;
static bool started;
static unsigned running; /* under `lock`, as all that follows */
static struct questions untaken = TAILQ_HEAD_INITIALIZER(untaken), taken = TAILQ_HEAD_INITIALIZER(taken);
static unsigned waiting; /* in untaken */
static bool stopping;

static const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};

/* Under the lock. From then on the outcome is the connection's. */
static void answer(struct question *question, const struct outcome *outcome)
{
    if (question->answered)
        return;
    question->answered = true;
    if (outcome != NULL)
        question->outcome = *outcome;
    else
        question->outcome.verdict = SEALRING_UNAVAILABLE;
    MHD_resume_connection(question->connection);
}

/* Under the lock. */
static struct question *take(void)
{
    while (TAILQ_EMPTY(&untaken) && !stopping)
        pthread_cond_wait(&changed, &lock);
    struct question *question = TAILQ_FIRST(&untaken);
    if (question == NULL)
        return NULL;
    TAILQ_REMOVE(&untaken, question, entry);
    waiting--;
    TAILQ_INSERT_TAIL(&taken, question, entry);
    question->taken = true;
    return question;
}

static void *work(void *context)
{
    struct question *question;
    struct outcome outcome;
    (void)context;
    pthread_mutex_lock(&lock);
    while ((question = take()) != NULL) {
        pthread_mutex_unlock(&lock);
        question_ask(question, 0, &outcome);
        pthread_mutex_lock(&lock);
        TAILQ_REMOVE(&taken, question, entry);
        question->taken = false;
        answer(question, &outcome);
        if (question->released)
            question_free(question);
    }
    running--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Under the lock. Both lists are in the order of the deadlines. */
static void answer_late(int64_t time)
{
    struct question *question;
    while ((question = TAILQ_FIRST(&untaken)) != NULL && time >= question->deadline) {
        TAILQ_REMOVE(&untaken, question, entry);
        waiting--;
        answer(question, NULL);
    }
    TAILQ_FOREACH(question, &taken, entry)
    {
        if (time < question->deadline)
            break;
        answer(question, NULL);
    }
}

static void *watch(void *context)
{
    bool end = false;
    (void)context;
    while (!end) {
        (void)nanosleep(&tick, NULL);
        pthread_mutex_lock(&lock);
        while (TAILQ_EMPTY(&untaken) && TAILQ_EMPTY(&taken) && !stopping)
            pthread_cond_wait(&begun, &lock);
        end = stopping;
        answer_late(end ? INT64_MAX : process_clock_ms());
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

bool waiters_start(unsigned count)
{
    pthread_attr_t detached;
    if (pthread_attr_init(&detached) != 0)
        return false;
    started = pthread_create(&timer, NULL, watch, NULL) == 0;
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED); /* one that hangs is not waited for */
    pthread_mutex_lock(&lock);
    pthread_t thread;
    while (started && running < count && running < THREADS_MAX && pthread_create(&thread, &detached, work, NULL) == 0)
        running++;
    bool any = running > 0;
    pthread_mutex_unlock(&lock);
    (void)pthread_attr_destroy(&detached);
    return any;
}

bool waiters_add(struct question *question)
{
    char *copy = malloc(question->presented.length);
    if (copy == NULL)
        return false;
    memcpy(copy, question->presented.credential, question->presented.length);
    pthread_mutex_lock(&lock);
    bool added = waiting < WAITING_MAX && !stopping;
    if (added) {
        question->asked = true;
        question->credential_copy = copy;
        question->presented.credential = copy;
        question->deadline = process_clock_ms() + PATIENCE_MS;
        MHD_suspend_connection(question->connection); /* before a thread can resume it */
        TAILQ_INSERT_TAIL(&untaken, question, entry);
        waiting++;
        pthread_cond_signal(&changed);
        pthread_cond_signal(&begun);
    }
    pthread_mutex_unlock(&lock);
    if (!added)
        free(copy);
    return added;
}

void waiters_forget(struct question *question)
{
    pthread_mutex_lock(&lock);
    question->asked = question->answered = false;
    pthread_mutex_unlock(&lock);
    if (question->credential_copy != NULL)
        explicit_bzero(question->credential_copy, question->presented.length);
    free(question->credential_copy);
    question->credential_copy = NULL;
}

void waiters_release(struct question *question)
{
    pthread_mutex_lock(&lock);
    question->released = true;
    bool last = !question->taken;
    pthread_mutex_unlock(&lock);
    if (last)
        question_free(question);
}

bool waiters_stop(void)
{
    if (!started)
        return true;
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_broadcast(&changed);
    pthread_cond_signal(&begun);
    pthread_mutex_unlock(&lock);
    pthread_join(timer, NULL);
    bool ended = false;
    for (int64_t end = process_clock_ms() + STOP_MS; !ended && process_clock_ms() < end;) {
        pthread_mutex_lock(&lock);
        ended = running == 0;
        pthread_mutex_unlock(&lock);
        if (!ended)
            (void)nanosleep(&tick, NULL);
    }
    return ended;
}
