/* SPDX-License-Identifier: Apache-2.0 */
/* When a client asks the server: delays with jitter, so that many clients do not ask at once. Pure. */
#include "client/libsealring-client/client_schedule.h"

#include <sys/random.h>
#include <time.h>

enum { REFUSED_MS = 1000, FAILED_FIRST_MS = 2000, FAILED_MOST_MS = 3600000, DOUBLINGS = 11 };

static int64_t up_to(int64_t most, uint64_t random)
{
    return most <= 0 ? 0 : (int64_t)(random % ((uint64_t)most + 1));
}

int64_t client_delay_due(int64_t left, int64_t spread, uint64_t random)
{
    return up_to(left / 4 < spread ? left / 4 : spread, random);
}

int64_t client_delay_refused(uint64_t random)
{
    return up_to(REFUSED_MS, random);
}

/* Half of it is fixed, so that a server that is overloaded gets a rest for certain. After Retry-After the clients come spread over a quarter. */
int64_t client_delay_failed(uint32_t failures, int64_t retry_after, uint64_t random)
{
    uint32_t doublings = failures == 0 ? 0 : failures - 1 < DOUBLINGS ? failures - 1 : DOUBLINGS;
    int64_t most = (int64_t)FAILED_FIRST_MS << doublings;
    if (most > FAILED_MOST_MS)
        most = FAILED_MOST_MS;
    int64_t delay = most / 2 + up_to(most / 2, random);
    int64_t asked = retry_after <= 0 ? 0 : retry_after + up_to(retry_after / 4, random);
    return delay > asked ? delay : asked;
}

int64_t client_delay_idle(int64_t interval, uint64_t random)
{
    return interval - interval / 4 + up_to(interval / 4, random);
}

uint64_t client_random(void)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) !=
        sizeof random) { /* early in a boot: it need not be secret */
        struct timespec now = {0};
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        random = (uint64_t)now.tv_nsec * UINT64_C(6364136223846793005);
    }
    return random;
}
