/* SPDX-License-Identifier: Apache-2.0 */
/* The library's structures as JSON. */
#include "tools/sealring/terminal/jsontext.h"

#include <stdlib.h>
#include <string.h>

#include <sealring/outside.h>

#include "tools/sealring/terminal/memory.h"

json_t *jsontext_time(int64_t time)
{
    char text[SEALRING_TIME_SIZE];
    if (time == 0)
        return json_null();
    sealring_time_format(time, text);
    return json_string(text);
}

json_t *jsontext_text(const char *text)
{
    json_t *json = text != NULL ? json_string(text) : json_null();
    if (json != NULL)
        return json;
    char *escaped = memory_escaped(text, strlen(text), SEALRING_ESCAPE_TERMINAL);
    json = json_string(escaped);
    free(escaped);
    return json;
}

static void add_raw(json_t **raw, const char *name, const char *text)
{
    json_t *clean = text != NULL ? json_string(text) : json_null();
    if (clean == NULL) {
        size_t length = strlen(text);
        char *digits = memory_grow(NULL, 2 * length + 1, 1);
        for (size_t i = 0; i < length; i++)
            sprintf(digits + 2 * i, "%02x", (unsigned)(unsigned char)text[i]);
        if (*raw == NULL)
            *raw = json_object();
        json_object_set_new(*raw, name, json_string(digits));
        free(digits);
    }
    json_decref(clean);
}

json_t *jsontext_raw(const sealring_audit_entry *entry)
{
    json_t *raw = NULL;
    add_raw(&raw, "actor", entry->actor);
    add_raw(&raw, "act", entry->act);
    add_raw(&raw, "ring", entry->ring);
    add_raw(&raw, "key_id", entry->key_id);
    add_raw(&raw, "client", entry->client);
    add_raw(&raw, "detail", entry->detail);
    return raw;
}

static json_t *duration(int64_t value)
{
    char text[SEALRING_TIME_SIZE];
    sealring_duration_format(value, text);
    return json_string(text);
}

/* The parts between the separators; null for NULL. */
static json_t *parts_of(const char *text, const char *separator)
{
    if (text == NULL)
        return json_null();
    json_t *array = json_array();
    while (*text != '\0') {
        size_t length = strcspn(text, separator);
        if (length > 0)
            json_array_append_new(array, json_stringn(text, length));
        text += length + (text[length] == *separator);
    }
    return array;
}

json_t *jsontext_scopes(const char *scopes)
{
    return parts_of(scopes, " ");
}

json_t *jsontext_ring(const sealring_ring_info *ring)
{
    const sealring_policy *policy = &ring->policy;
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:I, s:b, s:I, s:I, s:I, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:s, s:o, s:o, s:s, s:s}",
        "name", ring->name, "ring_id", ring->ring_id, "prefix", ring->prefix, "overlap", duration(policy->overlap),
        "purge_delay", duration(policy->purge_delay), "keep", (json_int_t)policy->keep, "rotation_held",
        (int)ring->rotation_held, "active_version", (json_int_t)ring->active_version, "versions",
        (json_int_t)ring->versions, "keys", (json_int_t)ring->keys, "created", jsontext_time(ring->created),
        "rotate_every", policy->rotate_every != 0 ? duration(policy->rotate_every) : json_null(), "quiet_period",
        duration(policy->quiet_period), "standby", (int)policy->standby, "idle_blocks", (int)policy->idle_blocks,
        "usage_hourly", duration(policy->usage_hourly), "usage_daily", duration(policy->usage_daily), "succession",
        policy->succession != SEALRING_SUCCESSION_OFF ? duration(policy->succession) : json_null(), "renew",
        sealring_renew_mode_name(policy->renew), "renew_life",
        policy->renew_life != 0 ? duration(policy->renew_life) : json_null(), "renew_age",
        policy->renew_age != SEALRING_RENEW_AGE_OFF ? duration(policy->renew_age) : json_null(), "deliver",
        sealring_deliver_mode_name(policy->deliver), "leaks", sealring_leaks_mode_name(policy->leaks));
}

json_t *jsontext_version(const sealring_version_info *version)
{
    return json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:I, s:I, s:s, s:s, s:s, s:s, s:s?}",
                     "ring", version->ring, "version", (json_int_t)version->version, "state",
                     sealring_version_state_name(version->state), "created", jsontext_time(version->created),
                     "activated", jsontext_time(version->activated), "retire_at", jsontext_time(version->retire_at),
                     "closed", jsontext_time(version->closed), "purge_at", jsontext_time(version->purge_at),
                     "destroyed", jsontext_time(version->destroyed), "was_compromised", (int)version->was_compromised,
                     "closing_owed", (int)version->closing_owed, "credentials", (json_int_t)version->credentials,
                     "current_keys", (json_int_t)version->current, "object_id", version->object_id, "check_value",
                     version->check_value, "prf", version->prf, "origin", version->origin, "public_key",
                     version->public_key[0] != '\0' ? version->public_key : NULL);
}

static json_t *jsontext_effect(const sealring_effect *effect)
{
    return json_pack("{s:I, s:s, s:s, s:o, s:o}", "version", (json_int_t)effect->version, "from",
                     sealring_version_state_name(effect->from), "to", sealring_version_state_name(effect->to),
                     "retire_at", jsontext_time(effect->retire_at), "purge_at", jsontext_time(effect->purge_at));
}

json_t *jsontext_effects(const sealring_change *change)
{
    json_t *array = json_array();
    for (size_t i = 0; change != NULL && i < change->count; i++)
        json_array_append_new(array, jsontext_effect(&change->effects[i]));
    return array;
}

json_t *jsontext_plan(const sealring_plan *plan)
{
    return json_pack("{s:o, s:I, s:s, s:o, s:s, s:s}", "event",
                     plan->event != 0 ? json_string(sealring_event_name(plan->event)) : json_null(), "version",
                     (json_int_t)plan->version, "state", sealring_plan_state_name(plan->state), "due",
                     jsontext_time(plan->due), "text", plan->text, "foreseen", plan->foreseen);
}

json_t *jsontext_client(const sealring_client_info *client)
{
    return json_pack("{s:o, s:o, s:s, s:I, s:o, s:o}", "name", jsontext_text(client->name), "contact",
                     jsontext_text(client->contact), "contact_state", client->contact_state, "keys",
                     (json_int_t)client->keys, "created", jsontext_time(client->created), "forgotten",
                     jsontext_time(client->forgotten));
}

json_t *jsontext_certificate(const sealring_certificate_info *certificate)
{
    if (strcmp(certificate->state, "none") == 0)
        return json_null();
    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "state", certificate->state, "subject",
                     jsontext_text(certificate->subject), "sha256", certificate->sha256, "key", certificate->key,
                     "not_before", jsontext_time(certificate->not_before), "not_after",
                     jsontext_time(certificate->not_after));
}

json_t *jsontext_key(const sealring_key_info *key)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:b}", "key_id", key->key_id,
                     "ring", key->ring, "client", key->client, "label", key->label, "state",
                     sealring_key_state_name(key->state), "version", (json_int_t)key->version, "serial",
                     (json_int_t)key->serial, "scopes", jsontext_scopes(key->scopes), "narrowed_to",
                     jsontext_scopes(key->narrowed), "from_addresses", parts_of(key->from_addresses, ","), "expires",
                     jsontext_time(key->expires), "created", jsontext_time(key->created), "holders",
                     key->one_holder ? "one" : "many", "contested", (int)key->contested);
}

json_t *jsontext_credential(const sealring_credential_info *credential)
{
    return json_pack("{s:s, s:I, s:I, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:s}", "key_id", credential->key_id,
                     "serial", (json_int_t)credential->serial, "version", (json_int_t)credential->version,
                     "version_state", sealring_version_state_name(credential->version_state), "state",
                     sealring_credential_state_name(credential->state), "replaced", (int)credential->replaced,
                     "imported", (int)credential->imported, "scopes", jsontext_scopes(credential->scopes), "issued",
                     jsontext_time(credential->issued), "not_before", jsontext_time(credential->not_before), "expires",
                     jsontext_time(credential->expires), "retire_at", jsontext_time(credential->retire_at), "digest",
                     credential->digest);
}

/* jansson hands over whole characters. What a terminal must not get is in strings only. */
static int write_piece(const char *piece, size_t length, void *stream)
{
    char escaped[512];
    size_t wanted = sealring_text_escape(piece, length, SEALRING_ESCAPE_JSON, escaped, sizeof escaped);
    char *longer = wanted < sizeof escaped ? NULL : memory_escaped(piece, length, SEALRING_ESCAPE_JSON);
    size_t written = fwrite(longer != NULL ? longer : escaped, 1, wanted, stream);
    free(longer);
    return written == wanted ? 0 : -1;
}

int jsontext_write(const json_t *value, FILE *stream, size_t flags)
{
    return json_dump_callback(value, write_piece, stream, flags) != 0 || putc('\n', stream) == EOF ? -1 : 0;
}

static void print(json_t *value, size_t flags)
{
    /* output_finish finds what could not be written */
    if (value == NULL || (jsontext_write(value, stdout, flags) != 0 && !ferror(stdout)))
        memory_lack();
    json_decref(value);
}

/* What is printed at the end, as notes come until then; and these. */
static json_t *pending, *notes;

void jsontext_note(const char *text)
{
    if (notes == NULL)
        notes = json_array();
    json_array_append_new(notes, jsontext_text(text));
}

void jsontext_finish(void)
{
    if (pending != NULL && notes != NULL)
        json_object_set(pending, "notes", notes);
    if (pending != NULL)
        print(pending, JSON_INDENT(2));
    json_decref(notes);
    pending = notes = NULL;
}

void jsontext_print(json_t *value)
{
    if (pending != NULL)
        print(pending, JSON_INDENT(2));
    if (value == NULL)
        memory_lack();
    pending = value;
}

void jsontext_print_line(json_t *value)
{
    print(value, JSON_COMPACT);
}

void jsontext_print_as(const char *name, json_t *value)
{
    jsontext_print(json_pack("{s:o}", name, value));
}

json_t *jsontext_claim(const sealring_claim_info *claim)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:s, s:s, s:o}", "key_id", claim->key_id, "ring", claim->ring,
                     "client", claim->client, "label", claim->label, "state", claim->state, "serial",
                     (json_int_t)claim->serial, "expires", jsontext_time(claim->expires), "first_peer",
                     claim->first_peer, "second_peer", claim->second_peer, "contested",
                     jsontext_time(claim->contested));
}

void jsontext_print_issued(FILE *stream, const sealring_issued *issued)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:s}", "client", issued->client, "label", issued->label, "key_id",
        issued->key_id, "version", (json_int_t)issued->version, "serial", (json_int_t)issued->serial, "expires",
        jsontext_time(issued->expires), "scopes", jsontext_scopes(issued->scopes), "state",
        issued->existed                                                                 ? "existed"
        : issued->credential == NULL && issued->sealed == NULL && issued->claim == NULL ? "imported"
                                                                                        : "issued");
    if (issued->sealed != NULL)
        json_object_set_new(object, "sealed", json_string(issued->sealed));
    if (issued->claim != NULL)
        json_object_set_new(object, "claim", json_string(issued->claim));
    /* into memory that is there: json_dumps may leave a member's name out when it gets none */
    size_t length = json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *text = memory_grow(NULL, length + 1, 1);
    if (length == 0 || json_dumpb(object, text, length, JSON_COMPACT) != length)
        memory_lack();
    json_decref(object);
    /* The credential's alphabet needs no escaping, so it can follow by hand, straight from the library's memory. */
    const char *mark = issued->credential == NULL ? "" : "\"";
    fprintf(stream, "%.*s,\"credential\":%s%s%s}\n", (int)(length - 1), text, mark,
            issued->credential == NULL ? "null" : issued->credential, mark);
    free(text);
}
