/* SPDX-License-Identifier: Apache-2.0 */
/* Names the network and cluster file systems, on which files have neither locks nor a durability that programs may rely on. */
#ifndef BASE_NETWORK_FILESYSTEM_H
#define BASE_NETWORK_FILESYSTEM_H

#include <stddef.h>
#include <stdint.h>

/* Only the server process of a FUSE mount knows what is behind it: sshfs, GlusterFS, rclone, s3fs, CephFS, and virtiofs, whose other
 * side is another kernel. Some are local (ntfs-3g, bindfs), but whether their locks and shared mappings are those of the underlying
 * files depends on program, version and option. So all of them are refused. */
#define FILESYSTEM_FUSE 0x65735546

/* The name of the network or cluster file system with this f_type (statfs(2)); NULL if it is of no such kind. Pure. Numbers from Linux'
 * uapi/linux/magic.h and the file systems' own sources. */
static inline const char *filesystem_network_name(uint32_t type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } networks[] = {
        {0x00006969, "NFS"},       {0x0000517B, "SMB"},    {0xFF534D42, "CIFS"},     {0xFE534D42, "SMB2"},
        {0x5346414F, "AFS"},       {0x6B414653, "AFS"},    {0x00C36400, "Ceph"},     {0x73757245, "Coda"},
        {0x0000564C, "NCP"},       {0x01021997, "9p"},     {0x01161970, "GFS2"},     {0x7461636F, "OCFS2"},
        {0x0BD00BD0, "Lustre"},    {0x47504653, "GPFS"},   {0x20030528, "OrangeFS"}, {0x19830326, "BeeGFS"},
        {0xAAD7AAEA, "PanFS"},     {0x786F4256, "vboxsf"}, {0xBACBACBC, "vmhgfs"},   {0x7C7C6673, "prl_fs"},
        {FILESYSTEM_FUSE, "FUSE"},
    };
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if (networks[i].type == type)
            return networks[i].name;
    return NULL;
}

#endif
