/* SPDX-License-Identifier: Apache-2.0 */
/* Measures what the registry costs: key and credential pairs in, holders out, presented credentials, looks, walks. No test: it judges nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "registry/fixture.h"

#define PAIRS_PER_TRANSACTION 250

static double clock_us(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* The process's own time: what is left when the machine is shared with others. */
static double cpu_us(void)
{
    return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

struct batch {
    int64_t ring;
    unsigned first, count;
    bool clients;  /* makes the clients instead of the keys */
    double within; /* time spent in the body */
};

static sealring_status insert_batch(struct registry *registry, void *context, sealring_error *error)
{
    struct batch *batch = context;
    sealring_status status = SEALRING_OK;
    double start = now_us();
    for (unsigned n = batch->first; n < batch->first + batch->count && status == SEALRING_OK; n++) {
        if (batch->clients) {
            struct registry_client client;
            fixture_client(&client, n);
            status = registry_client_insert(registry, &client, error);
            continue;
        }
        struct registry_key key;
        struct registry_credential credential;
        fixture_key(&key, batch->ring, n + 1, n + 1);
        status = registry_key_insert(registry, &key, error);
        if (status == SEALRING_OK) {
            fixture_credential(&credential, &key, 1);
            status = registry_credential_insert(registry, &credential, error);
        }
    }
    batch->within += now_us() - start;
    return status;
}

static sealring_status insert_ring(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring ring;
    struct registry_version version;
    fixture_ring(&ring, 1);
    sealring_status status = registry_ring_insert(registry, &ring, error);
    fixture_version(&version, ring.id, 1);
    *(int64_t *)context = ring.id;
    return status == SEALRING_OK ? registry_version_insert(registry, &version, error) : status;
}

struct question {
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint8_t digest[REGISTRY_DIGEST_SIZE];
};

static sealring_status ask(struct registry *registry, void *context, sealring_error *error)
{
    static struct registry_holder holder;
    const struct question *question = context;
    const struct registry_holder_filter filter = {.key_id = question->key_id};
    struct registry_cursor holders = registry_holders(registry, &filter, error);
    bool found = registry_holder_next(&holders, &holder);
    return fixture_found(registry_close_cursor(&holders, SEALRING_OK), &found);
}

/* ---- A holder in a transaction -------------------------------------------------------------------------------------- */

static void measure_asking(struct registry *registry, const char *name, unsigned keys, unsigned rounds)
{
    struct question *questions = calloc(4096, sizeof *questions);
    for (unsigned i = 0; i < 4096; i++) {
        struct registry_key key;
        struct registry_credential credential;
        fixture_key(&key, 1, 1, (unsigned)(((uint64_t)i * 2654435761U) % keys) + 1);
        fixture_credential(&credential, &key, 1);
        memcpy(questions[i].key_id, key.key_id, sizeof key.key_id);
        memcpy(questions[i].digest, credential.digest, sizeof credential.digest);
    }
    for (int hot = 0; hot < 2; hot++) {
        unsigned bad = 0;
        double start = now_us(), cpu = cpu_us();
        for (unsigned i = 0; i < rounds; i++)
            bad += fixture_read(registry, ask, &questions[hot ? 7 : i % 4096], NULL) != SEALRING_OK;
        printf("%s, %s: %.2f us (%.2f us CPU) per transaction with one holder (%u failed)\n", name,
               hot ? "one key" : "4096 keys", (now_us() - start) / rounds, (cpu_us() - cpu) / rounds, bad);
    }
    free(questions);
}

/* ---- One presented credential --------------------------------------------------------------------------------------- */

enum presented_kind { FOUND, WRONG_DIGEST, UNKNOWN_KEY, KINDS };

static const char *const kind_names[KINDS] = {"found", "wrong digest", "unknown key ID"};

/* Number i of a walk that comes by every one of `keys` in no order that a page would notice. */
static unsigned scattered(unsigned i, unsigned keys)
{
    return (unsigned)((uint64_t)i * 2654435761U % keys) + 1;
}

static void make_question(struct question *question, enum presented_kind kind, unsigned n, unsigned keys)
{
    struct registry_key key;
    struct registry_credential credential;
    fixture_key(&key, 1, 1, kind == UNKNOWN_KEY ? n + keys + 1 : n);
    fixture_credential(&credential, &key, 1);
    credential.digest[31] ^= kind == WRONG_DIGEST;
    memcpy(question->key_id, key.key_id, sizeof key.key_id);
    memcpy(question->digest, credential.digest, sizeof credential.digest);
}

/* The same `different` questions again and again, or as many different ones as there are rounds. */
static void measure_presenting(struct registry *registry, enum presented_kind kind, unsigned keys, unsigned different,
                               unsigned rounds)
{
    static struct registry_presented presented;
    struct question *questions = calloc(different, sizeof *questions);
    for (unsigned i = 0; i < different; i++)
        make_question(&questions[i], kind, scattered(i, keys), keys);
    unsigned bad = 0;
    double start = 0, cpu = 0;
    for (unsigned i = 0; i < rounds + different; i++) {
        if (i == different) { /* the first round warms */
            start = now_us();
            cpu = cpu_us();
        }
        const struct question *question = &questions[i % different];
        bad += registry_present(registry, question->key_id, question->digest, &presented, NULL) != SEALRING_OK ||
               presented.found != (kind == FOUND) || presented.key_exists != (kind != UNKNOWN_KEY);
    }
    printf("registry_present, %u keys, %s, %u different: %.2f us (%.2f us CPU) (%u failed)\n", keys, kind_names[kind],
           different, (now_us() - start) / rounds, (cpu_us() - cpu) / rounds, bad);
    free(questions);
}

/* What a verifier reads: at first all rings and versions, later the rows of one version that a fact is about. */
static sealring_status ask_rows(struct registry *registry, void *context, sealring_error *error)
{
    const bool *all = context;
    struct registry_ring ring;
    struct registry_version version;
    bool found;
    struct registry_cursor rows = registry_rings(registry, error);
    bool any = registry_ring_next(&rows, &ring);
    sealring_status status = registry_close_cursor(&rows, SEALRING_OK);
    if (status == SEALRING_OK && !*all && any)
        status = registry_ring_find_by_id(registry, ring.ring_id, &ring, &found, error);
    if (status == SEALRING_OK && !*all && any)
        status = registry_version_find(registry, ring.id, 1, &version, &found, error);
    if (status != SEALRING_OK || !*all)
        return status;
    rows = registry_versions(registry, 0, error);
    while (registry_version_next(&rows, &version))
        continue;
    return registry_close_cursor(&rows, SEALRING_OK);
}

/* A look that finds nothing, and what one costs that has to ask what changed. */
static void measure_looks(struct registry *registry, unsigned rounds)
{
    struct registry_vault vault = {0};
    bool replaced = false;
    unsigned bad = 0;
    double start = now_us();
    for (unsigned i = 0; i < rounds; i++)
        bad += registry_look_vault(registry, &vault, &replaced, NULL) != SEALRING_OK || replaced;
    printf("registry_look_vault: %.2f us (%u failed)\n", (now_us() - start) / rounds, bad);
    for (int all = 0; all < 2; all++) {
        bool of_all = all != 0;
        bad = 0;
        start = now_us();
        for (unsigned i = 0; i < rounds; i++)
            bad += fixture_read(registry, ask_rows, &of_all, NULL) != SEALRING_OK;
        printf("rows, %s: %.2f us (%u failed)\n", all ? "all rings and versions" : "of one version",
               (now_us() - start) / rounds, bad);
    }
}

static sqlite3 *opened_handle;

/* Called by SQLite for each connection that is opened from now on. */
static int keep_handle(sqlite3 *handle, char **message, const void *routines)
{
    (void)message;
    (void)routines;
    const char *path = sqlite3_db_filename(handle, "main");
    if (path != NULL && path[0] != '\0') /* not the model of the schema, in memory */
        opened_handle = handle;
    return SQLITE_OK;
}

/* A reader whose page cache has so many KiB, 0: what the library gives it. */
static struct registry *open_reader(struct fixture *fixture, int cache)
{
    char sql[64];
    sqlite3_auto_extension((void (*)(void))keep_handle);
    struct registry *reader = fixture_reader(fixture);
    sqlite3_reset_auto_extension();
    if (cache > 0) {
        snprintf(sql, sizeof sql, "PRAGMA cache_size = -%d", cache);
        sqlite3_exec(opened_handle, sql, NULL, NULL, NULL);
    }
    return reader;
}

static void measure_caches(struct fixture *fixture, unsigned keys)
{
    static const int caches[] = {0, 1024, 2048, 4096, 8192, 32768, 131072};
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++) {
        struct registry *reader = open_reader(fixture, caches[i]);
        if (caches[i] == 0)
            printf("-- page cache as the library sets it\n");
        else
            printf("-- page cache of %d KiB\n", caches[i]);
        for (int kind = 0; kind < KINDS; kind++) {
            measure_presenting(reader, (enum presented_kind)kind, keys, 1, 200000);
            measure_presenting(reader, (enum presented_kind)kind, keys, 200000, 200000);
        }
        int used = 0, most = 0;
        sqlite3_db_status(opened_handle, SQLITE_DBSTATUS_CACHE_USED, &used, &most, 0);
        printf("page cache used: %.1f MiB\n", used / 1048576.0);
        registry_close(reader);
    }
}

/* ---- Walks ---------------------------------------------------------------------------------------------------------- */

struct walk {
    struct registry_holder_filter filter;
    char client[SEALRING_NAME_LENGTH_MAX + 1], label[SEALRING_NAME_LENGTH_MAX + 1];
    unsigned rows;
};

static sealring_status walk_page(struct registry *registry, void *context, sealring_error *error)
{
    struct walk *walk = context;
    const struct registry_holder_filter filter = walk->filter; /* its texts change only when the cursor is closed */
    char client[sizeof walk->client] = "", label[sizeof walk->label] = "";
    struct registry_holder holder;
    struct registry_cursor holders = registry_holders(registry, &filter, error);
    for (; registry_holder_next(&holders, &holder); walk->rows++) {
        memcpy(client, holder.client.name, sizeof client);
        memcpy(label, holder.key.label, sizeof label);
    }
    sealring_status status = registry_close_cursor(&holders, SEALRING_OK);
    memcpy(walk->client, client, sizeof client);
    memcpy(walk->label, label, sizeof label);
    return status;
}

static sealring_status walk_all(struct registry *registry, void *context, sealring_error *error)
{
    const struct registry_holder_filter filter = {0};
    struct registry_holder holder;
    unsigned *rows = context;
    struct registry_cursor holders = registry_holders(registry, &filter, error);
    while (registry_holder_next(&holders, &holder))
        ++*rows;
    return registry_close_cursor(&holders, SEALRING_OK);
}

static sealring_status count_current(struct registry *registry, void *context, sealring_error *error)
{
    uint64_t *counts = context;
    return registry_version_count(registry, 1, 1, &counts[0], &counts[1], error);
}

static void measure_walks(struct registry *registry)
{
    unsigned rows = 0;
    uint64_t counts[2] = {0};
    double start = now_us();
    fixture_read(registry, walk_all, &rows, NULL);
    printf("holders: %u rows in %.0f ms\n", rows, (now_us() - start) / 1e3);
    struct walk walk = {.filter = {.ring = "ring-1", .only_active = true, .limit = 250}};
    unsigned before;
    start = now_us();
    do {
        before = walk.rows;
        fixture_read(registry, walk_page, &walk, NULL);
        walk.filter.after_ring = "ring-1";
        walk.filter.after_client = walk.client;
        walk.filter.after_label = walk.label;
    } while (walk.rows != before);
    printf("holders by pages of 250: %u rows in %.0f ms\n", walk.rows, (now_us() - start) / 1e3);
    start = now_us();
    fixture_read(registry, count_current, counts, NULL);
    printf("version_count: %lu, %lu in %.1f ms\n", (unsigned long)counts[0], (unsigned long)counts[1],
           (now_us() - start) / 1e3);
}

int main(int argc, char **argv)
{
    unsigned keys = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    struct fixture fixture;
    struct batch batch = {0};
    fixture_open(&fixture);
    fixture_write(&fixture, true, insert_ring, &batch.ring);
    for (int pass = 0; pass < 2; pass++) {
        batch.clients = pass == 0;
        batch.within = 0;
        double start = now_us(), cpu = cpu_us(), slowest = 0;
        for (batch.first = 0; batch.first < keys; batch.first += PAIRS_PER_TRANSACTION) {
            batch.count = keys - batch.first < PAIRS_PER_TRANSACTION ? keys - batch.first : PAIRS_PER_TRANSACTION;
            double began = now_us();
            if (fixture_write(&fixture, false, insert_batch, &batch) != SEALRING_OK) {
                fprintf(stderr, "%s\n", fixture.error.message);
                return 1;
            }
            registry_checkpoint(fixture.registry, 1000);
            double took = now_us() - began;
            slowest = took > slowest ? took : slowest;
        }
        printf(
            "%u %s: %.2f us (%.2f us CPU) each with commit, fsync and checkpoints, %.2f us without; slowest transaction of %u: %.1f ms\n",
            keys, batch.clients ? "clients" : "key and credential pairs", (now_us() - start) / keys,
            (cpu_us() - cpu) / keys, batch.within / keys, PAIRS_PER_TRANSACTION, slowest / 1e3);
    }
    struct registry *reader = fixture_reader(&fixture);
    measure_asking(reader, "reader, log as left", keys, 200000);
    measure_presenting(reader, FOUND, keys, 4096, 200000);
    registry_checkpoint(fixture.registry, 0);
    measure_asking(reader, "reader, log copied", keys, 200000);
    measure_presenting(reader, FOUND, keys, 4096, 200000);
    measure_looks(reader, 200000);
    measure_walks(reader);
    struct stat facts;
    stat(fixture.path, &facts);
    printf("file: %.1f MB\n", (double)facts.st_size / 1e6);
    registry_close(reader);
    measure_caches(&fixture, keys);
    fixture_close(&fixture);
    return 0;
}
