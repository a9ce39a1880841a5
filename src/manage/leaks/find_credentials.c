/* SPDX-License-Identifier: Apache-2.0 */
/* Finds credentials in any text. Pure. */
#include <string.h>

#include <sealring/leaks.h>

#include "base/base62.h"
#include "base/secret.h"
#include "credential/credential_text.h"

enum { SECRET_AND_CHECK = 49, VERSION_DIGITS = 10 };

/* The end of KEYID_VERSION_SECRETCHECK that begins at `begin`; 0: none does. */
static size_t find_end(const char *text, size_t length, size_t begin)
{
    size_t at = begin + SEALRING_KEY_ID_LENGTH + 1, digits = 0;
    if (length - begin < SEALRING_KEY_ID_LENGTH + 3 + SECRET_AND_CHECK || text[at - 1] != '_' ||
        base62_find_other(text + begin, SEALRING_KEY_ID_LENGTH, '0') < SEALRING_KEY_ID_LENGTH)
        return 0;
    while (at + digits < length && digits < VERSION_DIGITS && text[at + digits] >= '0' && text[at + digits] <= '9')
        digits++;
    at += digits + 1;
    if (digits == 0 || at > length || length - at < SECRET_AND_CHECK || text[at - 1] != '_' ||
        base62_find_other(text + at, SECRET_AND_CHECK, '0') < SECRET_AND_CHECK)
        return 0;
    return at + SECRET_AND_CHECK;
}

/* The length of the prefix that ends before `end`, with which the check digits match. The text may continue to the left with anything, so each is tried;
 * 0: none does. */
static size_t find_prefix(const char *text, size_t key_id, size_t end)
{
    struct text_parts parts;
    size_t found = 0;
    for (size_t length = 1; found == 0 && length <= SEALRING_PREFIX_LENGTH_MAX && length < key_id; length++) {
        const char *begin = text + key_id - 1 - length;
        if (text_parse(begin, (size_t)(text + end - begin), &parts, NULL) == TEXT_GOOD)
            found = length;
    }
    secret_wipe(&parts, sizeof parts);
    return found;
}

void sealring_find_credentials(const char *text, size_t length, sealring_found_callback each, void *context)
{
    for (size_t at = 1; at < length; at++) {
        size_t end = text[at] == '_' ? find_end(text, length, at + 1) : 0;
        size_t prefix = end != 0 ? find_prefix(text, at + 1, end) : 0;
        if (prefix == 0)
            continue;
        if (each(text + at - prefix, end - at + prefix, context) != 0)
            return;
        at = end - 1;
    }
}
