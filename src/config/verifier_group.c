/* SPDX-License-Identifier: Apache-2.0 */
/* The group whose users may verify with a vault that is root's: what they may read and write, and nothing else. */
#include "config/verifier_group.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define GROUP_MEMORY_SIZE 65536 /* a group may have many members */
#define RIGHTS            (S_ISUID | S_ISGID | S_ISVTX | S_IRWXG | S_IRWXO)

/* The set-group-ID bit of directories gives the group what is made in them later. In the directory of report files the sticky bit keeps each
 * user's files from the others. */
void group_place(const struct config *config, size_t index, struct group_place *place)
{
    static const struct {
        const char *name;
        mode_t mode;
    } rest[GROUP_PLACES] = {
        {"", S_ISGID | 0750},
        {"/" CONFIG_FILE, 0640},
        {"/vault.bell", 0640},
        {"/..", S_ISGID | 0750},
        {"", 0640},
        {"-wal", 0640},
        {"-shm", 0640},
        {"", S_ISGID | S_ISVTX | 0770},
        {"/reports.bell", 0660},
    };
    const char *begin = index < 3 ? config->directory : index < 7 ? config->registry : config->verifiers;
    int length = (int)strlen(begin);
    bool above = strcmp(rest[index].name, "/..") == 0;
    if (above)
        length = (int)(strrchr(begin, '/') - begin);
    snprintf(place->path, sizeof place->path, "%.*s%s", length, begin, above ? "" : rest[index].name);
    place->mode = rest[index].mode;
}

sealring_status group_find(const char *group, gid_t *gid, sealring_error *error)
{
    struct group entry, *found = NULL;
    char *end = NULL, *memory = malloc(GROUP_MEMORY_SIZE);
    if (memory == NULL)
        return error_no_memory(error);
    if (getgrnam_r(group, &entry, memory, GROUP_MEMORY_SIZE, &found) == 0 && found != NULL)
        *gid = entry.gr_gid;
    free(memory);
    if (found != NULL)
        return SEALRING_OK;
    errno = 0;
    unsigned long number = strtoul(group, &end, 10);
    if (group[0] < '0' || group[0] > '9' || *end != '\0' || errno != 0 || number >= (gid_t)-1)
        return error_set(error, SEALRING_INVALID, "there is no group %.64s on this host: create it, or name another",
                         group);
    *gid = (gid_t)number;
    return SEALRING_OK;
}

bool group_differs(const struct group_place *place, gid_t gid, struct stat *file)
{
    if (lstat(place->path, file) != 0)
        return false;
    return file->st_gid != gid || (file->st_mode & RIGHTS) != (place->mode & RIGHTS);
}

int group_permit(const struct group_place *place, gid_t gid)
{
    struct stat file;
    int descriptor = open(place->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return errno == ENOENT ? 0 : errno;
    /* the owner first: it clears set-group-ID */
    bool permitted = fstat(descriptor, &file) == 0 && fchown(descriptor, (uid_t)-1, gid) == 0 &&
                     fchmod(descriptor, (file.st_mode & S_IRWXU) | (place->mode & RIGHTS)) == 0;
    int problem = permitted ? 0 : errno;
    close(descriptor);
    return problem;
}

void group_permit_registry(const struct config *config, const char *path)
{
    struct group_place place = {.mode = 0};
    gid_t gid;
    if (config->verifier_group[0] == '\0' || group_find(config->verifier_group, &gid, NULL) != SEALRING_OK)
        return;
    group_place(config, GROUP_REGISTRY, &place);
    snprintf(place.path, sizeof place.path, "%s", path);
    (void)group_permit(&place, gid);
}

sealring_status group_use_own_record(struct config *config, sealring_error *error)
{
    char directory[PATH_MAX];
    struct stat login, own;
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(config->login_record, '/') - config->login_record),
             config->login_record);
    if (config->verifier_group[0] == '\0' || geteuid() == 0 || stat(directory, &login) != 0 ||
        login.st_uid == geteuid())
        return SEALRING_OK;
    snprintf(config->login_record, sizeof config->login_record, "%.*s/%lu.login", PATH_MAX - 32, config->verifiers,
             (unsigned long)geteuid());
    if (lstat(config->login_record, &own) != 0 || own.st_uid == geteuid())
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID,
                     "the login record %s belongs to uid %lu, so no PIN is tried with it: have that user or root "
                     "remove it",
                     config->login_record, (unsigned long)own.st_uid);
}
