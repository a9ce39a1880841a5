/* SPDX-License-Identifier: Apache-2.0 */
/* Which file systems a registry may live on. */
#include "registry/filesystem.h"

#include <errno.h>
#include <stddef.h>
#include <sys/vfs.h>

#include "base/error.h"

/* SQLite's write-ahead log shares memory between processes and relies on POSIX locks: both hold on one machine only
 * (https://www.sqlite.org/wal.html, "all processes using a database must be on the same host computer").
 * Numbers as in Linux' uapi/linux/magic.h and the file systems' own sources. */
static const struct {
    uint32_t type;
    const char *name;
} filesystem_networks[] = {
    {0x00006969, "NFS"},    {0x0000517B, "SMB"},    {0xFF534D42, "CIFS"},     {0xFE534D42, "SMB2"},
    {0x5346414F, "AFS"},    {0x6B414653, "AFS"},    {0x00C36400, "Ceph"},     {0x73757245, "Coda"},
    {0x0000564C, "NCP"},    {0x01021997, "9p"},     {0x01161970, "GFS2"},     {0x7461636F, "OCFS2"},
    {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},   {0x20030528, "OrangeFS"}, {0x19830326, "BeeGFS"},
    {0xAAD7AAEA, "PanFS"},  {0x786F4256, "vboxsf"}, {0xBACBACBC, "vmhgfs"},
};

const char *filesystem_network_name(uint32_t type)
{
    for (size_t i = 0; i < sizeof filesystem_networks / sizeof *filesystem_networks; i++) {
        if (filesystem_networks[i].type == type) {
            return filesystem_networks[i].name;
        }
    }
    return NULL;
}

sealring_status filesystem_check(const char *path, sealring_error *error)
{
    struct statfs facts;
    if (statfs(path, &facts) != 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) {
            return SEALRING_OK; /* whoever opens it will say it better */
        }
        return error_set_system(error, errno, "cannot tell the file system of %s", path);
    }
    /* f_type is signed and of the machine's word size: the number is its low 32 bits. */
    const char *name = filesystem_network_name((uint32_t)facts.f_type);
    if (name == NULL) {
        return SEALRING_OK;
    }
    return error_set_registry(
        error, 0,
        "%s lies on a network file system (%s), where a registry would be damaged: put the vault on "
        "a local disk",
        path, name);
}
