/* SPDX-License-Identifier: Apache-2.0 */
/* Where issued credentials go, and what is reported when they do not get there. */
#include "tools/sealring/delivery/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <csv.h>

#include "tools/sealring/delivery/certificate_file.h"
#include "tools/sealring/delivery/claim_page.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/signals.h"

static const char csv_header[] = "client,label,key_id,version,serial,expires,scopes,%s,state\n";

static unsigned file_flags(enum delivery_kind kind)
{
    return kind == DELIVERY_SINGLE ? 0 : HANDOVER_REPLACE;
}

static bool make_directory(const char *path, char problem[HANDOVER_PROBLEM_SIZE])
{
    struct stat found;
    if (mkdir(path, S_IRWXU) == 0)
        return true;
    if (errno == EEXIST && stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        return true;
    snprintf(problem, HANDOVER_PROBLEM_SIZE, "%s cannot be made a directory: %s", path, strerror(errno));
    return false;
}

/* Not before there is something to deliver: a refusal leaves standard output empty. */
static void write_header(struct delivery *delivery)
{
    if (delivery->kind == DELIVERY_LIST && !delivery->session->json && !delivery->begun)
        fprintf(delivery->out != NULL ? delivery->file.stream : stdout, csv_header,
                delivery->claimed ? "claim" : "credential");
    delivery->begun = true;
}

static bool is_one(const struct delivery *delivery)
{
    return delivery->kind == DELIVERY_SINGLE || delivery->kind == DELIVERY_OWN_FILE;
}

static bool in_directory(const struct delivery *delivery)
{
    return delivery->kind == DELIVERY_DIRECTORY || delivery->kind == DELIVERY_OWN_FILE;
}

static bool names_directory(const char *path)
{
    struct stat found;
    size_t length = strlen(path);
    return (length > 0 && path[length - 1] == '/') || (stat(path, &found) == 0 && S_ISDIR(found.st_mode));
}

/* Import has nothing to encrypt, or to write to files of its own. */
static bool issues(const struct session *session)
{
    return command_find_option(session->command, "sealed", strlen("sealed")) != NULL;
}

/* Asks the library to encrypt, if an option does. */
static int seal(struct delivery *delivery)
{
    struct session *session = delivery->session;
    struct certificate_file certificate = {.data = NULL};
    bool to_client = option_given(&session->options, "sealed");
    bool to_file = option_given(&session->options, "recipient");
    if (to_client && to_file)
        return session_refuse(session, STATUS_USAGE,
                              "--sealed encrypts to each client's certificate, --recipient to "
                              "another: give one of them");
    int result = claim_page_ask(session, &delivery->claimed);
    if (result == STATUS_DONE)
        result = certificate_file_read(session, "recipient", &certificate);
    if (result != STATUS_DONE || (!to_client && !to_file))
        return result;
    delivery->sealed = true;
    if (to_file && certificate.length == 0)
        return session_refuse(session, STATUS_USAGE, "--recipient wants a file");
    sealring_status status =
        sealring_seal_credentials(session->manager, certificate.data, certificate.length, &session->error);
    return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
}

/* A credential alone in plain text is written to a file whose name the caller has chosen. */
static int choose_kind(struct delivery *delivery)
{
    struct session *session = delivery->session;
    bool directory = delivery->out != NULL && names_directory(delivery->out) && issues(session);
    if (delivery->kind == DELIVERY_LIST && directory)
        delivery->kind = DELIVERY_DIRECTORY;
    else if (delivery->kind == DELIVERY_SINGLE && directory && (delivery->sealed || delivery->claimed))
        delivery->kind = DELIVERY_OWN_FILE;
    if (delivery->kind == DELIVERY_LIST && delivery->sealed && !session->json)
        return session_refuse(session, STATUS_USAGE,
                              "several encrypted credentials need a directory, for one file each: --out DIR/");
    return STATUS_DONE;
}

int delivery_start(struct delivery *delivery, struct session *session, enum delivery_kind kind)
{
    const char *out = option_text(&session->options, "out");
    *delivery = (struct delivery){.session = session, .kind = kind, .out = out};
    bool good = true;
    int result =
        command_find_option(session->command, "sealed", strlen("sealed")) != NULL ? seal(delivery) : STATUS_DONE;
    if (result == STATUS_DONE)
        result = choose_kind(delivery);
    if (result != STATUS_DONE)
        return result;
    kind = delivery->kind;
    if (out != NULL && !in_directory(delivery)) {
        good = session->dry_run ? handover_check(out, file_flags(kind), delivery->problem)
                                : handover_open(&delivery->file, out, file_flags(kind), delivery->problem);
    } else if (out != NULL && !session->dry_run) {
        good = make_directory(out, delivery->problem);
    }
    if (!good)
        return session_refuse(session, STATUS_REFUSED, "%s", delivery->problem);
    if (!session->dry_run && (kind != DELIVERY_SINGLE || out != NULL))
        signals_watch();
    progress_start(&delivery->progress, &session->err, "handing over", out == NULL && session->out.terminal);
    return STATUS_DONE;
}

const char *delivery_place(const struct delivery *delivery)
{
    return in_directory(delivery) ? delivery->path : delivery->out;
}

static void write_field(FILE *stream, const char *text)
{
    if (strpbrk(text, ",\"\r\n") != NULL)
        csv_fwrite(stream, text, strlen(text));
    else
        fputs(text, stream);
}

static void write_csv(FILE *stream, const sealring_issued *issued)
{
    char expires[SEALRING_TIME_SIZE] = "";
    if (issued->expires != 0)
        sealring_time_format(issued->expires, expires);
    write_field(stream, issued->client);
    fputc(',', stream);
    write_field(stream, issued->label);
    fprintf(stream, ",%s,%" PRIu32 ",%" PRIu32 ",%s,", issued->key_id, issued->version, issued->serial, expires);
    write_field(stream, issued->scopes);
    const char *text = issued->claim != NULL ? issued->claim : issued->credential;
    bool imported = text == NULL;
    fprintf(stream, ",%s,%s\n", imported ? "" : text, issued->existed ? "existed" : (imported ? "imported" : "issued"));
}

/* A file with the name of an encrypted credential contains nothing else. */
static void write_issued(const struct delivery *delivery, FILE *stream, const sealring_issued *issued)
{
    if (issued->sealed != NULL && (!delivery->session->json || in_directory(delivery)))
        fputs(issued->sealed, stream);
    else if (delivery->session->json)
        jsontext_print_issued(stream, issued);
    else if (delivery->kind == DELIVERY_LIST)
        write_csv(stream, issued);
    else
        fprintf(stream, "%s\n", issued->claim != NULL ? issued->claim : issued->credential);
}

static bool write_own_file(struct delivery *delivery, const sealring_issued *issued)
{
    struct handover file;
    size_t length = strlen(delivery->out);
    bool slash = length > 0 && delivery->out[length - 1] == '/';
    int path = snprintf(delivery->path, sizeof delivery->path, "%s%s%s.%s.%s%s", delivery->out, slash ? "" : "/",
                        issued->client, issued->label, issued->key_id,
                        issued->sealed != NULL  ? ".cms"
                        : issued->claim != NULL ? ".claim"
                                                : "");
    if (path < 0 || (size_t)path >= sizeof delivery->path) {
        snprintf(delivery->problem, sizeof delivery->problem, "the name of the directory is too long");
        return false;
    }
    bool good = handover_open(&file, delivery->path, HANDOVER_REPLACE | HANDOVER_QUICK, delivery->problem);
    if (good) {
        write_issued(delivery, file.stream, issued);
        good = handover_commit(&file, delivery->problem);
    }
    return good;
}

int delivery_take(const sealring_issued *issued, void *context)
{
    struct delivery *delivery = context;
    if (delivery->failed || (!is_one(delivery) && signals_caught() != 0))
        return 1;
    snprintf(delivery->key_id, sizeof delivery->key_id, "%s", issued->key_id);
    snprintf(delivery->client, sizeof delivery->client, "%s", issued->client);
    delivery->version = issued->version;
    delivery->last_existed = issued->existed;
    if (in_directory(delivery)) {
        delivery->failed = !write_own_file(delivery, issued);
    } else {
        write_header(delivery);
        FILE *stream = delivery->out != NULL ? delivery->file.stream : stdout;
        write_issued(delivery, stream, issued);
        if (ferror(stream) != 0 || (delivery->kind == DELIVERY_SINGLE && fflush(stream) != 0)) {
            delivery->failed = true;
            snprintf(delivery->problem, sizeof delivery->problem, "%s could not be written: %s",
                     delivery->out != NULL ? delivery->out : "standard output", strerror(errno));
        }
    }
    if (delivery->failed)
        return !is_one(delivery);
    *(issued->existed ? &delivery->existed : &delivery->issued) += 1;
    delivery->progress.total = delivery->total;
    if (!is_one(delivery))
        progress_step(&delivery->progress);
    return 0;
}

static const char *how_to_complete(const struct delivery *delivery)
{
    return is_one(delivery) ? "" : "; running the same command again completes it";
}

static void finish_files(struct delivery *delivery)
{
    bool good = true;
    write_header(delivery);
    if (delivery->out != NULL && in_directory(delivery))
        good = handover_settle(delivery->out, delivery->problem);
    else if (delivery->out != NULL)
        good = handover_commit(&delivery->file, delivery->problem);
    if (!good)
        delivery->failed = true;
}

int delivery_end(struct delivery *delivery, sealring_status status)
{
    struct session *session = delivery->session;
    progress_finish(&delivery->progress);
    if (session->dry_run)
        return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
    bool keep = delivery->keep_partial && (status == SEALRING_REFUSED || status == SEALRING_TOKEN) &&
                signals_caught() == 0 && delivery->issued + delivery->existed > 0;
    if ((status == SEALRING_OK || keep) && !delivery->failed)
        finish_files(delivery);
    if (status == SEALRING_OK && !delivery->failed)
        return STATUS_DONE;
    handover_abandon(&delivery->file);
    if (delivery->failed && is_one(delivery))
        return session_refuse(session, STATUS_REFUSED,
                              "%s; API key %s was issued: get its credential with `sealring reissue %s%s`",
                              delivery->problem, delivery->key_id, delivery->key_id,
                              delivery->sealed    ? " --sealed"
                              : delivery->claimed ? " --claim"
                                                  : "");
    if (delivery->failed)
        return session_refuse(session, STATUS_REFUSED, "%s%s", delivery->problem, how_to_complete(delivery));
    if (signals_caught() != 0) {
        session_refuse(session, STATUS_REFUSED, "interrupted%s%s",
                       delivery->out != NULL ? ", no file was left half" : "", how_to_complete(delivery));
        return 128 + signals_caught();
    }
    return session_fail(session, status);
}
