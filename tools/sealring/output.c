/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output, checked to its last byte. */
#include "tools/sealring/output.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tools/sealring/command.h"

/* Credentials pass through it, so it must be ours to wipe. */
static char stdout_buffer[1 << 16];

int output_start(void)
{
    bool closed = fcntl(STDOUT_FILENO, F_GETFD) < 0;
    /* Otherwise the registry's file could become descriptor 1 or 2 and be written to by printf. */
    for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) != descriptor)
            return STATUS_REFUSED;
    setlocale(LC_CTYPE, "");
    /* A reader that went away and a limit for files are errors to report, not reasons to end in the middle. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setvbuf(stdout, stdout_buffer, _IOFBF, sizeof stdout_buffer);
    if (closed) {
        fputs("sealring: standard output is closed: nothing was done\n", stderr);
        return STATUS_REFUSED;
    }
    return STATUS_DONE;
}

int output_finish(int exit_status)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    failed = fflush(stdout) != 0 || failed;
    int problem = errno;
    explicit_bzero(stdout_buffer, sizeof stdout_buffer);
    /* close can report what a network file system could not write. */
    if (close(STDOUT_FILENO) != 0 && !failed) {
        failed = true;
        problem = errno;
    }
    if (!failed)
        return exit_status;
    fprintf(stderr, "sealring: standard output could not be written%s%s; what the command did before remains done\n",
            problem != 0 ? ": " : "", problem != 0 ? strerror(problem) : "");
    return exit_status == STATUS_DONE ? STATUS_REFUSED : exit_status;
}
