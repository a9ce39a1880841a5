/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and their members as the findings of `audit verify` name them. */
#include "manage/audit/row_text.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *image, const char *member)
{
    const char *text = json_string_value(json_object_get(image, member));
    return text != NULL ? text : "?";
}

static json_int_t number_of(const json_t *image, const char *member)
{
    return json_integer_value(json_object_get(image, member));
}

void row_text_name(enum registry_table table, const json_t *image, const char *ring, char text[ROW_TEXT_NAME_SIZE])
{
    switch (table) {
    case REGISTRY_TABLE_RING:
        snprintf(text, ROW_TEXT_NAME_SIZE, "ring %.64s", text_of(image, "name"));
        break;
    case REGISTRY_TABLE_VERSION:
        if (ring != NULL)
            snprintf(text, ROW_TEXT_NAME_SIZE, "version %" JSON_INTEGER_FORMAT " of ring %.64s",
                     number_of(image, "number"), ring);
        else
            snprintf(text, ROW_TEXT_NAME_SIZE,
                     "version %" JSON_INTEGER_FORMAT " of the ring in row %" JSON_INTEGER_FORMAT,
                     number_of(image, "number"), number_of(image, "ring"));
        break;
    case REGISTRY_TABLE_CLIENT:
        snprintf(text, ROW_TEXT_NAME_SIZE, "client %.64s", text_of(image, "name"));
        break;
    case REGISTRY_TABLE_KEY:
        snprintf(text, ROW_TEXT_NAME_SIZE, "API key %.64s", text_of(image, "key_id"));
        break;
    case REGISTRY_TABLE_CREDENTIAL:
        snprintf(text, ROW_TEXT_NAME_SIZE,
                 "credential %" JSON_INTEGER_FORMAT " of the API key in row %" JSON_INTEGER_FORMAT,
                 number_of(image, "serial"), number_of(image, "key"));
        break;
    }
}

void row_text_value(enum registry_table table, const char *member, const json_t *value, char text[ROW_TEXT_VALUE_SIZE])
{
    int number = (int)json_integer_value(value);
    if (value == NULL)
        snprintf(text, ROW_TEXT_VALUE_SIZE, "none");
    else if (strcmp(member, "state") == 0 && table == REGISTRY_TABLE_VERSION)
        snprintf(text, ROW_TEXT_VALUE_SIZE, "%s", sealring_version_state_name((sealring_version_state)number));
    else if (strcmp(member, "state") == 0 && table == REGISTRY_TABLE_KEY)
        snprintf(text, ROW_TEXT_VALUE_SIZE, "%s", sealring_key_state_name((sealring_key_state)number));
    else if (json_is_string(value))
        snprintf(text, ROW_TEXT_VALUE_SIZE, "'%.100s'", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, ROW_TEXT_VALUE_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(text, ROW_TEXT_VALUE_SIZE, "yes");
}
