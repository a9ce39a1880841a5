/* SPDX-License-Identifier: Apache-2.0 */
/* A manager's work on the files of the vault's own software tokens: every object has a copy, and no closed key becomes usable again. */
#ifndef MANAGE_TOKENS_TOKEN_FILE_COPIES_H
#define MANAGE_TOKENS_TOKEN_FILE_COPIES_H

#include "manage/session/manager.h"
#include "manage/session/own_token_files.h"
#include "softhsm/objects.h"

/* In a vault whose tokens are not its own, none of these functions does anything. In a dry run none of them changes anything: copies_restore and
 * copies_examine only report. */

/* Without vault.lock, for which it waits at most lock_wait (0: one try) if it needs it, and before a token is opened: restores damaged and missing
 * objects from their copies, unless a row or a fact closes them. *of_registry, after an error: the registry could not be read or locked. */
sealring_status copies_mend(sealring_manager *manager, int64_t lock_wait, bool *of_registry, sealring_error *error);

/* Under the lock, after the registry was checked against its anchor: restores the others as far as the closed facts allow. REFUSED if a row and the
 * facts contradict each other. */
sealring_status copies_mend_judged(sealring_manager *manager, bool *of_registry, sealring_error *error);

/* What a restore of the registry finds about an object's file. */
enum copies_outcome {
    COPIES_RESTORED, /* damaged or missing, and restored from its copy; with software_hands_off: it would be */
    COPIES_WITHHELD, /* damaged or missing, and must not be restored from its copy */
    COPIES_LOST      /* damaged, and has no good copy */
};
typedef void (*copies_result)(const char *folder, const struct object_file *file, enum copies_outcome outcome,
                              void *context);

/* Under vault.work and the registry's lock, while there may be no registry in place: restores damaged and missing objects of the key token as far
 * as the closed facts of `registry` allow; registry NULL: those of the audit token. Drops no copy: a backup does not contain the keys that were
 * made after it. */
sealring_status copies_restore(const struct config *config, struct registry *registry, copies_result each,
                               void *context, sealring_error *error);

/* Under the lock: writes to the audit log, as `token.restore`, what any process restored. */
sealring_status copies_record(sealring_manager *manager, sealring_error *error);

/* Under the lock, with the token open: gives every version's object a copy under its ID that is as new as its file, and removes what an interrupted
 * making left. In a vault from before copies existed, it first finds out which file belongs to which object. *of_registry: as above. */
sealring_status copies_complete(sealring_manager *manager, bool *of_registry, sealring_error *error);

/* After a change of key objects: writes their files to disk and copies them. */
sealring_status copies_follow(sealring_manager *manager, sealring_error *error);

/* As copies_follow, after this object was closed: if the new copy cannot be made, the object has no copy rather than one that signs. */
void copies_follow_closing(sealring_manager *manager, const uint8_t *object_id, size_t object_id_length);

/* Around the making of an object: copies_before lists the files, for objects_release, also after a failure; copies_add then writes the new file to disk and copies it under this ID. */
sealring_status copies_before(sealring_manager *manager, struct object_files *before, sealring_error *error);
sealring_status copies_add(sealring_manager *manager, const struct object_files *before, const uint8_t *object_id,
                           size_t object_id_length, sealring_error *error);

/* After objects were destroyed: makes this durable, so that a power loss does not restore their files. */
sealring_status copies_sync(sealring_manager *manager, sealring_error *error);

/* Before an object is destroyed: removes its copy from the disk. */
sealring_status copies_drop(sealring_manager *manager, const uint8_t *object_id, size_t object_id_length,
                            sealring_error *error);

/* Whether a version's object has no copy, and a file may be its. */
sealring_status copies_are_lacking(struct registry *registry, const struct kept_token *token, bool *lacking,
                                   sealring_error *error);

/* Reports what is wrong with objects' files; changes nothing. file "" means all objects of the token. */
sealring_status copies_examine(sealring_manager *manager, store_finding each, void *context, sealring_error *error);

#endif
