/* SPDX-License-Identifier: Apache-2.0 */
/* The messages about leaked credentials between sealringd and sealring-broker, behind the header of renewal_message.h. Pure. */
#include "gateway/daemon/leak_message.h"

#include <string.h>

static void set(char *to, size_t most, const char *from)
{
    size_t length = strnlen(from, most);
    memcpy(to, from, length);
    to[length] = '\0';
}

void leak_report_set(struct leak_report *report, const char *credential, const char *url, const char *source)
{
    set(report->credential, SEALRING_CREDENTIAL_LENGTH_MAX, credential);
    set(report->url, SEALRING_LEAK_URL_MAX, url);
    set(report->source, SEALRING_LEAK_SOURCE_MAX, source);
}

static void put(uint8_t **at, const char *text)
{
    size_t length = strlen(text);
    *(*at)++ = (uint8_t)(length >> 8);
    *(*at)++ = (uint8_t)length;
    memcpy(*at, text, length);
    *at += length;
}

size_t leak_report_write(const struct leak_report *report, uint8_t bytes[LEAK_REPORT_MAX])
{
    uint8_t *at = bytes;
    put(&at, report->credential);
    put(&at, report->url);
    put(&at, report->source);
    return (size_t)(at - bytes);
}

static bool get(const uint8_t **at, const uint8_t *end, char *text, size_t most)
{
    if (end - *at < 2)
        return false;
    size_t length = (size_t)(*at)[0] << 8 | (*at)[1];
    *at += 2;
    if (length > most || (size_t)(end - *at) < length || memchr(*at, '\0', length) != NULL)
        return false;
    memcpy(text, *at, length);
    text[length] = '\0';
    *at += length;
    return true;
}

bool leak_report_read(const uint8_t *bytes, size_t size, struct leak_report *report)
{
    const uint8_t *at = bytes, *end = bytes + size;
    return get(&at, end, report->credential, SEALRING_CREDENTIAL_LENGTH_MAX) && report->credential[0] != '\0' &&
           get(&at, end, report->url, SEALRING_LEAK_URL_MAX) &&
           get(&at, end, report->source, SEALRING_LEAK_SOURCE_MAX) && at == end;
}
