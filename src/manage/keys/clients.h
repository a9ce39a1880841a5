/* SPDX-License-Identifier: Apache-2.0 */
/* What issuing shares with the client commands. */
#ifndef MANAGE_KEYS_CLIENTS_H
#define MANAGE_KEYS_CLIENTS_H

#include "registry/rows/rows.h"

/* SEALRING_INVALID unless name and contact (NULL: none) are well formed. */
sealring_status client_check(const char *name, const char *contact, sealring_error *error);

/* The client, or SEALRING_NOT_FOUND with its message. Inside a transaction. */
sealring_status client_get(struct registry *registry, const char *name, struct registry_client *client,
                           sealring_error *error);

/* As client_check for a name, and SEALRING_NOT_FOUND unless there is such a client. Inside a transaction. */
sealring_status client_check_known(struct registry *registry, const char *name, sealring_error *error);

/* Inserts a client that does not exist. Inside a writing transaction. */
sealring_status client_insert(sealring_manager *manager, const char *name, const char *contact,
                              struct registry_client *client, sealring_error *error);

#endif
