/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded set of read-only registry connections, one lent to each thread at work. */
#ifndef VERIFIER_STATE_CONNECTIONS_H
#define VERIFIER_STATE_CONNECTIONS_H

#include "registry/connection/registry.h"

struct connections;

/* Opens the first connection, so that a wrong registry is noticed at once; others come as threads want them, `most` at
 * the highest. */
sealring_status connections_open(const char *registry_path, unsigned most, struct connections **opened,
                                 sealring_error *error);
void connections_close(struct connections *connections);

/* Lends a connection; waits at most 5 s for one to come back. Thread-safe. */
sealring_status connections_take(struct connections *connections, struct registry **registry, sealring_error *error);
void connections_give(struct connections *connections, struct registry *registry);

/* The path leads to another file now: connections to the former one are closed, those that are lent when they come back. */
void connections_renew(struct connections *connections);

#endif
