/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets that webhooks are signed with: the token derives them from the ring that sealring.conf names, and nothing stores them. */
#ifndef MANAGE_NOTICES_WEBHOOK_SECRET_H
#define MANAGE_NOTICES_WEBHOOK_SECRET_H

#include "manage/session/manager.h"
#include "manage/session/ring_state.h"
#include "notify/webhook_signature.h"

/* The ring, as its facts contain it. */
struct webhook_source {
    sealring_manager *manager;
    struct registry_vault vault;
    struct ring_state state;
};

/* Reads the ring in a transaction of its own. Within an act with the token, which has checked the facts; zero *source before, and release it afterwards whatever
 * happened. SEALRING_REFUSED: sealring.conf names no ring, or it has no accepted version; SEALRING_NOT_FOUND: there is no such ring. */
sealring_status webhook_source_read(sealring_manager *manager, struct webhook_source *source, sealring_error *error);
void webhook_source_release(struct webhook_source *source);

/* Derives the client's secrets: of the active version first, then of the other accepted ones, the newest first. Outside any transaction, also after the act. The
 * caller wipes them. */
sealring_status webhook_source_keys(const struct webhook_source *source, const char *client,
                                    struct webhook_key keys[WEBHOOK_KEYS_MAX], size_t *count, sealring_error *error);

#endif
