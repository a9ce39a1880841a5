/* SPDX-License-Identifier: Apache-2.0 */
/* Trades a claim code for the credential: a key pair is kept first, then the server is asked, then the credential is saved. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/struct_size.h"
#include "client/libsealring-client/client_answer.h"
#include "client/libsealring-client/client_claim_key.h"
#include "client/libsealring-client/client_file.h"
#include "client/libsealring-client/client_http.h"
#include "client/libsealring-client/client_sealed.h"

#define CODE_MAX  128
#define KEY_ID_AT 6 /* behind `claim_` */
enum { LOCK_WAIT_MS = 30000, SAVING_SIZE = 4096 };

struct client_claiming {
    const sealring_client_options *options;
    const char *code;
    struct client_server server;
    struct client_claim_key key;
    struct client_saving saving;
    struct client_reply *reply;
    int lock;
};

/* ---- The request ---- */

/* NULL: no memory. A secret, to be wiped. */
static char *make_body(const struct client_claiming *claiming)
{
    char *certificate = client_claim_key_pem(&claiming->key);
    json_t *object =
        certificate != NULL ? json_pack("{s:s, s:s}", "code", claiming->code, "certificate", certificate) : NULL;
    char *body = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    free(certificate);
    return body;
}

static sealring_status ask(struct client_claiming *claiming, sealring_error *error)
{
    char *body = make_body(claiming);
    if (body == NULL)
        return error_no_memory(error);
    sealring_status status = client_http_claim(&claiming->server, body, claiming->reply, error);
    secret_wipe(body, strlen(body));
    free(body);
    return status;
}

/* ---- The answer ---- */

static sealring_client_result refuse(const struct client_claiming *claiming, sealring_error *error)
{
    char text[96];
    const struct client_reply *reply = claiming->reply;
    client_problem_parse(reply->body, reply->length, text, sizeof text);
    switch (reply->status) {
    case 409:
        (void)error_set(error, SEALRING_REFUSED,
                        "somebody else has used this claim code (%s): inform its operator at once", text);
        return SEALRING_CLIENT_REFUSED;
    case 400:
    case 403:
    case 404:
        (void)error_set(error, SEALRING_REFUSED, "the server does not accept the claim (%ld %s): ask its operator",
                        reply->status, text);
        return SEALRING_CLIENT_REFUSED;
    case 429:
    case 503:
        (void)error_set(error, SEALRING_WAITING, "the server cannot answer the claim now (%ld %s): try again later",
                        reply->status, text);
        return SEALRING_CLIENT_LATER;
    default:
        (void)error_set(error, SEALRING_SYSTEM, "the server's answer is unexpected (%ld %s): check the address",
                        reply->status, text);
        return SEALRING_CLIENT_LATER;
    }
}

static sealring_client_result save(struct client_claiming *claiming, const char *credential, sealring_error *error)
{
    char line[SEALRING_CREDENTIAL_LENGTH_MAX + 2];
    int length = snprintf(line, sizeof line, "%s\n", credential);
    sealring_status status = client_saving_finish(&claiming->saving, line, (size_t)length, error);
    secret_wipe(line, sizeof line);
    if (status != SEALRING_OK)
        return SEALRING_CLIENT_UNSAVED;
    (void)unlink(claiming->key.path); /* the credential is kept, so it is not needed any more */
    return SEALRING_CLIENT_RENEWED;
}

/* It must be for the API key of the code, and signed by the vault, if its keys are configured. */
static sealring_client_result take(struct client_claiming *claiming, sealring_error *error)
{
    struct client_renewed renewed;
    char key_id[SEALRING_KEY_ID_LENGTH + 1], text[CLIENT_SEALED_PROBLEM_SIZE];
    sealring_client_result result = SEALRING_CLIENT_REFUSED;
    (void)snprintf(key_id, sizeof key_id, "%.16s", claiming->code + KEY_ID_AT);
    const char *problem = client_renewed_parse(claiming->reply->body, claiming->reply->length, &renewed);
    if (problem == NULL && renewed.sealed == NULL)
        problem = "is not encrypted";
    if (problem == NULL)
        problem = client_sealed_open_with(claiming->key.key, claiming->key.certificate, claiming->options->vault_keys,
                                          key_id, &renewed, text);
    if (problem != NULL)
        (void)error_set(error, SEALRING_REFUSED, "the server's answer %s%s",
                        problem == text ? "was not accepted: " : "", problem);
    else
        result = save(claiming, renewed.credential, error);
    free(renewed.sealed);
    secret_wipe(&renewed, sizeof renewed);
    return result;
}

/* ---- The call ---- */

static sealring_status check(const sealring_client_options *options, const char *code, sealring_error *error)
{
    const size_t length = strnlen(code, CODE_MAX + 1);
    if (options->file == NULL || options->url == NULL)
        return error_set(error, SEALRING_INVALID, "a claim needs a file and the address of the server");
    if (!client_text_valid(code, length, CODE_MAX) || strncmp(code, "claim_", KEY_ID_AT) != 0 ||
        length < KEY_ID_AT + SEALRING_KEY_ID_LENGTH)
        return error_set(error, SEALRING_INVALID, "that is no claim code: it begins with claim_");
    return SEALRING_OK;
}

/* A file that is there is replaced, if it contains a credential. */
static sealring_status begin_saving(struct client_claiming *claiming, sealring_error *error)
{
    char former[SEALRING_CLIENT_TEXT_MAX + 1];
    const char *file = claiming->options->file;
    struct client_mark mark;
    sealring_status status = client_file_read(file, former, &mark, error);
    secret_wipe(former, sizeof former);
    if (status != SEALRING_OK && status != SEALRING_NOT_FOUND)
        return status;
    return client_saving_begin(&claiming->saving, file, status == SEALRING_OK ? file : claiming->key.path, SAVING_SIZE,
                               error);
}

static sealring_client_result run(struct client_claiming *claiming, sealring_error *error)
{
    const sealring_client_options *options = claiming->options;
    if (client_server_parse(options->url, options->ca_file, &claiming->server, error) != SEALRING_OK)
        return SEALRING_CLIENT_FAILED;
    sealring_status status = client_file_lock(options->file, LOCK_WAIT_MS, &claiming->lock, error);
    if (status != SEALRING_OK)
        return status == SEALRING_WAITING ? SEALRING_CLIENT_LATER : SEALRING_CLIENT_UNSAVED;
    if (client_claim_key_open(options->file, &claiming->key, error) != SEALRING_OK ||
        begin_saving(claiming, error) != SEALRING_OK)
        return SEALRING_CLIENT_UNSAVED;
    if (ask(claiming, error) != SEALRING_OK)
        return SEALRING_CLIENT_LATER;
    return claiming->reply->status == 200 ? take(claiming, error) : refuse(claiming, error);
}

sealring_client_result sealring_client_claim(const sealring_client_options *callers, const char *code,
                                             sealring_error *error)
{
    sealring_error own = {.message = ""};
    sealring_client_options options;
    struct client_claiming claiming = {.options = &options, .code = code, .saving.descriptor = -1, .lock = -1};
    sized_take(&options, sizeof options, callers);
    error = error == NULL ? &own : error;
    if (check(&options, code, error) != SEALRING_OK)
        return SEALRING_CLIENT_FAILED;
    claiming.reply = secret_allocate(sizeof *claiming.reply);
    if (claiming.reply == NULL) {
        (void)error_no_memory(error);
        return SEALRING_CLIENT_FAILED;
    }
    sealring_client_result result = run(&claiming, error);
    client_saving_end(&claiming.saving);
    client_claim_key_release(&claiming.key);
    client_server_end(&claiming.server);
    client_file_unlock(&claiming.lock);
    secret_free(claiming.reply, sizeof *claiming.reply);
    return result;
}
