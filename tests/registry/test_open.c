/* SPDX-License-Identifier: Apache-2.0 */
/* Making and opening: what is no registry is told apart, readers need no writer, a replaced file is noticed, the log stays. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "registry/connection/filesystem.h"
#include "registry/fixture.h"

static struct fixture fixture;
static struct fixture_rows rows;

static void set_up(void)
{
    fixture_create(&fixture);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static void open_writer(void)
{
    ck_assert_msg(registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &fixture.registry,
                                &fixture.error) == SEALRING_OK,
                  "%s", fixture.error.message);
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", &fixture.error), SEALRING_OK);
}

static sealring_status take_vault(struct registry *registry, void *context, sealring_error *error)
{
    (void)error;
    *(struct registry_vault *)context = *registry_vault_row(registry);
    return SEALRING_OK;
}

/* The name of a file beside the registry. */
static const char *beside(const char *suffix)
{
    static char path[128];
    snprintf(path, sizeof path, "%s%s", fixture.path, suffix);
    return path;
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, bytes, length), (ssize_t)length);
    close(descriptor);
}

/* ---- What is no registry -------------------------------------------------------------------------------------------- */

static void remove_all(void)
{
    unlink(beside(""));
    unlink(beside("-wal"));
    unlink(beside("-shm"));
}

static void make_missing(void)
{
    remove_all();
}

static void make_empty(void)
{
    remove_all();
    write_file(fixture.path, "", 0);
}

static void make_garbage(void)
{
    char garbage[8192];
    memset(garbage, 'g', sizeof garbage);
    remove_all();
    write_file(fixture.path, garbage, sizeof garbage);
}

static void make_directory(void)
{
    remove_all();
    ck_assert_int_eq(mkdir(fixture.path, 0700), 0);
}

static void make_foreign(void)
{
    sqlite3 *handle = NULL;
    remove_all();
    ck_assert_int_eq(sqlite3_open(fixture.path, &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(handle, "CREATE TABLE vault (id)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

/* As a copy that broke off: without its log, which would still have the rest. */
static void make_truncated(void)
{
    struct stat facts;
    unlink(beside("-wal"));
    unlink(beside("-shm"));
    ck_assert_int_eq(stat(fixture.path, &facts), 0);
    ck_assert_int_gt(facts.st_size, 8192);
    ck_assert_int_eq(truncate(fixture.path, 8192), 0);
}

static void make_short(void)
{
    unlink(beside("-wal"));
    unlink(beside("-shm"));
    ck_assert_int_eq(truncate(fixture.path, 50), 0);
}

static void make_overwritten(void)
{
    char zeros[100] = {0};
    int descriptor = open(fixture.path, O_WRONLY | O_CLOEXEC);
    unlink(beside("-wal"));
    unlink(beside("-shm"));
    ck_assert_int_eq(write(descriptor, zeros, sizeof zeros), (ssize_t)sizeof zeros);
    close(descriptor);
}

static void make_newer(void)
{
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE vault SET schema = 9, min_reader = 7, min_writer = 8"), SQLITE_OK);
}

static void make_unfinished(void)
{
    ck_assert_int_eq(fixture_sql(&fixture, "DROP TRIGGER vault_stays; DELETE FROM vault"), SQLITE_OK);
}

static const struct {
    const char *name;
    void (*make)(void);
    const char *message;
} wrong_files[] = {
    {"missing", make_missing, "does not exist"},
    {"empty", make_empty, "is an empty file"},
    {"garbage", make_garbage, "is no registry"},
    {"directory", make_directory, "is no registry"},
    {"foreign", make_foreign, "database of another program"},
    {"truncated", make_truncated, "is damaged"},
    {"short", make_short, "is damaged"},
    {"overwritten", make_overwritten, "is no registry"},
    {"newer", make_newer, "is newer than this program"},
    {"unfinished", make_unfinished, "is damaged"},
};

START_TEST(wrong_file_is_told)
{
    wrong_files[_i].make();
    for (enum registry_mode mode = REGISTRY_READ_ONLY; mode <= REGISTRY_READ_WRITE; mode++) {
        struct registry *registry = (struct registry *)&fixture;
        sealring_status status = registry_open(fixture.path, mode == REGISTRY_READ_ONLY ? NULL : fixture.lock_path,
                                               mode, &registry, &fixture.error);
        ck_assert_msg(status == SEALRING_REGISTRY, "%s: status %d", wrong_files[_i].name, (int)status);
        ck_assert_ptr_null(registry);
        ck_assert_msg(strstr(fixture.error.message, wrong_files[_i].message) != NULL, "%s: %s", wrong_files[_i].name,
                      fixture.error.message);
        ck_assert_ptr_nonnull(strstr(fixture.error.message, fixture.path));
        ck_assert_ptr_null(strstr(fixture.error.message, "\n"));
    }
    struct stat facts;
    if (stat(fixture.path, &facts) == 0 && S_ISDIR(facts.st_mode))
        rmdir(fixture.path);
}
END_TEST

START_TEST(newer_writers_keep_older_writers_out_only)
{
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE vault SET schema = 9, min_writer = 9"), SQLITE_OK);
    struct registry *registry = NULL;
    ck_assert_int_eq(registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &registry, &fixture.error),
                     SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is newer than this program"));
    registry_close(fixture_reader(&fixture));
}
END_TEST

START_TEST(upgrade_under_an_open_reader_is_noticed)
{
    struct registry_vault vault;
    struct registry *reader = fixture_reader(&fixture);
    make_newer();
    ck_assert_int_eq(fixture_read(reader, take_vault, &vault, &fixture.error), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is newer than this program"));
    registry_close(reader);
}
END_TEST

START_TEST(writer_wants_a_lock_file)
{
    struct registry *registry = NULL;
    ck_assert_int_eq(registry_open(fixture.path, NULL, REGISTRY_READ_WRITE, &registry, &fixture.error),
                     SEALRING_INVALID);
}
END_TEST

/* ---- Making --------------------------------------------------------------------------------------------------------- */

START_TEST(existing_registry_is_not_made_again)
{
    struct registry_vault vault;
    fixture_vault(&vault);
    char *before = fixture_dump(&fixture);
    ck_assert_int_eq(registry_create(fixture.path, &vault, &fixture.error), SEALRING_REFUSED);
    ck_assert_int_eq(fixture.error.status, SEALRING_REFUSED);
    char *after = fixture_dump(&fixture);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

START_TEST(log_of_a_lost_registry_is_not_taken_over)
{
    struct registry_vault vault;
    fixture_vault(&vault);
    unlink(fixture.path);
    ck_assert_int_eq(registry_create(fixture.path, &vault, &fixture.error), SEALRING_REFUSED);
    ck_assert_int_eq(access(fixture.path, F_OK), -1);
    ck_assert_int_eq(access(beside("-wal"), F_OK), 0);
}
END_TEST

START_TEST(failed_making_leaves_nothing)
{
    struct registry_vault vault;
    fixture_vault(&vault);
    vault.lease_ms = 0; /* the schema refuses it */
    make_missing();
    ck_assert_int_eq(registry_create(fixture.path, &vault, &fixture.error), SEALRING_REGISTRY);
    ck_assert_int_eq(access(beside(""), F_OK), -1);
    ck_assert_int_eq(access(beside("-wal"), F_OK), -1);
    ck_assert_int_eq(access(beside("-shm"), F_OK), -1);
    char path[160];
    snprintf(path, sizeof path, "%s/missing/registry.db", fixture.directory);
    fixture_vault(&vault);
    ck_assert_int_eq(registry_create(path, &vault, &fixture.error), SEALRING_REGISTRY);
}
END_TEST

START_TEST(eras_differ_unless_given)
{
    struct registry_vault vault, first, second;
    struct registry *reader = fixture_reader(&fixture);
    ck_assert_int_eq(fixture_read(reader, take_vault, &first, &fixture.error), SEALRING_OK);
    registry_close(reader);
    for (int given = 0; given < 2; given++) {
        make_missing();
        fixture_vault(&vault);
        memset(vault.era, given ? 0x77 : 0, sizeof vault.era);
        ck_assert_int_eq(registry_create(fixture.path, &vault, &fixture.error), SEALRING_OK);
        reader = fixture_reader(&fixture);
        ck_assert_int_eq(fixture_read(reader, take_vault, &second, &fixture.error), SEALRING_OK);
        registry_close(reader);
        ck_assert_mem_ne(first.era, second.era, sizeof first.era);
        ck_assert_int_eq(memcmp(vault.era, second.era, sizeof first.era) == 0, given);
    }
}
END_TEST

START_TEST(files_are_for_owner_and_group)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct stat facts;
        ck_assert_int_eq(stat(beside(suffixes[i]), &facts), 0);
        ck_assert_uint_eq(facts.st_mode & 0137, 0);
    }
}
END_TEST

/* ---- Readers -------------------------------------------------------------------------------------------------------- */

/* Who may read the files but neither write them nor make others beside them. 0 if it all went well. */
static int read_without_rights(struct registry *writer)
{
    struct registry *reader = NULL, *refused = NULL;
    struct registry_vault vault;
    (void)writer;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    if (access(fixture.directory, W_OK) == 0 || access(fixture.path, W_OK) == 0)
        return 3;
    if (registry_open(fixture.path, NULL, REGISTRY_READ_ONLY, &reader, &fixture.error) != SEALRING_OK ||
        fixture_read(reader, take_vault, &vault, &fixture.error) != SEALRING_OK) {
        fprintf(stderr, "# %s\n", fixture.error.message);
        return 4;
    }
    registry_close(reader);
    return registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &refused, &fixture.error) ==
                       SEALRING_REGISTRY &&
                   strstr(fixture.error.message, "may not be written") != NULL
               ? (int)(vault.epoch - 7)
               : 5;
}

static int in_child(int (*act)(struct registry *), struct registry *writer)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(act(writer));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void take_rights_away(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        ck_assert_int_eq(chmod(beside(suffixes[i]), 0444), 0);
    ck_assert_int_eq(chmod(fixture.directory, 0555), 0);
}

START_TEST(reader_without_rights_needs_no_writer)
{
    take_rights_away();
    ck_assert_int_eq(in_child(read_without_rights, NULL), 0);
    chmod(fixture.directory, 0755);
}
END_TEST

START_TEST(reader_without_rights_reads_beside_a_writer)
{
    open_writer();
    take_rights_away();
    fixture_fill(&fixture, &rows); /* the reader sees it: it is in the log only */
    ck_assert_int_eq(in_child(read_without_rights, fixture.registry), 1);
    chmod(fixture.directory, 0755);
}
END_TEST

START_TEST(reader_without_rights_reads_what_a_writer_left)
{
    open_writer();
    fixture_fill(&fixture, &rows);
    registry_close(fixture.registry);
    fixture.registry = NULL;
    take_rights_away();
    ck_assert_int_eq(in_child(read_without_rights, NULL), 1);
    chmod(fixture.directory, 0755);
}
END_TEST

static int fail_to_open(struct registry *writer)
{
    struct registry *reader = NULL;
    (void)writer;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    return registry_open(fixture.path, NULL, REGISTRY_READ_ONLY, &reader, &fixture.error) == SEALRING_REGISTRY &&
                   strstr(fixture.error.message, "cannot be opened by this user") != NULL
               ? 0
               : 1;
}

START_TEST(unreadable_registry_is_told)
{
    chmod(fixture.directory, 0755);
    ck_assert_int_eq(chmod(fixture.path, 0), 0);
    ck_assert_int_eq(in_child(fail_to_open, NULL), 0);
    chmod(fixture.directory, 0700);
    if (geteuid() == 0) /* of others' directory, that is */
        ck_assert_int_eq(in_child(fail_to_open, NULL), 0);
}
END_TEST

/* ---- Replaced ------------------------------------------------------------------------------------------------------- */

static void replace_by_copy(void)
{
    char command[512];
    snprintf(command, sizeof command, "cp '%s' '%s.new' && mv '%s.new' '%s'", fixture.path, fixture.path, fixture.path,
             fixture.path);
    ck_assert_int_eq(system(command), 0);
}

static void replace_by_nothing(void)
{
    ck_assert_int_eq(unlink(fixture.path), 0);
}

static void replace_by_link(void)
{
    char elsewhere[128];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere.db", fixture.directory);
    replace_by_copy();
    ck_assert_int_eq(rename(fixture.path, elsewhere), 0);
    ck_assert_int_eq(symlink(elsewhere, fixture.path), 0);
}

static void (*const replacements[])(void) = {replace_by_copy, replace_by_nothing, replace_by_link};

START_TEST(replaced_file_is_noticed)
{
    struct registry_vault vault;
    struct registry *reader = fixture_reader(&fixture);
    open_writer();
    ck_assert_int_eq(fixture_read(reader, take_vault, &vault, &fixture.error), SEALRING_OK);
    replacements[_i]();
    ck_assert_int_eq(fixture_read(reader, take_vault, &vault, &fixture.error), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "the registry file was replaced while open"));
    ck_assert_int_eq(fixture_write(&fixture, true, fixture_insert, &rows), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "the registry file was replaced while open"));
    registry_close(reader);
}
END_TEST

START_TEST(relative_path_survives_a_change_of_directory)
{
    struct registry_vault vault;
    struct registry *reader = NULL;
    ck_assert_int_eq(chdir(fixture.directory), 0);
    ck_assert_int_eq(registry_open("registry.db", NULL, REGISTRY_READ_ONLY, &reader, &fixture.error), SEALRING_OK);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(fixture_read(reader, take_vault, &vault, &fixture.error), SEALRING_OK);
    registry_close(reader);
}
END_TEST

/* ---- Log ------------------------------------------------------------------------------------------------------------ */

static off_t size_of(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? facts.st_size : -1;
}

/* Whether the database file alone, without its log, holds the ring. */
static bool is_in_the_file_alone(void)
{
    char copy[128], command[300];
    bool found = false;
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    snprintf(copy, sizeof copy, "%s/copy.db", fixture.directory);
    snprintf(command, sizeof command, "cp '%s' '%s'", fixture.path, copy);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(sqlite3_open(copy, &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(handle, "SELECT * FROM ring", -1, &statement, NULL), SQLITE_OK);
    found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return found;
}

START_TEST(closing_keeps_the_log_and_copies_nothing)
{
    open_writer();
    fixture_fill(&fixture, &rows);
    registry_close(fixture.registry);
    fixture.registry = NULL;
    ck_assert_int_gt(size_of(beside("-wal")), 0);
    ck_assert_int_ge(size_of(beside("-shm")), 0);
    ck_assert(!is_in_the_file_alone());
}
END_TEST

START_TEST(checkpoint_copies_the_log)
{
    open_writer();
    fixture_fill(&fixture, &rows);
    registry_checkpoint(fixture.registry, 1000000); /* it has not grown so much */
    ck_assert(!is_in_the_file_alone());
    registry_checkpoint(fixture.registry, 1);
    ck_assert(is_in_the_file_alone());
    ck_assert_int_eq(size_of(beside("-wal")), 0); /* there, but nothing in it that damage could bring back */
}
END_TEST

START_TEST(checkpoint_by_a_process_that_wrote_nothing)
{
    open_writer();
    fixture_fill(&fixture, &rows);
    registry_close(fixture.registry);
    open_writer();
    registry_checkpoint(fixture.registry, 1000000);
    ck_assert(!is_in_the_file_alone());
    registry_checkpoint(fixture.registry, 1);
    ck_assert(is_in_the_file_alone());
}
END_TEST

START_TEST(checkpoint_wants_the_lock)
{
    open_writer();
    fixture_fill(&fixture, &rows);
    registry_unlock(fixture.registry);
    registry_checkpoint(fixture.registry, 1);
    ck_assert(!is_in_the_file_alone());
}
END_TEST

/* Others hold the lock and write meanwhile. */
START_TEST(copying_the_log_wants_no_lock_and_empties_nothing)
{
    open_writer();
    fixture_fill(&fixture, &rows);
    registry_unlock(fixture.registry);
    registry_copy_log(fixture.registry, 1000000); /* it has not grown so much */
    ck_assert(!is_in_the_file_alone());
    registry_copy_log(fixture.registry, 1);
    ck_assert(is_in_the_file_alone());
    ck_assert_int_gt(size_of(beside("-wal")), 0);
}
END_TEST

static sealring_status fill_and_checkpoint(struct registry *reader, void *context, sealring_error *error)
{
    struct registry_vault *vault = context;
    (void)error;
    fixture_fill(&fixture, &rows);
    registry_checkpoint(fixture.registry, 1); /* waits for nobody */
    *vault = *registry_vault_row(reader);
    return SEALRING_OK;
}

START_TEST(checkpoint_does_not_wait_for_readers)
{
    struct registry_vault vault;
    open_writer();
    struct registry *reader = fixture_reader(&fixture);
    ck_assert_int_eq(fixture_read(reader, fill_and_checkpoint, &vault, &fixture.error), SEALRING_OK);
    ck_assert_uint_eq(vault.epoch, 7);
    registry_checkpoint(fixture.registry, 1);
    ck_assert(is_in_the_file_alone());
    registry_close(reader);
}
END_TEST

/* ---- What SQLite is told -------------------------------------------------------------------------------------------- */

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

static const struct {
    const char *pragma;
    const char *value;
} settings[] = {
    {"journal_mode", "wal"},          {"synchronous", "2"},  {"foreign_keys", "1"}, {"trusted_schema", "0"},
    {"cell_size_check", "1"},         {"temp_store", "2"},   {"mmap_size", "0"},    {"wal_autocheckpoint", "0"},
    {"application_id", "1397510727"}, {"user_version", "3"},
};

/* What the connection that was opened last answers. */
static const char *ask_pragma(const char *pragma)
{
    static char value[64];
    char sql[64];
    sqlite3_stmt *statement = NULL;
    snprintf(sql, sizeof sql, "PRAGMA %s", pragma);
    ck_assert_int_eq(sqlite3_prepare_v2(opened_handle, sql, -1, &statement, NULL), SQLITE_OK);
    int code = sqlite3_step(statement);
    snprintf(value, sizeof value, "%s", code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : "");
    sqlite3_finalize(statement);
    return value;
}

START_TEST(connections_are_set_to_be_careful)
{
    struct registry *handles[2];
    sqlite3_auto_extension((void (*)(void))keep_handle);
    for (int writes = 0; writes < 2; writes++) {
        ck_assert_int_eq(registry_open(fixture.path, writes ? fixture.lock_path : NULL,
                                       writes ? REGISTRY_READ_WRITE : REGISTRY_READ_ONLY, &handles[writes],
                                       &fixture.error),
                         SEALRING_OK);
        for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
            const char *value = ask_pragma(settings[i].pragma);
            ck_assert_msg(strcmp(value, settings[i].value) == 0, "%s is %s", settings[i].pragma, value);
        }
        ck_assert_str_eq(ask_pragma("cache_size"), writes ? "-32768" : "-4096"); /* a verifier has many readers */
        int defensive = 0, keeps_log = -1, no_checkpoint = 0;
        sqlite3_db_config(opened_handle, SQLITE_DBCONFIG_DEFENSIVE, -1, &defensive);
        sqlite3_db_config(opened_handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1, &no_checkpoint);
        sqlite3_file_control(opened_handle, "main", SQLITE_FCNTL_PERSIST_WAL, &keeps_log);
        ck_assert(defensive == 1 && no_checkpoint == 1 && keeps_log == 1);
        ck_assert_int_eq(sqlite3_db_readonly(opened_handle, "main"), !writes);
    }
    sqlite3_reset_auto_extension();
    registry_close(handles[0]);
    registry_close(handles[1]);
}
END_TEST

/* ---- File systems --------------------------------------------------------------------------------------------------- */

static const struct {
    uint32_t type;
    const char *name; /* NULL: local */
} file_systems[] = {
    {0x6969, "NFS"},       {0x517B, "SMB"},        {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB2"}, {0x5346414F, "AFS"},
    {0x00C36400, "Ceph"},  {0x73757245, "Coda"},   {0x564C, "NCP"},      {0x01021997, "9p"},   {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"}, {0x0BD00BD0, "Lustre"}, {0x65735546, "FUSE"}, {0xEF53, NULL},       {0x58465342, NULL},
    {0x9123683E, NULL},    {0x01021994, NULL},     {0x2FC12FC1, NULL},   {0x794C7630, NULL},   {0, NULL},
};

START_TEST(network_file_systems_are_known)
{
    const char *name = filesystem_network_name(file_systems[_i].type);
    if (file_systems[_i].name == NULL)
        ck_assert_ptr_null(name);
    else
        ck_assert_pstr_eq(name, file_systems[_i].name);
}
END_TEST

START_TEST(this_file_system_is_local)
{
    ck_assert_int_eq(filesystem_check(fixture.path, &fixture.error), SEALRING_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry files");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, wrong_file_is_told, 0, (int)(sizeof wrong_files / sizeof *wrong_files));
    tcase_add_test(cases, newer_writers_keep_older_writers_out_only);
    tcase_add_test(cases, upgrade_under_an_open_reader_is_noticed);
    tcase_add_test(cases, writer_wants_a_lock_file);
    tcase_add_test(cases, existing_registry_is_not_made_again);
    tcase_add_test(cases, log_of_a_lost_registry_is_not_taken_over);
    tcase_add_test(cases, failed_making_leaves_nothing);
    tcase_add_test(cases, eras_differ_unless_given);
    tcase_add_test(cases, files_are_for_owner_and_group);
    tcase_add_test(cases, reader_without_rights_needs_no_writer);
    tcase_add_test(cases, reader_without_rights_reads_beside_a_writer);
    tcase_add_test(cases, reader_without_rights_reads_what_a_writer_left);
    tcase_add_test(cases, unreadable_registry_is_told);
    tcase_add_loop_test(cases, replaced_file_is_noticed, 0, (int)(sizeof replacements / sizeof *replacements));
    tcase_add_test(cases, relative_path_survives_a_change_of_directory);
    tcase_add_test(cases, closing_keeps_the_log_and_copies_nothing);
    tcase_add_test(cases, checkpoint_copies_the_log);
    tcase_add_test(cases, checkpoint_by_a_process_that_wrote_nothing);
    tcase_add_test(cases, checkpoint_wants_the_lock);
    tcase_add_test(cases, copying_the_log_wants_no_lock_and_empties_nothing);
    tcase_add_test(cases, checkpoint_does_not_wait_for_readers);
    tcase_add_test(cases, connections_are_set_to_be_careful);
    tcase_add_loop_test(cases, network_file_systems_are_known, 0, (int)(sizeof file_systems / sizeof *file_systems));
    tcase_add_test(cases, this_file_system_is_local);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
