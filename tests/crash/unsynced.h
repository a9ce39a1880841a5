/* SPDX-License-Identifier: Apache-2.0 */
/* What a power loss takes: every change of a directory that has not been written to disk by fsync or fdatasync, seen by its system calls. */
#ifndef TESTS_CRASH_UNSYNCED_H
#define TESTS_CRASH_UNSYNCED_H

#include "crash/tracer.h"

#define UNSYNCED_MAX 1024

/* Which of the changes that are not on disk are lost: file systems write them in any order. */
enum loss {
    LOSS_OF_ALL,     /* contents are as at their file's last fsync, entries as at their directory's */
    LOSS_OF_CONTENT, /* entries are there, also new ones; files that are new or were truncated are empty */
};

/* One change, with what undoes it. */
struct unsynced_change {
    enum call_kind kind; /* CALL_WRITE stands for any change of content */
    uint64_t inode;      /* of the file whose content it is; else 0 */
    char path[CALL_PATH_SIZE];
    char other[CALL_PATH_SIZE];
    bool existed; /* there was a file, of which the content follows */
    bool shrunk;  /* it was new or was truncated */
    mode_t mode;
    uint8_t *content;
    size_t length;
    pid_t thread; /* that is carrying it out; 0: it has been */
};

struct unsynced {
    struct unsynced_change changes[UNSYNCED_MAX];
    unsigned count;
    bool overflowed;
};

/* Nothing is unsynced. */
void unsynced_clear(struct unsynced *unsynced);

/* Around each call: TRACER_GO_AND_TELL. */
void unsynced_before(struct unsynced *unsynced, const struct call *call);
void unsynced_after(struct unsynced *unsynced, const struct call *call, bool failed);

/* Takes it from the files. Returns how many changes were lost; -1 if it cannot be done. */
int unsynced_lose(struct unsynced *unsynced, enum loss loss);

#endif
