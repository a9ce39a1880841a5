/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered about a credential's renewals, in PATH.state beside its file. */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/client.h>

#define CLIENT_STATE_SIZE 4096 /* of the file, at most */

/* Times are wall times, in milliseconds since 1970; 0: none. It contains a secret. */
struct client_state {
    char predecessor[SEALRING_CLIENT_TEXT_MAX + 1]; /* "": none */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint32_t version;
    uint32_t serial; /* of the last sealed successor */
    int64_t renewed;
    int64_t expires;
    uint32_t expires_known; /* 1: `expires` is the credential's, so 0 is never */
    int64_t predecessor_until;
    int64_t checked;
    int64_t retry_at;
    uint32_t failures;
    int64_t failed;
    char last_error[SEALRING_MESSAGE_SIZE];
};

/* A file that is missing or damaged is an empty state: nothing in it is needed for a renewal. */
void client_state_read(const char *path, struct client_state *state);

/* Returns the text to write, its length without NUL in *length; NULL: no memory. secret_wipe and free() it. */
char *client_state_text(const struct client_state *state, size_t *length);

#endif
