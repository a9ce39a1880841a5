/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon sealringd: verifies API keys for gateways that ask over HTTP. Start, signals, end. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"
#include "gateway/daemon/alert_keys.h"
#include "gateway/sealringd/alert_request.h"
#include "gateway/sealringd/broker_link.h"
#include "gateway/sealringd/daemon_options.h"
#include "gateway/daemon/direct_clients.h"
#include "gateway/sealringd/respond.h"
#include "gateway/sealringd/served.h"
#include "gateway/daemon/tls_files.h"
#include "gateway/sealringd/waiters.h"

enum { DRAIN_SECONDS = 10, DESCRIPTORS_BESIDE = 512 };

static struct daemon_options options;
static struct listeners listeners;
static pthread_t main_thread, reload_thread;
static enum { RELOAD_IDLE, RELOAD_RUNNING, RELOAD_RUNNING_AND_WANTED } reload_state;

/* The system's bound on descriptors is raised as far as it can be. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    rlim_t most = limit.rlim_max > DESCRIPTORS_BESIDE ? (limit.rlim_max - DESCRIPTORS_BESIDE) / listeners.count : 1;
    if (options.http.connections > most) {
        options.http.connections = most < 1 ? 1 : (unsigned)most;
        journal_write(
            JOURNAL_WARNING,
            "at most %u connections for each listener, as this process may have only %lu descriptors open (LimitNOFILE=)",
            options.http.connections, (unsigned long)limit.rlim_max);
    }
}

static bool open_listeners(void)
{
    listeners.type = SOCK_STREAM;
    listeners.mode = options.socket_mode;
    listeners.remote[LISTENER_PLAIN] = options.remote;
    listeners.remote[LISTENER_RENEW] = listeners.remote[LISTENER_LEAKS] = options.certificate != NULL;
    const char *problem = listener_inherit(&listeners);
    if (problem != NULL) {
        journal_write(JOURNAL_ERROR, "systemd passed a socket that cannot be used: %s", problem);
        return false;
    }
    for (size_t i = 0; i < options.listen_count; i++) {
        problem = listener_make(&listeners, options.listen_kinds[i], options.listen[i]);
        if (problem != NULL) {
            journal_write(JOURNAL_ERROR, "cannot listen on %s: %s", options.listen[i], problem);
            return false;
        }
    }
    if (listeners.count == 0)
        journal_write(JOURNAL_ERROR, "there is nothing to listen on: give --listen, or a socket unit of systemd");
    return listeners.count > 0;
}

static bool start_listener(size_t i, const struct tls_files *tls)
{
    char text[256];
    int descriptor = listeners.each[i].descriptor;
    struct http_listener listener = {.descriptor = descriptor,
                                     .renews = listeners.each[i].kind == LISTENER_RENEW,
                                     .alerts = listeners.each[i].kind == LISTENER_LEAKS};
    listener_describe(descriptor, text, sizeof text);
    listener.tls = (listener.renews || listener.alerts) && tls->certificate != NULL && !listener_is_unix(descriptor);
    const char *what = listener.alerts    ? "waiting for alerts on"
                       : !listener.renews ? "listening on"
                       : listener.tls     ? "renewing by TLS on"
                                          : "renewing on";
    bool started = http_start(&options.http, &listener, tls);
    if (started)
        journal_write(JOURNAL_INFORMATION, "%s %s", what, text);
    else
        journal_write(JOURNAL_ERROR, "cannot serve %s%s", text, listener.tls ? ": is this the certificate's key?" : "");
    return started;
}

static bool start_renewal(struct tls_files *tls)
{
    bool alerts = false;
    for (size_t i = 0; i < listeners.count; i++) {
        options.http.renewing |= listeners.each[i].kind == LISTENER_RENEW;
        alerts |= listeners.each[i].kind == LISTENER_LEAKS;
    }
    if (alerts && options.leaks_keys == NULL) {
        journal_write(JOURNAL_ERROR, "the keys that sign alerts are not known: give --leaks-keys");
        return false;
    }
    alert_requests_start(options.leaks_keys);
    if (!options.http.renewing && !alerts)
        return true;
    if (options.certificate != NULL && !tls_read(options.certificate, options.key, tls))
        return false;
    if (broker_link_start(options.broker))
        return true;
    journal_write(JOURNAL_ERROR, "no broker can be reached at %s: the path is too long, or there are no threads",
                  options.broker);
    return false;
}

static bool start(void)
{
    sealring_error error = {.message = ""};
    if (process_set_environment(options.vault, &error) != SEALRING_OK ||
        served_open(options.vault, &error) != SEALRING_OK) {
        journal_write(JOURNAL_ERROR, "%s", error.message);
        return false;
    }
    if (!respond_prepare() || !direct_clients_prepare() || !waiters_start(options.waiters)) {
        journal_write(JOURNAL_ERROR, "no memory, or no threads");
        return false;
    }
    struct tls_files tls = {.certificate = NULL};
    bool good = start_renewal(&tls);
    for (size_t i = 0; good && i < listeners.count; i++)
        good = start_listener(i, &tls);
    tls_free(&tls);
    return good;
}

/* ---- Reload ---- */

/* What cannot be used is reported; the files that are in use stay in use. */
static void reload_tls(void)
{
    struct tls_files files = {.certificate = NULL};
    if (options.certificate == NULL || !tls_read(options.certificate, options.key, &files))
        return;
    if (!http_exchange_tls(&files))
        journal_write(JOURNAL_WARNING, "%s and its key cannot be used, so those that are in use go on",
                      options.certificate);
    tls_free(&files);
}

/* In a thread, as a token may take its time, and systemd's watchdog does not wait. */
static void *reload(void *context)
{
    sealring_error error = {.message = ""};
    (void)context;
    reload_tls();
    if (served_open(options.vault, &error) == SEALRING_OK)
        journal_write(JOURNAL_INFORMATION, "reopened %s", options.vault);
    else
        journal_write(JOURNAL_WARNING, "the vault cannot be reopened, so the one that is open goes on: %s",
                      error.message);
    (void)pthread_kill(main_thread, SIGUSR1);
    return NULL;
}

static void reload_start(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)time.tv_sec * 1000000 + time.tv_nsec / 1000);
    reload_state = RELOAD_RUNNING;
    if (pthread_create(&reload_thread, NULL, reload, NULL) == 0)
        return;
    reload_state = RELOAD_IDLE;
    journal_write(JOURNAL_WARNING, "the vault cannot be reopened: no thread");
    (void)sd_notify(0, "READY=1");
}

static void reload_finished(void)
{
    bool again = reload_state == RELOAD_RUNNING_AND_WANTED;
    pthread_join(reload_thread, NULL);
    reload_state = RELOAD_IDLE;
    if (again)
        reload_start();
    else
        (void)sd_notify(0, "READY=1");
}

/* ---- From start to end ---- */

static void serve(const sigset_t *signals)
{
    uint64_t watchdog_us = 0;
    (void)sd_watchdog_enabled(0, &watchdog_us);
    uint64_t interval_us = watchdog_us > 0 ? watchdog_us / 3 : UINT64_C(3600) * 1000000;
    const struct timespec interval = {(time_t)(interval_us / 1000000), (long)(interval_us % 1000000) * 1000};
    int signal = 0;
    while (signal != SIGTERM && signal != SIGINT) {
        /* Proof of life: whoever holds the lock that each request takes for ever has the process restarted. */
        sealring_vault *vault = NULL;
        served_return(served_take(&vault));
        (void)sd_notify(0, "WATCHDOG=1");
        signal = sigtimedwait(signals, NULL, &interval);
        if (signal == SIGHUP && reload_state == RELOAD_IDLE)
            reload_start();
        else if (signal == SIGHUP)
            reload_state = RELOAD_RUNNING_AND_WANTED;
        else if (signal == SIGUSR1 && reload_state != RELOAD_IDLE)
            reload_finished();
    }
    (void)sd_notify(0, "STOPPING=1");
}

/* Requests that were accepted are answered, unless that takes too long. */
static void stop(int status)
{
    static const struct timespec step = {.tv_nsec = 5 * 1000000L};
    http_drain();
    for (int i = 0; i < DRAIN_SECONDS * 200 && http_active() > 0; i++)
        (void)nanosleep(&step, NULL);
    bool idle = waiters_stop();
    broker_link_stop();
    http_stop();
    respond_end();
    listeners_close(&listeners);
    if (reload_state != RELOAD_IDLE && pthread_tryjoin_np(reload_thread, NULL) != 0)
        idle = false;
    if (!idle) { /* closing would wait for the token, too; the next verifier takes over the report file */
        journal_write(JOURNAL_WARNING, "ends without closing the vault, as the token does not answer");
        _exit(status);
    }
    served_close();
}

static int replace_keys(void)
{
    const char *problem = NULL;
    if (alert_keys_replace(options.replace_keys, &problem))
        return EXIT_SUCCESS;
    journal_write(JOURNAL_ERROR, "%s stays as it is: %s", options.replace_keys, problem);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    int status = EXIT_FAILURE;
    sigset_t signals;
    journal_begin("sealringd");
    if (!daemon_options_read(argc, argv, &options, &status))
        return status;
    if (options.replace_keys != NULL)
        return replace_keys();
    main_thread = pthread_self();
    (void)sigemptyset(&signals);
    for (const int *each = (const int[]){SIGTERM, SIGINT, SIGHUP, SIGUSR1, 0}; *each != 0; each++)
        (void)sigaddset(&signals, *each);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!open_listeners()) {
        listeners_close(&listeners);
        return EXIT_FAILURE;
    }
    process_protect();
    raise_limits();
    bool good = start();
    if (good) {
        (void)sd_notify(0, "READY=1");
        serve(&signals);
    }
    stop(good ? EXIT_SUCCESS : EXIT_FAILURE);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
