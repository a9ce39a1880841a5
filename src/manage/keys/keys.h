/* SPDX-License-Identifier: Apache-2.0 */
/* What issuing, reissuing and rekeying share with the key commands. */
#ifndef MANAGE_KEYS_KEYS_H
#define MANAGE_KEYS_KEYS_H

#include <stdbool.h>

#include "log/log_entry.h"
#include "registry/rows/rows.h"
#include "verifier/request/judge.h"

/* 16 base62 digits. */
/* Reads the networks that sealring_key_set_addresses takes into the key. Returns NULL, or the reason as in base/name.h. */
const char *key_read_networks(const char *text, struct registry_key *key, char problem[128]);
/* SEALRING_REFUSED: facts have no values yet. */
sealring_status key_refuse_networks(sealring_error *error);
/* Writes them as that reads them. */
void key_networks_text(const struct registry_key *key, char text[NETWORKS_TEXT_SIZE]);

bool key_id_is_well_formed(const char *key_id);

/* The API key with its newest credential. SEALRING_INVALID if the text is not a key ID (the message does not repeat it: it may be a whole
 * credential), SEALRING_NOT_FOUND. Inside a transaction. */
sealring_status key_get(struct registry *registry, const char *key_id, struct registry_holder *holder,
                        sealring_error *error);
/* Whether nothing was changed that a new credential depends on. Both are from key_get. */
bool key_is_unchanged(const struct registry_holder *before, const struct registry_holder *now);

/* SEALRING_REFUSED for a revoked API key. */
sealring_status key_check_alive(const struct registry_key *key, sealring_error *error);

/* What a verdict on the holder's credential depends on, apart from scopes and addresses. It points into the holder. */
struct bearer key_bearer(const struct registry_holder *holder);

/* Names ring, key and client in an audit entry. */
void key_record(struct audit_act *act, const struct registry_holder *holder);

/* SEALRING_NOT_FOUND or SEALRING_INVALID unless ring, client and key of the filter exist: an empty answer would mislead. */
sealring_status key_check_filter(struct registry *registry, const struct registry_holder_filter *filter,
                                 sealring_error *error);

#endif
