/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the registry as an audit entry contains them, so that an act can be repeated from the log alone: written and parsed. */
#include "log/row_image.h"

#include <stddef.h>
#include <string.h>

#include "base/base62.h"

/* One member of an image, and its place in the row. The first two of a table identify the row: no act changes them. */
enum member_kind { NUMBER32, NUMBER64, FLAG, STATE, TEXT, BYTES, OBJECT_ID, ENDS, NETWORKS, HOLDERS, CLAIM };

struct member {
    const char *name;
    enum member_kind kind;
    size_t offset;
    size_t size;           /* of TEXT and BYTES */
    const char *otherwise; /* of TEXT: what an image of an older sealring means, which lacks the member */
};

#define MEMBER(row, name, field, kind)                                                  \
    {                                                                                   \
        name, kind, offsetof(struct row, field), sizeof(((struct row *)0)->field), NULL \
    }
#define LATER_MEMBER(row, name, field, otherwise)                                            \
    {                                                                                        \
        name, TEXT, offsetof(struct row, field), sizeof(((struct row *)0)->field), otherwise \
    }

static const struct member ring_members[] = {
    MEMBER(registry_ring, "id", id, NUMBER64),
    MEMBER(registry_ring, "ring_id", ring_id, BYTES),
    MEMBER(registry_ring, "name", name, TEXT),
    MEMBER(registry_ring, "prefix", prefix, TEXT),
    MEMBER(registry_ring, "overlap", policy.overlap, NUMBER64),
    MEMBER(registry_ring, "purge_delay", policy.purge_delay, NUMBER64),
    MEMBER(registry_ring, "keep", policy.keep, NUMBER32),
    MEMBER(registry_ring, "rotate_every", policy.rotate_every, NUMBER64),
    MEMBER(registry_ring, "quiet_period", policy.quiet_period, NUMBER64),
    MEMBER(registry_ring, "standby", policy.standby, FLAG),
    MEMBER(registry_ring, "idle_blocks", policy.idle_blocks, FLAG),
    MEMBER(registry_ring, "usage_hourly", policy.usage_hourly, NUMBER64),
    MEMBER(registry_ring, "usage_daily", policy.usage_daily, NUMBER64),
    MEMBER(registry_ring, "succession", policy.succession, NUMBER64),
    MEMBER(registry_ring, "renew", policy.renew, STATE),
    MEMBER(registry_ring, "renew_life", policy.renew_life, NUMBER64),
    MEMBER(registry_ring, "renew_age", policy.renew_age, NUMBER64),
    MEMBER(registry_ring, "deliver", policy.deliver, STATE),
    MEMBER(registry_ring, "leaks", policy.leaks, STATE),
    MEMBER(registry_ring, "rotation_held", rotation_held, FLAG),
    MEMBER(registry_ring, "last_version", last_version, NUMBER32),
    MEMBER(registry_ring, "created", created, NUMBER64),
    {0},
};

static const struct member version_members[] = {
    MEMBER(registry_version, "ring", ring, NUMBER64),
    MEMBER(registry_version, "number", number, NUMBER32),
    MEMBER(registry_version, "state", state, STATE),
    MEMBER(registry_version, "object_id", object_id, OBJECT_ID),
    MEMBER(registry_version, "check_value", check_value, BYTES),
    MEMBER(registry_version, "was_compromised", was_compromised, FLAG),
    MEMBER(registry_version, "closing_owed", closing_owed, FLAG),
    MEMBER(registry_version, "created", created, NUMBER64),
    MEMBER(registry_version, "activated", activated, NUMBER64),
    MEMBER(registry_version, "retire_at", retire_at, NUMBER64),
    MEMBER(registry_version, "closed", closed, NUMBER64),
    MEMBER(registry_version, "purge_at", purge_at, NUMBER64),
    MEMBER(registry_version, "destroyed", destroyed, NUMBER64),
    LATER_MEMBER(registry_version, "prf", prf, REGISTRY_HMAC_SHA256),
    LATER_MEMBER(registry_version, "origin", origin, REGISTRY_GENERATED),
    MEMBER(registry_version, "public_key", public_key, BYTES),
    {0},
};

static const struct member client_members[] = {
    MEMBER(registry_client, "id", id, NUMBER64),
    MEMBER(registry_client, "name", name, TEXT),
    MEMBER(registry_client, "created", created, NUMBER64),
    MEMBER(registry_client, "forgotten", forgotten, NUMBER64),
    MEMBER(registry_client, "contact_hash", contact_hash, BYTES),
    MEMBER(registry_client, "certificate_hash", certificate_hash, BYTES),
    MEMBER(registry_client, "notices_hash", notices_hash, BYTES),
    {0},
};

static const struct member key_members[] = {
    MEMBER(registry_key, "id", id, NUMBER64),
    MEMBER(registry_key, "key_id", key_id, TEXT),
    MEMBER(registry_key, "ring", ring, NUMBER64),
    MEMBER(registry_key, "client", client, NUMBER64),
    MEMBER(registry_key, "label", label, TEXT),
    MEMBER(registry_key, "state", state, STATE),
    MEMBER(registry_key, "narrowed", narrowed, FLAG),
    MEMBER(registry_key, "narrowed_scopes", narrowed_scopes, TEXT),
    MEMBER(registry_key, "last_serial", last_serial, NUMBER32),
    MEMBER(registry_key, "created", created, NUMBER64),
    MEMBER(registry_key, "ends", ends, ENDS),
    MEMBER(registry_key, "networks", networks, NETWORKS),
    MEMBER(registry_key, "holders", holders, HOLDERS),
    MEMBER(registry_key, "claim", claim, CLAIM),
    {0},
};

static const struct member credential_members[] = {
    MEMBER(registry_credential, "key", key, NUMBER64),
    MEMBER(registry_credential, "serial", serial, NUMBER32),
    MEMBER(registry_credential, "version", version, NUMBER32),
    MEMBER(registry_credential, "digest", digest, BYTES),
    MEMBER(registry_credential, "nonce", nonce, BYTES),
    MEMBER(registry_credential, "scopes", scopes, TEXT),
    MEMBER(registry_credential, "not_before", not_before, NUMBER64),
    MEMBER(registry_credential, "expires", expires, NUMBER64),
    MEMBER(registry_credential, "state", state, STATE),
    MEMBER(registry_credential, "replaced", replaced, FLAG),
    MEMBER(registry_credential, "retire_at", retire_at, NUMBER64),
    MEMBER(registry_credential, "issued", issued, NUMBER64),
    MEMBER(registry_credential, "imported", imported, FLAG),
    MEMBER(registry_credential, "binding", binding, BYTES),
    MEMBER(registry_credential, "label", label, TEXT),
    MEMBER(registry_credential, "origin", origin, NUMBER64),
    MEMBER(registry_credential, "predecessor", predecessor, NUMBER32),
    {0},
};

static const struct {
    const char *name;
    const struct member *members;
} tables[] = {
    [REGISTRY_TABLE_RING] = {"ring", ring_members},
    [REGISTRY_TABLE_VERSION] = {"version", version_members},
    [REGISTRY_TABLE_CLIENT] = {"client", client_members},
    [REGISTRY_TABLE_KEY] = {"api_key", key_members},
    [REGISTRY_TABLE_CREDENTIAL] = {"credential", credential_members},
};

/* States are enumerations of the public headers: as wide as an int. */
_Static_assert(sizeof(sealring_version_state) == sizeof(int) && sizeof(sealring_key_state) == sizeof(int) &&
                   sizeof(sealring_credential_state) == sizeof(int),
               "a state is read and written as an int");

#define BYTES_MAX 32

static bool is_nothing(const void *bytes, size_t size)
{
    static const uint8_t nothing[BYTES_MAX];
    return memcmp(bytes, nothing, size) == 0;
}

static json_t *hexadecimal(const void *bytes, size_t size)
{
    char text[2 * BYTES_MAX + 1];
    hex_encode(bytes, size, text);
    return json_string(text);
}

/* What only a fact about an API key contains. "": none. */
#define FACT_TEXT_SIZE (NETWORKS_TEXT_SIZE + KEY_ENDS_TEXT_SIZE + HOLDERS_TEXT_SIZE + KEY_CLAIM_TEXT_SIZE)
static void write_fact_text(const struct member *member, const struct registry_key *key, char text[FACT_TEXT_SIZE])
{
    text[0] = '\0';
    if (member->kind == ENDS)
        ends_format(&key->ends, text);
    else if (member->kind == HOLDERS)
        holders_format(&key->holders, text);
    else if (member->kind == CLAIM)
        key_claim_format(&key->claim, text);
    else if (key->bound)
        networks_format(&key->networks, text);
}

/* *wanted: the member is not 0, false or empty. NULL while *wanted: no memory. */
static json_t *write_member(const struct member *member, const void *row, bool *wanted)
{
    const char *place = (const char *)row + member->offset;
    json_int_t number = 0;
    *wanted = true;
    switch (member->kind) {
    case NUMBER32:
        number = *(const uint32_t *)(const void *)place;
        break;
    case NUMBER64:
        number = *(const int64_t *)(const void *)place;
        break;
    case STATE:
        number = *(const int *)(const void *)place;
        break;
    case FLAG:
        *wanted = *(const bool *)(const void *)place;
        return *wanted ? json_true() : NULL;
    case TEXT:
        *wanted = place[0] != '\0';
        return *wanted ? json_string(place) : NULL;
    case BYTES:
        *wanted = !is_nothing(place, member->size);
        return *wanted ? hexadecimal(place, member->size) : NULL;
    case OBJECT_ID: {
        char text[2 * REGISTRY_OBJECT_ID_MAX + 1];
        size_t length = ((const struct registry_version *)row)->object_id_length;
        *wanted = length > 0;
        hex_encode((const uint8_t *)place, length, text); /* even if all are zero, because the length is part of it */
        return *wanted ? json_string(text) : NULL;
    }
    case ENDS:
    case NETWORKS:
    case HOLDERS:
    case CLAIM: {
        char text[FACT_TEXT_SIZE];
        write_fact_text(member, row, text);
        *wanted = text[0] != '\0';
        return *wanted ? json_string(text) : NULL;
    }
    }
    *wanted = number != 0;
    return *wanted ? json_integer(number) : NULL;
}

json_t *image_of(enum registry_table table, const void *row)
{
    json_t *image = json_object();
    if (image == NULL || json_object_set_new_nocheck(image, "table", json_string(tables[table].name)) != 0)
        goto failed;
    for (const struct member *member = tables[table].members; member->name != NULL; member++) {
        bool wanted = false;
        json_t *value = write_member(member, row, &wanted);
        if (wanted && json_object_set_new_nocheck(image, member->name, value) != 0)
            goto failed;
    }
    return image;
failed:
    json_decref(image);
    return NULL;
}

static bool shares_member(const char *name, const json_t *one, const json_t *other)
{
    return json_equal(json_object_get(one, name), json_object_get(other, name)) == 1;
}

bool image_is_of_same_row(enum registry_table table, const json_t *one, const json_t *other)
{
    const struct member *members = tables[table].members;
    return shares_member("table", one, other) && shares_member(members[0].name, one, other) &&
           shares_member(members[1].name, one, other);
}

static bool read_bytes(const json_t *value, void *place, size_t size, size_t *length)
{
    const char *text = json_string_value(value);
    size_t digits = json_string_length(value);
    if (text == NULL || digits % 2 != 0 || digits / 2 > size || (length == NULL && digits / 2 != size))
        return false;
    if (length != NULL)
        *length = digits / 2;
    return hex_decode(text, place, digits / 2);
}

static bool read_number(const json_t *value, json_int_t highest, json_int_t *number)
{
    *number = json_integer_value(value);
    return json_is_integer(value) && *number >= 0 && *number <= highest;
}

static bool read_member(const struct member *member, const json_t *value, void *row)
{
    char *place = (char *)row + member->offset;
    json_int_t number = 0;
    switch (member->kind) {
    case NUMBER32:
        if (!read_number(value, UINT32_MAX, &number))
            return false;
        *(uint32_t *)(void *)place = (uint32_t)number;
        return true;
    case NUMBER64:
        if (!read_number(value, INT64_MAX, &number))
            return false;
        *(int64_t *)(void *)place = number;
        return true;
    case STATE:
        if (!read_number(value, SEALRING_VERSION_DESTROYED, &number))
            return false;
        *(int *)(void *)place = (int)number;
        return true;
    case FLAG:
        *(bool *)(void *)place = json_is_true(value);
        return json_is_true(value);
    case TEXT:
        if (!json_is_string(value) || json_string_length(value) >= member->size ||
            strlen(json_string_value(value)) != json_string_length(value))
            return false;
        memcpy(place, json_string_value(value), json_string_length(value) + 1);
        return true;
    case BYTES:
        return read_bytes(value, place, member->size, NULL);
    case OBJECT_ID:
        return read_bytes(value, place, member->size, &((struct registry_version *)row)->object_id_length);
    case ENDS:
        return json_is_string(value) && ends_parse(json_string_value(value), (struct key_ends *)(void *)place);
    case NETWORKS: {
        char problem[128];
        ((struct registry_key *)row)->bound = true;
        return json_string_length(value) > 0 &&
               networks_parse(json_string_value(value), (struct networks *)(void *)place, problem) == NULL;
    }
    case HOLDERS:
        return json_string_length(value) > 0 &&
               holders_parse(json_string_value(value), (struct holders *)(void *)place);
    case CLAIM:
        return json_string_length(value) > 0 &&
               key_claim_parse(json_string_value(value), (struct key_claim *)(void *)place);
    }
    return false;
}

static bool find_table(const char *name, enum registry_table *table)
{
    for (size_t i = 0; name != NULL && i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].name, name) == 0) {
            *table = (enum registry_table)i;
            return true;
        }
    return false;
}

bool image_complete(json_t *image)
{
    enum registry_table table = REGISTRY_TABLE_RING;
    bool complete = find_table(json_string_value(json_object_get(image, "table")), &table);
    for (const struct member *member = tables[table].members; complete && member->name != NULL; member++)
        if (member->otherwise != NULL && json_object_get(image, member->name) == NULL)
            complete = json_object_set_new_nocheck(image, member->name, json_string(member->otherwise)) == 0;
    return complete;
}

bool image_read(const json_t *image, enum registry_table *table, union image_row *row, const char **problem)
{
    size_t taken = 1;
    memset(row, 0, sizeof *row);
    *problem = "table";
    if (!find_table(json_string_value(json_object_get(image, "table")), table))
        return false;
    for (const struct member *member = tables[*table].members; member->name != NULL; member++) {
        const json_t *value = json_object_get(image, member->name);
        *problem = member->name;
        if (value != NULL && !read_member(member, value, row))
            return false;
        if (value == NULL && member->otherwise != NULL)
            memcpy((char *)row + member->offset, member->otherwise, strlen(member->otherwise) + 1);
        taken += value != NULL;
    }
    *problem = "a member that this version does not know";
    return taken == json_object_size(image);
}
