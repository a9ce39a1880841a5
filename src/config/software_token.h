/* SPDX-License-Identifier: Apache-2.0 */
/* The SoftHSM2 tokens that `init` made inside a vault: their files are sealring's to look after. */
#ifndef CONFIG_SOFTWARE_TOKEN_H
#define CONFIG_SOFTWARE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include <sealring/manage.h>

#include "softhsm/store.h"
#include "token/session/token.h"

struct config;
struct software_tokens;

#define SOFTWARE_FOLDER_SIZE 64
#define SOFTWARE_NOTICE_SIZE (STORE_TEXT_SIZE + 128)

/* NULL, with SEALRING_OK, unless the vault's configuration has the module use VAULT/tokens/softhsm2.conf, and that the files in
 * VAULT/tokens/softhsm2: a token of somebody else's is left alone. */
sealring_status software_find(const struct config *config, struct software_tokens **found, sealring_error *error);
void software_free(struct software_tokens *tokens);

/* Nothing is repaired and nothing copied from now on. */
void software_hands_off(struct software_tokens *tokens);

/* Has what SoftHSM2 rewrites at each login looked after: restored before a login if it is damaged, copied after one. tokens may be NULL. */
void software_watch(struct software_tokens *tokens, struct token_watch *watch);

/* For new tokens, while nobody else uses them: writes their files to disk and copies them. */
sealring_status software_secure(struct software_tokens *tokens, sealring_error *error);

/* Where nothing may be repaired (software_hands_off) and a token could not be opened: if one of its files is damaged and has a good copy, the error
 * becomes that, with what restores it. tokens may be NULL. */
void software_explain(const struct software_tokens *tokens, sealring_error *error);

/* What was found or done since it was last asked: one line, an alarm. False: nothing. tokens may be NULL. */
bool software_notice(struct software_tokens *tokens, char text[SOFTWARE_NOTICE_SIZE]);

/* The name of the folder of the token that the URI names by its serial number; false: there is none. */
bool software_folder(const struct software_tokens *tokens, const char *uri, char folder[SOFTWARE_FOLDER_SIZE]);

/* Whether there are such tokens, and they may be written. tokens may be NULL. */
bool software_may_write(const struct software_tokens *tokens);

const struct store *software_store(const struct software_tokens *tokens);

#endif
