/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that may wait for the token, so that those which serve connections never do. */
#include "gateway/sealringd/waiters.h"

#include <pthread.h>
#include <time.h>

enum { THREADS_MAX = 256, WAITING_MAX = 4096, PATIENCE_MS = 5000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t threads[THREADS_MAX];
static unsigned started;
static struct question *first, **last = &first; /* under `lock`, as all that follows */
static unsigned waiting;
static bool stopping;

static int64_t monotonic_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* The one that has waited longest, or NULL at the end. */
static struct question *take(bool *late)
{
    pthread_mutex_lock(&lock);
    while (first == NULL && !stopping)
        pthread_cond_wait(&changed, &lock);
    struct question *question = first;
    if (question != NULL) {
        first = question->next;
        if (first == NULL)
            last = &first;
        waiting--;
        *late = stopping || monotonic_ms() > question->deadline;
    }
    pthread_mutex_unlock(&lock);
    return question;
}

static void *work(void *context)
{
    struct question *question;
    bool late = false;
    (void)context;
    while ((question = take(&late)) != NULL) {
        if (late)
            question->verdict = SEALRING_UNAVAILABLE;
        else
            question_ask(question, 0);
        MHD_resume_connection(question->connection); /* the question is the connection's again */
    }
    return NULL;
}

bool waiters_start(unsigned count)
{
    while (started < count && started < THREADS_MAX && pthread_create(&threads[started], NULL, work, NULL) == 0)
        started++;
    return started > 0;
}

bool waiters_add(struct question *question)
{
    pthread_mutex_lock(&lock);
    bool taken = waiting < WAITING_MAX && !stopping;
    if (taken) {
        question->asked = true;
        question->deadline = monotonic_ms() + PATIENCE_MS;
        question->next = NULL;
        MHD_suspend_connection(question->connection); /* before a thread can resume it */
        *last = question;
        last = &question->next;
        waiting++;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

void waiters_stop(void)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    started = 0;
}
