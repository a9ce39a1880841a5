/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the registry, in the SQL of each driver's database. */
#ifndef REGISTRY_DRIVER_SCHEMA_H
#define REGISTRY_DRIVER_SCHEMA_H

#include <stddef.h>

#define SCHEMA_NUMBER 3 /* what this library writes, and the newest that it can read */

/* One statement each, to be run in this order: schema 1. */
extern const char *const schema_sqlite[];
extern const size_t schema_sqlite_count;

/* What was added since, in this order. A new database gets these after the statements above, so that its schema has the same text as an
 * upgraded one. */
struct schema_addition {
    int schema;                 /* that added it */
    const char *table, *column; /* column NULL: an index or a table, whose name is `table` */
    const char *definition;     /* of the column; of an index or a table the statement that makes it */
};
extern const struct schema_addition schema_sqlite_additions[];
extern const size_t schema_sqlite_addition_count;

/* Then, between the two steps of an upgrade, the columns that servers of an older sealring follow; and their end, with the second step. A new database
 * gets the end at once, for the same reason. */
extern const char *const schema_sqlite_followed[];
extern const size_t schema_sqlite_followed_count;
extern const char *const schema_sqlite_unfollowed[];
extern const size_t schema_sqlite_unfollowed_count;

/* The forms that a schema can have: 1 to SCHEMA_NUMBER - 1 as an older sealring made it, SCHEMA_NUMBER between the steps, SCHEMA_FORMS as it is made
 * now. */
#define SCHEMA_FORMS (SCHEMA_NUMBER + 1)

/* SHA-256, in hexadecimal, of what sqlite_schema contains after all of these (sqlite_schema_digest). test_registry_schema prints it after a change. */
#define SCHEMA_DIGEST_SIZE 65
extern const char schema_sqlite_digest[SCHEMA_DIGEST_SIZE];

#endif
