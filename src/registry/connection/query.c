/* SPDX-License-Identifier: Apache-2.0 */
/* One run of one statement: binds parameters, fetches rows, reads columns. The first problem is kept and reported at the end. */
#include "registry/connection/query.h"

#include <string.h>

#include "base/error.h"

#define QUERY_TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z, as in base/timetext.c */

/* Why a query is not allowed at present; NULL if it is. */
static const char *query_objection(const struct registry *registry, const struct db_query *text)
{
    if (registry->transaction == TRANSACTION_NONE)
        return "outside of a transaction";
    if (text->writes && registry->transaction != TRANSACTION_WRITE)
        return "a change in a reading transaction";
    if (text->writes && registry->cursors > 0)
        return "a change while a cursor is open";
    return NULL;
}

void query_start(struct query *query, struct registry *registry, const struct db_query *text, sealring_error *error)
{
    *query = (struct query){.registry = registry, .driver = registry->db->driver, .run = registry->run};
    const char *objection = query_objection(registry, text);
    if (objection != NULL) {
        query->refused = error_set(error, SEALRING_INVALID, "the registry was asked for %s", objection);
        return;
    }
    if (registry->problem != DB_FINE) {
        /* After a failed statement its transaction can only be rolled back, as in PostgreSQL: report the first failure again. */
        query->refused = handle_fail(registry->path, registry->problem, NULL, error);
        return;
    }
    query->problem = query->driver->prepare(registry->db, text, &query->statement);
}

bool query_good(const struct query *query)
{
    return query->refused == SEALRING_OK && query->problem == DB_FINE;
}

/* ---- Parameters ----------------------------------------------------------------------------------------------------- */

void query_bind_int64(struct query *query, int parameter, int64_t value)
{
    if (query_good(query))
        query->problem = query->driver->bind_int64(query->statement, parameter, value);
}

void query_bind_uint64(struct query *query, int parameter, uint64_t value)
{
    if (value > INT64_MAX && query_good(query))
        query->problem = DB_CONSTRAINT;
    query_bind_int64(query, parameter, (int64_t)value);
}

void query_bind_text(struct query *query, int parameter, const char *text)
{
    if (query_good(query))
        query->problem = query->driver->bind_text(query->statement, parameter, text);
}

void query_bind_bytes(struct query *query, int parameter, const void *bytes, size_t length)
{
    if (query_good(query))
        query->problem = query->driver->bind_bytes(query->statement, parameter, bytes, length);
}

void query_bind(struct query *query, const struct query_parameter *parameters)
{
    for (int i = 0; parameters != NULL && parameters[i].kind != PARAMETER_END; i++)
        if (parameters[i].kind == PARAMETER_INTEGER)
            query_bind_int64(query, i + 1, parameters[i].integer);
        else if (parameters[i].kind == PARAMETER_UNSIGNED)
            query_bind_uint64(query, i + 1, parameters[i].number);
        else if (parameters[i].kind == PARAMETER_TEXT)
            query_bind_text(query, i + 1, parameters[i].bytes);
        else
            query_bind_bytes(query, i + 1, parameters[i].bytes, parameters[i].length);
}

/* ---- Rows ----------------------------------------------------------------------------------------------------------- */

bool query_row(struct query *query)
{
    bool row = false;
    if (query->run != query->registry->run)
        query->refused = SEALRING_INVALID; /* registry_close_cursor writes the message */
    if (query_good(query)) {
        query->column = 0;
        query->problem = query->driver->step(query->statement, &row);
    }
    return row && query->problem == DB_FINE;
}

void query_demand(struct query *query, bool fits)
{
    if (!fits && query->problem == DB_FINE)
        query->problem = DB_CORRUPT;
}

bool query_excuse(struct query *query)
{
    bool damaged = query->refused == SEALRING_OK && query->problem == DB_CORRUPT;
    if (damaged)
        query->problem = DB_FINE;
    return damaged;
}

bool query_null(struct query *query)
{
    bool null = query->driver->column_is_null(query->statement, query->column);
    query->column += null ? 1 : 0;
    return null;
}

int64_t query_int64(struct query *query)
{
    int64_t value = 0;
    query_demand(query, query->driver->column_int64(query->statement, query->column++, &value));
    return value;
}

int64_t query_time(struct query *query)
{
    int64_t value = query_int64(query);
    bool fits = value >= 0 && value <= QUERY_TIME_MAX;
    query_demand(query, fits);
    return fits ? value : 0;
}

int64_t query_duration(struct query *query)
{
    int64_t value = query_time(query);
    query_demand(query, value > 0);
    return value;
}

int64_t query_past(struct query *query)
{
    int64_t value = query_int64(query);
    query_demand(query, value >= 0);
    return value >= 0 ? value : 0;
}

uint64_t query_uint64(struct query *query)
{
    int64_t value = query_int64(query);
    query_demand(query, value >= 0);
    return value >= 0 ? (uint64_t)value : 0;
}

uint32_t query_uint32(struct query *query)
{
    int64_t value = query_int64(query);
    bool fits = value >= 0 && value <= UINT32_MAX;
    query_demand(query, fits);
    return fits ? (uint32_t)value : 0;
}

int query_small(struct query *query, int smallest, int largest)
{
    int64_t value = query_int64(query);
    bool fits = value >= smallest && value <= largest;
    query_demand(query, fits);
    return fits ? (int)value : 0;
}

bool query_bool(struct query *query)
{
    return query_small(query, 0, 1) == 1;
}

void query_text(struct query *query, char *text, size_t size)
{
    const char *found = NULL;
    size_t length = 0;
    bool fits = query->driver->column_text(query->statement, query->column++, &found, &length) && length < size &&
                memchr(found, '\0', length) == NULL;
    query_demand(query, fits);
    if (fits)
        memcpy(text, found, length);
    text[fits ? length : 0] = '\0';
}

const char *query_borrow(struct query *query)
{
    const char *found = NULL;
    size_t length = 0;
    if (query->driver->column_is_null(query->statement, query->column)) {
        query->column++;
        return NULL;
    }
    bool fits = query->driver->column_text(query->statement, query->column++, &found, &length) &&
                found[length] == '\0' && strlen(found) == length;
    query_demand(query, fits);
    return fits ? found : "";
}

const char *query_borrow_some(struct query *query)
{
    const char *text = query_borrow(query);
    query_demand(query, text != NULL);
    return text == NULL ? "" : text;
}

void query_name(struct query *query, char *text, size_t size, const char *(*problem)(const char *, char[128]))
{
    char why[128];
    query_text(query, text, size);
    query_demand(query, problem(text, why) == NULL);
}

void query_name_or_none(struct query *query, char *text, size_t size, const char *(*problem)(const char *, char[128]))
{
    char why[128];
    query_text(query, text, size);
    query_demand(query, text[0] == '\0' || problem(text, why) == NULL);
}

void query_ascii(struct query *query, char *text, size_t size)
{
    bool fits = true;
    query_text(query, text, size);
    for (const char *byte = text; *byte != '\0'; byte++)
        fits = fits && *byte >= ' ' && *byte <= '~';
    query_demand(query, fits);
}

void query_bytes_upto(struct query *query, uint8_t *bytes, size_t size, size_t *length)
{
    const void *found = NULL;
    bool fits = query->driver->column_bytes(query->statement, query->column++, &found, length) && *length <= size;
    query_demand(query, fits);
    *length = fits ? *length : 0;
    if (*length > 0)
        memcpy(bytes, found, *length);
    memset(bytes + *length, 0, size - *length);
}

const uint8_t *query_borrow_bytes(struct query *query, size_t *length)
{
    const void *found = NULL;
    query_demand(query, query->driver->column_bytes(query->statement, query->column++, &found, length));
    return found;
}

void query_bytes(struct query *query, uint8_t *bytes, size_t length)
{
    size_t found = 0;
    query_bytes_upto(query, bytes, length, &found);
    query_demand(query, found == length);
}

/* ---- End ------------------------------------------------------------------------------------------------------------ */

struct registry_cursor query_open(struct registry *registry, const struct db_query *text, sealring_error *error)
{
    struct registry_cursor cursor = {.error = error};
    query_start(&cursor.query, registry, text, error);
    registry->cursors++;
    return cursor;
}

sealring_status registry_close_cursor(struct registry_cursor *cursor, sealring_status status)
{
    struct query *query = &cursor->query;
    struct registry *registry = query->registry;
    sealring_error *error = status == SEALRING_OK ? cursor->error : NULL;
    if (query->run == registry->run)
        registry->cursors--;
    else
        query->refused = error_set(error, SEALRING_INVALID,
                                   "a cursor on the registry %s was open after its transaction's end", registry->path);
    sealring_status read = query_end(query, error);
    return status != SEALRING_OK ? status : read;
}

sealring_status query_end(struct query *query, sealring_error *error)
{
    sealring_status status = query->refused;
    if (status == SEALRING_OK)
        status = handle_problem(query->registry, query->problem, error);
    if (query->statement != NULL) {
        query->driver->release(query->statement);
        query->statement = NULL;
    }
    return status;
}

sealring_status query_run(struct query *query, sealring_error *error)
{
    query_demand(query, !query_row(query));
    if (query_good(query) && query->driver->changes(query->statement) != 1)
        query->problem = DB_ABSENT;
    return query_end(query, error);
}

/* ---- Whole statements ----------------------------------------------------------------------------------------------- */

sealring_status query_change(struct registry *registry, const struct db_query *text,
                             const struct query_parameter *parameters, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, text, error);
    query_bind(&query, parameters);
    return query_run(&query, error);
}

sealring_status query_change_any(struct registry *registry, const struct db_query *text,
                                 const struct query_parameter *parameters, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, text, error);
    query_bind(&query, parameters);
    query_demand(&query, !query_row(&query));
    return query_end(&query, error);
}

sealring_status query_insert(struct registry *registry, const struct db_query *text,
                             const struct query_parameter *parameters, int64_t *id, sealring_error *error)
{
    struct query query;
    int64_t number = 0;
    query_start(&query, registry, text, error);
    query_bind(&query, parameters);
    if (query_row(&query))
        number = query_int64(&query);
    sealring_status status = query_run(&query, error); /* fetches to the end: PostgreSQL and RETURNING require it */
    if (status == SEALRING_OK)
        *id = number;
    return status;
}

sealring_status query_find(struct registry *registry, const struct db_query *text,
                           const struct query_parameter *parameters, query_reader read, void *row, bool *found,
                           sealring_error *error)
{
    struct query query;
    query_start(&query, registry, text, error);
    query_bind(&query, parameters);
    *found = query_row(&query);
    if (*found && read != NULL)
        read(&query, row);
    return query_end(&query, error);
}

static void query_read_count(struct query *query, void *row)
{
    *(uint64_t *)row = query_uint64(query);
}

sealring_status query_count(struct registry *registry, const struct db_query *text,
                            const struct query_parameter *parameters, uint64_t *count, sealring_error *error)
{
    bool found;
    *count = 0;
    return query_find(registry, text, parameters, query_read_count, count, &found, error);
}

struct registry_cursor query_list(struct registry *registry, const struct db_query *text,
                                  const struct query_parameter *parameters, sealring_error *error)
{
    struct registry_cursor cursor = query_open(registry, text, error);
    query_bind(&cursor.query, parameters);
    return cursor;
}

bool query_next(struct registry_cursor *cursor, query_reader read, void *row)
{
    if (!query_row(&cursor->query))
        return false;
    read(&cursor->query, row);
    return query_good(&cursor->query);
}
