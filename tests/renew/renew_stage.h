/* SPDX-License-Identifier: Apache-2.0 */
/* A vault with a ring that renews credentials, a verifier, and a wall clock that can be set ahead. */
#ifndef TESTS_RENEW_RENEW_STAGE_H
#define TESTS_RENEW_RENEW_STAGE_H

#include <sealring/renew.h>

#include "lib/runner.h"
#include "lib/test_vault.h"

#define MINUTE INT64_C(60000)
#define DAY    (1440 * MINUTE)

#define STAGE_RING   "payments"
#define STAGE_CLIENT "acme-mobile"

extern struct test_vault vault;
extern sealring_manager *manager;
extern sealring_vault *verifier;
extern sealring_error error;
extern char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1]; /* of an API key of the ring, with the scope read */
extern char key_id[SEALRING_KEY_ID_LENGTH + 1];

/* The ring renews as `bearer`, without a limit of age, and has the overlap of a day. */
void stage_open(void);
void stage_close(void);
/* The same, after the log and the rows were found to be right. */
void stage_verify_and_close(void);

/* This process's wall clock shows that much more from now on. */
void stage_wait(int64_t milliseconds);
int64_t stage_now(void);

void stage_rotate(void);
void stage_policy(sealring_policy policy, unsigned fields);
struct test_handed stage_issue(const char *client, int64_t expires);

/* One request; the answer is wiped by the next. */
const sealring_renewal *stage_renew(const char *credential, const char *peer);
/* The same with the result that it must have. */
const sealring_renewal *stage_expect(const char *credential, const char *peer, sealring_renewal_result result);

#endif
