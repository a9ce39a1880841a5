/* SPDX-License-Identifier: Apache-2.0 */
/* Making a vault: its directories, its tokens or the probe of a given one, its registry, its configuration. */
#include <config.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/sized.h"
#include "token/key.h"
#include "token/provision.h"
#include "vault/config.h"
#include "vault/manager.h"

#define INIT_LEASE_MS   60000
#define INIT_LEASE_MIN  1000
#define INIT_LEASE_MAX  3600000
#define INIT_REFRESH_MS 200
#define INIT_PIN_LENGTH 22 /* base62 digits: 130 bits */

struct init {
    const char *vault;
    const sealring_init_options *options;
    bool software; /* the vault makes its own SoftHSM2 tokens */
    struct config *config;
    struct token_abilities abilities;
    char audit_key[REGISTRY_VKEY_SIZE]; /* "": no audit token */
    uint8_t vault_id[REGISTRY_ID_SIZE];
    uint8_t operation_id[REGISTRY_ID_SIZE];
};

/* ---- what it will want of the environment */

static sealring_status absolute(const char *directory, char path[PATH_MAX], sealring_error *error)
{
    char here[PATH_MAX];
    int length;
    if (directory[0] == '/')
        length = snprintf(path, PATH_MAX, "%s", directory);
    else if (getcwd(here, sizeof here) == NULL)
        return error_set_system(error, errno, "the current directory cannot be told");
    else
        length = snprintf(path, PATH_MAX, "%s/%s", here, directory);
    if (length <= 0 || length >= PATH_MAX - 64)
        return error_set(error, SEALRING_INVALID, "the path of the vault is empty or too long");
    return SEALRING_OK;
}

sealring_status sealring_init_environment(const char *vault, const sealring_init_options *options,
                                          sealring_environment_callback each, void *context, sealring_error *error)
{
    char path[PATH_MAX];
    char value[PATH_MAX + 32];
    sealring_status status = absolute(vault, path, error);
    if (status != SEALRING_OK)
        return status;
    sealring_init_options asked;
    sized_take(&asked, sizeof asked, options);
    options = &asked;
    if (options->module == NULL) {
        snprintf(value, sizeof value, "%s/tokens/softhsm2.conf", path);
        return each("SOFTHSM2_CONF", value, context) == 0
                   ? SEALRING_OK
                   : error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    for (size_t i = 0; options->module_environment != NULL && options->module_environment[i] != NULL; i++) {
        const char *assignment = options->module_environment[i];
        const char *equals = strchr(assignment, '=');
        char name[128];
        if (equals == NULL || equals == assignment || (size_t)(equals - assignment) >= sizeof name)
            return error_set(error, SEALRING_INVALID, "module-environment wants NAME=VALUE");
        snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
        if (each(name, equals + 1, context) != 0)
            return error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    return SEALRING_OK;
}

/* ---- options */

static bool is_one_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            return false;
    return true;
}

static sealring_status check_options(const sealring_init_options *options, sealring_error *error)
{
    if (options->lease != 0 && (options->lease < INIT_LEASE_MIN || options->lease > INIT_LEASE_MAX))
        return error_set(
            error, SEALRING_INVALID,
            "the lease must be 1s to 1h: for so long a verifier may go on that cannot look at the registry");
    if (options->module == NULL) {
        if (options->token_uri != NULL || options->pin_source != NULL || options->module_init_args != NULL ||
            options->module_environment != NULL || options->audit_token_uri != NULL ||
            options->audit_pin_source != NULL)
            return error_set(error, SEALRING_INVALID,
                             "a token of yours is told by module, token and PIN source together; "
                             "without a module the vault makes its own SoftHSM2 tokens");
        return SEALRING_OK;
    }
    if (options->token_uri == NULL || options->pin_source == NULL)
        return error_set(error, SEALRING_INVALID, "with a module, the token's URI and the PIN source are wanted too");
    if ((options->audit_token_uri == NULL) != (options->audit_pin_source == NULL))
        return error_set(error, SEALRING_INVALID, "the audit token is told by its URI and its PIN source together");
    const char *const texts[] = {options->module,
                                 options->token_uri,
                                 options->pin_source,
                                 options->module_init_args == NULL ? "" : options->module_init_args,
                                 options->audit_token_uri == NULL ? "" : options->audit_token_uri,
                                 options->audit_pin_source == NULL ? "" : options->audit_pin_source};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!is_one_line(texts[i]) || strlen(texts[i]) >= CONFIG_TEXT_SIZE)
            return error_set(error, SEALRING_INVALID, "an option of init has a control character or is too long");
    for (size_t i = 0; options->module_environment != NULL && options->module_environment[i] != NULL; i++)
        if (!is_one_line(options->module_environment[i]))
            return error_set(error, SEALRING_INVALID, "a variable of the module's environment has a control character");
    return SEALRING_OK;
}

/* ---- directories */

static sealring_status make_parents(char *path, sealring_error *error)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0755) != 0 && errno != EEXIST;
        int problem = errno;
        *slash = '/';
        if (failed)
            return error_set_system(error, problem, "the directories above %s cannot be made", path);
    }
    return SEALRING_OK;
}

static sealring_status refuse_unless_empty(const char *path, sealring_error *error)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return error_set_system(error, errno, "%s cannot be read", path);
    bool vault = false;
    bool lock = false;
    bool empty = true;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        empty = false;
        vault = vault || strcmp(entry->d_name, CONFIG_FILE) == 0;
        lock = lock || strcmp(entry->d_name, "vault.lock") == 0;
    }
    closedir(directory);
    if (empty)
        return SEALRING_OK;
    if (vault)
        return error_set(error, SEALRING_REFUSED, "there is a vault in %s already", path);
    if (lock)
        return error_set(
            error, SEALRING_REFUSED,
            "in %s another command is making a vault, or one was interrupted there: if none is running, remove the "
            "directory and repeat",
            path);
    return error_set(error, SEALRING_REFUSED, "%s is not empty", path);
}

/* The directory must be missing or empty; vault.lock, made exclusively, tells two inits at once apart. */
static sealring_status claim_directory(const struct init *init, bool *made, sealring_error *error)
{
    char path[PATH_MAX];
    char lock[PATH_MAX + 16];
    *made = false;
    sealring_status status = absolute(init->vault, path, error);
    if (status == SEALRING_OK)
        status = make_parents(path, error);
    if (status != SEALRING_OK)
        return status;
    if (mkdir(path, 0750) == 0)
        *made = true;
    else if (errno != EEXIST)
        return error_set_system(error, errno, "%s cannot be made", path);
    else
        status = refuse_unless_empty(path, error);
    if (status == SEALRING_OK)
        status = config_check_directory(path, error);
    if (status != SEALRING_OK)
        return status;
    snprintf(lock, sizeof lock, "%s/vault.lock", path);
    int descriptor = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (descriptor < 0 && errno == EEXIST)
        return error_set(error, SEALRING_REFUSED, "another command is making a vault in %s", path);
    if (descriptor < 0) {
        status = error_set_system(error, errno, "%s cannot be made", lock);
        if (*made)
            rmdir(path);
        return status;
    }
    close(descriptor);
    return SEALRING_OK;
}

static sealring_status make_directory(const struct init *init, const char *name, mode_t mode, sealring_error *error)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", init->config->directory, name);
    return mkdir(path, mode) == 0 ? SEALRING_OK : error_set_system(error, errno, "%s cannot be made", path);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    return where->level == 0 ? 0 : remove(path);
}

/* Everything inside was made by this init: the directory was missing or empty and claimed. */
static void remove_made(const struct init *init, bool made)
{
    char path[PATH_MAX];
    if (absolute(init->vault, path, NULL) != SEALRING_OK)
        return;
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    if (made)
        rmdir(path);
}

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
    if (base62_from_random(random, sizeof random, pin, INIT_PIN_LENGTH, NULL) < INIT_PIN_LENGTH)
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
static sealring_status make_token(const struct init *init, const char *purpose, char uri[CONFIG_TEXT_SIZE],
                                  char pin_source[PATH_MAX], sealring_error *error)
{
    enum { PIN_SIZE = INIT_PIN_LENGTH + 2 };
    char so_path[PATH_MAX + 32];
    char label[33];
    char serial[PROVISION_SERIAL_SIZE];
    char *pins = secret_allocate(2 * PIN_SIZE);
    if (pins == NULL)
        return error_no_memory(error);
    int length = snprintf(pin_source, PATH_MAX, "%s/pins/%s.pin", init->config->directory, purpose);
    sealring_status status =
        length < PATH_MAX ? SEALRING_OK : error_set(error, SEALRING_INVALID, "the path is too long");
    snprintf(so_path, sizeof so_path, "%s/pins/%s.so-pin", init->config->directory, purpose);
    snprintf(label, sizeof label, "sealring-%s", purpose);
    if (status == SEALRING_OK)
        status = make_pin(pin_source, pins, error);
    if (status == SEALRING_OK)
        status = make_pin(so_path, pins + PIN_SIZE, error);
    if (status == SEALRING_OK)
        status = provision_token(init->config->module, NULL, label, pins + PIN_SIZE, pins, serial, error);
    if (status == SEALRING_OK)
        snprintf(uri, CONFIG_TEXT_SIZE, "pkcs11:token=%s;serial=%s", label, serial);
    secret_free(pins, 2 * PIN_SIZE);
    return status;
}

static sealring_status make_software_tokens(struct init *init, sealring_error *error)
{
    struct config *config = init->config;
    char directory[PATH_MAX];
    char path[PATH_MAX + 32];
    char text[2 * PATH_MAX];
    sealring_status status = absolute(init->vault, directory, error); /* as sealring_init_environment names it */
    if (status != SEALRING_OK)
        return status;
    snprintf(path, sizeof path, "%s/tokens/softhsm2.conf", directory);
    snprintf(text, sizeof text,
             "# SoftHSM2 for this vault: its keys are in files, for trying and testing, not for production.\n"
             "directories.tokendir = %s/tokens/softhsm2\nobjectstore.backend = file\nlog.level = ERROR\n",
             config->directory);
    status = make_directory(init, "tokens", 0700, error);
    if (status == SEALRING_OK)
        status = make_directory(init, "tokens/softhsm2", 0700, error);
    if (status == SEALRING_OK)
        status = make_directory(init, "pins", 0700, error);
    if (status == SEALRING_OK)
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
        status = make_token(init, "keys", config->token, config->pin_source, error);
    if (status == SEALRING_OK)
        status = make_token(init, "audit", config->audit_token, config->audit_pin_source, error);
    return status;
}

static sealring_status take_given_token(struct init *init, sealring_error *error)
{
    const sealring_init_options *options = init->options;
    struct config *config = init->config;
    if (realpath(options->module, config->module) == NULL)
        return error_set(error, SEALRING_TOKEN, "the PKCS#11 module %s cannot be found", options->module);
    if (realpath(options->pin_source, config->pin_source) == NULL)
        return error_set(error, SEALRING_TOKEN, "the PIN file %s cannot be found", options->pin_source);
    snprintf(config->token, sizeof config->token, "%s", options->token_uri);
    if (options->audit_token_uri != NULL) {
        if (realpath(options->audit_pin_source, config->audit_pin_source) == NULL)
            return error_set(error, SEALRING_TOKEN, "the audit token's PIN file %s cannot be found",
                             options->audit_pin_source);
        snprintf(config->audit_token, sizeof config->audit_token, "%s", options->audit_token_uri);
    }
    if (options->module_init_args != NULL)
        snprintf(config->module_init_args, sizeof config->module_init_args, "%s", options->module_init_args);
    sealring_status status = SEALRING_OK;
    for (size_t i = 0;
         status == SEALRING_OK && options->module_environment != NULL && options->module_environment[i] != NULL; i++)
        status = config_add_variable(config, options->module_environment[i], error);
    return status == SEALRING_OK ? config_check_environment(config, error) : status;
}

/* ---- probe, registry, configuration */

static sealring_status probe(struct init *init, sealring_error *error)
{
    struct token_config token_config;
    struct token *token = NULL;
    config_token(init->config, &token_config);
    sealring_status status = token_open(&token_config, &token, error);
    if (status == SEALRING_OK)
        status = token_probe(token, &init->abilities, error);
    token_close(token);
    return status;
}

static sealring_status first_entry(struct registry *registry, void *context, sealring_error *error)
{
    const struct init *init = context;
    struct audit_act act = {.name = "vault.init"};
    char actor[256];
    manager_actor(actor);
    audit_detail(&act, "{s:s, s:s, s:b, s:s, s:s}", "module", init->config->module, "token", init->config->token,
                 "token_closes_keys", init->abilities.closes_keys, "audit_token", init->config->audit_token,
                 "audit_key", init->audit_key);
    sealring_status status = audit_append(registry, init->operation_id, clock_wall_ms(), actor, &act, error);
    if (status == SEALRING_OK && init->audit_key[0] != '\0')
        status = registry_audit_key_insert(registry, init->audit_key, clock_wall_ms(), error);
    audit_release(&act);
    return status;
}

/* Here a checkpoint that cannot be signed is a failure: better known now than when it is missed. */
static sealring_status first_checkpoint(const struct init *init, struct registry *registry, sealring_error *error)
{
    struct audit_witness witness = {.anchored = false};
    witness_settle(&witness, init->config, registry);
    if (witness.remark[0] == '\0')
        return SEALRING_OK;
    return error_set(error, SEALRING_TOKEN, "the audit token cannot do what it is for: %s", witness.remark);
}

static sealring_status make_registry(struct init *init, sealring_error *error)
{
    struct registry_vault vault = {
        .schema = REGISTRY_SCHEMA,
        .min_reader = REGISTRY_SCHEMA,
        .min_writer = REGISTRY_SCHEMA,
        .lease_ms = init->options->lease != 0 ? init->options->lease : INIT_LEASE_MS,
        .refresh_ms = INIT_REFRESH_MS,
        .created = clock_wall_ms(),
        .object_id_length = init->abilities.object_id_length,
        .token_closes_keys = init->abilities.closes_keys,
    };
    struct registry_write how = {.moves_epoch = false};
    struct registry *registry = NULL;
    sealring_status status = manager_random(init->vault_id, sizeof init->vault_id, error);
    if (status == SEALRING_OK)
        status = manager_random(init->operation_id, sizeof init->operation_id, error);
    memcpy(how.operation_id, init->operation_id, sizeof how.operation_id);
    memcpy(vault.vault_id, init->vault_id, sizeof vault.vault_id);
    if (status == SEALRING_OK && witness_configured(init->config))
        status = witness_make_key(init->config, init->vault_id, init->audit_key, error);
    if (status == SEALRING_OK)
        status = registry_create(init->config->registry, &vault, error);
    if (status == SEALRING_OK)
        status = registry_open(init->config->registry, init->config->lock, REGISTRY_READ_WRITE, &registry, error);
    if (status == SEALRING_OK)
        status = registry_lock(registry, 1000, "init", error);
    if (status == SEALRING_OK) {
        status = registry_write(registry, &how, first_entry, init, error);
        if (status == SEALRING_OK)
            status = first_checkpoint(init, registry, error);
        registry_unlock(registry);
    }
    registry_close(registry);
    return status;
}

static sealring_status sync_directory(const char *path, sealring_error *error)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return error_set_system(error, errno, "%s cannot be opened", path);
    sealring_status status =
        fsync(descriptor) == 0 ? SEALRING_OK : error_set_system(error, errno, "%s cannot be written to disk", path);
    close(descriptor);
    return status;
}

/* Names survive a power loss once their directory is written out, too. */
static sealring_status sync_directories(const struct init *init, sealring_error *error)
{
    static const char *const names[] = {"registry",        "login", "verifiers", "tokens",
                                        "tokens/softhsm2", "pins",  ".",         ".."};
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/%s", init->config->directory, names[i]);
        if (init->software || access(path, F_OK) == 0)
            status = sync_directory(path, error);
    }
    return status;
}

static sealring_status make_vault(struct init *init, sealring_error *error)
{
    sealring_status status = config_new(init->vault, &init->config, error);
    if (status == SEALRING_OK)
        status = make_directory(init, "registry", 0750, error);
    if (status == SEALRING_OK)
        status = make_directory(init, "login", 0700, error);
    if (status == SEALRING_OK)
        status = make_directory(init, "verifiers", 0750, error);
    if (status == SEALRING_OK)
        status = init->software ? make_software_tokens(init, error) : take_given_token(init, error);
    if (status == SEALRING_OK)
        status = probe(init, error);
    if (status == SEALRING_OK)
        status = make_registry(init, error);
    /* last: this file makes the directory a vault */
    if (status == SEALRING_OK)
        status = sync_directories(init, error);
    if (status == SEALRING_OK)
        status = config_write(init->config, error);
    return status == SEALRING_OK ? sync_directories(init, error) : status;
}

static void describe(const struct init *init, sealring_init_result *result)
{
    result->software_token = init->software;
    hex_encode(init->vault_id, sizeof init->vault_id, result->vault_id);
    result->warning[0] = '\0';
    if (init->software)
        snprintf(result->warning, sizeof result->warning,
                 "the keys are in SoftHSM2's files inside the vault: good for trying and testing, not for production");
    else if (!init->abilities.closes_keys)
        snprintf(
            result->warning, sizeof result->warning,
            "this token cannot take a key's right to sign away: a retired version is kept closed by the registry alone, "
            "until it is destroyed");
    else if (init->audit_key[0] == '\0')
        snprintf(result->warning, sizeof result->warning,
                 "there is no audit token: nothing signs the audit log, and a registry that is put back is not noticed "
                 "(give --audit-token and --audit-pin-source)");
    snprintf(result->audit_key, sizeof result->audit_key, "%s", init->audit_key);
}

sealring_status sealring_init(const char *vault, const sealring_init_options *options, sealring_init_result *result,
                              sealring_error *error)
{
    sealring_init_options asked;
    sealring_init_result described = {.size = sizeof described};
    sized_take(&asked, sizeof asked, options);
    struct init init = {.vault = vault, .options = &asked};
    bool made = false;
    init.software = init.options->module == NULL;
    sealring_status status = check_options(init.options, error);
    if (status == SEALRING_OK)
        status = claim_directory(&init, &made, error);
    if (status != SEALRING_OK)
        return status;
    status = make_vault(&init, error);
    if (status != SEALRING_OK)
        remove_made(&init, made);
    else
        describe(&init, &described);
    if (status == SEALRING_OK)
        sized_give(result, &described, sizeof described);
    config_free(init.config);
    return status;
}
