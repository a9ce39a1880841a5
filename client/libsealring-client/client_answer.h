/* SPDX-License-Identifier: Apache-2.0 */
/* What servers answer, as text: dates, delays, the body of a renewal and of a refusal. Pure. */
#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/client.h>

#define CLIENT_DELAY_MAX_MS INT64_C(86400000) /* no server postpones a renewal by more than a day */

/* An HTTP date in the form that servers generate (RFC 9110, section 5.6.7: IMF-fixdate), in milliseconds since 1970. Blanks around it are
 * ignored. False for anything else. */
bool client_date_parse(const char *text, int64_t *time);

/* Sealring-Expires: a date, or `never`, which is 0. */
bool client_expiry_parse(const char *text, int64_t *time);

/* Retry-After (RFC 9110, section 10.2.3): seconds, or a date, of which `now` is subtracted. From 0 to CLIENT_DELAY_MAX_MS. */
bool client_delay_parse(const char *text, int64_t now, int64_t *milliseconds);

/* A credential as it may be in a header: 1 to `most` printable characters of ASCII without blanks. */
bool client_text_valid(const char *text, size_t length, size_t most);

/* The body of status 200. */
struct client_renewed {
    char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1]; /* the caller wipes it */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint32_t version;
    uint32_t serial;           /* of a sealed one, else 0 */
    char *sealed;              /* base64, instead of the credential; NULL: none. The caller frees it */
    int64_t expires;           /* 0: never */
    int64_t predecessor_until; /* 0: not known */
};

/* Returns NULL, or what is wrong with the body. */
const char *client_renewed_parse(const char *body, size_t length, struct client_renewed *renewed);

/* What a problem's body adds to its status (RFC 9457): the member `code`, or `detail`; "" if there is neither. May contain anything that
 * JSON can. */
void client_problem_parse(const char *body, size_t length, char *text, size_t size);

#endif
