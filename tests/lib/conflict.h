/* SPDX-License-Identifier: Apache-2.0 */
/* Conflicts of the registry's transactions with those of another program, at a statement of one's choice. */
#ifndef TESTS_CONFLICT_H
#define TESTS_CONFLICT_H

#include "lib/touches.h"

/* From now on every registry that is opened has its statements counted in `touches` (NULL: not): each begin, prepare, step and commit of its
 * driver is one. The one of number fail_at, with fail_on all after it too, reports DB_BUSY and does nothing; and nobody sleeps. */
void conflict_count(struct touches *touches);

#endif
