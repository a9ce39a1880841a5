/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for verifiers on the command line: a progress line on terminals, one line for each change elsewhere. */
#include "tools/sealring/views/waitline.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/sealring/output.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/terminal/terminal.h"

#define SHOWN_AFTER 300 /* milliseconds: what is done by then needs no line */
#define LINE_SIZE   512

struct waitline {
    struct session *session;
    const char *what; /* "waiting until they can verify version 2" */
    sealring_wait wait;
    int64_t began;
    bool drawn;       /* there is a line on the terminal to be cleared */
    bool interrupted; /* by a signal */
    char text[400];   /* printed last */
};

/* As many bytes of a text as fit into the rest of a line: one that wraps could not be cleared again. */
static int fitting(const char *text, size_t used)
{
    struct winsize size = {.ws_col = 0};
    size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    size_t room = used + 1 < width ? width - used - 1 : 0;
    size_t length = strlen(text);
    if (length <= room)
        return (int)length;
    while (room > 0 && ((unsigned char)text[room] & 0xC0) == 0x80) /* not inside a character */
        room--;
    return (int)room;
}

static void draw(struct waitline *waitline, const sealring_progress *progress)
{
    const struct style *style = &waitline->session->err;
    int64_t elapsed = (moment_monotonic() - waitline->began) / 1000 * 1000;
    int64_t left = (progress->at_most + 999) / 1000 * 1000;
    char line[2 * LINE_SIZE];
    int length = snprintf(line, LINE_SIZE, "  %" PRIu32 " of %" PRIu32 " verifiers, %s", progress->done,
                          progress->total, moment_duration(elapsed).text);
    if (progress->at_most >= 0)
        length += snprintf(line + length, LINE_SIZE, ", at most %s more", moment_duration(left).text);
    if (progress->text[0] != '\0')
        snprintf(line + length, LINE_SIZE, ": missing %s", progress->text);
    char *text = terminal_text(style, line);
    terminal_print(style, "\r\033[K" INFO "%s" PLAIN, waitline->what);
    fprintf(stderr, "%.*s", fitting(text, strlen(waitline->what)), text);
    free(text);
    fflush(stderr);
    waitline->drawn = true;
}

static int show(const sealring_progress *progress, void *context)
{
    struct waitline *waitline = context;
    if (signals_caught() != 0) {
        waitline->interrupted = true;
        return 1;
    }
    if (waitline->session->json || moment_monotonic() - waitline->began < SHOWN_AFTER)
        return 0;
    if (waitline->session->err.terminal) {
        draw(waitline, progress);
    } else if (session_is_news(waitline->text, sizeof waitline->text, progress->text)) {
        session_say(waitline->session, "%s: %" PRIu32 " of %" PRIu32 " verifiers, missing: %s", waitline->what,
                    progress->done, progress->total, progress->text);
    }
    return 0;
}

/* From here on signals are noted only. `what` stays the caller's. */
static void waitline_start(struct waitline *waitline, struct session *session, const char *what)
{
    const struct options *given = &session->options;
    *waitline = (struct waitline){.session = session, .what = what, .began = moment_monotonic()};
    int64_t most = option_given(given, "wait") ? option_number(given, "wait") : -1;
    waitline->wait = (sealring_wait){
        .size = sizeof waitline->wait,
        .most = option_given(given, "no-wait") ? 0 : most,
        .progress = show,
        .context = waitline,
    };
    fflush(stdout); /* what was done is printed before the wait */
    signals_watch();
}

/* Clears the line; signals end the process again. If one was caught, it ends here, as its parent expects. */
static void waitline_finish(struct waitline *waitline)
{
    signals_release();
    if (waitline->drawn)
        fputs("\r\033[K", stderr);
    if (!waitline->interrupted)
        return;
    session_say(waitline->session, "interrupted: %s", waitline->session->error.message);
    output_finish(STATUS_DONE);
    raise(signals_caught());
}

sealring_status waitline_barrier(struct session *session, const char *ring, uint32_t version)
{
    char what[64];
    struct waitline waitline;
    snprintf(what, sizeof what, "waiting until every verifier can verify version %" PRIu32, version);
    waitline_start(&waitline, session, what);
    sealring_status status = sealring_wait_barrier(session->manager, ring, version, &waitline.wait, &session->error);
    waitline_finish(&waitline);
    return status;
}

typedef sealring_status (*wait_function)(sealring_manager *manager, const sealring_wait *wait, sealring_error *error);

static int wait_until(struct session *session, wait_function wait)
{
    struct waitline waitline;
    waitline_start(&waitline, session, "taking effect");
    sealring_status status = wait(session->manager, &waitline.wait, &session->error);
    waitline_finish(&waitline);
    if (status == SEALRING_OK) {
        session_say(session, "effective: no verifier uses the former state any more");
        return STATUS_DONE;
    }
    if (status != SEALRING_NOT_EFFECTIVE)
        return session_fail(session, status);
    session_warn(session, "%s", session->error.message);
    return STATUS_NOT_EFFECTIVE;
}

int waitline_effective(struct session *session)
{
    return wait_until(session, sealring_wait_effective);
}

int waitline_era(struct session *session)
{
    return wait_until(session, sealring_wait_era);
}
