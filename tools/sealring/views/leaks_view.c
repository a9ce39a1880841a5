/* SPDX-License-Identifier: Apache-2.0 */
/* The leaks that nobody has acted on: as lines of the overview, and as JSON. */
#include "tools/sealring/views/leaks_view.h"

#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"

char *leaks_advice(sealring_leak_result result, sealring_leaks_mode policy, const char *key_id)
{
    switch (result) {
    case SEALRING_LEAK_FOUND:
        return memory_text("it is valid; the ring's policy is %s: give --apply", sealring_leaks_mode_name(policy));
    case SEALRING_LEAK_ALARMED:
        return memory_text("sealring key suspend %s, or: sealring key rekey %s", key_id, key_id);
    case SEALRING_LEAK_SUSPENDED:
        return memory_text("sealring key rekey %s, then: sealring key resume %s", key_id, key_id);
    case SEALRING_LEAK_REKEYED:
        return memory_text("hand its new credential over: sealring reissue %s", key_id);
    default:
        return NULL;
    }
}

json_t *leaks_json(const sealring_leak_info *leak)
{
    return json_pack("{s:I, s:o, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "entry", (json_int_t)leak->entry, "time",
                     jsontext_time(leak->time), "key_id", leak->key_id, "ring", leak->ring, "client", leak->client,
                     "version", (json_int_t)leak->version, "serial", (json_int_t)leak->serial, "url", leak->url,
                     "source", leak->source, "done", leak->done);
}

static int take(const sealring_leak_info *leak, void *context)
{
    return json_array_append_new(context, leaks_json(leak));
}

sealring_status leaks_load(json_t **array, struct session *session, const char *ring)
{
    *array = json_array();
    return sealring_leak_list(session->manager, ring, take, *array, &session->error);
}

static const char *text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

void leaks_print(const json_t *array, const struct page *page)
{
    const json_t *one;
    size_t index;
    json_array_foreach(array, index, one)
    {
        const char *url = text_of(one, "url"), *key_id = text_of(one, "key_id");
        char *text =
            memory_text("a credential of client %s was found%s%s (done: %s): sealring leaks list; "
                        "then: sealring leaks ack %s",
                        text_of(one, "client"), url[0] != '\0' ? " at " : "", url, text_of(one, "done"), key_id);
        page_point(page, TONE_BAD, text);
        free(text);
    }
}
