/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of the room that is left where sealring writes. */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "manage/doctor/doctor_parts.h"

#define ROOM_LEAST 1048576 /* bytes: an act with its write-ahead log, and a server's report */

static bool is_full(const struct statvfs *facts)
{
    return facts->f_bavail < ROOM_LEAST / facts->f_frsize || (facts->f_files > 0 && facts->f_favail == 0);
}

void doctor_look_at_space(struct doctor *doctor)
{
    const struct config *config = doctor->config;
    char registry[PATH_MAX];
    snprintf(registry, sizeof registry, "%s", config->registry);
    const char *const places[] = {dirname(registry), config->verifiers, config->directory};
    unsigned long seen[3];
    for (size_t i = 0; i < 3; i++) {
        struct statvfs facts;
        seen[i] = 0;
        if (statvfs(places[i], &facts) != 0 || facts.f_frsize == 0)
            continue;
        seen[i] = facts.f_fsid;
        bool known = (i > 0 && seen[0] == seen[i]) || (i > 1 && seen[1] == seen[i]);
        if (!known && is_full(&facts))
            doctor_find(doctor, DOCTOR_DISK_FULL, places[i], "its file system has %llu KiB left, and %llu inodes",
                        (unsigned long long)facts.f_bavail * facts.f_frsize / 1024, (unsigned long long)facts.f_favail);
    }
}
