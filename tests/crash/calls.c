/* SPDX-License-Identifier: Apache-2.0 */
/* Which system calls change files, for the kernel's filter, and what one of them changes. */
#include "crash/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#define CHANGES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

/* Places of a call's arguments. */
enum place_of { NONE, FIRST, SECOND, THIRD, FOURTH, FIFTH };

/* How a call's arguments are laid out: at which place each is. */
struct layout {
    long number;
    enum call_kind kind;
    enum place_of directory; /* a descriptor to which the path is relative; NONE: the working directory */
    enum place_of path;      /* NONE: it changes what a descriptor is open on */
    enum place_of other_directory;
    enum place_of other;
    enum place_of descriptor;
    enum place_of flags;
    enum place_of buffer, length, offset;
};

#define ON_FILE(call, does)                                       \
    {                                                             \
        .number = SYS_##call, .kind = (does), .descriptor = FIRST \
    }

static const struct layout layouts[] = {
    {.number = SYS_openat, .kind = CALL_CREATE, .directory = FIRST, .path = SECOND, .flags = THIRD},
    {.number = SYS_openat2, .kind = CALL_CREATE, .directory = FIRST, .path = SECOND},
    {.number = SYS_write, .kind = CALL_WRITE, .descriptor = FIRST, .buffer = SECOND, .length = THIRD},
    {.number = SYS_pwrite64,
     .kind = CALL_WRITE,
     .descriptor = FIRST,
     .buffer = SECOND,
     .length = THIRD,
     .offset = FOURTH},
    ON_FILE(writev, CALL_WRITE),
    ON_FILE(pwritev, CALL_WRITE),
    ON_FILE(pwritev2, CALL_WRITE),
    {.number = SYS_copy_file_range, .kind = CALL_WRITE, .descriptor = THIRD},
    ON_FILE(sendfile, CALL_WRITE),
    {.number = SYS_splice, .kind = CALL_WRITE, .descriptor = THIRD},
    {.number = SYS_ftruncate, .kind = CALL_TRUNCATE, .descriptor = FIRST, .length = SECOND},
    {.number = SYS_truncate, .kind = CALL_TRUNCATE, .path = FIRST, .length = SECOND},
    ON_FILE(fallocate, CALL_ALLOCATE),
    ON_FILE(fsync, CALL_SYNC),
    ON_FILE(fdatasync, CALL_SYNC),
    ON_FILE(fchmod, CALL_MODE),
    {.number = SYS_fchmodat, .kind = CALL_MODE, .directory = FIRST, .path = SECOND},
    {.number = SYS_mkdirat, .kind = CALL_MKDIR, .directory = FIRST, .path = SECOND},
    {.number = SYS_unlinkat, .kind = CALL_UNLINK, .directory = FIRST, .path = SECOND, .flags = THIRD},
    {.number = SYS_renameat2,
     .kind = CALL_RENAME,
     .directory = FIRST,
     .path = SECOND,
     .other_directory = THIRD,
     .other = FOURTH},
    {.number = SYS_linkat,
     .kind = CALL_LINK,
     .directory = FIRST,
     .path = SECOND,
     .other_directory = THIRD,
     .other = FOURTH},
    {.number = SYS_symlinkat, .kind = CALL_LINK, .path = FIRST, .other_directory = SECOND, .other = THIRD},
    {.number = SYS_mmap, .kind = CALL_MAP, .descriptor = FIFTH},
#ifdef SYS_renameat
    {.number = SYS_renameat,
     .kind = CALL_RENAME,
     .directory = FIRST,
     .path = SECOND,
     .other_directory = THIRD,
     .other = FOURTH},
#endif
#ifdef SYS_open
    {.number = SYS_open, .kind = CALL_CREATE, .path = FIRST, .flags = SECOND},
    {.number = SYS_creat, .kind = CALL_CREATE, .path = FIRST},
    {.number = SYS_chmod, .kind = CALL_MODE, .path = FIRST},
    {.number = SYS_mkdir, .kind = CALL_MKDIR, .path = FIRST},
    {.number = SYS_rmdir, .kind = CALL_RMDIR, .path = FIRST},
    {.number = SYS_unlink, .kind = CALL_UNLINK, .path = FIRST},
    {.number = SYS_rename, .kind = CALL_RENAME, .path = FIRST, .other = SECOND},
    {.number = SYS_link, .kind = CALL_LINK, .path = FIRST, .other = SECOND},
    {.number = SYS_symlink, .kind = CALL_LINK, .path = FIRST, .other = SECOND},
#endif
};
#define LAYOUTS (sizeof layouts / sizeof layouts[0])

/* ---- The filter ---- */

struct program {
    struct sock_filter code[8 * LAYOUTS + 32];
    unsigned short length;
};

static void add(struct program *program, unsigned code, unsigned value, unsigned if_true, unsigned if_false)
{
    program->code[program->length++] = (struct sock_filter){(uint16_t)code, (uint8_t)if_true, (uint8_t)if_false, value};
}

static unsigned argument_at(enum place_of place)
{
    return (unsigned)(offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (place - FIRST)); /* little-endian */
}

/* Stops at the call if the argument has one of these bits; without bits always. */
static void watch(struct program *program, long number, enum place_of place, unsigned bits, unsigned answer)
{
    add(program, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, bits != 0 ? 4 : 1);
    if (bits != 0) {
        add(program, BPF_LD | BPF_W | BPF_ABS, argument_at(place), 0, 0);
        add(program, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
    }
    add(program, BPF_RET | BPF_K, answer, 0, 0);
    if (bits != 0)
        add(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

bool calls_filter(void)
{
#ifndef ARCHITECTURE
    return false;
#else
    static struct program program;
    add(&program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    add(&program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    add(&program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    for (size_t i = 0; i < LAYOUTS; i++) {
        bool opens = layouts[i].kind == CALL_CREATE && layouts[i].flags != NONE;
        if (layouts[i].kind == CALL_MAP)
            watch(&program, layouts[i].number, FOURTH, MAP_SHARED, SECCOMP_RET_TRACE);
        else
            watch(&program, layouts[i].number, layouts[i].flags, opens ? CHANGES : 0, SECCOMP_RET_TRACE);
    }
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3);
    add(&program, BPF_LD | BPF_W | BPF_ABS, argument_at(FIRST), 0, 0);
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, PR_SET_DUMPABLE, 0, 1);
    add(&program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO, 0, 0);
    add(&program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    struct sock_fprog filter = {program.length, program.code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
#endif
}

/* ---- What a call changes ---- */

static bool read_memory(pid_t thread, uint64_t address, void *to, size_t length)
{
    struct iovec here = {to, length}, there = {(void *)(uintptr_t)address, length};
    return process_vm_readv(thread, &here, 1, &there, 1, 0) == (ssize_t)length;
}

/* Byte by byte past the first page, as the next one need not be there. */
static bool read_text(pid_t thread, uint64_t address, char text[CALL_PATH_SIZE])
{
    size_t page = 4096 - (size_t)(address % 4096);
    size_t first = page < CALL_PATH_SIZE ? page : CALL_PATH_SIZE;
    if (!read_memory(thread, address, text, first))
        return false;
    if (memchr(text, '\0', first) != NULL)
        return true;
    return first < CALL_PATH_SIZE && read_memory(thread, address + first, text + first, CALL_PATH_SIZE - first) &&
           memchr(text, '\0', CALL_PATH_SIZE) != NULL;
}

static bool read_link(char *path, char target[CALL_PATH_SIZE])
{
    ssize_t length = readlink(path, target, CALL_PATH_SIZE - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return true;
}

static bool path_of_descriptor(pid_t thread, int descriptor, char path[CALL_PATH_SIZE])
{
    char link[64];
    if (descriptor == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%d/cwd", (int)thread);
    else
        snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)thread, descriptor);
    return read_link(link, path);
}

/* Absolute; links in it are not followed, but for those of its directory that the process has followed itself. */
static bool path_of(pid_t thread, int descriptor, uint64_t address, char path[CALL_PATH_SIZE])
{
    char text[CALL_PATH_SIZE], directory[CALL_PATH_SIZE];
    if (!read_text(thread, address, text))
        return false;
    if (text[0] == '/') {
        strcpy(path, text);
        return true;
    }
    return path_of_descriptor(thread, descriptor, directory) &&
           snprintf(path, CALL_PATH_SIZE, "%s/%s", directory, text) < CALL_PATH_SIZE;
}

static bool is_below(const char *path, const char *root)
{
    size_t length = strlen(root);
    return strncmp(path, root, length) == 0 && path[length] == '/';
}

/* An open changes something only if it creates the file or takes its content away. */
static bool read_open(const struct layout *layout, const uint64_t arguments[6], struct call *call)
{
    struct open_how how = {0};
    struct stat facts;
    int flags = O_WRONLY | O_CREAT | O_TRUNC;
    if (layout->flags != NONE)
        flags = (int)arguments[layout->flags - FIRST];
    else if (layout->number == SYS_openat2)
        flags = read_memory(call->thread, arguments[2], &how, sizeof how.flags) ? (int)how.flags : 0;
    if (stat(call->path, &facts) != 0) {
        call->kind = CALL_CREATE;
        return (flags & O_CREAT) != 0;
    }
    call->kind = CALL_OPEN_TRUNCATE;
    return (flags & O_TRUNC) != 0 && (flags & O_EXCL) == 0 && facts.st_size > 0;
}

static int64_t position_of(const struct call *call)
{
    char path[64], line[64];
    long long position = -1;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)call->thread, call->descriptor);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    if (fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "pos: %lld", &position);
    fclose(file);
    return position;
}

static void read_write(const struct layout *layout, const uint64_t arguments[6], struct call *call)
{
    call->length = layout->length != NONE ? arguments[layout->length - FIRST] : 0;
    call->buffer = layout->buffer != NONE ? arguments[layout->buffer - FIRST] : 0;
    call->offset = layout->offset != NONE ? (int64_t)arguments[layout->offset - FIRST] : position_of(call);
}

static bool read_rest(const struct layout *layout, const uint64_t arguments[6], struct call *call)
{
    struct stat facts;
    switch (call->kind) {
    case CALL_CREATE:
    case CALL_OPEN_TRUNCATE:
        return read_open(layout, arguments, call);
    case CALL_WRITE:
        read_write(layout, arguments, call);
        return layout->length == NONE || call->length > 0;
    case CALL_TRUNCATE:
        call->length = arguments[layout->length - FIRST];
        return stat(call->path, &facts) != 0 || (uint64_t)facts.st_size != call->length;
    case CALL_UNLINK:
        if (layout->flags != NONE && (arguments[layout->flags - FIRST] & AT_REMOVEDIR) != 0)
            call->kind = CALL_RMDIR;
        return lstat(call->path, &facts) == 0;
    case CALL_MKDIR:
        return lstat(call->path, &facts) != 0;
    case CALL_RENAME:
    case CALL_LINK:
        return layout->path == NONE || lstat(call->path, &facts) == 0;
    case CALL_MAP:
        return (arguments[2] & PROT_WRITE) != 0;
    default:
        return true;
    }
}

bool calls_read(pid_t thread, const char *root, struct call *call)
{
    struct __ptrace_syscall_info info = {0};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof info, &info) <= 0)
        return false;
    memset(call, 0, sizeof *call);
    call->thread = thread;
    call->descriptor = -1;
    for (size_t i = 0; i < LAYOUTS; i++) {
        const struct layout *layout = &layouts[i];
        uint64_t arguments[6];
        if ((uint64_t)layout->number != info.seccomp.nr)
            continue;
        memcpy(arguments, info.seccomp.args, sizeof arguments);
        call->kind = layout->kind;
        int directory = layout->directory != NONE ? (int)arguments[layout->directory - FIRST] : AT_FDCWD;
        int other_directory =
            layout->other_directory != NONE ? (int)arguments[layout->other_directory - FIRST] : AT_FDCWD;
        if (layout->descriptor != NONE)
            call->descriptor = (int)arguments[layout->descriptor - FIRST];
        bool known = layout->path != NONE ? path_of(thread, directory, arguments[layout->path - FIRST], call->path)
                                          : path_of_descriptor(thread, call->descriptor, call->path);
        if (known && layout->other != NONE)
            known = path_of(thread, other_directory, arguments[layout->other - FIRST], call->other);
        return known &&
               ((call->kind == CALL_SYNC && strcmp(call->path, root) == 0) || is_below(call->path, root) ||
                is_below(call->other, root)) &&
               read_rest(layout, arguments, call);
    }
    return false;
}
