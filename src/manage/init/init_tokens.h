/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a new vault: SoftHSM2 tokens of its own, with their PINs, or tokens that the operator names. */
#ifndef MANAGE_INIT_INIT_TOKENS_H
#define MANAGE_INIT_INIT_TOKENS_H

#include <sealring/manage.h>

#include "config/config.h"

/* Writes the vault's absolute path. SEALRING_INVALID if SoftHSM2 cannot have tokens there (`software`); SEALRING_REGISTRY if it is on a network file
 * system. */
sealring_status init_check_vault(const char *vault, bool software, char path[PATH_MAX], sealring_error *error);

/* Makes two tokens in the vault's directories, which exist, and enters them and their PIN files into the configuration. vault: as the caller named
 * it. */
sealring_status init_make_tokens(const char *vault, struct config *config, sealring_error *error);

/* Enters the tokens that the options name into the configuration, and checks that they can be used. */
sealring_status init_take_token(const sealring_init_options *options, struct config *config, sealring_error *error);

#endif
