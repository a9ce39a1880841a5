/* SPDX-License-Identifier: Apache-2.0 */
/* What happens next and when, who does it, and what blocks it. */
#include "tools/sealring/views/plans.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"

#define WHAT_WIDTH 14   /* as in plans_print's format */
#define JUST_NOW   1000 /* milliseconds: also of what is due at each poll */

static int take_plan(const sealring_plan *plan, void *context)
{
    struct plans *plans = context;
    plans->items = memory_room(plans->items, plans->count, sizeof *plans->items);
    sealring_plan *own = &plans->items[plans->count++];
    *own = *plan;
    own->ring = NULL;
    own->change = NULL;
    own->text = memory_copy(plan->text);
    own->foreseen = memory_copy(plan->foreseen);
    return json_array_append_new(plans->array, jsontext_plan(plan));
}

sealring_status plans_load(struct plans *plans, struct session *session, const char *ring)
{
    *plans = (struct plans){.array = json_array()};
    return sealring_ring_plan(session->manager, ring, take_plan, plans, &session->error);
}

void plans_free(struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++) {
        free((char *)plans->items[i].text);
        free((char *)plans->items[i].foreseen);
    }
    free(plans->items);
    json_decref(plans->array);
    *plans = (struct plans){0};
}

bool plans_due(const struct plans *plans, sealring_event event, uint32_t version)
{
    for (size_t i = 0; i < plans->count; i++) {
        const sealring_plan *plan = &plans->items[i];
        if (plan->event == event && plan->version == version && plan->state != SEALRING_PLAN_AHEAD)
            return true;
    }
    return false;
}

bool plans_reissue(const struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++)
        if (plans->items[i].reissue)
            return true;
    return false;
}

static enum tone tone_of(sealring_plan_state state)
{
    return state == SEALRING_PLAN_AHEAD                                        ? TONE_DIM
           : state == SEALRING_PLAN_READY                                      ? TONE_GOOD
           : state == SEALRING_PLAN_FORBIDDEN || state == SEALRING_PLAN_FAILED ? TONE_BAD
                                                                               : TONE_WARN;
}

/* What a person types to have it at once. */
static void command_of(const sealring_plan *plan, const char *ring, char text[200])
{
    if (plan->event == SEALRING_EVENT_PREPARE || plan->version == 0)
        snprintf(text, 200, "sealring %s %s", sealring_event_name(plan->event), ring);
    else
        snprintf(text, 200, "sealring %s %s %" PRIu32, sealring_event_name(plan->event), ring, plan->version);
}

/* For what is ahead the guards report only when; for what is ready, that nothing blocks it. */
static char *sentence_of(const sealring_plan *plan, const char *ring, int64_t now)
{
    struct moment relative = moment_relative(plan->due, now);
    struct moment absolute = moment_absolute(plan->due);
    char command[200];
    char since[MOMENT_SIZE * 2 + 16];
    command_of(plan, ring, command);
    if (now - plan->due < JUST_NOW)
        snprintf(since, sizeof since, "due now");
    else if (plan->event == SEALRING_EVENT_RETIRE && plan->state == SEALRING_PLAN_WAITING)
        snprintf(since, sizeof since, "due %s", relative.text); /* its guard has the time */
    else
        snprintf(since, sizeof since, "due %s, %s", relative.text, absolute.text);
    switch (plan->state) {
    case SEALRING_PLAN_AHEAD:
        return memory_text("%s, %s, by sealring run%s%s", relative.text, absolute.text,
                           plan->foreseen[0] != '\0' ? "; will wait: " : "", plan->foreseen);
    case SEALRING_PLAN_READY:
        return memory_text("%s, by sealring run, or by hand: %s", since, command);
    case SEALRING_PLAN_WAITING:
        return memory_text("%s, blocked: %s", since, plan->text);
    case SEALRING_PLAN_FORBIDDEN:
        return memory_text("%s, by hand only: %s", since, plan->text);
    case SEALRING_PLAN_HELD:
        return memory_text("%s, held: %s", since, plan->text);
    case SEALRING_PLAN_DONE:
    case SEALRING_PLAN_FAILED:
    case SEALRING_PLAN_NOTICE:
        break;
    }
    return memory_text("%s", plan->text);
}

void plans_print(const struct plans *plans, const char *ring, const struct page *page)
{
    for (size_t i = 0; i < plans->count; i++) {
        const sealring_plan *plan = &plans->items[i];
        enum tone tone = plan->foreseen[0] != '\0' ? TONE_WARN : tone_of(plan->state);
        char what[60];
        char *text = sentence_of(plan, ring, page->now);
        if (plan->event == 0)
            snprintf(what, sizeof what, "nothing");
        else
            snprintf(what, sizeof what, "%s v%" PRIu32, sealring_event_name(plan->event), plan->version);
        terminal_print(&page->out, "  %-6s%c%-14s" PLAIN, i == 0 ? "next" : "", tone, what);
        page_paragraph(page, 8 + (strlen(what) > WHAT_WIDTH ? strlen(what) : WHAT_WIDTH), text);
        free(text);
    }
}
