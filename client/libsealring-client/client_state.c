/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered about a credential's renewals, as JSON. */
#include "client/libsealring-client/client_state.h"

#include <fcntl.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/timetext.h"
#include "client/libsealring-client/client_answer.h"

enum client_member_kind { MEMBER_TEXT, MEMBER_TIME, MEMBER_NUMBER };

/* The members of the object, in their order. */
static const struct client_member {
    const char *name;
    enum client_member_kind kind;
    size_t offset, size;
} members[] = {
#define MEMBER(member, kind)                                                                           \
    {                                                                                                  \
#member, kind, offsetof(struct client_state, member), sizeof((struct client_state *)0)->member \
    }
    MEMBER(key_id, MEMBER_TEXT),      MEMBER(version, MEMBER_NUMBER),
    MEMBER(serial, MEMBER_NUMBER),    MEMBER(renewed, MEMBER_TIME),
    MEMBER(expires, MEMBER_TIME),     MEMBER(expires_known, MEMBER_NUMBER),
    MEMBER(predecessor, MEMBER_TEXT), MEMBER(predecessor_until, MEMBER_TIME),
    MEMBER(checked, MEMBER_TIME),     MEMBER(failures, MEMBER_NUMBER),
    MEMBER(failed, MEMBER_TIME),      MEMBER(last_error, MEMBER_TEXT),
    MEMBER(retry_at, MEMBER_TIME),
#undef MEMBER
};

/* What is not valid is left empty. */
static void read_member(const json_t *root, const struct client_member *member, struct client_state *state)
{
    const json_t *value = json_object_get(root, member->name);
    char *place = (char *)state + member->offset;
    int64_t time;
    if (member->kind == MEMBER_TEXT && json_is_string(value) && json_string_length(value) < member->size)
        memcpy(place, json_string_value(value), json_string_length(value) + 1);
    else if (member->kind == MEMBER_TIME && timetext_parse(json_string_value(value), &time))
        memcpy(place, &time, sizeof time);
    else if (member->kind == MEMBER_NUMBER && json_is_integer(value) && json_integer_value(value) >= 0 &&
             json_integer_value(value) <= UINT32_MAX) {
        uint32_t number = (uint32_t)json_integer_value(value);
        memcpy(place, &number, sizeof number);
    }
}

void client_state_read(const char *path, struct client_state *state)
{
    char content[CLIENT_STATE_SIZE];
    memset(state, 0, sizeof *state);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return;
    ssize_t length = read(descriptor, content, sizeof content);
    (void)close(descriptor);
    json_t *root = length > 0 ? json_loadb(content, (size_t)length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    secret_wipe(content, sizeof content);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        read_member(root, &members[i], state);
    if (!client_text_valid(state->predecessor, strlen(state->predecessor), SEALRING_CLIENT_TEXT_MAX))
        secret_wipe(state->predecessor, sizeof state->predecessor);
    json_decref(root);
}

static json_t *member_value(const struct client_member *member, const struct client_state *state)
{
    const char *place = (const char *)state + member->offset;
    char text[TIMETEXT_SIZE];
    int64_t time;
    uint32_t number;
    switch (member->kind) {
    case MEMBER_TIME:
        memcpy(&time, place, sizeof time);
        timetext_format(time, text);
        return time <= 0 ? json_null() : json_string(text);
    case MEMBER_NUMBER:
        memcpy(&number, place, sizeof number);
        return json_integer(number);
    default:
        return place[0] == '\0' ? json_null() : json_string(place);
    }
}

char *client_state_text(const struct client_state *state, size_t *length)
{
    json_t *root = json_object();
    bool good = root != NULL;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        good = json_object_set_new(root, members[i].name, member_value(&members[i], state)) == 0 && good;
    char *json = good ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    char *text = NULL;
    if (json == NULL || asprintf(&text, "%s\n", json) < 0)
        text = NULL;
    if (json != NULL)
        secret_wipe(json, strlen(json));
    free(json);
    *length = text == NULL ? 0 : strlen(text);
    return text;
}
