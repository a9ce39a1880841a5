/* SPDX-License-Identifier: Apache-2.0 */
/* The file vault.unsigned: the restricting facts that the operator's side has added, while no checkpoint covers them. */
#ifndef MANAGE_SESSION_UNSIGNED_FACTS_H
#define MANAGE_SESSION_UNSIGNED_FACTS_H

#include "config/config.h"
#include "log/fact_tail.h"

/* A restriction is committed before it is signed. If the process ends in between, or the audit token is away, the fact alone does not show whether an
 * operator or somebody with access to the registry only wrote it. So the operator's side also writes the fact's number and hash into this file, in
 * the vault's directory, which only the vault's owner can write: one line each. */

/* In a transaction (of those who add them: before it is committed): adds the facts after number `count`. durable: also if the power fails, which the
 * compromise of a version needs, as its object is destroyed later. A failure delays nothing: the next act reports such a fact as another's then. */
void unsigned_note(const struct config *config, struct registry *registry, uint64_t count, bool durable);

/* Reads the file into own->noted; lines of another form are ignored. */
void unsigned_read(const struct config *config, struct own_facts *own);

/* Removes the file once a checkpoint covers `signed_count` facts, and so all of own->noted. */
void unsigned_clear(const struct config *config, struct own_facts *own, uint64_t signed_count);

#endif
