/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's single row: its columns and its statements. For the files of registry/. */
#ifndef REGISTRY_CONNECTION_VAULT_ROW_H
#define REGISTRY_CONNECTION_VAULT_ROW_H

#include "registry/connection/query.h"
#include "registry/connection/registry.h"

/* of: "" or the table's alias and a dot. */
#define VAULT_COLUMNS(of)                                                                                        \
    of "vault_id, " of "era, " of "epoch, " of "schema, " of "min_reader, " of "min_writer, " of "lease_ms, " of \
       "refresh_ms, " of "created, " of "object_id_length, " of "token_closes_keys, " of "era_in_force"
void columns_read_vault(struct query *query, struct registry_vault *vault);

sealring_status vault_row_read(struct registry *registry, sealring_error *error);
sealring_status vault_row_lock(struct registry *registry, bool moves_epoch, sealring_error *error);
sealring_status vault_row_check_reader(const struct registry *registry, sealring_error *error);
sealring_status vault_row_check_writer(const struct registry *registry, sealring_error *error);
/* At the end of a writing transaction: SEALRING_REGISTRY unless epoch, era and vault ID are what was written. */
sealring_status vault_row_confirm(struct registry *registry, sealring_error *error);
sealring_status vault_row_insert(struct registry *registry, const struct registry_vault *vault, sealring_error *error);

#endif
