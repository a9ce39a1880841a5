/* SPDX-License-Identifier: Apache-2.0 */
/* One run of one statement: binds parameters, fetches rows, reads columns. The first problem is kept and reported at the end. */
#ifndef REGISTRY_CONNECTION_QUERY_H
#define REGISTRY_CONNECTION_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/connection/cursor.h"
#include "registry/connection/handle.h"

/* One parameter of a statement. Text and bytes must stay valid until the statement is released. */
struct query_parameter {
    enum { PARAMETER_END, PARAMETER_INTEGER, PARAMETER_UNSIGNED, PARAMETER_TEXT, PARAMETER_BYTES } kind;
    int64_t integer;
    uint64_t number;
    const void *bytes;
    size_t length;
};
/* INTEGER: also a boolean. UNSIGNED: below 2^63, otherwise a problem. TEXT: NULL binds NULL. FILTER: NULL
 * binds ''. */
#define INTEGER(value)     ((struct query_parameter){.kind = PARAMETER_INTEGER, .integer = (value)})
#define UNSIGNED(value)    ((struct query_parameter){.kind = PARAMETER_UNSIGNED, .number = (value)})
#define TEXT(text)         ((struct query_parameter){.kind = PARAMETER_TEXT, .bytes = (text)})
#define FILTER(text)       TEXT((text) == NULL ? "" : (text))
#define BYTES(value, size) ((struct query_parameter){.kind = PARAMETER_BYTES, .bytes = (value), .length = (size)})
#define NO_PARAMETER       ((struct query_parameter){.kind = PARAMETER_END})

/* All parameters of a statement, ?1 first: PARAMETERS(INTEGER(id), TEXT(name)). A statement without parameters takes NULL. */
#define PARAMETERS(...) ((const struct query_parameter[]){__VA_ARGS__, {.kind = PARAMETER_END}})

/* ---- Whole statements ---- */

/* Inserts, changes or deletes one row: any other number is SEALRING_REGISTRY. */
sealring_status query_change(struct registry *registry, const struct db_query *text,
                             const struct query_parameter *parameters, sealring_error *error);

/* The same for any number of rows. */
sealring_status query_change_any(struct registry *registry, const struct db_query *text,
                                 const struct query_parameter *parameters, sealring_error *error);

/* The number for a new row. The vault row's lock keeps others from using it, and a rollback leaves no gap. */
#define NEXT_ID(table) "(SELECT coalesce(max(x.id), 0) + 1 FROM " table " x)"

/* Inserts one row whose statement returns the number that the row got (RETURNING id). */
sealring_status query_insert(struct registry *registry, const struct db_query *text,
                             const struct query_parameter *parameters, int64_t *id, sealring_error *error);

/* Reads the columns of the present row, in order, into *row. */
typedef void (*query_reader)(struct query *query, void *row);

/* Reads the first row, if there is one. read NULL: nothing, it is enough to know that there is one. */
sealring_status query_find(struct registry *registry, const struct db_query *text,
                           const struct query_parameter *parameters, query_reader read, void *row, bool *found,
                           sealring_error *error);

/* For SELECT count(*) and similar ones. */
sealring_status query_count(struct registry *registry, const struct db_query *text,
                            const struct query_parameter *parameters, uint64_t *count, sealring_error *error);

/* Opens a cursor. Its rows are fetched with query_next, and closed with registry_close_cursor. */
struct registry_cursor query_list(struct registry *registry, const struct db_query *text,
                                  const struct query_parameter *parameters, sealring_error *error);

/* False: there is no further row, or the row is damaged. */
bool query_next(struct registry_cursor *cursor, query_reader read, void *row);

/* ---- Step by step ---- */

/* A query can be bound, run and ended whatever happened before: after a problem these functions have no effect. */
void query_start(struct query *query, struct registry *registry, const struct db_query *text, sealring_error *error);

void query_bind(struct query *query, const struct query_parameter *parameters);
void query_bind_int64(struct query *query, int parameter, int64_t value);
void query_bind_uint64(struct query *query, int parameter, uint64_t value);
void query_bind_text(struct query *query, int parameter, const char *text);
void query_bind_bytes(struct query *query, int parameter, const void *bytes, size_t length);

/* Fetches the next row. False: there is none. The functions below then read its columns in order. */
bool query_row(struct query *query);

/* Returns whether the next column is NULL (as after a LEFT JOIN without a match), and advances to the following column if it is. */
bool query_null(struct query *query);

/* Each reads the next column. If the value does not have the type, the row is damaged: query_good returns false from then on. */
int64_t query_int64(struct query *query);
uint64_t query_uint64(struct query *query);
int64_t query_duration(struct query *query); /* as a time, and at least 1 */
int64_t query_time(
    struct query *query); /* or a duration: from 0 to the end of the year 9999, so that two can be added */
int64_t query_past(struct query *query); /* a time from a verifier, whose clock may have any value: at least 0 */
uint32_t query_uint32(struct query *query);
int query_small(struct query *query, int smallest, int largest);
bool query_bool(struct query *query);
void query_text(struct query *query, char *text, size_t size); /* with NUL; a text with a NUL inside is damaged */
/* The same for a name, of a form that sealring's inserts always have, because names occur in paths and on terminals. `problem` as in
 * base/name.h. */
void query_name(struct query *query, char *text, size_t size, const char *(*problem)(const char *, char[128]));
/* The same, or the empty text. */
void query_name_or_none(struct query *query, char *text, size_t size, const char *(*problem)(const char *, char[128]));
void query_ascii(struct query *query, char *text, size_t size);       /* printable ASCII, as key IDs and scopes are */
void query_bytes(struct query *query, uint8_t *bytes, size_t length); /* of exactly this length */
void query_bytes_upto(struct query *query, uint8_t *bytes, size_t size, size_t *length);

/* The text itself, valid until the next row; NULL for NULL. A text with a NUL inside is damaged. */
const char *query_borrow(struct query *query);

/* The same for a column that must not be NULL: NULL makes the row a damaged one. */
const char *query_borrow_some(struct query *query);

/* Unless `fits`, the row is damaged: another program wrote what the schema or the format does not permit. */
void query_demand(struct query *query, bool fits);
/* The bytes themselves, valid until the next row; NULL: there are none, or the row is damaged. */
const uint8_t *query_borrow_bytes(struct query *query, size_t *length);

bool query_good(const struct query *query);

/* Returns whether the row that was read is damaged, and clears that problem: the walk can continue with the next row. */
bool query_excuse(struct query *query);

/* Opens a cursor, whose query is then bound. Its rows are fetched with query_row, and closed with registry_close_cursor. */
struct registry_cursor query_open(struct registry *registry, const struct db_query *text, sealring_error *error);

/* Releases the statement. Returns the status, with *error set if the database caused the problem. */
sealring_status query_end(struct query *query, sealring_error *error);

/* As query_change. */
sealring_status query_run(struct query *query, sealring_error *error);

#endif
