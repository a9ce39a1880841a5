/* SPDX-License-Identifier: Apache-2.0 */
/* When the latest checkpoint was signed: a lower bound of the present time. */
#include "log/signed_time.h"

#include <stdlib.h>

#include "base/error.h"
#include "log/checkpoint.h"
#include "registry/log/log_rows.h"

/* Takes the time from the note, because the column `time` beside it is not signed. */
static bool note_time(const char *text, const char *vkey, const struct registry_vault *vault, int64_t *time_ms)
{
    struct note_key key;
    struct checkpoint checkpoint;
    if (!note_key_parse(vkey, &key) || !checkpoint_verify(text, &key, vault->vault_id, &checkpoint))
        return false;
    *time_ms = checkpoint.time;
    return true;
}

sealring_status signed_time(struct registry *registry, int64_t *time_ms, bool *forged, sealring_error *error)
{
    char vkey[REGISTRY_VKEY_SIZE];
    *time_ms = 0;
    *forged = false;
    char *note = malloc(REGISTRY_NOTE_SIZE);
    if (note == NULL)
        return error_no_memory(error);
    bool found = false;
    sealring_status status = registry_checkpoint_find_note(registry, note, &found, error);
    if (status == SEALRING_OK && found)
        status = registry_audit_key_find(registry, vkey, &found, error);
    if (status == SEALRING_OK && found)
        *forged = !note_time(note, vkey, registry_vault_row(registry), time_ms);
    free(note);
    return status;
}
