/* SPDX-License-Identifier: Apache-2.0 */
/* A vault opened for verification: the public functions of verify.h, and the environment variables that the module needs. */
#include "verifier/process/open.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/struct_size.h"
#include "config/verifier_group.h"
#include "verifier/process/membership.h"
#include "verifier/request/claim_check.h"
#include "verifier/request/judge.h"

struct sealring_vault {
    struct config *config;
    struct membership *membership;
};

static bool token_notice(void *context, char *text, size_t size)
{
    char notice[SOFTWARE_NOTICE_SIZE];
    bool any = software_notice(context, notice);
    if (any)
        snprintf(text, size, "%s", notice);
    return any;
}

static sealring_status join(sealring_vault *vault, const sealring_options *options, sealring_error *error)
{
    const struct config *config = vault->config;
    struct verifier_setup setup = {
        .registry = config->registry,
        .audit_key = config->audit_key,
        .token_notice = token_notice,
        .token_notice_context = config->software,
        .reports = config->verifiers,
        .eras = config->eras,
        .bell = config->bell,
        .reports_bell = config->reports_bell,
        .warming = options->no_warming == 0,
        .cache_max = options->cache_max,
        .waiting_max = options->waiting_max,
        .token = config_token(config),
    };
    return membership_open(&setup, options->manual_maintenance == 0, &vault->membership, error);
}

sealring_status open_vault(const char *vault, const sealring_options *options, const char *pin_source,
                           sealring_pin_callback ask, void *context, sealring_vault **opened, sealring_error *error)
{
    sealring_options asked;
    *opened = NULL;
    sized_take(&asked, sizeof asked, options);
    sealring_vault *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_no_memory(error);
    sealring_status status = config_load(vault, &made->config, error);
    if (status == SEALRING_OK)
        status = group_use_own_record(made->config, error);
    if (status == SEALRING_OK)
        status = config_check_places(made->config, error);
    if (status == SEALRING_OK)
        status = config_use_pin(made->config, pin_source, ask, context, error);
    if (status == SEALRING_OK && (asked.pin != NULL || asked.pin_length != 0))
        status = config_give_pin(made->config, asked.pin, asked.pin_length, error);
    if (status == SEALRING_OK)
        status = config_check_environment(made->config, error);
    if (status == SEALRING_OK)
        status = join(made, &asked, error);
    if (status != SEALRING_OK) {
        sealring_close(&made);
        return status;
    }
    *opened = made;
    return SEALRING_OK;
}

sealring_status sealring_open(const char *vault, const sealring_options *options, sealring_vault **opened,
                              sealring_error *error)
{
    return open_vault(vault, options, NULL, NULL, NULL, opened, error);
}

void sealring_close(sealring_vault **vault)
{
    if (vault == NULL || *vault == NULL)
        return;
    membership_close((*vault)->membership);
    config_free((*vault)->config);
    free(*vault);
    *vault = NULL;
}

/* A program that was built for a later release may ask for a check that this library does not know: to ignore it could admit somebody. */
static bool is_understood(const sealring_request *request)
{
    const char *bytes = (const char *)request;
    if (request->size < sizeof *request || (request->flags & ~SEALRING_NONBLOCK) != 0)
        return false;
    for (size_t i = sizeof *request; i < request->size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static sealring_verdict verify_whole(sealring_vault *vault, const sealring_request *request, sealring_grant *grant)
{
    sealring_error error;
    if (!is_understood(request))
        return judge_unavailable(grant, "libsealring is older than the program: it does not know all that the "
                                        "program asks for, so install the later release");
    struct verifier *verifier = membership_joined(vault->membership);
    if (verifier == NULL && (request->flags & SEALRING_NONBLOCK) != 0)
        return judge_would_block(grant);
    if (verifier == NULL)
        verifier = membership_verifier(vault->membership, &error);
    if (verifier == NULL)
        return judge_unavailable(grant, error.message);
    return verifier_verify(verifier, request, grant);
}

sealring_verdict sealring_verify_request(sealring_vault *vault, const sealring_request *request, sealring_grant *grant)
{
    if (grant == NULL || grant->size >= sizeof *grant)
        return verify_whole(vault, request, grant);
    sealring_grant whole = {.size = sizeof whole};
    sealring_verdict verdict = verify_whole(vault, request, &whole);
    sized_give(grant, &whole, sizeof whole);
    return verdict;
}

sealring_verdict sealring_verify(sealring_vault *vault, const char *credential, size_t length, const char *scope,
                                 sealring_grant *grant)
{
    const sealring_request request = {
        .size = sizeof request, .credential = credential, .length = length, .scope = scope};
    return sealring_verify_request(vault, &request, grant);
}

sealring_verdict sealring_claim_known(sealring_vault *vault, const char *code, size_t length)
{
    sealring_error error;
    struct verifier *verifier = membership_verifier(vault->membership, &error);
    return verifier == NULL ? SEALRING_UNAVAILABLE : claim_check(verifier, code, length);
}

sealring_status sealring_maintain(sealring_vault *vault, uint32_t *next_ms, sealring_error *error)
{
    sealring_error ignored;
    return membership_maintain(vault->membership, next_ms, error != NULL ? error : &ignored);
}

void sealring_set_log(sealring_vault *vault, sealring_log_callback callback, void *context)
{
    membership_set_log(vault->membership, callback, context);
}

void sealring_stats(sealring_vault *vault, sealring_statistics *statistics)
{
    sealring_statistics whole = {.size = sizeof whole};
    struct verifier *verifier = membership_joined(vault->membership);
    if (verifier != NULL)
        verifier_statistics(verifier, &whole);
    sized_give(statistics, &whole, sizeof whole);
}

sealring_status sealring_environment(const char *vault, sealring_environment_callback each, void *context,
                                     sealring_error *error)
{
    struct config *config = NULL;
    sealring_status status = config_load(vault, &config, error);
    for (size_t i = 0; status == SEALRING_OK && i < config->environment_count; i++)
        if (each(config->environment[i].name, config->environment[i].value, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    config_free(config);
    return status;
}
