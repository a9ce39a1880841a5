/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls: opening a source, the credential to send now, forks, status, closing. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/struct_size.h"
#include "client/libsealring-client/client_answer.h"
#include "client/libsealring-client/client_parts.h"
#include "client/libsealring-client/client_state.h"

#define INTERVAL_MS INT64_C(21600000)
#define SPREAD_MS   INT64_C(600000)
#define DAY_MS      INT64_C(86400000)

/* ---- Forks ---- */

atomic_uint client_forks;
static pthread_once_t forks_once = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
    (void)atomic_fetch_add(&client_forks, 1);
}

static void register_forks(void)
{
    (void)pthread_atfork(NULL, NULL, count_fork);
}

/* The child has a copy of the descriptor, and the lock belongs to both: if the parent was killed, it would stay locked. The number may mean
 * another file by now. */
static void drop_inherited_lock(const struct client_worker *parents)
{
    if (parents != NULL && file_is_open(parents->file_lock, parents->lock_device, parents->lock_inode))
        (void)close(parents->file_lock);
}

/* The first thread of a child that comes here makes the worker; others go on without one meanwhile. The parent's is left as it is: its lock
 * may be held by a thread that this process has not. */
struct client_worker *client_join(sealring_client *client)
{
    unsigned now = atomic_load(&client_forks), before = atomic_load(&client->forks);
    struct client_worker *worker = atomic_load(&client->worker);
    if (before == now || !atomic_compare_exchange_strong(&client->forks, &before, now))
        return worker != NULL && worker->forks == now ? worker : NULL;
    bool within = atomic_exchange(&client->in_transfer, false);
    drop_inherited_lock(worker);
    worker = client_worker_new(now);
    if (worker == NULL)
        return NULL;
    worker->inherited_renewal = within;
    atomic_store(&client->worker, worker);
    (void)client_worker_start(client, worker);
    return worker;
}

const char *sealring_client_credential(sealring_client *client)
{
    if (atomic_load_explicit(&client->forks, memory_order_relaxed) !=
        atomic_load_explicit(&client_forks, memory_order_relaxed))
        (void)client_join(client);
    /* Acquire: what is in the text was written before its address was stored. */
    return atomic_load_explicit(&client->current, memory_order_acquire);
}

sealring_client_result sealring_client_renew(sealring_client *client, int64_t wait_ms, sealring_error *error)
{
    struct client_worker *worker = client_join(client);
    if (worker != NULL)
        return client_renew(client, worker, wait_ms, error);
    (void)error_no_memory(error);
    return SEALRING_CLIENT_FAILED;
}

/* ---- Opening ---- */

/* The variable of systemd.exec(5) names a directory that systemd owns. */
static bool credential_path(const char *name, char **path)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    *path = NULL;
    if (directory == NULL || directory[0] != '/' || strchr(name, '/') != NULL)
        return true;
    return asprintf(path, "%s/%s", directory, name) > 0;
}

static sealring_status take_source(struct client_settings *settings, const sealring_client_options *options,
                                   sealring_error *error)
{
    const char *why = "";
    int sources = (options->file != NULL) + (options->environment != NULL) + (options->systemd_credential != NULL);
    if (sources != 1)
        return error_set(error, SEALRING_INVALID,
                         "the credential has exactly one source: a file, a variable or a systemd credential");
    if (options->file != NULL && (settings->file = strdup(options->file)) == NULL)
        return error_no_memory(error);
    if (options->systemd_credential != NULL) {
        if (!credential_path(options->systemd_credential, &settings->file))
            return error_no_memory(error);
        if (settings->file == NULL)
            return error_set(
                error, SEALRING_NOT_FOUND,
                "there is no systemd credential %s: the unit needs LoadCredential=", options->systemd_credential);
        why = "it is a systemd credential, which systemd replaces when the unit starts";
    } else if (options->environment != NULL)
        why = "it is in an environment variable, which nobody can replace";
    else if (options->url == NULL)
        why = "no address for renewals was given";
    if (settings->file != NULL && strlen(settings->file) > PATH_MAX - sizeof ".state.new")
        return error_set(error, SEALRING_INVALID, "the path of the credential is too long");
    if (settings->file != NULL && asprintf(&settings->state, "%s.state", settings->file) < 0) {
        settings->state = NULL;
        return error_no_memory(error);
    }
    (void)snprintf(settings->only_watched, sizeof settings->only_watched, "%s", why);
    return SEALRING_OK;
}

static sealring_status take_options(struct client_settings *settings, const sealring_client_options *callers,
                                    sealring_error *error)
{
    sealring_client_options options;
    sized_take(&options, sizeof options, callers);
    if (options.interval_ms < 0 || options.interval_ms > 366 * DAY_MS || options.spread_ms < 0 ||
        options.spread_ms > 366 * DAY_MS)
        return error_set(error, SEALRING_INVALID, "interval and spread of a client are from 0 to 366 days");
    settings->manual = options.manual != 0;
    settings->interval_ms = options.interval_ms > 0 ? options.interval_ms : INTERVAL_MS;
    settings->spread_ms = options.spread_ms > 0 ? options.spread_ms : SPREAD_MS;
    settings->callback = options.callback;
    settings->context = options.context;
    if ((options.key_file == NULL) != (options.vault_keys == NULL))
        return error_set(
            error, SEALRING_INVALID,
            "sealed renewal needs both: the client's private key with its certificate, and the keys of the vault");
    if (options.key_file != NULL && ((settings->recipient.key_file = strdup(options.key_file)) == NULL ||
                                     (settings->recipient.vault_keys = strdup(options.vault_keys)) == NULL))
        return error_no_memory(error);
    sealring_status status = take_source(settings, &options, error);
    if (status == SEALRING_OK && options.url != NULL)
        status = client_server_parse(options.url, options.ca_file, &settings->server, error);
    return status;
}

static sealring_status read_variable(const char *name, char text[SEALRING_CLIENT_TEXT_MAX + 1], sealring_error *error)
{
    const char *value = getenv(name);
    if (value == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "there is no environment variable %s", name);
    if (!client_text_valid(value, strlen(value), SEALRING_CLIENT_TEXT_MAX))
        return error_set(error, SEALRING_INVALID, "the environment variable %s contains no credential", name);
    memcpy(text, value, strlen(value) + 1);
    return SEALRING_OK;
}

static const char *read_predecessor(sealring_client *client)
{
    struct client_state state;
    client_state_read(client->settings.state, &state);
    const char *kept = state.predecessor[0] == '\0' ? NULL : client_texts_keep(&client->texts, state.predecessor);
    secret_wipe(&state, sizeof state);
    return kept;
}

static sealring_status read_source(sealring_client *client, struct client_worker *worker, const char *variable,
                                   sealring_error *error)
{
    char text[SEALRING_CLIENT_TEXT_MAX + 1] = "";
    const char *file = client->settings.file;
    sealring_status status =
        file == NULL ? read_variable(variable, text, error) : client_file_read(file, text, &worker->mark, error);
    const char *kept = status == SEALRING_OK ? client_texts_keep(&client->texts, text) : NULL;
    secret_wipe(text, sizeof text);
    if (status != SEALRING_OK)
        return status;
    if (kept == NULL)
        return error_no_memory(error);
    const char *previous = file == NULL ? NULL : read_predecessor(client);
    atomic_store(&client->previous, previous == kept ? NULL : previous);
    atomic_store(&client->newest, kept);
    atomic_store(&client->current, kept);
    return SEALRING_OK;
}

static sealring_status start(sealring_client *client, const sealring_client_options *options, sealring_error *error)
{
    char reason[CLIENT_REASON_SIZE];
    sealring_status status = take_options(&client->settings, options, error);
    if (status != SEALRING_OK)
        return status;
    struct client_worker *worker = client_worker_new(atomic_load(&client->forks));
    if (worker == NULL)
        return error_set_system(error, errno, "cannot start a client");
    atomic_store(&client->worker, worker);
    status = read_source(client, worker, options->environment, error);
    if (status != SEALRING_OK)
        return status;
    if (!client_renewable(client, worker, reason))
        client_report(client, SEALRING_CLIENT_EVENT_NOTE, "the credential is only watched: %s", reason);
    return client_worker_start(client, worker) ? SEALRING_OK
                                               : error_set_system(error, EAGAIN, "cannot start the thread of a client");
}

sealring_status sealring_client_open(const sealring_client_options *options, sealring_client **opened,
                                     sealring_error *error)
{
    *opened = NULL;
    sealring_client *client = calloc(1, sizeof *client);
    if (client == NULL || pthread_once(&forks_once, register_forks) != 0) {
        free(client);
        return error_no_memory(error);
    }
    atomic_store(&client->forks, atomic_load(&client_forks));
    sealring_status status = start(client, options, error);
    if (status == SEALRING_OK)
        *opened = client;
    else
        sealring_client_close(&client);
    return status;
}

/* In a child that never used it there is no thread to end. */
void sealring_client_close(sealring_client **client)
{
    if (client == NULL || *client == NULL)
        return;
    struct client_worker *worker = atomic_load(&(*client)->worker);
    if (worker != NULL && worker->forks == atomic_load(&client_forks))
        client_worker_end(worker);
    client_texts_end(&(*client)->texts);
    client_server_end(&(*client)->settings.server);
    free((*client)->settings.recipient.key_file);
    free((*client)->settings.recipient.vault_keys);
    free((*client)->settings.file);
    free((*client)->settings.state);
    free(*client);
    *client = NULL;
}

/* ---- Status ---- */

static void fill_in(const struct client_state *state, sealring_client_summary *info)
{
    memcpy(info->key_id, state->key_id, sizeof info->key_id);
    info->version = state->version;
    info->renewed = state->renewed;
    info->expires = state->expires;
    info->expires_known = state->expires_known != 0;
    info->predecessor_until = state->predecessor_until;
    info->checked = state->checked;
    info->retry_at = state->retry_at;
    info->failures = state->failures;
    info->failed = state->failed;
    memcpy(info->last_error, state->last_error, sizeof info->last_error);
}

sealring_status sealring_client_status(sealring_client *client, sealring_client_summary *info, sealring_error *error)
{
    sealring_client_summary whole = {.size = sizeof whole};
    struct client_worker *worker = client_join(client);
    if (worker == NULL)
        return error_no_memory(error);
    whole.renews = client_renewable(client, worker, whole.reason) ? 1 : 0;
    whole.due = atomic_load(&client->due) ? 1 : 0;
    whole.fell_back = atomic_load(&client->current) != atomic_load(&client->newest) ? 1 : 0;
    if (client->settings.state != NULL) {
        struct client_state state;
        client_state_read(client->settings.state, &state);
        fill_in(&state, &whole);
        secret_wipe(&state, sizeof state);
    }
    sized_give(info, &whole, sizeof whole);
    return SEALRING_OK;
}
