/* SPDX-License-Identifier: Apache-2.0 */
/* The newest checkpoint whose signature verifies: what is signed, and since when, which is a lower bound of the present time. */
#include "log/signed_time.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/signed_note.h"
#include "registry/log/log_rows.h"

/* Takes all from the note, because the column `time` beside it is not signed. A note in another's row proves nothing about that one. */
static bool read_signed(const char *text, const struct note_key *key, const char *origin, uint64_t size,
                        struct checkpoint *checkpoint)
{
    struct note note;
    return note_parse(text, strlen(text), &note, NULL) && note_verify(&note, key) == NOTE_GOOD &&
           checkpoint_parse(note.text, note.text_length, checkpoint) && strcmp(checkpoint->origin, origin) == 0 &&
           checkpoint->size == size;
}

sealring_status signed_newest(struct registry *registry, struct checkpoint *newest, bool *forged, sealring_error *error)
{
    char vkey[REGISTRY_VKEY_SIZE], origin[CHECKPOINT_ORIGIN_SIZE];
    struct note_key key;
    uint64_t size;
    bool found = false, good = false;
    memset(newest, 0, sizeof *newest);
    *forged = false;
    sealring_status status = registry_audit_key_find(registry, vkey, &found, error);
    if (status != SEALRING_OK || !found)
        return status;
    bool readable = note_key_parse(vkey, &key);
    char *note = malloc(REGISTRY_NOTE_SIZE);
    if (note == NULL)
        return error_no_memory(error);
    checkpoint_origin(registry_vault_row(registry)->vault_id, origin);
    struct registry_cursor notes = registry_checkpoint_notes(registry, error);
    while (!good && registry_checkpoint_note_next(&notes, &size, note)) {
        good = readable && read_signed(note, &key, origin, size, newest);
        *forged = *forged || !good;
    }
    if (!good)
        memset(newest, 0, sizeof *newest);
    free(note);
    return registry_close_cursor(&notes, SEALRING_OK);
}

sealring_status signed_time(struct registry *registry, int64_t *time_ms, bool *forged, sealring_error *error)
{
    struct checkpoint newest;
    sealring_status status = signed_newest(registry, &newest, forged, error);
    *time_ms = newest.time;
    return status;
}
