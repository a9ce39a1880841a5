/* SPDX-License-Identifier: Apache-2.0 */
/* Every open registry of this process, so that a forked child can let go of those that it inherited. */
#ifndef REGISTRY_CONNECTION_OPENED_H
#define REGISTRY_CONNECTION_OPENED_H

#include <stdbool.h>

#include "registry/connection/handle.h"

/* False: no memory. */
bool opened_add(struct registry *registry);
void opened_remove(struct registry *registry);

/* Calls back with each that another process, the parent, opened; it is taken out of the list first. */
void opened_each_inherited(void (*each)(struct registry *registry));

#endif
