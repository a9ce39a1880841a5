/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command under ptrace and stops it, with all its threads and children, at each system call that changes a file below a directory. */
#ifndef TESTS_CRASH_TRACER_H
#define TESTS_CRASH_TRACER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CALL_PATH_SIZE 512

enum call_kind {
    CALL_CREATE, /* an open that creates the file */
    CALL_OPEN_TRUNCATE,
    CALL_WRITE,
    CALL_TRUNCATE,
    CALL_ALLOCATE,
    CALL_RENAME,
    CALL_LINK,
    CALL_UNLINK,
    CALL_MKDIR,
    CALL_RMDIR,
    CALL_MODE,
    CALL_SYNC, /* changes no byte, but what a power loss takes */
    CALL_MAP,  /* a shared mapping for writing, whose changes are not seen */
    CALL_KINDS
};

extern const char *const call_names[CALL_KINDS];

/* One call, before or after it is carried out. */
struct call {
    enum call_kind kind;
    pid_t thread;
    char path[CALL_PATH_SIZE];  /* absolute: what it changes */
    char other[CALL_PATH_SIZE]; /* CALL_RENAME, CALL_LINK: the new name; else "" */
    int descriptor;             /* of the thread; -1: the call has none */
    int64_t offset;             /* CALL_WRITE: where; -1: where the descriptor is */
    uint64_t length;            /* CALL_WRITE: of what is written, if it is in one piece */
    uint64_t buffer;            /* CALL_WRITE: where it is in the process; 0: not in one piece */
};

enum tracer_answer {
    TRACER_GO,
    TRACER_GO_AND_TELL, /* `after` is called when the call has ended */
    TRACER_KILL,        /* all processes, before the call is carried out */
    TRACER_KILL_AFTER,  /* when it has been carried out, and `after` was called */
    TRACER_TEAR,        /* CALL_WRITE: half of the bytes are written, then all processes are killed */
};

struct tracer {
    const char *root; /* only calls that change something below it are of interest */
    enum tracer_answer (*before)(const struct call *call, void *context);
    void (*after)(const struct call *call, bool failed, void *context); /* may be NULL */
    void *context;
    int seconds; /* after which it is killed as one that hangs */
};

struct tracer_end {
    int status;  /* of the command, as from waitpid */
    bool killed; /* by an answer */
    bool timed_out;
    char failure[256]; /* why it could not be traced; "" */
};

/* The calling process must have no other children, and has none afterwards. input, output: descriptors for the command's standard input, and for
 * its standard output and error. */
void tracer_run(const struct tracer *tracer, char *const arguments[], int input, int output, struct tracer_end *end);

#endif
