/* SPDX-License-Identifier: Apache-2.0 */
/* The newest checkpoint whose signature verifies: what is signed, and since when, which is a lower bound of the present time. */
#include "log/signed_time.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/checkpoint.h"
#include "log/key_change.h"
#include "registry/log/log_rows.h"

sealring_status signed_newest(struct registry *registry, signed_counts counts, struct checkpoint *newest, bool *forged,
                              sealring_error *error)
{
    const struct registry_vault *vault = registry_vault_row(registry);
    struct audit_keys keys;
    uint64_t size;
    bool found = false, good = false;
    memset(newest, 0, sizeof *newest);
    *forged = false;
    sealring_status status = audit_keys_find(registry, &keys, &found, error);
    if (status != SEALRING_OK || !found)
        return status;
    char *note = malloc(REGISTRY_NOTE_SIZE);
    if (note == NULL)
        return error_no_memory(error);
    struct registry_cursor notes = registry_checkpoint_notes(registry, error);
    while (status == SEALRING_OK && !good && registry_checkpoint_note_next(&notes, &size, note)) {
        /* all is taken from the note, as the columns beside it are not signed; a note in the row of another proves nothing about that one */
        bool genuine = checkpoint_verify(note, &keys, vault->vault_id, newest) && newest->size == size;
        good = genuine;
        if (genuine && counts != NULL)
            status = counts(registry, newest, &good, error);
        *forged = *forged || !genuine;
    }
    if (!good)
        memset(newest, 0, sizeof *newest);
    free(note);
    return registry_close_cursor(&notes, status);
}

sealring_status signed_time(struct registry *registry, int64_t *time_ms, bool *forged, sealring_error *error)
{
    struct checkpoint newest;
    sealring_status status = signed_newest(registry, NULL, &newest, forged, error);
    *time_ms = newest.time;
    return status;
}
