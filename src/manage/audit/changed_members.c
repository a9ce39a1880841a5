/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an entry changed only what its act may change of a row: anything else was edited before the act, which copied it. */
#include "manage/audit/changed_members.h"

#include <stdio.h>
#include <string.h>

#include <sealring/renew.h>

#include "credential/key_ends.h"
#include "credential/scope.h"
#include "manage/audit/row_text.h"

#define EDITED      "the row had been edited before it"
#define ANY_ADDRESS "any" /* in the entries of keys that are bound to no networks */
#define CLOCK_STEP \
    60000 /* ms; an act's decision and its entry read the wall clock one after the other, which may be set in between */

static json_int_t number_of(const json_t *image, const char *member)
{
    return json_integer_value(json_object_get(image, member));
}

static bool differs(const struct changed_row *row, const char *member)
{
    const json_t *was = json_object_get(row->was, member);
    const json_t *is = json_object_get(row->image, member);
    return was == NULL || is == NULL ? was != is : json_equal(was, is) == 0;
}

/* ---- What an act found, as its entry contains it ---- */

/* The act found `found` in a member that it changes. */
static bool found_edited(const struct changed_row *row, const char *member, const char *found,
                         char text[CHANGED_TEXT_SIZE])
{
    char name[ROW_TEXT_NAME_SIZE], was[ROW_TEXT_VALUE_SIZE];
    row_text_name(row->table, row->image, row->entry->ring, name);
    row_text_value(row->table, member, json_object_get(row->was, member), was);
    snprintf(text, CHANGED_TEXT_SIZE, "(%.64s) found %s: %s %.100s, the log has %s: " EDITED, row->entry->act, name,
             member, found, was);
    return false;
}

/* found: from the entry's detail, NULL: older versions did not write it. was: what the log has; NULL: nothing. */
static bool check_found(const struct changed_row *row, const char *member, const char *found, const char *was,
                        char text[CHANGED_TEXT_SIZE])
{
    return found == NULL || was == NULL || strcmp(found, was) == 0 || found_edited(row, member, found, text);
}

static const char *found_before(const struct changed_row *row)
{
    return json_string_value(json_object_get(row->detail, "before"));
}

static bool check_key_state(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    const char *was = sealring_key_state_name((sealring_key_state)number_of(row->was, "state"));
    return check_found(row, "state", found_before(row), was, text);
}

static bool check_label(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    return check_found(row, "label", found_before(row), json_string_value(json_object_get(row->was, "label")), text);
}

static bool check_networks(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    const char *was = json_string_value(json_object_get(row->was, "networks"));
    return check_found(row, "networks", found_before(row), was != NULL ? was : ANY_ADDRESS, text);
}

static bool check_holders(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    const bool one = json_object_get(row->was, "holders") != NULL;
    return check_found(row, "holders", found_before(row), sealring_holders_name(one), text);
}

/* A key that was narrowed has no scope beyond that. */
static bool check_narrowing(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    const char *found = found_before(row);
    const char *was = json_string_value(json_object_get(row->was, "narrowed_scopes"));
    bool narrowed = json_object_get(row->was, "narrowed") != NULL;
    if (!narrowed || found == NULL || scope_includes(was != NULL ? was : "", found, NULL, NULL))
        return true;
    return found_edited(row, "narrowed_scopes", found, text);
}

/* Each credential has the serial behind that of the one before, and each version of a ring the next number. */
static bool check_next(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    const char *member = row->table == REGISTRY_TABLE_RING ? "last_version" : "last_serial";
    char found[ROW_TEXT_VALUE_SIZE];
    json_int_t before = number_of(row->image, member) - 1;
    if (before == number_of(row->was, member))
        return true;
    if (before + 1 == number_of(row->was, member) && differs(row, "claim")) /* offered for a credential that exists */
        return true;
    snprintf(found, sizeof found, "%" JSON_INTEGER_FORMAT, before);
    return found_edited(row, member, found, text);
}

/* Rekeying leaves serials out, except where an older version did it. */
static bool check_next_rekeyed(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    static const struct key_ends none;
    json_int_t bound = ends_bound(&none, (uint32_t)number_of(row->was, "last_serial"));
    return number_of(row->image, "last_serial") == bound + 1 || check_next(row, text);
}

/* Rekeying lifts a narrowing as a whole, or leaves it. The entries of older versions do not contain what it found. */
static bool check_rekey(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    const json_t *scopes = json_object_get(row->detail, "narrowed_before");
    const char *found = json_string_value(scopes);
    const char *was = json_string_value(json_object_get(row->was, "narrowed_scopes"));
    bool narrowed = json_object_get(row->was, "narrowed") != NULL;
    if (scopes != NULL && ((found != NULL) != narrowed || (narrowed && strcmp(found, was != NULL ? was : "") != 0)))
        return found_edited(row, "narrowed_scopes", found != NULL ? found : "none", text);
    if (json_object_get(row->image, "narrowed") != NULL &&
        (differs(row, "narrowed") || differs(row, "narrowed_scopes")))
        return found_edited(row, "narrowed_scopes", "something else", text);
    return check_next_rekeyed(row, text);
}

/* An end that was set stays, or becomes an earlier one. */
static bool check_end(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    json_int_t was = number_of(row->was, "retire_at");
    if (json_object_get(row->was, "replaced") == NULL || number_of(row->image, "retire_at") <= was)
        return true;
    return found_edited(row, "retire_at", "a later one or none", text);
}

static bool check_forgotten(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    return json_object_get(row->was, "forgotten") == NULL || found_edited(row, "forgotten", "none", text);
}

static bool check_policy(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    char found[ROW_TEXT_VALUE_SIZE];
    const char *member;
    json_t *value;
    json_object_foreach(json_object_get(row->detail, "before"), member, value)
    {
        const json_t *was = json_object_get(row->was, member);
        bool same = json_is_integer(value) ? json_integer_value(value) == json_integer_value(was)
                                           : json_is_true(value) == json_is_true(was);
        if (same)
            continue;
        row_text_value(row->table, member, json_is_false(value) ? NULL : value, found);
        return found_edited(row, member, found, text);
    }
    return true;
}

static const json_t *find_step(const struct changed_row *row)
{
    const json_t *steps = json_object_get(row->detail, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++)
        if (number_of(json_array_get(steps, i), "version") == number_of(row->image, "number"))
            return json_array_get(steps, i);
    return NULL;
}

static bool check_version_state(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    const char *found = json_string_value(json_object_get(find_step(row), "before"));
    const char *was = sealring_version_state_name((sealring_version_state)number_of(row->was, "state"));
    return check_found(row, "state", found, was, text);
}

/* Retiring waits for the announced end, unless an operator overrules that. It leaves no end in the row. */
static bool check_retirement(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    if (!differs(row, "state") || number_of(row->was, "retire_at") <= row->entry->time + CLOCK_STEP ||
        json_is_true(json_object_get(row->detail, "overruled")))
        return check_version_state(row, text);
    return found_edited(row, "retire_at", "a time that had passed", text);
}

/* ---- Which members an act may change ---- */

#define ISSUES "key.issue key.import key.reissue key.renew"

/* A new row is not listed: it has no image before. `closing_owed` of a version is not listed either, because it is also written without
 * an entry (close_object.c). */
static const struct {
    const char *acts; /* words, as in `members` */
    enum registry_table table;
    int state;        /* only if this is the row's state afterwards; 0: whatever it is */
    const char *with; /* only if the image contains this member; NULL: whatever it contains */
    const char *members;
    /* Whether the act found what the log has, whatever it made of the row; NULL: the entry does not contain what it found. */
    bool (*check)(const struct changed_row *row, char text[CHANGED_TEXT_SIZE]);
} rules[] = {
    {"ring.set", REGISTRY_TABLE_RING, 0, NULL,
     "overlap purge_delay keep rotate_every quiet_period standby idle_blocks usage_hourly usage_daily succession renew renew_life "
     "renew_age deliver leaks",
     check_policy},
    {"version.prepare", REGISTRY_TABLE_RING, 0, NULL, "last_version", check_next},
    {"version.activate version.rollback", REGISTRY_TABLE_RING, 0, NULL, "rotation_held", NULL},
    {"vault.restore", REGISTRY_TABLE_RING, 0, NULL, "last_version", NULL},
    {"version.activate version.rollback version.compromise", REGISTRY_TABLE_VERSION, SEALRING_VERSION_ACTIVE, NULL,
     "state activated", check_version_state},
    {"version.activate version.rollback", REGISTRY_TABLE_VERSION, SEALRING_VERSION_RETIRING, NULL, "state retire_at",
     check_version_state},
    {"version.retire", REGISTRY_TABLE_VERSION, SEALRING_VERSION_RETIRED, NULL, "state retire_at closed purge_at",
     check_retirement},
    {"version.reinstate", REGISTRY_TABLE_VERSION, SEALRING_VERSION_PENDING, NULL, "state closed purge_at",
     check_version_state},
    {"version.compromise", REGISTRY_TABLE_VERSION, SEALRING_VERSION_COMPROMISED, NULL,
     "state retire_at closed purge_at was_compromised", check_version_state},
    {"version.destroy", REGISTRY_TABLE_VERSION, SEALRING_VERSION_DESTROYED, NULL, "state destroyed",
     check_version_state},
    {"vault.restore", REGISTRY_TABLE_VERSION, SEALRING_VERSION_RETIRED, NULL,
     "state activated retire_at closed purge_at", NULL},
    {"client.forget", REGISTRY_TABLE_CLIENT, 0, NULL, "forgotten contact_hash certificate_hash notices_hash",
     check_forgotten},
    {"client.set", REGISTRY_TABLE_CLIENT, 0, NULL, "contact_hash notices_hash", NULL},
    {"vault.restore", REGISTRY_TABLE_CLIENT, 0, NULL, "contact_hash certificate_hash notices_hash", NULL},
    {"key.resume", REGISTRY_TABLE_KEY, SEALRING_KEY_ACTIVE, NULL, "state", check_key_state},
    {"key.suspend", REGISTRY_TABLE_KEY, SEALRING_KEY_SUSPENDED, NULL, "state", check_key_state},
    {"key.revoke", REGISTRY_TABLE_KEY, SEALRING_KEY_REVOKED, NULL, "state", check_key_state},
    {"key.narrow", REGISTRY_TABLE_KEY, 0, NULL, "narrowed narrowed_scopes", check_narrowing},
    {"key.label", REGISTRY_TABLE_KEY, 0, NULL, "label", check_label},
    {"key.addresses", REGISTRY_TABLE_KEY, 0, NULL, "networks", check_networks},
    {"key.holders", REGISTRY_TABLE_KEY, 0, NULL, "holders", check_holders},
    {"key.contested", REGISTRY_TABLE_KEY, 0, NULL, "holders", NULL},
    {ISSUES, REGISTRY_TABLE_KEY, 0, NULL, "last_serial claim", check_next},
    {"key.claim key.claim-contested key.claim-cancel", REGISTRY_TABLE_KEY, 0, NULL, "claim", NULL},
    {"key.rekey", REGISTRY_TABLE_KEY, 0, NULL, "last_serial narrowed narrowed_scopes claim", check_rekey},
    {ISSUES, REGISTRY_TABLE_CREDENTIAL, 0, NULL, "state", NULL},
    {ISSUES, REGISTRY_TABLE_CREDENTIAL, 0, "imported", "replaced retire_at", check_end},
    {"key.rekey", REGISTRY_TABLE_CREDENTIAL, 0, NULL, "state replaced retire_at", check_end},
};
#define RULES (sizeof rules / sizeof *rules)

static bool has_word(const char *words, const char *word)
{
    size_t length;
    for (const char *at = words; *at != '\0'; at += length + strspn(at + length, " ")) {
        length = strcspn(at, " ");
        if (strlen(word) == length && strncmp(at, word, length) == 0)
            return true;
    }
    return false;
}

/* Whether rule number `i` is about this act on such a row. */
static bool is_about(const struct changed_row *row, size_t i)
{
    return rules[i].table == row->table && has_word(rules[i].acts, row->entry->act);
}

static void read_ends(const json_t *key, struct key_ends *ends)
{
    const char *text = json_string_value(json_object_get(key, "ends"));
    (void)ends_parse(text != NULL ? text : "", ends);
}

/* Of an API key, facts contain the ends: an act only adds to them, and its entry may be the first one that contains what an upgrade has recorded. */
static bool ends_stay(const struct changed_row *row)
{
    struct key_ends was, is;
    read_ends(row->was, &was);
    read_ends(row->image, &is);
    return ends_include(&is, &was);
}

bool changed_by_ends(const struct changed_row *row)
{
    const json_t *rows = json_object_get(row->detail, "rows");
    struct key_ends ends;
    json_int_t end = number_of(row->image, "retire_at");
    for (size_t i = 0; end != 0 && i < json_array_size(rows); i++) {
        const json_t *key = json_array_get(rows, i);
        if (json_object_get(key, "ends") == NULL || number_of(key, "id") != number_of(row->image, "key"))
            continue;
        read_ends(key, &ends);
        return ends_of(&ends, (uint32_t)number_of(row->image, "serial")) == end;
    }
    return false;
}

static bool may_change(const struct changed_row *row, const char *member)
{
    if (row->table == REGISTRY_TABLE_VERSION && strcmp(member, "closing_owed") == 0)
        return true;
    if (row->table == REGISTRY_TABLE_KEY && strcmp(member, "ends") == 0)
        return ends_stay(row);
    if (row->table == REGISTRY_TABLE_CREDENTIAL && has_word("state replaced retire_at", member) && changed_by_ends(row))
        return true;
    for (size_t i = 0; i < RULES; i++)
        if (is_about(row, i) && (rules[i].state == 0 || rules[i].state == number_of(row->image, "state")) &&
            (rules[i].with == NULL || json_object_get(row->image, rules[i].with) != NULL) &&
            has_word(rules[i].members, member))
            return true;
    return false;
}

/* The first member of `image` that changed and may not have; NULL for none. */
static const char *find_edited(const struct changed_row *row, const json_t *image)
{
    const char *member;
    json_t *value;
    json_object_foreach((json_t *)image, member, value)
    {
        if (differs(row, member) && !may_change(row, member))
            return member;
    }
    return NULL;
}

bool changed_rightly(const struct changed_row *row, char text[CHANGED_TEXT_SIZE])
{
    char name[ROW_TEXT_NAME_SIZE], was[ROW_TEXT_VALUE_SIZE], is[ROW_TEXT_VALUE_SIZE];
    const char *member = find_edited(row, row->image);
    if (member == NULL)
        member = find_edited(row, row->was);
    if (member != NULL) {
        row_text_name(row->table, row->image, row->entry->ring, name);
        row_text_value(row->table, member, json_object_get(row->was, member), was);
        row_text_value(row->table, member, json_object_get(row->image, member), is);
        snprintf(text, CHANGED_TEXT_SIZE, "(%.64s) also changed %s of %s from %s to %s: " EDITED, row->entry->act,
                 member, name, was, is);
        return false;
    }
    for (size_t i = 0; i < RULES; i++)
        if (is_about(row, i) && rules[i].check != NULL && !rules[i].check(row, text))
            return false;
    return true;
}
