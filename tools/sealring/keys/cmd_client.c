/* SPDX-License-Identifier: Apache-2.0 */
/* sealring client: who API keys are issued to. */

#include <stdio.h>
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/delivery/certificate_file.h"
#include "tools/sealring/notices/notices_view.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/listing.h"

static const struct table_column columns[] = {
    {"CLIENT", 0}, {"API KEYS", 1}, {"CONTACT", 0}, {"CREATED", 0}, {NULL, 0}};

static const char *contact_of(const sealring_client_info *client)
{
    return strcmp(client->contact_state, "altered") == 0 ? "(altered: see sealring audit verify)" : client->contact;
}

static int list_client(const sealring_client_info *client, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    bool forgotten = client->forgotten != 0;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, jsontext_client(client));
    table_add(table, forgotten ? TONE_DIM : TONE_BOLD, "%s", client->name);
    table_add_number(table, client->keys);
    table_add(table, forgotten ? TONE_DIM : TONE_PLAIN, "%s", forgotten ? "(forgotten)" : contact_of(client));
    table_add_time(table, client->created, "");
    return 0;
}

static int run_list(struct session *session)
{
    struct shown_rows listing;
    listing_start(&listing, session, columns);
    sealring_status status = sealring_client_list(session->manager, NULL, list_client, &listing, &session->error);
    return listing_finish(&listing, status, NULL, "clients",
                          "no clients yet: sealring client add NAME --contact you@example.org");
}

static void show_certificate(const struct style *style, const sealring_certificate_info *certificate, int64_t now)
{
    if (strcmp(certificate->state, "confirmed") != 0) {
        table_fact(style, "certificate", "%s",
                   strcmp(certificate->state, "none") == 0 ? "-" : "(altered: see sealring audit verify)");
        return;
    }
    table_fact(style, "certificate", "%s, %s", certificate->subject, certificate->key);
    table_fact(style, "its SHA-256", "%s", certificate->sha256);
    table_fact(style, "it expires", "%s", moment_format(certificate->not_after, now).text);
}

struct shown_client {
    struct shown_rows *rows;
    sealring_certificate_info certificate;
    sealring_notices_info notices;
};

static int show_client(const sealring_client_info *client, void *context)
{
    const struct shown_client *shown = context;
    struct shown_rows *listing = shown->rows;
    const struct style *style = &listing->session->out;
    if (listing->session->json) {
        listing->object = jsontext_client(client);
        json_object_set_new(listing->object, "certificate", jsontext_certificate(&shown->certificate));
        json_object_set_new(listing->object, "notices", notices_settings_json(&shown->notices));
        return 0;
    }
    table_fact(style, "client", BOLD "%s" PLAIN, client->name);
    table_fact(style, "contact", "%s%s", contact_of(client)[0] != '\0' ? contact_of(client) : "-",
               strcmp(client->contact_state, "unconfirmed") == 0 ? " (not confirmed: set it again)" : "");
    show_certificate(style, &shown->certificate, listing->session->now);
    notices_show_settings(style, &shown->notices);
    table_fact(style, "API keys", "%s", moment_number(client->keys).text);
    table_fact(style, "created", "%s", moment_format(client->created, listing->session->now).text);
    if (client->forgotten != 0)
        table_fact(style, "forgotten", "%s; gets no new API keys",
                   moment_format(client->forgotten, listing->session->now).text);
    return 0;
}

static sealring_status show(struct shown_rows *rows, const char *name)
{
    struct session *session = rows->session;
    struct shown_client shown = {
        .rows = rows, .certificate = {.size = sizeof shown.certificate}, .notices = {.size = sizeof shown.notices}};
    sealring_status status = sealring_client_certificate(session->manager, name, &shown.certificate, &session->error);
    if (status == SEALRING_OK)
        status = sealring_client_notices(session->manager, name, &shown.notices, &session->error);
    return status == SEALRING_OK ? sealring_client_list(session->manager, name, show_client, &shown, &session->error)
                                 : status;
}

static int run_show(struct session *session)
{
    const char *name = session->options.arguments[0];
    struct shown_rows keys;
    sealring_key_filter filter = {.client = name};
    listing_start(&keys, session, listing_key_columns);
    sealring_status status = show(&keys, name);
    if (status == SEALRING_OK)
        status = sealring_key_list(session->manager, &filter, listing_key, &keys, &session->error);
    return listing_finish(&keys, status, "client", "key_list", NULL);
}

/* Prints the client as it is now, or in a sentence what was done. */
static int finish(struct session *session, sealring_status status, const char *done, const char *would)
{
    struct shown_rows listing = {.session = session};
    const char *name = session->options.arguments[0];
    if (status == SEALRING_OK && session->json && !session->dry_run)
        status = show(&listing, name);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        jsontext_print_as("client", listing.object != NULL ? listing.object
                                                           : json_pack("{s:s, s:b}", "name", name, "dry_run", 1));
    else
        terminal_print(&session->out, "client %s %s\n", name, session->dry_run ? would : done);
    return STATUS_DONE;
}

static int run_add(struct session *session)
{
    struct certificate_file certificate;
    int result = certificate_file_read(session, "certificate", &certificate);
    if (result != STATUS_DONE)
        return result;
    sealring_notice_settings settings;
    bool notices = notices_options(session, &settings);
    sealring_status status = sealring_client_add_notified(
        session->manager, session->options.arguments[0], option_text(&session->options, "contact"), certificate.data,
        certificate.length, notices ? &settings : NULL, &session->error);
    return finish(session, status, "was added", "would be added");
}

static int check_set(struct session *session)
{
    sealring_notice_settings settings;
    if (option_given(&session->options, "contact") || option_given(&session->options, "certificate") ||
        notices_options(session, &settings))
        return STATUS_DONE;
    return session_refuse(session, STATUS_USAGE,
                          "client set wants --contact, --certificate, --notify, --webhook, --quiet or --digest");
}

/* "contact, certificate and notices", of those that were given. */
static void name_values(char text[64], bool contact, bool certificate, bool notices)
{
    const char *const names[] = {contact ? "contact" : NULL, certificate ? "certificate" : NULL,
                                 notices ? "settings for notices" : NULL};
    int left = contact + certificate + notices;
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] != NULL)
            length += (size_t)snprintf(text + length, 64 - length, "%s%s", names[i],
                                       --left > 1  ? ", "
                                       : left == 1 ? " and "
                                                   : "");
}

static int run_set(struct session *session)
{
    struct certificate_file certificate;
    sealring_notice_settings settings;
    char names[64], done[96], would[96];
    const char *contact = option_text(&session->options, "contact");
    bool notices = notices_options(session, &settings);
    int result = certificate_file_read(session, "certificate", &certificate);
    if (result != STATUS_DONE)
        return result;
    name_values(names, contact != NULL, certificate.data != NULL, notices);
    snprintf(done, sizeof done, "has its new %s", names);
    snprintf(would, sizeof would, "would get its new %s", names);
    sealring_status status =
        sealring_client_set_notified(session->manager, session->options.arguments[0], contact, certificate.data,
                                     certificate.length, notices ? &settings : NULL, &session->error);
    return finish(session, status, done, would);
}

static int run_forget(struct session *session)
{
    sealring_status status = sealring_client_forget(session->manager, session->options.arguments[0], &session->error);
    return finish(
        session, status,
        "is forgotten: contact, certificate and settings for notices are erased, its name stays in the claims of its credentials",
        "would be forgotten: contact, certificate and settings for notices erased, its name kept in the claims of its credentials");
}

#define CLIENT_ARGUMENT "NAME", "the client's name", ARGUMENT_TEXT, 0
#define CONTACT_OPTION \
    "contact", "TEXT", "the recipient of notices, such as an address; an empty text for none", OPTION_TEXT
#define CERTIFICATE_OPTION                                                                                           \
    "certificate", "FILE", "the X.509 certificate to encrypt its credentials to (--sealed); an empty text for none", \
        OPTION_TEXT

const struct command command_client_add = {
    .words = "client add",
    .purpose = "add a client",
    .arguments = {{CLIENT_ARGUMENT}},
    .options = {{CONTACT_OPTION}, {CERTIFICATE_OPTION}, NOTICES_OPTIONS},
    .run = run_add,
    .flags = COMMAND_CHANGES,
};

const struct command command_client_list = {
    .words = "client list",
    .purpose = "list the clients",
    .run = run_list,
};

const struct command command_client_show = {
    .words = "client show",
    .purpose = "show a client and its API keys",
    .arguments = {{CLIENT_ARGUMENT}},
    .run = run_show,
};

const struct command command_client_set = {
    .words = "client set",
    .purpose = "change a client's contact, certificate or settings for notices",
    .arguments = {{CLIENT_ARGUMENT}},
    .options = {{CONTACT_OPTION}, {CERTIFICATE_OPTION}, NOTICES_OPTIONS},
    .check = check_set,
    .run = run_set,
    .flags = COMMAND_CHANGES,
};

const struct command command_client_forget = {
    .words = "client forget",
    .purpose = "erase a client's contact, certificate and settings for notices",
    .arguments = {{CLIENT_ARGUMENT}},
    .notes = "Refused while the client has API keys that are not revoked. The name stays, because the claims of its "
             "credentials contain it. A forgotten client gets no new API keys.",
    .run = run_forget,
    .flags = COMMAND_CHANGES,
};
