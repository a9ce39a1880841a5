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
#include "base/struct_size.h"
#include "manage/init/claim_directory.h"
#include "manage/session/manager.h"
#include "registry/connection/filesystem.h"
#include "token/object/provision.h"

#define INIT_PIN_LENGTH 22 /* base62 digits: 130 bits */

/* ---- What a vault's path and its module need */

#define SOFTHSM2_LINE 1000 /* of its configuration file, whose reader has 1024 bytes for a line */

/* SoftHSM2 ends a value at the first of these characters (SimpleConfigLoader.cpp), and so opens another directory or none. */
static sealring_status check_place(const char *path, bool software, sealring_error *error)
{
    static const struct {
        char character;
        const char *name;
    } wrong[] = {{'#', "a `#`"}, {'=', "a `=`"}, {'\n', "a line end"}, {'\r', "a carriage return"}};
    for (size_t i = 0; software && i < sizeof wrong / sizeof *wrong; i++)
        if (strchr(path, wrong[i].character) != NULL)
            return error_set(
                error, SEALRING_INVALID,
                "the path of the vault %.200s has %s, which SoftHSM2's configuration file cannot hold: make the "
                "vault in another directory, or give it a token (--module, --token, --pin-source)",
                path, wrong[i].name);
    if (software && strlen(path) > SOFTHSM2_LINE - 50)
        return error_set(
            error, SEALRING_INVALID,
            "the path of the vault %.200s is too long for SoftHSM2's configuration file: make the vault in "
            "another directory, or give it a token (--module, --token, --pin-source)",
            path);
    return SEALRING_OK;
}

sealring_status init_check_vault(const char *vault, bool software, char path[PATH_MAX], sealring_error *error)
{
    sealring_status status = claim_absolute(vault, path, error);
    if (status == SEALRING_OK)
        status = filesystem_check_above(path, error);
    return status == SEALRING_OK ? check_place(path, software, error) : status;
}

#define OWN_VARIABLE_SIZE (PATH_MAX + 64)

/* SoftHSM2's configuration in the vault's directory, as an assignment for the environment. */
static void own_variable(const char *directory, char assignment[OWN_VARIABLE_SIZE])
{
    snprintf(assignment, OWN_VARIABLE_SIZE, "SOFTHSM2_CONF=%s/tokens/softhsm2.conf", directory);
}

sealring_status sealring_init_environment(const char *vault, const sealring_init_options *options,
                                          sealring_environment_callback each, void *context, sealring_error *error)
{
    char path[PATH_MAX], text[OWN_VARIABLE_SIZE];
    const char *const own[] = {text, NULL};
    sealring_init_options asked;
    struct config_variable variable;
    sized_take(&asked, sizeof asked, options);
    sealring_status status = init_check_vault(vault, asked.module == NULL, path, error);
    if (status != SEALRING_OK)
        return status;
    own_variable(path, text);
    const char *const *assignment = asked.module == NULL ? own : asked.module_environment;
    for (; status == SEALRING_OK && assignment != NULL && *assignment != NULL; assignment++) {
        status = config_read_variable(&variable, *assignment, error);
        if (status == SEALRING_OK && each(variable.name, variable.value, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    return status;
}

/* ---- SoftHSM2 tokens of the vault's own */

static sealring_status write_file(const char *path, const char *text, sealring_error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return error_set_system(error, errno, "%s cannot be made", path);
    errno = ENOSPC; /* a short write sets none */
    bool good = write(descriptor, text, strlen(text)) == (ssize_t)strlen(text) && fsync(descriptor) == 0;
    int problem = errno;
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
        status = write_file(path, pin, error);
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
    char directory[PATH_MAX], variable[OWN_VARIABLE_SIZE];
    char text[2 * PATH_MAX];
    sealring_status status = claim_absolute(vault, directory, error); /* as sealring_init_environment names it */
    if (status != SEALRING_OK)
        return status;
    own_variable(directory, variable);
    snprintf(text, sizeof text,
             "# SoftHSM2 for this vault: its keys are in files, for trying and testing, not for production.\n"
             "directories.tokendir = %s/tokens/softhsm2\nobjectstore.backend = file\nlog.level = ERROR\n",
             config->directory);
    status = write_file(strchr(variable, '=') + 1, text, error);
    snprintf(config->module, sizeof config->module, "%s", SOFTHSM2_MODULE);
    if (status == SEALRING_OK)
        status = config_add_variable(config, variable, error);
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

sealring_status init_take_token(const sealring_init_options *options, struct config *config, sealring_error *error)
{
    if (realpath(options->module, config->module) == NULL)
        return error_set(error, SEALRING_TOKEN, "the PKCS#11 module %s cannot be found", options->module);
    sealring_status status = config_use_pin(config, options->pin_source, options->ask_pin, options->ask_context, error);
    snprintf(config->token, sizeof config->token, "%s", options->token_uri);
    if (status == SEALRING_OK && options->audit_token_uri != NULL) {
        status = config_set_pin_source(config->audit_pin_source, options->audit_pin_source, "audit token's ", error);
        snprintf(config->audit_token, sizeof config->audit_token, "%s", options->audit_token_uri);
    }
    if (options->module_init_args != NULL)
        snprintf(config->module_init_args, sizeof config->module_init_args, "%s", options->module_init_args);
    for (size_t i = 0;
         status == SEALRING_OK && options->module_environment != NULL && options->module_environment[i] != NULL; i++)
        status = config_add_variable(config, options->module_environment[i], error);
    return status == SEALRING_OK ? config_check_environment(config, error) : status;
}
