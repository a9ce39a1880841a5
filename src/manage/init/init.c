/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a vault: its directories, its own tokens or the test of a given one, its registry, its configuration. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "bell/bell.h"
#include "base/struct_size.h"
#include "config/config.h"
#include "lifecycle/verifier_liveness.h"
#include "manage/act/clock_check.h"
#include "manage/init/claim_directory.h"
#include "manage/init/init_group.h"
#include "manage/init/init_tokens.h"
#include "manage/session/actor.h"
#include "manage/session/manager.h"
#include "manage/session/own_token_files.h"
#include "manage/tokens/recover_interrupted.h"
#include "manage/tokens/token_file_copies.h"
#include "token/key/key_object.h"
#include "token/module/trace_file.h"

#define INIT_PROBES 4

struct init {
    const char *vault;
    const sealring_init_options *options;
    bool software; /* the vault makes its own SoftHSM2 tokens */
    struct config *config;
    struct token_abilities abilities;
    struct claim claim;
    bool named; /* the claim contains the ID: objects may be in a token */
    uint8_t vault_id[REGISTRY_ID_SIZE];
};

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
        return error_set(
            error, SEALRING_INVALID,
            "the lease must be 1s to 1h: a verifier may answer for that time without polling the registry");
    if (refresh < WATCH_REFRESH_MIN_MS || refresh > lease / WATCH_POLLS_PER_LEASE)
        return error_set(
            error, SEALRING_INVALID,
            "the refresh interval must be 10ms to a third of the lease: so often a verifier polls the registry");
    if (options->module == NULL) {
        if (options->token_uri != NULL || options->pin_source != NULL || options->module_init_args != NULL ||
            options->module_environment != NULL || options->audit_token_uri != NULL ||
            options->audit_pin_source != NULL)
            return error_set(error, SEALRING_INVALID,
                             "a token of yours is given by module, token and PIN source together; "
                             "without a module the vault makes its own SoftHSM2 tokens");
        return SEALRING_OK;
    }
    if (options->token_uri == NULL || options->pin_source == NULL)
        return error_set(error, SEALRING_INVALID, "with a module, the token's URI and the PIN source are wanted too");
    if ((options->audit_token_uri == NULL) != (options->audit_pin_source == NULL))
        return error_set(error, SEALRING_INVALID, "the audit token is given by its URI and its PIN source together");
    const char *const texts[] = {options->module,           options->token_uri,       options->pin_source,
                                 options->module_init_args, options->audit_token_uri, options->audit_pin_source};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i] != NULL && (!is_one_line(texts[i]) || strlen(texts[i]) >= CONFIG_TEXT_SIZE))
            return error_set(error, SEALRING_INVALID, "an option of init has a control character or is too long");
    for (size_t i = 0; options->module_environment != NULL && options->module_environment[i] != NULL; i++)
        if (!is_one_line(options->module_environment[i]))
            return error_set(error, SEALRING_INVALID, "a variable of the module's environment has a control character");
    return SEALRING_OK;
}

/* ---- directories */

/* In the vault's directory, each after the one that contains it. */
static const struct {
    const char *name;
    mode_t mode;
    bool software; /* only for the vault's own tokens */
} init_directories[] = {
    {"registry", 0750, false}, {"login", 0700, false},          {"verifiers", 0750, false},
    {"tokens", 0700, true},    {"tokens/softhsm2", 0700, true}, {"pins", 0700, true},
};

#define INIT_DIRECTORIES (sizeof init_directories / sizeof init_directories[0])

static sealring_status make_directories(const struct init *init, sealring_error *error)
{
    char path[PATH_MAX + 32];
    for (size_t i = 0; i < INIT_DIRECTORIES; i++) {
        snprintf(path, sizeof path, "%s/%s", init->config->directory, init_directories[i].name);
        if ((init->software || !init_directories[i].software) && mkdir(path, init_directories[i].mode) != 0)
            return error_set_system(error, errno, "%s cannot be made", path);
    }
    return SEALRING_OK;
}

/* ---- probe, registry, configuration */

static sealring_status probe(struct init *init, sealring_error *error)
{
    struct token *token = NULL;
    char label[TOKEN_LABEL_MAX + 1];
    recover_probe_label(init->vault_id, label);
    struct token_config token_config = config_token(init->config);
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
    struct token *token = NULL;
    struct probes probes = {.count = 0};
    char label[TOKEN_LABEL_MAX + 1];
    recover_probe_label(vault_id, label);
    struct token_config token_config = config_token(init->config);
    sealring_status status = token_open(&token_config, &token, error);
    if (status == SEALRING_OK)
        status = token_key_each(token, label, keep_probe, &probes, error);
    for (size_t i = 0; status == SEALRING_OK && i < probes.count; i++)
        status = token_key_destroy(token, probes.keys[i].object_id, probes.keys[i].object_id_length,
                                   probes.keys[i].label, NULL, error);
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

static sealring_status first_entry(const struct init *init, struct registry *registry,
                                   const uint8_t operation_id[REGISTRY_ID_SIZE], sealring_error *error)
{
    struct audit_act act = {.name = "vault.init"};
    char actor[256];
    actor_describe(actor);
    audit_detail(&act, "{s:o, s:o, s:b, s:o, s:s}", "module", audit_text(init->config->module), "token",
                 audit_text(init->config->token), "token_closes_keys", init->abilities.closes_keys, "audit_token",
                 audit_text(init->config->audit_token), "audit_key", init->config->audit_key);
    audit_detail_add(&act, "lease", json_integer(registry_vault_row(registry)->lease_ms));
    audit_detail_add(&act, "refresh", json_integer(registry_vault_row(registry)->refresh_ms));
    sealring_status status = audit_append(registry, operation_id, clock_wall_ms(), actor, &act, error);
    if (status == SEALRING_OK && init->config->audit_key[0] != '\0')
        status = registry_audit_key_insert(registry, init->config->audit_key, clock_wall_ms(), error);
    audit_release(&act);
    return status;
}

/* Here a checkpoint that cannot be signed is a failure: it is better known now than when it is missed. */
static sealring_status first_checkpoint(const struct init *init, struct registry *registry, sealring_error *error)
{
    struct audit_witness witness = {.made = true};
    (void)witness_settle(&witness, init->config, registry, NULL, NULL, true);
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
    sealring_status status = manager_random(how.operation_id, sizeof how.operation_id, error);
    memcpy(vault.vault_id, init->vault_id, sizeof vault.vault_id);
    if (status == SEALRING_OK && witness_configured(init->config))
        status = witness_make_key(init->config, init->vault_id, init->config->audit_key, error);
    if (status == SEALRING_OK)
        status = registry_create(init->config->registry, &vault, error);
    if (status == SEALRING_OK)
        status = registry_open(init->config->registry, init->config->lock, REGISTRY_READ_WRITE, &registry, error);
    if (status == SEALRING_OK)
        registry_trust_key(registry, init->config->audit_key);
    if (status == SEALRING_OK)
        status = registry_lock(registry, 1000, "init", error);
    if (status == SEALRING_OK) {
        struct registry_transaction writing = registry_writing(registry, &how, error);
        do {
            if (registry_begin(&writing, &status))
                status = first_entry(init, registry, how.operation_id, error);
        } while (registry_again(&writing, &status));
        if (status == SEALRING_OK)
            status = first_checkpoint(init, registry, error);
        registry_unlock(registry);
    }
    registry_close(registry);
    return status;
}

static sealring_status sync_directory(const struct init *init, const char *name, sealring_error *error)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", init->config->directory, name);
    int problem = file_sync_directory(path);
    return problem == 0 ? SEALRING_OK : error_set_system(error, problem, "%s cannot be written to disk", path);
}

/* Names survive a power loss only once their directory is written to disk, too. */
static sealring_status sync_directories(const struct init *init, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < INIT_DIRECTORIES; i++)
        if (init->software || !init_directories[i].software)
            status = sync_directory(init, init_directories[i].name, error);
    if (status == SEALRING_OK)
        status = sync_directory(init, ".", error);
    return status == SEALRING_OK ? sync_directory(init, "..", error) : status;
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
        status = make_directories(init, error);
    if (status == SEALRING_OK)
        status = init->software ? init_make_tokens(init->vault, init->config, error)
                                : init_take_token(init->options, init->config, error);
    if (status == SEALRING_OK)
        status = name_claim(init, error);
    if (status == SEALRING_OK)
        status = probe(init, error);
    if (status == SEALRING_OK)
        status = make_registry(init, error);
    if (status == SEALRING_OK && init->software)
        status = secure_tokens(init, error);
    /* last, because this file makes the directory a vault */
    if (status == SEALRING_OK)
        status = sync_directories(init, error);
    if (status == SEALRING_OK)
        status = config_take_place(init->config, error);
    if (status == SEALRING_OK && init->options->verifier_group != NULL)
        snprintf(init->config->verifier_group, sizeof init->config->verifier_group, "%s",
                 init->options->verifier_group);
    if (status == SEALRING_OK)
        status = config_write(init->config, error);
    if (status == SEALRING_OK)
        (void)bell_ring(init->config->bell); /* makes it; if it cannot, verifiers poll */
    if (status == SEALRING_OK)
        status = init_permit_group(init->config, error);
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
    else if (init->config->audit_key[0] == '\0')
        snprintf(
            result->warning, sizeof result->warning,
            "there is no audit token: nothing signs the audit log, and a registry that was rolled back is not noticed "
            "(give --audit-token and --audit-pin-source)");
    if (trace_file_describe(trace) == TRACE_FAILED) {
        size_t length = strlen(result->warning);
        snprintf(result->warning + length, sizeof result->warning - length, "%s%s", length > 0 ? "; " : "", trace);
    }
    snprintf(result->audit_key, sizeof result->audit_key, "%.*s", (int)sizeof result->audit_key - 1,
             init->config->audit_key);
}

sealring_status sealring_init(const char *vault, const sealring_init_options *options, sealring_init_result *result,
                              sealring_error *error)
{
    sealring_init_options asked;
    sealring_init_result described = {.size = sizeof described};
    sized_take(&asked, sizeof asked, options);
    struct init init = {.vault = vault, .options = &asked};
    char path[PATH_MAX];
    init.software = init.options->module == NULL;
    sealring_status status = check_options(init.options, error);
    if (status == SEALRING_OK)
        status = init_check_group(init.options, error);
    if (status == SEALRING_OK)
        status = init_check_vault(vault, init.software, path, error);
    if (status == SEALRING_OK)
        status = late_check_build(error);
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
