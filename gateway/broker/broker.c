/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon sealring-broker: renews credentials for sealringd, and alone has the rights to do so. Start and end. */
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "gateway/broker/broker_options.h"
#include "gateway/broker/leak_reporter.h"
#include "gateway/broker/renewer.h"
#include "gateway/broker/serve.h"
#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"

static struct broker_options options;
static struct listeners listeners;

static bool open_listeners(void)
{
    listeners.type = SOCK_SEQPACKET;
    listeners.mode = options.socket_mode;
    const char *problem = listener_inherit(&listeners);
    if (problem != NULL)
        journal_write(JOURNAL_ERROR, "systemd passed a socket that cannot be used: %s", problem);
    for (size_t i = 0; problem == NULL && i < options.listen_count; i++) {
        problem = listener_make(&listeners, LISTENER_PLAIN, options.listen[i]);
        if (problem != NULL)
            journal_write(JOURNAL_ERROR, "cannot listen on %s: %s", options.listen[i], problem);
    }
    if (problem == NULL && listeners.count == 0)
        journal_write(JOURNAL_ERROR, "there is nothing to listen on: give --listen, or a socket unit of systemd");
    return problem == NULL && listeners.count > 0;
}

static bool start(void)
{
    sealring_error error = {.message = ""};
    char remark[2 * SEALRING_MESSAGE_SIZE];
    if (process_set_environment(options.vault, &error) != SEALRING_OK ||
        renewer_start(options.vault, &error) != SEALRING_OK) {
        journal_write(JOURNAL_ERROR, "%s", error.message);
        return false;
    }
    if (!serve_prepare() || !leak_reporter_start(options.vault)) {
        journal_write(JOURNAL_ERROR, "no memory, no descriptors, or no threads");
        return false;
    }
    sealring_process_remark(remark);
    if (remark[0] != '\0')
        journal_write(JOURNAL_WARNING, "%s", remark);
    for (size_t i = 0; i < listeners.count; i++) {
        char text[256];
        listener_describe(listeners.each[i].descriptor, text, sizeof text);
        journal_write(JOURNAL_INFORMATION, "listening on %s", text);
    }
    return true;
}

int main(int argc, char **argv)
{
    int status = EXIT_FAILURE;
    sigset_t signals;
    journal_begin("sealring-broker");
    if (!broker_options_read(argc, argv, &options, &status))
        return status;
    process_protect();
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor < 0 || !open_listeners() || !start()) {
        listeners_close(&listeners);
        return EXIT_FAILURE;
    }
    (void)sd_notify(0, "READY=1");
    serve(&listeners, &options, descriptor);
    listeners_close(&listeners);
    if (!renewer_stop() ||
        !leak_reporter_stop()) { /* its locks end with the process, and what it has begun is completed by the next act */
        journal_write(JOURNAL_WARNING, "ends without closing the vault, as the token does not answer");
        _exit(EXIT_SUCCESS);
    }
    serve_end();
    return EXIT_SUCCESS;
}
