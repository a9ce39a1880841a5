/* SPDX-License-Identifier: Apache-2.0 */
/* The policy of a ring. <sealring/manage.h> includes it. */
#ifndef SEALRING_RING_POLICY_H
#define SEALRING_RING_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef enum sealring_renew_mode {
    SEALRING_RENEW_OFF = 0,    /* operators issue, nobody else */
    SEALRING_RENEW_BEARER = 1, /* the holder of a valid credential gets its successor */
    SEALRING_RENEW_SEALED = 2  /* the same, encrypted to the certificate that is registered for the client */
} sealring_renew_mode;
/* "off", "bearer", "sealed"; "none" for anything unknown. Static. */
const char *sealring_renew_mode_name(sealring_renew_mode mode);

/* What sealring_run_once does for API keys whose newest credential is under an older version than the active one. */
typedef enum sealring_deliver_mode {
    SEALRING_DELIVER_NONE = 0,   /* nothing: operators hand successors over */
    SEALRING_DELIVER_NOTIFY = 1, /* the client is notified */
    SEALRING_DELIVER_SEALED = 2, /* hooks, or a directory, get the successor, encrypted to the client's certificate */
    SEALRING_DELIVER_HOOK = 3    /* hooks get the successor */
} sealring_deliver_mode;
/* "none", "notify", "sealed", "hook"; "none" for anything unknown. Static. */
const char *sealring_deliver_mode_name(sealring_deliver_mode mode);

/* What a report of a leaked credential does to its API key. */
typedef enum sealring_leaks_mode {
    SEALRING_LEAKS_ALARM = 0,   /* nothing: operators act on the alarm */
    SEALRING_LEAKS_SUSPEND = 1, /* it is suspended */
    SEALRING_LEAKS_REKEY = 2    /* its credentials end, and it gets a new one */
} sealring_leaks_mode;
/* "alarm", "suspend", "rekey"; "none" for anything unknown. Static. */
const char *sealring_leaks_mode_name(sealring_leaks_mode mode);

typedef struct sealring_policy {
    int64_t overlap;      /* how long a predecessor is promised after a rotation; 1 s to 3650 d; default 7 d */
    int64_t purge_delay;  /* how long a retired or compromised version's object is kept; 0 to 3650 d; default 30 d */
    uint32_t keep;        /* number of retiring versions that may exist; 1 to 100; default 3 */
    int64_t rotate_every; /* sealring_run_once rotates at this interval, at most 3650 d; 0 (default): never */
    int64_t quiet_period; /* a version retires after this time without a use; 1 s to 3650 d; default 24 h */
    bool standby;         /* sealring_run_once maintains a standby; default false */
    bool idle_blocks;     /* API keys that never called block the retirement of their version; default false */
    int64_t usage_hourly; /* how long usage is stored by hour; 1 d to 400 d; default 7 d */
    int64_t usage_daily;  /* how long by day; at least usage_hourly, at most 3650 d; default 400 d */
#define SEALRING_SUCCESSION_OFF INT64_C(1) /* retire without asking for successors */
    int64_t succession; /* API keys used within it need a successor before a version retires; 1 d to 3650 d; 0: 400 d */
    sealring_renew_mode renew; /* whether holders of credentials may renew them: <sealring/renew.h>; default off */
    int64_t renew_life; /* how long a renewed credential lives; 1 min to 3650 d; 0 (default): as its predecessor */
#define SEALRING_RENEW_AGE_OFF INT64_C(1) /* no limit */
    int64_t renew_age; /* none expires later than this after the operator's issue; 1 min to 3650 d; 0: 400 d */
    sealring_deliver_mode deliver; /* who hands successors over after a rotation; default none */
    sealring_leaks_mode leaks;     /* what a report of a leaked credential does; default alarm */
} sealring_policy;

/* Which fields of a policy a caller sets. */
enum {
    SEALRING_POLICY_OVERLAP = 1,
    SEALRING_POLICY_PURGE_DELAY = 2,
    SEALRING_POLICY_KEEP = 4,
    SEALRING_POLICY_ROTATE_EVERY = 8,
    SEALRING_POLICY_QUIET_PERIOD = 16,
    SEALRING_POLICY_STANDBY = 32,
    SEALRING_POLICY_IDLE_BLOCKS = 64,
    SEALRING_POLICY_USAGE_HOURLY = 128,
    SEALRING_POLICY_USAGE_DAILY = 256,
    SEALRING_POLICY_SUCCESSION = 512,
    SEALRING_POLICY_RENEW = 1024,
    SEALRING_POLICY_RENEW_LIFE = 2048,
    SEALRING_POLICY_RENEW_AGE = 4096,
    SEALRING_POLICY_DELIVER = 8192,
    SEALRING_POLICY_LEAKS = 16384
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
