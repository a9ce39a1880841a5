/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh registry in a directory of its own for each test, rows to put in, and raw SQL beside the library. */
#ifndef TESTS_REGISTRY_FIXTURE_H
#define TESTS_REGISTRY_FIXTURE_H

#include <sqlite3.h>

#include "registry/rows/rows.h"

struct fixture {
    char directory[64];
    char path[96];
    char lock_path[96];
    struct registry *registry; /* opened for writing; the lock is held */
    uint64_t operations;       /* for operation IDs */
    sealring_error error;
};

/* What a test does in a transaction, as a function: after a conflict it runs again. */
typedef sealring_status (*fixture_body)(struct registry *registry, void *context, sealring_error *error);

void fixture_create(struct fixture *fixture); /* the file only */
void fixture_open(struct fixture *fixture);   /* and opens and locks it */
void fixture_close(struct fixture *fixture);  /* closes it and removes the directory */

struct registry *fixture_reader(struct fixture *fixture);

/* Runs a body in a writing transaction with an operation ID of its own. */
struct registry_write fixture_operation(struct fixture *fixture, bool moves_epoch);
sealring_status fixture_write(struct fixture *fixture, bool moves_epoch, fixture_body body, void *context);

/* The same with an operation ID of the caller's, and in a reading transaction. */
sealring_status fixture_write_as(struct registry *registry, const struct registry_write *how, fixture_body body,
                                 void *context, sealring_error *error);
sealring_status fixture_read(struct registry *registry, fixture_body body, void *context, sealring_error *error);

/* Makes one status of what a *_find returned: SEALRING_NOT_FOUND if *found is false. */
sealring_status fixture_found(sealring_status status, const bool *found);

/* Rows that the schema likes; n tells them apart. */
void fixture_vault(struct registry_vault *vault);
void fixture_ring(struct registry_ring *ring, unsigned n);
void fixture_version(struct registry_version *version, int64_t ring, uint32_t number);
void fixture_client(struct registry_client *client, unsigned n);
void fixture_key(struct registry_key *key, int64_t ring, int64_t client, unsigned n);
void fixture_credential(struct registry_credential *credential, const struct registry_key *key, uint32_t version);
void fixture_key_id(char key_id[SEALRING_KEY_ID_LENGTH + 1], unsigned n); /* looks random */
void fixture_audit(struct registry_audit *entry, const struct registry_write *how);

/* One ring with active version 1, one client, one API key with one credential, in ids of the fixture. */
struct fixture_rows {
    struct registry_ring ring;
    struct registry_version version;
    struct registry_client client;
    struct registry_key key;
    struct registry_credential credential;
};
sealring_status fixture_insert(struct registry *registry, void *rows, sealring_error *error);
void fixture_fill(struct fixture *fixture, struct fixture_rows *rows);

/* Raw SQL on a connection that knows nothing of the library. The result code; rows are dropped. */
sqlite3 *fixture_raw(const struct fixture *fixture);
int fixture_sql(const struct fixture *fixture, const char *sql);
int64_t fixture_number(const struct fixture *fixture, const char *sql); /* first column of the first row */

/* The whole content as text, to be freed. */
char *fixture_dump(const struct fixture *fixture);

#endif
