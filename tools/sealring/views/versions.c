/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's versions: loaded and tabulated. */
#include "tools/sealring/views/versions.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"

static int take_version(const sealring_version_info *version, void *context)
{
    struct versions *versions = context;
    versions->items = memory_room(versions->items, versions->count, &versions->capacity, sizeof *versions->items);
    versions->items[versions->count] = *version;
    versions->items[versions->count++].ring = NULL;
    return json_array_append_new(versions->array, jsontext_version(version));
}

sealring_status versions_load(struct versions *versions, struct session *session, const char *ring)
{
    *versions = (struct versions){.array = json_array()};
    return sealring_version_list(session->manager, ring, 0, take_version, versions, &session->error);
}

void versions_free(struct versions *versions)
{
    free(versions->items);
    json_decref(versions->array);
    *versions = (struct versions){0};
}

int versions_digits(const struct versions *versions)
{
    int digits = 1;
    for (uint32_t n = versions->count > 0 ? versions->items[versions->count - 1].version : 0; n >= 10; n /= 10)
        digits++;
    return digits;
}

/* What comes next for it, and when. */
static void until(const sealring_version_info *version, int64_t now, char text[MOMENT_SIZE])
{
    char when[MOMENT_SIZE];
    text[0] = '\0';
    if (version->state == SEALRING_VERSION_RETIRING && version->retire_at != 0) {
        moment_format(version->retire_at, now, when);
        snprintf(text, MOMENT_SIZE, "valid until %.60s", when);
    } else if (version->state == SEALRING_VERSION_RETIRED || version->state == SEALRING_VERSION_COMPROMISED) {
        moment_format(version->purge_at, now, when);
        snprintf(text, MOMENT_SIZE, "object kept until %.60s", when);
    } else if (version->state == SEALRING_VERSION_DESTROYED) {
        moment_format(version->destroyed, now, when);
        snprintf(text, MOMENT_SIZE, "destroyed %.60s", when);
    }
}

void versions_print(const struct versions *versions, const struct session *session)
{
    static const struct table_column columns[] = {
        {"VERSION", 1},     {"STATE", 0},   {"API KEYS", 1}, {"CREDENTIALS", 1},
        {"CHECK VALUE", 0}, {"CREATED", 0}, {"THEN", 0},     {NULL, 0},
    };
    struct table table;
    char text[MOMENT_SIZE];
    table_start(&table, columns);
    for (size_t i = 0; i < versions->count; i++) {
        const sealring_version_info *version = &versions->items[i];
        table_add(&table, TONE_PLAIN, "%" PRIu32, version->version);
        table_add(&table, style_version_tone(version->state), "%s%s", sealring_version_state_name(version->state),
                  version->state == SEALRING_VERSION_DESTROYED && version->was_compromised ? " (compromised)" : "");
        moment_number(version->current, text);
        table_add(&table, TONE_PLAIN, "%s", text);
        moment_number(version->credentials, text);
        table_add(&table, TONE_PLAIN, "%s", text);
        table_add(&table, TONE_PLAIN, "%s", version->check_value);
        moment_format(version->created, session->now, text);
        table_add(&table, TONE_PLAIN, "%s", text);
        until(version, session->now, text);
        table_add(&table, TONE_PLAIN, "%s", text);
    }
    table_finish(&table, stdout, &session->out, "");
}
