/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is handed out that a live verifier cannot verify: asked of the report files when it is handed out. */
#ifndef SOAK_BARRIER_H
#define SOAK_BARRIER_H

#include "soak/history.h"

/* Every verifier that serves at this moment must have proved the credential's version. What is wrong becomes a finding. */
void barrier_check(struct history *history, uint32_t credential);

#endif
