/* SPDX-License-Identifier: Apache-2.0 */
/* What the log has of each API key, in a few bytes, as a log may have millions of them. */
#include "manage/audit/issued_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/base62.h"

struct issued_key {
    int64_t id;
    int64_t ring;
    int64_t client;
    int64_t created;
    uint32_t last_serial;
    uint32_t label; /* index */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
};

static int order(const void *id, const void *item)
{
    int64_t wanted = *(const int64_t *)id;
    int64_t present = ((const struct issued_key *)item)->id;
    return wanted < present ? -1 : wanted > present;
}

/* Row numbers ascend in the log, so the place is nearly always the end. */
static size_t place_of(const struct issued_keys *issued, int64_t id)
{
    if (issued->count == 0 || issued->keys[issued->count - 1].id < id)
        return issued->count;
    return array_place(issued->keys, issued->count, sizeof *issued->keys, &id, order);
}

static bool put_label(struct issued_keys *issued, const char *label, uint32_t *index)
{
    size_t count = issued->label_count;
    if (count == 0 || strcmp(issued->labels[count - 1], label) != 0) {
        if (count == UINT32_MAX || !array_grow(&issued->labels, count))
            return false;
        memcpy(issued->labels[count], label, strlen(label) + 1);
        issued->label_count = ++count;
    }
    *index = (uint32_t)(count - 1);
    return true;
}

bool issued_keys_put(struct issued_keys *issued, const struct registry_key *key)
{
    size_t place = place_of(issued, key->id);
    bool there = place < issued->count && issued->keys[place].id == key->id;
    struct issued_key stored = {.id = key->id,
                                .ring = key->ring,
                                .client = key->client,
                                .created = key->created,
                                .last_serial = key->last_serial};
    if (there && strcmp(issued->labels[issued->keys[place].label], key->label) == 0)
        stored.label = issued->keys[place].label;
    else if (!put_label(issued, key->label, &stored.label))
        return false;
    if (!there && !array_insert(&issued->keys, issued->count, place))
        return false;
    memcpy(stored.key_id, key->key_id, sizeof stored.key_id);
    issued->keys[place] = stored;
    issued->count += !there;
    return true;
}

void issued_keys_at(const struct issued_keys *issued, size_t place, struct registry_key *key)
{
    const struct issued_key *stored = &issued->keys[place];
    *key = (struct registry_key){.id = stored->id,
                                 .ring = stored->ring,
                                 .client = stored->client,
                                 .state = SEALRING_KEY_ACTIVE,
                                 .last_serial = stored->last_serial,
                                 .created = stored->created};
    memcpy(key->key_id, stored->key_id, sizeof key->key_id);
    memcpy(key->label, issued->labels[stored->label], sizeof key->label);
}

bool issued_keys_find(const struct issued_keys *issued, int64_t id, struct registry_key *key)
{
    size_t place = place_of(issued, id);
    if (place == issued->count || issued->keys[place].id != id)
        return false;
    issued_keys_at(issued, place, key);
    return true;
}

void issued_keys_release(struct issued_keys *issued)
{
    free(issued->keys);
    free(issued->labels);
    *issued = (struct issued_keys){.count = 0};
}

/* ---- The text of an entry ---- */

/* Members are in the order of the alphabet (log_entry.c), so no other image begins with a client's number. */
#define KEY_BEGINS "{\"client\":"
#define KEY_TEXT(number32, number64, key_id, label)                                                                  \
    KEY_BEGINS number64 ",\"created\":" number64 ",\"id\":" number64 ",\"key_id\":\"" key_id "\",\"label\":\"" label \
                        "\",\"last_serial\":" number32 ",\"ring\":" number64 ",\"state\":1,\"table\":\"api_key\"}"

_Static_assert(SEALRING_KEY_ID_LENGTH == 16 && SEALRING_NAME_LENGTH_MAX == 64, "the lengths in the format below");

/* What was read is written again: another text would be read as something else by a parser of JSON. */
bool issued_key_read(const char *detail, struct registry_key *key)
{
    char again[512];
    const char *text = strstr(detail, KEY_BEGINS);
    *key = (struct registry_key){.state = SEALRING_KEY_ACTIVE};
    if (text == NULL || strstr(text + 1, KEY_BEGINS) != NULL || strstr(detail, "\"replaced\"") != NULL)
        return false;
    /* NOLINTNEXTLINE(cert-err34-c): a number that does not fit is another one when it is written again */
    int members = sscanf(text, KEY_TEXT("%" SCNu32, "%" SCNd64, "%16[^\"\\]", "%64[^\"\\]"), &key->client,
                         &key->created, &key->id, key->key_id, key->label, &key->last_serial, &key->ring);
    if (members != 7)
        return false;
    int length = snprintf(again, sizeof again, KEY_TEXT("%" PRIu32, "%" PRId64, "%s", "%s"), key->client, key->created,
                          key->id, key->key_id, key->label, key->last_serial, key->ring);
    return length < (int)sizeof again && strncmp(text, again, (size_t)length) == 0;
}

/* The value of the only member of this name in the text: within a string a quotation mark is escaped. */
static const char *only_value(const char *detail, const char *name)
{
    const char *place = strstr(detail, name);
    return place != NULL && strstr(place + 1, name) == NULL ? place + strlen(name) : NULL;
}

/* A number as JSON writes it. */
static bool read_number(const char *text, int64_t highest, int64_t *number)
{
    char *end;
    if (text == NULL || *text < '1' || *text > '9')
        return false;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && *number <= highest && (*end == ',' || *end == '}');
}

/* A member that is not written if it is 0. */
static bool read_time(const char *row, const char *name, int64_t *time)
{
    return strstr(row, name) == NULL || read_number(only_value(row, name), INT64_MAX, time);
}

static bool read_bytes(const char *text, uint8_t *bytes, size_t size)
{
    return text != NULL && strcspn(text, "\"") == 2 * size && hex_decode(text, bytes, size);
}

/* "" is not written; a text with a backslash is left to a parser. */
static bool read_scopes(const char *row, char *scopes, size_t size)
{
    static const char name[] = "\"scopes\":\"";
    const char *text = only_value(row, name);
    size_t length = text == NULL ? 0 : strcspn(text, "\"\\");
    if (text == NULL)
        return strstr(row, name) == NULL;
    if (text[length] != '"' || length >= size)
        return false;
    memcpy(scopes, text, length);
    return true;
}

bool issued_credential_read(const char *detail, struct registry_credential *credential)
{
    static const char begins[] = "{\"digest\":\"";
    const char *row = strstr(detail, begins);
    int64_t serial, version;
    *credential = (struct registry_credential){.state = SEALRING_CREDENTIAL_CURRENT};
    if (row == NULL || !read_bytes(only_value(row, begins), credential->digest, sizeof credential->digest) ||
        !read_bytes(only_value(row, "\"nonce\":\""), credential->nonce, sizeof credential->nonce) ||
        !read_scopes(row, credential->scopes, sizeof credential->scopes) ||
        !read_time(row, "\"not_before\":", &credential->not_before) ||
        !read_time(row, "\"expires\":", &credential->expires) ||
        !read_number(only_value(row, "\"key\":"), INT64_MAX, &credential->key) ||
        !read_number(only_value(row, "\"serial\":"), UINT32_MAX, &serial) ||
        !read_number(only_value(row, "\"version\":"), UINT32_MAX, &version))
        return false;
    credential->serial = (uint32_t)serial;
    credential->version = (uint32_t)version;
    return true;
}
