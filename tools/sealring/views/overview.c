/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a vault at one time, as a page for people and as JSON. */
#include "tools/sealring/views/overview.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/notices/notices_view.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/advice.h"
#include "tools/sealring/views/contested_view.h"
#include "tools/sealring/views/leaks_view.h"
#include "tools/sealring/views/log_health.h"
#include "tools/sealring/views/plans.h"
#include "tools/sealring/views/renewing_view.h"
#include "tools/sealring/views/traffic_chart.h"
#include "tools/sealring/views/verifiers.h"
#include "tools/sealring/views/versions.h"

struct overview_rings {
    sealring_ring_info *items; /* owned, with their texts, which the listing keeps for a moment only */
    size_t count;
};

static int take_ring(const sealring_ring_info *ring, void *context)
{
    struct overview_rings *rings = context;
    rings->items = memory_room(rings->items, rings->count, sizeof *rings->items);
    sealring_ring_info *own = &rings->items[rings->count++];
    *own = *ring;
    own->name = memory_copy(ring->name);
    own->prefix = memory_copy(ring->prefix);
    return 0;
}

static void free_rings(struct overview_rings *rings)
{
    for (size_t i = 0; i < rings->count; i++) {
        free((char *)rings->items[i].name);
        free((char *)rings->items[i].prefix);
    }
    free(rings->items);
}

/* ---- A ring ------------------------------------------------------------------------------------------------------------- */

struct ring_view {
    const sealring_ring_info *info;
    struct versions versions;
    struct traffic traffic;
    struct plans plans;
    sealring_renewing renewing;
};

static void print_heading(const struct ring_view *view, const struct page *page)
{
    const char *separator = style_separator(&page->out);
    bool rotates = view->info->policy.rotate_every != 0;
    char *name = terminal_text(&page->out, view->info->name);
    char *text = memory_text("%sprefix %s%s%s API key%s%soverlap %s%s%s%s", separator, view->info->prefix, separator,
                             moment_number(view->info->keys).text, view->info->keys == 1 ? "" : "s", separator,
                             moment_duration(view->info->policy.overlap).text, rotates ? separator : "",
                             rotates ? "rotates every " : "",
                             rotates ? moment_duration(view->info->policy.rotate_every).text : "");
    terminal_print(&page->out, "ring " BOLD "%s" PLAIN, view->info->name);
    page_paragraph(page, strlen("ring ") + terminal_width(name, strlen(name)), text);
    free(name);
    free(text);
}

static void print_ring(const struct ring_view *view, const struct page *page)
{
    json_t *advice = advice_collect(view->info, &view->versions, &view->plans, page->now);
    json_t *sentence = NULL;
    size_t index = 0;
    print_heading(view, page);
    versions_draw(&view->versions, page, view->info->keys);
    traffic_draw(&view->traffic, &view->versions, page);
    renewing_print(&view->renewing, view->info, page);
    plans_print(&view->plans, view->info->name, page);
    json_array_foreach(advice, index, sentence)
    {
        page_point(page, TONE_INFO, json_string_value(sentence));
    }
    json_decref(advice);
}

static json_t *ring_json(const struct ring_view *view, int64_t now)
{
    json_t *object = jsontext_ring(view->info);
    json_object_set(object, "version_list", view->versions.array);
    json_object_set_new(object, "next", advice_collect(view->info, &view->versions, NULL, now));
    json_object_set(object, "traffic", view->traffic.array);
    json_object_set(object, "plan", view->plans.array);
    json_object_set_new(object, "renewal", renewing_json(&view->renewing, view->info));
    return object;
}

static sealring_status look_at_ring(struct session *session, const sealring_ring_info *info, json_t *array,
                                    const struct page *page)
{
    struct ring_view view = {.info = info};
    json_t *contested = NULL, *leaks = NULL;
    sealring_status status = versions_load(&view.versions, session, info->name);
    if (status == SEALRING_OK)
        status = traffic_load(&view.traffic, session, info->name);
    if (status == SEALRING_OK)
        status = plans_load(&view.plans, session, info->name);
    if (status == SEALRING_OK)
        status = renewing_load(&view.renewing, session, info);
    if (status == SEALRING_OK)
        status = contested_load(&contested, session, info->name);
    if (status == SEALRING_OK)
        status = leaks_load(&leaks, session, info->name);
    if (status == SEALRING_OK) {
        json_t *object = ring_json(&view, session->now);
        json_object_set(object, "contested", contested);
        json_object_set(object, "leaks", leaks);
        json_array_append_new(array, object);
        fputc('\n', page->out.stream);
        print_ring(&view, page);
        contested_print(contested, page);
        leaks_print(leaks, page);
    }
    json_decref(contested);
    json_decref(leaks);
    versions_free(&view.versions);
    traffic_free(&view.traffic);
    plans_free(&view.plans);
    return status;
}

/* ---- The vault ---------------------------------------------------------------------------------------------------------- */

static json_t *vault_json(const sealring_vault_info *info)
{
    return json_pack("{s:o, s:s, s:s, s:I, s:i, s:o, s:o, s:o}", "path", jsontext_text(info->path), "vault_id",
                     info->vault_id, "era", info->era, "epoch", (json_int_t)info->epoch, "schema", info->schema,
                     "created", jsontext_time(info->created), "module", jsontext_text(info->module), "token_uri",
                     jsontext_text(info->token_uri));
}

static void print_vault(const sealring_vault_info *info, const struct page *page)
{
    char *text = memory_text("vault %s%sepoch %" PRIu64, info->path, style_separator(&page->out), info->epoch);
    terminal_tone(&page->out, TONE_DIM);
    page_paragraph(page, 0, text);
    terminal_tone(&page->out, TONE_PLAIN);
    free(text);
}

static void print_scheduler(const sealring_vault_info *info, const struct page *page)
{
    terminal_print(&page->out, "scheduler  ");
    if (info->last_run == 0)
        page_paragraph(page, 11, "sealring run has never run: what is planned waits for it, or for you");
    else
        terminal_print(&page->out, "sealring run last ran %s\n", moment_relative(info->last_run, page->now).text);
}

json_t *overview_read(struct session *session, const char *ring, const struct page *page, sealring_status *status)
{
    struct overview_rings rings = {0};
    struct verifiers verifiers = {0};
    struct log_health health = {.text = NULL};
    sealring_vault_info info = {.size = sizeof info};
    json_t *array = json_array();
    json_t *overview = NULL;
    *status = sealring_vault_describe(session->manager, &info, &session->error);
    if (*status == SEALRING_OK)
        *status = sealring_ring_list(session->manager, ring, take_ring, &rings, &session->error);
    if (*status == SEALRING_OK)
        *status = verifiers_load(&verifiers, session);
    if (*status == SEALRING_OK)
        *status = log_health_load(&health, session, &info);
    if (*status == SEALRING_OK)
        print_vault(&info, page);
    for (size_t i = 0; i < rings.count && *status == SEALRING_OK; i++)
        *status = look_at_ring(session, &rings.items[i], array, page);
    if (*status == SEALRING_OK && rings.count > 0) {
        fputc('\n', page->out.stream);
        verifiers_print(&verifiers, page);
        print_scheduler(&info, page);
        log_health_print(&health, page);
    }
    json_t *notices = *status == SEALRING_OK ? notices_counts(session, page, status) : NULL;
    if (*status == SEALRING_OK)
        overview = json_pack("{s:o, s:O, s:O, s:{s:o}, s:o, s:o}", "vault", vault_json(&info), "rings", array,
                             "verifiers", verifiers.array, "scheduler", "last_run", jsontext_time(info.last_run),
                             "audit", log_health_json(&health), "notices", notices);
    json_decref(array);
    verifiers_free(&verifiers);
    log_health_free(&health);
    free_rings(&rings);
    return overview;
}

static void forget(json_t *array, const char *const *names)
{
    size_t index = 0;
    json_t *object = NULL;
    json_array_foreach(array, index, object)
    {
        for (size_t i = 0; names[i] != NULL; i++)
            json_object_del(object, names[i]);
    }
}

char *overview_substance(const json_t *overview)
{
    /* a plan's text contains how long ago, and what is due at once is due at each poll */
    static const char *const of_plan[] = {"text", "foreseen", "due", NULL};
    static const char *const of_verifier[] = {"last_report", "lease_left_ms", NULL};
    json_t *copy = json_deep_copy(overview);
    json_t *ring = NULL;
    size_t index = 0;
    json_object_del(copy, "scheduler");
    forget(json_object_get(copy, "verifiers"), of_verifier);
    json_array_foreach(json_object_get(copy, "rings"), index, ring)
    {
        forget(json_object_get(ring, "plan"), of_plan);
    }
    char *text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(copy);
    return text;
}
