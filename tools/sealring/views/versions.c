/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's versions: loaded. */
#include "tools/sealring/views/versions.h"

#include <stdlib.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"

static int take_version(const sealring_version_info *version, void *context)
{
    struct versions *versions = context;
    versions->items = memory_room(versions->items, versions->count, sizeof *versions->items);
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
