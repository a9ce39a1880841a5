/* SPDX-License-Identifier: Apache-2.0 */
/* A list of API keys, as a table or as JSON. */
#include "tools/sealring/views/key_table.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"

static const struct table_column columns[] = {
    {"KEY ID", 0},  {"RING", 0},   {"CLIENT", 0}, {"LABEL", 0},   {"STATE", 0},
    {"VERSION", 1}, {"SERIAL", 1}, {"SCOPES", 0}, {"EXPIRES", 0}, {NULL, 0},
};

void keys_start(struct keys *keys, struct session *session)
{
    *keys = (struct keys){.session = session, .array = session->json ? json_array() : NULL};
    table_start(&keys->table, columns);
}

void keys_free(struct keys *keys)
{
    for (size_t i = 0; i < keys->table.count; i++)
        free(keys->table.cells[i].text);
    free(keys->table.cells);
    json_decref(keys->array);
    *keys = (struct keys){0};
}

int keys_take(const sealring_key_info *key, void *context)
{
    struct keys *keys = context;
    struct table *table = &keys->table;
    char expires[MOMENT_SIZE] = "";
    keys->count++;
    if (keys->session->json)
        return json_array_append_new(keys->array, jsontext_key(key));
    table_add(table, TONE_BOLD, "%s", key->key_id);
    table_add(table, TONE_PLAIN, "%s", key->ring);
    table_add(table, TONE_PLAIN, "%s", key->client);
    table_add(table, TONE_PLAIN, "%s", key->label);
    table_add(table, style_key_tone(key->state), "%s", sealring_key_state_name(key->state));
    table_add(table, TONE_PLAIN, "%" PRIu32, key->version);
    table_add(table, TONE_PLAIN, "%" PRIu32, key->serial);
    if (key->narrowed != NULL)
        table_add(table, TONE_PLAIN, "%s (narrowed)", key->narrowed[0] != '\0' ? key->narrowed : "none");
    else
        table_add(table, TONE_PLAIN, "%s", key->scopes);
    if (key->expires != 0)
        moment_format(key->expires, keys->session->now, expires);
    table_add(table, key->expires != 0 && key->expires <= keys->session->now ? TONE_BAD : TONE_PLAIN, "%s", expires);
    return 0;
}

void keys_print(struct keys *keys)
{
    table_finish(&keys->table, stdout, &keys->session->out, "");
}
