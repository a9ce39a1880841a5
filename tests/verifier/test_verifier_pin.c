/* SPDX-License-Identifier: Apache-2.0 */
/* A PIN that the program passes: where it is in memory, who may use it, and what a wrong one costs. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/stage.h"

static struct stage stage;
static struct stage_key key;
static char pin[SEALRING_PIN_SIZE], hidden[256];
static size_t pin_length;

/* The vault's PIN file goes away: only a program that was given the PIN can open the vault. */
static void setup(void)
{
    char path[160];
    stage_make(&stage, 0, 0);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    snprintf(path, sizeof path, "%s/pins/keys.pin", stage.vault.path);
    snprintf(hidden, sizeof hidden, "%s.away", path);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    pin_length = fread(pin, 1, sizeof pin - 1, file);
    fclose(file);
    pin_length = strcspn(pin, "\n");
    ck_assert_uint_gt(pin_length, 0);
    ck_assert_int_eq(rename(path, hidden), 0);
}

static void teardown(void)
{
    stage_remove(&stage);
}

static sealring_status open_with(const char *bytes, size_t length, sealring_vault **vault, sealring_error *error)
{
    const sealring_options options = {
        .size = sizeof options, .manual_maintenance = 1, .no_warming = 1, .pin = bytes, .pin_length = length};
    return sealring_open(stage.vault.path, &options, vault, error);
}

static sealring_vault *open_it(void)
{
    sealring_vault *vault = NULL;
    sealring_error error;
    ASSERT_OK(open_with(pin, pin_length, &vault, &error), error);
    return vault;
}

/* Byte by byte, as a sanitizer's own mappings are among those that are read. */
__attribute__((no_sanitize("address"))) static bool begins_with_pin(const volatile char *text)
{
    size_t i = 0;
    while (i < pin_length && text[i] == pin[i])
        i++;
    return i == pin_length;
}

/* Mappings that are in no core dump and begin with the PIN; *locked: how many of them are locked (proc(5), VmFlags). */
static unsigned copies(unsigned *locked)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[1024], *first = NULL;
    unsigned found = 0;
    *locked = 0;
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long begin, end;
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
            memcpy(&first, &begin, sizeof first);
        if (strncmp(line, "VmFlags:", 8) != 0 || strstr(line, " dd") == NULL || strstr(line, " rd") == NULL ||
            !begins_with_pin(first))
            continue;
        found++;
        *locked += strstr(line, " lo") != NULL;
    }
    fclose(file);
    return found;
}

START_TEST(the_program_passes_the_pin)
{
    sealring_vault *vault = NULL;
    sealring_error error;
    ck_assert_int_eq(open_with(NULL, 0, &vault, &error), SEALRING_TOKEN); /* there is no file */
    ck_assert_ptr_null(vault);
    char passed[SEALRING_PIN_SIZE];
    memcpy(passed, pin, pin_length); /* no NUL */
    ASSERT_OK(open_with(passed, pin_length, &vault, &error), error);
    memset(passed, 'x', sizeof passed); /* the library has a copy of its own */
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    sealring_close(&vault);
}
END_TEST

START_TEST(it_is_in_locked_memory_until_the_vault_is_closed)
{
    unsigned locked;
    ck_assert_uint_eq(copies(&locked), 0);
    sealring_vault *vault = open_it();
    ck_assert_uint_eq(copies(&locked), 1);
    ck_assert_uint_eq(locked, 1);
    sealring_close(&vault);
    ck_assert_uint_eq(copies(&locked), 0);
}
END_TEST

/* The kernel clears the lock in a child. Returns 0, or what was wrong. */
static int serve_in_child(sealring_vault *vault)
{
    unsigned locked;
    if (copies(&locked) != 1 || locked != 0)
        return 1;
    if (sealring_verify(vault, key.text, strlen(key.text), NULL, NULL) != SEALRING_ACCEPTED)
        return 2;
    if (copies(&locked) != 1 || locked != 1)
        return 3;
    sealring_close(&vault);
    return copies(&locked) == 0 ? 0 : 4;
}

START_TEST(a_forked_child_logs_in_with_it_and_locks_it)
{
    unsigned locked;
    sealring_vault *vault = open_it();
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(serve_in_child(vault));
        ck_assert_int_eq(stage_child(child), 0);
    }
    ck_assert_uint_eq(copies(&locked), 1);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    sealring_close(&vault);
}
END_TEST

/* A master process has read the PIN; its workers, who cannot, open the vault. */
START_TEST(workers_open_with_the_masters_pin)
{
    pid_t workers[3];
    for (size_t i = 0; i < 3; i++) {
        workers[i] = fork();
        if (workers[i] == 0) {
            sealring_vault *vault = open_it();
            bool accepted = sealring_verify(vault, key.text, strlen(key.text), NULL, NULL) == SEALRING_ACCEPTED;
            sealring_close(&vault);
            _exit(accepted ? 0 : 1);
        }
    }
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(stage_child(workers[i]), 0);
}
END_TEST

/* A worker that is started again and again must not use up the token's tries. */
START_TEST(a_wrong_pin_is_tried_once)
{
    static const char wrong[] = "not the PIN";
    sealring_vault *vault = NULL;
    sealring_error error;
    unsigned locked;
    uint64_t before = stage.counting->login;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(open_with(wrong, strlen(wrong), &vault, &error), SEALRING_TOKEN);
        ck_assert_ptr_null(vault);
        ck_assert_msg(strstr(error.message, i == 0 ? "refused the PIN that the program passed"
                                                   : "the PIN that the program passed was refused before") != NULL,
                      "%s", error.message);
        ck_assert_msg(strstr(error.message, "pass the right one") != NULL, "%s", error.message);
        ck_assert_ptr_null(strstr(error.message, wrong));
        ck_assert_uint_eq(stage.counting->login, before + 1);
    }
    vault = open_it();
    ck_assert_uint_eq(copies(&locked), 1);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    sealring_close(&vault);
}
END_TEST

START_TEST(what_cannot_be_a_pin_is_refused)
{
    char text[300];
    sealring_vault *vault = NULL;
    sealring_error error;
    uint64_t before = stage.counting->login;
    memset(text, '7', sizeof text);
    text[3] = '\n';
    const struct {
        const char *bytes;
        size_t length;
        const char *words;
    } wrong[] = {
        {"", 0, "is empty"},
        {NULL, 5, "is empty"},
        {text + 4, 257, "longer than 256 bytes"},
        {text, 5, "control character"},
        {"12\0", 3, "control character"},
        {"12\x7f", 3, "control character"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(open_with(wrong[i].bytes, wrong[i].length, &vault, &error), SEALRING_INVALID);
        ck_assert_msg(strstr(error.message, wrong[i].words) != NULL, "%s", error.message);
    }
    ck_assert_uint_eq(stage.counting->login, before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pin");
    TCase *cases = tcase_create("pin");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_program_passes_the_pin);
    if (!SANITIZED) { /* their own memory is in no dump either */
        tcase_add_test(cases, it_is_in_locked_memory_until_the_vault_is_closed);
        tcase_add_test(cases, a_forked_child_logs_in_with_it_and_locks_it);
    }
    tcase_add_test(cases, workers_open_with_the_masters_pin);
    tcase_add_test(cases, a_wrong_pin_is_tried_once);
    tcase_add_test(cases, what_cannot_be_a_pin_is_refused);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
