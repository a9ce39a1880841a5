/* SPDX-License-Identifier: Apache-2.0 */
/* sealring status: each ring's versions on a time line, their traffic, what happens next; once, or watched. */
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/screen.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/overview.h"

#define EVERY_DEFAULT 2000
#define SLICE         100 /* after which a change of size is noticed */

static int show_once(struct session *session)
{
    struct page page;
    sealring_status status = SEALRING_OK;
    page_open(&page, &session->out, session->out.terminal ? screen_size().columns : 0, session->now);
    json_t *overview = overview_read(session, session->options.arguments[0], &page, &status);
    if (status == SEALRING_OK && !session->json)
        page_print(page_text(&page), 0, SIZE_MAX, "\n");
    if (status == SEALRING_OK && json_array_size(json_object_get(overview, "rings")) == 0)
        session_say(session, "no rings yet: sealring ring create NAME --prefix acme_live");
    if (status == SEALRING_OK && session->json)
        jsontext_print(json_incref(overview));
    json_decref(overview);
    page_close(&page);
    return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
}

/* ---- Watching ----------------------------------------------------------------------------------------------------------- */

struct watching {
    struct session *session;
    int64_t every;
    bool draws;                                         /* in place, on a terminal */
    struct screen screen;                               /* as of the last poll */
    char *text;                                         /* owned: the last page that could be made */
    char *substance;                                    /* owned: what was printed last */
    int64_t looked;                                     /* when that was */
    char trouble[sizeof((sealring_error *)0)->message]; /* "" for none */
};

static void draw(const struct watching *watching)
{
    const char *separator = style_separator(&watching->session->out);
    int64_t now = watching->session->now;
    struct page foot;
    page_open(&foot, &watching->session->out, 0, now);
    if (watching->trouble[0] != '\0')
        terminal_print(&foot.out, WARN "tries again, this is of %s: %s" PLAIN,
                       moment_relative(watching->looked, now).text, watching->trouble);
    else
        terminal_print(&foot.out, DIM "%s%slooks every %s%sCtrl-C ends" PLAIN, moment_absolute(now).text, separator,
                       moment_duration(watching->every).text, separator);
    screen_draw(&watching->screen, watching->text, page_text(&foot));
    page_close(&foot);
}

/* A block for each change. */
static void print_change(struct watching *watching, json_t *overview)
{
    char *substance = overview_substance(overview);
    bool news = watching->substance == NULL || strcmp(watching->substance, substance) != 0;
    if (news && watching->session->json) {
        jsontext_print_line(json_incref(overview));
    } else if (news) {
        if (watching->substance != NULL)
            putchar('\n');
        terminal_print(&watching->session->out, "---- %s ----\n", moment_absolute(watching->session->now).text);
        page_print(watching->text, 0, SIZE_MAX, "\n");
    }
    free(watching->substance);
    watching->substance = substance;
    fflush(stdout);
}

static void note_trouble(struct watching *watching)
{
    struct session *session = watching->session;
    bool news = session_is_news(watching->trouble, sizeof watching->trouble, session->error.message);
    sealring_manager_close(&session->manager);
    if (news && !watching->draws)
        session_warn(session, "%s; tries again", watching->trouble);
}

static void note_recovery(struct watching *watching)
{
    if (watching->trouble[0] != '\0' && !watching->draws)
        session_warn(watching->session, "goes on");
    watching->trouble[0] = '\0';
}

static sealring_status look(struct watching *watching)
{
    struct session *session = watching->session;
    json_t *overview = NULL;
    struct page page;
    session->now = moment_now();
    watching->screen = screen_size();
    page_open(&page, &session->out, watching->draws ? watching->screen.columns : 0, session->now);
    sealring_status status = session_connect(session, true);
    if (status == SEALRING_OK)
        overview = overview_read(session, session->options.arguments[0], &page, &status);
    if (status == SEALRING_OK) {
        free(watching->text);
        watching->text = memory_copy(page_text(&page));
        watching->looked = session->now;
        note_recovery(watching);
        if (!watching->draws)
            print_change(watching, overview);
    }
    json_decref(overview);
    page_close(&page);
    return status;
}

static bool size_changed(const struct watching *watching)
{
    struct screen screen = screen_size();
    return watching->draws && (screen.columns != watching->screen.columns || screen.lines != watching->screen.lines);
}

static void rest(const struct watching *watching)
{
    for (int64_t left = watching->every; left > 0 && signals_caught() == 0 && !size_changed(watching); left -= SLICE)
        signals_sleep(left < SLICE ? left : SLICE);
}

/* The first poll must succeed: waiting does not create a vault. Later trouble is temporary. */
static int watch(struct session *session, int64_t every)
{
    struct watching watching = {.session = session, .every = every, .draws = session->out.terminal && !session->json};
    sealring_status status = look(&watching);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (watching.draws)
        screen_enter();
    else
        signals_watch();
    while (signals_caught() == 0 && !ferror(stdout)) {
        if (watching.draws)
            draw(&watching);
        rest(&watching);
        if (signals_caught() == 0 && look(&watching) != SEALRING_OK)
            note_trouble(&watching);
    }
    if (watching.draws)
        screen_leave();
    else
        signals_release();
    free(watching.text);
    free(watching.substance);
    return STATUS_DONE;
}

static int check(struct session *session)
{
    if (option_given(&session->options, "every") && !option_given(&session->options, "watch"))
        return session_refuse(session, STATUS_USAGE, "--every goes with --watch");
    return STATUS_DONE;
}

static int run(struct session *session)
{
    int64_t every = option_number(&session->options, "every");
    return option_given(&session->options, "watch") ? watch(session, every != 0 ? every : EVERY_DEFAULT)
                                                    : show_once(session);
}

const struct command command_status = {
    .words = "status",
    .purpose = "show rings' versions on a time line, their traffic, and what happens next",
    .arguments = {{"RING", "only this ring", ARGUMENT_TEXT, 1}},
    .options = {{"watch", NULL, "continue until Ctrl-C: in place on a terminal, otherwise a block for each change",
                 OPTION_FLAG},
                {"every", "DURATION", "with --watch: the interval between two polls; default: 2s", OPTION_INTERVAL}},
    .notes =
        "Changes nothing and does not use the token. Shows the versions, the share of traffic of each in the last 24 "
        "hours, what the policy does next and when, what blocks it, and the verifiers.",
    .examples = {"sealring status", "sealring status payments --watch", "sealring status --json | jq '.rings[].plan'"},
    .check = check,
    .run = run,
};
