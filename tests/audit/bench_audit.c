/* SPDX-License-Identifier: Apache-2.0 */
/* Measures an audit log of a million entries: verifying it against hashing its bytes, and appending as it grows. By hand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/leaf.h"
#include "log/log_entry.h"
#include "log/log_examine.h"
#include "log/log_tree.h"
#include "log/row_image.h"
#include "manage/audit/compare_rows.h"
#include "registry/fixture.h"

#define BATCH 1000 /* entries in one transaction: what is measured is the entry, not the disk */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time); /* others may be at work, too */
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void demand(sealring_status status, const sealring_error *error)
{
    if (status != SEALRING_OK) {
        fprintf(stderr, "bench_audit: %s\n", error->message);
        exit(1);
    }
}

struct batch {
    struct registry_write how;
    uint64_t first;
};

/* The rows that an issue makes. */
static json_t *rows_of(const struct audit_act *act, uint64_t number)
{
    struct registry_key key = {.id = (int64_t)number, .ring = 1, .client = (int64_t)number, .last_serial = 1};
    struct registry_credential credential = {
        .key = (int64_t)number, .serial = 1, .version = 7, .issued = 1764144000000};
    char digest[sizeof credential.digest + 1];
    key.state = SEALRING_KEY_ACTIVE;
    key.created = credential.issued;
    credential.state = SEALRING_CREDENTIAL_CURRENT;
    memcpy(key.key_id, act->key_id, sizeof key.key_id);
    snprintf(key.label, sizeof key.label, "default");
    snprintf(credential.scopes, sizeof credential.scopes, "read write");
    snprintf(digest, sizeof digest, "%032" PRIu64, number); /* as fill_rows writes it */
    memcpy(credential.digest, digest, sizeof credential.digest);
    memcpy(credential.nonce, digest + sizeof credential.digest - sizeof credential.nonce, sizeof credential.nonce);
    return json_pack("[o, o]", image_of(REGISTRY_TABLE_KEY, &key), image_of(REGISTRY_TABLE_CREDENTIAL, &credential));
}

/* As long as entries are: an issue, with its key and client. */
static sealring_status append(struct registry *registry, void *context, sealring_error *error)
{
    const struct batch *batch = context;
    sealring_status status = SEALRING_OK;
    for (uint64_t i = 0; status == SEALRING_OK && i < BATCH; i++) {
        struct audit_act act = {.name = "key.issue", .version = 7};
        snprintf(act.ring, sizeof act.ring, "payments-production");
        snprintf(act.key_id, sizeof act.key_id, "K%015" PRIu64, batch->first + i);
        snprintf(act.client, sizeof act.client, "customer-%" PRIu64, batch->first + i);
        audit_detail(&act, "{s:i, s:[[s, i, s, s]]}", "count", 1, "issued", act.key_id, 1, act.client, "read write");
        audit_detail_add(&act, "rows", rows_of(&act, batch->first + i + 1));
        status = audit_append(registry, batch->how.operation_id, (int64_t)(1764144000000 + batch->first + i),
                              "alice@registry.example.com 47110", &act, error);
        audit_release(&act);
    }
    return status;
}

/* All entries in memory, as their leaves are made of them. */
struct copies {
    struct registry_audit *entries;
    uint64_t count;
    size_t bytes;
};

static const char *copy(struct copies *copies, const char *text)
{
    copies->bytes += text != NULL ? strlen(text) : 0;
    return text != NULL ? strdup(text) : NULL;
}

static void keep(struct copies *copies, const struct registry_audit *entry)
{
    struct registry_audit *kept = &copies->entries[copies->count++];
    *kept = *entry;
    kept->actor = copy(copies, entry->actor);
    kept->act = copy(copies, entry->act);
    kept->ring = copy(copies, entry->ring);
    kept->key_id = copy(copies, entry->key_id);
    kept->client = copy(copies, entry->client);
    kept->detail = copy(copies, entry->detail);
    copies->bytes += 1 + 1 + 16 + 8 + 16 + 8 + 4 + 6 * 4;
}

static sealring_status keep_all(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_audit entry;
    struct registry_cursor entries = registry_audit_all(registry, error);
    while (registry_audit_next(&entries, &entry))
        keep(context, &entry);
    return registry_close_cursor(&entries, SEALRING_OK);
}

static sealring_status verify(struct registry *registry, void *context, sealring_error *error)
{
    const struct examine how = {.keys = NULL};
    return examine_log(registry, &how, context, error);
}

static sealring_status take_entry(const struct registry_audit *entry, void *context, sealring_error *error)
{
    return retrace_entry(context, entry, error);
}

static void count_problem(uint64_t entry, const char *text, void *context)
{
    uint64_t *problems = context;
    (void)entry, (void)text;
    ++*problems;
}

/* As `sealring audit verify` does it, with the keys' rows. */
static sealring_status verify_and_compare(struct registry *registry, void *context, sealring_error *error)
{
    struct examine_result result;
    struct examine how = {.entry = take_entry};
    struct retrace retrace;
    sealring_status status = retrace_begin(&retrace, registry, count_problem, context, error);
    how.context = &retrace;
    if (status == SEALRING_OK)
        status = examine_log(registry, &how, &result, error);
    if (status == SEALRING_OK)
        status = retrace_compare(&retrace, error);
    retrace_release(&retrace);
    return status;
}

/* The same without the rows. */
static sealring_status verify_and_retrace(struct registry *registry, void *context, sealring_error *error)
{
    struct examine how = {.entry = take_entry};
    struct retrace retrace;
    sealring_status status = retrace_begin(&retrace, NULL, NULL, NULL, error);
    how.context = &retrace;
    if (status == SEALRING_OK)
        status = examine_log(registry, &how, context, error);
    retrace_release(&retrace);
    return status;
}

static sealring_status find_root(struct registry *registry, void *context, sealring_error *error)
{
    const struct copies *copies = context;
    struct merkle_hash root;
    sealring_status status = SEALRING_OK;
    for (unsigned i = 0; status == SEALRING_OK && i < 1000; i++)
        status = tree_root(registry, copies->count - i, &root, error);
    return status;
}

static void grow(struct fixture *fixture, uint64_t entries)
{
    uint64_t next = 1024;
    for (uint64_t done = 0; done < entries; done += BATCH) {
        struct batch batch = {.how = {.moves_epoch = false}, .first = done};
        memcpy(batch.how.operation_id, &done, sizeof done);
        batch.how.operation_id[15] = 1;
        double start = now();
        demand(fixture_write_as(fixture->registry, &batch.how, append, &batch, &fixture->error), &fixture->error);
        if (done >= next || done + BATCH >= entries) {
            printf("append   at %8" PRIu64 " entries: %6.2f us each\n", done, (now() - start) * 1e6 / BATCH);
            next *= 4;
        }
    }
}

/* The keys' ring and version, which have no entry: two problems. */
static sealring_status add_ring(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring ring;
    struct registry_version version;
    (void)context;
    fixture_ring(&ring, 1);
    sealring_status status = registry_ring_insert(registry, &ring, error);
    fixture_version(&version, ring.id, 7);
    return status == SEALRING_OK ? registry_version_insert(registry, &version, error) : status;
}

/* The rows of the entries: written as a whole, because the log is what is measured. */
static void fill_rows(struct fixture *fixture, uint64_t entries)
{
    char sql[2048];
    snprintf(
        sql, sizeof sql,
        "PRAGMA foreign_keys = OFF; BEGIN; CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %" PRIu64
        ") SELECT i FROM n;"
        "INSERT INTO client (id, name, contact, created, forgotten) SELECT i, 'customer-' || i, '', 1764144000000, 0 FROM n;"
        "INSERT INTO api_key (id, key_id, ring, client, label, state, narrowed, narrowed_scopes, last_serial, created)"
        " SELECT i, printf('K%%015d', i - 1), 1, i, 'default', 1, 0, '', 1, 1764144000000 FROM n;"
        "INSERT INTO credential SELECT i, 1, 1, 7, CAST(printf('%%032d', i) AS BLOB), CAST(printf('%%016d', i) AS BLOB), 'read write', 0, 0, 1, 0, 0, 1764144000000,"
        " 0, x'', '', 0, 0 FROM n; COMMIT",
        entries);
    if (fixture_sql(fixture, sql) != SQLITE_OK) {
        fprintf(stderr, "bench_audit: the rows cannot be written\n");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    struct fixture fixture;
    struct examine_result result;
    struct copies copies = {.entries = calloc(entries + BATCH, sizeof *copies.entries)};
    struct merkle_frontier frontier = {.size = 0};
    fixture_open(&fixture);
    grow(&fixture, entries);
    demand(fixture_read(fixture.registry, keep_all, &copies, &fixture.error), &fixture.error);
    double start = now();
    for (uint64_t i = 0; i < copies.count; i++) {
        struct merkle_hash hash;
        leaf_hash((const uint8_t *)"0123456789abcdef", &copies.entries[i], &hash);
        (void)merkle_append(&frontier, &hash, NULL, NULL);
    }
    double hashing = now() - start;
    start = now();
    demand(fixture_read(fixture.registry, verify, &result, &fixture.error), &fixture.error);
    double verifying = now() - start;
    start = now();
    demand(fixture_read(fixture.registry, verify_and_retrace, &result, &fixture.error), &fixture.error);
    double retracing = now() - start;
    uint64_t problems = 0;
    demand(fixture_write(&fixture, false, add_ring, NULL), &fixture.error);
    fill_rows(&fixture, copies.count);
    start = now();
    demand(fixture_read(fixture.registry, verify_and_compare, &problems, &fixture.error), &fixture.error);
    double comparing = now() - start;
    start = now();
    demand(fixture_read(fixture.registry, find_root, &copies, &fixture.error), &fixture.error);
    double finding = now() - start;
    printf("hashing  %" PRIu64 " entries, %.0f bytes each, and the tree over them: %.3f s\n", copies.count,
           (double)copies.bytes / (double)copies.count, hashing);
    printf("verify   %" PRIu64 " entries, %" PRIu64 " problems: %.3f s, %.2f x the hashing\n", result.entries,
           result.problems, verifying, verifying / hashing);
    printf("         with the rows that entries name: %.3f s, %.2f x the hashing\n", retracing, retracing / hashing);
    printf("         and with the rows themselves, %" PRIu64 " problems: %.3f s, %.2f x the hashing\n", problems,
           comparing, comparing / hashing);
    printf("root     for a checkpoint: %.1f us\n", finding * 1e6 / 1000);
    fixture_close(&fixture);
    return 0;
}
