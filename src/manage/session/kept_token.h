/* SPDX-License-Identifier: Apache-2.0 */
/* The object files of one of the vault's own software tokens, and their copies. */
#ifndef MANAGE_SESSION_KEPT_TOKEN_H
#define MANAGE_SESSION_KEPT_TOKEN_H

#include "config/config.h"
#include "softhsm/objects.h"

/* One of the vault's two tokens, as of the last look at it. */
struct kept_token {
    const struct store *store;
    char folder[SOFTWARE_FOLDER_SIZE];
    bool audit;
    struct object_files list;
};

/* False: the token is not the vault's own. */
bool kept_token_find(const struct config *config, bool audit, struct kept_token *token);

/* The error of a problem (errno) with the token's files. Returns SEALRING_SYSTEM. */
sealring_status kept_token_fail(const struct kept_token *token, int problem, const char *what, sealring_error *error);

/* Lists the token's object files with their copies; released by objects_release. */
sealring_status kept_token_list(struct kept_token *token, sealring_error *error);

/* Copies one file. */
sealring_status kept_token_keep(const struct kept_token *token, const struct object_file *file, sealring_error *error);

/* An anchor that is missing beside another data object was destroyed when that was made, and only its copy was not removed any more. */
bool kept_token_was_replaced(const struct kept_token *token, const struct object_file *file);

/* After a change of the audit token's objects: their files are written to disk and copied. What it destroyed itself, data objects only, loses its
 * copy. */
sealring_status kept_token_follow_audit(const struct config *config, sealring_error *error);

#endif
