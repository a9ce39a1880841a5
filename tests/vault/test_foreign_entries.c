/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that an older sealring wrote on a host whose name is no UTF-8: they are verified, shown, exported, and restored with their bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <sealring/backup.h>

#include "lib/runner.h"
#include "lib/test_vault.h"
#include "manage/session/manager.h"

/* As manager_actor wrote them: user@host process. */
static const char *const actors[] = {
    "root@b\xfcro 4711",
    "ren\xe9@caf\xe9 1",
    "root@h\xff\033[31m\n 2",
    "alice@corp.example@host 3",
    ("uid 1000@\x9b"
     "31m 4"),
    "root@cut\xe2\x82 5",
    "\xff",
    "root@b\xc3\xbcro 6",
};
#define ACTORS (sizeof actors / sizeof *actors)

static struct test_vault vault;
static sealring_error error;
static char file[160], export[160];

static void setup(void)
{
    test_vault_make(&vault);
    snprintf(file, sizeof file, "%s/backup", vault.parent);
    snprintf(export, sizeof export, "%s/export", vault.parent);
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "acme_live", 60000);
    ASSERT_OK(sealring_backup(manager, file, NULL, NULL, NULL, &error), error);
    for (size_t i = 0; i < ACTORS; i++) {
        char name[16];
        snprintf(name, sizeof name, "client-%zu", i);
        snprintf(manager->actor, sizeof manager->actor, "%s", actors[i]);
        ASSERT_OK(sealring_client_add(manager, name, NULL, &error), error);
    }
    sealring_manager_close(&manager);
}

static void teardown(void)
{
    test_vault_remove(&vault);
}

/* The command's standard output goes to a file. */
static void command(const char *arguments, const char *out)
{
    char line[512];
    const char *sealring = getenv("SEALRING");
    snprintf(line, sizeof line, "%s %s --vault %s >%s", sealring != NULL ? sealring : "./sealring", arguments,
             vault.path, out);
    ck_assert_msg(system(line) == 0, "%s", line);
}

/* Its lines, each an object of JSON, whose actor is to be told from the text that stands for it. */
static size_t read_lines(bool (*wanted)(const json_t *line))
{
    char *line = NULL;
    size_t room = 0, found = 0;
    FILE *stream = fopen(export, "r");
    ck_assert_ptr_nonnull(stream);
    while (getline(&line, &room, stream) > 0) {
        json_t *object = json_loads(line, 0, NULL);
        ck_assert_msg(object != NULL, "no JSON: %s", line);
        found += wanted(object);
        json_decref(object);
    }
    free(line);
    fclose(stream);
    return found;
}

static bool is_client_add(const json_t *line)
{
    return strcmp(json_string_value(json_object_get(json_object_get(line, "metadata"), "event_code")), "client.add") ==
           0;
}

static bool has_raw(const json_t *line)
{
    const json_t *members = json_object_get(json_object_get(line, "unmapped"), "sealring");
    return json_string_value(json_object_get(json_object_get(members, "raw"), "actor")) != NULL;
}

static bool is_alice(const json_t *line)
{
    const char *user =
        json_string_value(json_object_get(json_object_get(json_object_get(line, "actor"), "user"), "name"));
    const char *host = json_string_value(json_object_get(json_object_get(line, "device"), "hostname"));
    return user != NULL && host != NULL && strcmp(user, "alice@corp.example") == 0 && strcmp(host, "host") == 0;
}

static int count_actor(const sealring_audit_entry *entry, void *context)
{
    for (size_t i = 0; i < ACTORS; i++)
        if (entry->actor != NULL && strcmp(entry->actor, actors[i]) == 0)
            ++*(size_t *)context;
    return 0;
}

static size_t entries_with_their_bytes(void)
{
    size_t count = 0;
    sealring_audit_report report = {.size = sizeof report};
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_audit_verify(manager, NULL, NULL, NULL, &report, &error), error);
    ASSERT_OK(sealring_audit_list(manager, NULL, count_actor, &count, &error), error);
    sealring_manager_close(&manager);
    return count;
}

START_TEST(each_is_exported_and_shown)
{
    command("audit export", export);
    ck_assert_uint_eq(read_lines(is_client_add), ACTORS);
    ck_assert_uint_eq(read_lines(has_raw), ACTORS - 2); /* two are clean */
    ck_assert_uint_eq(read_lines(is_alice), 1);
    command("audit show --json", export);
    json_t *shown = json_load_file(export, 0, NULL);
    ck_assert_uint_ge(json_array_size(json_object_get(shown, "entries")), ACTORS);
    json_decref(shown);
    command("audit show", export);
    ck_assert_uint_eq(entries_with_their_bytes(), ACTORS);
}
END_TEST

START_TEST(a_restored_log_has_their_bytes)
{
    const char *logs[] = {export, NULL};
    sealring_restore_options options = {.size = sizeof options, .logs = logs};
    sealring_restore_result result = {.size = sizeof result};
    command("audit export", export);
    ck_assert_int_eq(unlink(vault.registry), 0);
    ASSERT_OK(sealring_restore(vault.path, file, &options, NULL, NULL, &result, &error), error);
    ck_assert_uint_eq(result.lost, 0);
    ck_assert_uint_ge(result.replayed, ACTORS);
    ck_assert_uint_eq(entries_with_their_bytes(), ACTORS);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM client"), ACTORS);
}
END_TEST

/* The digits are no way to smuggle in another entry: its leaf hash is over the bytes. */
START_TEST(changed_bytes_are_refused)
{
    char line[600];
    const char *logs[] = {export, NULL};
    sealring_restore_options options = {.size = sizeof options, .logs = logs};
    static const char *const changes[] = {"s/62fc726f/62fd726f/", "s/62fc726f/62fC726/", "s/62fc726f/62zz726f/",
                                          "s/62fc726f/6200726f/", "s/\"raw\":{[^}]*}/\"raw\":7/"};
    command("audit export", export);
    snprintf(line, sizeof line, "sed -i '%s' %s && ! grep -q 62fc726f %s", changes[_i], export, export);
    ck_assert_int_eq(system(line), 0);
    ck_assert_int_eq(unlink(vault.registry), 0);
    ck_assert_int_eq(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error), SEALRING_REFUSED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("foreign_entries");
    TCase *cases = tcase_create("foreign_entries");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, each_is_exported_and_shown);
    tcase_add_test(cases, a_restored_log_has_their_bytes);
    tcase_add_loop_test(cases, changed_bytes_are_refused, 0, 5);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
