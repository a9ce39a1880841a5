/* SPDX-License-Identifier: Apache-2.0 */
/* The place where a vault belongs, by which a copy of it is recognised. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "config/config_keys.h"
#include "registry/connection/filesystem.h"

#define MADE_ON_OVERLAY " overlay" /* after the inode */

/* Both with the slash, so that someone who edits all paths of a copy, to give it its own token, edits this one as well. */
static bool is_at(const struct config *config)
{
    size_t length = strlen(config->directory);
    return strncmp(config->place, config->directory, length) == 0 && strcmp(config->place + length, "/") == 0;
}

/* Returns whether the directory is on an overlay on which it was not made. Files from an image's or another container's layer are
 * copied when they are written, so locks and reports do not reach the vault. A directory from a lower layer has that layer's inode, and
 * the overlay's own root that of the upper one. So the inode alone proves nothing, and `vault-inode` has an extra word for a vault that
 * was made on an overlay. */
static bool is_overlaid(const struct config *config)
{
    struct stat here;
    char *rest = NULL;
    if (config->place_inode[0] == '\0' || !filesystem_is_overlay(config->directory))
        return false; /* without the line, an operator has vouched for the place */
    unsigned long long inode = strtoull(config->place_inode, &rest, 10);
    return strcmp(rest, MADE_ON_OVERLAY) != 0 || stat(config->directory, &here) != 0 || here.st_ino != inode;
}

/* Returns whether it is another path to the same directory (a mount in a container), or the same directory under another name. Device
 * numbers are not used, because they change from boot to boot. A copy that has the inode by chance, or is a copy of a whole disk, is
 * recognised while the original exists. */
static bool is_renamed(const struct config *config)
{
    char path[PATH_MAX + 32];
    struct stat here, there;
    if (stat(config->directory, &here) != 0)
        return false;
    if (!is_overlaid(config) && stat(config->place, &there) == 0 && there.st_dev == here.st_dev &&
        there.st_ino == here.st_ino)
        return true;
    snprintf(path, sizeof path, "%s" CONFIG_FILE, config->place);
    if (access(path, F_OK) == 0 || filesystem_is_overlay(config->directory))
        return false; /* there is a vault at the recorded place; and on an overlay, writes go into a copy */
    return config->place_inode[0] != '\0' && strtoull(config->place_inode, NULL, 10) == here.st_ino;
}

/* A process that reads another verifiers/ than the servers write to finds no verifier, and would report each revocation as effective. */
sealring_status config_check_mounts(const struct config *config, sealring_error *error)
{
    const char *const parts[] = {config->verifiers, config->registry, config->login_record,
                                 config->lock,      config->work,     config->urgent};
    size_t length = strlen(config->directory);
    char folder[PATH_MAX];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strncmp(parts[i], config->directory, length) != 0 || parts[i][length] != '/')
            continue; /* the registry may be elsewhere */
        snprintf(folder, sizeof folder, "%s", parts[i]);
        *strrchr(folder, '/') = '\0'; /* the file may be missing, or be a mount point itself */
        const char *other = !filesystem_is_same_mount(config->directory, folder)     ? folder
                            : !filesystem_is_same_mount(config->directory, parts[i]) ? parts[i]
                                                                                     : NULL;
        if (other != NULL)
            return error_set(error, SEALRING_REFUSED,
                             "%.200s is on another mount than the vault: verifiers and operators of other containers "
                             "would not be seen there: mount the vault's directory as a whole",
                             other);
    }
    return SEALRING_OK;
}

sealring_status config_check_copy(const struct config *config, sealring_error *error)
{
    if (config->place[0] == '\0')
        return SEALRING_OK;
    if (is_at(config) && is_overlaid(config))
        return error_set(
            error, SEALRING_REFUSED,
            "%.200s is an overlay's copy of the vault, whose servers and locks are not those of the vault: mount the "
            "directory itself there (a volume); or if this is the vault, and no other is used any more, remove the lines "
            "`vault` and `vault-inode` from " CONFIG_FILE ", and run `sealring doctor --repair`",
            config->directory);
    if (is_at(config) || is_renamed(config))
        return SEALRING_OK;
    return error_set(
        error, SEALRING_REFUSED,
        "%.200s is a copy of the vault %.200s, whose keys it would change: work there; or if the vault was moved "
        "here, and that one is used no more, remove the lines `vault` and `vault-inode` from " CONFIG_FILE
        ", correct its other paths, and run `sealring doctor --repair`",
        config->directory, config->place);
}

sealring_status config_take_place(struct config *config, sealring_error *error)
{
    struct stat here;
    if (stat(config->directory, &here) != 0)
        return error_set_system(error, errno, "the vault's directory %s cannot be examined", config->directory);
    if (strchr(config->directory, '\n') != NULL) /* it would begin another line of the configuration */
        return error_set(error, SEALRING_INVALID, "the path of the vault has a line end: move it to another one");
    if (snprintf(config->place, sizeof config->place, "%s/", config->directory) >= (int)sizeof config->place)
        return error_set(error, SEALRING_INVALID, "the path of the vault %s is too long", config->directory);
    snprintf(config->place_inode, sizeof config->place_inode, "%" PRIu64 "%s", (uint64_t)here.st_ino,
             filesystem_is_overlay(config->directory) ? MADE_ON_OVERLAY : "");
    return SEALRING_OK;
}

sealring_status config_add_place(struct config *config, sealring_error *error)
{
    char lines[2 * PATH_MAX];
    sealring_status status = config->place[0] == '\0' ? config_take_place(config, error) : SEALRING_OK;
    snprintf(lines, sizeof lines, "\nvault = %s\nvault-inode = %s\n", config->place, config->place_inode);
    if (status == SEALRING_OK)
        status = config_append(config, lines, NULL, error);
    if (status != SEALRING_OK)
        config->place[0] = '\0';
    return status;
}
