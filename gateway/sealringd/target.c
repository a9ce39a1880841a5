/* SPDX-License-Identifier: Apache-2.0 */
/* What a request's target asks for: the scopes that a credential must have, or a state of the daemon. Pure. */
#include "gateway/sealringd/target.h"

#include <string.h>

/* RFC 3986, section 3.3: unreserved and sub-delims, `:` and `@`. Without `,`, which separates, and `;`, which some gateways take for the
 * beginning of a parameter. All of them may be in a scope (RFC 6749, section 3.3). */
static const char scope_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+=:@";

/* Copies the scopes; false if they are not written as they must be. */
static bool read_scopes(const char *text, size_t length, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1])
{
    if (length == 0 || length > SEALRING_SCOPES_LENGTH_MAX || strspn(text, ".") >= length)
        return false; /* a gateway that normalises would have removed `.` and `..` */
    size_t begin = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && text[i] != ',') {
            if (strchr(scope_characters, text[i]) == NULL)
                return false;
            scopes[i] = text[i];
            continue;
        }
        if (i == begin) /* an empty scope */
            return false;
        scopes[i] = i < length ? ' ' : '\0';
        begin = i + 1;
    }
    return true;
}

static bool is_exactly(const char *text, const char *path)
{
    size_t length = strlen(path);
    return strncmp(text, path, length) == 0 && (text[length] == '\0' || text[length] == '?');
}

void target_parse(const char *text, bool any_allowed, struct target *target)
{
    static const char prefix[] = "/v1/verify/";
    target->kind = TARGET_UNKNOWN;
    target->scopes[0] = '\0';
    if (strncmp(text, prefix, sizeof prefix - 1) != 0) {
        if (is_exactly(text, "/healthz"))
            target->kind = TARGET_HEALTH;
        else if (is_exactly(text, "/readyz"))
            target->kind = TARGET_READY;
        return;
    }
    const char *scopes = text + sizeof prefix - 1;
    if (scopes[0] == '-' && (scopes[1] == '\0' || scopes[1] == '/' || scopes[1] == '?')) {
        target->kind = any_allowed ? TARGET_VERIFY : TARGET_UNKNOWN;
        return;
    }
    size_t length = strcspn(scopes, "/");
    if (strncmp(scopes + length, "/-", 2) == 0 && read_scopes(scopes, length, target->scopes))
        target->kind = TARGET_VERIFY;
    else
        target->scopes[0] = '\0';
}

void target_parse_renewal(const char *text, struct target *target)
{
    target->kind = is_exactly(text, "/v1/renew")   ? TARGET_RENEW
                   : is_exactly(text, "/v1/claim") ? TARGET_CLAIM
                                                   : TARGET_UNKNOWN;
    target->scopes[0] = '\0';
}

void target_parse_leaks(const char *text, struct target *target)
{
    target->kind = is_exactly(text, "/v1/leaks") ? TARGET_LEAKS : TARGET_UNKNOWN;
    target->scopes[0] = '\0';
}
