/* SPDX-License-Identifier: Apache-2.0 */
/* The contested API keys of a ring: as lines of the overview, and as JSON. */
#include "tools/sealring/views/contested_view.h"

#include <stdlib.h>

#include <sealring/renew.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"

static json_t *known(const char *peer)
{
    return peer[0] != '\0' ? json_string(peer) : json_null();
}

static int take(const sealring_contested *contested, void *context)
{
    return json_array_append_new(
        context, json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:b}", "key_id", contested->key_id, "client",
                           contested->client, "label", contested->label, "serial", (json_int_t)contested->serial,
                           "since", jsontext_time(contested->since), "first_peer", known(contested->first_peer),
                           "second_peer", known(contested->second_peer), "claim", (int)contested->claim));
}

sealring_status contested_load(json_t **array, struct session *session, const char *ring)
{
    *array = json_array();
    return sealring_contested_list(session->manager, ring, take, *array, &session->error);
}

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text != NULL ? text : "an unknown address";
}

void contested_print(const json_t *array, const struct page *page)
{
    const json_t *one;
    size_t index;
    json_array_foreach(array, index, one)
    {
        char *text = memory_text(json_is_true(json_object_get(one, "claim"))
                                     ? "the claim of API key %s of client %s is contested: %s has taken it, %s came "
                                       "later: find out who of the two it is, then: sealring key rekey %s --claim"
                                     : "API key %s of client %s is contested: %s and %s hold its credential: find out "
                                       "who of the two it is, then: sealring key rekey %s",
                                 text_of(one, "key_id"), text_of(one, "client"), text_of(one, "first_peer"),
                                 text_of(one, "second_peer"), text_of(one, "key_id"));
        page_point(page, TONE_BAD, text);
        free(text);
    }
}
