/* SPDX-License-Identifier: Apache-2.0 */
/* Forgeries of more than one cell: consistent acts without a signature, ends that are cut off, older tables, other eras. */
#ifndef FORGER_FORGERIES_H
#define FORGER_FORGERIES_H

#include "forger/trial.h"

struct forgery {
    const char *kind; /* "act", "cut", "older", "era" */
    const char *name;
    const char *sql;
    const char *source; /* a registry that the SQL names `source` */
    bool chosen;        /* for the short form */
};

struct forgeries {
    struct forgery *list;
    size_t count;
};

void forgeries_make(const struct world *world, struct forgeries *forgeries);

#endif
