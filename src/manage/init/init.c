/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a vault: its directories, its own tokens or the test of a given one, its registry, its configuration. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "bell/bell.h"
#include "base/secret.h"
#include "base/struct_size.h"
#include "config/config.h"
#include "lifecycle/verifier_liveness.h"
#include "manage/act/clock_check.h"
#include "manage/init/claim_directory.h"
#include "manage/session/actor.h"
#include "manage/session/manager.h"
#include "manage/session/own_token_files.h"
#include "manage/tokens/recover_interrupted.h"
#include "manage/tokens/token_file_copies.h"
#include "registry/connection/filesystem.h"
#include "token/key/key_object.h"
#include "token/module/trace_file.h"
#include "token/object/provision.h"
#include "token/pin/pin_source.h"

#define INIT_PIN_LENGTH 22 /* base62 digits: 130 bits */
#define INIT_PROBES     4

struct init {
    const char *vault;
    const sealring_init_options *options;
    bool software; /* the vault makes its own SoftHSM2 tokens */
    struct config *config;
    struct token_abilities abilities;
    char audit_key[REGISTRY_VKEY_SIZE]; /* "": no audit token */
    struct claim claim;
    bool named; /* the claim contains the ID: objects may be in a token */
    uint8_t vault_id[REGISTRY_ID_SIZE];
    uint8_t operation_id[REGISTRY_ID_SIZE];
};

/* ---- the vault's path */

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

static sealring_status check_vault(const char *vault, bool software, sealring_error *error)
{
    char path[PATH_MAX];
    sealring_status status = claim_absolute(vault, path, error);
    return status == SEALRING_OK ? check_place(path, software, error) : status;
}

/* ---- what it will need in the environment */

sealring_status sealring_init_environment(const char *vault, const sealring_init_options *options,
                                          sealring_environment_callback each, void *context, sealring_error *error)
{
    char path[PATH_MAX];
    char value[PATH_MAX + 32];
    sealring_status status = claim_absolute(vault, path, error);
    if (status == SEALRING_OK)
        status = filesystem_check_above(path, error);
    if (status != SEALRING_OK)
        return status;
    sealring_init_options asked;
    sized_take(&asked, sizeof asked, options);
    options = &asked;
    status = check_place(path, options->module == NULL, error);
    if (status != SEALRING_OK)
        return status;
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
    int64_t lease = options->lease != 0 ? options->lease : WATCH_LEASE_DEFAULT_MS;
    int64_t refresh = options->refresh != 0 ? options->refresh : WATCH_REFRESH_DEFAULT_MS;
    if (lease < WATCH_LEASE_MIN_MS || lease > WATCH_LEASE_MAX_MS)
        return error_set(error, SEALRING_INVALID,
                         "the lease must be 1s to 1h: so long a verifier may answer without polling the registry");
    if (refresh < WATCH_REFRESH_MIN_MS || refresh > lease / WATCH_POLLS_PER_LEASE)
        return error_set(
            error, SEALRING_INVALID,
            "the refresh interval must be 10ms to a third of the lease: so often a verifier polls the registry");
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

static sealring_status make_directory(const struct init *init, const char *name, mode_t mode, sealring_error *error)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", init->config->directory, name);
    return mkdir(path, mode) == 0 ? SEALRING_OK : error_set_system(error, errno, "%s cannot be made", path);
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
    sealring_status status = claim_absolute(init->vault, directory, error); /* as sealring_init_environment names it */
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

static sealring_status take_given_token(struct init *init, sealring_error *error)
{
    const sealring_init_options *options = init->options;
    struct config *config = init->config;
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

/* ---- probe, registry, configuration */

static sealring_status probe(struct init *init, sealring_error *error)
{
    struct token_config token_config;
    struct token *token = NULL;
    char label[TOKEN_LABEL_MAX + 1];
    recover_probe_label(init->vault_id, label);
    config_token(init->config, &token_config);
    sealring_status status = token_open(&token_config, &token, error);
    if (status == SEALRING_OK)
        status = token_probe(token, label, &init->abilities, error);
    if (status == SEALRING_OK)
        config_set_labels(init->config, init->abilities.labels);
    token_close(token);
    return status;
}

struct probes {
    struct token_key_info keys[INIT_PROBES];
    size_t count;
};

static sealring_status keep_probe(const struct token_key_info *key, void *context, sealring_error *error)
{
    struct probes *probes = context;
    (void)error;
    if (probes->count < INIT_PROBES)
        probes->keys[probes->count++] = *key;
    return SEALRING_OK;
}

/* Destroys what an init that did not complete made in given tokens under this ID, which no other init uses. */
static sealring_status discard(const struct init *init, const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error)
{
    struct token_config token_config;
    struct token *token = NULL;
    struct probes probes = {.count = 0};
    char label[TOKEN_LABEL_MAX + 1];
    recover_probe_label(vault_id, label);
    config_token(init->config, &token_config);
    sealring_status status = token_open(&token_config, &token, error);
    if (status == SEALRING_OK)
        status = token_key_each(token, label, keep_probe, &probes, error);
    for (size_t i = 0; status == SEALRING_OK && i < probes.count; i++)
        status = token_key_destroy(token, probes.keys[i].object_id, probes.keys[i].object_id_length,
                                   probes.keys[i].label, error);
    token_close(token);
    if (status == SEALRING_OK && witness_configured(init->config))
        status = witness_discard(init->config, vault_id, error);
    return status;
}

/* First destroys what an interrupted init left in the tokens: afterwards its ID is recorded nowhere. */
static sealring_status name_claim(struct init *init, sealring_error *error)
{
    sealring_status status = manager_random(init->vault_id, sizeof init->vault_id, error);
    if (status == SEALRING_OK && init->claim.interrupted && !init->software)
        status = discard(init, init->claim.before, error);
    if (status == SEALRING_OK)
        status = claim_name(&init->claim, init->vault_id, error);
    init->named = status == SEALRING_OK;
    return status;
}

static sealring_status first_entry(struct registry *registry, void *context, sealring_error *error)
{
    const struct init *init = context;
    struct audit_act act = {.name = "vault.init"};
    char actor[256];
    actor_describe(actor);
    audit_detail(&act, "{s:o, s:o, s:b, s:o, s:s}", "module", audit_text(init->config->module), "token",
                 audit_text(init->config->token), "token_closes_keys", init->abilities.closes_keys, "audit_token",
                 audit_text(init->config->audit_token), "audit_key", init->audit_key);
    audit_detail_add(&act, "lease", json_integer(registry_vault_row(registry)->lease_ms));
    audit_detail_add(&act, "refresh", json_integer(registry_vault_row(registry)->refresh_ms));
    sealring_status status = audit_append(registry, init->operation_id, clock_wall_ms(), actor, &act, error);
    if (status == SEALRING_OK && init->audit_key[0] != '\0')
        status = registry_audit_key_insert(registry, init->audit_key, clock_wall_ms(), error);
    audit_release(&act);
    return status;
}

/* Here a checkpoint that cannot be signed is a failure: it is better known now than when it is missed. */
static sealring_status first_checkpoint(const struct init *init, struct registry *registry, sealring_error *error)
{
    struct audit_witness witness = {.made = true};
    witness_settle(&witness, init->config, registry);
    if (witness.remark[0] == '\0')
        return SEALRING_OK;
    return error_set(error, SEALRING_TOKEN, "the audit token cannot do what it is for: %s", witness.remark);
}

static sealring_status make_registry(struct init *init, sealring_error *error)
{
    struct registry_vault vault = {
        .schema = REGISTRY_SCHEMA,
        .min_reader = REGISTRY_MIN_READER,
        .min_writer = REGISTRY_MIN_WRITER,
        .lease_ms = init->options->lease != 0 ? init->options->lease : WATCH_LEASE_DEFAULT_MS,
        .refresh_ms = init->options->refresh != 0 ? init->options->refresh : WATCH_REFRESH_DEFAULT_MS,
        .created = clock_wall_ms(),
        .object_id_length = init->abilities.object_id_length,
        .token_closes_keys = init->abilities.closes_keys,
        .era_in_force = true, /* no verifier can use another era yet */
    };
    struct registry_write how = {.moves_epoch = false};
    struct registry *registry = NULL;
    sealring_status status = manager_random(init->operation_id, sizeof init->operation_id, error);
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

/* Names survive a power loss only once their directory is written to disk, too. */
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

/* Not earlier: until here an interrupted init starts again from the beginning. */
static sealring_status secure_tokens(struct init *init, sealring_error *error)
{
    struct config *config = init->config;
    sealring_status status = software_find(config, &config->software, error);
    if (status == SEALRING_OK && config->software != NULL)
        status = software_secure(config->software, error);
    return status == SEALRING_OK ? kept_token_follow_audit(config, error) : status;
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
        status = name_claim(init, error);
    if (status == SEALRING_OK)
        status = probe(init, error);
    if (status == SEALRING_OK)
        status = make_registry(init, error);
    if (status == SEALRING_OK)
        (void)bell_ring(init->config->bell); /* makes it; if it cannot, verifiers poll */
    if (status == SEALRING_OK && init->software)
        status = secure_tokens(init, error);
    /* last, because this file makes the directory a vault */
    if (status == SEALRING_OK)
        status = sync_directories(init, error);
    if (status == SEALRING_OK)
        status = config_take_place(init->config, error);
    if (status == SEALRING_OK)
        status = config_write(init->config, error);
    return status == SEALRING_OK ? sync_directories(init, error) : status;
}

static void describe(const struct init *init, sealring_init_result *result)
{
    char trace[SEALRING_MESSAGE_SIZE];
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
    if (trace_file_describe(trace) == TRACE_FAILED) {
        size_t length = strlen(result->warning);
        snprintf(result->warning + length, sizeof result->warning - length, "%s%s", length > 0 ? "; " : "", trace);
    }
    snprintf(result->audit_key, sizeof result->audit_key, "%s", init->audit_key);
}

sealring_status sealring_init(const char *vault, const sealring_init_options *options, sealring_init_result *result,
                              sealring_error *error)
{
    sealring_init_options asked;
    sealring_init_result described = {.size = sizeof described};
    sized_take(&asked, sizeof asked, options);
    struct init init = {.vault = vault, .options = &asked};
    init.software = init.options->module == NULL;
    sealring_status status = check_options(init.options, error);
    if (status == SEALRING_OK)
        status = check_vault(vault, init.software, error);
    if (status == SEALRING_OK)
        status = late_check_build(error);
    if (status == SEALRING_OK)
        status = filesystem_check_above(vault, error);
    if (status == SEALRING_OK)
        status = claim_take(vault, &init.claim, error);
    if (status != SEALRING_OK)
        return status;
    status = make_vault(&init, error);
    if (status == SEALRING_OK) {
        claim_finish(&init.claim);
        describe(&init, &described);
    } else {
        if (init.named && !init.software)
            (void)discard(&init, init.vault_id, NULL);
        claim_undo(&init.claim);
    }
    if (status == SEALRING_OK)
        sized_give(result, &described, sizeof described);
    config_free(init.config);
    return status;
}
