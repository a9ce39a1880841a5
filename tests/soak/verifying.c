/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying processes: a server with two threads; and one that forks workers, each with two threads, which come and go. */
#include "soak/verifying.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak/answers.h"

#define MILLISECOND INT64_C(1000000)

enum { THREADS = 2, WORKERS = 2, BURST = 8, NEWEST = 8, RECENT = 64, TRIES = 16 };

struct asking {
    struct history *history;
    sealring_vault *vault;
    struct history_life *life;
    uint32_t index; /* of the life */
    uint64_t random;
    struct answers_writer answers;
    sealring_grant *grant;
};

/* ---- one question ---- */

static bool is_presented(const struct history *history, uint32_t index)
{
    const struct history_credential *credential = &history->credentials[index];
    return atomic_load(&credential->ready) != 0 &&
           atomic_load(&history->drained[credential->ring][credential->version]) == 0;
}

/* What something happens to, or what was handed out lately, now and then anything that ever was. HISTORY_NONE: there is nothing. */
static uint32_t choose(struct asking *asking)
{
    uint32_t count = atomic_load(&asking->history->credential_count);
    for (int i = 0; count > 0 && i < TRIES; i++) {
        uint32_t how = history_below(&asking->random, 10);
        uint32_t hot = atomic_load(&asking->history->hot[history_below(&asking->random, HISTORY_HOT)]);
        if (history_below(&asking->random, 3) == 0 && hot != 0 && is_presented(asking->history, hot - 1))
            return hot - 1;
        uint32_t reach = how < 3 ? NEWEST : how < 8 ? RECENT : count;
        uint32_t index = count - 1 - history_below(&asking->random, reach < count ? reach : count);
        if (is_presented(asking->history, index))
            return index;
    }
    return HISTORY_NONE;
}

static enum cause cause_of(const char *reason)
{
    if (strstr(reason, "lease has expired") != NULL || strstr(reason, "lease ran out") != NULL)
        return CAUSE_LEASE;
    if (strstr(reason, "joining the vault") != NULL)
        return CAUSE_JOINING;
    return strstr(reason, "oken") != NULL ? CAUSE_REFUSED : CAUSE_OTHER;
}

static sealring_verdict ask(struct asking *asking, uint32_t index)
{
    static const char *const scopes[] = {[SCOPE_NONE] = NULL, [SCOPE_READ] = "read", [SCOPE_WRITE] = "write"};
    const struct history_credential *credential = &asking->history->credentials[index];
    struct answer *answer = answers_next(&asking->answers);
    answer->credential = index;
    answer->scope = (uint8_t)history_below(&asking->random, 3);
    asking->grant->size = sizeof *asking->grant;
    atomic_store(&answer->before, history_now());
    sealring_verdict verdict =
        sealring_verify(asking->vault, credential->text, credential->length, scopes[answer->scope], asking->grant);
    answer->after = history_now();
    if (verdict == SEALRING_UNAVAILABLE) {
        answer->cause = (uint8_t)cause_of(asking->grant->reason);
        if (answer->cause != CAUSE_LEASE)
            history_add_finding(asking->history, RULES, index, asking->index, answer->before, "%s",
                                asking->grant->reason);
    }
    atomic_store(&answer->verdict, (uint8_t)verdict);
    return verdict;
}

static bool shall_leave(const struct asking *asking)
{
    return atomic_load(&asking->life->quit) != 0;
}

static void begin(struct asking *asking, uint32_t thread)
{
    asking->random = asking->life->seed + thread;
    asking->grant = calloc(1, sizeof *asking->grant);
    if (asking->grant != NULL && answers_open(&asking->answers, asking->history->directory, asking->index, thread))
        return;
    perror("soak: answers");
    exit(1);
}

static void *ask_on(void *context)
{
    struct asking *asking = context;
    while (!shall_leave(asking)) {
        bool served = false;
        for (int i = 0; i < BURST; i++) {
            uint32_t index = choose(asking);
            served |= index != HISTORY_NONE && ask(asking, index) != SEALRING_UNAVAILABLE;
        }
        int64_t pause = MILLISECOND / 10 + (int64_t)history_below(&asking->random, (uint32_t)asking->history->pause);
        history_pause(served ? pause : 5 * pause);
    }
    answers_close(&asking->answers);
    free(asking->grant);
    return NULL;
}

/* ---- processes ---- */

static void ask_with_threads(struct history *history, sealring_vault *vault, uint32_t life)
{
    pthread_t threads[THREADS];
    struct asking asking[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        asking[i] = (struct asking){.history = history, .vault = vault, .life = &history->lives[life], .index = life};
        begin(&asking[i], i);
        if (pthread_create(&threads[i], NULL, ask_on, &asking[i]) != 0)
            exit(1);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static int64_t lasting(uint64_t *random)
{
    return (100 + (int64_t)history_below(random, 2000)) * MILLISECOND;
}

/* Leaves by itself when its time is over, with or without a good-bye. */
static void *end_worker(void *context)
{
    struct history_life *life = context;
    int64_t ends = history_now() + life->lasts;
    while (history_now() < ends && atomic_load(&life->quit) == 0)
        history_pause(10 * MILLISECOND);
    atomic_store(&life->quit, 1);
    return NULL;
}

_Noreturn static void work(struct history *history, sealring_vault *vault, uint32_t index, pid_t parent)
{
    struct history_life *life = &history->lives[index];
    pthread_t timer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    if (pthread_create(&timer, NULL, end_worker, life) != 0)
        _exit(1);
    ask_with_threads(history, vault, index);
    pthread_join(timer, NULL);
    if (life->seed % 2 == 0)
        sealring_close(&vault);
    atomic_store(&life->left, history_now());
    _exit(0);
}

static void start_worker(struct asking *parent, pid_t *process, uint32_t *life)
{
    struct history *history = parent->history;
    pid_t own = getpid();
    *life = history_add_life(history, LIFE_WORKER, parent->life->slot, history_random(&parent->random));
    history->lives[*life].lasts = lasting(&parent->random);
    history_add_moment(history, MOMENT_WORKER, *life, history_now());
    *process = fork();
    if (*process == 0)
        work(history, parent->vault, *life, own);
    atomic_store(&history->lives[*life].process, *process);
}

/* A worker that ended, by itself or because it was killed, is followed by another. */
static void mind_worker(struct asking *parent, pid_t *process, uint32_t *life)
{
    int status = 0;
    if (*process > 0 && waitpid(*process, &status, WNOHANG) != *process) {
        if (history_below(&parent->random, 40) == 0) {
            int64_t before = history_now();
            kill(*process, SIGKILL);
            history_add_moment(parent->history, MOMENT_KILL, *life, before);
        }
        return;
    }
    bool failed = *process > 0 && (WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WTERMSIG(status) != SIGKILL);
    if (failed)
        history_add_finding(parent->history, RULE_PROCESSES, HISTORY_NONE, *life, 0, "a worker ended by itself: %x",
                            (unsigned)status);
    start_worker(parent, process, life);
}

static void keep_workers(struct asking *parent)
{
    pid_t processes[WORKERS] = {0};
    uint32_t lives[WORKERS];
    while (!shall_leave(parent)) {
        for (int i = 0; i < WORKERS; i++)
            mind_worker(parent, &processes[i], &lives[i]);
        uint32_t index = choose(parent);
        if (index != HISTORY_NONE)
            ask(parent, index);
        history_pause(20 * MILLISECOND);
    }
    for (int i = 0; i < WORKERS; i++)
        if (processes[i] > 0)
            atomic_store(&parent->history->lives[lives[i]].quit, 1);
    for (int i = 0; i < WORKERS; i++)
        if (processes[i] > 0)
            waitpid(processes[i], NULL, 0);
}

_Noreturn void verifying_serve(struct history *history, uint32_t index)
{
    struct history_life *life = &history->lives[index];
    sealring_error error = {.message = ""};
    sealring_vault *vault = NULL;
    const sealring_options options = {.size = sizeof options, .no_warming = life->seed % 2 == 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sealring_open(history->vault, &options, &vault, &error) != SEALRING_OK) {
        history_add_finding(history, RULE_PROCESSES, HISTORY_NONE, index, 0, "the vault could not be opened: %s",
                            error.message);
        _exit(1);
    }
    atomic_store(&life->joined, history_now());
    if (life->kind == LIFE_PREFORK) {
        struct asking asking = {.history = history, .vault = vault, .life = life, .index = index};
        begin(&asking, 0);
        keep_workers(&asking);
        answers_close(&asking.answers);
    } else {
        ask_with_threads(history, vault, index);
    }
    sealring_close(&vault);
    atomic_store(&life->left, history_now());
    _exit(0);
}
