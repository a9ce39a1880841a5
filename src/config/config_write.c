/* SPDX-License-Identifier: Apache-2.0 */
/* Writes sealring.conf, so that it is read as it was meant. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/config_keys.h"
#include "token/pin/pin_source.h"

const char *config_written(const struct config *config, const struct config_key *key)
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

bool config_can_be_read(const char *value)
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
    for (size_t i = 0; good && i < CONFIG_KEYS; i++)
        if (config_keys[i].kind != VALUE_VARIABLE && config_keys[i].kind != VALUE_VKEY) {
            name = config_keys[i].name;
            good = config_can_be_read(config_written(config, &config_keys[i]));
        }
    return good ? SEALRING_OK
                : error_set(error, SEALRING_INVALID,
                            "%s/" CONFIG_FILE " cannot hold the value of `%s`: it has a line end, or a blank at an end",
                            config->directory, name);
}

void config_audit_lines(const struct config *config, char lines[CONFIG_AUDIT_LINES_SIZE])
{
    int length = 0;
    lines[0] = '\0';
    for (const char *line = config->audit_key; *line != '\0';) {
        size_t one = strcspn(line, "\n");
        length +=
            snprintf(lines + length, CONFIG_AUDIT_LINES_SIZE - (size_t)length, "audit-key = %.*s\n", (int)one, line);
        line += one + (line[one] == '\n');
    }
}

static bool print_config(const struct config *config, int file)
{
    bool good = dprintf(file, "# sealring: where this vault's parts are. See sealring.conf(5). Relative paths start at "
                              "this directory.\n") > 0;
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->kind == VALUE_VARIABLE) {
            for (size_t j = 0; good && j < config->environment_count; j++)
                good = dprintf(file, "%s = %s=%s\n", key->name, config->environment[j].name,
                               config->environment[j].value) > 0;
            continue;
        }
        if (key->kind == VALUE_VKEY) {
            char lines[CONFIG_AUDIT_LINES_SIZE];
            config_audit_lines(config, lines);
            good = good && dprintf(file, "%s", lines) >= 0;
            continue;
        }
        const char *value = config_written(config, key);
        if (value[0] != '\0')
            good = good && dprintf(file, "%s = %s\n", key->name, value) > 0;
    }
    return good;
}

sealring_status config_write(const struct config *config, sealring_error *error)
{
    char path[PATH_MAX + 32], temporary[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/" CONFIG_FILE, config->directory);
    snprintf(temporary, sizeof temporary, "%s/" CONFIG_FILE ".new", config->directory);
    sealring_status checked = check_values(config, error);
    if (checked != SEALRING_OK)
        return checked;
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (file < 0)
        return error_set_system(error, errno, "%s cannot be written", temporary);
    /* link instead of rename, because it fails if the file exists */
    bool written = print_config(config, file) && fsync(file) == 0 && link(temporary, path) == 0;
    int problem = errno;
    close(file);
    unlink(temporary);
    if (written)
        return SEALRING_OK;
    if (problem == EEXIST)
        return error_set(error, SEALRING_REFUSED, "%s exists already", path);
    return error_set_system(error, problem, "%s cannot be written", path);
}

sealring_status config_add_audit_key(struct config *config, const char *vkey, sealring_error *error)
{
    char line[NOTE_KEY_TEXT_SIZE + 32];
    struct config *present = NULL;
    sealring_status status = config_load(config->directory, &present, error);
    if (status != SEALRING_OK)
        return status;
    snprintf(line, sizeof line, "\naudit-key = %s\n", vkey);
    if (present->audit_key[0] == '\0')
        status = config_append(config, line, NULL, error);
    else if (strcmp(present->audit_key, vkey) != 0)
        status =
            error_set(error, SEALRING_REFUSED, "%s/" CONFIG_FILE " names another audit-key by now", config->directory);
    config_free(present);
    if (status == SEALRING_OK)
        snprintf(config->audit_key, sizeof config->audit_key, "%s", vkey);
    return status;
}
