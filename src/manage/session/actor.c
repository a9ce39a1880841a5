/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts: user, host and process, for the audit log. */
#include "manage/session/actor.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sealring/outside.h>

#define ACTOR_HOST_SIZE 128 /* escaped, and truncated */

/* Escapes the characters that separate user, host and process: the last @ and the last blank belong to the record itself. */
static void escape_host(const char *host, char escaped[ACTOR_HOST_SIZE])
{
    char text[ACTOR_HOST_SIZE];
    size_t at = 0;
    sealring_text_escape(host, strlen(host), SEALRING_ESCAPE_TERMINAL, text, sizeof text);
    for (const char *c = text; *c != '\0' && at + 5 < ACTOR_HOST_SIZE; c++)
        at += (size_t)snprintf(escaped + at, 5, *c == '@' || *c == ' ' ? "\\x%02x" : "%c", (unsigned)*c);
    escaped[at] = '\0';
}

void actor_describe(char actor[256])
{
    char host[65] = "?";
    char user[101];
    char place[ACTOR_HOST_SIZE];
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    gethostname(host, sizeof host - 1);
    host[sizeof host - 1] = '\0';
    escape_host(host, place);
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        sealring_text_escape(found->pw_name, strlen(found->pw_name), SEALRING_ESCAPE_TERMINAL, user, sizeof user);
    else
        snprintf(user, sizeof user, "uid %lu", (unsigned long)getuid());
    snprintf(actor, 256, "%s@%s %ld", user, place, (long)getpid());
}
