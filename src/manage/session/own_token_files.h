/* SPDX-License-Identifier: Apache-2.0 */
/* The object files of one of the vault's own software tokens, and their copies. */
#ifndef MANAGE_SESSION_OWN_TOKEN_FILES_H
#define MANAGE_SESSION_OWN_TOKEN_FILES_H

#include "config/config.h"
#include "softhsm/objects.h"

/* One of the vault's two tokens, as it was last listed. */
struct kept_token {
    const struct store *store;
    char folder[SOFTWARE_FOLDER_SIZE];
    bool audit;
    struct object_files list;
};

/* False: the token is not the vault's own. */
bool kept_token_find(const struct config *config, bool audit, struct kept_token *token);

/* The result of an operation on the token's files, with its error: a problem is an errno, 0 for none. */
sealring_status kept_token_result(const struct kept_token *token, int problem, const char *what, sealring_error *error);

/* The cleanup of a variable: releases its list. */
void kept_token_release(struct kept_token *token);

/* Lists the token's object files with their copies. */
sealring_status kept_token_list(struct kept_token *token, sealring_error *error);

/* Both. False: the token is not the vault's own, or *status. */
bool kept_token_open(const struct config *config, bool audit, struct kept_token *token, sealring_status *status,
                     sealring_error *error);

bool kept_token_has_id(const struct object_file *file, const uint8_t *object_id, size_t length);

/* Copies one file. */
sealring_status kept_token_keep(const struct kept_token *token, const struct object_file *file, sealring_error *error);

/* Copies all that have changed; one that fails keeps no other from being copied. */
sealring_status kept_token_keep_changed(const struct kept_token *token, sealring_error *error);

/* An anchor that is missing while another data object exists was destroyed when that object was made, and only its copy was not removed. */
bool kept_token_was_replaced(const struct kept_token *token, const struct object_file *file);

/* After a change of the audit token's objects: writes their files to disk and copies them. Removes the copies of objects that the token itself
 * destroyed, which are data objects only. */
sealring_status kept_token_follow_audit(const struct config *config, sealring_error *error);

#endif
