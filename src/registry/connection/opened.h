/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all open registries of this process, so that a forked child can close those that it inherited. */
#ifndef REGISTRY_CONNECTION_OPENED_H
#define REGISTRY_CONNECTION_OPENED_H

#include <stdbool.h>

#include "registry/connection/handle.h"

/* False: no memory. */
bool opened_add(struct registry *registry);
void opened_remove(struct registry *registry);

/* Calls back with each registry that the parent process opened, after removing it from the list. */
void opened_each_inherited(void (*each)(struct registry *registry));

#endif
