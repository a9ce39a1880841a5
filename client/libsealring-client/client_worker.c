/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that watches the file and renews the credential when that is due. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/capped.h"
#include "base/clock.h"
#include "client/libsealring-client/client_parts.h"
#include "client/libsealring-client/client_schedule.h"

/* Without notifications the file is polled; with them also, as a directory on the path may be replaced, which no watch notices. */
enum { POLL_ALONE_MS = 2000, POLL_BESIDE_MS = 30000, SETTLE_MS = 20 };

/* Between two renewals that refusals of the service cause, although the server states that the credential is valid. */
#define REFUSAL_PAUSE_MS 60000

struct client_agenda {
    sealring_client *client;
    struct client_worker *worker;
    int watch;      /* inotify, -1: none */
    int64_t ask_at; /* since boot, as all here */
    int64_t refusals_from;
    const char *newest; /* of the last round */
    bool due, refused;  /* ask_at is for that */
};

struct client_worker *client_worker_new(unsigned forks)
{
    struct client_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return NULL;
    worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->wake < 0) {
        free(worker);
        return NULL;
    }
    worker->forks = forks;
    worker->file_lock = -1;
    (void)pthread_mutex_init(&worker->lock, NULL);
    return worker;
}

void client_worker_wake(const struct client_worker *worker)
{
    int failure = errno;
    ssize_t written = write(worker->wake, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* EAGAIN: it is awake */
    errno = failure;
}

/* ---- Watching ---- */

/* The directory of the name, as files are replaced by rename(2); of a secret volume the link `..data` in it is. */
static int start_watch(const char *file)
{
    char copy[PATH_MAX];
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0)
        return -1;
    (void)strncpy(copy, file, sizeof copy - 1);
    copy[sizeof copy - 1] = '\0';
    if (inotify_add_watch(watch, dirname(copy), IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_ONLYDIR) < 0) {
        (void)close(watch);
        return -1;
    }
    return watch;
}

/* What the events are about does not matter: the file's status decides. */
static void drain(int descriptor)
{
    char events[4096];
    while (descriptor >= 0 && read(descriptor, events, sizeof events) > 0) {
    }
}

/* ---- When to ask ---- */

static void plan_idle(struct client_agenda *agenda)
{
    agenda->due = agenda->refused = false;
    agenda->ask_at = clock_boot_ms() + client_delay_idle(agenda->client->settings.interval_ms, client_random());
}

/* A successor that was reported, or a refusal, brings the next renewal forward, once; never before a delay after a failure. */
static void plan(struct client_agenda *agenda)
{
    sealring_client *client = agenda->client;
    const char *newest = atomic_load(&client->newest);
    int64_t now = clock_boot_ms(), wanted = INT64_MAX;
    if (newest != agenda->newest) { /* another process has renewed it, or an operator */
        agenda->newest = newest;
        atomic_store(&agenda->worker->failures, 0);
        plan_idle(agenda);
    }
    if (atomic_load(&agenda->worker->failures) > 0)
        return;
    if (!agenda->refused && atomic_load(&client->refused_newest) == newest) {
        agenda->refused = true;
        wanted = (now < agenda->refusals_from ? agenda->refusals_from : now) + client_delay_refused(client_random());
    } else if (!agenda->due && atomic_load(&client->due)) {
        int64_t left = capped_subtract(atomic_load(&client->sunset), clock_wall_ms());
        agenda->due = true;
        wanted = now + client_delay_due(left, client->settings.spread_ms, client_random());
    }
    if (wanted < agenda->ask_at)
        agenda->ask_at = wanted;
}

static void renew_now(struct client_agenda *agenda)
{
    sealring_client *client = agenda->client;
    struct client_worker *worker = agenda->worker;
    sealring_error error;
    sealring_client_result result = client_renew(client, worker, 0, &error);
    if (agenda->refused && result == SEALRING_CLIENT_CURRENT)
        agenda->refusals_from = clock_boot_ms() + REFUSAL_PAUSE_MS;
    agenda->newest = atomic_load(&client->newest);
    plan_idle(agenda);
    if (result == SEALRING_CLIENT_RENEWED)
        client_report(client, SEALRING_CLIENT_EVENT_NOTE, "%s was renewed", client->settings.file);
    if (result == SEALRING_CLIENT_WATCHING)
        agenda->due = agenda->refused = true; /* there is nothing to do about either until the file changes */
    if (result == SEALRING_CLIENT_RENEWED || result == SEALRING_CLIENT_CURRENT || result == SEALRING_CLIENT_WATCHING ||
        atomic_load(&worker->stop))
        return;
    client_report(client, SEALRING_CLIENT_EVENT_TROUBLE, "%s", error.message);
    agenda->ask_at = clock_boot_ms() + client_delay_failed(atomic_load(&worker->failures),
                                                           atomic_load(&worker->retry_after), client_random());
}

/* ---- The thread ---- */

static void wait_for_news(const struct client_agenda *agenda)
{
    struct pollfd sources[2] = {{.fd = agenda->worker->wake, .events = POLLIN},
                                {.fd = agenda->watch, .events = POLLIN}};
    int64_t most = agenda->watch < 0 ? POLL_ALONE_MS : POLL_BESIDE_MS;
    int64_t left = agenda->ask_at - clock_boot_ms();
    int64_t timeout = left < 0 ? 0 : left < most ? left : most;
    if (poll(sources, 2, (int)timeout) > 0 && sources[1].revents != 0)
        clock_sleep(
            SETTLE_MS); /* several events of one replacement; and a directory that changes all the time costs little */
    drain(sources[0].fd);
    drain(sources[1].fd);
}

static void *work(void *context)
{
    sealring_client *client = context;
    struct client_worker *worker = atomic_load(&client->worker);
    struct client_agenda agenda = {
        .client = client, .worker = worker, .watch = -1, .newest = atomic_load(&client->newest)};
    plan_idle(&agenda);
    while (!atomic_load(&worker->stop)) {
        if (agenda.watch < 0)
            agenda.watch = start_watch(client->settings.file);
        (void)pthread_mutex_lock(&worker->lock);
        client_look(client, worker);
        (void)pthread_mutex_unlock(&worker->lock);
        plan(&agenda);
        if (clock_boot_ms() >= agenda.ask_at)
            renew_now(&agenda);
        else
            wait_for_news(&agenda);
    }
    if (agenda.watch >= 0)
        (void)close(agenda.watch);
    return NULL;
}

bool client_worker_start(sealring_client *client, struct client_worker *worker)
{
    sigset_t all, before;
    if (client->settings.manual || client->settings.file == NULL)
        return true;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->started = pthread_create(&worker->thread, NULL, work, client) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return worker->started;
}

void client_worker_end(struct client_worker *worker)
{
    atomic_store(&worker->stop, true);
    if (worker->started) {
        client_worker_wake(worker);
        (void)pthread_join(worker->thread, NULL);
    }
    (void)close(worker->wake);
    (void)pthread_mutex_destroy(&worker->lock);
    free(worker);
}
