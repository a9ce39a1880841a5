/* SPDX-License-Identifier: Apache-2.0 */
/* The file vault.unsigned: the facts of emergencies that the operator's side has added, while no checkpoint covers them. */
#ifndef MANAGE_SESSION_UNSIGNED_FACTS_H
#define MANAGE_SESSION_UNSIGNED_FACTS_H

#include "config/config.h"
#include "log/fact_tail.h"

/* A version that is declared compromised is closed at once, and its object destroyed later. If the audit token is away at that moment, the fact alone
 * does not show whether an operator or somebody with access to the registry only wrote it. So the operator's side also writes the fact's number and
 * hash into this file, in the vault's directory, which only the vault's owner can write: one line each. */

/* In the transaction that adds them, before it is committed: adds the facts after number `count`. A failure delays nothing: an operator has to confirm
 * such a fact then. */
void unsigned_note(const struct config *config, struct registry *registry, uint64_t count);

/* Reads the file into own->noted; lines of another form are ignored. */
void unsigned_read(const struct config *config, struct own_facts *own);

/* Removes the file once a checkpoint covers `signed_count` facts, and so all of own->noted. */
void unsigned_clear(const struct config *config, struct own_facts *own, uint64_t signed_count);

#endif
