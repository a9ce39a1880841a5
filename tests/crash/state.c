/* SPDX-License-Identifier: Apache-2.0 */
/* The next start after a crash, and what a vault is like then: one text, without times and random numbers, so that two can be compared. */
#include "crash/state.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sealring/backup.h>

#include "base/base62.h"
#include "manage/act/act.h"
#include "manage/session/manager.h"
#include "manage/session/ring_state.h"
#include "manage/tokens/recover_interrupted.h"

struct telling {
    char *text;
    size_t length;
    sealring_manager *manager;
    struct objects {
        struct token_key_info keys[64];
        size_t count;
    } objects;
    sqlite3 *database;
    uint64_t aged; /* problems of the log that are the scene's own doing */
};

static void say(struct telling *telling, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct telling *telling, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(telling->text + telling->length, STATE_SIZE - telling->length, format, arguments);
    va_end(arguments);
    if (length > 0)
        telling->length += (size_t)length;
    if (telling->length > STATE_SIZE - 2)
        telling->length = STATE_SIZE - 2;
}

/* ---- The next start ---- */

static sealring_status keep_object(const struct token_key_info *key, void *context, sealring_error *error)
{
    struct objects *objects = context;
    (void)error;
    if (objects->count < sizeof objects->keys / sizeof objects->keys[0])
        objects->keys[objects->count++] = *key;
    return SEALRING_OK;
}

static void check_rings(struct telling *telling, struct registry *registry, sealring_error *error)
{
    static const char *const rings[] = {GROUND_RING, GROUND_OTHER, SCENE_RING, "third"};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        struct ring_state state = {0};
        sealring_status status = state_load(registry, rings[i], &state, error);
        const char *broken = status == SEALRING_OK ? lifecycle_broken_invariant(&state.view) : NULL;
        if (status != SEALRING_OK && status != SEALRING_NOT_FOUND)
            say(telling, "FAULT ring %s cannot be read: %s\n", rings[i], error->message);
        if (broken != NULL)
            say(telling, "FAULT ring %s: %s\n", rings[i], broken);
        state_release(&state);
    }
}

static void check_registry(struct telling *telling)
{
    sealring_error error = {.message = ""};
    sealring_status status;
    struct registry *registry = telling->manager->registry;
    struct registry_transaction reading = registry_reading(registry, &error);
    do {
        if (registry_begin(&reading, &status))
            check_rings(telling, registry, &error);
    } while (registry_again(&reading, &status));
}

/* The scene aged the versions of its automatic ring by SQL, which the log knows nothing of: their times, nothing else. */
static bool is_aged(const char *problem)
{
    static const char *const times[] = {"activated", "created", "retire_at"};
    const char *said = strstr(problem, " of ring " SCENE_RING ": its row has ");
    if (strncmp(problem, "version ", 8) != 0 || said == NULL)
        return false;
    said += strlen(" of ring " SCENE_RING ": its row has ");
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (strncmp(said, times[i], strlen(times[i])) == 0)
            return true;
    return false;
}

/* An act that copied a time of such a version into its entry: earlier than in the log by the age, to the millisecond. */
static bool is_aged_copy(const char *problem)
{
    unsigned long long entry;
    unsigned version;
    char member[10];
    int64_t was, is;
    int end = 0;
    int count = sscanf(problem,
                       "entry %llu (version.%*[a-z]) also changed %9[a-z] of version %u of ring " SCENE_RING
                       " from %" SCNd64 " to %" SCNd64 ": the row had been edited before it%n",
                       &entry, member, &version, &was, &is, &end);
    return count == 5 && end > 0 && problem[end] == '\0' && was - is == strtoll(SCENE_AGE, NULL, 10) &&
           (strcmp(member, "activated") == 0 || strcmp(member, "created") == 0);
}

static int tell_problem(uint64_t entry, const char *problem, void *context)
{
    struct telling *telling = context;
    if (is_aged(problem) || is_aged_copy(problem)) {
        telling->aged++;
        return 0;
    }
    say(context, "FAULT log, entry %" PRIu64 ": %s\n", entry, problem);
    return 0;
}

static void check_log(struct telling *telling)
{
    sealring_error error = {.message = ""};
    sealring_audit_report report = {.size = sizeof report};
    const struct audit_witness *witness = &telling->manager->witness;
    sealring_status status = sealring_audit_verify(telling->manager, NULL, tell_problem, telling, &report, &error);
    bool good = status == SEALRING_OK || (status == SEALRING_REFUSED && report.problems == telling->aged);
    if (!good)
        say(telling, "FAULT log: %s\n", error.message);
    else if (report.vouched != report.entries)
        say(telling, "FAULT log: %" PRIu64 " entries, a checkpoint for %" PRIu64 "\n", report.entries, report.vouched);
    else if (!witness->anchored || witness->anchor.size != report.entries)
        say(telling, "FAULT log: %" PRIu64 " entries, the anchor is at %" PRIu64 "\n", report.entries,
            witness->anchor.size);
}

/* With the archive of the log, if there is one, all of the log is there, whether it was cut or not. Without one it was not cut. */
static void check_archive(struct telling *telling, const struct test_vault *vault)
{
    char file[256];
    const char *const files[] = {file, NULL};
    sealring_error error = {.message = ""};
    sealring_audit_report report = {.size = sizeof report};
    sealring_audit_check check = {.size = sizeof check};
    snprintf(file, sizeof file, "%.200s/" ARCHIVE_NAME, vault->path);
    if (access(file, F_OK) == 0)
        check.archives = files;
    telling->aged = 0;
    sealring_status status = sealring_audit_verify(telling->manager, &check, tell_problem, telling, &report, &error);
    if ((status != SEALRING_OK && report.problems != telling->aged) || report.archived > 0)
        say(telling, "FAULT archive: %s\n", report.archived > 0 ? "entries are nowhere" : error.message);
}

static void start(struct telling *telling, const struct test_vault *vault)
{
    sealring_error error = {.message = ""};
    sealring_status status = sealring_manager_open(vault->path, NULL, &telling->manager, &error);
    if (status != SEALRING_OK) {
        say(telling, "FAULT start: %s\n", error.message);
        return;
    }
    status = manager_begin(telling->manager, "next start", true, &error);
    static const char rolled_back[] = "ALARM: the registry was rolled back";
    bool put_back = status == SEALRING_REFUSED && strncmp(error.message, rolled_back, sizeof rolled_back - 1) == 0;
    if (status == SEALRING_OK) {
        telling->manager->unsettled = true;
        manager_end(telling->manager);
        if (telling->manager->witness.remark[0] != '\0')
            say(telling, "FAULT start: %s\n", telling->manager->witness.remark);
        check_log(telling);
        check_archive(telling, vault);
    } else {
        say(telling, put_back ? "start: the registry was put back\n" : "FAULT start: %s\n", error.message);
    }
    check_registry(telling);
    status = manager_token(telling->manager, &error);
    if (status == SEALRING_OK)
        status = token_key_each(telling->manager->token, "", keep_object, &telling->objects, &error);
    if (status != SEALRING_OK)
        say(telling, "FAULT token: %s\n", error.message);
}

/* ---- Rows ---- */

/* What bears on anything, without times (only whether there is one), random numbers, and numbers of rows. */
static const struct {
    const char *name;
    const char *sql;
} tables[] = {
    {"vault", "SELECT epoch, CASE WHEN lower(hex(era)) = ?1 THEN 'first era' ELSE 'another era' END FROM vault"},
    {"ring", "SELECT name, prefix, overlap, purge_delay, keep, rotate_every, quiet_period, standby, idle_blocks,"
             " rotation_held, last_version FROM ring ORDER BY name"},
    {"version", "SELECT r.name, v.number, v.state, v.was_compromised, v.closing_owed, v.activated > 0, v.retire_at > 0,"
                " v.closed > 0, v.purge_at > 0, v.destroyed > 0 FROM version v JOIN ring r ON r.id = v.ring"
                " ORDER BY r.name, v.number"},
    {"client",
     "SELECT name, contact, forgotten > 0, hex(certificate), certificate_hash IS NULL FROM client ORDER BY name"},
    {"key", "SELECT r.name, c.name, k.label, k.state, k.narrowed, k.narrowed_scopes, k.last_serial FROM api_key k"
            " JOIN ring r ON r.id = k.ring JOIN client c ON c.id = k.client WHERE k.label NOT GLOB 'n[0-9]*'"
            " ORDER BY 1, 2, 3, k.id"},
    {"keys in bulk",
     "SELECT count(*), count(DISTINCT label), sum(last_serial) FROM api_key WHERE label GLOB 'n[0-9]*'"},
    {"credential", "SELECT r.name, c.name, k.label, d.serial, d.version, d.scopes, d.expires > 0, d.state, d.replaced,"
                   " d.retire_at > 0, d.imported FROM credential d JOIN api_key k ON k.id = d.api_key"
                   " JOIN ring r ON r.id = d.ring JOIN client c ON c.id = k.client WHERE k.label NOT GLOB 'n[0-9]*'"
                   " ORDER BY 1, 2, 3, k.id, 4"},
    {"credentials in bulk", "SELECT count(*), sum(serial), sum(version) FROM credential d JOIN api_key k"
                            " ON k.id = d.api_key WHERE k.label GLOB 'n[0-9]*'"},
    {"FAULT intention", "SELECT owner FROM intention"},
    {"forgotten verifier", "SELECT hole FROM verifier WHERE state = 7"},
    {"closed", "SELECT kind, version, state FROM closed_fact ORDER BY sequence"},
    /* a doctor whose record met trouble mends that, too, and says so; whoever finds a file of a token damaged restores it, and records that */
    {"act", "SELECT act, ring, version, client, (SELECT group_concat(key || CASE type WHEN 'array' THEN"
            " json_array_length(value) ELSE '' END, ' ') FROM json_each(detail))"
            " FROM audit a WHERE act NOT GLOB 'recover.*' AND act IS NOT 'token.restore' AND NOT (act = 'doctor.repair'"
            " AND (SELECT act FROM audit b WHERE b.sequence = a.sequence - 1) = 'doctor.repair') ORDER BY sequence"},
    {"FAULT foreign key", "SELECT * FROM pragma_foreign_key_check"},
};

static void tell_table(struct telling *telling, const char *name, const char *sql, const char *era)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(telling->database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_text(statement, 1, era, -1, SQLITE_STATIC);
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        say(telling, "%s", name);
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            say(telling, "%s%s", i == 0 ? ": " : "|", value != NULL ? value : "-");
        }
        say(telling, "\n");
        code = SQLITE_OK;
    }
    if (code != SQLITE_DONE)
        say(telling, "FAULT table %s: %s\n", name, sqlite3_errmsg(telling->database));
    sqlite3_finalize(statement);
}

/* ---- Rows and objects ---- */

/* How many objects have the row's ID; those that its label tells apart from a stranger's. */
static void tell_objects(struct telling *telling)
{
    sqlite3_stmt *statement = NULL;
    size_t known = 0;
    if (sqlite3_prepare_v2(telling->database,
                           "SELECT r.name, v.number, v.state, v.object_id, v.closing_owed FROM version v JOIN ring r"
                           " ON r.id = v.ring ORDER BY r.name, v.number",
                           -1, &statement, NULL) != SQLITE_OK)
        say(telling, "FAULT versions cannot be read\n");
    while (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
        char label[TOKEN_LABEL_MAX + 1];
        const char *ring = (const char *)sqlite3_column_text(statement, 0);
        uint32_t number = (uint32_t)sqlite3_column_int64(statement, 1);
        int state = sqlite3_column_int(statement, 2);
        bool owed = sqlite3_column_int(statement, 4) != 0;
        const struct token_key_info *found = NULL;
        size_t count = 0;
        recover_version_label(ring, number, label);
        for (size_t i = 0; i < telling->objects.count; i++) {
            const struct token_key_info *key = &telling->objects.keys[i];
            if (key->object_id_length == (size_t)sqlite3_column_bytes(statement, 3) &&
                memcmp(key->object_id, sqlite3_column_blob(statement, 3), key->object_id_length) == 0) {
                found = key;
                count++;
            }
        }
        known += count;
        bool destroyed = state == SEALRING_VERSION_DESTROYED;
        bool accepted = state <= SEALRING_VERSION_RETIRING;
        if (count > 1)
            say(telling, "FAULT %zu objects of version %s/%u\n", count, ring, number);
        else if (count == 0 && !destroyed)
            say(telling, "FAULT no object of version %s/%u\n", ring, number);
        else if (count == 1 && destroyed)
            say(telling, "%s object of destroyed version %s/%u\n", owed ? "OWED" : "FAULT", ring, number);
        else if (count == 1 && strcmp(found->label, label) != 0)
            say(telling, "FAULT the object of version %s/%u is labelled %s\n", ring, number, found->label);
        else if (count == 1 && found->sign != accepted)
            say(telling, "FAULT the object of version %s/%u signs: %d\n", ring, number, found->sign);
    }
    sqlite3_finalize(statement);
    if (known != telling->objects.count)
        say(telling, "FAULT %zu objects, %zu of them of versions\n", telling->objects.count, known);
}

/* A backup is whole or not there, and there if that was said. */
static void check_backup(struct telling *telling, const struct test_vault *vault, const struct told *told)
{
    char file[256];
    sealring_error error = {.message = ""};
    sqlite3_stmt *statement = NULL;
    snprintf(file, sizeof file, "%.200s/" BACKUP_NAME, vault->path);
    if (access(file, F_OK) != 0) {
        if (told != NULL && atomic_load(&told->backed_up) != 0)
            say(telling, "FAULT the backup is not there\n");
        return;
    }
    if (sqlite3_prepare_v2(telling->database, "SELECT vkey FROM audit_key ORDER BY id DESC LIMIT 1", -1, &statement,
                           NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW ||
        sealring_backup_check(file, (const char *)sqlite3_column_text(statement, 0), NULL, NULL, NULL, &error) !=
            SEALRING_OK)
        say(telling, "FAULT backup: %s\n", error.message);
    sqlite3_finalize(statement);
}

static void tell_rows(struct telling *telling, const struct scene *scene, const struct test_vault *vault,
                      const struct told *told)
{
    if (sqlite3_open_v2(vault->registry, &telling->database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        say(telling, "FAULT registry: %s\n", sqlite3_errmsg(telling->database));
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        tell_table(telling, tables[i].name, tables[i].sql, scene->era);
    tell_objects(telling);
    check_backup(telling, vault, told);
    sqlite3_close(telling->database);
}

/* ---- Verdicts ---- */

static sealring_vault *open_verifier(const struct test_vault *vault, sealring_error *error)
{
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1, .no_warming = 1};
    sealring_vault *opened = NULL;
    return sealring_open(vault->path, &options, &opened, error) == SEALRING_OK ? opened : NULL;
}

/* Whatever was handed over, to whoever has it by now, is good. */
static void check_handed(struct telling *telling, sealring_vault *verifier, const struct told *told)
{
    uint32_t handed = atomic_load(&told->handed);
    for (uint32_t i = 0; i < handed && i < HANDED_MAX; i++) {
        const char *text = told->texts[i];
        sealring_grant grant = {.size = sizeof grant};
        sealring_verdict verdict = sealring_verify(verifier, text, strlen(text), NULL, &grant);
        if (text[0] != '\0' && verdict != SEALRING_ACCEPTED)
            say(telling, "FAULT a credential was handed over that is %s: %s\n", sealring_verdict_name(verdict),
                grant.reason);
    }
}

static void tell_verdicts(struct telling *telling, const struct scene *scene, const struct test_vault *vault,
                          const struct told *told)
{
    static const char *const names[SCENE_TEXTS] = {[GROUND_RETIRED] = "retired", [GROUND_RETIRING] = "retiring",
                                                   [GROUND_ACTIVE] = "active",   [GROUND_ACTIVE_TOO] = "active too",
                                                   [GROUND_SECOND] = "second",   [GROUND_REVOKED] = "revoked",
                                                   [GROUND_FORGED] = "forged",   [SCENE_SLEEPY] = "sleepy",
                                                   [SCENE_LEGACY] = "legacy",    [SCENE_AUTO] = "auto"};
    sealring_error error = {.message = ""};
    sealring_vault *verifier = open_verifier(vault, &error);
    if (verifier == NULL)
        say(telling, "FAULT verifier: %s\n", error.message);
    for (size_t i = 0; verifier != NULL && i < SCENE_TEXTS; i++) {
        const char *text = scene->texts[i];
        sealring_verdict bare = sealring_verify(verifier, text, strlen(text), NULL, NULL);
        sealring_verdict scoped = sealring_verify(verifier, text, strlen(text), "read", NULL);
        say(telling, "%sverdict: %s|%s|%s\n", bare == SEALRING_UNAVAILABLE ? "FAULT " : "", names[i],
            sealring_verdict_name(bare), sealring_verdict_name(scoped));
    }
    if (verifier != NULL && told != NULL)
        check_handed(telling, verifier, told);
    sealring_close(&verifier);
}

void state_tell(const struct scene *scene, const struct test_vault *vault, const struct told *told,
                char text[STATE_SIZE])
{
    struct telling telling = {.text = text};
    text[0] = '\0';
    start(&telling, vault);
    tell_rows(&telling, scene, vault, told);
    tell_verdicts(&telling, scene, vault, told);
    sealring_manager_close(&telling.manager);
}

/* What is as it should not be, and is owed: an operator is told to say the command again. */
static bool is_owed(const char *line)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\n"), line);
    return strncmp(copy, "OWED", 4) == 0 || strstr(copy, "signs: 0") != NULL || strstr(copy, "|unavailable") != NULL;
}

const char *state_fault(const char *text, bool owed)
{
    static char line[256];
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n') {
        if ((strncmp(at, "FAULT", 5) == 0 || strncmp(at, "OWED", 4) == 0) && !(owed && is_owed(at))) {
            snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
            return line;
        }
    }
    return NULL;
}
