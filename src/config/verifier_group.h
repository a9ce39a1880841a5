/* SPDX-License-Identifier: Apache-2.0 */
/* The group whose users may verify with a vault that is root's: what they may read and write, and nothing else. */
#ifndef CONFIG_VERIFIER_GROUP_H
#define CONFIG_VERIFIER_GROUP_H

#include <sys/stat.h>

#include "config/config.h"

/* A file or directory that the group's users need. */
struct group_place {
    char path[PATH_MAX + 32];
    mode_t mode; /* exactly, except for what the owner may do */
};

#define GROUP_PLACES        9
#define GROUP_CONFIGURATION 1 /* the index of sealring.conf */
#define GROUP_REGISTRY      4 /* and of the registry */

/* The place of this index, below GROUP_PLACES. Some need not exist. */
void group_place(const struct config *config, size_t index, struct group_place *place);

/* A group's number, by its name or in decimal. SEALRING_INVALID if there is no such group. */
sealring_status group_find(const char *group, gid_t *gid, sealring_error *error);

/* Returns whether the group has other rights at the place than it should have, and stores what is there. A missing file differs in nothing. */
bool group_differs(const struct group_place *place, gid_t gid, struct stat *file);

/* Gives the group its rights at the place, which may be missing. Returns 0 or an errno. */
int group_permit(const struct group_place *place, gid_t gid);

/* Gives the group, if there is one, its rights at a file that becomes the registry. If that fails, `sealring doctor` reports it. */
void group_permit_registry(const struct config *config, const char *path);

/* Before a token is opened for verification: a process that is neither root's nor the owner's cannot write the vault's login record, and uses
 * one of its own, in the directory of the report files. SEALRING_INVALID if another user made that. */
sealring_status group_use_own_record(struct config *config, sealring_error *error);

#endif
