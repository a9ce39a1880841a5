/* SPDX-License-Identifier: Apache-2.0 */
/* Who verifies, counted by state, with what they owe. */
#include "tools/sealring/views/verifiers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"

#define DEBTS_SHOWN 4

static const struct {
    sealring_verifier_state state;
    enum tone tone;
    const char *one;
    const char *several;
} states[] = {
    {SEALRING_VERIFIER_SERVING, TONE_GOOD, "serves", "serve"},
    {SEALRING_VERIFIER_JOINING, TONE_INFO, "joins", "join"},
    {SEALRING_VERIFIER_SILENT, TONE_WARN, "is silent", "are silent"},
    {SEALRING_VERIFIER_LOST, TONE_BAD, "is lost", "are lost"},
    {SEALRING_VERIFIER_DEAD, TONE_DIM, "died", "died"},
    {SEALRING_VERIFIER_LEFT, TONE_DIM, "left", "left"},
};

enum { STATES = sizeof states / sizeof *states };

enum tone verifiers_tone(sealring_verifier_state state)
{
    for (size_t i = 0; i < STATES; i++)
        if (states[i].state == state)
            return states[i].tone;
    return TONE_PLAIN;
}

json_t *verifiers_json(const sealring_verifier_info *info)
{
    return json_pack("{s:s, s:o, s:o, s:I, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "instance", info->instance,
                     "host", jsontext_text(info->host), "program", jsontext_text(info->program), "process",
                     (json_int_t)info->process, "state", sealring_verifier_state_name(info->state), "joined",
                     jsontext_time(info->joined), "last_report", jsontext_time(info->last_report), "lease_left_ms",
                     (json_int_t)info->lease_left, "epoch", (json_int_t)info->epoch, "proved", (json_int_t)info->proved,
                     "unproved", (json_int_t)info->unproved, "owes", jsontext_text(info->owes), "alarm",
                     info->alarm[0] != '\0' ? jsontext_text(info->alarm) : json_null());
}

static void append_debt(json_t *debts, const sealring_verifier_info *info)
{
    const char *alarm = info->alarm, *owes = info->owes;
    char *sentence = memory_text("%s %s %" PRId64 " (%.8s): %s%s%s", info->host, info->program, info->process,
                                 info->instance, alarm, alarm[0] != '\0' && owes[0] != '\0' ? "; " : "", owes);
    json_array_append_new(debts, jsontext_text(sentence));
    free(sentence);
}

static int take_verifier(const sealring_verifier_info *info, void *context)
{
    struct verifiers *verifiers = context;
    bool owes = info->owes[0] != '\0' || info->alarm[0] != '\0';
    if ((size_t)info->state < sizeof verifiers->counts / sizeof *verifiers->counts)
        verifiers->counts[info->state]++;
    if (owes && verifiers->owing++ < DEBTS_SHOWN)
        append_debt(verifiers->debts, info);
    return json_array_append_new(verifiers->array, verifiers_json(info));
}

sealring_status verifiers_load(struct verifiers *verifiers, struct session *session)
{
    *verifiers = (struct verifiers){.array = json_array(), .debts = json_array()};
    return sealring_verifier_list(session->manager, false, take_verifier, verifiers, &session->error);
}

void verifiers_free(struct verifiers *verifiers)
{
    json_decref(verifiers->array);
    json_decref(verifiers->debts);
    *verifiers = (struct verifiers){0};
}

void verifiers_print(const struct verifiers *verifiers, const struct page *page)
{
    const struct style *out = &page->out;
    const char *separator = "";
    size_t index = 0;
    json_t *sentence = NULL;
    terminal_print(out, "verifiers  ");
    for (size_t i = 0; i < STATES; i++) {
        uint64_t count = verifiers->counts[states[i].state];
        if (count == 0)
            continue;
        terminal_print(out, "%s%c%s %s" PLAIN, separator, states[i].tone, moment_number(count).text,
                       count == 1 ? states[i].one : states[i].several);
        separator = style_separator(out);
    }
    terminal_print(out, "%s\n", separator[0] == '\0' ? "none is there now" : "");
    json_array_foreach(verifiers->debts, index, sentence)
    {
        page_point(page, TONE_WARN, json_string_value(sentence));
    }
    if (verifiers->owing > DEBTS_SHOWN)
        terminal_print(out, "  %s and %s more: sealring verifier list\n", style_arrow(out),
                       moment_number(verifiers->owing - DEBTS_SHOWN).text);
}
