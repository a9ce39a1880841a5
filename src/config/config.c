/* SPDX-License-Identifier: Apache-2.0 */
/* A vault's configuration, sealring.conf: read and checked. */
#include "config/config_keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "config/file_trust.h"
#include "registry/connection/filesystem.h"
#include "token/pin/pin_source.h"

#define NUMBER_MOST 4096

/* sealring.conf(5) documents them in this order. */
const struct config_key config_keys[CONFIG_KEYS] = {
    {"registry", VALUE_PATH, offsetof(struct config, registry), PATH_MAX, true},
    {"module", VALUE_PATH, offsetof(struct config, module), PATH_MAX, true},
    {"module-init-args", VALUE_TEXT, offsetof(struct config, module_init_args), CONFIG_TEXT_SIZE, false},
    {"module-environment", VALUE_VARIABLE, 0, 0, false},
    {"module-sessions", VALUE_NUMBER, offsetof(struct config, module_sessions), CONFIG_NUMBER_SIZE, false},
    {"token", VALUE_TEXT, offsetof(struct config, token), CONFIG_TEXT_SIZE, true},
    {"token-labels", VALUE_LABELS, offsetof(struct config, token_labels), CONFIG_WORD_SIZE, false},
    {"pin-source", VALUE_PIN, offsetof(struct config, pin_source), PATH_MAX, true},
    {"audit-token", VALUE_TEXT, offsetof(struct config, audit_token), CONFIG_TEXT_SIZE, false},
    {"audit-pin-source", VALUE_PIN, offsetof(struct config, audit_pin_source), PATH_MAX, false},
    {"audit-key", VALUE_VKEY, offsetof(struct config, audit_key), AUDIT_KEYS_TEXT_SIZE, false},
    {"vault", VALUE_TEXT, offsetof(struct config, place), PATH_MAX, false},
    {"vault-inode", VALUE_TEXT, offsetof(struct config, place_inode), CONFIG_INODE_SIZE, false},
    {"verifier-group", VALUE_TEXT, offsetof(struct config, verifier_group), CONFIG_GROUP_SIZE, false},
    {"hooks", VALUE_PATH, offsetof(struct config, hooks), PATH_MAX, false},
    {"deliveries", VALUE_PATH, offsetof(struct config, deliveries), PATH_MAX, false},
    {"notice-hooks", VALUE_PATH, offsetof(struct config, notify.hooks), PATH_MAX, false},
    {"mail-server", VALUE_TEXT, offsetof(struct config, notify.mail_server), CONFIG_TEXT_SIZE, false},
    {"mail-from", VALUE_TEXT, offsetof(struct config, notify.mail_from), CONFIG_TEXT_SIZE, false},
    {"mail-user", VALUE_TEXT, offsetof(struct config, notify.mail_user), CONFIG_TEXT_SIZE, false},
    {"mail-password-file", VALUE_PATH, offsetof(struct config, notify.mail_password_file), PATH_MAX, false},
    {"mail-ca", VALUE_PATH, offsetof(struct config, notify.mail_ca), PATH_MAX, false},
    {"webhook-ring", VALUE_TEXT, offsetof(struct config, notify.webhook_ring), CONFIG_GROUP_SIZE + 1, false},
    {"webhook-private-addresses", VALUE_YES, offsetof(struct config, notify.webhook_private), CONFIG_WORD_SIZE, false},
    {"webhook-ca", VALUE_PATH, offsetof(struct config, notify.webhook_ca), PATH_MAX, false},
};

static const char *const label_words[] = {
    [TOKEN_LABELS_CHANGE] = "changeable", [TOKEN_LABELS_FIXED] = "fixed", [TOKEN_LABELS_LOST] = "lost"};
#define LABEL_WORDS (sizeof label_words / sizeof label_words[0])

/* LABEL_WORDS: it is no such word. */
static size_t find_label_word(const char *value)
{
    size_t i = 0;
    while (i < LABEL_WORDS && strcmp(value, label_words[i]) != 0)
        i++;
    return i;
}

enum token_labels config_labels(const struct config *config)
{
    size_t found = find_label_word(config->token_labels);
    return found < LABEL_WORDS ? (enum token_labels)found : TOKEN_LABELS_CHANGE;
}

void config_set_labels(struct config *config, enum token_labels labels)
{
    snprintf(config->token_labels, sizeof config->token_labels, "%s",
             labels == TOKEN_LABELS_CHANGE ? "" : label_words[labels]);
}

/* Writes DIRECTORY/NAME, or NAME if it is absolute. False if it does not fit. */
static bool join(char path[PATH_MAX], const char *directory, const char *name)
{
    bool absolute = name[0] == '/';
    return snprintf(path, PATH_MAX, "%s%s%s", absolute ? "" : directory, absolute ? "" : "/", name) < PATH_MAX;
}

sealring_status config_new(const char *directory, struct config **made, sealring_error *error)
{
    *made = NULL;
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return error_no_memory(error);
    if (realpath(directory, config->directory) == NULL) {
        int problem = errno;
        free(config);
        if (problem == ENOENT || problem == ENOTDIR)
            return error_set(error, SEALRING_NOT_FOUND,
                             "there is no vault at %s: name another with --vault, or make one with `sealring init`",
                             directory);
        return error_set_system(error, problem, "the vault's directory %s cannot be reached", directory);
    }
    if (!join(config->lock, config->directory, "vault.lock") || !join(config->work, config->directory, "vault.work") ||
        !join(config->urgent, config->directory, "vault.urgent") ||
        !join(config->unsigned_notes, config->directory, "vault.unsigned") ||
        !join(config->eras, config->directory, "vault.eras") ||
        !join(config->verifiers, config->directory, "verifiers") ||
        !join(config->bell, config->directory, "vault.bell") ||
        !join(config->reports_bell, config->directory, "verifiers/reports.bell") ||
        !join(config->registry, config->directory, "registry/sealring.db") ||
        !join(config->login_record, config->directory, "login/keys.login") ||
        !join(config->audit_login_record, config->directory, "login/audit.login")) {
        sealring_status status = error_set(error, SEALRING_INVALID, "the path of the vault %s is too long", directory);
        free(config);
        return status;
    }
    *made = config;
    return SEALRING_OK;
}

void config_free(struct config *config)
{
    if (config != NULL) {
        free(config->software);
        pin_free(&config->pin);
    }
    free(config);
}

static bool is_variable_name(const char *text, size_t length)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    return length > 0 && strspn(text, allowed) >= length && (text[0] < '0' || text[0] > '9');
}

sealring_status config_read_variable(struct config_variable *variable, const char *assignment, sealring_error *error)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || !is_variable_name(assignment, (size_t)(equals - assignment)))
        return error_set(error, SEALRING_INVALID, "module-environment wants NAME=VALUE");
    size_t name_length = (size_t)(equals - assignment);
    if (name_length >= sizeof variable->name || strlen(equals + 1) >= sizeof variable->value)
        return error_set(error, SEALRING_INVALID, "module-environment: the variable is too long");
    memcpy(variable->name, assignment, name_length);
    variable->name[name_length] = '\0';
    memcpy(variable->value, equals + 1, strlen(equals + 1) + 1);
    return SEALRING_OK;
}

sealring_status config_add_variable(struct config *config, const char *assignment, sealring_error *error)
{
    if (config->environment_count == CONFIG_ENVIRONMENT_MAX)
        return error_set(error, SEALRING_INVALID, "module-environment: more than %d variables", CONFIG_ENVIRONMENT_MAX);
    sealring_status status = config_read_variable(&config->environment[config->environment_count], assignment, error);
    config->environment_count += status == SEALRING_OK;
    return status;
}

static bool is_number(const char *text)
{
    size_t length = strlen(text);
    return length < CONFIG_NUMBER_SIZE && strspn(text, "0123456789") == length && strtoul(text, NULL, 10) >= 1 &&
           strtoul(text, NULL, 10) <= NUMBER_MOST;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

#define PROBLEM_SIZE 128

/* Writes why a line is invalid, as a sentence fragment. Returns false. */
__attribute__((format(printf, 2, 3))) static bool invalid(char problem[PROBLEM_SIZE], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem, PROBLEM_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* After those that there are. Whether the last one has no end is checked when all are read. */
static bool add_audit_key(struct config *config, const char *value, char problem[PROBLEM_SIZE])
{
    struct audit_keys keys;
    size_t length = strlen(config->audit_key);
    (void)audit_keys_parse(config->audit_key, &keys, NULL);
    const char *wrong = audit_keys_take(&keys, value);
    if (wrong != NULL)
        return invalid(problem, "has a value for `audit-key` that %s", wrong);
    snprintf(config->audit_key + length, sizeof config->audit_key - length, "%s%s", length > 0 ? "\n" : "", value);
    return true;
}

static bool apply_value(struct config *config, const struct config_key *key, const char *value,
                        char problem[PROBLEM_SIZE])
{
    char *place = (char *)config + key->offset;
    sealring_error inner;
    if (key->kind == VALUE_VARIABLE)
        return config_add_variable(config, value, &inner) == SEALRING_OK ||
               invalid(problem, "is wrong: %.100s", inner.message);
    if (value[0] == '\0')
        return invalid(problem, "has no value for `%s`", key->name);
    if (key->kind == VALUE_NUMBER && !is_number(value))
        return invalid(problem, "has a value for `%s` that is no number from 1 to %d", key->name, NUMBER_MOST);
    if (key->kind == VALUE_LABELS && find_label_word(value) == LABEL_WORDS)
        return invalid(problem, "has a value for `%s` other than changeable, fixed, lost", key->name);
    if (key->kind == VALUE_YES && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return invalid(problem, "has a value for `%s` other than yes, no", key->name);
    if (key->kind == VALUE_VKEY)
        return add_audit_key(config, value, problem);
    if (key->kind == VALUE_PIN && pin_source_problem(value) != NULL)
        return invalid(problem, "%s", pin_source_problem(value));
    bool path = key->kind == VALUE_PATH || (key->kind == VALUE_PIN && pin_source_of(value) == PIN_SOURCE_FILE);
    bool fits = path ? join(place, config->directory, value) : strlen(value) < key->size;
    if (fits && !path)
        memcpy(place, value, strlen(value) + 1);
    return fits || invalid(problem, "has a value for `%s` that is too long", key->name);
}

static bool apply_line(struct config *config, char *line, bool seen[], char problem[PROBLEM_SIZE])
{
    char *text = trim(line);
    if (text[0] == '\0' || text[0] == '#')
        return true;
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return invalid(problem, "is not of the form `key = value`");
    *equals = '\0';
    const char *name = trim(text);
    size_t index = 0;
    while (index < CONFIG_KEYS && strcmp(config_keys[index].name, name) != 0)
        index++;
    if (index == CONFIG_KEYS)
        return invalid(problem, "has an unknown key `%.60s`", name);
    const struct config_key *key = &config_keys[index];
    if (seen[index] && key->kind != VALUE_VARIABLE && key->kind != VALUE_VKEY)
        return invalid(problem, "repeats the key `%s`", key->name);
    seen[index] = true;
    return apply_value(config, key, trim(equals + 1), problem);
}

/* The configuration names the module that is loaded into this process, so whoever can write it can run code as its reader. */
static sealring_status check_owner(const struct stat *file, const char *path, sealring_error *error)
{
    if ((file->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(error, SEALRING_INVALID, "%s can be written by its group or by others: chmod go-w it", path);
    return trust_owner(file, path, error);
}

static sealring_status check_trust(int descriptor, const char *path, sealring_error *error)
{
    struct stat file;
    if (fstat(descriptor, &file) != 0)
        return error_set_system(error, errno, "%s cannot be examined", path);
    if (!S_ISREG(file.st_mode))
        return error_set(error, SEALRING_INVALID, "%s is no regular file", path);
    return check_owner(&file, path, error);
}

sealring_status config_check_directory(const char *path, sealring_error *error)
{
    struct stat directory;
    if (stat(path, &directory) != 0)
        return error_set_system(error, errno, "the vault's directory %s cannot be examined", path);
    return check_owner(&directory, path, error);
}

static sealring_status read_lines(struct config *config, FILE *file, const char *path, sealring_error *error)
{
    bool seen[CONFIG_KEYS] = {false};
    char line[PATH_MAX + 256];
    struct audit_keys keys;
    const char *wrong;
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        char problem[PROBLEM_SIZE];
        if (strlen(line) == sizeof line - 1)
            return error_set(error, SEALRING_INVALID, "%s: line %u is too long", path, number);
        if (!apply_line(config, line, seen, problem))
            return error_set(error, SEALRING_INVALID, "%s: line %u %s", path, number, problem);
    }
    if (ferror(file))
        return error_set_system(error, errno, "%s cannot be read", path);
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        if (config_keys[i].required && !seen[i])
            return error_set(error, SEALRING_INVALID, "%s: the key `%s` is missing", path, config_keys[i].name);
    if (!audit_keys_parse(config->audit_key, &keys, &wrong))
        return error_set(error, SEALRING_INVALID, "%s: one of the lines `audit-key` %s", path, wrong);
    return SEALRING_OK;
}

sealring_status config_load(const char *directory, struct config **loaded, sealring_error *error)
{
    *loaded = NULL;
    struct config *config = NULL;
    FILE *file = NULL;
    char path[PATH_MAX + 32];
    sealring_status status = config_new(directory, &config, error);
    if (status != SEALRING_OK)
        return status;
    snprintf(path, sizeof path, "%s/" CONFIG_FILE, config->directory);
    file = fopen(path, "re");
    if (file == NULL && (errno == ENOENT || errno == ENOTDIR)) {
        status = error_set(error, SEALRING_NOT_FOUND,
                           "%s is no vault (it has no %s): name another with --vault, or make one with `sealring init`",
                           directory, CONFIG_FILE);
        goto cleanup;
    }
    if (file == NULL) {
        status = error_set_system(error, errno, "%s cannot be opened", path);
        goto cleanup;
    }
    status = check_trust(fileno(file), path, error);
    if (status == SEALRING_OK)
        status = config_check_directory(config->directory, error);
    if (status == SEALRING_OK)
        status = trust_way(config->directory, error);
    if (status == SEALRING_OK)
        status = read_lines(config, file, path, error);
    if (status == SEALRING_OK)
        status = software_find(config, &config->software, error);
    if (status == SEALRING_OK) {
        *loaded = config;
        config = NULL;
    }
cleanup:
    if (file != NULL)
        fclose(file);
    config_free(config);
    return status;
}

/* Checks what is loaded into this process, and what SoftHSM2 reads there. The module's owner is not checked, because the configuration
 * names the module, and its owner is trusted. */
static sealring_status check_module(const struct config *config, sealring_error *error)
{
    sealring_status status = trust_file(config->module, false, error);
    for (size_t i = 0; i < config->environment_count && status == SEALRING_OK; i++)
        if (strcmp(config->environment[i].name, "SOFTHSM2_CONF") == 0)
            status = trust_file(config->environment[i].value, true, error);
    return status;
}

sealring_status config_check_environment(const struct config *config, sealring_error *error)
{
    for (size_t i = 0; i < config->environment_count; i++) {
        const struct config_variable *variable = &config->environment[i];
        const char *value = getenv(variable->name);
        if (value == NULL || strcmp(value, variable->value) != 0)
            return error_set(
                error, SEALRING_INVALID,
                "the PKCS#11 module needs %s=%s in the environment, and it is %s: set it before the program "
                "starts its threads (see sealring_environment in <sealring/manage.h>)",
                variable->name, variable->value, value == NULL ? "not set" : "set to something else");
    }
    return check_module(config, error);
}

sealring_status config_check_places(const struct config *config, sealring_error *error)
{
    const char *const places[] = {config->directory, config->verifiers, config->login_record, config->registry};
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < sizeof places / sizeof places[0]; i++)
        status = filesystem_check_above(places[i], error);
    if (status == SEALRING_OK)
        status = config_check_mounts(config, error);
    return status == SEALRING_OK ? config_check_copy(config, error) : status;
}

struct token_config config_token(const struct config *config)
{
    struct token_config token = {
        .module = config->module,
        .init_args = config->module_init_args[0] == '\0' ? NULL : config->module_init_args,
        .uri = config->token,
        .pin_source = config->pin_source,
        .pin = config->pin.bytes != NULL ? &config->pin : NULL,
        .ask_pin = config->ask_pin,
        .ask_context = config->ask_context,
        .login_record = config->login_record,
        .login_wait = &config->login_wait,
        .sessions_max = (unsigned)strtoul(config->module_sessions, NULL, 10), /* "": 0, the default */
    };
    software_watch(config->software, &token.watch);
    return token;
}

struct token_config config_audit_token(const struct config *config)
{
    struct token_config token = config_token(config);
    token.uri = config->audit_token;
    token.pin_source = config->audit_pin_source;
    token.pin = NULL;
    token.login_record = config->audit_login_record;
    token.login_lock = config->login_record; /* one module, one lock */
    token.without_hmac = true;
    token.sessions_max = 2;
    return token;
}
