/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: which files are some, what they get, and what one does that hangs, fails, floods, forks away or prints what it was given. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/runner.h"
#include "notify/run_hook.h"

#define SECRET "acme_live_0123456789abcdef_1_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ012345\n"
#define LONG   60000 /* ms: no test waits for it */

static char directory[4096], path[5000], text[70000];
static struct hooks hooks;
static struct send_result result;
static sealring_error error;

static const char *in_directory(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void make_file(const char *name, const char *content, mode_t mode)
{
    FILE *file = fopen(in_directory(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(content, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void make_hook(const char *name, const char *script)
{
    char content[2000];
    snprintf(content, sizeof content, "#!/bin/sh\nd=${0%%/*}\n%s\n", script);
    make_file(name, content, 0700);
}

/* Empty if it is missing. */
static const char *read_result(const char *name)
{
    FILE *file = fopen(in_directory(name), "r");
    size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    text[length] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static void set_up(void)
{
    snprintf(directory, sizeof directory, "%s/hooks.XXXXXX", getenv(RUNNER_DIRECTORY));
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void run_input(const void *input, size_t length, bool secret, int64_t limit)
{
    const struct hook_call call = {.event = "successor",
                                   .client = "shop@example",
                                   .ring = "payments",
                                   .key_id = "0123456789abcdef",
                                   .label = "web",
                                   .version = 7,
                                   .input = input,
                                   .length = length,
                                   .secret = secret,
                                   .limit = limit};
    ck_assert_msg(hooks_read(directory, &hooks, &error) == SEALRING_OK, "%s", error.message);
    hooks_run(&hooks, &call, &result);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no zombie, no child at all */
    ck_assert_int_eq(errno, ECHILD);
}

static void run(int64_t limit)
{
    run_input(SECRET, strlen(SECRET), true, limit);
}

/* ---- Which files are hooks ---- */

START_TEST(names_and_order)
{
    make_hook("20-second", "exit 0");
    make_hook("10_First", "exit 0");
    make_hook("30.disabled", "exit 0");
    make_hook("old~", "exit 0");
    make_file("README", "text", 0600);
    ck_assert_int_eq(mkdir(in_directory("folder"), 0755), 0);
    ck_assert_int_eq(hooks_read(directory, &hooks, &error), SEALRING_OK);
    ck_assert_uint_eq(hooks.count, 2);
    ck_assert_str_eq(hooks.names[0], "10_First");
    ck_assert_str_eq(hooks.names[1], "20-second");
}
END_TEST

START_TEST(none_is_a_failure)
{
    run(LONG);
    ck_assert_int_eq(result.outcome, SEND_RETRY);
    ck_assert_ptr_nonnull(strstr(result.reason, "has no executable file"));
}
END_TEST

START_TEST(others_may_write_none)
{
    static const mode_t modes[] = {0720, 0702};
    make_hook("10-first", "exit 0");
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(chmod(in_directory("10-first"), modes[i]), 0);
        ck_assert_int_eq(hooks_read(directory, &hooks, &error), SEALRING_INVALID);
        ck_assert_ptr_nonnull(strstr(error.message, "10-first can be written by its group or by others: chmod go-w"));
    }
    ck_assert_int_eq(chmod(path, 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(chmod(directory, modes[i]), 0);
        ck_assert_int_eq(hooks_read(directory, &hooks, &error), SEALRING_INVALID);
    }
    ck_assert_int_eq(chmod(directory, 0700), 0);
    ck_assert_int_eq(symlink("10-first", in_directory("20-link")), 0);
    ck_assert_int_eq(hooks_read(directory, &hooks, &error), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "20-link is a symbolic link"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(hooks_read(directory, &hooks, &error), SEALRING_OK);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(in_directory("10-first"), 65534, 0), 0);
        ck_assert_int_eq(hooks_read(directory, &hooks, &error), SEALRING_INVALID);
        ck_assert_ptr_nonnull(strstr(error.message, "belongs to uid 65534"));
    }
}
END_TEST

START_TEST(a_missing_directory_is_reported)
{
    ck_assert_int_eq(hooks_read("/nonexistent", &hooks, &error), SEALRING_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent cannot be read"));
}
END_TEST

/* ---- What a hook gets ---- */

START_TEST(input_environment_and_order)
{
    ck_assert_int_eq(setenv("SEALRING_PIN", "1234", 1), 0);
    make_hook("10-first",
              "cat >\"$d\"/'input.txt'; env | sort >\"$d\"/'environment.txt'; pwd >>\"$d\"/'environment.txt'");
    make_hook("20-second", "cat /dev/stdin | cmp - \"$d\"/'input.txt' && echo \"$0 $#\" >\"$d\"/'second.txt'");
    run(LONG);
    ck_assert_msg(result.outcome == SEND_DONE, "%s", result.reason);
    ck_assert_str_eq(result.reason, "");
    ck_assert_str_eq(read_result("input.txt"), SECRET);
    read_result("environment.txt");
    static const char *const lines[] = {"SEALRING_EVENT=successor\n", "SEALRING_CLIENT=shop@example\n",
                                        "SEALRING_RING=payments\n",   "SEALRING_KEY_ID=0123456789abcdef\n",
                                        "SEALRING_LABEL=web\n",       "SEALRING_VERSION=7\n",
                                        "PATH=/usr/local/sbin:",      "\n/\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(text, lines[i]) != NULL, "%s is not in\n%s", lines[i], text);
    ck_assert_ptr_null(strstr(text, "SEALRING_PIN"));
    ck_assert_ptr_nonnull(strstr(read_result("second.txt"), "20-second 0"));
}
END_TEST

START_TEST(descriptors_and_signals)
{
    int held[2];
    sigset_t blocked;
    ck_assert_int_eq(pipe(held), 0); /* without FD_CLOEXEC */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    ck_assert_ptr_ne(signal(SIGPIPE, SIG_IGN), SIG_ERR);
    make_hook("10-first",
              "ls /proc/self/fd >\"$d\"/open.txt; grep -E '^Sig(Blk|Ign)' /proc/self/status >\"$d\"/signals.txt");
    run(LONG);
    ck_assert_msg(result.outcome == SEND_DONE, "%s", result.reason);
    ck_assert_str_eq(read_result("open.txt"), "0\n1\n2\n3\n"); /* 3 is of ls itself */
    ck_assert_ptr_nonnull(strstr(read_result("signals.txt"), "SigBlk:\t0000000000000000"));
    const char *ignored = strstr(text, "SigIgn:\t");
    ck_assert_ptr_nonnull(ignored);
    ck_assert_uint_eq(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0); /* 32 and 33 are the C library's own */
}
END_TEST

/* Also where the program has closed its own. */
START_TEST(standard_descriptors_may_be_closed)
{
    make_hook("10-first", "cat >\"$d\"/'input.txt'; echo wrong >&2; exit 3");
    int saved = dup(STDERR_FILENO);
    for (int i = 0; i <= 2; i++)
        close(i);
    hooks_read(directory, &hooks, &error);
    const struct hook_call call = {.input = "text", .length = 4, .limit = LONG};
    hooks_run(&hooks, &call, &result);
    for (int i = 0; i <= 2; i++)
        dup2(saved, i);
    ck_assert_str_eq(result.reason, "hook 10-first ended with status 3: wrong");
    ck_assert_str_eq(read_result("input.txt"), "text");
}
END_TEST

START_TEST(much_input)
{
    static char much[65536];
    memset(much, 'x', sizeof much);
    make_hook("10-ignores", "exit 0");
    make_hook("20-reads", "wc -c >\"$d\"/'size.txt'");
    run_input(much, sizeof much, false, LONG);
    ck_assert_msg(result.outcome == SEND_DONE, "%s", result.reason);
    ck_assert_int_eq(atoi(read_result("size.txt")), 65536);
}
END_TEST

/* ---- Hooks that do not do what they should ---- */

START_TEST(a_failure_stops_the_rest)
{
    make_hook("10-first", "echo first; printf 'no \\033[31mway\\n\\n' >&2; exit 7");
    make_hook("20-second", "touch \"$d\"/'second.txt'");
    run(LONG);
    ck_assert_int_eq(result.outcome, SEND_RETRY);
    ck_assert_str_eq(result.reason, "hook 10-first ended with status 7: no \\x1b[31mway");
    ck_assert_int_eq(access(in_directory("second.txt"), F_OK), -1);
}
END_TEST

START_TEST(what_cannot_be_run)
{
    make_file("10-first", "#!/nonexistent/interpreter\n", 0700);
    run(LONG);
    ck_assert_int_eq(result.outcome, SEND_RETRY);
    ck_assert_ptr_nonnull(strstr(result.reason, "hook 10-first cannot be run: No such file"));
    make_hook("10-first", "kill -9 $$");
    run(LONG);
    ck_assert_str_eq(result.reason, "hook 10-first was ended by signal 9");
}
END_TEST

static void wait_for_end(pid_t process)
{
    for (int i = 0; i < 6000 && kill(process, 0) == 0; i++) {
        char state[64], line[512] = "";
        snprintf(state, sizeof state, "/proc/%d/stat", (int)process);
        FILE *file = fopen(state, "r");
        if (file != NULL && fgets(line, sizeof line, file) != NULL && strstr(line, ") Z ") != NULL)
            i = 6000; /* a zombie of whoever adopted it */
        if (file != NULL)
            fclose(file);
        clock_sleep(10);
    }
}

START_TEST(a_hook_that_hangs_is_ended)
{
    make_hook("10-first", "sleep 1000 & echo $! >\"$d\"/'sleeper.txt'; echo waiting; wait");
    run(300);
    ck_assert_int_eq(result.outcome, SEND_RETRY);
    ck_assert_str_eq(result.reason, "hook 10-first took longer than 1 s: waiting");
    pid_t sleeper = (pid_t)atoi(read_result("sleeper.txt"));
    if (sleeper > 0)
        wait_for_end(sleeper);
}
END_TEST

START_TEST(a_hook_that_ignores_sigterm_is_killed)
{
    int64_t begun = clock_monotonic_ms();
    make_hook("10-first", "trap '' TERM; while :; do sleep 1000; done");
    run(100);
    ck_assert_ptr_nonnull(strstr(result.reason, "took longer than 1 s"));
    ck_assert_int_lt(clock_monotonic_ms() - begun, LONG);
}
END_TEST

START_TEST(a_stopped_hook_is_ended)
{
    make_hook("10-first", "kill -STOP $$");
    run(100);
    ck_assert_ptr_nonnull(strstr(result.reason, "took longer than 1 s"));
}
END_TEST

START_TEST(a_flood_is_read_and_dropped)
{
    make_hook("10-first", "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1");
    run(LONG);
    ck_assert_str_eq(result.reason, "hook 10-first ended with status 1: the end");
    make_hook("10-first", "yes");
    run(300);
    ck_assert_ptr_nonnull(strstr(result.reason, "took longer than 1 s: y"));
}
END_TEST

START_TEST(a_long_line_is_cut)
{
    make_hook("10-first", "head -c 3000 /dev/zero | tr '\\0' '\\033'; exit 1");
    run(LONG);
    ck_assert_uint_lt(strlen(result.reason), sizeof result.reason);
    ck_assert_ptr_nonnull(strstr(result.reason, "\\x1b\\x1b"));
    ck_assert_ptr_null(strchr(result.reason, '\033'));
}
END_TEST

/* What stays behind has the pipe, and its own session: nobody waits for it. */
START_TEST(a_hook_that_forks_away)
{
    make_hook("10-first", "setsid sleep 1000 & echo $! >\"$d\"/'sleeper.txt'; exit 0");
    run(LONG);
    ck_assert_msg(result.outcome == SEND_DONE, "%s", result.reason);
    pid_t sleeper = (pid_t)atoi(read_result("sleeper.txt"));
    ck_assert_int_gt(sleeper, 0);
    kill(sleeper, SIGKILL);
    /* one in its process group ends with it */
    make_hook("10-first", "sleep 1000 & echo $! >\"$d\"/'sleeper.txt'; exit 0");
    run(LONG);
    ck_assert_msg(result.outcome == SEND_DONE, "%s", result.reason);
    sleeper = (pid_t)atoi(read_result("sleeper.txt"));
    ck_assert_int_gt(sleeper, 0);
    wait_for_end(sleeper);
}
END_TEST

START_TEST(output_is_closed_early)
{
    make_hook("10-first", "exec >&- 2>&-; cat >\"$d\"/'input.txt'; exit 4");
    run(LONG);
    ck_assert_str_eq(result.reason, "hook 10-first ended with status 4");
    ck_assert_str_eq(read_result("input.txt"), SECRET);
}
END_TEST

START_TEST(the_secret_is_not_shown)
{
    make_hook("10-first", "read -r line; echo \"curl: failed for $line\" >&2; exit 1");
    run(LONG);
    ck_assert_ptr_null(strstr(result.reason, "abcdefghij"));
    ck_assert_ptr_nonnull(strstr(result.reason, "contains what it was given"));
    make_hook("10-first", "cut -c 40-65; exit 1");
    run(LONG);
    ck_assert_ptr_nonnull(strstr(result.reason, "contains what it was given"));
    make_hook("10-first", "echo API key $SEALRING_KEY_ID: no such secret; exit 1");
    run(LONG);
    ck_assert_str_eq(result.reason, "hook 10-first ended with status 1: API key 0123456789abcdef: no such secret");
    make_hook("10-first", "cat; exit 1");
    run_input("{\"type\": \"credential.expiring\"}", 31, false, LONG);
    ck_assert_ptr_nonnull(strstr(result.reason, "status 1: {\"type\": \"credential.expiring\"}"));
}
END_TEST

START_TEST(an_ignored_sigchld_is_reported)
{
    ck_assert_ptr_ne(signal(SIGCHLD, SIG_IGN), SIG_ERR);
    make_hook("10-first", "exit 0");
    run(LONG);
    ck_assert_int_eq(result.outcome, SEND_RETRY);
    ck_assert_ptr_nonnull(strstr(result.reason, "SIGCHLD is ignored"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify/run_hook");
    TCase *cases = tcase_create("hooks");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_test(cases, names_and_order);
    tcase_add_test(cases, none_is_a_failure);
    tcase_add_test(cases, others_may_write_none);
    tcase_add_test(cases, a_missing_directory_is_reported);
    tcase_add_test(cases, input_environment_and_order);
    tcase_add_test(cases, descriptors_and_signals);
    tcase_add_test(cases, standard_descriptors_may_be_closed);
    tcase_add_test(cases, much_input);
    tcase_add_test(cases, a_failure_stops_the_rest);
    tcase_add_test(cases, what_cannot_be_run);
    tcase_add_test(cases, a_hook_that_hangs_is_ended);
    tcase_add_test(cases, a_hook_that_ignores_sigterm_is_killed);
    tcase_add_test(cases, a_stopped_hook_is_ended);
    tcase_add_test(cases, a_flood_is_read_and_dropped);
    tcase_add_test(cases, a_long_line_is_cut);
    tcase_add_test(cases, a_hook_that_forks_away);
    tcase_add_test(cases, output_is_closed_early);
    tcase_add_test(cases, the_secret_is_not_shown);
    tcase_add_test(cases, an_ignored_sigchld_is_reported);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
