/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS for SQLite that counts what changes the registry's files, lets it fail, and remembers what a power loss would take back. */
#include "crash/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 256
#define KINDS     (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)

static struct touches *counted;
static struct power *power;
static sqlite3_vfs *below; /* SQLite's own */

struct crash_file {
    sqlite3_file base;
    bool counts; /* it is one of the registry's, and no temporary one */
    char path[PATH_SIZE];
    sqlite3_file *real; /* behind this structure */
};

/* One thing that was done to a file and is not safe yet. */
struct unsafe {
    char path[PATH_SIZE];
    int64_t offset; /* of what was overwritten */
    int64_t size;   /* of the file before */
    size_t length;  /* of what was overwritten, which follows */
    bool exists;    /* before */
    size_t whole;   /* of this record */
};

static struct crash_file *file_of(sqlite3_file *file)
{
    return (struct crash_file *)file;
}

/* ---- Counting and failing ---- */

/* SQLITE_OK, or what the touch has to fail with. */
static int meet(const struct crash_file *file, const char *name, int io_code)
{
    if (!file->counts)
        return SQLITE_OK;
    uint64_t number = touch(counted, TOUCH_REGISTRY, name);
    if (number == 0 || atomic_load(&counted->allocations_fail) != 0 || atomic_load(&counted->statements_fail) != 0)
        return SQLITE_OK;
    uint64_t from = atomic_load(&counted->fail_at);
    if (from == 0 || number < from || (number > from && atomic_load(&counted->fail_on) == 0))
        return SQLITE_OK;
    atomic_fetch_add(&counted->failed, 1);
    int code = atomic_load(&counted->fail_code);
    return code == SQLITE_IOERR ? io_code : code;
}

static const char *suffix(const struct crash_file *file)
{
    const char *dash = strrchr(file->path, '-');
    return dash != NULL && strchr(dash, '/') == NULL ? dash : "";
}

static void name_touch(const struct crash_file *file, const char *what, char name[TOUCH_NAME_SIZE])
{
    snprintf(name, TOUCH_NAME_SIZE, "%s%s", what, suffix(file));
}

/* ---- Power ---- */

/* Remembers the first `size` bytes of the file as they are from `offset` on. */
static void remember(struct crash_file *file, int64_t offset, size_t length)
{
    if (power == NULL || !power->remembers || !file->counts || counted == NULL || atomic_load(&counted->on) == 0)
        return;
    size_t whole = (sizeof(struct unsafe) + length + 15) / 16 * 16;
    if (power->used + whole > POWER_ROOM) {
        power->overflowed = true;
        return;
    }
    struct unsafe *record = (struct unsafe *)(void *)(power->room + power->used);
    memset(record, 0, sizeof *record);
    memcpy(record->path, file->path, sizeof record->path);
    record->offset = offset;
    record->whole = whole;
    record->exists = true;
    sqlite3_int64 size = 0;
    if (file->real->pMethods->xFileSize(file->real, &size) != SQLITE_OK)
        size = 0;
    record->size = size;
    record->length = offset >= size ? 0 : offset + (int64_t)length > size ? (size_t)(size - offset) : length;
    if (record->length > 0)
        file->real->pMethods->xRead(file->real, record + 1, (int)record->length, offset);
    power->used += whole;
}

/* The file's writes are safe from now on: drops them, keeping the others in order. */
static void make_safe(const struct crash_file *file)
{
    size_t to = 0;
    if (power == NULL || !power->remembers || power->lies || !file->counts)
        return;
    for (size_t from = 0; from < power->used;) {
        struct unsafe *record = (struct unsafe *)(void *)(power->room + from);
        size_t whole = record->whole;
        if (strcmp(record->path, file->path) != 0) {
            memmove(power->room + to, record, whole);
            to += whole;
        }
        from += whole;
    }
    power->used = to;
    power->safe++;
}

/* A file that has been removed since has nothing to be taken back. */
static bool take_back(const struct unsafe *record)
{
    int descriptor = open(record->path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == ENOENT;
    bool done = pwrite(descriptor, record + 1, record->length, record->offset) == (ssize_t)record->length &&
                ftruncate(descriptor, record->size) == 0;
    close(descriptor);
    return done;
}

int power_fail(struct power *failed)
{
    const struct unsafe *records[65536];
    int count = 0;
    for (size_t from = 0; from < failed->used && count < 65536; count++) {
        records[count] = (const struct unsafe *)(const void *)(failed->room + from);
        from += records[count]->whole;
    }
    if (failed->overflowed || count == 65536)
        return -1;
    for (int i = count - 1; i >= 0; i--)
        if (!take_back(records[i]))
            return -1;
    return count;
}

/* ---- Methods: what changes something is counted, the rest handed on ---- */

static int crash_close(sqlite3_file *file)
{
    struct crash_file *own = file_of(file);
    return own->real->pMethods->xClose(own->real);
}

static int crash_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
    return file_of(file)->real->pMethods->xRead(file_of(file)->real, bytes, length, offset);
}

static int crash_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    struct crash_file *own = file_of(file);
    char name[TOUCH_NAME_SIZE];
    name_touch(own, "xWrite", name);
    int failure = meet(own, name, SQLITE_IOERR_WRITE);
    remember(own, offset, (size_t)length);
    if (failure == SQLITE_FULL) /* half of it gets there */
        (void)own->real->pMethods->xWrite(own->real, bytes, length / 2, offset);
    if (failure != SQLITE_OK)
        return failure;
    return own->real->pMethods->xWrite(own->real, bytes, length, offset);
}

static int crash_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct crash_file *own = file_of(file);
    char name[TOUCH_NAME_SIZE];
    sqlite3_int64 before = 0;
    name_touch(own, "xTruncate", name);
    int failure = meet(own, name, SQLITE_IOERR_TRUNCATE);
    if (failure != SQLITE_OK)
        return failure;
    (void)own->real->pMethods->xFileSize(own->real, &before);
    if (before > size)
        remember(own, size, (size_t)(before - size));
    return own->real->pMethods->xTruncate(own->real, size);
}

/* Nothing is really synchronised: a kill leaves what the kernel has, and what a power loss takes is known here. */
static int crash_sync(sqlite3_file *file, int flags)
{
    struct crash_file *own = file_of(file);
    char name[TOUCH_NAME_SIZE];
    (void)flags;
    name_touch(own, "xSync", name);
    int failure = meet(own, name, SQLITE_IOERR_FSYNC);
    if (failure == SQLITE_OK)
        make_safe(own);
    return failure;
}

static int crash_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return file_of(file)->real->pMethods->xFileSize(file_of(file)->real, size);
}

static int crash_lock(sqlite3_file *file, int level)
{
    return file_of(file)->real->pMethods->xLock(file_of(file)->real, level);
}

static int crash_unlock(sqlite3_file *file, int level)
{
    return file_of(file)->real->pMethods->xUnlock(file_of(file)->real, level);
}

static int crash_check_lock(sqlite3_file *file, int *held)
{
    return file_of(file)->real->pMethods->xCheckReservedLock(file_of(file)->real, held);
}

static int crash_control(sqlite3_file *file, int operation, void *argument)
{
    return file_of(file)->real->pMethods->xFileControl(file_of(file)->real, operation, argument);
}

static int crash_sector_size(sqlite3_file *file)
{
    return file_of(file)->real->pMethods->xSectorSize(file_of(file)->real);
}

static int crash_characteristics(sqlite3_file *file)
{
    return file_of(file)->real->pMethods->xDeviceCharacteristics(file_of(file)->real);
}

static int crash_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **mapped)
{
    return file_of(file)->real->pMethods->xShmMap(file_of(file)->real, page, size, extend, mapped);
}

static int crash_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return file_of(file)->real->pMethods->xShmLock(file_of(file)->real, offset, count, flags);
}

static void crash_shm_barrier(sqlite3_file *file)
{
    file_of(file)->real->pMethods->xShmBarrier(file_of(file)->real);
}

static int crash_shm_unmap(sqlite3_file *file, int delete)
{
    return file_of(file)->real->pMethods->xShmUnmap(file_of(file)->real, delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* with shared memory, without mapped files */
    .xClose = crash_close,
    .xRead = crash_read,
    .xWrite = crash_write,
    .xTruncate = crash_truncate,
    .xSync = crash_sync,
    .xFileSize = crash_file_size,
    .xLock = crash_lock,
    .xUnlock = crash_unlock,
    .xCheckReservedLock = crash_check_lock,
    .xFileControl = crash_control,
    .xSectorSize = crash_sector_size,
    .xDeviceCharacteristics = crash_characteristics,
    .xShmMap = crash_shm_map,
    .xShmLock = crash_shm_lock,
    .xShmBarrier = crash_shm_barrier,
    .xShmUnmap = crash_shm_unmap,
};

static int crash_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags, int *given)
{
    struct crash_file *own = file_of(file);
    (void)vfs;
    memset(own, 0, sizeof *own);
    own->real = (sqlite3_file *)(void *)(own + 1);
    own->counts = path != NULL && (flags & KINDS) != 0;
    snprintf(own->path, sizeof own->path, "%s", path != NULL ? path : "");
    if ((flags & SQLITE_OPEN_CREATE) != 0 && own->counts && access(own->path, F_OK) != 0) {
        char name[TOUCH_NAME_SIZE];
        name_touch(own, "xOpen", name);
        int failure = meet(own, name, SQLITE_CANTOPEN);
        if (failure != SQLITE_OK)
            return failure;
    }
    int code = below->xOpen(below, path, own->real, flags, given);
    own->base.pMethods = own->real->pMethods != NULL ? &methods : NULL;
    return code;
}

static int crash_delete(sqlite3_vfs *vfs, const char *path, int durable)
{
    (void)vfs;
    if (access(path, F_OK) == 0)
        (void)touch(counted, TOUCH_REGISTRY, "xDelete");
    return below->xDelete(below, path, durable);
}

static int crash_access(sqlite3_vfs *vfs, const char *path, int flags, int *result)
{
    (void)vfs;
    return below->xAccess(below, path, flags, result);
}

static int crash_full_path(sqlite3_vfs *vfs, const char *path, int size, char *full)
{
    (void)vfs;
    return below->xFullPathname(below, path, size, full);
}

void crash_vfs_register(void)
{
    static sqlite3_vfs vfs;
    if (below != NULL)
        return;
    below = sqlite3_vfs_find(NULL);
    vfs = *below; /* time, random numbers and the rest */
    vfs.pNext = NULL;
    vfs.zName = "sealring-crash";
    vfs.szOsFile = (int)sizeof(struct crash_file) + below->szOsFile;
    vfs.xOpen = crash_open;
    vfs.xDelete = crash_delete;
    vfs.xAccess = crash_access;
    vfs.xFullPathname = crash_full_path;
    sqlite3_vfs_register(&vfs, 1);
}

void crash_vfs_count(struct touches *touches, struct power *remembered)
{
    counted = touches;
    power = remembered;
}
