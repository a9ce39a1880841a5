/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to a token: made, found lost, and made again by one prober at a time. */
#include "token/session/connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "token/module/return_code.h"
#include "token/module/signal_block.h"

#define CONNECTION_ENTER_TRIES     3
#define CONNECTION_PATIENCE_MS     1000 /* how long a request waits for the thread that repairs */
#define CONNECTION_BACK_OFF_MS     1000 /* after a failed probe */
#define CONNECTION_AGAIN_MS        100  /* after a successful probe */
#define CONNECTION_MISSING_MS      1000
#define CONNECTION_MISSING_MOST_MS 300000
#define CONNECTION_ASKS            5 /* before a token counts as gone */

static sealring_status connection_busy(const struct token *token, sealring_error *error)
{
    return error_set_token(error, 0, "the PKCS#11 token %s is away and is being reached again: try later", token->name);
}

/* SoftHSM2 does not recognise its token while another process logs in, because that process rewrites it. */
CK_RV connection_ask(const struct token *token)
{
    CK_RV code = slot_ask(token->module->functions, token->uri, token->slot);
    for (int i = 0; i + 1 < CONNECTION_ASKS && code != CKR_OK; i++) {
        clock_sleep(INT64_C(1) << i);
        code = slot_ask(token->module->functions, token->uri, token->slot);
    }
    return code;
}

/* ---- Making a connection ---- */

/* Finds the token and logs in, without a new initialisation of the module. */
static sealring_status connection_log_in(struct token *token, sealring_error *error)
{
    struct module *module = token->module;
    static const char softokn[] = "Mozilla Foundation";
    CK_TOKEN_INFO info = {0};
    token->module_generation = module->generation;
    sealring_status status = slot_find(module->functions, token->uri, token->config.uri, !token->config.without_hmac,
                                       &token->slot, &info, error);
    if (status != SEALRING_OK)
        return status;
    if (token->name[0] == '\0')
        slot_name(&info, token->name);
    token->login_required = (info.flags & CKF_LOGIN_REQUIRED) != 0;
    token->crashes_logged_out = token->login_required && memcmp(info.manufacturerID, softokn, sizeof softokn - 1) == 0;
    session_pool_reset(token, false, info.ulMaxSessionCount);
    atomic_fetch_add(&token->generation, 1);

    /* From here on one session stays open: when the last one is closed, the login ends (PKCS #11 v2.40, section 5.6). */
    struct pooled_session session;
    CK_RV code;
    status = session_take(token, false, &session, &code, error);
    if (status == SEALRING_OK)
        session_give(token, &session, true);
    return status;
}

/* Returns whether another token of this process on the module works: then the module must not be finalised. */
static bool connection_has_healthy_neighbour(const struct token *token)
{
    const struct module *module = token->module;
    for (const struct token *other = module->tokens; other != NULL; other = other->next_on_module)
        if (other != token && atomic_load(&other->up) && other->module_generation == module->generation &&
            connection_ask(other) == CKR_OK)
            return true;
    return false;
}

/* Returns whether a new initialisation of the module is permitted and may help. It does not help against a refused PIN, or a URI that
 * matches two tokens. Only the host program may finalise a module that it initialised. But if the module itself reports that it is not
 * initialised, nothing can be harmed: the host finalised it, or its "already initialised" was wrong. */
static bool connection_may_restart(const struct token *token, const sealring_error *error)
{
    enum code_class class = code_class_of(error->token_code);
    if (!token->module->ours)
        return error->token_code == CKR_CRYPTOKI_NOT_INITIALIZED;
    return (class == CODE_GONE || class == CODE_DOUBT || class == CODE_SESSION || class == CODE_HANDLE) &&
           !connection_has_healthy_neighbour(token);
}

static void connection_drop(struct token *token)
{
    struct module *module = token->module;
    session_pool_reset(token,
                       module->initialised && token->module_generation == module->generation && !module_process_ends(),
                       CK_EFFECTIVELY_INFINITE);
}

/* Drops the old connection and connects. If that fails, or if `renewed`, initialises the module again: nothing else helps with SoftHSM2
 * after its directory was gone. The caller holds module->use for writing, and no lock that comes after it. error is not NULL. */
static sealring_status connection_connect(struct token *token, bool renewed, sealring_error *error)
{
    struct module *module = token->module;
    struct record record;
    sealring_status status = record_open(token, &record, error);
    connection_drop(token);
    if (status != SEALRING_OK)
        return status;
    token->record = &record;
    if (token->config.watch.before != NULL)
        token->config.watch.before(token->config.watch.context);
    bool restart = renewed || !module->initialised || module_process_ends(); /* and module_restart refuses */
    if (!restart) {
        status = connection_log_in(token, error);
        restart = status != SEALRING_OK && connection_may_restart(token, error);
    }
    if (restart) {
        connection_drop(token);
        status = module_restart(module, error);
        if (status == SEALRING_OK)
            status = connection_log_in(token, error);
    }
    if (status == SEALRING_OK)
        module_watch_exit();
    else
        connection_drop(token);
    token->record = NULL;
    record_close(&record);
    return status;
}

/* ---- Loss, and one prober at a time ---- */

/* Only if the connection is still the one that the caller saw: a late failure must not drop a new connection. */
void connection_lost(struct token *token, uint64_t generation)
{
    pthread_mutex_lock(&token->probe_lock);
    if (atomic_load(&token->generation) == generation)
        atomic_store(&token->up, false);
    pthread_mutex_unlock(&token->probe_lock);
}

/* Waits for the prober, at most until its attempt is a second old. probe_lock is held on entry and on return. */
static void connection_await_prober(struct token *token)
{
    while (token->probing) {
        int64_t left = token->probe_started + CONNECTION_PATIENCE_MS - clock_boot_ms();
        if (left <= 0)
            return;
        struct timespec deadline = clock_deadline(left);
        pthread_cond_clockwait(&token->probe_done, &token->probe_lock, CLOCK_MONOTONIC, &deadline);
    }
}

static sealring_status connection_probe(struct token *token, sealring_error *error)
{
    sealring_status status;
    struct timespec deadline = clock_deadline(CONNECTION_PATIENCE_MS);
    if (pthread_rwlock_clockwrlock(&token->module->use, CLOCK_MONOTONIC, &deadline) == 0) {
        status = connection_connect(token, false, error);
        atomic_store(&token->up, status == SEALRING_OK);
        pthread_rwlock_unlock(&token->module->use);
    } else { /* nothing can be repaired while a call hangs, and no other thread must hang for it */
        status = error_set_token(error, 0,
                                 "the PKCS#11 token %s is lost, and calls of its module do not come back: if that "
                                 "lasts, only a restart of this program helps",
                                 token->name);
    }

    pthread_mutex_lock(&token->probe_lock);
    token->probing = false;
    token->next_probe = clock_boot_ms() + (status == SEALRING_OK ? CONNECTION_AGAIN_MS : CONNECTION_BACK_OFF_MS);
    token->last_error.status = SEALRING_OK;
    if (status != SEALRING_OK)
        token->last_error = *error;
    pthread_cond_broadcast(&token->probe_done);
    pthread_mutex_unlock(&token->probe_lock);
    return status == SEALRING_OK ? status : SEALRING_TOKEN;
}

/* Reports why the last probe failed, if that is known. */
static sealring_status connection_away(const struct token *token, sealring_error *error)
{
    if (token->probing || token->last_error.status == SEALRING_OK)
        return connection_busy(token, error);
    *error = token->last_error;
    return SEALRING_TOKEN;
}

/* `restarted`: another thread initialised the module again, so there is no back-off. `seen`: the generation that the caller found lost. */
static sealring_status connection_restore(struct token *token, bool restarted, uint64_t seen, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    bool probe = false;
    pthread_mutex_lock(&token->probe_lock);
    bool waited = token->probing;
    connection_await_prober(token);
    bool up = !token->probing && atomic_load(&token->up);
    if (up && (waited || !restarted || atomic_load(&token->generation) != seen)) {
        status = SEALRING_OK;
    } else if (waited || (!restarted && clock_boot_ms() < token->next_probe)) {
        status = connection_away(token, error);
    } else {
        token->probing = probe = true;
        token->probe_started = clock_boot_ms();
    }
    pthread_mutex_unlock(&token->probe_lock);
    return probe ? connection_probe(token, error) : status;
}

sealring_status connection_enter(struct token *token, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    if (module_process_ends()) {
        return error_set_token(error, 0, "this process is ending: the PKCS#11 token %s is not used any more",
                               token->name);
    }
    for (int i = 0; i < CONNECTION_ENTER_TRIES && status == SEALRING_OK; i++) {
        bool restarted = false;
        uint64_t seen = atomic_load(&token->generation);
        if (atomic_load(&token->up)) {
            struct timespec deadline = clock_deadline(CONNECTION_PATIENCE_MS);
            if (pthread_rwlock_clockrdlock(&token->module->use, CLOCK_MONOTONIC, &deadline) != 0)
                break;
            restarted = token->module_generation != token->module->generation;
            if (atomic_load(&token->up) && !restarted && !module_process_ends())
                return SEALRING_OK;
            pthread_rwlock_unlock(&token->module->use);
        }
        status = connection_restore(token, restarted, seen, error);
    }
    return status != SEALRING_OK ? status : connection_busy(token, error);
}

sealring_status connection_check_process(const struct token *token, sealring_error *error)
{
    if (token->pid != fork_process()) {
        return error_set_token(error, 0,
                               "this process was forked from the one that opened the PKCS#11 token %s: open the "
                               "vault again",
                               token->name);
    }
    return SEALRING_OK;
}

/* ---- Opening, refreshing, closing ---- */

void connection_leave(struct token *token)
{
    pthread_rwlock_unlock(&token->module->use);
}

sealring_status connection_open(struct token *token, sealring_error *error)
{
    struct module *module = token->module;
    struct signal_block pipe;
    signal_block_raised(&pipe, SIGPIPE, token->guards_sigpipe);
    pthread_rwlock_wrlock(&module->use);
    token->module_generation = module->generation;
    sealring_status status = connection_connect(token, false, error);
    if (status == SEALRING_OK) {
        atomic_store(&token->up, true);
        token->next_on_module = module->tokens;
        module->tokens = token;
    }
    pthread_rwlock_unlock(&module->use);
    signal_release(&pipe);
    return status;
}

/* most_ms: how long to wait for calls that run in the module; negative: without limit. */
static sealring_status connection_renew(struct token *token, bool insists, int64_t most_ms, bool *fresh,
                                        sealring_error *error)
{
    struct module *module = token->module;
    struct signal_block pipe;
    sealring_status status = SEALRING_OK;
    struct timespec deadline = clock_deadline(most_ms);
    *fresh = false;
    signal_block_raised(&pipe, SIGPIPE, token->guards_sigpipe);
    if (most_ms < 0)
        pthread_rwlock_wrlock(&module->use);
    if (most_ms < 0 || pthread_rwlock_clockwrlock(&module->use, CLOCK_MONOTONIC, &deadline) == 0) {
        if (module->initialised && module->ours && (insists || !connection_has_healthy_neighbour(token))) {
            status = connection_connect(token, true, error);
            *fresh = status == SEALRING_OK;
            atomic_store(&token->up, *fresh);
        }
        pthread_rwlock_unlock(&module->use);
    }
    signal_release(&pipe);
    return status;
}

sealring_status connection_refresh(struct token *token, bool insists, bool *fresh, sealring_error *error)
{
    sealring_error failure;
    *fresh = false;
    sealring_status status = connection_check_process(token, &failure);
    if (status == SEALRING_OK)
        status = connection_renew(token, insists, -1, fresh, &failure);
    if (status != SEALRING_OK && error != NULL)
        *error = failure;
    return status;
}

/* ---- Keys that a module does not show ---- */

static struct connection_missing *connection_find_missing(struct token *token, const uint8_t *object_id,
                                                          size_t object_id_length)
{
    for (size_t i = 0; i < CONNECTION_MISSING; i++) {
        struct connection_missing *missing = &token->missing[i];
        if (missing->object_id_length == object_id_length &&
            memcmp(missing->object_id, object_id, object_id_length) == 0)
            return missing;
    }
    return NULL;
}

/* Returns whether the module may be initialised again for this key now, and sets the time of the next permission. */
static bool connection_may_look_anew(struct token *token, const uint8_t *object_id, size_t object_id_length)
{
    int64_t now = clock_boot_ms();
    pthread_mutex_lock(&token->probe_lock);
    struct connection_missing *missing = connection_find_missing(token, object_id, object_id_length);
    if (missing == NULL) {
        missing = &token->missing[token->missing_next];
        token->missing_next = (token->missing_next + 1) % CONNECTION_MISSING;
        *missing = (struct connection_missing){.object_id_length = object_id_length, .wait_ms = CONNECTION_MISSING_MS};
        memcpy(missing->object_id, object_id, object_id_length);
    }
    bool may = now >= missing->again_at;
    if (may) {
        missing->again_at = now + missing->wait_ms;
        missing->wait_ms =
            missing->wait_ms < CONNECTION_MISSING_MOST_MS / 2 ? 2 * missing->wait_ms : CONNECTION_MISSING_MOST_MS;
    }
    pthread_mutex_unlock(&token->probe_lock);
    return may;
}

void connection_forget_missing(struct token *token, const uint8_t *object_id, size_t object_id_length)
{
    pthread_mutex_lock(&token->probe_lock);
    struct connection_missing *missing = connection_find_missing(token, object_id, object_id_length);
    if (missing != NULL)
        missing->object_id_length = 0;
    pthread_mutex_unlock(&token->probe_lock);
}

bool connection_refresh_for(struct token *token, const uint8_t *object_id, size_t object_id_length,
                            sealring_error *error)
{
    static const char shared[] =
        "; its module was initialised by this program and not by sealring, which therefore does "
        "not initialise it again: if it shows only what was there when it was initialised, "
        "restart this program";
    bool fresh = false;
    sealring_error ignored;
    if (!token->module->ours && error != NULL) {
        size_t length = strlen(error->message);
        snprintf(error->message + length, sizeof(error->message) - length, "%s", shared);
    }
    /* this thread does not wait for a call that hangs in the module */
    if (token->module->ours && connection_may_look_anew(token, object_id, object_id_length))
        (void)connection_renew(token, true, CONNECTION_PATIENCE_MS, &fresh, &ignored);
    return fresh;
}

bool connection_close(struct token *token)
{
    struct module *module = token->module;
    struct signal_block pipe;
    struct timespec deadline = clock_deadline(CONNECTION_PATIENCE_MS);
    signal_block_raised(&pipe, SIGPIPE, token->guards_sigpipe);
    if (!module_process_ends()) {
        pthread_rwlock_wrlock(&module->use);
    } else if (pthread_rwlock_clockwrlock(&module->use, CLOCK_MONOTONIC, &deadline) != 0) {
        signal_release(&pipe); /* a call of its module did not return: what it may use is not freed */
        return false;
    }
    connection_drop(token);
    struct token **place = &module->tokens;
    while (*place != NULL && *place != token)
        place = &(*place)->next_on_module;
    if (*place != NULL)
        *place = token->next_on_module;
    pthread_rwlock_unlock(&module->use);
    module_release(module);
    signal_release(&pipe);
    return true;
}
