/* SPDX-License-Identifier: Apache-2.0 */
/* Between two polls: the polling thread waits for the operator's bell, so that it polls at once after a commit and seldom without one. */
#include "verifier/fresh/listen.h"

#include "bell/bell.h"

void listen_begin(struct verifier *verifier)
{
    struct listening *listening = &verifier->listening;
    uint32_t word = 0;
    bool present = verifier->setup.bell != NULL && bell_read(&listening->bell, &word);
    bool rung = present && listening->present && word != listening->word;
    listening->missed = listening->missed && !rung;
    listening->rung = rung;
    listening->present = present;
    listening->word = word;
}

/* A change whose ring has not come, or not yet: the bell may be another file for the operator's side (another layer of an overlay, another
 * host's view of it), or its ringer may be an older program. Until a ring comes again, the refresh interval bounds the wait. */
static void notice_missed(struct verifier *verifier)
{
    struct listening *listening = &verifier->listening;
    uint64_t applied = atomic_load(&verifier->applied);
    if (listening->began && applied != listening->applied && !listening->rung)
        listening->missed = true;
    listening->began = true;
    listening->applied = applied;
}

int64_t listen_wait(struct verifier *verifier, bool polled)
{
    struct listening *listening = &verifier->listening;
    int64_t refresh = atomic_load(&verifier->refresh_ms);
    int64_t most = atomic_load(&verifier->often_ms) < LISTEN_MAX_MS ? atomic_load(&verifier->often_ms) : LISTEN_MAX_MS;
    notice_missed(verifier);
    if (!listening->present || !polled)
        return refresh;
    if ((listening->missed || verifier->era_unsigned) && refresh < most)
        most = refresh; /* a checkpoint that confirms an era does not ring */
    enum bell_answer answer = bell_wait(&listening->bell, listening->word, most);
    return answer == BELL_RUNG || answer == BELL_SILENT ? 0 : refresh;
}

void listen_stop(struct verifier *verifier)
{
    bell_interrupt(&verifier->listening.bell);
}
