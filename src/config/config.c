/* SPDX-License-Identifier: Apache-2.0 */
/* A vault's configuration, sealring.conf: read, checked, written. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "config/file_trust.h"
#include "registry/connection/filesystem.h"
#include "token/pin/pin_source.h"

#define NUMBER_MOST 4096

enum value_kind {
    VALUE_TEXT,
    VALUE_PATH,
    VALUE_VARIABLE,
    VALUE_NUMBER /* kept as text; 1 to 4096 */,
    VALUE_PIN /* a path, unless it has another form of pin-source */,
    VALUE_LABELS /* one of label_words */
};

/* The keys of sealring.conf. One row per key; sealring.conf(5) documents them in this order. */
static const struct config_key {
    const char *name;
    enum value_kind kind;
    size_t offset;
    size_t size;
    bool required;
} config_keys[] = {
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
    {"vault", VALUE_TEXT, offsetof(struct config, place), PATH_MAX, false},
    {"vault-inode", VALUE_TEXT, offsetof(struct config, place_inode), CONFIG_INODE_SIZE, false},
};
static const size_t config_key_count = sizeof config_keys / sizeof config_keys[0];

static const char *const label_words[] = {
    [TOKEN_LABELS_CHANGE] = "changeable", [TOKEN_LABELS_FIXED] = "fixed", [TOKEN_LABELS_LOST] = "lost"};
static const size_t label_word_count = sizeof label_words / sizeof label_words[0];

static bool is_label_word(const char *value)
{
    for (size_t i = 0; i < label_word_count; i++)
        if (strcmp(value, label_words[i]) == 0)
            return true;
    return false;
}

enum token_labels config_labels(const struct config *config)
{
    for (size_t i = 0; i < label_word_count; i++)
        if (strcmp(config->token_labels, label_words[i]) == 0)
            return (enum token_labels)i;
    return TOKEN_LABELS_CHANGE;
}

void config_set_labels(struct config *config, enum token_labels labels)
{
    snprintf(config->token_labels, sizeof config->token_labels, "%s",
             labels == TOKEN_LABELS_CHANGE ? "" : label_words[labels]);
}

/* Writes DIRECTORY/NAME, or NAME if it is absolute. False if it does not fit. Both may be in the structure that contains path. */
static bool join(char path[PATH_MAX], const char *directory, const char *name)
{
    size_t directory_length = name[0] == '/' ? 0 : strlen(directory);
    size_t name_length = strlen(name);
    size_t slash = directory_length > 0;
    if (directory_length + slash + name_length >= PATH_MAX)
        return false;
    memcpy(path, directory, directory_length);
    path[directory_length] = '/';
    memcpy(path + directory_length + slash, name, name_length + 1);
    return true;
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
    if (config != NULL)
        software_free(config->software);
    free(config);
}

static bool is_variable_name(const char *text, size_t length)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    return length > 0 && strspn(text, allowed) >= length && (text[0] < '0' || text[0] > '9');
}

sealring_status config_add_variable(struct config *config, const char *assignment, sealring_error *error)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || !is_variable_name(assignment, (size_t)(equals - assignment)))
        return error_set(error, SEALRING_INVALID, "module-environment wants NAME=VALUE");
    if (config->environment_count == CONFIG_ENVIRONMENT_MAX)
        return error_set(error, SEALRING_INVALID, "module-environment: more than %d variables", CONFIG_ENVIRONMENT_MAX);
    struct config_variable *variable = &config->environment[config->environment_count];
    size_t name_length = (size_t)(equals - assignment);
    if (name_length >= sizeof variable->name || strlen(equals + 1) >= sizeof variable->value)
        return error_set(error, SEALRING_INVALID, "module-environment: the variable is too long");
    memcpy(variable->name, assignment, name_length);
    variable->name[name_length] = '\0';
    memcpy(variable->value, equals + 1, strlen(equals + 1) + 1);
    config->environment_count++;
    return SEALRING_OK;
}

static const struct config_key *find_key(const char *name)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
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

/* If the line is invalid, problem becomes the reason as a sentence fragment. */
static sealring_status apply_line(struct config *config, char *line, bool seen[], char problem[128])
{
    char *text = trim(line);
    if (text[0] == '\0' || text[0] == '#')
        return SEALRING_OK;
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        snprintf(problem, 128, "is not of the form `key = value`");
        return SEALRING_INVALID;
    }
    *equals = '\0';
    char *value = trim(equals + 1);
    const struct config_key *key = find_key(trim(text));
    if (key == NULL) {
        snprintf(problem, 128, "has an unknown key `%.60s`", trim(text));
        return SEALRING_INVALID;
    }
    size_t index = (size_t)(key - config_keys);
    if (seen[index] && key->kind != VALUE_VARIABLE) {
        snprintf(problem, 128, "repeats the key `%s`", key->name);
        return SEALRING_INVALID;
    }
    seen[index] = true;
    bool fits = true;
    if (key->kind == VALUE_VARIABLE) {
        sealring_error inner;
        if (config_add_variable(config, value, &inner) != SEALRING_OK) {
            snprintf(problem, 128, "is wrong: %.100s", inner.message);
            return SEALRING_INVALID;
        }
    } else if (value[0] == '\0') {
        snprintf(problem, 128, "has no value for `%s`", key->name);
        return SEALRING_INVALID;
    } else if (key->kind == VALUE_NUMBER && !is_number(value)) {
        snprintf(problem, 128, "has a value for `%s` that is no number from 1 to %d", key->name, NUMBER_MOST);
        return SEALRING_INVALID;
    } else if (key->kind == VALUE_LABELS && !is_label_word(value)) {
        snprintf(problem, 128, "has a value for `%s` that is none of: changeable, fixed, lost", key->name);
        return SEALRING_INVALID;
    } else if (key->kind == VALUE_PIN && pin_source_problem(value) != NULL) {
        snprintf(problem, 128, "%s", pin_source_problem(value));
        return SEALRING_INVALID;
    } else if (key->kind == VALUE_PATH || (key->kind == VALUE_PIN && pin_source_of(value) == PIN_SOURCE_FILE)) {
        fits = join((char *)config + key->offset, config->directory, value);
    } else {
        fits = strlen(value) < key->size;
        if (fits)
            memcpy((char *)config + key->offset, value, strlen(value) + 1);
    }
    if (!fits)
        snprintf(problem, 128, "has a value for `%s` that is too long", key->name);
    return fits ? SEALRING_OK : SEALRING_INVALID;
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
    bool seen[sizeof config_keys / sizeof config_keys[0]] = {false};
    char line[PATH_MAX + 256];
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        char problem[128];
        if (strlen(line) == sizeof line - 1)
            return error_set(error, SEALRING_INVALID, "%s: line %u is too long", path, number);
        if (apply_line(config, line, seen, problem) != SEALRING_OK)
            return error_set(error, SEALRING_INVALID, "%s: line %u %s", path, number, problem);
    }
    if (ferror(file))
        return error_set_system(error, errno, "%s cannot be read", path);
    for (size_t i = 0; i < config_key_count; i++)
        if (config_keys[i].required && !seen[i])
            return error_set(error, SEALRING_INVALID, "%s: the key `%s` is missing", path, config_keys[i].name);
    return SEALRING_OK;
}

sealring_status config_load(const char *directory, struct config **loaded, sealring_error *error)
{
    *loaded = NULL;
    struct config *config = NULL;
    FILE *file = NULL;
    char path[PATH_MAX];
    sealring_status status = config_new(directory, &config, error);
    if (status != SEALRING_OK)
        return status;
    if (!join(path, config->directory, CONFIG_FILE)) {
        status = error_set(error, SEALRING_INVALID, "the path of the vault %s is too long", directory);
        goto cleanup;
    }
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

/* Omits the vault's directory from a path inside it, unless the rest would be read as something else. */
static const char *written_value(const struct config *config, const struct config_key *key)
{
    const char *value = (const char *)config + key->offset;
    size_t length = strlen(config->directory);
    if ((key->kind != VALUE_PATH && key->kind != VALUE_PIN) || strncmp(value, config->directory, length) != 0 ||
        value[length] != '/')
        return value;
    const char *rest = value + length + 1;
    bool other = rest[0] == '\0' || strchr("/ \t\r", rest[0]) != NULL ||
                 (key->kind == VALUE_PIN && pin_source_of(rest) != PIN_SOURCE_FILE);
    return other ? value : rest;
}

/* The reader takes one line, and removes blanks around a value. */
static bool can_be_read(const char *value)
{
    size_t length = strlen(value);
    return length == 0 || (strchr(value, '\n') == NULL && strchr(" \t\r", value[length - 1]) == NULL &&
                           strchr(" \t", value[0]) == NULL);
}

static sealring_status check_values(const struct config *config, sealring_error *error)
{
    bool good = true;
    const char *name = "module-environment";
    for (size_t i = 0; good && i < config->environment_count; i++) {
        const char *value = config->environment[i].value;
        size_t length = strlen(value); /* its beginning is safe: the name precedes it */
        good = strchr(value, '\n') == NULL && (length == 0 || strchr(" \t\r", value[length - 1]) == NULL);
    }
    for (size_t i = 0; good && i < config_key_count; i++)
        if (config_keys[i].kind != VALUE_VARIABLE) {
            name = config_keys[i].name;
            good = can_be_read(written_value(config, &config_keys[i]));
        }
    return good ? SEALRING_OK
                : error_set(error, SEALRING_INVALID,
                            "%s/" CONFIG_FILE " cannot hold the value of `%s`: it has a line end, or a blank at an end",
                            config->directory, name);
}

static void print_config(const struct config *config, FILE *file)
{
    fputs("# sealring: where this vault's parts are. See sealring.conf(5). Relative paths start at this directory.\n",
          file);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->kind == VALUE_VARIABLE) {
            for (size_t j = 0; j < config->environment_count; j++)
                fprintf(file, "%s = %s=%s\n", key->name, config->environment[j].name, config->environment[j].value);
            continue;
        }
        const char *value = written_value(config, key);
        if (value[0] != '\0')
            fprintf(file, "%s = %s\n", key->name, value);
    }
}

sealring_status config_write(const struct config *config, sealring_error *error)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    if (!join(path, config->directory, CONFIG_FILE) || !join(temporary, config->directory, CONFIG_FILE ".new"))
        return error_set(error, SEALRING_INVALID, "the path of the vault %s is too long", config->directory);
    sealring_status checked = check_values(config, error);
    if (checked != SEALRING_OK)
        return checked;
    int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file == NULL) {
        sealring_status status = error_set_system(error, errno, "%s cannot be written", temporary);
        if (descriptor >= 0)
            close(descriptor);
        return status;
    }
    print_config(config, file);
    bool written = fflush(file) == 0 && fsync(fileno(file)) == 0;
    int problem = errno;
    written = fclose(file) == 0 && written;
    /* link instead of rename, because it fails if the file exists */
    if (written && link(temporary, path) != 0) {
        problem = errno;
        written = false;
    }
    unlink(temporary);
    if (written)
        return SEALRING_OK;
    if (problem == EEXIST)
        return error_set(error, SEALRING_REFUSED, "%s exists already", path);
    return error_set_system(error, problem, "%s cannot be written", path);
}

/* Checks what is loaded into this process, and what SoftHSM2 reads there. The module's owner is not checked, because the configuration
 * names the module, and its owner is trusted. */
static sealring_status check_module(const struct config *config, sealring_error *error)
{
    sealring_status status = trust_not_writable(config->module, error);
    for (size_t i = 0; i < config->environment_count && status == SEALRING_OK; i++)
        if (strcmp(config->environment[i].name, "SOFTHSM2_CONF") == 0)
            status = trust_file(config->environment[i].value, error);
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
                "the PKCS#11 module wants %s=%s in the environment, and it is %s: set it before the program "
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

sealring_status config_use_pin(struct config *config, const char *source, sealring_pin_callback ask, void *context,
                               sealring_error *error)
{
    config->ask_pin = ask;
    config->ask_context = context;
    if (source == NULL)
        return SEALRING_OK;
    const char *problem = pin_source_problem(source);
    if (problem != NULL)
        return error_set(error, SEALRING_INVALID, "the PIN source %s", problem);
    if (pin_source_of(source) == PIN_SOURCE_FILE && realpath(source, config->pin_source) == NULL)
        return error_set(error, SEALRING_TOKEN, "the PIN file %.200s cannot be found", source);
    if (pin_source_of(source) != PIN_SOURCE_FILE)
        snprintf(config->pin_source, sizeof config->pin_source, "%s", source);
    return SEALRING_OK;
}

void config_token(const struct config *config, struct token_config *token)
{
    memset(token, 0, sizeof *token);
    token->module = config->module;
    token->init_args = config->module_init_args[0] == '\0' ? NULL : config->module_init_args;
    token->uri = config->token;
    token->pin_source = config->pin_source;
    token->ask_pin = config->ask_pin;
    token->ask_context = config->ask_context;
    token->login_record = config->login_record;
    token->login_wait = &config->login_wait;
    software_watch(config->software, &token->watch);
    token->sessions_max = (unsigned)strtoul(config->module_sessions, NULL, 10); /* "": 0, the default */
}

void config_audit_token(const struct config *config, struct token_config *token)
{
    config_token(config, token);
    token->uri = config->audit_token;
    token->pin_source = config->audit_pin_source;
    token->login_record = config->audit_login_record;
    token->login_lock = config->login_record; /* one module, one lock */
    token->without_hmac = true;
    token->sessions_max = 2;
}
