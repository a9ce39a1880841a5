/* SPDX-License-Identifier: Apache-2.0 */
/* The SoftHSM2 tokens that `init` made inside a vault, whose files sealring protects. */
#ifndef CONFIG_SOFTWARE_TOKEN_H
#define CONFIG_SOFTWARE_TOKEN_H

#include <stdbool.h>

#include <sealring/manage.h>

#include "softhsm/store.h"
#include "token/session/token.h"

struct config;
struct software_tokens;

#define SOFTWARE_FOLDER_SIZE 64
#define SOFTWARE_NOTICE_SIZE (STORE_TEXT_SIZE + 128)

/* NULL, with SEALRING_OK, unless the vault's configuration makes the module use VAULT/tokens/softhsm2.conf, and that the files in
 * VAULT/tokens/softhsm2: foreign tokens are left alone. free() releases them. */
sealring_status software_find(const struct config *config, struct software_tokens **found, sealring_error *error);

/* From now on nothing is repaired and nothing is copied. */
void software_hands_off(struct software_tokens *tokens);

/* Protects the files that SoftHSM2 rewrites at each login: damaged ones are restored before a login, and all are copied after one.
 * tokens may be NULL. */
void software_watch(struct software_tokens *tokens, struct token_watch *watch);

/* For new tokens, while no other process uses them: syncs and copies their files. */
sealring_status software_secure(struct software_tokens *tokens, sealring_error *error);

/* For use after software_hands_off, when a token could not be opened: if one of its files is damaged and has a valid copy, replaces the
 * error by that problem and how to restore the file. tokens may be NULL. */
void software_explain(const struct software_tokens *tokens, sealring_error *error);

/* What was found or done since the last call: one line, an alarm. False: nothing. tokens may be NULL. */
bool software_notice(struct software_tokens *tokens, char text[SOFTWARE_NOTICE_SIZE]);

/* The name of the folder of the token whose serial number is in the URI. False: there is none. */
bool software_folder(const struct software_tokens *tokens, const char *uri, char folder[SOFTWARE_FOLDER_SIZE]);

/* Returns whether there are such tokens, and they may be written. tokens may be NULL. */
bool software_may_write(const struct software_tokens *tokens);

const struct store *software_store(const struct software_tokens *tokens);

#endif
