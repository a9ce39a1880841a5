/* SPDX-License-Identifier: Apache-2.0 */
/* sealring audit: the record of every management act, shown, verified, exported. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/backup.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/archives.h"
#include "tools/sealring/views/listing.h"
#include "tools/sealring/vault/ocsf.h"

#define CHECKPOINT_MOST ((size_t)SEALRING_AUDIT_NOTE_SIZE * 32) /* bytes of a file */

static const struct table_column columns[] = {{"ENTRY", 1}, {"TIME", 0}, {"WHO", 0}, {"ACT", 0},
                                              {"ON", 0},    {"WHY", 0},  {NULL, 0}};

/* ---- show */

/* Ring, version, key and client in one cell. */
static void add_object(struct table *table, const sealring_audit_entry *entry)
{
    char version[16] = "";
    if (entry->version != 0)
        snprintf(version, sizeof version, " %" PRIu32, entry->version);
    const char *gap = entry->ring != NULL && (entry->key_id != NULL || entry->client != NULL) ? " " : "";
    const char *second = entry->key_id != NULL && entry->client != NULL ? " " : "";
    table_add(table, TONE_PLAIN, "%s%s%s%s%s%s", entry->ring != NULL ? entry->ring : "", version, gap,
              entry->key_id != NULL ? entry->key_id : "", second, entry->client != NULL ? entry->client : "");
}

/* The act and why: a refused one has its name, and why it was, in the detail. */
static void add_act(struct table *table, const sealring_audit_entry *entry)
{
    json_t *detail = entry->detail != NULL ? json_loads(entry->detail, 0, NULL) : NULL;
    const char *refused = json_string_value(json_object_get(detail, "act"));
    const char *reason = json_string_value(json_object_get(detail, refused != NULL ? "why" : "reason"));
    table_add(table, refused != NULL ? TONE_BAD : TONE_BOLD, "%s%s%s", entry->act, refused != NULL ? ": " : "",
              refused != NULL ? refused : "");
    add_object(table, entry);
    table_add(table, TONE_PLAIN, "%s", reason != NULL ? reason : "");
    json_decref(detail);
}

static json_t *entry_json(const sealring_audit_entry *entry)
{
    json_t *detail = entry->detail != NULL ? json_loads(entry->detail, 0, NULL) : NULL;
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:s, s:s, s:o*}", "entry",
                     (json_int_t)entry->sequence, "time", jsontext_time(entry->time), "actor",
                     jsontext_text(entry->actor), "act", jsontext_text(entry->act), "ring", jsontext_text(entry->ring),
                     "version", (json_int_t)entry->version, "key_id", jsontext_text(entry->key_id), "client",
                     jsontext_text(entry->client), "detail", detail != NULL ? detail : json_null(), "operation_id",
                     entry->operation_id, "leaf_hash", entry->leaf_hash, "raw", jsontext_raw(entry));
}

static int show_entry(const sealring_audit_entry *entry, void *context)
{
    struct shown_rows *listing = context;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, entry_json(entry));
    table_add(&listing->table, TONE_DIM, "%" PRIu64, entry->sequence);
    table_add(&listing->table, TONE_PLAIN, "%s", moment_absolute(entry->time).text);
    table_add(&listing->table, TONE_PLAIN, "%s", entry->actor != NULL ? entry->actor : "");
    add_act(&listing->table, entry);
    return 0;
}

static sealring_audit_filter read_filter(const struct options *given)
{
    return (sealring_audit_filter){
        .size = sizeof(sealring_audit_filter),
        .ring = option_text(given, "ring"),
        .key_id = option_text(given, "key"),
        .client = option_text(given, "client"),
        .act = option_text(given, "act"),
        .since = option_number(given, "since"),
        .last = (uint64_t)option_number(given, "last"),
    };
}

static int run_show(struct session *session)
{
    struct shown_rows listing;
    sealring_audit_filter filter = read_filter(&session->options);
    listing_start(&listing, session, columns);
    sealring_status status = sealring_audit_list(session->manager, &filter, show_entry, &listing, &session->error);
    if (status == SEALRING_OK)
        archives_tell(session, &(struct archives_wanted){.since = filter.since});
    return listing_finish(&listing, status, NULL, "entries", "no entry matches");
}

/* ---- verify */

struct problems {
    const struct session *session;
    json_t *array;
};

static int tell_problem(uint64_t entry, const char *text, void *context)
{
    struct problems *problems = context;
    if (problems->session->json)
        return json_array_append_new(
            problems->array, json_pack("{s:I, s:o}", "entry", (json_int_t)entry, "problem", jsontext_text(text)));
    terminal_print(&problems->session->out, BAD "%s" PLAIN "\n", text);
    return 0;
}

/* A whole file, ending in NUL; NULL after the error was printed. */
static char *read_file(struct session *session, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        session_refuse(session, STATUS_USAGE, "the checkpoint %s cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    char *text = memory_grow(NULL, CHECKPOINT_MOST + 1, 1);
    size_t length = fread(text, 1, CHECKPOINT_MOST, file);
    text[length] = '\0';
    bool good = ferror(file) == 0 && strlen(text) == length;
    if (file != stdin)
        fclose(file);
    if (good)
        return text;
    session_refuse(session, STATUS_USAGE, "the checkpoint %s cannot be read, or is no text", path);
    free(text);
    return NULL;
}

/* All that the verification has to add, for people and for programs. */
static void note_report(struct session *session, const sealring_audit_report *report)
{
    if (report->remark[0] != '\0')
        session_warn(session, "%s", report->remark);
    if (report->archived > 0) {
        archives_tell(session, &(struct archives_wanted){.last = report->archived});
        session_warn(
            session,
            "API keys that archived entries issued were compared only with later entries and with the facts: give "
            "each archive with --archive");
    }
    if (report->problems == 0 && report->key[0] != '\0' && report->vouched < report->entries)
        session_warn(session, "no checkpoint covers the entries after %" PRIu64 " yet", report->vouched);
}

static void print_report(struct session *session, const sealring_audit_report *report)
{
    const struct style *style = &session->out;
    table_fact(style, "entries", "%s", moment_number(report->entries).text);
    if (report->archived > 0)
        table_fact(style, "not examined", "1 to %" PRIu64 ", archived", report->archived);
    table_fact(style, "checkpoints", "%s, the latest after entry %" PRIu64, moment_number(report->checkpoints).text,
               report->vouched);
    table_fact(style, "closed facts", "%s", moment_number(report->closed).text);
    table_fact(style, "root", "%s", report->root);
    table_fact(style, "key", "%s", report->key[0] != '\0' ? report->key : "-");
    if (report->problems == 0)
        table_fact(style, "result", GOOD "everything agrees" PLAIN);
}

static int finish_verify(struct session *session, sealring_status status, const sealring_audit_report *report,
                         json_t *array)
{
    if (status != SEALRING_OK && status != SEALRING_REFUSED) {
        json_decref(array);
        return session_fail(session, status);
    }
    if (session->json) {
        note_report(session, report);
        jsontext_print_as("audit",
                          json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:o}", "good", status == SEALRING_OK,
                                    "entries", (json_int_t)report->entries, "archived", (json_int_t)report->archived,
                                    "checkpoints", (json_int_t)report->checkpoints, "vouched",
                                    (json_int_t)report->vouched, "closed", (json_int_t)report->closed, "root",
                                    report->root, "key", report->key, "remark", report->remark, "problems", array));
        return status == SEALRING_OK ? STATUS_DONE : STATUS_REFUSED;
    }
    json_decref(array);
    print_report(session, report);
    note_report(session, report);
    return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
}

static int run_verify(struct session *session)
{
    const char *path = option_text(&session->options, "checkpoint");
    char *checkpoint = path != NULL ? read_file(session, path) : NULL;
    if (path != NULL && checkpoint == NULL)
        return STATUS_USAGE;
    const char **archives = option_list(&session->options, "archive");
    int result = session_open(session);
    if (result == STATUS_DONE) {
        struct problems problems = {.session = session, .array = json_array()};
        sealring_audit_report report = {.size = sizeof report};
        sealring_audit_check check = {.size = sizeof check,
                                      .key = option_text(&session->options, "key"),
                                      .checkpoint = checkpoint,
                                      .archives = archives[0] != NULL ? archives : NULL};
        sealring_status status =
            sealring_audit_verify(session->manager, &check, tell_problem, &problems, &report, &session->error);
        result = finish_verify(session, status, &report, problems.array);
    }
    free(archives);
    free(checkpoint);
    return result;
}

/* ---- export, key, checkpoint */

static int run_export(struct session *session)
{
    sealring_vault_info vault = {.size = sizeof vault};
    sealring_audit_filter filter = {
        .size = sizeof filter,
        .first = (uint64_t)option_number(&session->options, "since"),
        .proofs = option_given(&session->options, "proof"),
    };
    char note[SEALRING_AUDIT_NOTE_SIZE] = "";
    sealring_status status = sealring_vault_describe(session->manager, &vault, &session->error);
    /* first: what it vouches for is among the entries then */
    if (status == SEALRING_OK)
        status = sealring_audit_checkpoint(session->manager, note, &session->error);
    if (status == SEALRING_OK || status == SEALRING_NOT_FOUND)
        status = sealring_audit_list(session->manager, &filter, ocsf_print, &vault, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    archives_tell(session, &(struct archives_wanted){.first = filter.first});
    if (note[0] != '\0' && ocsf_print_checkpoint(&vault, note) != 0)
        return session_refuse(session, STATUS_REFUSED, "the checkpoint cannot be printed");
    return STATUS_DONE;
}

/* What the library returned: line by line, so that a good note comes out as it is. */
static int print_text(struct session *session, sealring_status status, const char *name, char *text)
{
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        jsontext_print_as(name, jsontext_text(text));
    while (!session->json && text != NULL && *text != '\0')
        terminal_print(&session->out, "%s\n", strsep(&text, "\n"));
    return STATUS_DONE;
}

static int run_key(struct session *session)
{
    char key[SEALRING_AUDIT_KEYS_SIZE];
    if (option_given(&session->options, "all"))
        return print_text(session, sealring_audit_keys(session->manager, key, &session->error), "keys", key);
    return print_text(session, sealring_audit_key(session->manager, key, &session->error), "key", key);
}

static int run_checkpoint(struct session *session)
{
    char note[SEALRING_AUDIT_NOTE_SIZE];
    return print_text(session, sealring_audit_checkpoint(session->manager, note, &session->error), "checkpoint", note);
}

const struct command command_audit_show = {
    .words = "audit show",
    .purpose = "show who did what, when and why",
    .options = {{"ring", "RING", "only acts on this ring", OPTION_TEXT},
                {"key", "KEYID", "only acts on this API key", OPTION_TEXT},
                {"client", "NAME", "only acts on this client", OPTION_TEXT},
                {"act", "ACT", "only this act, such as version.retire, or all of a kind, such as version", OPTION_TEXT},
                {"since", "TIME", "only entries of this time and later", OPTION_MOMENT},
                {"last", "N", "only the newest N entries", OPTION_NUMBER}},
    .run = run_show,
};

const struct command command_audit_verify = {
    .words = "audit verify",
    .purpose = "verify every entry, the tree over them and the checkpoints",
    .options =
        {{"checkpoint", "FILE",
          "a checkpoint that you kept elsewhere; the log must begin with its entries; - for standard input",
          OPTION_TEXT},
         {"key", "VKEY",
          "the verifier key that `sealring audit key` printed; default: audit-key of sealring.conf, else the registry's",
          OPTION_TEXT},
         {"archive", "FILE", "an archive that `sealring audit archive` wrote; may be repeated", OPTION_LIST}},
    .notes = "Needs no token, only the public key. Exit status 1 if something is wrong; each problem is one line that "
             "names the entry.",
    .examples = {"sealring audit verify --key \"$(cat kept/vkey)\" --checkpoint kept/checkpoint"},
    .run = run_verify,
    .flags = COMMAND_OPENS_ITSELF,
};

const struct command command_audit_export = {
    .words = "audit export",
    .purpose = "print the entries as lines of JSON",
    .options = {{"since", "N", "begin with entry N", OPTION_NUMBER},
                {"proof", NULL, "add to each entry its inclusion proof in the latest checkpoint's tree", OPTION_FLAG}},
    .notes =
        "Each line is an event of OCSF 1.8, class 3004 (Entity Management); the last one, of no class, is the latest "
        "checkpoint. `sealring restore --log` replays these entries.",
    .run = run_export,
};

const struct command command_audit_key = {
    .words = "audit key",
    .purpose = "print the key that verifies checkpoints; keep it elsewhere",
    .options = {{"all", NULL, "also the keys before it, each with the entries and facts that it covers", OPTION_FLAG}},
    .run = run_key,
};

const struct command command_audit_checkpoint = {
    .words = "audit checkpoint",
    .purpose = "print the latest checkpoint; keep it elsewhere",
    .run = run_checkpoint,
};
