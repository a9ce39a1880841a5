/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to one report, and whether there was one before. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "manage/leaks/leak_batch.h"
#include "registry/log/log_rows.h"

void leak_answer(struct leak_item *item, sealring_leak_result result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(item->leak->reason, sizeof item->leak->reason, format, arguments);
    va_end(arguments);
    item->leak->result = result;
}

sealring_status leak_is_recorded(struct registry *registry, const char *key_id, uint32_t serial, bool *recorded,
                                 sealring_error *error)
{
    struct registry_audit entry;
    struct registry_cursor entries = registry_leaks_of_key(registry, key_id, error);
    *recorded = false;
    while (registry_audit_next(&entries, &entry)) {
        json_t *detail = json_loads(entry.detail != NULL ? entry.detail : "", 0, NULL);
        *recorded |= json_integer_value(json_object_get(detail, "serial")) == serial;
        json_decref(detail);
    }
    return registry_close_cursor(&entries, SEALRING_OK);
}
