/* SPDX-License-Identifier: Apache-2.0 */
/* Audit entries as events of the Open Cybersecurity Schema Framework. */
#include "tools/sealring/vault/ocsf.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tools/sealring/terminal/jsontext.h"

/* OCSF 1.8.0, events/iam/entity_management.json. */
#define OCSF_VERSION  "1.8.0"
#define OCSF_CATEGORY 3    /* Identity & Access Management */
#define OCSF_CLASS    3004 /* Entity Management */
#define OCSF_OTHER    99

/* The ends of acts, and OCSF's name for each (activity_id). */
static const struct {
    const char *verb;
    int id;
    const char *name;
} activities[] = {
    {"init", 1, "Create"},        {"create", 1, "Create"},      {"add", 1, "Create"},
    {"issue", 1, "Create"},       {"import", 1, "Create"},      {"prepare", 1, "Create"},
    {"set", 3, "Update"},         {"label", 3, "Update"},       {"narrow", 3, "Update"},
    {"rekey", 3, "Update"},       {"reissue", 3, "Update"},     {"forget", 4, "Delete"},
    {"destroy", 4, "Delete"},     {"activate", 10, "Activate"}, {"rotate", 10, "Activate"},
    {"rollback", 10, "Activate"}, {"reinstate", 8, "Enable"},   {"revoke", 9, "Disable"},
    {"compromise", 9, "Disable"}, {"retire", 11, "Deactivate"}, {"suspend", 12, "Suspend"},
    {"resume", 13, "Resume"},     {"hand-over", 2, "Read"},     {"backup", 2, "Read"},
    {"restore", 3, "Update"},     {"upgrade", 3, "Update"},     {"archive", 4, "Delete"},
};

static const struct severity {
    int id;
    const char *name;
} severities[] = {{1, "Informational"}, {2, "Low"}, {4, "High"}};

/* What every line has of metadata. */
static json_t *product(const sealring_vault_info *vault, const char *uid, const char *code)
{
    return json_pack("{s:s, s:{s:s, s:s, s:s}, s:s*, s:o, s:s}", "version", OCSF_VERSION, "product", "name", "sealring",
                     "vendor_name", "sealring", "version", sealring_library_version(), "uid", uid, "event_code",
                     jsontext_text(code), "tenant_uid", vault->vault_id);
}

static int print_line(json_t *event)
{
    if (event == NULL)
        return -1;
    int failed = jsontext_write(event, stdout, JSON_COMPACT);
    json_decref(event);
    return failed;
}

static json_t *entity(const sealring_audit_entry *entry)
{
    char kind[32];
    char version[16] = "";
    snprintf(kind, sizeof kind, "%.*s", (int)strcspn(entry->act, "."), entry->act);
    if (entry->version != 0)
        snprintf(version, sizeof version, "%u", entry->version);
    const char *uid = entry->key_id != NULL ? entry->key_id : entry->client != NULL ? entry->client : entry->ring;
    const char *name = entry->ring != NULL ? entry->ring : entry->client;
    return json_pack("{s:o, s:o*, s:o*, s:s*}", "type", jsontext_text(kind), "uid",
                     uid != NULL ? jsontext_text(uid) : NULL, "name", name != NULL ? jsontext_text(name) : NULL,
                     "version", version[0] != '\0' ? version : NULL);
}

/* "alice@host 4711" in parts: the last blank and the last @ before it, as a user's name may have either. *device: NULL without a host. */
static json_t *actor(const char *text, json_t **device)
{
    *device = NULL;
    if (text == NULL)
        return json_null();
    json_t *clean = jsontext_text(text);
    const char *whole = json_string_value(clean);
    const char *process = strrchr(whole, ' ');
    size_t length = process != NULL ? (size_t)(process - whole) : strlen(whole);
    const char *at = memrchr(whole, '@', length);
    size_t user = at != NULL ? (size_t)(at - whole) : length;
    json_int_t number = process != NULL ? strtol(process + 1, NULL, 10) : 0;
    if (at != NULL)
        *device = json_pack("{s:s%}", "hostname", at + 1, length - user - 1);
    json_t *parts = json_pack("{s:{s:s%}, s:{s:I, s:s}}", "user", "name", whole, user, "process", "pid", number, "name",
                              "sealring");
    json_decref(clean);
    return parts;
}

static json_t *proof(const sealring_audit_entry *entry)
{
    if (entry->proof == NULL)
        return NULL;
    if (entry->sequence > entry->proof->tree_size)
        return json_null();
    json_t *hashes = json_array();
    for (size_t i = 0; i < entry->proof->count; i++)
        json_array_append_new(hashes, json_string(entry->proof->hashes[i]));
    return json_pack("{s:I, s:s, s:I, s:o}", "tree_size", (json_int_t)entry->proof->tree_size, "root",
                     entry->proof->root, "leaf_index", (json_int_t)(entry->sequence - 1), "hashes", hashes);
}

/* What OCSF has no name for: all that it takes to compute the leaf hash again, and to do the act again. */
static json_t *unmapped(const sealring_audit_entry *entry)
{
    return json_pack("{s:{s:I, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:s, s:o*, s:o*}}", "sealring", "entry",
                     (json_int_t)entry->sequence, "operation_id", entry->operation_id, "act", jsontext_text(entry->act),
                     "actor", jsontext_text(entry->actor), "ring", jsontext_text(entry->ring), "version",
                     (json_int_t)entry->version, "key_id", jsontext_text(entry->key_id), "client",
                     jsontext_text(entry->client), "detail", jsontext_text(entry->detail), "leaf_hash",
                     entry->leaf_hash, "proof", proof(entry), "raw", jsontext_raw(entry));
}

int ocsf_print(const sealring_audit_entry *entry, void *context)
{
    const sealring_vault_info *vault = context;
    json_t *detail = entry->detail != NULL ? json_loads(entry->detail, 0, NULL) : NULL;
    const char *refused = json_string_value(json_object_get(detail, "act"));
    const char *dot = strrchr(refused != NULL ? refused : entry->act, '.');
    bool alarm = strcmp(entry->act, "alarm") == 0;
    const struct severity *severity = &severities[alarm ? 2 : refused != NULL];
    int activity = OCSF_OTHER;
    const char *name = "Other";
    for (size_t i = 0; i < sizeof activities / sizeof *activities; i++)
        if (dot != NULL && strcmp(activities[i].verb, dot + 1) == 0) {
            activity = activities[i].id;
            name = activities[i].name;
        }
    const char *reason = json_string_value(json_object_get(detail, refused != NULL ? "why" : "reason"));
    json_t *device = NULL;
    json_t *who = actor(entry->actor, &device);
    json_t *metadata = product(vault, entry->operation_id, entry->act);
    json_object_set_new(metadata, "sequence", json_integer((json_int_t)entry->sequence));
    json_t *event = json_pack(
        "{s:i, s:s, s:i, s:s, s:i, s:s, s:i, s:I, s:i, s:s, s:i, s:s, s:o, s:o, s:o*, s:o, s:s*, s:o}", "category_uid",
        OCSF_CATEGORY, "category_name", "Identity & Access Management", "class_uid", OCSF_CLASS, "class_name",
        "Entity Management", "activity_id", activity, "activity_name", name, "type_uid", OCSF_CLASS * 100 + activity,
        "time", (json_int_t)entry->time, "severity_id", severity->id, "severity", severity->name, "status_id",
        refused != NULL ? 2 : 1, "status", refused != NULL ? "Failure" : "Success", "metadata", metadata, "actor", who,
        "device", device, "entity", entity(entry), "comment", reason, "unmapped", unmapped(entry));
    json_decref(detail);
    return print_line(event);
}

int ocsf_print_checkpoint(const sealring_vault_info *vault, const char *note)
{
    const char *time = strstr(note, "\ntime ");
    return print_line(json_pack("{s:i, s:s, s:i, s:s, s:i, s:s, s:i, s:I, s:i, s:s, s:o, s:{s:{s:s}}}", "category_uid",
                                0, "category_name", "Uncategorized", "class_uid", 0, "class_name", "Base Event",
                                "activity_id", OCSF_OTHER, "activity_name", "Other", "type_uid", OCSF_OTHER, "time",
                                time != NULL ? (json_int_t)strtoll(time + strlen("\ntime "), NULL, 10) : 0,
                                "severity_id", 1, "severity", "Informational", "metadata",
                                product(vault, NULL, "audit.checkpoint"), "unmapped", "sealring", "checkpoint", note));
}
