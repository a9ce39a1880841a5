/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's single row: every transaction reads it first, every writing one locks it first. */
#include "registry/connection/vault_row.h"

#include "registry/connection/handle.h"

#include <limits.h>
#include <string.h>

#include "base/error.h"

static const struct db_query vault_read_query = {"SELECT " VAULT_COLUMNS("") " FROM vault WHERE id = 1", false};

/* The update locks the row, so that writers wait here and nowhere else (PostgreSQL; in SQLite, BEGIN IMMEDIATE has done so). */
static const struct db_query vault_lock_query = {
    "UPDATE vault SET epoch = epoch + ?1 WHERE id = 1 RETURNING " VAULT_COLUMNS(""), true};

static const struct db_query vault_insert_query = {
    "INSERT INTO vault (id, " VAULT_COLUMNS("") ") VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    true};

static const struct db_query vault_schema_query = {
    "UPDATE vault SET schema = ?1, min_writer = ?3, min_reader = CASE WHEN " FACTS_BEGUN
    " THEN ?2 ELSE min_reader END WHERE id = 1",
    true};

static const struct db_query vault_renew_query = {
    "UPDATE vault SET era = ?1, epoch = ?2, era_in_force = 0 WHERE id = 1", true};

static const struct db_query vault_era_in_force_query = {"UPDATE vault SET era_in_force = 1 WHERE id = 1", true};

void columns_read_vault(struct query *query, struct registry_vault *vault)
{
    query_bytes(query, vault->vault_id, sizeof vault->vault_id);
    query_bytes(query, vault->era, sizeof vault->era);
    vault->epoch = query_uint64(query);
    vault->schema = query_small(query, 1, INT_MAX);
    vault->min_reader = query_small(query, 1, INT_MAX);
    vault->min_writer = query_small(query, 1, INT_MAX);
    /* a value above the maximum is limited where it is used; it is no error here */
    vault->lease_ms = query_duration(query);
    vault->refresh_ms = query_duration(query);
    vault->created = query_time(query);
    vault->object_id_length = (size_t)query_small(query, 1, 32);
    vault->token_closes_keys = query_bool(query);
    vault->era_in_force = query_bool(query);
}

static sealring_status vault_row_take(struct registry *registry, struct query *query, sealring_error *error)
{
    bool found = query_row(query);
    if (found) {
        columns_read_vault(query, &registry->vault);
        (void)query_row(query); /* fetch to the end: PostgreSQL and RETURNING require it */
    }
    sealring_status status = query_end(query, error);
    return status == SEALRING_OK && !found ? handle_problem(registry, DB_CORRUPT, error) : status;
}

/* Refuses a registry that a newer sealring wrote in a way that this one would misread. */
static sealring_status vault_row_check_schema(const struct registry *registry, int needed, const char *deed,
                                              sealring_error *error)
{
    if (needed <= REGISTRY_SCHEMA)
        return SEALRING_OK;
    return error_set_registry(
        error, 0,
        "the registry %s is newer than this program: %s it takes schema %d, this program knows %d; "
        "install the newer sealring",
        registry->path, deed, needed, REGISTRY_SCHEMA);
}

sealring_status vault_row_check_reader(const struct registry *registry, sealring_error *error)
{
    return vault_row_check_schema(registry, registry->vault.min_reader, "reading", error);
}

/* The row may state an older schema than the tables have: whoever writes the registry can edit it, and hinders nobody. */
static sealring_status vault_row_check_older(struct registry *registry, bool adds, sealring_error *error)
{
    int reached = registry->vault.schema;
    if (registry->vault.schema >= REGISTRY_SCHEMA)
        return SEALRING_OK;
    enum db_problem problem = registry->db->driver->upgrade(registry->db, adds, &reached);
    if (problem != DB_FINE)
        return handle_problem(registry, problem, error);
    if (reached < REGISTRY_SCHEMA && registry->mode != REGISTRY_UPGRADE)
        return error_set_registry(
            error, 0, "the registry %s has schema %d, and this program needs %d: run `sealring upgrade --backup FILE`",
            registry->path, reached, REGISTRY_SCHEMA);
    return SEALRING_OK;
}

/* Corrects the numbers in the vault's row. Older programs may read it until facts contain values. */
static sealring_status vault_row_set_schema(struct registry *registry, sealring_error *error)
{
    struct query query;
    struct registry_vault *vault = &registry->vault;
    if (vault->schema >= REGISTRY_SCHEMA)
        return SEALRING_OK;
    vault->schema = REGISTRY_SCHEMA;
    vault->min_writer = REGISTRY_MIN_WRITER;
    query_start(&query, registry, &vault_schema_query, error);
    query_bind_int64(&query, 1, vault->schema);
    query_bind_int64(&query, 2, REGISTRY_MIN_READER);
    query_bind_int64(&query, 3, vault->min_writer);
    return query_run(&query, error);
}

sealring_status vault_row_read(struct registry *registry, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &vault_read_query, error);
    sealring_status status = vault_row_take(registry, &query, error);
    if (status == SEALRING_OK)
        status = vault_row_check_reader(registry, error);
    return status != SEALRING_OK ? status : vault_row_check_older(registry, false, error);
}

sealring_status vault_row_lock(struct registry *registry, bool moves_epoch, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &vault_lock_query, error);
    query_bind_int64(&query, 1, moves_epoch);
    sealring_status status = vault_row_take(registry, &query, error);
    if (status == SEALRING_OK)
        status = vault_row_check_schema(registry, registry->vault.min_writer, "writing", error);
    if (status == SEALRING_OK)
        status = vault_row_check_older(registry, registry->mode == REGISTRY_UPGRADE, error);
    return status != SEALRING_OK ? status : vault_row_set_schema(registry, error);
}

sealring_status vault_row_confirm(struct registry *registry, sealring_error *error)
{
    const struct registry_vault written = registry->vault;
    sealring_status status = vault_row_read(registry, error);
    const struct registry_vault *kept = &registry->vault;
    bool same = kept->epoch == written.epoch && memcmp(kept->era, written.era, sizeof kept->era) == 0 &&
                memcmp(kept->vault_id, written.vault_id, sizeof kept->vault_id) == 0;
    registry->vault = written;
    return status != SEALRING_OK || same ? status : registry_unkept(registry, "the vault's row", error);
}

sealring_status vault_row_insert(struct registry *registry, const struct registry_vault *vault, sealring_error *error)
{
    return query_change(registry, &vault_insert_query,
                        PARAMETERS(BYTES(vault->vault_id, sizeof vault->vault_id), BYTES(vault->era, sizeof vault->era),
                                   UNSIGNED(vault->epoch), INTEGER(vault->schema), INTEGER(vault->min_reader),
                                   INTEGER(vault->min_writer), INTEGER(vault->lease_ms), INTEGER(vault->refresh_ms),
                                   INTEGER(vault->created), UNSIGNED(vault->object_id_length),
                                   INTEGER(vault->token_closes_keys), INTEGER(vault->era_in_force)),
                        error);
}

sealring_status vault_row_check_writer(const struct registry *registry, sealring_error *error)
{
    return vault_row_check_schema(registry, registry->vault.min_writer, "writing", error);
}

sealring_status registry_begin_facts(struct registry *registry, sealring_error *error)
{
    sealring_status status = facts_begin(registry, error);
    if (status == SEALRING_OK)
        status = query_change(
            registry, &vault_schema_query,
            PARAMETERS(INTEGER(REGISTRY_SCHEMA), INTEGER(REGISTRY_MIN_READER), INTEGER(REGISTRY_MIN_WRITER)), error);
    if (status == SEALRING_OK)
        status = handle_problem(registry, registry->db->driver->end_upgrade(registry->db), error);
    if (status == SEALRING_OK)
        registry->vault.min_reader = REGISTRY_MIN_READER;
    return status;
}

sealring_status registry_vault_set_era_in_force(struct registry *registry, sealring_error *error)
{
    sealring_status status = query_change(registry, &vault_era_in_force_query, NULL, error);
    registry->vault.era_in_force = registry->vault.era_in_force || status == SEALRING_OK;
    return status;
}

sealring_status registry_vault_renew(struct registry *registry, const uint8_t era[REGISTRY_ID_SIZE], uint64_t epoch,
                                     sealring_error *error)
{
    sealring_status status =
        query_change(registry, &vault_renew_query, PARAMETERS(BYTES(era, REGISTRY_ID_SIZE), UNSIGNED(epoch)), error);
    if (status == SEALRING_OK) {
        memcpy(registry->vault.era, era, REGISTRY_ID_SIZE);
        registry->vault.epoch = epoch;
        registry->vault.era_in_force = false;
    }
    return status;
}
