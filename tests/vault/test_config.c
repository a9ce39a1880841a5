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

int main(void)
{
    Suite *suite = suite_create("configuration");
    TCase *cases = tcase_create("configuration");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, what_would_be_read_as_something_else_is_not_written, 0, TEXTS * UNREADABLE);
    tcase_add_loop_test(cases, whatever_else_is_read_as_it_was_written, 0, sizeof odd / sizeof odd[0]);
    tcase_add_test(cases, a_place_with_a_line_end_is_none);
    tcase_add_test(cases, a_place_may_have_any_other_character);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
