/* SPDX-License-Identifier: Apache-2.0 */
/* Put before the real command (LD_PRELOAD): counts what it changes in the registry, and ends it before the touch that is wanted. */
#include <stdlib.h>

#include "crash/vfs.h"
#include "fault/faulting.h"
#include "lib/forward.h"

/* The module for the tests counts what it changes in tokens in the same file. */
__attribute__((constructor)) static void stand_before(void)
{
    struct faulting *faulting = forward_map(getenv(FAULTING_FILE), sizeof *faulting);
    if (faulting == NULL)
        return;
    crash_vfs_register();
    crash_vfs_count(&faulting->touches, NULL);
}
