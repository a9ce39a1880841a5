/* SPDX-License-Identifier: Apache-2.0 */
/* Which worlds are explored, and how each begins. */
#ifndef TESTS_WORLD_SETTINGS_H
#define TESTS_WORLD_SETTINGS_H

#include "world/world.h"

/* deep: without a bound on events, for an hour by hand. */
unsigned settings_count(void);
struct setting settings_get(bool deep, unsigned index);

/* A ring whose version 1 is active; the processes are all gone. */
void settings_begin(const struct setting *setting, struct world *world);

#endif
