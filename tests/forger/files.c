/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of vaults as files: copied over each other, moved to another path, compared. */
#include "forger/files.h"

#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forger/world.h"

static const char *walked_from, *walked_to; /* directories */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    return where->level == 0 ? 0 : remove(path);
}

void files_remove(const char *directory)
{
    if (access(directory, F_OK) == 0 &&
        (nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 || rmdir(directory) != 0))
        world_fail(directory, "cannot be removed");
}

/* The first connection makes the -shm file. */
static int copy_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    char target[512];
    if (where->level == 0)
        return 0;
    snprintf(target, sizeof target, "%s%s", walked_to, path + strlen(walked_from));
    if (kind == FTW_D)
        return mkdir(target, status->st_mode & 07777);
    if (strcmp(path + strlen(path) - 4, "-shm") == 0)
        return 0;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status->st_mode & 07777);
    bool copied = from >= 0 && to >= 0 && sendfile(to, from, NULL, (size_t)status->st_size) == status->st_size;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return copied ? 0 : -1;
}

void files_copy(const char *from, const char *to)
{
    struct stat status;
    if (stat(from, &status) != 0)
        world_fail(from, "is missing");
    if (access(to, F_OK) == 0)
        (void)nftw(to, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    else if (mkdir(to, status.st_mode & 07777) != 0)
        world_fail(to, "cannot be made");
    walked_from = from;
    walked_to = to;
    if (nftw(from, copy_entry, 16, FTW_PHYS) != 0)
        world_fail(to, "cannot be copied");
}

void files_copy_registry(const char *from, const char *to)
{
    sqlite3 *database = NULL;
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", to);
    (void)unlink(to);
    if (sqlite3_open(from, &database) != SQLITE_OK || sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        world_fail(from, sqlite3_errmsg(database));
    sqlite3_free(sql);
    sqlite3_close(database);
}

static bool is_about(const char *line, const char *name)
{
    return strncmp(line, name, strlen(name)) == 0;
}

static void adapt_file(const char *directory, const char *name, const char *from, const char *to)
{
    char path[256], line[1024], text[8192] = "";
    struct stat here;
    size_t length = 0;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    if (file == NULL || stat(directory, &here) != 0) {
        world_fail(path, "cannot be read");
        return;
    }
    while (fgets(line, sizeof line, file) != NULL && length < sizeof text) {
        for (char *named; (named = strstr(line, from)) != NULL;)
            memcpy(named, to, strlen(to));
        if (is_about(line, "audit-"))
            continue;
        if (is_about(line, "vault-inode = "))
            snprintf(line, sizeof line, "vault-inode = %llu%s\n", (unsigned long long)here.st_ino,
                     strstr(line, " overlay") != NULL ? " overlay" : "");
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", line);
    }
    fclose(file);
    file = fopen(path, "we");
    if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0)
        world_fail(path, "cannot be written");
}

void files_adapt(const char *vault, const char *path, const char *place)
{
    adapt_file(vault, "sealring.conf", path, place);
    adapt_file(vault, "tokens/softhsm2.conf", path, place);
}

/* ---- The token's files ---- */

static unsigned different;
static char *differing;
static size_t differing_size;

static bool same_content(const char *one, const char *other)
{
    static char first[65536], second[65536];
    int a = open(one, O_RDONLY | O_CLOEXEC), b = open(other, O_RDONLY | O_CLOEXEC);
    ssize_t length = a < 0 ? -1 : read(a, first, sizeof first);
    bool same =
        b >= 0 && length >= 0 && read(b, second, sizeof second) == length && memcmp(first, second, (size_t)length) == 0;
    if (a >= 0)
        close(a);
    if (b >= 0)
        close(b);
    return same;
}

static int compare_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    char other[512];
    (void)status;
    size_t length = strlen(path);
    if (kind != FTW_F || length < 7 || strcmp(path + length - 7, ".object") != 0)
        return 0;
    snprintf(other, sizeof other, "%s%s", walked_to, path + strlen(walked_from));
    if (same_content(path, other))
        return 0;
    different++;
    size_t used = strlen(differing);
    snprintf(differing + used, differing_size - used, "%.8s%s ", path + where->base,
             access(other, F_OK) == 0 ? "" : "-");
    return 0;
}

unsigned files_differ(const char *whole, const char *work, char *names, size_t size)
{
    char from[256], to[256];
    snprintf(from, sizeof from, "%s/tokens", whole);
    snprintf(to, sizeof to, "%s/tokens", work);
    walked_from = from;
    walked_to = to;
    different = 0;
    differing = names;
    differing_size = size;
    names[0] = '\0';
    (void)nftw(from, compare_entry, 16, FTW_PHYS);
    return different;
}
