/* SPDX-License-Identifier: Apache-2.0 */
/* The points at which a command can be stopped: the calls that change something in the folder of a vault's tokens, named and numbered. */
#include "crash/points.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_LEAST 8 /* hexadecimal digits: a name, or a part of one, that was made at random */

static const char *const token_names[2] = {"keys", "audit"};

static void read_serial(const char *line, const char *key, char serial[17])
{
    const char *found = strstr(line, "serial=");
    if (strncmp(line, key, strlen(key)) == 0 && found != NULL)
        snprintf(serial, 17, "%.16s", found + strlen("serial="));
}

void points_begin(struct points *points, const char *vault)
{
    char path[CALL_PATH_SIZE], line[1024];
    points->count = 0;
    points->overlooks = false;
    memset(points->serials, 0, sizeof points->serials);
    snprintf(points->tokens, sizeof points->tokens, "%.400s/tokens", vault);
    snprintf(path, sizeof path, "%.400s/sealring.conf", vault);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        read_serial(line, "token = ", points->serials[0]);
        read_serial(line, "audit-token = ", points->serials[1]);
    }
    fclose(file);
}

/* SoftHSM2 names a token's directory after its serial number, with hyphens in it. */
static const char *token_of(const struct points *points, const char *component, size_t length)
{
    char digits[64];
    size_t count = 0;
    for (size_t i = 0; i < length && count < sizeof digits - 1; i++)
        if (component[i] != '-')
            digits[count++] = component[i];
    digits[count] = '\0';
    for (size_t i = 0; i < 2; i++)
        if (count >= 16 && points->serials[i][0] != '\0' && strcmp(digits + count - 16, points->serials[i]) == 0)
            return token_names[i];
    return NULL;
}

static size_t random_length(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && (isxdigit((unsigned char)text[count]) || text[count] == '-'))
        count++;
    return count;
}

/* What was made at random is left out, so that the same point has the same name in every run. */
static void add_component(const struct points *points, const char *component, size_t length, char *name, size_t size)
{
    const char *token = token_of(points, component, length);
    size_t used = strlen(name);
    if (token != NULL) {
        snprintf(name + used, size - used, "/%s", token);
        return;
    }
    snprintf(name + used, size - used, "/");
    for (size_t at = 0; at < length;) {
        size_t skipped = random_length(component + at, length - at);
        used = strlen(name);
        if (skipped >= RANDOM_LEAST) {
            at += skipped;
            snprintf(name + used, size - used, "*");
        } else {
            snprintf(name + used, size - used, "%c", component[at++]);
        }
    }
}

static void name_file(const struct points *points, const char *path, char *name, size_t size)
{
    static const char softhsm[] = "softhsm2/";
    const char *at = path + strlen(points->tokens);
    name[0] = '\0';
    if (strncmp(at, "/", 1) == 0 && strncmp(at + 1, softhsm, strlen(softhsm)) == 0)
        at += strlen(softhsm);
    while (*at == '/') {
        size_t length = strcspn(++at, "/");
        add_component(points, at, length, name, size);
        at += length;
    }
    memmove(name, name + (name[0] == '/'), strlen(name) + 1 - (name[0] == '/'));
}

static bool is_in(const struct points *points, const char *path)
{
    size_t length = strlen(points->tokens);
    return strncmp(path, points->tokens, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* How often the same has been done already. */
static unsigned times(const struct points *points, const char *name)
{
    unsigned count = 0;
    size_t length = strlen(name);
    for (unsigned i = 0; i < points->count; i++)
        count += strncmp(points->points[i].name, name, length) == 0 && points->points[i].name[length] == ' ';
    return count;
}

unsigned points_meet(struct points *points, const struct call *call)
{
    char file[60], name[80];
    bool in = is_in(points, call->path);
    if (!in && !is_in(points, call->other))
        return 0;
    if (call->kind == CALL_MAP)
        points->overlooks = true;
    if (points->count == POINTS_MAX) {
        points->overlooks = true;
        return 0;
    }
    name_file(points, in && call->other[0] == '\0' ? call->path : call->other, file, sizeof file);
    snprintf(name, sizeof name, "%s %s", file, call_names[call->kind]);
    struct point *point = &points->points[points->count];
    snprintf(point->name, sizeof point->name, "%s %u", name, times(points, name) + 1);
    point->changes = call->kind != CALL_SYNC && call->kind != CALL_MAP;
    point->tears = call->kind == CALL_WRITE && call->buffer != 0 && call->length > 1 && call->offset >= 0;
    return ++points->count;
}
