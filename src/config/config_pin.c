/* SPDX-License-Identifier: Apache-2.0 */
/* Where the PINs of a vault's tokens come from: another source than the configured one, or the program itself. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "config/config.h"
#include "token/pin/pin_source.h"

sealring_status config_set_pin_source(char pin_source[PATH_MAX], const char *source, const char *whose,
                                      sealring_error *error)
{
    const char *problem = pin_source_problem(source);
    if (problem != NULL)
        return error_set(error, SEALRING_INVALID, "the %sPIN source %s", whose, problem);
    if (pin_source_of(source) != PIN_SOURCE_FILE)
        snprintf(pin_source, PATH_MAX, "%s", source);
    else if (realpath(source, pin_source) == NULL)
        return error_set(error, SEALRING_TOKEN, "the %sPIN file %.200s cannot be found", whose, source);
    return SEALRING_OK;
}

sealring_status config_use_pin(struct config *config, const char *source, sealring_pin_callback ask, void *context,
                               sealring_error *error)
{
    config->ask_pin = ask;
    config->ask_context = context;
    return source == NULL ? SEALRING_OK : config_set_pin_source(config->pin_source, source, "", error);
}

sealring_status config_give_pin(struct config *config, const char *pin, size_t length, sealring_error *error)
{
    pin_free(&config->pin);
    return pin_copy(pin, length, &config->pin, error);
}
