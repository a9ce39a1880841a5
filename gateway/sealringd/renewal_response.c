/* SPDX-License-Identifier: Apache-2.0 */
/* What a renewal's result is in HTTP: the kind of answer, and the body with the successor. Pure. */
#include "gateway/sealringd/renewal_response.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#define YEAR_9999 INT64_C(253402300799999) /* its end; no later time has four digits for its year */
enum { QUOTED_TIME_SIZE = 40, REST_SIZE = 256 };

enum answer_kind renewal_answer_for(unsigned result)
{
    static const enum answer_kind kinds[] = {
        [SEALRING_RENEWAL_UNAVAILABLE] = ANSWER_NOT_RENEWED,
        [SEALRING_RENEWAL_ISSUED] = ANSWER_RENEWED,
        [SEALRING_RENEWAL_AGAIN] = ANSWER_RENEWED,
        [SEALRING_RENEWAL_CURRENT] = ANSWER_CURRENT,
        [SEALRING_RENEWAL_REJECTED] = ANSWER_INVALID,
        [SEALRING_RENEWAL_ADDRESS] = ANSWER_ADDRESS,
        [SEALRING_RENEWAL_OFF] = ANSWER_OFF,
        [SEALRING_RENEWAL_AGE] = ANSWER_AGE,
        [SEALRING_RENEWAL_CONTESTED] = ANSWER_CONTESTED,
        [SEALRING_RENEWAL_LIMITED] = ANSWER_LIMITED,
    };
    return result < sizeof kinds / sizeof kinds[0] ? kinds[result] : ANSWER_NOT_RENEWED;
}

/* The numbers are those of sealring_claim_result, in the library that sealringd does not have, and of RENEWED. */
enum answer_kind claim_answer_for(unsigned result)
{
    static const enum answer_kind kinds[] = {
        ANSWER_NOT_CLAIMED, ANSWER_RENEWED,      ANSWER_RENEWED,           ANSWER_NOT_CLAIMED, ANSWER_CLAIM_UNKNOWN,
        ANSWER_ADDRESS,     ANSWER_CLAIM_CLOSED, ANSWER_CLAIM_CERTIFICATE, ANSWER_CLAIM_TAKEN, ANSWER_LIMITED,
    };
    return result < sizeof kinds / sizeof kinds[0] ? kinds[result] : ANSWER_NOT_CLAIMED;
}

/* RFC 3339 in quotation marks, without fractions (so never later than the time itself); null for none. */
static void quote_time(int64_t milliseconds, char text[QUOTED_TIME_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    if (milliseconds <= 0 || milliseconds > YEAR_9999 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, QUOTED_TIME_SIZE, "\"%Y-%m-%dT%H:%M:%SZ\"", &parts) == 0)
        strcpy(text, "null");
}

/* No library that copies texts around: this is a secret. None of its parts needs to be escaped, which renewal_message_read has made sure of. */
char *renewal_body(const struct renewal_answer *answer)
{
    bool sealed = answer->form == RENEWAL_SEALED;
    size_t payload = sealed ? (answer->payload_length + 2) / 3 * 4 : answer->payload_length;
    char expires[QUOTED_TIME_SIZE], until[QUOTED_TIME_SIZE];
    char *body = malloc(payload + REST_SIZE);
    if (body == NULL)
        return NULL;
    size_t length = (size_t)sprintf(body, "{\"%s\":\"", sealed ? "sealed" : "credential");
    if (sealed)
        (void)EVP_EncodeBlock((unsigned char *)body + length, answer->payload, (int)answer->payload_length);
    else
        memcpy(body + length, answer->payload, payload);
    length += payload;
    quote_time(answer->expires, expires);
    quote_time(answer->predecessor_until, until);
    (void)snprintf(body + length, REST_SIZE - 16,
                   "\",\"key_id\":\"%s\",\"version\":%" PRIu32 ",\"expires\":%s,\"predecessor_until\":%s}\n",
                   answer->key_id, answer->version, expires, until);
    return body;
}
