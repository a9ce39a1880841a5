/* SPDX-License-Identifier: Apache-2.0 */
/* One renewal: lock, room on the disk, the server's answer, the file, and only then the memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/capped.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/timetext.h"
#include "client/libsealring-client/client_answer.h"
#include "client/libsealring-client/client_parts.h"
#include "client/libsealring-client/client_state.h"

/* What a renewal has on its way. */
struct client_attempt {
    sealring_client *client;
    struct client_worker *worker;
    const char *presented; /* the credential that the reply is about */
    struct client_state state;
    struct client_saving file, record; /* the credential, and its state */
    struct client_reply *reply;
};

bool client_renewable(const sealring_client *client, const struct client_worker *worker,
                      char reason[CLIENT_REASON_SIZE])
{
    const char *fixed = client->settings.only_watched;
    if (fixed[0] == '\0' && worker->inherited_renewal)
        fixed = "this process was forked while its parent was renewing it";
    if (fixed[0] == '\0')
        return client_file_replaceable(client->settings.file, reason);
    (void)snprintf(reason, CLIENT_REASON_SIZE, "%s", fixed);
    return false;
}

/* ---- What is written ---- */

static sealring_status write_state(struct client_attempt *attempt, sealring_error *error)
{
    size_t length = 0;
    char *text = client_state_text(&attempt->state, &length);
    if (text == NULL)
        return error_no_memory(error);
    sealring_status status = client_saving_finish(&attempt->record, text, length, error);
    secret_wipe(text, length);
    free(text);
    return status;
}

static void note_success(struct client_attempt *attempt, int64_t now)
{
    attempt->state.checked = now;
    attempt->state.failures = 0;
    attempt->state.failed = attempt->state.retry_at = 0;
    attempt->state.last_error[0] = '\0';
    atomic_store(&attempt->worker->failures, 0);
    atomic_store(&attempt->worker->retry_after, 0);
}

/* That it cannot be noted changes nothing about the failure itself. */
static void note_failure(struct client_attempt *attempt, const sealring_error *failure)
{
    int64_t now = clock_wall_ms(), wait = attempt->reply->retry_after;
    attempt->state.failed = now;
    attempt->state.failures++;
    attempt->state.retry_at = wait > 0 ? capped_add(now, wait) : 0;
    if (attempt->reply->status != 0)
        attempt->state.checked = now;
    (void)snprintf(attempt->state.last_error, sizeof attempt->state.last_error, "%s", failure->message);
    atomic_store(&attempt->worker->retry_after, wait);
    (void)write_state(attempt, NULL);
}

/* The state first, as it has the predecessor: killed in between, the file still contains the predecessor, to which the server gives the
 * same successor again. */
static sealring_client_result save(struct client_attempt *attempt, const struct client_renewed *renewed,
                                   const char *kept, sealring_error *error)
{
    char line[sizeof renewed->credential + 1];
    struct client_state before = attempt->state, *state = &attempt->state;
    int64_t now = clock_wall_ms();
    note_success(attempt, now);
    state->renewed = now;
    state->expires = renewed->expires;
    state->expires_known = 1;
    state->predecessor_until = renewed->predecessor_until;
    state->version = renewed->version;
    state->serial = renewed->serial;
    (void)snprintf(state->key_id, sizeof state->key_id, "%s", renewed->key_id);
    (void)snprintf(state->predecessor, sizeof state->predecessor, "%s", client_fallback(attempt->client));
    int length = snprintf(line, sizeof line, "%s\n", renewed->credential);
    sealring_status status = write_state(attempt, error);
    if (status == SEALRING_OK)
        status = client_saving_finish(&attempt->file, line, (size_t)length, error);
    secret_wipe(line, sizeof line);
    if (status != SEALRING_OK)
        attempt->state = before;
    secret_wipe(&before, sizeof before);
    if (status != SEALRING_OK)
        return SEALRING_CLIENT_UNSAVED;
    (void)client_mark_take(attempt->client->settings.file, &attempt->worker->mark);
    client_adopt(attempt->client, kept);
    return SEALRING_CLIENT_RENEWED;
}

/* ---- What the server answers ---- */

/* Whoever has replaced the file during the request knows better: an operator, as the others wait for the lock. */
static bool was_replaced(const struct client_attempt *attempt)
{
    struct client_mark mark;
    return !client_mark_take(attempt->client->settings.file, &mark) ||
           !client_mark_equal(&mark, &attempt->worker->mark);
}

/* With a certificate, only what the vault has signed for it counts; it is for the API key that was presented, and no older delivery than the
 * last one. */
static const char *open_sealed(struct client_attempt *attempt, struct client_renewed *renewed,
                               char problem[CLIENT_SEALED_PROBLEM_SIZE])
{
    const struct client_recipient *recipient = &attempt->client->settings.recipient;
    if (recipient->key_file == NULL)
        return renewed->sealed == NULL
                   ? NULL
                   : "is sealed: give the private key, its certificate and the vault's keys (--key, --vault-keys)";
    if (renewed->sealed == NULL)
        return "is not sealed, although a certificate is configured";
    const char *wrong = client_sealed_open(recipient, attempt->presented, renewed, problem);
    bool same = strcmp(attempt->state.key_id, renewed->key_id) == 0;
    return wrong != NULL                                     ? wrong
           : same && renewed->serial < attempt->state.serial ? "is an older one than the last"
                                                             : NULL;
}

static sealring_client_result take_successor(struct client_attempt *attempt, sealring_error *error)
{
    struct client_renewed renewed;
    char text[CLIENT_SEALED_PROBLEM_SIZE];
    sealring_client_result result = SEALRING_CLIENT_LATER;
    const char *file = attempt->client->settings.file;
    const char *problem = client_renewed_parse(attempt->reply->body, attempt->reply->length, &renewed);
    if (problem == NULL)
        problem = open_sealed(attempt, &renewed, text);
    const char *kept = problem == NULL ? client_texts_keep(&attempt->client->texts, renewed.credential) : NULL;
    if (problem != NULL)
        (void)error_set(error, SEALRING_REFUSED, "the server's answer for %s %s%s", file,
                        problem == text ? "was not accepted: " : "", problem);
    else if (kept == NULL) {
        (void)error_no_memory(error);
        result = SEALRING_CLIENT_FAILED;
    } else if (kept == atomic_load(&attempt->client->newest)) {
        (void)error_set(error, SEALRING_REFUSED, "the server renewed %s with the credential that it has already", file);
    } else if (was_replaced(attempt)) {
        (void)error_set(error, SEALRING_WAITING, "%s was replaced during its renewal: the new content is used", file);
        client_look(attempt->client, attempt->worker);
    } else
        result = save(attempt, &renewed, kept, error);
    free(renewed.sealed);
    secret_wipe(&renewed, sizeof renewed);
    return result;
}

/* The server confirms the presented one, and has no successor of it. That is the predecessor if the newest is not valid any more. */
static sealring_client_result take_current(struct client_attempt *attempt)
{
    sealring_client *client = attempt->client;
    bool is_newest = attempt->presented == atomic_load(&client->newest);
    note_success(attempt, clock_wall_ms());
    if (attempt->reply->tells_expiry) {
        attempt->state.expires = attempt->reply->expires;
        attempt->state.expires_known = 1;
    }
    (void)write_state(attempt, NULL);
    atomic_store(&client->due, false);
    atomic_store(is_newest ? &client->refused_newest : &client->refused_previous, NULL);
    if (atomic_exchange(&client->current, attempt->presented) != attempt->presented)
        client_report(client, SEALRING_CLIENT_EVENT_CHANGED, "the %s credential is used again: the server confirmed it",
                      is_newest ? "new" : "former");
    return SEALRING_CLIENT_CURRENT;
}

static sealring_client_result refuse(struct client_attempt *attempt, sealring_error *error)
{
    char text[96];
    const struct client_reply *reply = attempt->reply;
    const char *file = attempt->client->settings.file;
    client_problem_parse(reply->body, reply->length, text, sizeof text);
    switch (reply->status) {
    case 401:
        (void)error_set(error, SEALRING_REFUSED,
                        "the server does not accept the credential in %s: get a new one from its operator", file);
        return SEALRING_CLIENT_REFUSED;
    case 403:
    case 409:
        (void)error_set(error, SEALRING_REFUSED, "the server does not renew %s (%ld %s): ask its operator", file,
                        reply->status, text);
        return SEALRING_CLIENT_REFUSED;
    case 429:
    case 503:
        (void)error_set(error, SEALRING_WAITING, "the server cannot renew %s now (%ld %s): it is tried again", file,
                        reply->status, text);
        return SEALRING_CLIENT_LATER;
    default:
        (void)error_set(error, SEALRING_SYSTEM,
                        "the server's answer for %s is unexpected (%ld %s): check the address%s", file, reply->status,
                        text, reply->status >= 300 && reply->status < 400 ? ", as redirections are not followed" : "");
        return SEALRING_CLIENT_LATER;
    }
}

static sealring_status ask_for(struct client_attempt *attempt, const char *credential, sealring_error *error)
{
    sealring_client *client = attempt->client;
    attempt->presented = credential;
    atomic_store(&client->in_transfer, true);
    sealring_status status =
        client_http_renew(&client->settings.server, credential, &attempt->worker->stop, attempt->reply, error);
    atomic_store(&client->in_transfer, false);
    return status;
}

/* If the newest is not valid (its version was compromised, say), the predecessor may still get the next one. */
static sealring_client_result ask(struct client_attempt *attempt, sealring_error *error)
{
    sealring_client *client = attempt->client;
    const char *previous = atomic_load(&client->previous);
    sealring_status status = ask_for(attempt, atomic_load(&client->newest), error);
    if (status == SEALRING_OK && attempt->reply->status == 401 && previous != NULL &&
        previous != atomic_load(&client->refused_previous))
        status = ask_for(attempt, previous, error);
    if (status != SEALRING_OK)
        return SEALRING_CLIENT_LATER;
    if (attempt->reply->status == 200)
        return take_successor(attempt, error);
    if (attempt->reply->status == 204)
        return take_current(attempt);
    return refuse(attempt, error);
}

/* ---- The steps ---- */

static bool must_wait(const struct client_attempt *attempt, sealring_error *error)
{
    char until[TIMETEXT_SIZE];
    int64_t left = capped_subtract(attempt->state.retry_at, clock_wall_ms());
    if (left <= 0 || left > CLIENT_DELAY_MAX_MS) /* of a clock that was wrong */
        return false;
    timetext_format(attempt->state.retry_at, until);
    (void)error_set(error, SEALRING_WAITING, "the server has asked not to be asked about %s before %s",
                    attempt->client->settings.file, until);
    atomic_store(&attempt->worker->retry_after, left);
    return true;
}

static sealring_client_result attempt_locked(struct client_attempt *attempt, sealring_error *error)
{
    sealring_client *client = attempt->client;
    const char *file = client->settings.file, *before = atomic_load(&client->newest);
    client_look(client, attempt->worker);
    if (before != atomic_load(&client->newest))
        return SEALRING_CLIENT_RENEWED; /* by another process, which had the lock before */
    client_state_read(client->settings.state, &attempt->state);
    if (must_wait(attempt, error))
        return SEALRING_CLIENT_LATER;
    if (client_saving_begin(&attempt->record, client->settings.state, file, CLIENT_STATE_SIZE, error) != SEALRING_OK ||
        client_saving_begin(&attempt->file, file, file, CLIENT_STATE_SIZE, error) != SEALRING_OK)
        return SEALRING_CLIENT_UNSAVED;
    sealring_client_result result = ask(attempt, error);
    if (result == SEALRING_CLIENT_RENEWED || result == SEALRING_CLIENT_CURRENT)
        return result;
    client_saving_end(&attempt->record); /* it may be in place already, without a renewal */
    if (client_saving_begin(&attempt->record, client->settings.state, file, CLIENT_STATE_SIZE, NULL) == SEALRING_OK)
        note_failure(attempt, error);
    return result;
}

static sealring_client_result attempt_renewal(struct client_attempt *attempt, int64_t wait_ms, sealring_error *error)
{
    struct client_worker *worker = attempt->worker;
    const char *file = attempt->client->settings.file;
    char reason[CLIENT_REASON_SIZE];
    if (!client_renewable(attempt->client, worker, reason)) {
        (void)error_set(error, SEALRING_REFUSED, "%s is only watched: %s", file == NULL ? "the credential" : file,
                        reason);
        return SEALRING_CLIENT_WATCHING;
    }
    sealring_status locked = client_file_lock(file, wait_ms, &worker->file_lock, error);
    if (locked != SEALRING_OK)
        return locked == SEALRING_SYSTEM ? SEALRING_CLIENT_UNSAVED : SEALRING_CLIENT_LATER;
    struct stat facts = {.st_dev = 0};
    (void)fstat(worker->file_lock, &facts);
    worker->lock_device = facts.st_dev;
    worker->lock_inode = facts.st_ino;
    sealring_client_result result = attempt_locked(attempt, error);
    client_saving_end(&attempt->file);
    client_saving_end(&attempt->record);
    client_file_unlock(&worker->file_lock);
    return result;
}

sealring_client_result client_renew(sealring_client *client, struct client_worker *worker, int64_t wait_ms,
                                    sealring_error *error)
{
    sealring_error own = {.message = ""};
    struct client_attempt attempt = {
        .client = client, .worker = worker, .file.descriptor = -1, .record.descriptor = -1};
    sealring_client_result result = SEALRING_CLIENT_FAILED;
    error = error == NULL ? &own : error;
    attempt.reply = secret_allocate(sizeof *attempt.reply);
    if (attempt.reply == NULL) {
        (void)error_no_memory(error);
        return result;
    }
    (void)pthread_mutex_lock(&worker->lock);
    result = attempt_renewal(&attempt, wait_ms, error);
    if (result != SEALRING_CLIENT_RENEWED && result != SEALRING_CLIENT_CURRENT && result != SEALRING_CLIENT_WATCHING)
        atomic_fetch_add(&worker->failures, 1);
    (void)pthread_mutex_unlock(&worker->lock);
    secret_wipe(&attempt.state, sizeof attempt.state);
    secret_free(attempt.reply, sizeof *attempt.reply);
    return result;
}
