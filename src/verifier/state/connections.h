/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pool of read-only registry connections, each lent to one thread at a time. */
#ifndef VERIFIER_STATE_CONNECTIONS_H
#define VERIFIER_STATE_CONNECTIONS_H

#include "registry/connection/registry.h"

struct connections;

/* Opens none: they are opened on demand. The path and the key that verifies checkpoints (registry_trust_key) are borrowed. */
sealring_status connections_new(const char *registry_path, const char *audit_key, struct connections **made,
                                sealring_error *error);
void connections_close(struct connections *connections);

/* Lends a connection. Waits at most 5 s for a free one. Thread-safe. */
sealring_status connections_take(struct connections *connections, struct registry **registry, sealring_error *error);
void connections_give(struct connections *connections, struct registry *registry);

/* The path leads to another file now: closes the connections to the former file; those that are lent are closed on return. */
void connections_renew(struct connections *connections);

#endif
