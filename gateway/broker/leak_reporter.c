/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that reports leaked credentials to the vault, with a manager of its own, so that renewal does not wait for it. */
#include "gateway/broker/leak_reporter.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"

enum { LOCK_WAIT_MS = 5000, STOP_MS = 1000 };

struct reported {
    uint64_t peer;
    uint32_t id;
    struct leak_report report;
    sealring_leak leak;
};

static const char *directory;
static struct reported *ring;      /* in locked memory: answered ones, then those that the thread has not done */
static size_t first, done, length; /* under `lock`: the first `done` of `length` are answered */
static bool stopping, ended;       /* likewise */
static int ready = -1;             /* eventfd */
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct reported *at(size_t i)
{
    return &ring[(first + i) % LEAKS_WAITING_MAX];
}

/* ---- The thread ---- */

static void write_line(const sealring_leak *leak)
{
    static struct journal_pace pace;
    switch (leak->result) {
    case SEALRING_LEAK_ALARMED:
    case SEALRING_LEAK_SUSPENDED:
    case SEALRING_LEAK_REKEYED:
        journal_write(JOURNAL_ALARM,
                      "a credential of %s in ring %s was found somewhere (%s): API key %s: see `sealring leaks list`",
                      leak->client, leak->ring, sealring_leak_result_name(leak->result), leak->key_id);
        return;
    case SEALRING_LEAK_UNAVAILABLE:
        if (journal_may_repeat(&pace))
            journal_write(JOURNAL_WARNING, "the leak of a credential is not recorded: %s", leak->reason);
        return;
    default:
        return;
    }
}

/* Leaks are rare: the vault is opened for each, so that nothing of it gets old. */
static void report(struct reported *one)
{
    const sealring_manage_options options = {.size = sizeof options, .lock_wait = LOCK_WAIT_MS};
    sealring_manager *manager = NULL;
    sealring_error error = {.message = ""};
    one->leak = (sealring_leak){.size = sizeof one->leak,
                                .credential = one->report.credential,
                                .credential_length = strlen(one->report.credential),
                                .url = one->report.url,
                                .source = one->report.source};
    if (sealring_manager_open(directory, &options, &manager, &error) == SEALRING_OK)
        (void)sealring_report_leaks(manager, &one->leak, 1, true, &error);
    sealring_manager_close(&manager);
    if (one->leak.reason[0] == '\0')
        memcpy(one->leak.reason, error.message, strnlen(error.message, sizeof one->leak.reason - 1));
    write_line(&one->leak);
}

static void *work(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    while (!stopping) {
        if (done == length) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        struct reported *one = at(done); /* it stays where it is: only answered ones are removed */
        pthread_mutex_unlock(&lock);
        report(one);
        pthread_mutex_lock(&lock);
        done++;
        (void)eventfd_write(ready, 1);
    }
    ended = true;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- Its owner ---- */

bool leak_reporter_start(const char *vault)
{
    directory = vault;
    ring = sealring_secret_allocate(LEAKS_WAITING_MAX * sizeof *ring);
    ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return ring != NULL && ready >= 0 && pthread_create(&thread, NULL, work, NULL) == 0;
}

int leak_reporter_descriptor(void)
{
    return ready;
}

bool leak_reporter_add(uint64_t peer, uint32_t id, const struct leak_report *wanted)
{
    pthread_mutex_lock(&lock);
    bool room = length < LEAKS_WAITING_MAX && !stopping;
    if (room) {
        struct reported *one = at(length++);
        one->peer = peer;
        one->id = id;
        one->report = *wanted;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
    return room;
}

bool leak_reporter_next(uint64_t *peer, uint32_t *id, unsigned *result)
{
    eventfd_t count;
    (void)eventfd_read(ready, &count);
    pthread_mutex_lock(&lock);
    bool any = done > 0;
    if (any) {
        struct reported *one = at(0);
        *peer = one->peer;
        *id = one->id;
        *result = (unsigned)one->leak.result;
        explicit_bzero(one, sizeof *one);
        first = (first + 1) % LEAKS_WAITING_MAX;
        done--;
        length--;
    }
    pthread_mutex_unlock(&lock);
    return any;
}

bool leak_reporter_works(void)
{
    pthread_mutex_lock(&lock);
    bool works = length > 0;
    pthread_mutex_unlock(&lock);
    return works;
}

bool leak_reporter_stop(void)
{
    static const struct timespec step = {.tv_nsec = 5 * 1000000L};
    bool over = false;
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    for (int64_t end = process_clock_ms() + STOP_MS; !over && process_clock_ms() < end;) {
        pthread_mutex_lock(&lock);
        over = ended;
        pthread_mutex_unlock(&lock);
        if (!over)
            (void)nanosleep(&step, NULL);
    }
    if (!over)
        return false;
    pthread_join(thread, NULL);
    (void)close(ready);
    sealring_secret_free(ring, LEAKS_WAITING_MAX * sizeof *ring);
    return true;
}
