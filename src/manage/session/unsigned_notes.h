/* SPDX-License-Identifier: Apache-2.0 */
/* The file vault.unsigned: what the operator's side has committed while no checkpoint covers it. */
#ifndef MANAGE_SESSION_UNSIGNED_NOTES_H
#define MANAGE_SESSION_UNSIGNED_NOTES_H

#include "config/config.h"
#include "log/tail/own_note.h"

#define UNSIGNED_FILE "vault.unsigned"

/* An act that permits nothing is committed before it is signed. If the process ends in between, or the audit token is away, the entry alone does not
 * show whether an operator or somebody with access to the registry only wrote it. So the operator's side also writes its number and hash into this
 * file, in the vault's directory, which only the vault's owner can write: one line before the commit, and one after it. The first line without
 * the second is of an act that may not have been committed, as the process was killed. Whatever a power loss leaves of a line is ignored. */

/* Adds a line. durable: it is there after a power loss, too. */
sealring_status unsigned_add(const struct config *config, const struct own_note *note, bool durable,
                             sealring_error *error);

/* Reads the notes of that era into notes->list. A file that is not there has none. */
sealring_status unsigned_read(const struct config *config, const uint8_t era[REGISTRY_ID_SIZE], struct own_notes *notes,
                              sealring_error *error);

/* Empties the file if a checkpoint covers all acts of that era in it: it covers `entries`. Under vault.work, so that nobody restores a registry meanwhile.
 * A failure leaves lines that are no longer needed, and the next act tries again. */
void unsigned_clear(const struct config *config, const uint8_t era[REGISTRY_ID_SIZE], uint64_t entries);

#endif
