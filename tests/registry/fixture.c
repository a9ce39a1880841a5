/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh registry in a directory of its own for each test, rows to put in, and raw SQL beside the library. */
#include "registry/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/suite.h"

/* Not check's own: measuring uses the fixture too, outside of any test. */
static void fixture_demand(bool holds, const char *words)
{
    if (!holds) {
        fprintf(stderr, "fixture: %s\n", words);
        abort();
    }
}

void fixture_vault(struct registry_vault *vault)
{
    *vault = (struct registry_vault){.epoch = 7,
                                     .schema = REGISTRY_SCHEMA,
                                     .min_reader = 1,
                                     .min_writer = 1,
                                     .lease_ms = 60000,
                                     .refresh_ms = 200,
                                     .created = 1700000000123,
                                     .object_id_length = 16,
                                     .token_closes_keys = true,
                                     .era_in_force = true};
    memset(vault->vault_id, 0xa5, sizeof vault->vault_id);
}

/* The file and those beside it. */
static void fixture_copy(const char *from, const char *to)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[128];
    struct stat status;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(path, sizeof path, "%s%s", from, suffixes[i]);
        int source = open(path, O_RDONLY | O_CLOEXEC);
        fixture_demand(source >= 0 && fstat(source, &status) == 0, "the suite's registry cannot be opened");
        snprintf(path, sizeof path, "%s%s", to, suffixes[i]);
        int target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status.st_mode & 07777);
        fixture_demand(sendfile(target, source, NULL, (size_t)status.st_size) == status.st_size, "sendfile");
        close(source);
        close(target);
    }
}

/* A suite's first registry is made by registry_create. Those of its tests are copies of it: a schema takes long to lay out. */
static void fixture_make(struct fixture *fixture)
{
    const char *suite = getenv(RUNNER_DIRECTORY);
    char made[96];
    struct registry_vault vault;
    snprintf(made, sizeof made, "%s", fixture->path);
    if (suite != NULL)
        snprintf(made, sizeof made, "%s/registry.db", suite);
    fixture_vault(&vault);
    if (access(made, F_OK) != 0)
        fixture_demand(registry_create(made, &vault, &fixture->error) == SEALRING_OK, fixture->error.message);
    if (suite != NULL)
        fixture_copy(made, fixture->path);
}

void fixture_create(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    const char *temporary = getenv("TMPDIR");
    snprintf(fixture->directory, sizeof fixture->directory, "%s/sealring-registry-XXXXXX",
             temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
    fixture_demand(mkdtemp(fixture->directory) != NULL, "mkdtemp");
    snprintf(fixture->path, sizeof fixture->path, "%s/registry.db", fixture->directory);
    snprintf(fixture->lock_path, sizeof fixture->lock_path, "%s/vault.lock", fixture->directory);
    fixture_make(fixture);
}

void fixture_open(struct fixture *fixture)
{
    fixture_create(fixture);
    fixture_demand(registry_open(fixture->path, fixture->lock_path, REGISTRY_READ_WRITE, &fixture->registry,
                                 &fixture->error) == SEALRING_OK,
                   fixture->error.message);
    fixture_demand(registry_lock(fixture->registry, 0, "test", &fixture->error) == SEALRING_OK, "registry_lock");
}

void fixture_close(struct fixture *fixture)
{
    registry_close(fixture->registry);
    fixture->registry = NULL;
    DIR *directory = opendir(fixture->directory);
    fixture_demand(directory != NULL, "opendir");
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", fixture->directory, entry->d_name);
        unlink(path);
    }
    closedir(directory);
    fixture_demand(rmdir(fixture->directory) == 0, "rmdir");
}

struct registry *fixture_reader(struct fixture *fixture)
{
    struct registry *reader = NULL;
    fixture_demand(registry_open(fixture->path, NULL, REGISTRY_READ_ONLY, &reader, &fixture->error) == SEALRING_OK,
                   fixture->error.message);
    return reader;
}

struct registry_write fixture_operation(struct fixture *fixture, bool moves_epoch)
{
    struct registry_write how = {.moves_epoch = moves_epoch};
    fixture->operations++;
    memcpy(how.operation_id, &fixture->operations, sizeof fixture->operations);
    return how;
}

static sealring_status fixture_run(struct registry_transaction transaction, fixture_body body, void *context)
{
    sealring_status status;
    do {
        if (registry_begin(&transaction, &status))
            status = body(transaction.registry, context, transaction.error);
    } while (registry_again(&transaction, &status));
    return status;
}

sealring_status fixture_read(struct registry *registry, fixture_body body, void *context, sealring_error *error)
{
    return fixture_run(registry_reading(registry, error), body, context);
}

sealring_status fixture_write_as(struct registry *registry, const struct registry_write *how, fixture_body body,
                                 void *context, sealring_error *error)
{
    return fixture_run(registry_writing(registry, how, error), body, context);
}

sealring_status fixture_write(struct fixture *fixture, bool moves_epoch, fixture_body body, void *context)
{
    struct registry_write how = fixture_operation(fixture, moves_epoch);
    return fixture_write_as(fixture->registry, &how, body, context, &fixture->error);
}

sealring_status fixture_found(sealring_status status, const bool *found)
{
    return status == SEALRING_OK && !*found ? SEALRING_NOT_FOUND : status;
}

void fixture_ring(struct registry_ring *ring, unsigned n)
{
    *ring = (struct registry_ring){.policy = {.overlap = 604800000, .purge_delay = 2592000000, .keep = 3},
                                   .rotation_held = true,
                                   .last_version = 1,
                                   .created = 1700000001000 + n};
    memcpy(ring->ring_id, &n, sizeof n);
    snprintf(ring->name, sizeof ring->name, "ring-%u", n);
    snprintf(ring->prefix, sizeof ring->prefix, "sr_%u", n);
}

void fixture_version(struct registry_version *version, int64_t ring, uint32_t number)
{
    *version = (struct registry_version){.ring = ring,
                                         .number = number,
                                         .state = number == 1 ? SEALRING_VERSION_ACTIVE : SEALRING_VERSION_PENDING,
                                         .object_id_length = 16,
                                         .created = 1700000002000,
                                         .activated = number == 1 ? 1700000003000 : 0};
    memcpy(version->object_id, &ring, sizeof ring);
    memcpy(version->object_id + sizeof ring, &number, sizeof number);
    memset(version->check_value, (int)number, sizeof version->check_value);
    memcpy(version->prf, REGISTRY_HMAC_SHA256, sizeof REGISTRY_HMAC_SHA256);
    memcpy(version->origin, REGISTRY_GENERATED, sizeof REGISTRY_GENERATED);
}

void fixture_client(struct registry_client *client, unsigned n)
{
    *client = (struct registry_client){.created = 1700000004000};
    snprintf(client->name, sizeof client->name, "client-%06u", n);
    snprintf(client->contact, sizeof client->contact, "client%u@example.org", n);
}

void fixture_key_id(char key_id[SEALRING_KEY_ID_LENGTH + 1], unsigned n)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint64_t state = n + 1;
    for (int i = 0; i < SEALRING_KEY_ID_LENGTH; i++) { /* splitmix64 */
        uint64_t mixed = state += 0x9e3779b97f4a7c15;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        key_id[i] = digits[(mixed ^ (mixed >> 31)) % 62];
    }
    key_id[SEALRING_KEY_ID_LENGTH] = '\0';
}

void fixture_key(struct registry_key *key, int64_t ring, int64_t client, unsigned n)
{
    *key = (struct registry_key){
        .ring = ring, .client = client, .state = SEALRING_KEY_ACTIVE, .last_serial = 1, .created = 1700000005000};
    fixture_key_id(key->key_id, n);
    snprintf(key->label, sizeof key->label, "default");
}

void fixture_credential(struct registry_credential *credential, const struct registry_key *key, uint32_t version)
{
    *credential = (struct registry_credential){.key = key->id,
                                               .serial = key->last_serial,
                                               .version = version,
                                               .not_before = 0,
                                               .expires = 1800000000000,
                                               .state = SEALRING_CREDENTIAL_CURRENT,
                                               .issued = 1700000006000};
    memcpy(credential->digest, key->key_id, SEALRING_KEY_ID_LENGTH);
    memcpy(credential->digest + SEALRING_KEY_ID_LENGTH, &credential->serial, sizeof credential->serial);
    memcpy(credential->nonce, key->key_id, REGISTRY_NONCE_SIZE);
    snprintf(credential->scopes, sizeof credential->scopes, "orders:read orders:write");
}

void fixture_audit(struct registry_audit *entry, const struct registry_write *how)
{
    *entry = (struct registry_audit){.time = 1700000007000,
                                     .actor = "tester@host 1",
                                     .act = "key.issue",
                                     .ring = "ring-1",
                                     .version = 1,
                                     .key_id = "0123456789abcdef",
                                     .client = "client-000001",
                                     .detail = "{}"};
    memcpy(entry->operation_id, how->operation_id, sizeof entry->operation_id);
}

sealring_status fixture_insert(struct registry *registry, void *context, sealring_error *error)
{
    struct fixture_rows *rows = context;
    fixture_ring(&rows->ring, 1);
    fixture_client(&rows->client, 1);
    sealring_status status = registry_ring_insert(registry, &rows->ring, error);
    if (status == SEALRING_OK)
        status = registry_client_insert(registry, &rows->client, error);
    if (status == SEALRING_OK) {
        fixture_version(&rows->version, rows->ring.id, 1);
        status = registry_version_insert(registry, &rows->version, error);
    }
    if (status == SEALRING_OK) {
        fixture_key(&rows->key, rows->ring.id, rows->client.id, 1);
        status = registry_key_insert(registry, &rows->key, error);
    }
    if (status == SEALRING_OK) {
        fixture_credential(&rows->credential, &rows->key, 1);
        status = registry_credential_insert(registry, &rows->credential, error);
    }
    return status;
}

void fixture_fill(struct fixture *fixture, struct fixture_rows *rows)
{
    fixture_demand(fixture_write(fixture, true, fixture_insert, rows) == SEALRING_OK, fixture->error.message);
}

sqlite3 *fixture_raw(const struct fixture *fixture)
{
    sqlite3 *handle = NULL;
    fixture_demand(sqlite3_open_v2(fixture->path, &handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK,
                   "sqlite3_open_v2");
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_wal_autocheckpoint(handle, 0);
    sqlite3_exec(handle, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    return handle;
}

int fixture_sql(const struct fixture *fixture, const char *sql)
{
    sqlite3 *handle = fixture_raw(fixture);
    int code = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    sqlite3_close(handle);
    return code;
}

int64_t fixture_number(const struct fixture *fixture, const char *sql)
{
    sqlite3 *handle = fixture_raw(fixture);
    sqlite3_stmt *statement = NULL;
    fixture_demand(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK, "sqlite3_prepare_v2");
    fixture_demand(sqlite3_step(statement) == SQLITE_ROW, "sqlite3_step");
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return number;
}

static void fixture_dump_table(sqlite3 *handle, const char *table, FILE *out)
{
    char sql[128];
    sqlite3_stmt *statement = NULL;
    snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1, 2", table);
    fixture_demand(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK, "sqlite3_prepare_v2");
    while (sqlite3_step(statement) == SQLITE_ROW) {
        fprintf(out, "%s:", table);
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const uint8_t *bytes = sqlite3_column_blob(statement, i);
            fprintf(out, " %s=%d:", sqlite3_column_name(statement, i), sqlite3_column_type(statement, i));
            for (int j = 0; j < sqlite3_column_bytes(statement, i); j++)
                fprintf(out, "%02x", bytes[j]);
        }
        fprintf(out, "\n");
    }
    fixture_demand(sqlite3_finalize(statement) == SQLITE_OK, "sqlite3_finalize");
}

char *fixture_dump(const struct fixture *fixture)
{
    static const char *const tables[] = {"vault",         "ring",        "version",     "client",     "api_key",
                                         "credential",    "intention",   "audit",       "audit_node", "audit_key",
                                         "checkpoint",    "closed_fact", "usage_hour",  "usage_day",  "usage_seat",
                                         "usage_traffic", "verifier",    "version_use", "clock",      "renewal_error"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    sqlite3 *handle = fixture_raw(fixture);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        fixture_dump_table(handle, tables[i], out);
    sqlite3_close(handle);
    fclose(out);
    return text;
}
