/* SPDX-License-Identifier: Apache-2.0 */
/* Every edit of one cell: each column of each table, in rows of each kind, with values of several kinds. */
#ifndef FORGER_EDITS_H
#define FORGER_EDITS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "forger/world.h"

struct edit {
    int place; /* of the row in its table */
    const char *table, *column;
    const char *kind;           /* of the value: "neighbour", "older", "0", … */
    const char *key_id;         /* of the API key that the row is about, or "" */
    const char *ring;           /* likewise the ring's name, "" for none */
    const char *keys;           /* the columns of the primary key and the row's values, as an SQL condition */
    const char *keys_then;      /* the same after the edit */
    const char *before, *after; /* values as SQL literals */
    const char *other;          /* a row that has the value `after`, as a condition; NULL: none */
    const char *other_then;     /* the same after an exchange */
};

struct edits {
    struct edit *list;
    size_t count, room;
    size_t tables, columns, cells;
};

/* From the tables as they are in the vault, so that a new column has its edits, too. */
void edits_make(const struct world *world, struct edits *edits);

/* By an attacker: without the schema's triggers and checks; the triggers exist again afterwards. False: the schema does not permit the value, not
 * even exchanged with the other row's. */
bool edit_do(const char *registry, const struct edit *edit, bool *exchanged);
/* Restores the cell if it still contains the edit. */
void edit_undo(const char *registry, const struct edit *edit, bool exchanged);

/* SQL by an attacker, to whom `source` is another database (NULL: none); false: it failed. */
bool attack(const char *registry, const char *source, const char *sql, char *why, size_t size);

/* The epoch goes on, as with each commit. */
#define TURN_EPOCH "UPDATE vault SET epoch = epoch + 1;"

#endif
