/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a new vault: SoftHSM2 tokens of its own, with their PINs, or tokens that the operator names. */
#include "manage/init/init_tokens.h"

#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/secret.h"
#include "manage/init/claim_directory.h"
#include "manage/session/manager.h"
#include "token/object/provision.h"
#include "token/pin/pin_source.h"

#define INIT_PIN_LENGTH 22 /* base62 digits: 130 bits */

/* ---- SoftHSM2 tokens of the vault's own */

static sealring_status write_file(const char *path, const char *text, mode_t mode, sealring_error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0)
        return error_set_system(error, errno, "%s cannot be made", path);
    size_t length = strlen(text);
    ssize_t written = write(descriptor, text, length);
    bool good = written >= 0 && (size_t)written == length;
    int problem = good ? 0 : written >= 0 ? ENOSPC : errno;
    if (good && fsync(descriptor) != 0) {
        good = false;
        problem = errno;
    }
    good = close(descriptor) == 0 && good;
    return good ? SEALRING_OK : error_set_system(error, problem, "%s cannot be written", path);
}

static sealring_status make_pin(const char *path, char pin[INIT_PIN_LENGTH + 2], sealring_error *error)
{
    uint8_t random[4 * INIT_PIN_LENGTH];
    sealring_status status = manager_random(random, sizeof random, error);
    if (status != SEALRING_OK)
        return status;
    if (base62_from_random(random, sizeof random, pin, INIT_PIN_LENGTH) < INIT_PIN_LENGTH)
        status = error_set(error, SEALRING_SYSTEM, "OpenSSL's random generator gives no random bytes");
    pin[INIT_PIN_LENGTH] = '\n';
    pin[INIT_PIN_LENGTH + 1] = '\0';
    if (status == SEALRING_OK)
        status = write_file(path, pin, 0600, error);
    pin[INIT_PIN_LENGTH] = '\0';
    secret_wipe(random, sizeof random);
    return status;
}

/* purpose: "keys" or "audit". Fills uri and pin_source of the configuration. */
static sealring_status make_token(const char *module, const char *directory, const char *purpose,
                                  char uri[CONFIG_TEXT_SIZE], char pin_source[PATH_MAX], sealring_error *error)
{
    enum { PIN_SIZE = INIT_PIN_LENGTH + 2 };
    char so_path[PATH_MAX + 32];
    char label[33];
    char serial[PROVISION_SERIAL_SIZE];
    char *pins = secret_allocate(2 * PIN_SIZE);
    if (pins == NULL)
        return error_no_memory(error);
    int length = snprintf(pin_source, PATH_MAX, "%s/pins/%s.pin", directory, purpose);
    sealring_status status =
        length < PATH_MAX ? SEALRING_OK : error_set(error, SEALRING_INVALID, "the path is too long");
    snprintf(so_path, sizeof so_path, "%s/pins/%s.so-pin", directory, purpose);
    snprintf(label, sizeof label, "sealring-%s", purpose);
    if (status == SEALRING_OK)
        status = make_pin(pin_source, pins, error);
    if (status == SEALRING_OK)
        status = make_pin(so_path, pins + PIN_SIZE, error);
    if (status == SEALRING_OK)
        status = provision_token(module, NULL, label, pins + PIN_SIZE, pins, serial, error);
    if (status == SEALRING_OK)
        snprintf(uri, CONFIG_TEXT_SIZE, "pkcs11:token=%s;serial=%s", label, serial);
    secret_free(pins, 2 * PIN_SIZE);
    return status;
}

sealring_status init_make_tokens(const char *vault, struct config *config, sealring_error *error)
{
    char directory[PATH_MAX];
    char path[PATH_MAX + 32];
    char text[2 * PATH_MAX];
    sealring_status status = claim_absolute(vault, directory, error); /* as sealring_init_environment names it */
    if (status != SEALRING_OK)
        return status;
    snprintf(path, sizeof path, "%s/tokens/softhsm2.conf", directory);
    snprintf(text, sizeof text,
             "# SoftHSM2 for this vault: its keys are in files, for trying and testing, not for production.\n"
             "directories.tokendir = %s/tokens/softhsm2\nobjectstore.backend = file\nlog.level = ERROR\n",
             config->directory);
    status = write_file(path, text, 0600, error);
    snprintf(config->module, sizeof config->module, "%s", SOFTHSM2_MODULE);
    snprintf(text, sizeof text, "SOFTHSM2_CONF=%s", path);
    if (status == SEALRING_OK)
        status = config_add_variable(config, text, error);
    if (status == SEALRING_OK && access(config->module, R_OK) != 0)
        status =
            error_set(error, SEALRING_TOKEN,
                      "SoftHSM2's module %s is missing: install it (Debian: softhsm2), or name a token with --module, "
                      "--token and --pin-source",
                      config->module);
    if (status == SEALRING_OK)
        status = config_check_environment(config, error);
    if (status == SEALRING_OK)
        status = make_token(config->module, config->directory, "keys", config->token, config->pin_source, error);
    if (status == SEALRING_OK)
        status = make_token(config->module, config->directory, "audit", config->audit_token, config->audit_pin_source,
                            error);
    return status;
}

static sealring_status take_audit_pin(struct config *config, const char *source, sealring_error *error)
{
    const char *problem = pin_source_problem(source);
    if (problem != NULL)
        return error_set(error, SEALRING_INVALID, "the audit token's PIN source %s", problem);
    if (pin_source_of(source) == PIN_SOURCE_FILE && realpath(source, config->audit_pin_source) == NULL)
        return error_set(error, SEALRING_TOKEN, "the audit token's PIN file %s cannot be found", source);
    if (pin_source_of(source) != PIN_SOURCE_FILE)
        snprintf(config->audit_pin_source, sizeof config->audit_pin_source, "%s", source);
    return SEALRING_OK;
}

sealring_status init_take_token(const sealring_init_options *options, struct config *config, sealring_error *error)
{
    if (realpath(options->module, config->module) == NULL)
        return error_set(error, SEALRING_TOKEN, "the PKCS#11 module %s cannot be found", options->module);
    sealring_status status = config_use_pin(config, options->pin_source, options->ask_pin, options->ask_context, error);
    if (status != SEALRING_OK)
        return status;
    snprintf(config->token, sizeof config->token, "%s", options->token_uri);
    if (options->audit_token_uri != NULL) {
        status = take_audit_pin(config, options->audit_pin_source, error);
        if (status != SEALRING_OK)
            return status;
        snprintf(config->audit_token, sizeof config->audit_token, "%s", options->audit_token_uri);
    }
    if (options->module_init_args != NULL)
        snprintf(config->module_init_args, sizeof config->module_init_args, "%s", options->module_init_args);
    for (size_t i = 0;
         status == SEALRING_OK && options->module_environment != NULL && options->module_environment[i] != NULL; i++)
        status = config_add_variable(config, options->module_environment[i], error);
    return status == SEALRING_OK ? config_check_environment(config, error) : status;
}
