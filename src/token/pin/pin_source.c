/* SPDX-License-Identifier: Apache-2.0 */
/* The three forms of pin-source: where a PIN comes from. */
#include "token/pin/pin_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define CREDENTIAL "credential:"
#define TERMINAL   "terminal"

static const char *credential_name(const char *text)
{
    return strncmp(text, CREDENTIAL, sizeof CREDENTIAL - 1) == 0 ? text + sizeof CREDENTIAL - 1 : NULL;
}

enum pin_source pin_source_of(const char *text)
{
    if (strcmp(text, TERMINAL) == 0)
        return PIN_SOURCE_TERMINAL;
    return credential_name(text) != NULL ? PIN_SOURCE_CREDENTIAL : PIN_SOURCE_FILE;
}

const char *pin_source_problem(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *name = credential_name(text);
    if (name == NULL)
        return NULL;
    size_t length = strlen(name);
    if (length == 0 || length > PIN_CREDENTIAL_NAME_MAX || strspn(name, allowed) != length || name[0] == '.') {
        return "wants a credential's name after `credential:`: letters, digits, `.`, `_`, `-`, not `.` first, 100 at "
               "most";
    }
    return NULL;
}

sealring_status pin_source_path(const char *text, char path[PATH_MAX], sealring_error *error)
{
    const char *problem = pin_source_problem(text);
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (problem != NULL)
        return error_set_token(error, 0, "pin-source %s", problem);
    if (directory == NULL || directory[0] != '/') {
        return error_set_token(error, 0,
                               "the PIN is the systemd credential %s, and this process was given none: put "
                               "LoadCredential=%s:FILE into its unit; by hand, name another --pin-source, or - for the "
                               "terminal",
                               credential_name(text), credential_name(text));
    }
    int length = snprintf(path, PATH_MAX, "%s/%s", directory, credential_name(text));
    if (length >= PATH_MAX)
        return error_set_token(error, 0, "$CREDENTIALS_DIRECTORY is too long");
    return SEALRING_OK;
}
