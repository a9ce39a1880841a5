/* SPDX-License-Identifier: Apache-2.0 */
/* What a verifying process of the soak does: two threads ask without end, and every answer is written down. */
#ifndef SOAK_VERIFYING_H
#define SOAK_VERIFYING_H

#include "soak/history.h"

/* In a child: opens the vault, asks until it is told to leave, closes, and ends. A prefork parent's workers, who come and go, are
 * lives of their own. */
_Noreturn void verifying_serve(struct history *history, uint32_t life);

#endif
