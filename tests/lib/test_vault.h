/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh vault with SoftHSM2 tokens of its own, for one test. */
#ifndef TESTS_VAULT_H
#define TESTS_VAULT_H

#include <stdbool.h>

#include <sealring/manage.h>

struct test_vault {
    char parent[64]; /* a temporary directory */
    char path[96];   /* the vault in it */
    char registry[128];
};

/* Makes it, with the environment set as a program would. Fails the test if it cannot. */
void test_vault_make(struct test_vault *vault);
void test_vault_remove(struct test_vault *vault);

/* Opened for managing / for verifying; fails the test with the error's message otherwise. */
sealring_manager *test_vault_manage(const struct test_vault *vault);
sealring_vault *test_vault_open(const struct test_vault *vault);
sealring_vault *test_vault_open_with(const struct test_vault *vault, const sealring_options *options);

/* For those who open it from now on: lease and refresh interval (0: as it is), and the PKCS#11 module. */
void test_vault_timing(const struct test_vault *vault, int64_t lease_ms, int64_t refresh_ms);
void test_vault_module(const struct test_vault *vault, const char *module);

/* A ring (overlap in ms), and one API key in it whose credential is written to text and key ID to key_id. */
void test_vault_ring(sealring_manager *manager, const char *ring, const char *prefix, int64_t overlap);
void test_vault_issue(sealring_manager *manager, const char *ring, const char *client, const char *scopes,
                      char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], char key_id[SEALRING_KEY_ID_LENGTH + 1]);

/* As sealring_version_change; a rotation or activation waits for its barrier, and everything for being effective, looking with the
 * verifiers of this process (an array that ends with NULL; NULL for none) as a server does all the time. */
sealring_status test_vault_change(sealring_manager *manager, sealring_vault *const *verifiers, const char *ring,
                                  sealring_event event, uint32_t version, const sealring_event_options *options,
                                  sealring_change *change, sealring_error *error);

/* Asks and compares; failing names both verdicts and the reason. */
void test_vault_expect(sealring_vault *vault, const char *credential, const char *scope, sealring_verdict expected);
/* The same after a look at the registry: by its state as of now. */
void test_vault_expect_now(sealring_vault *vault, const char *credential, const char *scope, sealring_verdict expected);

/* Runs SQL on the registry with a connection of its own: an attacker's, or a look at what is there. */
void test_vault_sql(const struct test_vault *vault, const char *sql);
/* The same by an attacker: without the schema's triggers, which exist again afterwards, because an altered schema is noticed by itself. */
void test_vault_attack(const struct test_vault *vault, const char *sql);
long long test_vault_number(const struct test_vault *vault, const char *sql);

/* Fails the test unless the status is OK; says the error's message. */
#define ASSERT_OK(call, error) ck_assert_msg((call) == SEALRING_OK, "%s: %s", #call, (error).message)

/* A callback of issuing that copies the credential: context is a struct test_handed. */
struct test_handed {
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint32_t version;
    uint32_t serial;
    bool existed;
    unsigned calls;
};
int test_vault_take(const sealring_issued *issued, void *context);

#endif
