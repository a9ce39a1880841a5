/* SPDX-License-Identifier: Apache-2.0 */
/* What the product asks of the C library, stood before by the linker (--wrap): changes of files are touches, and memory can run out. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "crash/wraps.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FRAMES_MAX 128
#define AROUND     32 /* a run may have a few allocations more or less than another one */

static struct touches *counted;
static struct stacks *stacks;
static uint64_t wanted;
static uint64_t *failed_stack;
static int depth; /* of the stack in wraps_stacks */
static const char *module;

void wraps_count(struct touches *touches)
{
    counted = touches;
}

void wraps_module(const char *instead)
{
    module = instead;
}

/* ---- Files: each wrapper has the linker's names, __real_ and __wrap_ ---- */

static void touch_file(const char *name)
{
    (void)touch(counted, TOUCH_FILE, name);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    struct stat facts;
    if ((flags & O_CREAT) != 0 && counted != NULL && stat(path, &facts) != 0)
        touch_file("open");
    return __real_open(path, flags, mode);
}

#define WRAP(type, name, parameters, ...)  \
    type __real_##name parameters;         \
    type __wrap_##name parameters;         \
    type __wrap_##name parameters          \
    {                                      \
        touch_file(#name);                 \
        return __real_##name(__VA_ARGS__); \
    }

WRAP(ssize_t, write, (int descriptor, const void *bytes, size_t length), descriptor, bytes, length)
WRAP(ssize_t, pwrite, (int descriptor, const void *bytes, size_t length, off_t offset), descriptor, bytes, length,
     offset)
WRAP(int, ftruncate, (int descriptor, off_t size), descriptor, size)
WRAP(int, fflush, (FILE * file), file)
WRAP(int, mkdir, (const char *path, mode_t mode), path, mode)
WRAP(int, rmdir, (const char *path), path)
WRAP(int, link, (const char *from, const char *to), from, to)
WRAP(int, unlink, (const char *path), path)
WRAP(int, unlinkat, (int directory, const char *path, int flags), directory, path, flags)
WRAP(int, remove, (const char *path), path)

/* ---- Memory ---- */

void wraps_stacks(struct stacks *noted, uint64_t stack, uint64_t *failed)
{
    void *frames[FRAMES_MAX];
    depth = backtrace(frames, FRAMES_MAX);
    stacks = noted;
    wanted = stack;
    failed_stack = failed;
}

/* FNV-1a, without the two frames nearest, which the compiler may have copied. */
static __attribute__((noinline)) uint64_t stack_hash(void)
{
    void *frames[FRAMES_MAX];
    uint64_t hash = 0xcbf29ce484222325;
    int count = backtrace(frames, FRAMES_MAX);
    for (int i = 2; i < count && i <= count - depth + 1; i++) {
        hash ^= (uint64_t)(uintptr_t)frames[i];
        hash *= 0x100000001b3;
    }
    return hash;
}

/* Whether it may be the first one that is to fail. */
static bool is_near(uint64_t number)
{
    uint64_t meant = atomic_load(&counted->fail_at);
    return number == meant || (wanted != 0 && number + AROUND >= meant);
}

/* True: this one fails. */
static __attribute__((noinline)) bool runs_out(void)
{
    if (counted == NULL || atomic_load(&counted->on) == 0)
        return false;
    uint64_t number = atomic_fetch_add(&counted->allocations, 1) + 1;
    bool may_fail = atomic_load(&counted->allocations_fail) != 0;
    bool failed = atomic_load(&counted->failed) > 0;
    bool near = may_fail && !failed && is_near(number);
    uint64_t hash = stacks != NULL || near ? stack_hash() : 0;
    if (stacks != NULL && number <= STACKS_MAX) {
        stacks->hashes[number - 1] = hash;
        stacks->count = number;
    }
    bool first = near && (wanted == 0 || hash == wanted);
    bool more = may_fail && failed && atomic_load(&counted->fail_on) != 0;
    if (first && failed_stack != NULL)
        *failed_stack = hash;
    if (!first && !more)
        return false;
    atomic_fetch_add(&counted->failed, 1);
    errno = ENOMEM;
    return true;
}

#define WRAP_MEMORY(name, parameters, ...)                     \
    void *__real_##name parameters;                            \
    void *__wrap_##name parameters;                            \
    void *__wrap_##name parameters                             \
    {                                                          \
        return runs_out() ? NULL : __real_##name(__VA_ARGS__); \
    }

WRAP_MEMORY(malloc, (size_t size), size)
WRAP_MEMORY(calloc, (size_t number, size_t size), number, size)
WRAP_MEMORY(realloc, (void *memory, size_t size), memory, size)

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    return runs_out() ? NULL : __real_strdup(text);
}

static void *memory_take(int size)
{
    return runs_out() ? NULL : __real_malloc((size_t)size);
}

static void *memory_resize(void *memory, int size)
{
    return runs_out() ? NULL : __real_realloc(memory, (size_t)size);
}

static int memory_size(void *memory)
{
    return (int)malloc_usable_size(memory);
}

static int memory_round(int size)
{
    return (size + 7) / 8 * 8;
}

static int memory_start(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void memory_end(void *context)
{
    (void)context;
}

void wraps_memory(void)
{
    static const sqlite3_mem_methods methods = {memory_take,  free,         memory_resize, memory_size,
                                                memory_round, memory_start, memory_end,    NULL};
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a lock and a sum for each allocation, which nobody reads */
    json_set_alloc_funcs(__wrap_malloc, free);
}

/* ---- The module of a vault of one's own: libp11 opens it, too, so this one stands before everybody's ---- */

#pragma GCC visibility push(default)
void *dlopen(const char *path, int flags)
{
    static void *(*real)(const char *, int);
    if (real == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "dlopen");
        memcpy(&real, &symbol, sizeof real);
    }
    return real(path != NULL && module != NULL && strcmp(path, SOFTHSM2_MODULE) == 0 ? module : path, flags);
}
#pragma GCC visibility pop
