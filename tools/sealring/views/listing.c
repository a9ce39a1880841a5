/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: the same rows as a table or as an array of objects. */
#include "tools/sealring/views/listing.h"

#include <inttypes.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"

void listing_start(struct shown_rows *listing, struct session *session, const struct table_column *columns)
{
    *listing = (struct shown_rows){.session = session, .array = session->json ? json_array() : NULL};
    table_start(&listing->table, columns, session->now);
}

int listing_finish(struct shown_rows *listing, sealring_status status, const char *name, const char *member,
                   const char *none)
{
    struct session *session = listing->session;
    int result = STATUS_DONE;
    if (status != SEALRING_OK) {
        result = session_fail(session, status);
    } else if (session->json) {
        json_t *object = listing->object != NULL ? json_incref(listing->object) : json_object();
        json_object_set(object, member, listing->array);
        jsontext_print(name != NULL ? json_pack("{s:o}", name, object) : object);
    } else if (listing->table.count > 0) {
        if (name != NULL)
            putchar('\n');
        table_finish(&listing->table, &session->out);
    } else if (none != NULL) {
        session_say(session, "%s", none);
    }
    table_free(&listing->table);
    json_decref(listing->array);
    json_decref(listing->object);
    return result;
}

const struct table_column listing_key_columns[] = {
    {"KEY ID", 0},  {"RING", 0},   {"CLIENT", 0}, {"LABEL", 0},   {"STATE", 0},
    {"VERSION", 1}, {"SERIAL", 1}, {"SCOPES", 0}, {"EXPIRES", 0}, {NULL, 0},
};

int listing_key(const sealring_key_info *key, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, jsontext_key(key));
    table_add(table, TONE_BOLD, "%s", key->key_id);
    table_add(table, TONE_PLAIN, "%s", key->ring);
    table_add(table, TONE_PLAIN, "%s", key->client);
    table_add(table, TONE_PLAIN, "%s", key->label);
    table_add(table, style_key_tone(key->state), "%s%s", sealring_key_state_name(key->state),
              key->from_addresses != NULL ? " (bound)" : "");
    table_add(table, TONE_PLAIN, "%" PRIu32, key->version);
    table_add(table, TONE_PLAIN, "%" PRIu32, key->serial);
    if (key->narrowed != NULL)
        table_add(table, TONE_PLAIN, "%s (narrowed)", key->narrowed[0] != '\0' ? key->narrowed : "none");
    else
        table_add(table, TONE_PLAIN, "%s", key->scopes);
    table_add(table, key->expires != 0 && key->expires <= table->now ? TONE_BAD : TONE_PLAIN, "%s",
              key->expires != 0 ? moment_format(key->expires, table->now).text : "");
    return 0;
}
