/* SPDX-License-Identifier: Apache-2.0 */
/* sealring status: each ring's versions on a time line, who uses them, and what to do next. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/jsontext.h"
#include "tools/sealring/memory.h"
#include "tools/sealring/moment.h"
#include "tools/sealring/session.h"
#include "tools/sealring/versions.h"

/* A ring as it was listed: its texts live longer than the callback. */
struct ring {
    sealring_ring_info info;
    char *name;
    char *prefix;
};

struct overview {
    struct session *session;
    struct ring *rings; /* owned */
    size_t count;
    size_t capacity;
    json_t *array;
};

/* What to do next, as sentences. */
struct advice {
    json_t *sentences;
};

static int take_ring(const sealring_ring_info *ring, void *context)
{
    struct overview *overview = context;
    overview->rings = memory_room(overview->rings, overview->count, &overview->capacity, sizeof *overview->rings);
    struct ring *own = &overview->rings[overview->count++];
    *own = (struct ring){.info = *ring, .name = memory_copy(ring->name), .prefix = memory_copy(ring->prefix)};
    own->info.name = own->name;
    own->info.prefix = own->prefix;
    return 0;
}

__attribute__((format(printf, 2, 3))) static void advise(struct advice *advice, const char *format, ...)
{
    char sentence[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    json_array_append_new(advice->sentences, json_string(sentence));
}

static void advise_retiring(struct advice *advice, const struct ring *ring, const sealring_version_info *version,
                            int64_t now)
{
    char current[MOMENT_SIZE];
    char total[MOMENT_SIZE];
    moment_number(version->current, current);
    moment_number(ring->info.keys, total);
    if (version->current > 0 && ring->info.active_version != 0)
        advise(advice,
               "%s of %s API keys still %s newest credential under version %" PRIu32
               ": sealring reissue %s --all --out DIR/",
               current, total, version->current == 1 ? "has its" : "have their", version->version, ring->name);
    if (version->retire_at <= now && version->current == 0)
        advise(advice, "version %" PRIu32 "'s window is over: sealring retire %s %" PRIu32, version->version,
               ring->name, version->version);
}

static void advise_version(struct advice *advice, const struct ring *ring, const sealring_version_info *version,
                           int64_t now)
{
    bool closed = version->state == SEALRING_VERSION_RETIRED || version->state == SEALRING_VERSION_COMPROMISED;
    if (version->state == SEALRING_VERSION_RETIRING)
        advise_retiring(advice, ring, version, now);
    if (version->state == SEALRING_VERSION_PENDING)
        advise(advice, "version %" PRIu32 " stands by: sealring activate %s %" PRIu32, version->version, ring->name,
               version->version);
    if (closed && version->current > 0 && version->state == SEALRING_VERSION_RETIRED)
        advise(advice,
               "%" PRIu64 " API key%s newest credential under version %" PRIu32
               ", which is retired: sealring reinstate %s %" PRIu32 " lets them in again",
               version->current, version->current == 1 ? " has its" : "s have their", version->version, ring->name,
               version->version);
    else if (closed && version->current > 0)
        advise(advice,
               "%" PRIu64 " API key%s newest credential under version %" PRIu32
               ", which is %s: sealring issue %s --from YOUR-LIST.csv (with the column key_id)",
               version->current, version->current == 1 ? " has its" : "s have their", version->version,
               sealring_version_state_name(version->state), ring->name);
    if (closed && version->purge_at <= now)
        advise(advice, "version %" PRIu32 "'s object is needed no more: sealring destroy %s %" PRIu32, version->version,
               ring->name, version->version);
    if (version->closing_owed && version->state == SEALRING_VERSION_DESTROYED)
        advise(advice, "version %" PRIu32 "'s object is still in the token: sealring destroy %s %" PRIu32,
               version->version, ring->name, version->version);
    else if (version->closing_owed)
        advise(advice, "the token could not be told yet to refuse version %" PRIu32 "'s object", version->version);
}

static void collect_advice(struct advice *advice, const struct ring *ring, const struct versions *versions, int64_t now)
{
    if (ring->info.active_version == 0)
        advise(advice, "no version is active, so nothing can be issued: sealring rotate %s", ring->name);
    else if (ring->info.keys == 0)
        advise(advice, "no API keys yet: sealring issue %s --client NAME (and before, sealring client add NAME)",
               ring->name);
    if (ring->info.rotation_held)
        advise(advice, "automatic rotation is held since the rollback: sealring rotate %s ends that", ring->name);
    for (size_t i = 0; i < versions->count; i++)
        advise_version(advice, ring, &versions->items[i], now);
}

static void print_ring(const struct session *session, const struct ring *ring, const struct versions *versions,
                       const struct advice *advice)
{
    const struct style *style = &session->out;
    const char *separator = style_separator(style);
    char keys[MOMENT_SIZE];
    char overlap[SEALRING_TIME_SIZE];
    size_t index = 0;
    json_t *sentence = NULL;
    moment_number(ring->info.keys, keys);
    sealring_duration_format(ring->info.policy.overlap, overlap);
    printf("ring %s%s%s%sprefix %s%s%s API key%s%soverlap %s\n", style_start(style, TONE_BOLD), ring->name,
           style_end(style, TONE_BOLD), separator, ring->prefix, separator, keys, ring->info.keys == 1 ? "" : "s",
           separator, overlap);
    versions_draw(versions, session, ring->info.keys);
    json_array_foreach(advice->sentences, index, sentence)
    {
        printf("  %s%s%s %s\n", style_start(style, TONE_INFO), style->utf8 ? "\342\206\222" : "->",
               style_end(style, TONE_INFO), json_string_value(sentence));
    }
}

static json_t *ring_json(const struct ring *ring, const struct versions *versions, const struct advice *advice)
{
    json_t *object = jsontext_ring(&ring->info);
    json_object_set(object, "version_list", versions->array);
    json_object_set(object, "next", advice->sentences);
    return object;
}

static sealring_status show_ring(struct overview *overview, const struct ring *ring)
{
    struct session *session = overview->session;
    struct versions versions;
    struct advice advice = {.sentences = json_array()};
    sealring_status status = versions_load(&versions, session, ring->name);
    if (status == SEALRING_OK) {
        collect_advice(&advice, ring, &versions, session->now);
        if (session->json)
            json_array_append_new(overview->array, ring_json(ring, &versions, &advice));
        else
            print_ring(session, ring, &versions, &advice);
    }
    versions_free(&versions);
    json_decref(advice.sentences);
    return status;
}

static json_t *vault_json(const sealring_vault_info *info)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:i, s:o, s:s, s:s}", "path", info->path, "vault_id", info->vault_id, "era",
                     info->era, "epoch", (json_int_t)info->epoch, "schema", info->schema, "created",
                     jsontext_time(info->created), "module", info->module, "token_uri", info->token_uri);
}

static void print_vault(const struct session *session, const sealring_vault_info *info)
{
    const struct style *style = &session->out;
    printf("%svault %s%sepoch %" PRIu64 "%s\n", style_start(style, TONE_DIM), info->path, style_separator(style),
           info->epoch, style_end(style, TONE_DIM));
}

static int run(struct session *session)
{
    int result = session_open(session);
    if (result != STATUS_DONE)
        return result;
    const char *name = session->options.argument_count > 0 ? session->options.arguments[0] : NULL;
    struct overview overview = {.session = session, .array = json_array()};
    sealring_vault_info *info = memory_grow(NULL, 1, sizeof *info);
    memset(info, 0, sizeof *info);
    info->size = sizeof *info;
    sealring_status status = sealring_vault_describe(session->manager, info, &session->error);
    if (status == SEALRING_OK)
        status = sealring_ring_list(session->manager, name, take_ring, &overview, &session->error);
    if (status == SEALRING_OK && !session->json)
        print_vault(session, info);
    for (size_t i = 0; i < overview.count && status == SEALRING_OK; i++) {
        if (!session->json)
            putchar('\n');
        status = show_ring(&overview, &overview.rings[i]);
    }
    if (status == SEALRING_OK && session->json)
        jsontext_print(json_pack("{s:o, s:O}", "vault", vault_json(info), "rings", overview.array));
    else if (status == SEALRING_OK && overview.count == 0)
        session_say(session, "no rings yet: sealring ring create NAME --prefix acme_live");
    for (size_t i = 0; i < overview.count; i++) {
        free(overview.rings[i].name);
        free(overview.rings[i].prefix);
    }
    free(overview.rings);
    json_decref(overview.array);
    free(info);
    return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
}

static const struct argument arguments[] = {{"RING", "only this ring", ARGUMENT_TEXT, 1}, {NULL, NULL, 0, 0}};

const struct command command_status = {
    .words = "status",
    .group = "Vault",
    .purpose = "show the rings' versions on a time line, and what to do next",
    .arguments = arguments,
    .run = run,
};
