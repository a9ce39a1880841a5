/* SPDX-License-Identifier: Apache-2.0 */
/* Example: an event loop that admits requests by their API key, and that never waits for the token or the registry.
 *
 *   event_loop VAULT SCOPE < credentials
 *
 * Standard input, a pipe or a socket, is the connection. Each line is one request: the text after `Authorization: Bearer `.
 * The loop (epoll) asks with SEALRING_NONBLOCK, which answers from memory. A request for which that returns
 * SEALRING_WOULD_BLOCK goes to a worker thread, which may wait; it wakes the loop through an eventfd. So a request that
 * waits for the token delays no other request. Each answer is one line:
 *
 *   LINE STATUS VERDICT FROM client=CLIENT        FROM: memory or worker
 *
 * Build: cc event_loop.c $(pkg-config --cflags --libs sealring) -pthread */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sealring/verify.h>

enum {
    LINE_MAX_BYTES = 4096, /* a longer line ends the connection */
    WAITING_MAX = 1000     /* requests for the worker; while there are more the loop answers 503 */
};

/* A request that may have to wait, and then its answer. */
struct task {
    struct task *next;
    unsigned long number;
    sealring_verdict verdict;
    sealring_grant grant;
    size_t length;
    char credential[];
};

struct queue {
    struct task *first, **last;
};

struct loop {
    sealring_vault *vault;
    const char *scope;
    int events; /* epoll */
    int wake;   /* eventfd: the worker has answers */
    bool connected;
    unsigned long lines;
    unsigned unanswered; /* tasks that the worker has, or had */
    size_t filled;
    char input[LINE_MAX_BYTES];

    pthread_mutex_t mutex; /* of the members below */
    pthread_cond_t more;
    struct queue waiting, answered;
    bool ends;
};

static void put(struct queue *queue, struct task *task)
{
    task->next = NULL;
    *queue->last = task;
    queue->last = &task->next;
}

static struct task *take(struct queue *queue)
{
    struct task *task = queue->first;
    if (task != NULL && (queue->first = task->next) == NULL)
        queue->last = &queue->first;
    return task;
}

static sealring_verdict judge(const struct loop *loop, const char *credential, size_t length, uint32_t flags,
                              sealring_grant *grant)
{
    const sealring_request request = {
        .size = sizeof(request), .credential = credential, .length = length, .scope = loop->scope, .flags = flags};
    grant->size = sizeof(*grant);
    return sealring_verify_request(loop->vault, &request, grant);
}

/* For the headers that belong to each status see server.c. */
static void respond(unsigned long number, sealring_verdict verdict, const sealring_grant *grant, const char *from)
{
    printf("%lu %d %s %s client=%s\n", number, sealring_verdict_http_status(verdict), sealring_verdict_name(verdict),
           from, grant->client);
}

/* ---- The worker: the only place that waits */

static void *work(void *context)
{
    struct loop *loop = context;
    pthread_mutex_lock(&loop->mutex);
    for (;;) {
        struct task *task = take(&loop->waiting);
        if (task == NULL && loop->ends)
            break;
        if (task == NULL) {
            pthread_cond_wait(&loop->more, &loop->mutex);
            continue;
        }
        pthread_mutex_unlock(&loop->mutex);
        task->verdict = judge(loop, task->credential, task->length, 0, &task->grant);
        explicit_bzero(task->credential, task->length);
        pthread_mutex_lock(&loop->mutex);
        put(&loop->answered, task);
        (void)!write(loop->wake, &(uint64_t){1}, sizeof(uint64_t));
    }
    pthread_mutex_unlock(&loop->mutex);
    return NULL;
}

/* False: there are too many, or there is no memory. */
static bool hand_over(struct loop *loop, const char *credential, size_t length)
{
    struct task *task = loop->unanswered < WAITING_MAX ? malloc(sizeof(*task) + length) : NULL;
    if (task == NULL)
        return false;
    task->number = loop->lines;
    task->length = length;
    memcpy(task->credential, credential, length);
    loop->unanswered++;
    pthread_mutex_lock(&loop->mutex);
    put(&loop->waiting, task);
    pthread_cond_signal(&loop->more);
    pthread_mutex_unlock(&loop->mutex);
    return true;
}

/* ---- The loop */

static void on_request(struct loop *loop, const char *credential, size_t length)
{
    sealring_grant grant;
    sealring_verdict verdict = judge(loop, credential, length, SEALRING_NONBLOCK, &grant);
    loop->lines++;
    /* SEALRING_WOULD_BLOCK that goes no further is a 503, too */
    if (verdict != SEALRING_WOULD_BLOCK || !hand_over(loop, credential, length))
        respond(loop->lines, verdict, &grant, "memory");
}

static void on_input(struct loop *loop)
{
    ssize_t got = read(STDIN_FILENO, loop->input + loop->filled, sizeof(loop->input) - loop->filled);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    loop->filled += got > 0 ? (size_t)got : 0;
    char *line = loop->input, *end;
    while ((end = memchr(line, '\n', loop->filled)) != NULL) {
        on_request(loop, line, (size_t)(end - line));
        loop->filled -= (size_t)(end + 1 - line);
        line = end + 1;
    }
    memmove(loop->input, line, loop->filled);
    explicit_bzero(loop->input + loop->filled, sizeof(loop->input) - loop->filled);
    if (got > 0 && loop->filled < sizeof(loop->input))
        return;
    loop->connected = false;
    epoll_ctl(loop->events, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

static void on_answers(struct loop *loop)
{
    uint64_t count;
    struct task *task;
    (void)!read(loop->wake, &count, sizeof(count));
    pthread_mutex_lock(&loop->mutex);
    while ((task = take(&loop->answered)) != NULL) {
        respond(task->number, task->verdict, &task->grant, "worker");
        loop->unanswered--;
        free(task);
    }
    pthread_mutex_unlock(&loop->mutex);
}

static bool watch(struct loop *loop, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    return epoll_ctl(loop->events, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static bool run(struct loop *loop)
{
    struct epoll_event event;
    pthread_t worker;
    loop->events = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    if (!watch(loop, loop->wake) || !watch(loop, STDIN_FILENO) || pthread_create(&worker, NULL, work, loop) != 0)
        return false;
    while (loop->connected || loop->unanswered > 0) {
        if (epoll_wait(loop->events, &event, 1, -1) != 1)
            continue;
        if (event.data.fd == STDIN_FILENO)
            on_input(loop);
        else
            on_answers(loop);
    }
    pthread_mutex_lock(&loop->mutex);
    loop->ends = true;
    pthread_cond_signal(&loop->more);
    pthread_mutex_unlock(&loop->mutex);
    pthread_join(worker, NULL);
    return true;
}

/* See server.c. */
static int set_environment(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

int main(int argc, char **argv)
{
    static struct loop loop = {.connected = true, .mutex = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    sealring_error error;
    if (argc != 3) {
        fprintf(stderr, "usage: %s VAULT SCOPE < credentials\n", argv[0]);
        return 2;
    }
    loop.scope = argv[2];
    loop.waiting.last = &loop.waiting.first;
    loop.answered.last = &loop.answered.first;
    if (sealring_environment(argv[1], set_environment, NULL, &error) != SEALRING_OK ||
        sealring_open(argv[1], NULL, &loop.vault, &error) != SEALRING_OK) {
        fprintf(stderr, "%s: %s\n", argv[0], error.message);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    bool ran = run(&loop);
    if (!ran)
        fprintf(stderr, "%s: no event loop (standard input must be a pipe or a socket): %s\n", argv[0],
                strerror(errno));
    sealring_close(&loop.vault);
    return ran ? 0 : 1;
}
