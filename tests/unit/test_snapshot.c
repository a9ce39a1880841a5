/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot: rings and versions that never change, states that do, and every step from one state to another. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/cache/snapshot.h"

static struct snapshot *new_snapshot(void)
{
    struct snapshot *snapshot = NULL;
    ck_assert_int_eq(snapshot_new(&snapshot, NULL), SEALRING_OK);
    return snapshot;
}

static struct registry_ring ring_row(int64_t id)
{
    struct registry_ring row;
    memset(&row, 0, sizeof row);
    row.id = id;
    memset(row.ring_id, (int)(id % 251), sizeof row.ring_id);
    snprintf(row.name, sizeof row.name, "ring-%lld", (long long)id);
    snprintf(row.prefix, sizeof row.prefix, "p%lld", (long long)id);
    return row;
}

static struct registry_version version_row(int64_t ring, uint32_t number, sealring_version_state state)
{
    struct registry_version row;
    memset(&row, 0, sizeof row);
    row.ring = ring;
    row.number = number;
    row.state = state;
    row.object_id_length = 16;
    memset(row.object_id, (int)number, 16);
    memset(row.check_value, (int)(number + 1), sizeof row.check_value);
    return row;
}

static enum snapshot_change put(struct snapshot *snapshot, const struct registry_version *row,
                                struct known_version **version)
{
    *version = (struct known_version *)(uintptr_t)1;
    enum snapshot_change change = snapshot_put_version(snapshot, row, version);
    ck_assert_ptr_ne(*version, (struct known_version *)(uintptr_t)1);
    return change;
}

static void put_ring(struct snapshot *snapshot, int64_t id)
{
    struct registry_ring row = ring_row(id);
    ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_UPDATED);
}

START_TEST(a_ring_never_changes)
{
    struct snapshot *snapshot = new_snapshot();
    struct registry_ring row = ring_row(5);
    ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_UPDATED);
    ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_SAME);
    row.rotation_held = true; /* policy is no verifier's matter */
    row.last_version = 9;
    ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_SAME);
    row.name[0] ^= 1;
    ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_ALTERED);
    row = ring_row(5);
    row.prefix[1] ^= 1;
    ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_ALTERED);
    row = ring_row(5);
    row.ring_id[REGISTRY_ID_SIZE - 1] ^= 1;
    ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_ALTERED);
    row = ring_row(5);
    ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_SAME); /* an altered row was not taken over */
    snapshot_free(snapshot);
    snapshot_free(NULL);
}
END_TEST

START_TEST(a_version_is_known_with_all_that_it_has)
{
    struct snapshot *snapshot = new_snapshot();
    struct known_version *version;
    put_ring(snapshot, 5);
    struct registry_version row = version_row(5, 3, SEALRING_VERSION_RETIRING);
    row.retire_at = 123;
    ck_assert_ptr_null(snapshot_find(snapshot, 5, 3));
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_UPDATED);
    ck_assert_ptr_eq(snapshot_find(snapshot, 5, 3), version);
    ck_assert_ptr_null(snapshot_find(snapshot, 5, 2));
    ck_assert_ptr_null(snapshot_find(snapshot, 4, 3));
    ck_assert_str_eq(version->ring->name, "ring-5");
    ck_assert_str_eq(version->ring->prefix, "p5");
    ck_assert_int_eq(version->ring->id, 5);
    ck_assert_uint_eq(version->number, 3);
    ck_assert_uint_eq(version->object_id_length, 16);
    ck_assert_mem_eq(version->object_id, row.object_id, 16);
    ck_assert_mem_eq(version->check_value, row.check_value, sizeof row.check_value);
    ck_assert_int_eq(atomic_load(&version->state), SEALRING_VERSION_RETIRING);
    ck_assert_int_eq(atomic_load(&version->retire_at), 123);
    ck_assert_int_eq(atomic_load(&version->closed), 0);
    ck_assert(!atomic_load(&version->was_compromised));
    ck_assert(!atomic_load(&version->proved));
    ck_assert_ptr_null(atomic_load(&version->usage));
    struct known_version *again;
    ck_assert_int_eq(put(snapshot, &row, &again), SNAPSHOT_SAME);
    ck_assert_ptr_eq(again, version);
    snapshot_free(snapshot);
}
END_TEST

START_TEST(a_version_of_an_unknown_ring_is_not_taken)
{
    struct snapshot *snapshot = new_snapshot();
    struct known_version *version;
    struct registry_version row = version_row(5, 3, SEALRING_VERSION_ACTIVE);
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_ALTERED);
    ck_assert_ptr_null(version);
    ck_assert_ptr_null(snapshot_find(snapshot, 5, 3));
    snapshot_free(snapshot);
}
END_TEST

static const sealring_version_state states[] = {SEALRING_VERSION_PENDING,     SEALRING_VERSION_ACTIVE,
                                                SEALRING_VERSION_RETIRING,    SEALRING_VERSION_RETIRED,
                                                SEALRING_VERSION_COMPROMISED, SEALRING_VERSION_DESTROYED};
#define STATES 6

static bool open_state(sealring_version_state state)
{
    return state == SEALRING_VERSION_PENDING || state == SEALRING_VERSION_ACTIVE || state == SEALRING_VERSION_RETIRING;
}

static struct registry_version in_state(sealring_version_state state)
{
    struct registry_version row = version_row(5, 3, state);
    row.was_compromised = state == SEALRING_VERSION_COMPROMISED;
    row.retire_at = state == SEALRING_VERSION_RETIRING ? 55 : 0;
    row.closed = open_state(state) ? 0 : 66;
    return row;
}

static enum snapshot_change expected_change(sealring_version_state from, sealring_version_state to)
{
    if (from == to)
        return SNAPSHOT_SAME;
    if (open_state(from))
        return open_state(to) ? SNAPSHOT_UPDATED : SNAPSHOT_CLOSED;
    if (open_state(to))
        return from == SEALRING_VERSION_RETIRED ? SNAPSHOT_UPDATED : SNAPSHOT_ALTERED;
    return SNAPSHOT_UPDATED;
}

static void expect_like(struct known_version *version, const struct registry_version *row)
{
    ck_assert_int_eq(atomic_load(&version->state), (int)row->state);
    ck_assert_int_eq(atomic_load(&version->was_compromised), row->was_compromised);
    ck_assert_int_eq(atomic_load(&version->retire_at), row->retire_at);
    ck_assert_int_eq(atomic_load(&version->closed), row->closed);
}

START_TEST(every_step_from_state_to_state)
{
    sealring_version_state from = states[_i / STATES], to = states[_i % STATES];
    struct snapshot *snapshot = new_snapshot();
    struct known_version *first, *second;
    put_ring(snapshot, 5);
    struct registry_version before = in_state(from), after = in_state(to);
    ck_assert_int_eq(put(snapshot, &before, &first), SNAPSHOT_UPDATED); /* also if it is closed already */
    atomic_store(&first->proved, true);
    enum snapshot_change change = put(snapshot, &after, &second);
    ck_assert_int_eq(change, expected_change(from, to));
    if (change == SNAPSHOT_ALTERED) {
        expect_like(first, &before);
        ck_assert_ptr_eq(snapshot_find(snapshot, 5, 3), first);
    } else if (open_state(to) && (!open_state(from) || (to == SEALRING_VERSION_PENDING && from != to))) {
        /* only reinstating leads to pending: its retirement came and went between two looks */
        ck_assert_ptr_ne(second, first);
        expect_like(first, &before); /* whoever holds the old object finds it closed for ever */
        expect_like(second, &after);
        ck_assert(!atomic_load(&second->proved));
        ck_assert_mem_eq(second->object_id, first->object_id, sizeof first->object_id);
        ck_assert_ptr_eq(snapshot_find(snapshot, 5, 3), second);
    } else {
        ck_assert_ptr_eq(second, first);
        expect_like(first, &after);
        ck_assert(atomic_load(&first->proved));
        ck_assert_ptr_eq(snapshot_find(snapshot, 5, 3), first);
    }
    snapshot_free(snapshot);
}
END_TEST

START_TEST(times_alone_are_an_update)
{
    struct snapshot *snapshot = new_snapshot();
    struct known_version *version;
    put_ring(snapshot, 5);
    struct registry_version row = in_state(SEALRING_VERSION_RETIRING);
    put(snapshot, &row, &version);
    row.retire_at++;
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_UPDATED);
    ck_assert_int_eq(atomic_load(&version->retire_at), row.retire_at);
    row.purge_at = 7; /* nobody's who verifies */
    row.closing_owed = true;
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_SAME);
    snapshot_free(snapshot);
}
END_TEST

START_TEST(another_key_is_an_alteration)
{
    struct snapshot *snapshot = new_snapshot();
    struct known_version *version;
    put_ring(snapshot, 5);
    struct registry_version row = in_state(SEALRING_VERSION_ACTIVE);
    put(snapshot, &row, &version);
    row.object_id[15] ^= 1;
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_ALTERED);
    row.object_id[15] ^= 1;
    row.object_id_length = 15;
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_ALTERED);
    row.object_id_length = 16;
    row.check_value[7] ^= 1;
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_ALTERED);
    row.check_value[7] ^= 1;
    row.public_key[31] ^= 1;
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_ALTERED);
    row.public_key[31] ^= 1;
    row.prf[0] ^= 1;
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_ALTERED);
    row.prf[0] ^= 1;
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_SAME);
    snapshot_free(snapshot);
}
END_TEST

START_TEST(what_was_compromised_stays_closed)
{
    struct snapshot *snapshot = new_snapshot();
    struct known_version *version;
    put_ring(snapshot, 5);
    struct registry_version row = in_state(SEALRING_VERSION_RETIRED);
    row.was_compromised = true;
    put(snapshot, &row, &version);
    row = in_state(SEALRING_VERSION_PENDING);
    ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_ALTERED);
    ck_assert_int_eq(atomic_load(&snapshot_find(snapshot, 5, 3)->state), SEALRING_VERSION_RETIRED);
    snapshot_free(snapshot);
}
END_TEST

START_TEST(a_version_is_reinstated_again_and_again)
{
    struct snapshot *snapshot = new_snapshot();
    struct known_version *seen[20];
    put_ring(snapshot, 5);
    for (int i = 0; i < 20; i++) {
        struct registry_version row = in_state(SEALRING_VERSION_PENDING);
        ck_assert_int_eq(put(snapshot, &row, &seen[i]), SNAPSHOT_UPDATED);
        ck_assert_ptr_eq(snapshot_find(snapshot, 5, 3), seen[i]);
        row = in_state(SEALRING_VERSION_RETIRED);
        struct known_version *closed;
        ck_assert_int_eq(put(snapshot, &row, &closed), SNAPSHOT_CLOSED);
        ck_assert_ptr_eq(closed, seen[i]);
    }
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(atomic_load(&seen[i]->state), SEALRING_VERSION_RETIRED);
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne(seen[i], seen[j]);
    }
    snapshot_free(snapshot);
}
END_TEST

/* ---- Many ---- */

#define MANY_RINGS    10000
#define MANY_VERSIONS 4

static void count_version(struct known_version *version, void *context)
{
    unsigned char *met = context;
    met[(version->ring->id - 1) * MANY_VERSIONS + version->number - 1]++;
}

START_TEST(many_rings_are_found_and_walked)
{
    struct snapshot *snapshot = new_snapshot();
    struct known_version *version;
    for (int64_t ring = 1; ring <= MANY_RINGS; ring++)
        put_ring(snapshot, ring);
    for (int64_t ring = 1; ring <= MANY_RINGS; ring++) {
        for (uint32_t number = 1; number <= MANY_VERSIONS; number++) {
            struct registry_version row = version_row(ring, number, SEALRING_VERSION_RETIRED);
            ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_UPDATED);
        }
    }
    for (int64_t ring = 1; ring <= MANY_RINGS;
         ring += 3) { /* some are reinstated: the walk meets their new objects only */
        struct registry_version row = version_row(ring, 2, SEALRING_VERSION_PENDING);
        ck_assert_int_eq(put(snapshot, &row, &version), SNAPSHOT_UPDATED);
    }
    for (int64_t ring = 1; ring <= MANY_RINGS; ring++) {
        struct registry_ring row = ring_row(ring);
        ck_assert_int_eq(snapshot_put_ring(snapshot, &row), SNAPSHOT_SAME);
        for (uint32_t number = 1; number <= MANY_VERSIONS; number++) {
            version = snapshot_find(snapshot, ring, number);
            ck_assert_ptr_nonnull(version);
            ck_assert_int_eq(version->ring->id, ring);
            ck_assert_uint_eq(version->number, number);
            ck_assert_int_eq(atomic_load(&version->state),
                             number == 2 && ring % 3 == 1 ? SEALRING_VERSION_PENDING : SEALRING_VERSION_RETIRED);
        }
        ck_assert_ptr_null(snapshot_find(snapshot, ring, MANY_VERSIONS + 1));
    }
    unsigned char *met = calloc(MANY_RINGS, MANY_VERSIONS);
    ck_assert_ptr_nonnull(met);
    snapshot_each(snapshot, count_version, met);
    for (int i = 0; i < MANY_RINGS * MANY_VERSIONS; i++)
        ck_assert_uint_eq(met[i], 1);
    free(met);
    snapshot_free(snapshot);
}
END_TEST

/* ---- Readers beside the look ---- */

#define READERS     3
#define CROWD_RINGS 300

struct crowd {
    struct snapshot *snapshot;
    atomic_int put; /* rings whose version is in */
    atomic_bool over;
    atomic_uint missing;
    atomic_uint unlike;
    atomic_uint_fast64_t reads;
};

static void *find_all(void *context)
{
    struct crowd *crowd = context;
    while (!atomic_load(&crowd->over)) {
        int known = atomic_load(&crowd->put);
        for (int64_t ring = 1; ring <= known; ring++) {
            struct known_version *version = snapshot_find(crowd->snapshot, ring, 1);
            if (version == NULL) {
                atomic_fetch_add(&crowd->missing, 1);
                continue;
            }
            int state = atomic_load(&version->state);
            bool explained = state != SEALRING_VERSION_RETIRED || atomic_load(&version->closed) == 66;
            if (version->ring->id != ring || version->number != 1 || !explained)
                atomic_fetch_add(&crowd->unlike, 1);
            atomic_fetch_add(&crowd->reads, 1);
        }
        sched_yield();
    }
    return NULL;
}

START_TEST(finding_goes_on_while_the_look_puts)
{
    struct crowd crowd = {.snapshot = new_snapshot()};
    struct known_version *version;
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, find_all, &crowd), 0);
    for (int64_t ring = 1; ring <= CROWD_RINGS; ring++) {
        put_ring(crowd.snapshot, ring);
        struct registry_version row = version_row(ring, 1, SEALRING_VERSION_ACTIVE);
        ck_assert_int_eq(put(crowd.snapshot, &row, &version), SNAPSHOT_UPDATED);
        atomic_store(&crowd.put, (int)ring);
        row.state = SEALRING_VERSION_RETIRED;
        row.closed = 66;
        ck_assert_int_eq(put(crowd.snapshot, &row, &version), SNAPSHOT_CLOSED);
        row.state = SEALRING_VERSION_PENDING;
        row.closed = 0;
        ck_assert_int_eq(put(crowd.snapshot, &row, &version), SNAPSHOT_UPDATED);
    }
    while (atomic_load(&crowd.reads) < CROWD_RINGS)
        sched_yield();
    atomic_store(&crowd.over, true);
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_join(readers[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&crowd.missing), 0);
    ck_assert_uint_eq(atomic_load(&crowd.unlike), 0);
    snapshot_free(crowd.snapshot);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *cases = tcase_create("snapshot");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_ring_never_changes);
    tcase_add_test(cases, a_version_is_known_with_all_that_it_has);
    tcase_add_test(cases, a_version_of_an_unknown_ring_is_not_taken);
    tcase_add_loop_test(cases, every_step_from_state_to_state, 0, STATES * STATES);
    tcase_add_test(cases, times_alone_are_an_update);
    tcase_add_test(cases, another_key_is_an_alteration);
    tcase_add_test(cases, what_was_compromised_stays_closed);
    tcase_add_test(cases, a_version_is_reinstated_again_and_again);
    tcase_add_test(cases, many_rings_are_found_and_walked);
    tcase_add_test(cases, finding_goes_on_while_the_look_puts);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
