/* SPDX-License-Identifier: Apache-2.0 */
/* The versions that facts close, and in which state. */
#ifndef VERIFIER_STATE_CLOSED_VERSIONS_H
#define VERIFIER_STATE_CLOSED_VERSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/rows/rows.h"

struct closed_version {
    uint8_t ring_id[REGISTRY_ID_SIZE];
    uint32_t number;
    int state;
};

/* Zero at first. For one thread. */
struct closed_versions {
    struct closed_version *items;
    size_t count;
};

/* 0: no fact closes it. */
int closed_versions_state(const struct closed_versions *versions, const uint8_t ring_id[REGISTRY_ID_SIZE],
                          uint32_t number);
/* Sets the state; a state below retired removes the version. False: no memory. */
bool closed_versions_set(struct closed_versions *versions, const struct closed_version *version);
/* Only closes: what is closed stays so, and has the later of both states. */
bool closed_versions_close(struct closed_versions *versions, const struct closed_version *version);
void closed_versions_clear(struct closed_versions *versions);

#endif
