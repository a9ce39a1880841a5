/* SPDX-License-Identifier: Apache-2.0 */
/* Maps a report file in pieces over reserved address space, and allocates its blocks first. */
#include "verifier/report/report_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* If a limit (RLIMIT_AS, or RLIMIT_MEMLOCK with mlockall) forbids the whole size, a smaller file is used: at least this. */
#define RESERVED_MIN ((size_t)4 << 20)

static size_t whole_pages(const struct report_map *map, size_t size)
{
    return (size + map->page - 1) / map->page * map->page;
}

int report_map_reserve(struct report_map *map)
{
    *map = (struct report_map){.page = (size_t)sysconf(_SC_PAGESIZE)};
    for (size_t size = whole_pages(map, REPORT_SIZE_MAX); size >= RESERVED_MIN; size = whole_pages(map, size / 2)) {
        void *base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED)
            continue;
        if (madvise(base, size, MADV_DONTFORK) != 0) {
            int problem = errno;
            munmap(base, size);
            return problem;
        }
        map->base = base;
        map->reserved = size;
        return 0;
    }
    return ENOMEM;
}

/* Maps reserved, inaccessible pages where the file was or was to be. */
static int reserve_again(struct report_map *map, size_t from, size_t to)
{
    if (from == to)
        return 0;
    void *piece =
        mmap(map->base + from, to - from, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (piece == MAP_FAILED || madvise(piece, to - from, MADV_DONTFORK) != 0)
        return errno;
    return 0;
}

/* The kernel would send SIGXFSZ (setrlimit(2)), which ends the process unless it is handled. */
static bool beyond_limit(size_t size)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur;
}

/* Allocates the blocks here, so that a full disk is an error and not a SIGBUS when a page is written. */
static int allocate(int descriptor, size_t from, size_t to)
{
    struct stat before;
    if (fstat(descriptor, &before) != 0)
        return errno;
    if (beyond_limit(to))
        return EFBIG;
    int problem;
    do
        problem = posix_fallocate(descriptor, (off_t)from, (off_t)(to - from));
    while (problem == EINTR);
    if (problem == 0)
        return 0;
    /* Releases what was allocated before the disk was full. */
    return ftruncate(descriptor, before.st_size) == 0 ? problem : errno;
}

int report_map_extend(struct report_map *map, int descriptor, size_t size)
{
    size_t from = map->mapped;
    size_t to = whole_pages(map, size);
    if (to <= from)
        return 0;
    if (to > map->reserved)
        return EFBIG;
    int problem = allocate(descriptor, from, to);
    if (problem != 0)
        return problem;
    void *piece =
        mmap(map->base + from, to - from, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor, (off_t)from);
    if (piece == MAP_FAILED)
        return errno;
    if (madvise(piece, to - from, MADV_DONTFORK) != 0) {
        problem = errno;
        (void)reserve_again(map, from, to);
        return problem;
    }
    map->mapped = to;
    return 0;
}

void report_map_forget(struct report_map *map)
{
    if (reserve_again(map, 0, map->mapped) != 0)
        report_map_free(map);
    map->mapped = 0;
}

void report_map_free(struct report_map *map)
{
    if (map->base != NULL)
        munmap(map->base, map->reserved);
    *map = (struct report_map){.page = map->page};
}
