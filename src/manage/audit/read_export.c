/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what `sealring audit export` wrote: entries with all members that their leaf hash covers, and checkpoints. Archives are such files, too. */
#include "manage/audit/read_export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/base64.h"
#include "base/error.h"

/* A member that is not UTF-8 is also in "raw", in hexadecimal digits. The decoded bytes replace the member, because the leaf hash covers its bytes. */
static bool take_raw(json_t *members)
{
    static const char *const names[] = {"actor", "act", "ring", "key_id", "client", "detail"};
    const json_t *raw = json_object_get(members, "raw");
    bool good = raw == NULL || json_is_object(raw);
    for (size_t i = 0; good && raw != NULL && i < sizeof names / sizeof *names; i++) {
        const json_t *value = json_object_get(raw, names[i]);
        size_t length = json_string_length(value) / 2;
        uint8_t *bytes = value == NULL ? NULL : malloc(length + 1);
        if (value == NULL)
            continue;
        good = bytes != NULL && json_is_string(value) && json_string_length(value) == 2 * length &&
               hex_decode(json_string_value(value), bytes, length) && memchr(bytes, '\0', length) == NULL &&
               json_object_set_new(members, names[i], json_stringn_nocheck((const char *)bytes, length)) == 0;
        free(bytes);
    }
    return good;
}

/* jansson accepts no text that contains a NUL. */
static bool read_entry(json_t *event, json_t *members, struct registry_audit *entry)
{
    const struct {
        const char *name;
        const char **text; /* NULL in an entry without it */
    } texts[] = {{"actor", &entry->actor},
                 {"ring", &entry->ring},
                 {"key_id", &entry->key_id},
                 {"client", &entry->client},
                 {"detail", &entry->detail}};
    json_int_t sequence = 0, time = 0, version = 0;
    const char *operation_id = NULL, *leaf_hash = NULL;
    size_t length = 0;
    memset(entry, 0, sizeof *entry);
    if (json_unpack(event, "{s:I}", "time", &time) != 0 ||
        json_unpack(members, "{s:I, s:I, s:s, s:s, s:s}", "entry", &sequence, "version", &version, "operation_id",
                    &operation_id, "leaf_hash", &leaf_hash, "act", &entry->act) != 0 ||
        sequence < 1 || time < 0 || version < 0 || version > UINT32_MAX)
        return false;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const json_t *text = json_object_get(members, texts[i].name);
        *texts[i].text = json_string_value(text);
        if (!json_is_string(text) && !json_is_null(text))
            return false;
    }
    entry->sequence = (uint64_t)sequence;
    entry->time = time;
    entry->version = (uint32_t)version;
    return strlen(operation_id) == 2 * REGISTRY_ID_SIZE &&
           hex_decode(operation_id, entry->operation_id, REGISTRY_ID_SIZE) &&
           base64_decode(leaf_hash, strlen(leaf_hash), entry->leaf_hash, sizeof entry->leaf_hash, &length) &&
           length == sizeof entry->leaf_hash;
}

static sealring_status tell(const char *path, uint64_t number, const char *text, size_t length, exports_callback each,
                            void *context, sealring_error *error)
{
    struct exported line = {.path = path, .number = number, .text = text, .length = length};
    line.line = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    json_t *members = json_object_get(json_object_get(line.line, "unmapped"), "sealring");
    bool good = json_is_object(members) && take_raw(members);
    if (good && json_object_get(members, "checkpoint") != NULL)
        good = json_unpack(members, "{s:s}", "checkpoint", &line.checkpoint) == 0;
    else if (good && json_object_get(members, "archive") != NULL)
        good = json_unpack(members, "{s:s}", "archive", &line.archive) == 0;
    else if (good)
        good = line.is_entry = read_entry(line.line, members, &line.entry);
    sealring_status status =
        good ? each(&line, context, error)
             : error_set(error, SEALRING_REFUSED,
                         "line %" PRIu64 " of %s is none of `sealring audit export`, or was changed", number, path);
    json_decref(line.line);
    return status;
}

static sealring_status read_file(const char *path, exports_callback each, void *context, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    char *text = NULL;
    size_t room = 0;
    ssize_t length = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set_system(error, errno, "the export %s cannot be read", path);
    for (uint64_t number = 1; status == SEALRING_OK && (length = getline(&text, &room, file)) > 0; number++)
        if (strspn(text, " \t\r\n") != (size_t)length)
            status = tell(path, number, text, (size_t)length, each, context, error);
    if (status == SEALRING_OK && (ferror(file) || !feof(file)))
        status = error_set_system(error, errno, "the export %s cannot be read", path);
    fclose(file);
    free(text);
    return status;
}

sealring_status exports_each(const char *const *paths, exports_callback each, void *context, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && paths != NULL && paths[i] != NULL; i++)
        status = read_file(paths[i], each, context, error);
    return status;
}
