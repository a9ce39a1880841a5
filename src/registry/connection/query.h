/* SPDX-License-Identifier: Apache-2.0 */
/* One run of one statement: bind, take rows, read columns; the first problem sticks and is told at the end. */
#ifndef REGISTRY_CONNECTION_QUERY_H
#define REGISTRY_CONNECTION_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/connection/handle.h"

struct query {
    struct registry *registry;
    const struct db_driver *driver;
    struct db_statement *statement;
    sealring_status refused; /* not allowed here, or a callback's status: ends the query */
    enum db_problem problem;
    int column; /* the next one to be read */
};

/* A query can be bound, run and ended whatever happened before: after a problem all of it does nothing. */
void query_start(struct query *query, struct registry *registry, const struct db_query *text, sealring_error *error);

void query_bind_int64(struct query *query, int parameter, int64_t value);
void query_bind_uint64(struct query *query, int parameter, uint64_t value); /* below 2^63, else a problem */
void query_bind_bool(struct query *query, int parameter, bool value);
void query_bind_text(struct query *query, int parameter, const char *text); /* NULL binds NULL */
void query_bind_bytes(struct query *query, int parameter, const void *bytes, size_t length);

/* True if there is a (next) row; its columns are then read in order with the functions below. */
bool query_row(struct query *query);

/* Whether the next column is NULL, as those of a LEFT JOIN that found nothing are; then goes on to the one behind it. */
bool query_null(struct query *query);

/* Each reads the next column. What does not fit the type makes the row a damaged one: query_good is false from then on. */
int64_t query_int64(struct query *query);
uint64_t query_uint64(struct query *query);
int64_t query_duration(struct query *query); /* as a time, and 1 at least */
int64_t query_time(
    struct query *query); /* or a duration: from 0 to the end of the year 9999, so that two can be added */
int64_t query_past(struct query *query); /* a time that a verifier told, whose clock may be any: 0 or more */
uint32_t query_uint32(struct query *query);
int query_small(struct query *query, int smallest, int largest);
bool query_bool(struct query *query);
void query_text(struct query *query, char *text, size_t size); /* with NUL; a text with a NUL inside is damaged */
/* The same, of a form that no insert of ours violates: names end up in paths and on terminals. `problem` as in base/name.h. */
void query_name(struct query *query, char *text, size_t size, const char *(*problem)(const char *, char[128]));
void query_ascii(struct query *query, char *text, size_t size);       /* printable ASCII, as key IDs and scopes are */
void query_bytes(struct query *query, uint8_t *bytes, size_t length); /* exactly so many */
void query_bytes_upto(struct query *query, uint8_t *bytes, size_t size, size_t *length);

/* The text itself, good until the next row; NULL for NULL. One with a NUL inside is damaged. */
const char *query_borrow(struct query *query);

/* The same where there has to be one: NULL is a damaged row. */
const char *query_borrow_some(struct query *query);

bool query_good(const struct query *query);

/* Whether the row that was read is a damaged one. It is excused: the walk can go on with the next one. */
bool query_excuse(struct query *query);

/* Around the call of a callback: if (query_enter(q)) query_leave(q, each(…)). A status other than OK ends the walk. */
bool query_enter(struct query *query);
void query_leave(struct query *query, sealring_status status);

/* Releases the statement. The status, with the error written if a problem of the database is behind it. */
sealring_status query_end(struct query *query, sealring_error *error);

/* For statements without rows. touched: how many rows must have been changed or inserted, else SEALRING_NOT_FOUND. */
sealring_status query_run(struct query *query, int64_t touched, sealring_error *error);

/* The number for a new row: one more than the highest, which `highest` asks for once per transaction. The vault row's lock makes it
 * nobody else's, and a rollback leaves no gap. */
sealring_status query_next_id(struct registry *registry, const struct db_query *highest, enum registry_numbered table,
                              int64_t *id, sealring_error *error);

/* For SELECT count(*). */
sealring_status query_count(struct query *query, uint64_t *count, sealring_error *error);

/* For a statement that asks for one row: SEALRING_NOT_FOUND, error untouched, if there was none. */
sealring_status query_end_one(struct query *query, bool found, sealring_error *error);

#endif
