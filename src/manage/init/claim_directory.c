/* SPDX-License-Identifier: Apache-2.0 */
/* The directory in which a vault is being made: claimed by one command, and recognised as unfinished if that is interrupted. */
#include "manage/init/claim_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/error.h"
#include "config/config.h"

#define CLAIM_HEAD "sealring is making a vault here, or was interrupted: say `sealring init` again. ID "
#define CLAIM_SIZE (sizeof CLAIM_HEAD + 2 * (size_t)REGISTRY_ID_SIZE + 1)

/* Everything that making a vault puts into its directory before it is a vault, the claim last. */
static const char *const claim_parts[] = {
    "registry", "login", "verifiers", "tokens", "pins", "vault.lock", "vault.bell", CONFIG_FILE ".new", CLAIM_FILE,
};

#define CLAIM_PARTS (sizeof claim_parts / sizeof claim_parts[0])

sealring_status claim_absolute(const char *directory, char path[PATH_MAX], sealring_error *error)
{
    char here[PATH_MAX] = "";
    bool absolute = directory[0] == '/';
    if (!absolute && getcwd(here, sizeof here) == NULL)
        return error_set_system(error, errno, "the current directory cannot be determined");
    int length = snprintf(path, PATH_MAX, "%s%s%s", here, absolute ? "" : "/", directory);
    if (length <= 0 || length >= PATH_MAX - 64)
        return error_set(error, SEALRING_INVALID, "the path of the vault is empty or too long");
    return SEALRING_OK;
}

static sealring_status make_parents(char *path, sealring_error *error)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0755) != 0 && errno != EEXIST;
        int problem = errno;
        *slash = '/';
        if (failed)
            return error_set_system(error, problem, "the directories above %s cannot be made", path);
    }
    return SEALRING_OK;
}

/* ---- What the directory contains */

struct contents {
    bool anything;
    bool strange; /* something that no init makes */
    bool vault;
    bool claim;
};

static bool is_part(const char *name)
{
    for (size_t i = 0; i < CLAIM_PARTS; i++)
        if (strcmp(name, claim_parts[i]) == 0)
            return true;
    return false;
}

static sealring_status look(const char *path, struct contents *contents, sealring_error *error)
{
    DIR *directory = opendir(path);
    memset(contents, 0, sizeof *contents);
    if (directory == NULL)
        return error_set_system(error, errno, "%s cannot be read", path);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        contents->anything = true;
        contents->strange = contents->strange || !is_part(entry->d_name);
        contents->vault = contents->vault || strcmp(entry->d_name, CONFIG_FILE) == 0;
        contents->claim = contents->claim || strcmp(entry->d_name, CLAIM_FILE) == 0;
    }
    closedir(directory);
    return SEALRING_OK;
}

/* Reads what is there, and refuses unless it is nothing, or an unfinished vault. */
static sealring_status check_contents(const char *path, struct contents *contents, sealring_error *error)
{
    sealring_status status = look(path, contents, error);
    if (status != SEALRING_OK)
        return status;
    if (contents->vault)
        return error_set(error, SEALRING_REFUSED, "there is a vault in %s already", path);
    if (contents->claim && contents->strange)
        return error_set(error, SEALRING_REFUSED,
                         "in %s the making of a vault was interrupted, and there are other files now: move them away, "
                         "or remove the directory, and repeat",
                         path);
    if (contents->anything && !contents->claim)
        return error_set(error, SEALRING_REFUSED, "%s is not empty", path);
    return SEALRING_OK;
}

/* ---- Removing */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_parts(const char *path, size_t count)
{
    char part[PATH_MAX + 32];
    for (size_t i = 0; i < count; i++) {
        snprintf(part, sizeof part, "%s/%s", path, claim_parts[i]);
        (void)nftw(part, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    }
}

static void remove_file(const struct claim *claim, const char *name)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", claim->path, name);
    unlink(path);
}

static void let_go(struct claim *claim)
{
    if (claim->descriptor >= 0)
        close(claim->descriptor);
    claim->descriptor = -1;
}

/* ---- Claiming */

/* Whether the path still leads to the locked file: a lock on a removed file excludes nobody. */
static bool is_current(const char *path, int descriptor)
{
    struct stat open_file, named_file;
    return fstat(descriptor, &open_file) == 0 && stat(path, &named_file) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

/* Reads the ID in the claim of an interrupted command, which may have ended before it wrote one. */
static void read_name(struct claim *claim)
{
    char text[CLAIM_SIZE];
    ssize_t length = pread(claim->descriptor, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    claim->interrupted = strncmp(text, CLAIM_HEAD, sizeof CLAIM_HEAD - 1) == 0 &&
                         hex_decode(text + sizeof CLAIM_HEAD - 1, claim->before, sizeof claim->before);
}

static sealring_status lock_claim(struct claim *claim, sealring_error *error)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/" CLAIM_FILE, claim->path);
    claim->descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    if (claim->descriptor < 0)
        return error_set_system(error, errno, "%s cannot be made", path);
    if (flock(claim->descriptor, LOCK_EX | LOCK_NB) == 0 && is_current(path, claim->descriptor))
        return SEALRING_OK;
    let_go(claim);
    return error_set(error, SEALRING_REFUSED, "another command is making a vault in %s", claim->path);
}

/* For a vault whose making was interrupted when everything else was done. */
static void tidy(struct claim *claim)
{
    if (config_check_directory(claim->path, NULL) != SEALRING_OK || lock_claim(claim, NULL) != SEALRING_OK)
        return;
    remove_file(claim, CONFIG_FILE ".new");
    claim_finish(claim);
}

sealring_status claim_take(const char *vault, struct claim *claim, sealring_error *error)
{
    struct contents contents;
    memset(claim, 0, sizeof *claim);
    claim->descriptor = -1;
    sealring_status status = claim_absolute(vault, claim->path, error);
    if (status == SEALRING_OK)
        status = make_parents(claim->path, error);
    if (status != SEALRING_OK)
        return status;
    if (mkdir(claim->path, 0750) == 0)
        claim->made = true;
    else if (errno != EEXIST)
        return error_set_system(error, errno, "%s cannot be made", claim->path);
    status = check_contents(claim->path, &contents, error);
    if (contents.vault && contents.claim)
        tidy(claim);
    if (status == SEALRING_OK)
        status = config_check_directory(claim->path, error);
    if (status != SEALRING_OK)
        return status;
    status = lock_claim(claim, error);
    if (status != SEALRING_OK) {
        if (claim->made)
            rmdir(claim->path); /* fails if another command was faster */
        return status;
    }
    /* again, as another command may have made a vault before the lock was taken */
    status = check_contents(claim->path, &contents, error);
    if (status != SEALRING_OK) {
        let_go(claim);
        return status;
    }
    read_name(claim);
    remove_parts(claim->path, CLAIM_PARTS - 1);
    return SEALRING_OK;
}

sealring_status claim_name(struct claim *claim, const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error)
{
    char text[CLAIM_SIZE];
    char digits[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(vault_id, REGISTRY_ID_SIZE, digits);
    int length = snprintf(text, sizeof text, CLAIM_HEAD "%s\n", digits);
    ssize_t written = pwrite(claim->descriptor, text, (size_t)length, 0);
    if (written == length && fsync(claim->descriptor) == 0)
        return SEALRING_OK;
    return error_set_system(error, written >= 0 && written != length ? ENOSPC : errno,
                            "%s/" CLAIM_FILE " cannot be written", claim->path);
}

void claim_finish(struct claim *claim)
{
    remove_file(claim, CLAIM_FILE);
    let_go(claim);
}

void claim_undo(struct claim *claim)
{
    remove_file(claim, CONFIG_FILE); /* from here on the directory is not a vault, but an unfinished one */
    remove_parts(claim->path, CLAIM_PARTS);
    if (claim->made)
        rmdir(claim->path);
    let_go(claim);
}
