/* SPDX-License-Identifier: Apache-2.0 */
/* The file vault.eras: the eras of a registry that a restore or a take-over has ended, by which an older copy is recognised. */
#ifndef REGISTRY_CONNECTION_ENDED_ERAS_H
#define REGISTRY_CONNECTION_ENDED_ERAS_H

#include "registry/connection/registry.h"

/* Adds the era, durably. The file is readable by those who can read its directory. */
sealring_status era_end(const char *path, const uint8_t era[REGISTRY_ID_SIZE], sealring_error *error);

/* A file that is not there contains none; one that cannot be read is an error. */
sealring_status era_has_ended(const char *path, const uint8_t era[REGISTRY_ID_SIZE], bool *ended,
                              sealring_error *error);

#endif
