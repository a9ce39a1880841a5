/* SPDX-License-Identifier: Apache-2.0 */
/* The SoftHSM2 tokens that `init` made inside a vault, whose files sealring protects. */
#include "config/software_token.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/config.h"
#include "softhsm/folder.h"

#define SOFTWARE_VARIABLE "SOFTHSM2_CONF"

/* The last notice. A thread that finds it in use by another thread skips its own notice. */
enum notice_state { NOTICE_NONE, NOTICE_BUSY, NOTICE_READY };

struct software_tokens {
    struct store store;
    bool hands_off;
    _Atomic(int) notice_state;
    char notice[SOFTWARE_NOTICE_SIZE];
};

/* ---- Which tokens ---- */

static bool is_same_place(const char *one, const char *other)
{
    char one_real[PATH_MAX], other_real[PATH_MAX];
    return realpath(one, one_real) != NULL && realpath(other, other_real) != NULL && strcmp(one_real, other_real) == 0;
}

/* Returns whether SoftHSM2, with this configuration, stores its objects in files in the vault's own directory. */
static bool keeps_files_in(const char *configuration, const char *tokens)
{
    char line[PATH_MAX + 64], value[PATH_MAX + 64];
    bool in = false, files = true;
    FILE *file = fopen(configuration, "re");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, " directories.tokendir = %4095[^\r\n]", value) == 1)
            in = is_same_place(value, tokens);
        if (sscanf(line, " objectstore.backend = %4095[^\r\n]", value) == 1)
            files = strcmp(value, "file") == 0;
    }
    fclose(file);
    return in && files;
}

sealring_status software_find(const struct config *config, struct software_tokens **found, sealring_error *error)
{
    char own[PATH_MAX + 32];
    const char *used = NULL;
    *found = NULL;
    for (size_t i = 0; i < config->environment_count; i++)
        if (strcmp(config->environment[i].name, SOFTWARE_VARIABLE) == 0)
            used = config->environment[i].value;
    snprintf(own, sizeof own, "%s/tokens/softhsm2.conf", config->directory);
    if (used == NULL || !is_same_place(used, own))
        return SEALRING_OK;
    struct software_tokens *tokens = calloc(1, sizeof *tokens);
    if (tokens == NULL)
        return error_no_memory(error);
    int length = snprintf(tokens->store.tokens, PATH_MAX, "%s/tokens/softhsm2", config->directory);
    if (length >= PATH_MAX || !keeps_files_in(own, tokens->store.tokens)) {
        free(tokens);
        return SEALRING_OK;
    }
    snprintf(tokens->store.copies, PATH_MAX, "%.*s/tokens/copies", PATH_MAX - 32, config->directory);
    *found = tokens;
    return SEALRING_OK;
}

void software_hands_off(struct software_tokens *tokens)
{
    if (tokens != NULL)
        tokens->hands_off = true;
}

bool software_may_write(const struct software_tokens *tokens)
{
    return tokens != NULL && !tokens->hands_off;
}

/* SoftHSM2 derives the serial number from the folder's UUID: its fourth and fifth groups of digits (ObjectStore.cpp). */
static bool has_serial(const char *folder, const char *serial)
{
    return strlen(folder) == 36 && strncmp(folder + 19, serial, 4) == 0 && strncmp(folder + 24, serial + 4, 12) == 0;
}

bool software_folder(const struct software_tokens *tokens, const char *uri, char folder[SOFTWARE_FOLDER_SIZE])
{
    const char *serial = strstr(uri, "serial=");
    bool found = false;
    if (serial == NULL)
        return false;
    serial += strlen("serial=");
    struct folder tokens_of = folder_open(tokens->store.tokens, S_IFDIR);
    for (const char *name; (name = folder_next(&tokens_of)) != NULL;)
        if (!found && strspn(serial, "0123456789abcdef") == 16 && has_serial(name, serial)) {
            memcpy(folder, name, strlen(name) + 1);
            found = true;
        }
    return found;
}

const struct store *software_store(const struct software_tokens *tokens)
{
    return &tokens->store;
}

/* ---- Around a login ---- */

static void notice(struct software_tokens *tokens, const struct store_outcome *outcome)
{
    bool unsafe = outcome->problem[0] != '\0';
    int state = atomic_load(&tokens->notice_state);
    if ((!unsafe && !outcome->restored) || state == NOTICE_BUSY ||
        !atomic_compare_exchange_strong(&tokens->notice_state, &state, NOTICE_BUSY))
        return;
    snprintf(tokens->notice, sizeof tokens->notice,
             unsafe ? "ALARM: a software token's file is not safe: %s"
                    : "ALARM: %s was damaged, and was restored from its copy",
             unsafe ? outcome->problem : outcome->what);
    atomic_store(&tokens->notice_state, NOTICE_READY);
}

static void check_files(struct software_tokens *tokens, bool keep)
{
    struct store_outcome outcome;
    if (tokens->hands_off)
        return;
    store_mend(&tokens->store, keep, &outcome);
    notice(tokens, &outcome);
}

static void before_login(void *context)
{
    check_files(context, false);
}

static void after_login(void *context)
{
    check_files(context, true);
}

void software_watch(struct software_tokens *tokens, struct token_watch *watch)
{
    if (tokens != NULL)
        *watch = (struct token_watch){before_login, after_login, tokens};
}

sealring_status software_secure(struct software_tokens *tokens, sealring_error *error)
{
    struct store_outcome outcome;
    int problem = store_sync(&tokens->store);
    if (problem != 0)
        return error_set_system(error, problem, "the software tokens in %s cannot be written to disk",
                                tokens->store.tokens);
    store_mend(&tokens->store, true, &outcome);
    if (outcome.problem[0] != '\0')
        return error_set(error, SEALRING_SYSTEM, "the software tokens cannot be copied to %s: %s", tokens->store.copies,
                         outcome.problem);
    return SEALRING_OK;
}

static void take_damaged(const char *token, const char *file, enum store_state state, void *context)
{
    char *path = context;
    if (state == STORE_DAMAGED && path[0] == '\0')
        snprintf(path, PATH_MAX, "%.64s/%.64s", token, file);
}

void software_explain(const struct software_tokens *tokens, sealring_error *error)
{
    char file[PATH_MAX] = "";
    if (tokens == NULL || !tokens->hands_off || !store_examine(&tokens->store, take_damaged, file) || file[0] == '\0')
        return;
    error_set_token(
        error, error != NULL ? error->token_code : 0,
        "%s/%s is damaged or missing, and nothing is restored now; `sealring doctor --repair`, or any command that uses "
        "the token, restores it from its copy",
        tokens->store.tokens, file);
}

bool software_notice(struct software_tokens *tokens, char text[SOFTWARE_NOTICE_SIZE])
{
    int state = NOTICE_READY;
    if (tokens == NULL || !atomic_compare_exchange_strong(&tokens->notice_state, &state, NOTICE_BUSY))
        return false;
    memcpy(text, tokens->notice, sizeof tokens->notice);
    atomic_store(&tokens->notice_state, NOTICE_NONE);
    return true;
}
