/* SPDX-License-Identifier: Apache-2.0 */
/* A vault that verifies: sealring_open, sealring_verify, sealring_close; and what the module wants of the environment. */
#include <stdlib.h>
#include <string.h>

#include <sealring/manage.h>
#include <sealring/verify.h>

#include "base/error.h"
#include "base/sized.h"
#include "vault/config.h"
#include "verifier/verifier.h"

struct sealring_vault {
    struct config *config;
    struct verifier *verifier;
};

sealring_status sealring_open(const char *vault, const sealring_options *options, sealring_vault **opened,
                              sealring_error *error)
{
    (void)options; /* none is known yet; its size is for those to come */
    *opened = NULL;
    sealring_vault *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_no_memory(error);
    sealring_status status = config_load(vault, &made->config, error);
    if (status == SEALRING_OK)
        status = config_check_environment(made->config, error);
    if (status == SEALRING_OK) {
        struct token_config token;
        config_token(made->config, &token);
        status = verifier_open(made->config->registry, &token, &made->verifier, error);
    }
    if (status != SEALRING_OK) {
        sealring_close(&made);
        return status;
    }
    *opened = made;
    return SEALRING_OK;
}

void sealring_close(sealring_vault **vault)
{
    if (vault == NULL || *vault == NULL)
        return;
    verifier_close((*vault)->verifier);
    config_free((*vault)->config);
    free(*vault);
    *vault = NULL;
}

sealring_verdict sealring_verify(sealring_vault *vault, const char *credential, size_t length, const char *scope,
                                 sealring_grant *grant)
{
    sealring_grant whole = {.size = sizeof whole};
    sealring_verdict verdict = verifier_verify(vault->verifier, credential, length, scope, &whole);
    sized_give(grant, &whole, sizeof whole);
    return verdict;
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
