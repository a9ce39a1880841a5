/* SPDX-License-Identifier: Apache-2.0 */
/* A poll's first step: the file of the registry, and the vault's row in it. For poll.c. */
#ifndef VERIFIER_FRESH_LOOK_REGISTRY_H
#define VERIFIER_FRESH_LOOK_REGISTRY_H

#include "verifier/fresh/load_changes.h"

/* Fills look->vault. If the open file was replaced, all connections are opened again. While there is no file at the path they stay open, to be
 * compared with the next one. Another vault's file ends the serving. */
sealring_status look_registry(struct look *look, bool *replaced, sealring_error *error);

#endif
