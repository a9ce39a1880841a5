/* SPDX-License-Identifier: Apache-2.0 */
/* What a request's headers present: one credential, and the client's address as the gateway saw it. Pure. */
#include "gateway/sealringd/presented.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/* The text behind the scheme, or NULL for another scheme (RFC 9110, section 11.1: its case does not matter). */
static const char *without_scheme(const char *value)
{
    static const char scheme[] = "Bearer";
    return strncasecmp(value, scheme, sizeof scheme - 1) == 0 && is_blank(value[sizeof scheme - 1])
               ? value + sizeof scheme - 1
               : NULL;
}

static void add_credential(struct presented_headers *presented, const char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    if (length == 0)
        return;
    if (presented->credentials == PRESENTED_NONE) {
        presented->credentials = PRESENTED_ONE;
        presented->credential = text;
        presented->length = length;
    } else if (length != presented->length || memcmp(text, presented->credential, length) != 0)
        presented->credentials = PRESENTED_CONFLICT;
}

static void add_address(struct presented_headers *presented, const char *text)
{
    presented->address_length = 0;
    if (presented->addresses != PRESENTED_NONE) { /* which of them the gateway wrote is not known */
        presented->addresses = PRESENTED_CONFLICT;
        return;
    }
    presented->addresses = PRESENTED_ONE;
    if (inet_pton(AF_INET, text, presented->address) == 1)
        presented->address_length = 4;
    else if (inet_pton(AF_INET6, text, presented->address) == 1)
        presented->address_length = 16;
}

void presented_header(struct presented_headers *presented, const char *address_name, const char *name,
                      const char *value)
{
    if (strcasecmp(name, "Authorization") == 0) {
        const char *text = without_scheme(value);
        if (text != NULL)
            add_credential(presented, text);
    } else if (strcasecmp(name, "X-API-Key") == 0)
        add_credential(presented, value);
    else if (address_name != NULL && strcasecmp(name, address_name) == 0)
        add_address(presented, value);
}

void presented_address(struct presented_headers *presented, const struct sockaddr *address)
{
    bool old = address->sa_family == AF_INET;
    if (!old && address->sa_family != AF_INET6)
        return;
    const void *bytes = old ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
                            : (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    presented->address_length = old ? 4 : 16;
    memcpy(presented->address, bytes, presented->address_length);
    presented->addresses = PRESENTED_ONE;
}
