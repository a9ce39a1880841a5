/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: a thread holds one while it reads the cache. No reader waits for another, and a thread that frees memory knows when all have
 * left. */
#include "verifier/cache/reader_lanes.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* If libc registers restartable sequences (glibc 2.35, Linux 4.18), the kernel stores the processor's number in the thread's own
 * memory: it costs no more to read than a variable. */
#if defined(__has_include) && defined(__x86_64__)
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define LANES_KNOW_PROCESSOR 1
#endif
#endif

#include "base/error.h"

/* Two cache lines of x86, whose prefetcher fetches them in pairs; one cache line of some other processors. */
#define LANE_ALIGNMENT 128

#define SPINS_BEFORE_YIELD  200
#define YIELDS_BEFORE_SLEEP 50
#define SLEEP_NANOSECONDS   50000

/* turn: 0 while the lane is free, else the turn that its holder read on entry. */
struct lane_slot {
    _Alignas(LANE_ALIGNMENT) _Atomic(uint64_t) turn;
    struct lane lane;
};

/* How a writer knows that no reader can reach memory any more (C11, section 7.17.3).
 *
 * A writer (1) makes the memory unreachable by a seq_cst store or exchange, (2) raises the turn (lanes_turn) and gets the stamp S,
 * (3) reads every lane, seq_cst, and (4) frees the memory if each lane was 0 or had a turn >= S. A reader (a) reads the turn, acquire,
 * (b) exchanges it for the 0 of a lane, seq_cst, (c) reads pointers, each seq_cst, and what they point to, and (d) stores 0, release.
 * For each lane and each reader that ever held it, the value that (3) read in that lane was
 * - from before the reader's (b): then (3) precedes (b) in the single order of seq_cst operations. So (1) precedes every load of
 *   (c), which therefore sees (1) or a later value, never an earlier one. This is why (c) must be seq_cst: on some processors an
 *   acquire load may be executed ahead of the store half of (b).
 * - the reader's own turn: it is >= S, so (a) read what (2) or a later turn wrote. All of them are read-modify-writes, and (2)
 *   happens before (c): again (c) sees (1) or a later value.
 * - from (d) or after: each later value in the lane is an exchange that acquired the 0 before it, or its holder's 0. So (3)
 *   synchronises with (d), and all that the reader read happened before (4).
 * So no reader has, or can still get, what (4) frees. Code that changes chains must follow (1); code that reads them must
 * follow (c). */
struct lanes {
    _Alignas(LANE_ALIGNMENT) _Atomic(uint64_t) turn; /* starts at 1, as 0 marks a free lane */
    struct lane_slot slots[LANES_COUNT];
};

_Static_assert(sizeof(struct lane_slot) == LANE_ALIGNMENT, "lanes do not share cache lines");
_Static_assert((LANES_COUNT & (LANES_COUNT - 1)) == 0, "indexes are masked");

sealring_status lanes_new(struct lanes **made, sealring_error *error)
{
    struct lanes *lanes = aligned_alloc(LANE_ALIGNMENT, sizeof *lanes);
    *made = lanes;
    if (lanes == NULL)
        return error_no_memory(error);
    memset(lanes, 0, sizeof *lanes);
    atomic_init(&lanes->turn, 1);
    for (unsigned i = 0; i < LANES_COUNT; i++) {
        atomic_init(&lanes->slots[i].turn, 0);
        lanes->slots[i].lane.index = i;
    }
    return SEALRING_OK;
}

void lanes_free(struct lanes *lanes)
{
    free(lanes);
}

/* Thread descriptors are a stack's size apart, so their low bits are alike. The multiplication (2^64 / golden ratio) moves all bits to
 * the top. */
static unsigned lane_of_thread(void)
{
    return (unsigned)(((uint64_t)(uintptr_t)pthread_self() * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % LANES_COUNT;
}

/* Threads on different processors do not share a lane, and a lane's memory stays in its processor's cache. */
static unsigned lane_of_habit(void)
{
#ifdef LANES_KNOW_PROCESSOR
    if (__rseq_size != 0) {
        const volatile struct rseq *area =
            (const volatile struct rseq *)((const char *)__builtin_thread_pointer() + __rseq_offset);
        return area->cpu_id_start % LANES_COUNT;
    }
#endif
    return lane_of_thread();
}

static struct lane *try_lane(struct lanes *lanes, unsigned index)
{
    struct lane_slot *slot = &lanes->slots[index];
    uint64_t none = 0;
    uint64_t turn = atomic_load_explicit(&lanes->turn, memory_order_acquire);
    if (!atomic_compare_exchange_strong_explicit(&slot->turn, &none, turn, memory_order_seq_cst, memory_order_relaxed))
        return NULL;
    return &slot->lane;
}

/* The holder of the usual lane may be preempted for long: the other threads of its processor use other lanes. */
static __attribute__((noinline)) struct lane *try_others(struct lanes *lanes)
{
    unsigned first = lane_of_thread();
    struct lane *lane = NULL;
    for (unsigned i = 0; lane == NULL && i < LANES_COUNT; i++)
        lane = try_lane(lanes, (first + i) % LANES_COUNT);
    return lane;
}

struct lane *lanes_try_enter(struct lanes *lanes)
{
    struct lane *lane = try_lane(lanes, lane_of_habit());
    return lane != NULL ? lane : try_others(lanes);
}

struct lane *lanes_enter(struct lanes *lanes)
{
    struct lane *lane = lanes_try_enter(lanes);
    while (lane == NULL) {
        sched_yield();
        lane = try_others(lanes);
    }
    return lane;
}

void lanes_leave(struct lanes *lanes, struct lane *lane)
{
    atomic_store_explicit(&lanes->slots[lane->index].turn, 0, memory_order_release);
}

uint64_t lanes_turn(struct lanes *lanes)
{
    return atomic_fetch_add_explicit(&lanes->turn, 1, memory_order_seq_cst) + 1;
}

bool lanes_passed(struct lanes *lanes, uint64_t stamp)
{
    for (unsigned i = 0; i < LANES_COUNT; i++) {
        uint64_t turn = atomic_load_explicit(&lanes->slots[i].turn, memory_order_seq_cst);
        if (turn != 0 && turn < stamp)
            return false;
    }
    return true;
}

void lanes_wait(struct lanes *lanes)
{
    uint64_t stamp = lanes_turn(lanes);
    const struct timespec pause = {0, SLEEP_NANOSECONDS};
    for (unsigned tries = 0; !lanes_passed(lanes, stamp); tries++) {
        if (tries < SPINS_BEFORE_YIELD)
            continue;
        if (tries < SPINS_BEFORE_YIELD + YIELDS_BEFORE_SLEEP)
            sched_yield();
        else
            nanosleep(&pause, NULL);
    }
}
