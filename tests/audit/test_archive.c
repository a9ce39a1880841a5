/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of the log: the note's text, roots and proofs across a cut of a real vault, what can be stopped, and where nothing can be cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sealring/backup.h>

#include "audit/inclusion.h"
#include "lib/runner.h"
#include "lib/test_vault.h"
#include "log/archive_note.h"
#include "log/log_entry.h"
#include "log/log_tree.h"
#include "manage/session/manager.h"
#include "manage/session/unsigned_notes.h"
#include "registry/rows/closed_facts.h"
#include "registry/connection/handle.h"

#define ENTRIES 72
#define LATER   30 /* entries after the cuts */

static struct test_vault vault;
static sealring_error error;
static struct merkle_hash roots[ENTRIES + LATER + 3];

/* ---- The note ---- */

static struct archive an_archive(void)
{
    struct archive archive = {
        .vault_id = "vault-----------", .era = "era-------------", .last = 208, .bytes = 12345, .time = 1796000000000};
    archive.start.size = 112; /* 64 + 32 + 16 */
    for (unsigned level = 4; level < 7; level++)
        memset(archive.start.roots[level].bytes, (int)level, MERKLE_HASH_SIZE);
    memset(archive.root.bytes, 9, sizeof archive.root.bytes);
    memset(archive.sha256, 8, sizeof archive.sha256);
    memset(archive.kept, 7, sizeof archive.kept);
    return archive;
}

START_TEST(a_note_is_parsed_as_it_was_written)
{
    struct archive archive = an_archive(), again;
    struct merkle_hash one = {{0}}, other = {{0}};
    char text[ARCHIVE_TEXT_SIZE];
    archive_format(&archive, text);
    ck_assert(strncmp(text, "sealring archive 1\n", 19) == 0);
    ck_assert(archive_parse(text, strlen(text), &again));
    merkle_root(&archive.start, &one);
    merkle_root(&again.start, &other);
    ck_assert(merkle_equal(&one, &other) && merkle_equal(&archive.root, &again.root));
    ck_assert_uint_eq(again.start.size, 112);
    ck_assert_uint_eq(again.last, 208);
    ck_assert_uint_eq(again.bytes, 12345);
    ck_assert_int_eq(again.time, archive.time);
    ck_assert_mem_eq(again.kept, archive.kept, sizeof again.kept);
}
END_TEST

/* A root that the nodes do not have, more nodes or fewer, an end before the beginning, a byte that is another one. */
START_TEST(no_other_text_is_a_note)
{
    struct archive archive = an_archive(), again;
    char text[ARCHIVE_TEXT_SIZE], changed[ARCHIVE_TEXT_SIZE + 64];
    archive_format(&archive, text);
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        ck_assert(!archive_parse(text, i, &again));
        memcpy(changed, text, length + 1);
        changed[i] ^= 0x10;
        if (archive_parse(changed, length, &again)) { /* other contents, and exactly the text of these */
            archive_format(&again, text);
            ck_assert_mem_eq(text, changed, length);
            archive_format(&archive, text);
            ck_assert_int_ne(memcmp(&again, &archive, sizeof again), 0);
        }
    }
    snprintf(changed, sizeof changed, "%snode %.44s\n", text, strstr(text, "node ") + 5);
    ck_assert(!archive_parse(changed, strlen(changed), &again));
    memcpy(strstr(changed, "before ") + 11, "AAAA", 4);
    ck_assert(!archive_parse(changed, length, &again));
    archive.last = archive.start.size;
    archive_format(&archive, text);
    ck_assert(!archive_parse(text, strlen(text), &again));
}
END_TEST

/* ---- The tree across a cut ---- */

/* As if an operator had examined them: so they need not be confirmed. In the transaction. */
static void note_examined(const sealring_manager *manager)
{
    struct registry *registry = manager->registry;
    struct own_note note = {.kind = OWN_NOTE_EXAMINED};
    struct merkle_hash root;
    memcpy(note.era, registry_vault_row(registry)->era, sizeof note.era);
    ASSERT_OK(registry_audit_size(registry, &note.entry, &error), error);
    ASSERT_OK(tree_root(registry, note.entry, &root, &error), error);
    ASSERT_OK(registry_closed_head(registry, &note.facts, note.head, &error), error);
    note.facts_before = note.facts;
    memcpy(note.hash, root.bytes, sizeof note.hash);
    ASSERT_OK(unsigned_add(manager->config, &note, false, &error), error);
}

/* Appends entries in one transaction, as each act of its own would wait for the disk and the token, and then acts once, which signs. */
static void grow(uint64_t count)
{
    static int number;
    char name[32];
    const struct audit_act act = {.name = "test.entry"};
    struct registry_write how = {.moves_epoch = false};
    sealring_status status;
    sealring_manager *manager = test_vault_manage(&vault);
    snprintf(name, sizeof name, "client-%d", ++number);
    memcpy(how.operation_id, &number, sizeof number);
    ASSERT_OK(registry_lock(manager->registry, 0, "test", &error), error);
    struct registry_transaction writing = registry_writing(manager->registry, &how, &error);
    do {
        if (!registry_begin(&writing, &status))
            continue;
        for (uint64_t i = 1; i < count; i++)
            ASSERT_OK(audit_append(manager->registry, how.operation_id, (int64_t)i, "test", &act, &error), error);
        note_examined(manager);
    } while (registry_again(&writing, &status));
    ASSERT_OK(status, error);
    registry_unlock(manager->registry);
    ASSERT_OK(sealring_client_add(manager, name, NULL, &error), error);
    sealring_manager_close(&manager);
}

static void grow_to(uint64_t size)
{
    grow(size - (uint64_t)test_vault_number(&vault, "SELECT max(sequence) FROM audit"));
}

static void setup(void)
{
    test_vault_make(&vault);
    grow_to(ENTRIES);
}

static void teardown(void)
{
    test_vault_remove(&vault);
}

static void file_name(uint64_t before, char file[256])
{
    snprintf(file, 256, "%.200s/archive-%llu", vault.path, (unsigned long long)before);
}

static sealring_status archive_with(uint64_t before, sealring_work_callback progress, sealring_archive_result *result)
{
    char file[256];
    sealring_archive_options options = {
        .size = sizeof options, .before_entry = before, .file = file, .progress = progress};
    sealring_manager *manager = test_vault_manage(&vault);
    file_name(before, file);
    sealring_status status = sealring_audit_archive(manager, &options, result, &error);
    sealring_manager_close(&manager);
    return status;
}

static uint64_t cut_at(uint64_t before)
{
    sealring_archive_result result = {.size = sizeof result};
    ASSERT_OK(archive_with(before, NULL, &result), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT min(sequence) FROM audit"), (long long)result.last + 1);
    return result.last;
}

/* All roots from size `first` on; those that are known must be the same. */
static void compare_roots(sealring_manager *manager, uint64_t first, uint64_t known, uint64_t size)
{
    struct merkle_hash root;
    for (uint64_t at = first; at <= size; at++) {
        ASSERT_OK(tree_root(manager->registry, at, &root, &error), error);
        if (at <= known)
            ck_assert_msg(merkle_equal(&root, &roots[at]), "the root of %llu entries is another one",
                          (unsigned long long)at);
        roots[at] = root;
    }
}

static void prove_all(sealring_manager *manager, uint64_t cut, uint64_t size)
{
    struct merkle_hash leaf;
    struct merkle_proof proof;
    bool found = false;
    for (uint64_t entry = cut + 1; entry <= size; entry++) {
        ASSERT_OK(registry_leaf_hashes_find(manager->registry, entry, 1, &leaf.bytes, &found, &error), error);
        ck_assert(found);
        for (uint64_t at = entry; at <= size; at++) {
            ASSERT_OK(tree_inclusion(manager->registry, entry, at, &proof, &error), error);
            ck_assert_msg(inclusion_good(&leaf, entry - 1, at, &proof, &roots[at]), "entry %llu of %llu",
                          (unsigned long long)entry, (unsigned long long)at);
        }
    }
}

/* The entries up to `cut` are not there; the roots up to `known` are in `roots`. */
static uint64_t check_tree(uint64_t cut, uint64_t known)
{
    uint64_t size = 0;
    sealring_status status;
    sealring_manager *manager = test_vault_manage(&vault);
    struct registry_transaction reading = registry_reading(manager->registry, &error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        ASSERT_OK(registry_audit_size(manager->registry, &size, &error), error);
        compare_roots(manager, cut > 0 ? cut : 1, known, size);
        prove_all(manager, cut, size);
    } while (registry_again(&reading, &status));
    ASSERT_OK(status, error);
    sealring_manager_close(&manager);
    return size;
}

static int complain(uint64_t entry, const char *text, void *context)
{
    (void)context;
    ck_abort_msg("entry %llu: %s", (unsigned long long)entry, text);
    return 1;
}

static void verify(const char *const *archives, uint64_t unexamined)
{
    sealring_audit_report report = {.size = sizeof report};
    sealring_audit_check check = {.size = sizeof check, .archives = archives};
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_audit_verify(manager, &check, complain, NULL, &report, &error), error);
    ck_assert_uint_eq(report.archived, unexamined);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT max(sequence) FROM audit"), (long long)report.entries);
    sealring_manager_close(&manager);
}

/* Before entry 33, 63, …: one subtree, several, a whole power of two. */
START_TEST(roots_and_proofs_are_the_same_across_a_cut)
{
    static const uint64_t points[] = {17, 33, 49, 63, 65};
    char file[256];
    const char *const archives[] = {file, NULL};
    uint64_t known = check_tree(0, 0);
    file_name(points[_i], file);
    uint64_t cut = cut_at(points[_i]);
    ck_assert_uint_eq(cut, (points[_i] - 1) / 16 * 16);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit_node WHERE (position + 1) << level <= "
                                               "(SELECT min(sequence) - 1 FROM audit)"),
                     __builtin_popcountll(cut));
    known = check_tree(cut, known);
    grow(LATER);
    (void)check_tree(cut, known);
    verify(NULL, cut);
    verify(archives, 0);
}
END_TEST

START_TEST(cut_after_cut)
{
    static char files[4][256];
    const char *archives[5] = {NULL};
    uint64_t known = check_tree(0, 0), cut = 0;
    for (unsigned i = 0; i < 4; i++) {
        file_name(17 + 16 * i, files[i]);
        archives[i] = files[i];
        cut = cut_at(17 + 16 * i);
        ck_assert_uint_eq(cut, 16 * (i + 1));
        known = check_tree(cut, known);
        verify(archives, 0);
    }
    verify(NULL, cut);
    verify(&archives[2], 32);
}
END_TEST

/* ---- What is not archived ---- */

static int stop(const char *what, uint64_t done, uint64_t total, void *context)
{
    (void)what;
    (void)done;
    (void)total;
    (void)context;
    return 1;
}

START_TEST(it_can_be_stopped)
{
    char file[256];
    struct stat facts;
    file_name(33, file);
    ck_assert_int_eq(archive_with(33, stop, NULL), SEALRING_REFUSED);
    ck_assert_int_ne(stat(file, &facts), 0);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT min(sequence) FROM audit"), 1);
    verify(NULL, 0);
}
END_TEST

static sealring_status cut_rows(uint64_t size)
{
    struct registry_write how = {.operation_id = "an operation ID", .moves_epoch = false};
    sealring_status status;
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(registry_lock(manager->registry, 0, "test", &error), error);
    struct registry_transaction writing = registry_writing(manager->registry, &how, &error);
    do {
        if (registry_begin(&writing, &status))
            status = registry_audit_cut(manager->registry, size, &error);
    } while (registry_again(&writing, &status));
    registry_unlock(manager->registry);
    sealring_manager_close(&manager);
    return status;
}

/* An empty log would number the next entry from 1. Within a stored subtree, the tree would lack leaf hashes. */
START_TEST(no_cut_leaves_nothing_or_breaks_a_subtree)
{
    grow_to(80);
    ck_assert_int_eq(cut_rows(80), SEALRING_INVALID);
    ck_assert_int_eq(cut_rows(96), SEALRING_INVALID);
    ck_assert_int_eq(cut_rows(20), SEALRING_INVALID);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT min(sequence) FROM audit"), 1);
    ASSERT_OK(cut_rows(32), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT min(sequence) FROM audit"), 33);
    ck_assert_int_eq(archive_with(65, NULL, NULL), SEALRING_REFUSED); /* nothing signed that cut */
}
END_TEST

/* The triggers that keep the rows are used again after a cut, by the same connection. */
START_TEST(the_rows_are_kept_again)
{
    sealring_manager *manager = test_vault_manage(&vault);
    struct registry_write how = {.operation_id = "an operation ID", .moves_epoch = false};
    sealring_status status;
    ASSERT_OK(registry_lock(manager->registry, 0, "test", &error), error);
    struct registry_transaction writing = registry_writing(manager->registry, &how, &error);
    do {
        if (!registry_begin(&writing, &status))
            continue;
        ASSERT_OK(registry_audit_cut(manager->registry, 32, &error), error);
        ck_assert_int_eq(manager->registry->without_triggers, false);
        status = SEALRING_REFUSED;
    } while (registry_again(&writing, &status));
    registry_unlock(manager->registry);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT min(sequence) FROM audit"), 1);
    sealring_manager_close(&manager);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive");
    TCase *texts = tcase_create("notes");
    tcase_add_test(texts, a_note_is_parsed_as_it_was_written);
    tcase_add_test(texts, no_other_text_is_a_note);
    suite_add_tcase(suite, texts);
    TCase *tests = tcase_create("archive");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, roots_and_proofs_are_the_same_across_a_cut, 0, 5);
    tcase_add_test(tests, cut_after_cut);
    tcase_add_test(tests, it_can_be_stopped);
    tcase_add_test(tests, no_cut_leaves_nothing_or_breaks_a_subtree);
    tcase_add_test(tests, the_rows_are_kept_again);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
