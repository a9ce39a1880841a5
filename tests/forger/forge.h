/* SPDX-License-Identifier: Apache-2.0 */
/* Acts that sealring's own code carries out on a copy of the vault that names no audit token. */
#ifndef FORGER_FORGE_H
#define FORGER_FORGE_H

#include "forger/world.h"

extern const size_t forge_count;
extern const char *const forge_names[];

/* The path of the registry that the act of this number leaves, with its entries, nodes, facts and rows, and without a signature. */
const char *forge(const struct world *world, size_t number);

#endif
