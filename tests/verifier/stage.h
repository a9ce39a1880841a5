/* SPDX-License-Identifier: Apache-2.0 */
/* Where the verifier's tests play: a fresh vault whose token is counted, a manager in a process of its own, and what is measured. */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <check.h>

#include <sealring/manage.h>

#include "lib/sanitized.h"
#include "lib/test_vault.h"
#include "verifier/counting.h"

#define STAGE_RING     "payments"
#define STAGE_PREFIX   "acme_live"
#define STAGE_CLIENT   "acme-mobile"
#define STAGE_KEYS_MAX 2048
#define STAGE_FOREVER  INT64_C(4102444800000) /* 2100-01-01 */
#define STAGE_PATIENCE 60000                  /* ms: what takes longer has failed */

struct stage_key {
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint32_t version;
    uint32_t serial;
};

struct stage {
    struct test_vault vault;
    struct counting *counting; /* watches this process */
    struct stage_key *keys;    /* of stage_issue_many; shared by all processes */
    int elsewhere;             /* socket to the process that manages */
    pid_t elsewhere_pid;
};

/* Makes the vault with one ring, STAGE_RING. lease_ms and refresh_ms: 0 for the vault's default. Nothing is opened in this process
 * yet: forks made now inherit no module. Fails the test if it cannot. */
void stage_make(struct stage *stage, int64_t lease_ms, int64_t refresh_ms);
void stage_remove(struct stage *stage);

/* Opens it for verifying; manual: no thread, no warming, all by sealring_maintain. */
sealring_vault *stage_open(const struct stage *stage);
sealring_vault *stage_open_manual(const struct stage *stage);
sealring_vault *stage_open_with(const struct stage *stage, const sealring_options *options);

/* ---- The manager, elsewhere. Each returns when it is done, and fails the test if it cannot be done. */

void stage_ring(struct stage *stage, const char *ring, const char *prefix, int64_t overlap);
void stage_issue(struct stage *stage, const char *ring, const char *scopes, struct stage_key *key);
void stage_issue_timed(struct stage *stage, const char *ring, int64_t not_before, int64_t expires,
                       struct stage_key *key);
void stage_issue_many(struct stage *stage, const char *ring, unsigned count); /* into stage->keys */
void stage_import(struct stage *stage, const char *ring, const char *text, struct stage_key *key);
void stage_set_state(struct stage *stage, const char *key_id, sealring_key_state state);
void stage_narrow(struct stage *stage, const char *key_id, const char *scopes);
void stage_bind(struct stage *stage, const char *key_id, const char *networks);
void stage_issue_bound(struct stage *stage, const char *ring, const char *networks, struct stage_key *key);
void stage_rekey(struct stage *stage, const char *key_id, int64_t overlap, struct stage_key *key);
void stage_reissue(struct stage *stage, const char *key_id, struct stage_key *key);
void stage_event(struct stage *stage, const char *ring, sealring_event event,
                 uint32_t version); /* overruling what waits */

/* ---- Asking */

sealring_verdict stage_ask(sealring_vault *vault, const char *text, const char *scope);
/* Fails the test unless it is the verdict. */
void stage_expect(sealring_vault *vault, const char *text, sealring_verdict expected);
/* Looks once; fails the test unless that is SEALRING_OK. */
void stage_look(sealring_vault *vault);
sealring_statistics stage_statistics(sealring_vault *vault);

/* True once condition(context) is; false after STAGE_PATIENCE. */
bool stage_wait(bool (*condition)(void *context), void *context);

/* Waits for a child and returns its exit status, 100 and more if it died. A child that hangs is killed and fails the test. */
int stage_child(pid_t child);

/* ---- The log: sealring_set_log(vault, stage_log, &log) */

struct stage_log {
    unsigned lines[SEALRING_LOG_ALARM + 1]; /* by level */
    char last[SEALRING_LOG_ALARM + 1][512];
};
void stage_log(sealring_log_level level, const char *message, void *context);

/* ---- What this process and the vault hold */

size_t stage_resident(void);
unsigned stage_descriptors(void); /* without the bells, which threads open when their time comes */
unsigned stage_threads(void);
/* Fails the test unless there are no more before long: the kernel lists a thread for a moment after it was joined. */
void stage_expect_threads_at_most(unsigned count);
unsigned stage_reports(const struct stage *stage); /* files in verifiers/ */
int64_t stage_time_ms(void);                       /* CLOCK_MONOTONIC */
int64_t stage_wall_ms(void);

/* How often to do it: `often`, or `very_often` where LONG is set in the environment. */
unsigned stage_times(unsigned often, unsigned very_often);

#endif
