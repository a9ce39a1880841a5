/* SPDX-License-Identifier: Apache-2.0 */
/* Opens and closes the PKCS#11 token, and returns its random numbers. */
#include "token/session/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "token/module/signal_block.h"
#include "token/pin/pin_source.h"
#include "token/session/attempt.h"

#define TOKEN_SESSIONS_DEFAULT 16
#define TOKEN_SESSIONS_MOST    4096
#define TOKEN_RANDOM_PIECE     256 /* some tokens return no more at once */
#define TOKEN_RANDOM_TRIES     8

/* Makes all but the connection. */
static sealring_status token_new(const struct token_config *config, struct token **made, sealring_error *error)
{
    struct token *token = calloc(1, sizeof(*token));
    *made = token;
    if (token == NULL)
        return error_no_memory(error);
    token->pid = fork_process();
    token->guards_sigpipe = signal_pipe_kills();
    token->config = *config;
    token->config.module = token->config.init_args = NULL;
    pthread_mutex_init(&token->probe_lock, NULL);
    pthread_cond_init(&token->probe_done, NULL);
    pthread_rwlock_init(&token->index.lock, NULL);
    token->config.uri = strdup(config->uri);
    token->config.pin_source = strdup(config->pin_source);
    token->config.login_record = strdup(config->login_record);
    token->config.login_lock = strdup(config->login_lock != NULL ? config->login_lock : config->login_record);
    unsigned sessions = config->sessions_max == 0 ? TOKEN_SESSIONS_DEFAULT : config->sessions_max;
    sealring_status status =
        session_pool_init(&token->pool, sessions < TOKEN_SESSIONS_MOST ? sessions : TOKEN_SESSIONS_MOST, error);
    bool copied = token->config.uri != NULL && token->config.pin_source != NULL && token->config.login_record != NULL &&
                  token->config.login_lock != NULL;
    return copied ? status : error_no_memory(error);
}

static void token_free(struct token *token)
{
    if (token == NULL)
        return;
    if (token->pid == fork_process()) { /* in a child, a thread that does not exist there may hold a lock */
        session_pool_destroy(&token->pool);
        pthread_rwlock_destroy(&token->index.lock);
        pthread_mutex_destroy(&token->probe_lock);
        pthread_cond_destroy(&token->probe_done);
    }
    free(token->pool.free);
    free(token->index.entries);
    if (token->uri != NULL)
        p11_kit_uri_free(token->uri);
    pin_free(&token->typed);
    free((void *)(uintptr_t)token->config.uri);
    free((void *)(uintptr_t)token->config.pin_source);
    free((void *)(uintptr_t)token->config.login_record);
    free((void *)(uintptr_t)token->config.login_lock);
    free(token);
}

/* Error is not NULL. */
static sealring_status token_connect(struct token *token, const struct token_config *config, sealring_error *error)
{
    sealring_status status = slot_parse_uri(config->uri, &token->uri, error);
    if (status == SEALRING_OK)
        status = module_acquire(config->module, config->init_args, &token->module, error);
    if (status != SEALRING_OK)
        return status;
    /* before any lock is taken: the user may take long */
    if (config->pin != NULL)
        pin_lock(config->pin);
    else if (pin_source_of(config->pin_source) == PIN_SOURCE_TERMINAL)
        status = pin_ask(config->uri, config->ask_pin, config->ask_context, &token->typed, error);
    if (status == SEALRING_OK)
        status = connection_open(token, error);
    if (status != SEALRING_OK)
        module_release(token->module);
    return status;
}

sealring_status token_open(const struct token_config *config, struct token **opened, sealring_error *error)
{
    struct token *token = NULL;
    sealring_error failure;
    *opened = NULL;
    if (config->module == NULL || config->uri == NULL || config->pin_source == NULL || config->login_record == NULL) {
        return error_set(error, SEALRING_INVALID,
                         "the PKCS#11 token needs a module, a URI, a PIN file and a login record");
    }
    sealring_status status = token_new(config, &token, &failure);
    if (status == SEALRING_OK)
        status = token_connect(token, config, &failure);
    if (status == SEALRING_OK) {
        *opened = token;
        return SEALRING_OK;
    }
    token_free(token);
    if (error != NULL)
        *error = failure;
    return status;
}

void token_close(struct token *token)
{
    if (token == NULL)
        return;
    if (token->pid != fork_process() || connection_close(token))
        token_free(token);
}

const char *token_name(const struct token *token)
{
    return token->name;
}

/* A module may write fewer bytes than requested, and return CKR_OK: then the last byte stays 0. So does a random one with probability
 * 1/256, but not eight times in a row. */
static CK_RV token_random_piece(struct attempt *attempt, uint8_t *bytes, size_t length)
{
    CK_RV code = CKR_OK;
    bytes[length - 1] = 0;
    for (int i = 0; i < TOKEN_RANDOM_TRIES && code == CKR_OK && bytes[length - 1] == 0; i++)
        code = attempt->functions->C_GenerateRandom(attempt->session, bytes, (CK_ULONG)length);
    return code == CKR_OK && bytes[length - 1] == 0 ? CKR_FUNCTION_FAILED : code;
}

sealring_status token_random(struct token *token, uint8_t *bytes, size_t length, sealring_error *error)
{
    struct attempt attempt = attempt_on(token, ATTEMPT_SIGN);
    memset(bytes, 0, length);
    while (attempt_next(&attempt)) {
        CK_RV code = CKR_OK;
        for (size_t done = 0; code == CKR_OK && done < length; done += TOKEN_RANDOM_PIECE) {
            size_t rest = length - done;
            code = token_random_piece(&attempt, bytes + done, rest < TOKEN_RANDOM_PIECE ? rest : TOKEN_RANDOM_PIECE);
        }
        if (code != CKR_OK) {
            attempt_fail(&attempt, code, "C_GenerateRandom", "making random bytes");
            attempt.status = attempt.error.status = SEALRING_TOKEN; /* even if the token refuses */
        }
    }
    return attempt_end(&attempt, NULL, error);
}
