/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor on the rows that a query found. Its members belong to query.c. */
#ifndef REGISTRY_CONNECTION_CURSOR_H
#define REGISTRY_CONNECTION_CURSOR_H

#include <sealring/verify.h>

#include "registry/driver/driver.h"

struct registry;

/* One run of one statement: query.h. */
struct query {
    struct registry *registry;
    const struct db_driver *driver;
    struct db_statement *statement;
    sealring_status refused; /* not allowed: ends the query */
    enum db_problem problem;
    uint64_t run; /* the registry's, when it started: it can be used as long as that is the same */
    int column;   /* next one to read */
};

/* Opened inside a transaction, and closed before it ends:
 *
 *     struct registry_cursor rings = registry_rings(registry, error);
 *     while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
 *         status = …;
 *     status = registry_close_cursor(&rings, status);
 *
 * While it is open, nothing can be written. After the end of its transaction it can only be closed, which has no other effect. Texts that were passed to the function that opened it must stay valid until it is closed. */
struct registry_cursor {
    struct query query;
    sealring_error *error;
    int kind; /* which columns the rows have, where there are several kinds */
};

/* Closes it. Returns `status` if that is not SEALRING_OK; otherwise whether all rows up to here were read, with *error filled. */
sealring_status registry_close_cursor(struct registry_cursor *cursor, sealring_status status);

#endif
