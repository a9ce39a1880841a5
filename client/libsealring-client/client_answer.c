/* SPDX-License-Identifier: Apache-2.0 */
/* What servers answer, as text: dates, delays, the body of a renewal and of a refusal. Pure. */
#include "client/libsealring-client/client_answer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/capped.h"
#include "base/secret.h"
#include "base/timetext.h"

#define DATE_LENGTH 29 /* Sun, 06 Nov 1994 08:49:37 GMT */

/* Copies the text without the blanks around it. False if it does not fit. */
static bool trim(const char *text, char *trimmed, size_t size)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    if (length >= size)
        return false;
    memcpy(trimmed, text, length);
    trimmed[length] = '\0';
    return true;
}

/* The number of the three letters in the list, -1 if they are not in it. */
static int number_of(const char *letters, const char *list)
{
    for (int i = 0; list[3 * i] != '\0'; i++)
        if (strncmp(letters, list + (ptrdiff_t)3 * i, 3) == 0)
            return i;
    return -1;
}

/* It is written as RFC 3339 has it, whose reader knows the calendar. The weekday is not compared with the date. */
bool client_date_parse(const char *text, int64_t *time)
{
    char date[DATE_LENGTH + 1], same[48];
    if (text == NULL || !trim(text, date, sizeof date) || strlen(date) != DATE_LENGTH)
        return false;
    int month = number_of(date + 8, "JanFebMarAprMayJunJulAugSepOctNovDec");
    if (number_of(date, "SunMonTueWedThuFriSat") < 0 || month < 0 || memcmp(date + 3, ", ", 2) != 0 || date[7] != ' ' ||
        date[11] != ' ' || date[16] != ' ' || strcmp(date + 25, " GMT") != 0)
        return false;
    (void)snprintf(same, sizeof same, "%.4s-%02d-%.2sT%.8sZ", date + 12, month + 1, date + 5, date + 17);
    return timetext_parse(same, time);
}

bool client_expiry_parse(const char *text, int64_t *time)
{
    char trimmed[DATE_LENGTH + 1];
    *time = 0;
    return text != NULL && trim(text, trimmed, sizeof trimmed) &&
           (strcmp(trimmed, "never") == 0 || client_date_parse(trimmed, time));
}

bool client_delay_parse(const char *text, int64_t now, int64_t *milliseconds)
{
    char trimmed[64];
    int64_t time = 0;
    if (text == NULL || !trim(text, trimmed, sizeof trimmed) || trimmed[0] == '\0')
        return false;
    if (strspn(trimmed, "0123456789") == strlen(trimmed)) {
        time = strtoll(trimmed, NULL, 10); /* LLONG_MAX if it is too large */
        time = time > CLIENT_DELAY_MAX_MS / 1000 ? CLIENT_DELAY_MAX_MS : time * 1000;
    } else if (client_date_parse(trimmed, &time))
        time = capped_subtract(time, now);
    else
        return false;
    *milliseconds = time < 0 ? 0 : time > CLIENT_DELAY_MAX_MS ? CLIENT_DELAY_MAX_MS : time;
    return true;
}

bool client_text_valid(const char *text, size_t length, size_t most)
{
    if (length == 0 || length > most)
        return false;
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

/* A member that is a time or null. */
static bool read_time(const json_t *root, const char *name, int64_t *time)
{
    const json_t *value = json_object_get(root, name);
    *time = 0;
    return value == NULL || json_is_null(value) || timetext_parse(json_string_value(value), time);
}

static const char *read_members(const json_t *root, struct client_renewed *renewed)
{
    const json_t *credential = json_object_get(root, "credential"), *version = json_object_get(root, "version");
    const char *key_id = json_string_value(json_object_get(root, "key_id"));
    const char *sealed = json_string_value(json_object_get(root, "sealed"));
    if (sealed != NULL && credential != NULL)
        return "contains two credentials";
    if (sealed == NULL && (!json_is_string(credential) ||
                           !client_text_valid(json_string_value(credential), json_string_length(credential),
                                              SEALRING_CREDENTIAL_LENGTH_MAX)))
        return "contains no credential";
    if (key_id == NULL || !client_text_valid(key_id, strlen(key_id), SEALRING_KEY_ID_LENGTH))
        return "contains no key ID";
    if (!json_is_integer(version) || json_integer_value(version) < 1 || json_integer_value(version) > UINT32_MAX)
        return "contains no version";
    if (!read_time(root, "expires", &renewed->expires) ||
        !read_time(root, "predecessor_until", &renewed->predecessor_until))
        return "contains a time that is not valid";
    if (sealed != NULL && (renewed->sealed = strdup(sealed)) == NULL)
        return "needs more memory";
    if (sealed == NULL)
        memcpy(renewed->credential, json_string_value(credential), json_string_length(credential) + 1);
    memcpy(renewed->key_id, key_id, strlen(key_id) + 1);
    renewed->version = (uint32_t)json_integer_value(version);
    return NULL;
}

/* jansson's allocator is the program's to choose, so the text is wiped where jansson has it. */
static void wipe_text(const json_t *root)
{
    const json_t *credential = json_object_get(root, "credential");
    if (json_is_string(credential))
        secret_wipe((void *)(uintptr_t)json_string_value(credential), json_string_length(credential));
}

const char *client_renewed_parse(const char *body, size_t length, struct client_renewed *renewed)
{
    memset(renewed, 0, sizeof *renewed);
    json_t *root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
    const char *problem = json_is_object(root) ? read_members(root, renewed) : "is no JSON object";
    wipe_text(root);
    json_decref(root);
    return problem;
}

void client_problem_parse(const char *body, size_t length, char *text, size_t size)
{
    json_t *root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
    const char *code = json_string_value(json_object_get(root, "code"));
    const char *detail = json_string_value(json_object_get(root, "detail"));
    (void)snprintf(text, size, "%s", code != NULL ? code : detail != NULL ? detail : "");
    json_decref(root);
}
