/* SPDX-License-Identifier: Apache-2.0 */
/* Eight threads ask without a pause while another process rotates, issues, suspends and revokes: not one wrong answer. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/stage.h"

enum { THREADS = 8, SLOTS = 24, ROTATIONS_MAX = 60 }; /* a ring keeps 100 predecessors */

/* A slot's key, and what every call must answer that begins and ends while it says so. */
enum slot_state { SLOT_EMPTY, SLOT_CHANGING, SLOT_GOOD, SLOT_SUSPENDED, SLOT_REVOKED };

struct slot {
    struct stage_key key;      /* changed in SLOT_EMPTY only, while nobody reads it */
    _Atomic(unsigned) moments; /* 8 × a number that counts up + state */
};

struct asker {
    pthread_t thread;
    unsigned number;
    uint64_t asked;
    uint64_t judged;
    unsigned wrong;
    enum slot_state state; /* of the first wrong one */
    sealring_verdict verdict;
    char reason[256];
};

static struct stage stage;
static sealring_vault *vault;
static struct slot slots[SLOTS];
static atomic_bool stop;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    vault = stage_open(&stage);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

static void set_slot(struct slot *slot, enum slot_state state)
{
    unsigned moment = atomic_load(&slot->moments);
    atomic_store(&slot->moments, (moment / 8 + 1) * 8 + (unsigned)state);
}

static enum slot_state slot_state(const struct slot *slot)
{
    return (enum slot_state)(atomic_load(&slot->moments) % 8);
}

static const sealring_verdict expected[] = {
    [SLOT_GOOD] = SEALRING_ACCEPTED,
    [SLOT_SUSPENDED] = SEALRING_REJECTED_SUSPENDED,
    [SLOT_REVOKED] = SEALRING_REJECTED_REVOKED,
};

static void ask_slot(struct asker *asker, const struct slot *slot)
{
    unsigned before = atomic_load(&slot->moments);
    if (before % 8 < SLOT_CHANGING)
        return;
    sealring_grant grant = {.size = sizeof grant};
    sealring_verdict verdict = sealring_verify(vault, slot->key.text, strlen(slot->key.text), "read", &grant);
    asker->asked++;
    if (before % 8 == SLOT_CHANGING || atomic_load(&slot->moments) != before)
        return;
    asker->judged++;
    bool right = verdict == expected[before % 8] && strcmp(grant.key_id, slot->key.key_id) == 0 &&
                 strcmp(grant.client, STAGE_CLIENT) == 0;
    if (right || asker->wrong++ > 0)
        return;
    asker->state = (enum slot_state)(before % 8);
    asker->verdict = verdict;
    memcpy(asker->reason, grant.reason, sizeof asker->reason);
}

static void *ask_all(void *argument)
{
    struct asker *asker = argument;
    for (unsigned i = asker->number; !atomic_load(&stop); i++)
        ask_slot(asker, &slots[i % SLOTS]);
    return NULL;
}

/* ---- What the operator does meanwhile. A look follows each change: from then on every call has to know. */

static void change_state(struct slot *slot, sealring_key_state state, enum slot_state then)
{
    set_slot(slot, SLOT_CHANGING);
    stage_set_state(&stage, slot->key.key_id, state);
    stage_look(vault);
    set_slot(slot, then);
}

static void change_slot(struct slot *slot)
{
    switch (slot_state(slot)) {
    case SLOT_EMPTY:
        stage_issue(&stage, STAGE_RING, "read write", &slot->key);
        set_slot(slot, SLOT_GOOD); /* at once, without a look */
        break;
    case SLOT_GOOD:
        change_state(slot, SEALRING_KEY_SUSPENDED, SLOT_SUSPENDED);
        break;
    case SLOT_SUSPENDED:
        change_state(slot, SEALRING_KEY_ACTIVE, SLOT_GOOD);
        change_state(slot, SEALRING_KEY_REVOKED, SLOT_REVOKED);
        break;
    default: /* what is revoked stays so */
        break;
    }
}

START_TEST(no_wrong_answer_in_a_crowd)
{
    struct asker askers[THREADS] = {0};
    const int64_t end = stage_time_ms() + stage_times(3000, 60000);
    uint64_t judged = 0;
    unsigned wrong = 0, changes = 0, rotations = 0;
    for (unsigned i = 0; i < SLOTS / 2; i++)
        change_slot(&slots[i]);
    for (unsigned i = 0; i < THREADS; i++) {
        askers[i].number = i * 3;
        ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask_all, &askers[i]), 0);
    }
    for (; stage_time_ms() < end || slot_state(&slots[2]) != SLOT_REVOKED; changes++) { /* so far it has to come */
        if (changes % 4 == 0) /* some slots are left as they are: they see nothing but rotations */
            change_slot(&slots[2 + changes / 4 % (SLOTS - 2)]);
        if (changes % 16 == 5 && rotations++ < ROTATIONS_MAX)
            stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
        if (changes % 64 == 13)
            stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROLLBACK, 0);
        usleep(1000);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(askers[i].thread, NULL), 0);
        ck_assert_msg(askers[i].wrong == 0, "%u of %llu answers were wrong, first: slot state %d: %s: %s",
                      askers[i].wrong, (unsigned long long)askers[i].judged, (int)askers[i].state,
                      sealring_verdict_name(askers[i].verdict), askers[i].reason);
        wrong += askers[i].wrong;
        judged += askers[i].judged;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(judged, 10000);
    ck_assert_uint_gt(changes, 50);
    ck_assert_uint_eq(stage_statistics(vault).verdicts[SEALRING_UNAVAILABLE], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crowd");
    TCase *cases = tcase_create("crowd");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, no_wrong_answer_in_a_crowd);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
