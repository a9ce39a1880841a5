/* SPDX-License-Identifier: Apache-2.0 */
/* Another process that has the registry open, so that SQLite's files beside it, and the space that they take, stay when nobody else has. */
#include "crash/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 256 /* a request: a path, or "" to close */

/* A connection maps the shared memory with its first read and holds a lock on it until it is closed. */
static bool open_and_read(const char *path, sqlite3 **database)
{
    return sqlite3_open_v2(path, database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
           sqlite3_exec(*database, "SELECT epoch FROM vault", NULL, NULL, NULL) == SQLITE_OK;
}

static _Noreturn void serve(int requests, int answers)
{
    char path[PATH_SIZE];
    sqlite3 *database = NULL;
    while (read(requests, path, sizeof path) == (ssize_t)sizeof path) {
        bool done = sqlite3_close(database) == SQLITE_OK;
        database = NULL;
        if (path[0] != '\0')
            done = open_and_read(path, &database) && done;
        if (write(answers, done ? "y" : "n", 1) != 1)
            break;
    }
    _exit(0);
}

static bool ask(const struct holder *holder, const char *path)
{
    char request[PATH_SIZE] = "", answer = 'n';
    strncpy(request, path, sizeof request - 1);
    return write(holder->requests, request, sizeof request) == (ssize_t)sizeof request &&
           read(holder->answers, &answer, 1) == 1 && answer == 'y';
}

static void close_both(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

bool holder_start(struct holder *holder)
{
    int requests[2], answers[2], status = -1;
    if (pipe2(requests, O_CLOEXEC) != 0)
        return false;
    if (pipe2(answers, O_CLOEXEC) != 0) {
        close_both(requests);
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild != 0)
            _exit(grandchild > 0 ? 0 : 1);
        close(requests[1]);
        close(answers[0]);
        serve(requests[0], answers[1]);
    }
    if (child > 0)
        (void)waitpid(child, &status, 0);
    *holder = (struct holder){.requests = requests[1], .answers = answers[0]};
    close(requests[0]);
    close(answers[1]);
    return status == 0;
}

bool holder_open(const struct holder *holder, const char *registry)
{
    return ask(holder, registry);
}

bool holder_close(const struct holder *holder)
{
    return ask(holder, "");
}
