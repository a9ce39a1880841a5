/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that crash. A PKCS#11 module is other people's code in our process: no line of ours can survive its SIGSEGV. */
#include "tools/sealring/crash.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sealring/outside.h>

#define CHILD_LIVES 42 /* unlike what a module that calls exit would leave */

static const struct {
    int number;
    const char *name;
} crashes[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}, {SIGABRT, "SIGABRT"},
};

#define CRASHES (sizeof crashes / sizeof *crashes)

/* A signal handler can reach nothing but globals, and write nothing but what was laid ready. */
static struct {
    char lines[CRASHES][512];
    size_t lengths[CRASHES];
    volatile sig_atomic_t told;
    _Alignas(16) char stack[16384];
} crash;

static void tell(int number)
{
    for (size_t i = 0; i < CRASHES; i++)
        if (crashes[i].number == number && !crash.told) {
            crash.told = 1;
            if (write(STDERR_FILENO, crash.lines[i], crash.lengths[i]) < 0)
                return;
        }
    /* SA_RESETHAND: the signal now takes its course. At a fault or in abort(3) it would come again by itself; one that somebody sent would
     * have no further effect, and the process would continue after it reported the crash. */
    raise(number);
}

void crash_watch(const char *vault)
{
    stack_t before = {.ss_flags = 0};
    stack_t stack = {.ss_sp = crash.stack, .ss_size = sizeof crash.stack};
    /* Whoever watches already (a sanitizer) has more to say. */
    if (sigaltstack(NULL, &before) == 0 && (before.ss_flags & SS_DISABLE) != 0)
        sigaltstack(&stack, NULL);
    for (size_t i = 0; i < CRASHES; i++) {
        struct sigaction former;
        struct sigaction action = {.sa_handler = tell, .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK)};
        sigemptyset(&action.sa_mask);
        char path[256];
        sealring_text_escape(vault, strlen(vault), SEALRING_ESCAPE_ASCII, path, sizeof path);
        int length =
            snprintf(crash.lines[i], sizeof crash.lines[i] - 1,
                     "sealring: crashed by %s, in its PKCS#11 module or by a mistake of its own, at work on the "
                     "vault %s: committed changes remain",
                     crashes[i].name, path);
        crash.lines[i][length] = '\n';
        crash.lengths[i] = (size_t)length + 1;
        if (sigaction(crashes[i].number, NULL, &former) == 0 && former.sa_handler == SIG_DFL)
            sigaction(crashes[i].number, &action, NULL);
    }
}

int crash_try_module(struct session *session, const char *path)
{
    int how = 0;
    char *whole =
        realpath(path, NULL); /* as the library takes it: a bare name is not searched in the system's folders */
    if (whole == NULL)
        return STATUS_DONE;
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < CRASHES; i++)
            signal(crashes[i].number, SIG_DFL);
        dlopen(whole, RTLD_NOW | RTLD_LOCAL);
        _exit(CHILD_LIVES);
    }
    free(whole);
    if (child < 0 || TEMP_FAILURE_RETRY(waitpid(child, &how, 0)) < 0)
        return session_refuse(session, STATUS_REFUSED, "the PKCS#11 module %s cannot be tried in a child process: %s",
                              path, strerror(errno));
    if (WIFSIGNALED(how))
        return session_refuse(session, STATUS_TOKEN,
                              "the PKCS#11 module %s crashes while it is loaded (%s): nothing was made; is it for this "
                              "system, does it need another --module-environment?",
                              path, strsignal(WTERMSIG(how)));
    if (!WIFEXITED(how) || WEXITSTATUS(how) != CHILD_LIVES)
        return session_refuse(session, STATUS_TOKEN,
                              "the PKCS#11 module %s ends the process that loads it: nothing was made; does it need "
                              "another --module-environment?",
                              path);
    return STATUS_DONE;
}
