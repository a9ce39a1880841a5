/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log at a glance: what is not signed yet, and alarms. */
#include "tools/sealring/views/log_health.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"

#define DAY_MS  INT64_C(86400000)
#define ENTRIES 10000 /* the newest, which are read: a long log must not slow down a command that repeats itself */
#define HANGING 11    /* columns before the text of a line */

/* An alarm's detail has the act that found it, and why. */
static json_t *text_of(const sealring_audit_entry *entry)
{
    json_t *detail = entry->detail != NULL ? json_loads(entry->detail, 0, NULL) : NULL;
    json_t *why = json_object_get(detail, "why");
    json_t *text = json_is_string(why) ? json_incref(why) : json_string("an alarm without a text");
    json_decref(detail);
    return text;
}

static int take_alarm(const sealring_audit_entry *entry, void *context)
{
    struct log_health *health = context;
    health->alarms++;
    health->last = entry->time;
    json_decref(health->text);
    health->text = text_of(entry);
    return 0;
}

sealring_status log_health_load(struct log_health *health, struct session *session, const sealring_vault_info *vault)
{
    *health = (struct log_health){.vault = vault, .text = json_null()};
    sealring_audit_filter filter = {
        .size = sizeof filter,
        .act = "alarm",
        .since = session->now - DAY_MS,
        .first = vault->entries > ENTRIES ? vault->entries - ENTRIES + 1 : 1,
    };
    return sealring_audit_list(session->manager, &filter, take_alarm, health, &session->error);
}

void log_health_free(struct log_health *health)
{
    json_decref(health->text);
    health->text = NULL;
}

static void print_signed(const sealring_vault_info *vault, const struct page *page)
{
    uint64_t behind = vault->entries > vault->signed_entries ? vault->entries - vault->signed_entries : 0;
    const struct moment entries = moment_number(vault->entries);
    char *text;
    if (!vault->signs)
        text = memory_text("%s entries, not signed: the vault has no audit token", entries.text);
    else if (behind == 0)
        text = memory_text("%s entries, all signed", entries.text);
    else
        text = memory_text("%s entries, the last %s not signed yet: if that stays, sealring doctor", entries.text,
                           moment_number(behind).text);
    terminal_print(&page->out, "audit log  %c", vault->signs && behind > 0 ? TONE_WARN : TONE_PLAIN);
    page_paragraph(page, HANGING, text);
    terminal_tone(&page->out, TONE_PLAIN);
    free(text);
}

void log_health_print(const struct log_health *health, const struct page *page)
{
    print_signed(health->vault, page);
    if (health->alarms == 0)
        return;
    char *text = memory_text("%s in the last 24 hours, the latest %s: sealring audit show --act alarm, sealring doctor",
                             moment_number(health->alarms).text, moment_relative(health->last, page->now).text);
    terminal_print(&page->out, "alarms     %c", TONE_BAD);
    page_paragraph(page, HANGING, text);
    terminal_tone(&page->out, TONE_PLAIN);
    page_point(page, TONE_BAD, json_string_value(health->text));
    free(text);
}

json_t *log_health_json(const struct log_health *health)
{
    const sealring_vault_info *vault = health->vault;
    return json_pack("{s:I, s:o, s:I, s:o, s:O}", "entries", (json_int_t)vault->entries, "signed",
                     vault->signs ? json_integer((json_int_t)vault->signed_entries) : json_null(), "alarms",
                     (json_int_t)health->alarms, "last_alarm", jsontext_time(health->last), "alarm", health->text);
}
