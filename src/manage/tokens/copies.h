/* SPDX-License-Identifier: Apache-2.0 */
/* What a manager does for the files of the vault's own software tokens: every object has a copy, and none that is closed comes back. */
#ifndef MANAGE_TOKENS_COPIES_H
#define MANAGE_TOKENS_COPIES_H

#include "manage/session/manager.h"
#include "softhsm/objects.h"

/* In a vault whose tokens are not its own, and in a dry run, none of these does anything. */

/* Without vault.lock, for which it waits at most lock_wait (0: one try) if need be, and before a token is opened: restores damaged and missing
 * objects from their copies, where no row and no fact closes them. */
sealring_status copies_mend(sealring_manager *manager, int64_t lock_wait, sealring_error *error);

/* Under the lock, once the registry was judged by its anchor: restores the rest as far as the closed facts allow. REFUSED where a row and the facts
 * contradict one another. */
sealring_status copies_mend_judged(sealring_manager *manager, sealring_error *error);

/* What a restoration of the registry finds of an object's file. */
enum copies_outcome {
    COPIES_RESTORED, /* it was damaged or missing, and was restored from its copy; with software_hands_off: it would be */
    COPIES_WITHHELD, /* it is damaged or missing, and is not to be restored from its copy */
    COPIES_LOST      /* it is damaged, and has no good copy */
};
typedef void (*copies_result)(const char *folder, const struct object_file *file, enum copies_outcome outcome,
                              void *context);

/* Under vault.work and the registry's lock, while there may be no registry in place: restores damaged and missing objects of the key token as far
 * as the closed facts of `registry` allow, or, registry NULL, of the audit token. No copy is dropped: a backup does not know of keys that
 * were made after it. */
sealring_status copies_restore(const struct config *config, struct registry *registry, copies_result each,
                               void *context, sealring_error *error);

/* Under the lock: what was restored, by whichever process, goes on the record as `token.restore`. */
sealring_status copies_record(sealring_manager *manager, sealring_error *error);

/* Under the lock, with the token open: every version's object has a copy under its ID that is as new as its file, and what an interrupted making has
 * left is cleared away. In a vault of before there were copies it is found out first which file is whose. */
sealring_status copies_complete(sealring_manager *manager, sealring_error *error);

/* After a change of key objects: their files are written to disk and copied. */
sealring_status copies_follow(sealring_manager *manager, sealring_error *error);

/* The same after this object was closed: where the new copy cannot be made it has none rather than one that signs. */
void copies_follow_closing(sealring_manager *manager, const uint8_t *object_id, size_t object_id_length);

/* Around the making of an object: lists what there is before; then the one that came is written to disk and copied under this ID. */
sealring_status copies_before(sealring_manager *manager, struct object_files *before, sealring_error *error);
sealring_status copies_add(sealring_manager *manager, const struct object_files *before, const uint8_t *object_id,
                           size_t object_id_length, sealring_error *error);

/* After objects were destroyed: a power loss does not bring their files back. */
sealring_status copies_sync(sealring_manager *manager, sealring_error *error);

/* Before an object is destroyed: its copy is gone from the disk. */
sealring_status copies_drop(sealring_manager *manager, const uint8_t *object_id, size_t object_id_length,
                            sealring_error *error);

/* What is not as it should be with objects' files; changes nothing. file "" stands for all objects of the token. */
sealring_status copies_examine(sealring_manager *manager, store_finding each, void *context, sealring_error *error);

#endif
