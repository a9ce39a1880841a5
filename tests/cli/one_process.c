/* SPDX-License-Identifier: Apache-2.0 */
/* A verifier and a manager in one process, by the public libraries alone: it issues, rotates, forks, and verifies on both sides of the fork. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sealring/manage.h>
#include <sealring/verify.h>

static sealring_error error;
static sealring_vault *vault;
static sealring_manager *manager;
static const char *path;

static void must(sealring_status status, const char *what)
{
    if (status == SEALRING_OK)
        return;
    printf("%s: %s\n", what, error.message);
    fflush(stdout);
    _exit(3);
}

static int set(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

static int take(const sealring_issued *issued, void *context)
{
    snprintf(context, SEALRING_CREDENTIAL_LENGTH_MAX + 1, "%s", issued->credential);
    return 0;
}

static void open_manager(void)
{
    sealring_manage_options options = {.size = sizeof options};
    must(sealring_manager_open(path, &options, &manager, &error), "open the manager");
}

static void issue(const char *label, char *credential)
{
    sealring_issue_request request = {.client = "acme", .label = label};
    must(sealring_issue(manager, "payments", &request, 1, SEALRING_ISSUE_ADD_CLIENTS, take, credential, NULL, &error),
         "issue");
}

static void rotate(void)
{
    sealring_change change = {.size = sizeof change};
    sealring_event_options options = {.size = sizeof options};
    sealring_status status;
    /* the verifier of this process has to prove the new version first */
    for (int tries = 0; (status = sealring_version_change(manager, "payments", SEALRING_EVENT_ROTATE, 0, &options,
                                                          &change, &error)) == SEALRING_WAITING &&
                        tries < 3000;
         tries++)
        usleep(20000);
    must(status, "rotate");
}

static void expect_accepted(const char *credential, const char *whose)
{
    sealring_grant grant = {.size = sizeof grant};
    sealring_verdict verdict = sealring_verify(vault, credential, strlen(credential), NULL, &grant);
    printf("%s: %s, version %u\n", whose, sealring_verdict_name(verdict), grant.version);
    if (verdict != SEALRING_ACCEPTED) {
        printf("%s\n", grant.reason);
        fflush(stdout);
        _exit(4);
    }
}

/* In the child: the parent's vault is usable, its manager is not; one of the child's own is. */
static int child(const char *first, const char *second)
{
    char third[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    sealring_vault_info info = {.size = sizeof info};
    expect_accepted(first, "child, first");
    expect_accepted(second, "child, second");
    if (sealring_vault_describe(manager, &info, &error) != SEALRING_INVALID)
        return 5;
    sealring_manager_close(&manager);
    open_manager();
    issue("child", third);
    expect_accepted(third, "child, third");
    sealring_manager_close(&manager);
    expect_accepted(third, "child, after its manager");
    sealring_close(&vault);
    return 0;
}

int main(int argc, char **argv)
{
    char first[SEALRING_CREDENTIAL_LENGTH_MAX + 1], second[SEALRING_CREDENTIAL_LENGTH_MAX + 1],
        third[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    int status = 0;
    if (argc != 2)
        return 2;
    path = argv[1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(sealring_environment(path, set, NULL, &error), "read the environment");
    must(sealring_open(path, NULL, &vault, &error), "open the vault");
    open_manager();
    issue("first", first);
    expect_accepted(first, "first");
    rotate();
    issue("second", second);
    expect_accepted(second, "second");
    pid_t worker = fork();
    if (worker == 0)
        _exit(child(first, second));
    rotate(); /* while the child is at work */
    issue("third", third);
    expect_accepted(third, "third");
    if (waitpid(worker, &status, 0) != worker || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 6;
    /* The manager's end leaves the verifier its module and its sessions: a cache miss still reaches the token. */
    open_manager();
    issue("unseen", third);
    sealring_manager_close(&manager);
    expect_accepted(third, "after the manager");
    expect_accepted(first, "first, still");
    sealring_close(&vault);
    return 0;
}
