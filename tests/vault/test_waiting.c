/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for verifiers, with real ones in processes of their own: barrier, gate, effective, lost and foreign reports, forgetting. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sealring/backup.h>

#include "lib/runner.h"
#include "lib/test_vault.h"
#include "manage/session/manager.h"

#define RING     "payments"
#define LEASE_MS 2000
#define LONG_MS  600000 /* a lease that no test lives to see the end of */
#define PATIENCE 60000

static struct test_vault vault;
static sealring_manager *manager;
static sealring_error error;
static char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
static char key_id[SEALRING_KEY_ID_LENGTH + 1];

/* ---- Servers: each a process that opens the vault and answers one order at a time. */

struct server {
    pid_t process;
    int socket;
};

enum order { ORDER_ASK = 'a', ORDER_LOOK = 'l', ORDER_LEAVE = 'e' };

struct message {
    enum order order;
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    sealring_verdict verdict;
};

static void serve(int socket, bool manual)
{
    sealring_vault *opened = NULL;
    const sealring_options options = {.size = sizeof options, .manual_maintenance = manual, .no_warming = 1};
    sealring_error problem;
    struct message message = {.order = ORDER_LOOK};
    if (sealring_open(vault.path, &options, &opened, &problem) != SEALRING_OK) {
        fprintf(stderr, "%s\n", problem.message);
        _exit(1);
    }
    if (write(socket, &message, sizeof message) != (ssize_t)sizeof message)
        _exit(2);
    while (read(socket, &message, sizeof message) == (ssize_t)sizeof message && message.order != ORDER_LEAVE) {
        if (message.order == ORDER_LOOK)
            sealring_maintain(opened, NULL, NULL);
        else
            message.verdict = sealring_verify(opened, message.text, strlen(message.text), NULL, NULL);
        if (write(socket, &message, sizeof message) != (ssize_t)sizeof message)
            break;
    }
    sealring_close(&opened);
    _exit(0);
}

static struct message tell(const struct server *server, enum order order, const char *credential)
{
    struct message message = {.order = order};
    if (credential != NULL)
        snprintf(message.text, sizeof message.text, "%s", credential);
    ck_assert_int_eq(write(server->socket, &message, sizeof message), (ssize_t)sizeof message);
    ck_assert_int_eq(read(server->socket, &message, sizeof message), (ssize_t)sizeof message);
    return message;
}

static struct server start(bool manual)
{
    int pair[2];
    struct message ready;
    struct server server;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    fflush(NULL);
    server.process = fork();
    ck_assert_int_ge(server.process, 0);
    if (server.process == 0) {
        close(pair[0]);
        serve(pair[1], manual);
    }
    close(pair[1]);
    server.socket = pair[0];
    ck_assert_int_eq(read(server.socket, &ready, sizeof ready), (ssize_t)sizeof ready);
    return server;
}

static void end(struct server *server, int signal_number)
{
    struct message leave = {.order = ORDER_LEAVE};
    if (signal_number != 0)
        kill(server->process, signal_number);
    else
        ck_assert_int_eq(write(server->socket, &leave, sizeof leave), (ssize_t)sizeof leave);
    waitpid(server->process, NULL, 0);
    close(server->socket);
}

static sealring_verdict ask(const struct server *server, const char *credential)
{
    return tell(server, ORDER_ASK, credential).verdict;
}

/* Stopped for good only once the kernel says so. */
static void freeze(const struct server *server)
{
    int status = 0;
    kill(server->process, SIGSTOP);
    ck_assert_int_eq(waitpid(server->process, &status, WUNTRACED), server->process);
    ck_assert(WIFSTOPPED(status));
}

/* ---- The operator's side. */

static void setup(void)
{
    test_vault_make(&vault);
    test_vault_timing(&vault, LONG_MS, 50);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, RING, "acme_live", 1000);
    test_vault_issue(manager, RING, "acme-mobile", "read", text, key_id);
    sealring_manager_close(&manager); /* servers are forked: they should inherit nothing */
}

static void teardown(void)
{
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

static void manage(void)
{
    sealring_manager_close(&manager);
    manager = test_vault_manage(&vault);
}

static sealring_status barrier(int64_t most)
{
    sealring_wait wait = {.size = sizeof wait, .most = most};
    return sealring_wait_barrier(manager, RING, 0, &wait, &error);
}

static sealring_status effective(int64_t most)
{
    sealring_wait wait = {.size = sizeof wait, .most = most};
    return sealring_wait_effective(manager, &wait, &error);
}

static sealring_status event(sealring_event what, uint32_t version, const char *overrule, sealring_change *change)
{
    sealring_event_options options = {.size = sizeof options,
                                      .overrule = overrule != NULL,
                                      .overrule_succession = overrule != NULL,
                                      .reason = overrule};
    return sealring_version_change(manager, RING, what, version, &options, change, &error);
}

static int64_t boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void revoke_key(void)
{
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
}

struct census {
    unsigned count[SEALRING_VERIFIER_FORGOTTEN + 1];
    char instance[33]; /* of the last one */
    char owes[256];
};

static int count_verifier(const sealring_verifier_info *info, void *context)
{
    struct census *census = context;
    census->count[info->state]++;
    snprintf(census->instance, sizeof census->instance, "%s", info->instance);
    snprintf(census->owes, sizeof census->owes, "%s", info->owes);
    return 0;
}

static struct census take_census(bool all)
{
    struct census census = {.instance = ""};
    ASSERT_OK(sealring_verifier_list(manager, all, count_verifier, &census, &error), error);
    return census;
}

/* The one report file there is. */
static void report_path(char path[300])
{
    char directory[200];
    struct dirent *entry;
    unsigned found = 0;
    snprintf(directory, sizeof directory, "%s/verifiers", vault.path);
    DIR *stream = opendir(directory);
    ck_assert_ptr_nonnull(stream);
    while ((entry = readdir(stream)) != NULL)
        if (strstr(entry->d_name, ".report") != NULL) {
            snprintf(path, 300, "%s/%.60s", directory, entry->d_name);
            found++;
        }
    closedir(stream);
    ck_assert_uint_eq(found, 1);
}

static void copy_file(const char *from, const char *to)
{
    char command[700];
    snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    ck_assert_int_eq(system(command), 0);
}

/* ---- The barrier */

START_TEST(a_version_issues_once_every_verifier_has_proved_it)
{
    struct server server = start(true);
    manage();
    sealring_change change = {.size = sizeof change};
    ck_assert_int_eq(event(SEALRING_EVENT_ROTATE, 0, NULL, &change), SEALRING_WAITING);
    ck_assert_ptr_nonnull(strstr(error.message, "1 of 1 verifiers"));
    ck_assert_int_eq(test_vault_number(&vault, "SELECT state FROM version WHERE number = 2"), SEALRING_VERSION_PENDING);
    ck_assert_int_eq(barrier(0), SEALRING_WAITING);
    ck_assert_ptr_nonnull(strstr(error.message, "stays pending"));
    ck_assert_ptr_nonnull(strstr(error.message, "process"));
    /* barriers are not overruled */
    ck_assert_int_eq(event(SEALRING_EVENT_ACTIVATE, 2, "in a hurry", NULL), SEALRING_WAITING);
    /* one look takes it in and proves it, the next one reports the proof */
    tell(&server, ORDER_LOOK, NULL);
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(barrier(0), error);
    ASSERT_OK(event(SEALRING_EVENT_ACTIVATE, 0, NULL, NULL), error);
    end(&server, 0);
}
END_TEST

START_TEST(a_verifier_with_threads_lets_it_pass_by_itself)
{
    struct server server = start(false);
    manage();
    sealring_status status = event(SEALRING_EVENT_ROTATE, 0, NULL, NULL);
    if (status == SEALRING_WAITING) {
        ASSERT_OK(barrier(PATIENCE), error);
        status = event(SEALRING_EVENT_ACTIVATE, 2, NULL, NULL);
    }
    ck_assert_int_eq(status, SEALRING_OK);
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED);
    end(&server, 0);
}
END_TEST

START_TEST(a_dead_verifier_holds_up_nothing)
{
    struct server server = start(true);
    manage();
    ck_assert_int_eq(event(SEALRING_EVENT_ROTATE, 0, NULL, NULL), SEALRING_WAITING);
    end(&server, SIGKILL);
    ASSERT_OK(barrier(0), error);
    struct census census = take_census(true);
    ck_assert_uint_eq(census.count[SEALRING_VERIFIER_DEAD], 1);
    ASSERT_OK(event(SEALRING_EVENT_ACTIVATE, 2, NULL, NULL), error);
}
END_TEST

START_TEST(a_stopped_verifier_holds_it_up_until_its_lease_is_surely_over)
{
    test_vault_timing(&vault, LEASE_MS, 50);
    struct server server = start(false);
    freeze(&server);
    manage();
    int64_t began = boot_ms();
    ck_assert_int_eq(event(SEALRING_EVENT_ROTATE, 0, NULL, NULL), SEALRING_WAITING);
    ck_assert_int_eq(barrier(100), SEALRING_WAITING);
    ASSERT_OK(barrier(PATIENCE), error);
    ck_assert_int_ge(boot_ms() - began, LEASE_MS); /* silence was counted from when it was first seen */
    ck_assert_uint_eq(take_census(false).count[SEALRING_VERIFIER_SILENT], 1);
    ASSERT_OK(event(SEALRING_EVENT_ACTIVATE, 2, NULL, NULL), error);
    kill(server.process, SIGCONT);
    end(&server, 0);
}
END_TEST

/* What one manager saw of a silent verifier shortens no other one's wait. */
START_TEST(silence_is_measured_by_each_manager_itself)
{
    test_vault_timing(&vault, LEASE_MS, 50);
    struct server server = start(false);
    freeze(&server);
    manage();
    ck_assert_int_eq(event(SEALRING_EVENT_ROTATE, 0, NULL, NULL), SEALRING_WAITING);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM verifier"), 1);
    sealring_manager_close(&manager);
    usleep((LEASE_MS + LEASE_MS / 100 + 1000) * 1000);
    manage();
    int64_t began = boot_ms();
    ck_assert_int_eq(event(SEALRING_EVENT_ACTIVATE, 0, NULL, NULL), SEALRING_WAITING);
    ASSERT_OK(barrier(PATIENCE), error);
    ck_assert_int_ge(boot_ms() - began, LEASE_MS);
    ASSERT_OK(event(SEALRING_EVENT_ACTIVATE, 0, NULL, NULL), error);
    kill(server.process, SIGCONT);
    end(&server, 0);
}
END_TEST

START_TEST(a_new_ring_issues_once_its_first_version_is_proved)
{
    struct server server = start(true);
    struct test_handed handed = {.calls = 0};
    const sealring_issue_request request = {.client = "acme-mobile"};
    manage();
    ASSERT_OK(sealring_ring_create(manager, "other", NULL, NULL, 0, &error), error);
    ck_assert_int_eq(sealring_issue(manager, "other", &request, 1, 0, test_vault_take, &handed, NULL, &error),
                     SEALRING_REFUSED);
    tell(&server, ORDER_LOOK, NULL);
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(sealring_version_change(manager, "other", SEALRING_EVENT_ACTIVATE, 0, NULL, NULL, &error), error);
    ASSERT_OK(sealring_issue(manager, "other", &request, 1, 0, test_vault_take, &handed, NULL, &error), error);
    ck_assert_int_eq(ask(&server, handed.text), SEALRING_ACCEPTED);
    end(&server, 0);
}
END_TEST

/* ---- Effective */

START_TEST(a_revocation_is_effective_when_every_verifier_goes_by_it)
{
    struct server server = start(true);
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED);
    manage();
    ASSERT_OK(effective(0), error); /* nothing was changed */
    revoke_key();
    ck_assert_int_eq(effective(0), SEALRING_NOT_EFFECTIVE);
    ck_assert_ptr_nonnull(strstr(error.message, "effective on 0 of 1 verifiers"));
    ck_assert_ptr_nonnull(strstr(error.message, "at the latest at"));
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED); /* so it is true that it is not in force yet */
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(effective(0), error);
    ck_assert_int_eq(ask(&server, text), SEALRING_REJECTED_REVOKED);
    end(&server, 0);
}
END_TEST

START_TEST(a_stopped_verifier_accepts_nothing_once_it_is_effective)
{
    test_vault_timing(&vault, LEASE_MS, 50);
    struct server server = start(false);
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED);
    freeze(&server);
    manage();
    revoke_key();
    int64_t committed = boot_ms();
    ck_assert_int_eq(effective(LEASE_MS / 2), SEALRING_NOT_EFFECTIVE);
    ASSERT_OK(effective(PATIENCE), error);
    ck_assert_int_ge(boot_ms() - committed, LEASE_MS);
    kill(server.process, SIGCONT);
    sealring_verdict verdict = ask(&server, text);
    ck_assert_msg(verdict == SEALRING_UNAVAILABLE || verdict == SEALRING_REJECTED_REVOKED, "it says %s",
                  sealring_verdict_name(verdict));
    end(&server, 0);
}
END_TEST

static int stop(const sealring_progress *progress, void *context)
{
    unsigned *calls = context;
    ck_assert_uint_eq(progress->done, 0);
    ck_assert_uint_eq(progress->total, 1);
    ck_assert_int_gt(progress->at_most, LONG_MS / 2);
    ck_assert_ptr_nonnull(strstr(progress->text, "process"));
    ck_assert_ptr_null(strstr(progress->text, " of 1 verifiers")); /* names only */
    return ++*calls == 2;
}

START_TEST(a_waiting_can_be_ended_and_tells_who_is_missing)
{
    struct server server = start(true);
    manage();
    revoke_key();
    unsigned calls = 0;
    sealring_wait wait = {.size = sizeof wait, .most = -1, .progress = stop, .context = &calls};
    ck_assert_int_eq(sealring_wait_effective(manager, &wait, &error), SEALRING_NOT_EFFECTIVE);
    ck_assert_uint_eq(calls, 2);
    end(&server, 0);
}
END_TEST

/* The token says no only when no verifier goes by the former state any more. */
START_TEST(a_retired_key_is_closed_in_the_token_once_it_is_effective)
{
    struct server server = start(true);
    manage();
    ck_assert_int_eq(event(SEALRING_EVENT_ROTATE, 0, NULL, NULL), SEALRING_WAITING);
    tell(&server, ORDER_LOOK, NULL);
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(event(SEALRING_EVENT_ACTIVATE, 0, NULL, NULL), error);
    tell(&server, ORDER_LOOK, NULL);
    sealring_change change = {.size = sizeof change};
    ASSERT_OK(event(SEALRING_EVENT_RETIRE, 1, "the test wants it", &change), error);
    ck_assert(change.closing_owed);
    /* other commands that use the token leave it open, too */
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_PREPARE, 0, NULL, NULL, &error), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT closing_owed FROM version WHERE number = 1"), 1);
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED);
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(effective(0), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT closing_owed FROM version WHERE number = 1"), 0);
    ck_assert_int_eq(ask(&server, text), SEALRING_REJECTED_VERSION_RETIRED);
    end(&server, 0);
}
END_TEST

/* ---- The gate */

static void rotate_with(const struct server *server)
{
    if (event(SEALRING_EVENT_ROTATE, 0, NULL, NULL) == SEALRING_WAITING) {
        tell(server, ORDER_LOOK, NULL);
        tell(server, ORDER_LOOK, NULL);
        ASSERT_OK(event(SEALRING_EVENT_ACTIVATE, 0, NULL, NULL), error);
    }
    tell(server, ORDER_LOOK, NULL);
}

static void let_the_window_end(void)
{
    sealring_status status;
    while ((status = event(SEALRING_EVENT_RETIRE, 1, NULL, NULL)) == SEALRING_WAITING &&
           strstr(error.message, "window ends") != NULL)
        usleep(50000);
    ck_assert_int_eq(status, SEALRING_WAITING);
}

START_TEST(a_use_holds_up_the_retirement_also_of_a_dead_verifier)
{
    const sealring_policy policy = {.quiet_period = 3600000};
    struct server server = start(true);
    manage();
    ASSERT_OK(sealring_ring_set(manager, RING, &policy, SEALRING_POLICY_QUIET_PERIOD, &error), error);
    rotate_with(&server);
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED);
    let_the_window_end();
    ck_assert_ptr_nonnull(strstr(error.message, "use"));
    end(&server, SIGKILL);
    ck_assert_int_eq(event(SEALRING_EVENT_RETIRE, 1, NULL, NULL), SEALRING_WAITING);
    ck_assert_ptr_nonnull(strstr(error.message, "use"));
    /* and when the file goes, what was remembered stays */
    char path[300];
    report_path(path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(event(SEALRING_EVENT_RETIRE, 1, NULL, NULL), SEALRING_WAITING);
    ck_assert_ptr_nonnull(strstr(error.message, "use"));
    /* a human may overrule, by name, with a reason */
    ASSERT_OK(event(SEALRING_EVENT_RETIRE, 1, "nobody of importance", NULL), error);
    ck_assert_int_eq(test_vault_number(&vault,
                                       "SELECT count(*) FROM audit WHERE act = 'version.retire' AND "
                                       "detail LIKE '%nobody of importance%' AND detail LIKE '%overruled\":true%'"),
                     1);
}
END_TEST

START_TEST(a_lost_report_file_counts_as_a_use)
{
    test_vault_timing(&vault, LEASE_MS, 50);
    const sealring_policy policy = {.quiet_period = 3600000};
    struct server server = start(true);
    char path[300];
    manage();
    ASSERT_OK(sealring_ring_set(manager, RING, &policy, SEALRING_POLICY_QUIET_PERIOD, &error), error);
    rotate_with(&server);
    while (event(SEALRING_EVENT_RETIRE, 1, NULL, NULL) == SEALRING_WAITING) /* its window; and nobody used it */
        usleep(50000);
    ASSERT_OK(event(SEALRING_EVENT_REINSTATE, 1, NULL, NULL), error);
    int64_t patience = boot_ms() + PATIENCE;
    while (event(SEALRING_EVENT_ACTIVATE, 1, NULL, NULL) == SEALRING_WAITING && boot_ms() < patience) {
        tell(&server, ORDER_LOOK, NULL); /* a proof that failed is tried again after a while */
        usleep(20000);
    }
    ck_assert_int_eq(test_vault_number(&vault, "SELECT state FROM version WHERE number = 1"), SEALRING_VERSION_ACTIVE);
    ASSERT_OK(event(SEALRING_EVENT_ROLLBACK, 2, NULL, NULL), error);
    report_path(path);
    take_census(false);
    ck_assert_int_eq(unlink(path), 0);
    end(&server, SIGKILL);
    while (event(SEALRING_EVENT_RETIRE, 1, NULL, NULL) == SEALRING_WAITING &&
           strstr(error.message, "window ends") != NULL)
        usleep(50000);
    ck_assert_int_eq(error.status, SEALRING_WAITING);
    struct census census = take_census(false);
    ck_assert_uint_eq(census.count[SEALRING_VERIFIER_LOST], 1);
    /* it may serve until its lease is surely over */
    ck_assert_int_eq(sealring_verifier_forget(manager, census.instance, "it is gone", &error), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "may serve until"));
    revoke_key();
    ASSERT_OK(effective(PATIENCE), error);
    /* over, it left a hole, which counts as a use, until somebody takes that upon himself */
    while (sealring_verifier_forget(manager, census.instance, "its disk is gone", &error) == SEALRING_REFUSED)
        usleep(50000);
    ck_assert_int_eq(error.status, SEALRING_REFUSED);
    ASSERT_OK(event(SEALRING_EVENT_RETIRE, 1, NULL, NULL), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'verifier.forget'"), 1);
}
END_TEST

/* ---- Reports that are not what they seem */

START_TEST(a_copy_in_place_of_a_report_does_not_make_its_verifier_dead)
{
    struct server server = start(true);
    char path[300], kept[320];
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED); /* from memory, from here on */
    manage();
    take_census(false); /* it is known */
    revoke_key();       /* and so remembered */
    ck_assert_int_eq(effective(0), SEALRING_NOT_EFFECTIVE);
    report_path(path);
    snprintf(kept, sizeof kept, "%s.kept", path);
    ck_assert_int_eq(rename(path, kept), 0);
    copy_file(kept, path);
    ck_assert_int_eq(effective(0), SEALRING_NOT_EFFECTIVE);
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED);
    ck_assert_uint_eq(take_census(false).count[SEALRING_VERIFIER_LOST], 1);
    end(&server, SIGKILL);
}
END_TEST

static const struct {
    const char *name;
    const char *command; /* run in verifiers/; $live: the file of the live verifier */
} strange[] = {
    {"garbage", "head -c 20000 /dev/urandom >00000000000000000000000000000001.report"},
    {"empty", ": >00000000000000000000000000000002.report"},
    {"cut short", "head -c 6000 \"$live\" >00000000000000000000000000000003.report"},
    {"a copy under another name", "cp \"$live\" 00000000000000000000000000000004.report"},
    {"a pipe", "mkfifo 00000000000000000000000000000005.report"},
    {"a link", "ln -s \"$live\" 00000000000000000000000000000006.report"},
    {"a directory", "mkdir 00000000000000000000000000000007.report"},
    {"unreadable",
     "cp \"$live\" 00000000000000000000000000000008.report && chmod 0 00000000000000000000000000000008.report"},
    {"no report at all", "echo hello >notes.txt"},
};

START_TEST(strange_files_are_passed_over)
{
    struct server server = start(true);
    char path[300], command[1000];
    manage();
    report_path(path);
    snprintf(command, sizeof command, "cd '%s/verifiers' && live='%s' && { %s; }", vault.path, path,
             strange[_i].command);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(event(SEALRING_EVENT_ROTATE, 0, NULL, NULL), SEALRING_WAITING);
    ck_assert_ptr_nonnull(strstr(error.message, "1 of 1 verifiers"));
    tell(&server, ORDER_LOOK, NULL);
    tell(&server, ORDER_LOOK, NULL);
    if (strcmp(strange[_i].name, "unreadable") == 0 && geteuid() != 0) {
        /* only root can tell what it is */
        ck_assert_int_eq(event(SEALRING_EVENT_ACTIVATE, 0, NULL, NULL), SEALRING_WAITING);
        end(&server, 0);
        return;
    }
    ASSERT_OK(event(SEALRING_EVENT_ACTIVATE, 0, NULL, NULL), error);
    revoke_key();
    ck_assert_int_eq(effective(0), SEALRING_NOT_EFFECTIVE);
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(effective(0), error);
    end(&server, 0);
}
END_TEST

/* The directory of the reports can be opened, and no report. */
static void leave_one_descriptor(rlim_t most)
{
    int lowest = dup(STDERR_FILENO);
    ck_assert_int_ge(lowest, 0);
    close(lowest);
    const struct rlimit limit = {.rlim_cur = (rlim_t)lowest + 1, .rlim_max = most};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(a_verifier_is_not_passed_over_for_want_of_descriptors)
{
    struct census census = {.instance = ""};
    struct rlimit before;
    manage();
    (void)take_census(false); /* all that stays open is open */
    struct server server = start(true);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    leave_one_descriptor(before.rlim_max);
    sealring_status status = sealring_verifier_list(manager, false, count_verifier, &census, &error);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(status, SEALRING_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.message, strerror(EMFILE)));
    ck_assert_uint_eq(take_census(false).count[SEALRING_VERIFIER_SERVING], 1);
    end(&server, 0);
}
END_TEST

START_TEST(a_live_verifier_is_not_forgotten)
{
    struct server server = start(false);
    manage();
    struct census census = take_census(false);
    ck_assert_uint_eq(census.count[SEALRING_VERIFIER_SERVING], 1);
    ck_assert_int_eq(sealring_verifier_forget(manager, census.instance, "I do not like it", &error), SEALRING_REFUSED);
    ck_assert_int_eq(sealring_verifier_forget(manager, census.instance, NULL, &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_verifier_forget(manager, census.instance, "", &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_verifier_forget(manager, "abc", "too short", &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_verifier_forget(manager, "%%%%", "no digits", &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_verifier_forget(manager, "0123456789abcdef0123456789abcdef", "unknown", &error),
                     SEALRING_NOT_FOUND);
    end(&server, 0);
    ASSERT_OK(sealring_verifier_forget(manager, census.instance, "its host was taken down", &error), error);
}
END_TEST

/* ---- An older copy of the registry comes back: a version that was closed since is open again, and whoever has not looked rejects it. */

static sealring_status era(int64_t most)
{
    sealring_wait wait = {.size = sizeof wait, .most = most};
    return sealring_wait_era(manager, &wait, &error);
}

static sealring_status rekey(struct test_handed *handed)
{
    const sealring_rekey_request request = {.size = sizeof request};
    return sealring_rekey(manager, key_id, &request, test_vault_take, handed, &error);
}

/* Version 1 is retiring, and the token is one that cannot close keys: it says nothing against an older copy. */
static struct server rotate_known(void)
{
    test_vault_sql(&vault, "UPDATE vault SET token_closes_keys = 0");
    struct server server = start(true);
    manage();
    sealring_change change = {.size = sizeof change};
    ck_assert_int_eq(event(SEALRING_EVENT_ROTATE, 0, NULL, &change), SEALRING_WAITING);
    ck_assert(change.waits_for_verifiers);
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(event(SEALRING_EVENT_ACTIVATE, 2, NULL, &change), error);
    ck_assert(!change.waits_for_verifiers);
    tell(&server, ORDER_LOOK, NULL);
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED);
    return server;
}

/* Behind the copy's back, and the server knows. */
static void retire_known(const struct server *server)
{
    ASSERT_OK(event(SEALRING_EVENT_RETIRE, 1, "for the test", NULL), error);
    tell(server, ORDER_LOOK, NULL);
    ASSERT_OK(effective(0), error);
    ck_assert_int_eq(ask(server, text), SEALRING_REJECTED_VERSION_RETIRED);
    sealring_manager_close(&manager);
}

static void restore_older(const struct server *server)
{
    char file[160];
    const sealring_restore_options options = {.size = sizeof options, .accept_loss = "for the test"};
    snprintf(file, sizeof file, "%s/backup", vault.parent);
    ASSERT_OK(sealring_backup(manager, file, NULL, NULL, NULL, &error), error);
    retire_known(server);
    ASSERT_OK(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error), error);
    manage();
}

static void take_over_older(const struct server *server)
{
    char command[900];
    const sealring_manage_options options = {.size = sizeof options, .take_over = "for the test"};
    sealring_manager_close(&manager);
    snprintf(command, sizeof command, "cp '%s' '%s/copy'", vault.registry, vault.parent);
    ck_assert_int_eq(system(command), 0);
    manage();
    retire_known(server);
    snprintf(command, sizeof command, "rm -f '%s-wal' '%s-shm' && cp '%s/copy' '%s.new' && mv '%s.new' '%s'",
             vault.registry, vault.registry, vault.parent, vault.registry, vault.registry, vault.registry);
    ck_assert_int_eq(system(command), 0);
    ASSERT_OK(sealring_manager_open(vault.path, &options, &manager, &error), error);
    ASSERT_OK(sealring_client_add(manager, "by-the-way", NULL, &error), error); /* the first act takes it over */
}

static void (*const come_back[])(const struct server *server) = {restore_older, take_over_older};

START_TEST(nothing_is_issued_while_a_verifier_goes_by_what_was_before)
{
    struct server server = rotate_known();
    struct test_handed handed = {.calls = 0};
    char name[32];
    snprintf(name, sizeof name, "process %d", (int)server.process);
    come_back[_i](&server);
    ck_assert_int_eq(rekey(&handed), SEALRING_WAITING);
    ck_assert_msg(strstr(error.message, name) != NULL, "%s", error.message);
    ck_assert_int_eq(sealring_reissue(manager, key_id, test_vault_take, &handed, &error), SEALRING_WAITING);
    ck_assert_uint_eq(handed.calls, 0);
    ck_assert_int_eq(era(0), SEALRING_NOT_EFFECTIVE);
    ck_assert_msg(strstr(error.message, "effective on 0 of 1 verifiers") != NULL, "%s", error.message);
    ck_assert_int_eq(ask(&server, text), SEALRING_REJECTED_VERSION_RETIRED); /* that is why */
    ck_assert_ptr_nonnull(strstr(take_census(false).owes, "follows the registry from before it was rolled back"));
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(era(0), error);
    ck_assert_int_eq(ask(&server, text), SEALRING_ACCEPTED);
    ASSERT_OK(rekey(&handed), error);
    ck_assert_int_eq(ask(&server, handed.text), SEALRING_ACCEPTED);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT era_in_force FROM vault"), 1);
    struct server later = start(true); /* nothing is asked of it: it joined this life of the registry */
    ASSERT_OK(rekey(&handed), error);
    end(&later, 0);
    end(&server, 0);
}
END_TEST

/* Its barrier was met in another life of the registry. */
START_TEST(a_predecessor_waits_for_the_new_era_too)
{
    struct server server = rotate_known();
    struct test_handed handed = {.calls = 0};
    sealring_wait once = {.size = sizeof once};
    come_back[_i](&server);
    ck_assert_int_eq(event(SEALRING_EVENT_ROLLBACK, 0, NULL, NULL), SEALRING_WAITING);
    ck_assert_msg(strstr(error.message, "1 of 1 verifiers have not applied that yet") != NULL, "%s", error.message);
    ck_assert_int_eq(event(SEALRING_EVENT_ACTIVATE, 1, "I want to", NULL), SEALRING_WAITING);
    ck_assert_int_eq(sealring_wait_barrier(manager, RING, 1, &once, &error), SEALRING_WAITING);
    ck_assert_msg(strstr(error.message, "version 1 of ring " RING " stays retiring") != NULL, "%s", error.message);
    tell(&server, ORDER_LOOK, NULL);
    ASSERT_OK(sealring_wait_barrier(manager, RING, 1, &once, &error), error);
    ASSERT_OK(event(SEALRING_EVENT_ROLLBACK, 0, NULL, NULL), error);
    ASSERT_OK(rekey(&handed), error);
    ck_assert_uint_eq(handed.version, 1);
    ck_assert_int_eq(ask(&server, handed.text), SEALRING_ACCEPTED);
    end(&server, 0);
}
END_TEST

START_TEST(what_was_before_is_over_with_the_lease)
{
    test_vault_timing(&vault, LEASE_MS, 50);
    struct server server = rotate_known();
    struct test_handed handed = {.calls = 0};
    come_back[_i](&server);
    freeze(&server); /* the registry that is there now remembers an older report of its */
    ck_assert_int_eq(era(0), SEALRING_NOT_EFFECTIVE);
    ASSERT_OK(era(PATIENCE), error);
    ASSERT_OK(rekey(&handed), error);
    kill(server.process, SIGCONT);
    ck_assert_int_eq(ask(&server, handed.text), SEALRING_UNAVAILABLE);
    tell(&server, ORDER_LOOK, NULL);
    ck_assert_int_eq(ask(&server, handed.text), SEALRING_ACCEPTED);
    end(&server, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vault/waiting");
    TCase *cases = tcase_create("waiting");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_version_issues_once_every_verifier_has_proved_it);
    tcase_add_test(cases, a_verifier_with_threads_lets_it_pass_by_itself);
    tcase_add_test(cases, a_dead_verifier_holds_up_nothing);
    tcase_add_test(cases, a_stopped_verifier_holds_it_up_until_its_lease_is_surely_over);
    tcase_add_test(cases, silence_is_measured_by_each_manager_itself);
    tcase_add_test(cases, a_new_ring_issues_once_its_first_version_is_proved);
    tcase_add_test(cases, a_revocation_is_effective_when_every_verifier_goes_by_it);
    tcase_add_test(cases, a_stopped_verifier_accepts_nothing_once_it_is_effective);
    tcase_add_test(cases, a_waiting_can_be_ended_and_tells_who_is_missing);
    tcase_add_test(cases, a_retired_key_is_closed_in_the_token_once_it_is_effective);
    tcase_add_test(cases, a_use_holds_up_the_retirement_also_of_a_dead_verifier);
    tcase_add_test(cases, a_lost_report_file_counts_as_a_use);
    tcase_add_test(cases, a_copy_in_place_of_a_report_does_not_make_its_verifier_dead);
    tcase_add_loop_test(cases, strange_files_are_passed_over, 0, (int)(sizeof strange / sizeof *strange));
    tcase_add_test(cases, a_verifier_is_not_passed_over_for_want_of_descriptors);
    tcase_add_test(cases, a_live_verifier_is_not_forgotten);
    tcase_add_loop_test(cases, nothing_is_issued_while_a_verifier_goes_by_what_was_before, 0, 2);
    tcase_add_loop_test(cases, what_was_before_is_over_with_the_lease, 0, 2);
    tcase_add_loop_test(cases, a_predecessor_waits_for_the_new_era_too, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
