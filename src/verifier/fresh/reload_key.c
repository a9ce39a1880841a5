/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of cached credentials, read again when there is a new fact about their API key. */
#include "verifier/fresh/reload_key.h"

#include "registry/rows/rows.h"

/* The facts were read in the same transaction, so the row has to agree with them. */
static void restrict_row(struct verifier *verifier, struct registry_holder *row)
{
    if (key_facts_restrict(&verifier->closed.restricted, &row->key, &row->credential))
        messages_add(
            verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the registry's rows of API key %s permit more than the facts about it that are signed: the "
            "registry was altered; what these facts say stays in effect",
            row->key.key_id);
}

static void take_credential(struct verifier *verifier, struct registry_holder *holder)
{
    restrict_row(verifier, holder);
    if (!cache_update(verifier->cache, holder))
        messages_add(verifier->messages, SEALRING_LOG_ALARM,
                     "the registry's row of API key %s is not what the token confirmed: it was altered; the credential "
                     "is examined again",
                     holder->key.key_id);
}

void key_reload(struct verifier *verifier, const char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    struct registry_key key;
    struct registry_holder holder;
    bool found = false;
    if (!cache_has_key(verifier->cache, key_id))
        return;
    sealring_status status = registry_key_find(verifier->looker, key_id, &key, &found, NULL);
    if (status == SEALRING_OK && found) {
        struct registry_cursor credentials = registry_presented_of_key(verifier->looker, key.id, NULL);
        while (registry_presented_next(&credentials, &holder))
            take_credential(verifier, &holder);
        status = registry_close_cursor(&credentials, status);
    }
    if (status != SEALRING_OK || !found)
        cache_drop_key(verifier->cache, key_id);
}
