/* SPDX-License-Identifier: Apache-2.0 */
/* vault/config: what sealring.conf cannot hold is not written into it, as it would be read as another line or another value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "lib/runner.h"
#include "lib/test_vault.h"

static char parent[64], place[128], file[160];
static struct config *config;
static sealring_error error;

static void begin(const char *name)
{
    snprintf(place, sizeof place, "%s/%s", parent, name);
    snprintf(file, sizeof file, "%s/" CONFIG_FILE, place);
    ck_assert_int_eq(mkdir(place, 0700), 0);
    ASSERT_OK(config_new(place, &config, &error), error);
    snprintf(config->module, sizeof config->module, "/usr/lib/module.so");
    snprintf(config->token, sizeof config->token, "pkcs11:token=keys");
    snprintf(config->pin_source, sizeof config->pin_source, "/etc/pin");
    ASSERT_OK(config_add_variable(config, "MODULE_CONF=/etc/module.conf", &error), error);
}

static void setup(void)
{
    snprintf(parent, sizeof parent, "/tmp/sealring-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(parent));
}

static void teardown(void)
{
    unlink(file);
    ck_assert_int_eq(rmdir(place), 0); /* nothing else was left there */
    ck_assert_int_eq(rmdir(parent), 0);
    config_free(config);
    config = NULL;
}

/* The keys that hold any text. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"registry", offsetof(struct config, registry)},
    {"module", offsetof(struct config, module)},
    {"module-init-args", offsetof(struct config, module_init_args)},
    {"token", offsetof(struct config, token)},
    {"pin-source", offsetof(struct config, pin_source)},
    {"audit-token", offsetof(struct config, audit_token)},
    {"audit-pin-source", offsetof(struct config, audit_pin_source)},
    {"vault", offsetof(struct config, place)},
    {"mail-server", offsetof(struct config, notify.mail_server)},
    {"mail-password-file", offsetof(struct config, notify.mail_password_file)},
    {"webhook-ring", offsetof(struct config, notify.webhook_ring)},
    {"module-environment", offsetof(struct config, environment) + offsetof(struct config_variable, value)},
};
#define TEXTS (sizeof texts / sizeof texts[0])

static const char *const unreadable[] = {"/a\nmodule = /tmp/other.so", "/a\n", "/a ", "/a\t", "/a\r", " /a", "\t/a"};
#define UNREADABLE   (sizeof unreadable / sizeof unreadable[0])
#define AT_BEGINNING 2 /* of them have a blank there */

static void set(size_t text, const char *value)
{
    strcpy((char *)config + texts[text].offset, value); /* NOLINT: each has room for a short one */
}

START_TEST(what_would_be_read_as_something_else_is_not_written)
{
    size_t text = (size_t)_i / UNREADABLE, value = (size_t)_i % UNREADABLE;
    char named[64];
    begin("vault");
    set(text, unreadable[value]);
    /* what a variable begins with is behind its name and the = */
    bool readable = strcmp(texts[text].name, "module-environment") == 0 && value >= UNREADABLE - AT_BEGINNING;
    ck_assert_int_eq(config_write(config, &error), readable ? SEALRING_OK : SEALRING_INVALID);
    ck_assert_int_eq(access(file, F_OK), readable ? 0 : -1);
    if (readable)
        return;
    snprintf(named, sizeof named, "cannot hold the value of `%s`", texts[text].name);
    ck_assert_msg(strstr(error.message, named) != NULL, "%s", error.message);
}
END_TEST

static const char *const odd[] = {"/a b", "/a#b", "/#", "/a = b", "/a\rb", "/a\tb", "/'\"$(x)`", "/\xff\x1b[31m"};

START_TEST(whatever_else_is_read_as_it_was_written)
{
    struct config *read = NULL;
    begin("vault");
    for (size_t i = 0; i < TEXTS; i++)
        set(i, odd[_i]);
    ASSERT_OK(config_write(config, &error), error);
    ASSERT_OK(config_load(place, &read, &error), error);
    for (size_t i = 0; i < TEXTS; i++)
        ck_assert_str_eq((char *)read + texts[i].offset, odd[_i]);
    config_free(read);
}
END_TEST

static void check_place(const char *name, sealring_status wanted)
{
    begin(name);
    ck_assert_int_eq(config_take_place(config, &error), wanted);
    ck_assert_int_eq(config->place[0] == '\0', wanted != SEALRING_OK);
}

START_TEST(a_place_with_a_line_end_is_none)
{
    check_place("two\nmodule = x.so", SEALRING_INVALID);
    ck_assert_int_eq(config_add_place(config, &error), SEALRING_INVALID);
    ck_assert_msg(strstr(error.message, "has a line end") != NULL, "%s", error.message);
}
END_TEST

START_TEST(a_place_may_have_any_other_character)
{
    struct config *read = NULL;
    check_place(" #=\r\t ", SEALRING_OK);
    ASSERT_OK(config_write(config, &error), error);
    ASSERT_OK(config_load(place, &read, &error), error);
    ck_assert_str_eq(read->place, config->place);
    ASSERT_OK(config_check_copy(read, &error), error);
    config_free(read);
}
END_TEST

/* ---- the key that verifies checkpoints ---- */

#define KEY       "sealring/00112233445566778899aabbccddeeff+e71ae757+Aa06oNGIfKUzB28nyx34bWMqEtByGE45t1w8AyouidjH"
#define OTHER_KEY "sealring/00112233445566778899aabbccddeeff+ee708ed0+AR00S3Yi2pkk7Y03v7cji2/XFUlhbW5uD91JlQubtJLp"

static const char *const no_keys[] = {
    "sealring",
    "a+b+c",
    KEY "x",
    "x" KEY,
    KEY " " OTHER_KEY,
    KEY "+",
    "+" KEY, /* an ID that follows from another name, or another public key: */
    "other" KEY,
    "sealring/00112233445566778899aabbccddeeff+e71ae757+Aa06oNGIfKUzB28nyx34bWMqEtByGE45t1w8AyouiAA=",
};

static void write_line(const char *line)
{
    FILE *lines = fopen(file, "a");
    ck_assert_ptr_nonnull(lines);
    fprintf(lines, "%s\n", line);
    ck_assert_int_eq(fclose(lines), 0);
}

/* The number of lines that begin with the word. */
static unsigned count_lines(const char *word)
{
    char line[PATH_MAX];
    unsigned count = 0;
    FILE *lines = fopen(file, "r");
    ck_assert_ptr_nonnull(lines);
    while (fgets(line, sizeof line, lines) != NULL)
        count += strncmp(line, word, strlen(word)) == 0;
    fclose(lines);
    return count;
}

/* The second of the two lines may be NULL. */
static void refuses(const char *line, const char *second, const char *reason)
{
    struct config *read = NULL;
    begin("vault");
    ASSERT_OK(config_write(config, &error), error);
    write_line(line);
    if (second != NULL)
        write_line(second);
    ck_assert_int_eq(config_load(place, &read, &error), SEALRING_INVALID);
    ck_assert_msg(strstr(error.message, reason) != NULL, "%s", error.message);
}

START_TEST(a_malformed_key_is_refused_with_its_line)
{
    char line[512];
    snprintf(line, sizeof line, "audit-key = %s", no_keys[_i]);
    refuses(line, NULL, "line 7 has a value for `audit-key` that is no verifier key");
}
END_TEST

START_TEST(a_second_key_follows_one_that_has_an_end)
{
    refuses("audit-key = " KEY, "audit-key = " OTHER_KEY,
            "line 8 has a value for `audit-key` that follows a key that has no end");
}
END_TEST

START_TEST(a_key_is_written_and_read)
{
    struct config *read = NULL;
    begin("vault");
    snprintf(config->audit_key, sizeof config->audit_key, "%s", KEY);
    ASSERT_OK(config_write(config, &error), error);
    ASSERT_OK(config_load(place, &read, &error), error);
    ck_assert_str_eq(read->audit_key, KEY);
    config_free(read);
}
END_TEST

START_TEST(a_key_is_added_once_and_changes_nothing_else)
{
    struct stat before, after;
    begin("vault");
    ASSERT_OK(config_write(config, &error), error);
    ck_assert_int_eq(chmod(file, 0604), 0);
    ck_assert(geteuid() != 0 || chown(file, 0, 12345) == 0);
    ck_assert_int_eq(stat(file, &before), 0);
    ASSERT_OK(config_add_audit_key(config, KEY, &error), error);
    ck_assert_str_eq(config->audit_key, KEY);
    ck_assert_int_eq(stat(file, &after), 0);
    ck_assert_uint_eq(after.st_mode, before.st_mode);
    ck_assert_uint_eq(after.st_uid, before.st_uid);
    ck_assert_uint_eq(after.st_gid, before.st_gid);
    config->audit_key[0] = '\0'; /* as a process that read the file before */
    ASSERT_OK(config_add_audit_key(config, KEY, &error), error);
    ck_assert_uint_eq(count_lines("audit-key = " KEY), 1);
    ck_assert_int_eq(config_add_audit_key(config, OTHER_KEY, &error), SEALRING_REFUSED);
    ck_assert_uint_eq(count_lines("audit-key"), 1);
    ck_assert_uint_eq(count_lines("module = /usr/lib/module.so"), 1);
}
END_TEST

START_TEST(several_keys_are_written_and_read)
{
    struct config *read = NULL;
    begin("vault");
    snprintf(config->audit_key, sizeof config->audit_key, "%s until 12 3\n%s", KEY, OTHER_KEY);
    ck_assert_uint_eq(config_key_number(config), 1);
    ASSERT_OK(config_write(config, &error), error);
    ASSERT_OK(config_load(place, &read, &error), error);
    ck_assert_str_eq(read->audit_key, config->audit_key);
    config_free(read);
}
END_TEST

/* The keys, and with them another audit token; every other line stays, also comments, and so do owner and mode. */
START_TEST(keys_are_replaced_and_nothing_else)
{
    struct config *read = NULL;
    struct audit_keys keys;
    struct stat after;
    begin("vault");
    snprintf(config->audit_key, sizeof config->audit_key, "%s", KEY);
    ASSERT_OK(config_write(config, &error), error);
    write_line("# a comment that begins with audit-key = 1");
    ck_assert_int_eq(chmod(file, 0604), 0);
    ck_assert(audit_keys_parse(KEY " until 12 3\n" OTHER_KEY, &keys, NULL));
    ASSERT_OK(config_set_audit(config, &keys, "pkcs11:token=other", "/pins/other", &error), error);
    ASSERT_OK(config_load(place, &read, &error), error);
    ck_assert_str_eq(read->audit_key, KEY " until 12 3\n" OTHER_KEY);
    ck_assert_str_eq(read->audit_token, "pkcs11:token=other");
    ck_assert_str_eq(read->audit_pin_source, "/pins/other");
    ck_assert_str_eq(config->audit_key, read->audit_key);
    ck_assert_uint_eq(count_lines("audit-key = "), 2);
    ck_assert_uint_eq(count_lines("audit-token = "), 1);
    ck_assert_uint_eq(count_lines("module = /usr/lib/module.so"), 1);
    ck_assert_uint_eq(count_lines("# a comment that begins with audit-key = 1"), 1);
    ck_assert_int_eq(stat(file, &after), 0);
    ck_assert_uint_eq(after.st_mode & 07777, 0604);
    ck_assert_int_eq(config_set_audit(config, &keys, "pkcs11:token=a\nmodule = /evil", NULL, &error), SEALRING_INVALID);
    ck_assert_uint_eq(count_lines("audit-token = pkcs11:token=other"), 1);
    config_free(read);
}
END_TEST

START_TEST(an_unfinished_file_is_not_taken_over)
{
    char unfinished[sizeof file + 8];
    begin("vault");
    ASSERT_OK(config_write(config, &error), error);
    snprintf(unfinished, sizeof unfinished, "%s.new", file);
    FILE *other = fopen(unfinished, "w");
    ck_assert_ptr_nonnull(other);
    fputs("audit-key = of an interrupted command\n", other);
    fclose(other);
    ASSERT_OK(config_add_audit_key(config, KEY, &error), error);
    ck_assert_uint_eq(count_lines("audit-key"), 1);
    ck_assert_uint_eq(count_lines("audit-key = of"), 0);
    ck_assert_int_ne(access(unfinished, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("configuration");
    TCase *cases = tcase_create("configuration");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, what_would_be_read_as_something_else_is_not_written, 0, TEXTS * UNREADABLE);
    tcase_add_loop_test(cases, whatever_else_is_read_as_it_was_written, 0, sizeof odd / sizeof odd[0]);
    tcase_add_test(cases, a_place_with_a_line_end_is_none);
    tcase_add_test(cases, a_place_may_have_any_other_character);
    tcase_add_loop_test(cases, a_malformed_key_is_refused_with_its_line, 0, sizeof no_keys / sizeof no_keys[0]);
    tcase_add_test(cases, a_second_key_follows_one_that_has_an_end);
    tcase_add_test(cases, a_key_is_written_and_read);
    tcase_add_test(cases, a_key_is_added_once_and_changes_nothing_else);
    tcase_add_test(cases, several_keys_are_written_and_read);
    tcase_add_test(cases, keys_are_replaced_and_nothing_else);
    tcase_add_test(cases, an_unfinished_file_is_not_taken_over);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
