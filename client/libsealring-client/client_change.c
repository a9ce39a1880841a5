/* SPDX-License-Identifier: Apache-2.0 */
/* Which credential is in use: changes of the source, and answers of the service. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "client/libsealring-client/client_answer.h"
#include "client/libsealring-client/client_parts.h"

void client_report(const sealring_client *client, sealring_client_event event, const char *format, ...)
{
    sealring_error message;
    va_list arguments;
    if (client->settings.callback == NULL)
        return;
    va_start(arguments, format);
    (void)error_set_list(&message, SEALRING_OK, format, arguments);
    va_end(arguments);
    client->settings.callback(event, message.message, client->settings.context);
}

const char *client_fallback(const sealring_client *client)
{
    const char *newest = atomic_load(&client->newest), *previous = atomic_load(&client->previous);
    bool refused = newest == atomic_load(&client->refused_newest);
    return refused && previous != NULL && previous != atomic_load(&client->refused_previous) ? previous : newest;
}

/* sealring_client_response runs at any time. It changes `current` only from the text that it was given, so whatever it read before, it
 * never replaces the text that is stored here last. */
void client_adopt(sealring_client *client, const char *text)
{
    const char *before = client_fallback(client);
    if (text == atomic_load(&client->newest))
        return;
    atomic_store(&client->refused_newest, NULL);
    atomic_store(&client->refused_previous, NULL);
    atomic_store(&client->due, false);
    atomic_store(&client->previous, before == text ? NULL : before);
    atomic_store(&client->newest, text);
    atomic_store(&client->current, text);
    client_report(client, SEALRING_CLIENT_EVENT_CHANGED, "the credential has changed");
}

static void report_unreadable(const sealring_client *client, struct client_worker *worker, const sealring_error *error)
{
    if (!worker->unreadable)
        client_report(client, SEALRING_CLIENT_EVENT_TROUBLE, "%s; the one that was read before stays in use",
                      error->message);
    worker->unreadable = true;
}

/* A file that is being written, or was removed for a moment, changes nothing. */
void client_look(sealring_client *client, struct client_worker *worker)
{
    char text[SEALRING_CLIENT_TEXT_MAX + 1];
    struct client_mark mark;
    sealring_error error;
    if (client->settings.file == NULL ||
        (client_mark_take(client->settings.file, &mark) && client_mark_equal(&mark, &worker->mark)))
        return;
    if (client_file_read(client->settings.file, text, &mark, &error) != SEALRING_OK) {
        report_unreadable(client, worker, &error);
        return;
    }
    const char *kept = client_texts_keep(&client->texts, text);
    secret_wipe(text, sizeof text);
    if (kept == NULL)
        return;
    worker->unreadable = false;
    worker->mark = mark;
    client_adopt(client, kept);
}

/* ---- Answers of the service ---- */

/* The other one is used until the server for renewals was asked which of them is valid. If both were refused, the newest is. */
static void fall_back(sealring_client *client, const char *credential)
{
    const char *newest = atomic_load(&client->newest), *previous = atomic_load(&client->previous);
    const char *other = credential == newest ? previous : newest;
    atomic_store(credential == newest ? &client->refused_newest : &client->refused_previous, credential);
    if (other == NULL || (other == previous && other == atomic_load(&client->refused_previous)))
        return;
    if (atomic_compare_exchange_strong(&client->current, &credential, other))
        client_report(client, SEALRING_CLIENT_EVENT_TROUBLE,
                      "the service refused the %s credential: the %s one is used", other == previous ? "new" : "former",
                      other == previous ? "former" : "new");
}

void sealring_client_response(sealring_client *client, const char *credential, int status, const char *sunset)
{
    int64_t until = 0;
    if (credential != atomic_load(&client->current))
        return;
    if (status == 401)
        fall_back(client, credential);
    else if (client_date_parse(sunset, &until) && credential == atomic_load(&client->newest)) {
        if (atomic_exchange(&client->sunset, until) == until && atomic_load(&client->due))
            return; /* as in each answer until the renewal */
        atomic_store(&client->due, true);
    } else
        return;
    struct client_worker *worker = atomic_load(&client->worker);
    if (worker != NULL && worker->forks == atomic_load(&client_forks))
        client_worker_wake(worker);
}
