/* SPDX-License-Identifier: Apache-2.0 */
/* Notices: clients learn what happens to their credentials. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_NOTICES_H
#define SEALRING_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- What a client receives -------------------------------------------------------------------------------------------- */

typedef enum sealring_notice_event {
    SEALRING_NOTICE_SUCCESSOR = 1,   /* another version is active: a successor is available */
    SEALRING_NOTICE_CLOSING = 2,     /* the version of the newest credential retires in 7 days, 1 day, 1 hour */
    SEALRING_NOTICE_OLD = 3,         /* the same, of a key that has a newer credential and does not use it */
    SEALRING_NOTICE_EXPIRING = 4,    /* the newest credential expires in 7 days, 1 day, 1 hour */
    SEALRING_NOTICE_EXPIRED = 5,     /* it has expired */
    SEALRING_NOTICE_REVOKED = 6,     /* the API key was revoked */
    SEALRING_NOTICE_ROLLED_BACK = 7, /* an older version is active again */
    SEALRING_NOTICE_CONTESTED = 8,   /* two peers renewed the same credential of a key for one holder */
    SEALRING_NOTICE_EMERGENCY = 9    /* a version was compromised: its credentials are rejected */
} sealring_notice_event;
/* "successor-available", "window-closing", "still-on-old-version", "expiring", "expired", "revoked", "rolled-back", "contested", "emergency";
 * "none" for anything unknown. Static. */
const char *sealring_notice_event_name(sealring_notice_event event);

typedef enum sealring_notice_channel {
    SEALRING_CHANNEL_EMAIL = 1,
    SEALRING_CHANNEL_WEBHOOK = 2,
    SEALRING_CHANNEL_HOOK = 3
} sealring_notice_channel;
/* "email", "webhook", "hook"; "none" for anything unknown. Static. */
const char *sealring_notice_channel_name(sealring_notice_channel channel);

/* What is set for one client; NULL: as it is. "none" or "" removes it. */
typedef struct sealring_notice_settings {
    size_t size;
    const char *channels; /* "email,webhook,hook" or some of these */
    const char *webhook;  /* an https URL of at most 2048 bytes */
    const char *quiet;    /* "22:00-07:00", UTC: only emergencies and contested keys are sent meanwhile */
    const char *digest; /* a duration of 1h to 7d: everything but emergencies and contested keys is sent at once then */
} sealring_notice_settings;

/* As sealring_client_add_certified and sealring_client_set_certified, in the same act with the settings; settings NULL: as they are. SEALRING_INVALID:
 * a text is not as above, or a channel lacks what it needs: email the contact, webhook the URL. */
sealring_status sealring_client_add_notified(sealring_manager *manager, const char *name, const char *contact,
                                             const void *certificate, size_t length,
                                             const sealring_notice_settings *settings, sealring_error *error);
sealring_status sealring_client_set_notified(sealring_manager *manager, const char *name, const char *contact,
                                             const void *certificate, size_t length,
                                             const sealring_notice_settings *settings, sealring_error *error);

typedef struct sealring_notices_info {
    size_t size;
    const char *state; /* "none", "confirmed", or "altered": somebody edited the registry, and nothing is sent */
    char channels[24];
    char quiet[16];
    int64_t digest; /* 0: none */
    char webhook[2049];
} sealring_notices_info;

/* The client's settings. SEALRING_NOT_FOUND: there is no such client. */
sealring_status sealring_client_notices(sealring_manager *manager, const char *name, sealring_notices_info *info,
                                        sealring_error *error);

/* ---- Sending ----------------------------------------------------------------------------------------------------------- */

typedef enum sealring_send_state {
    SEALRING_SEND_DONE = 1,  /* the receiver has taken the message */
    SEALRING_SEND_RETRY = 2, /* it is sent again later */
    SEALRING_SEND_DEAD = 3,  /* a dead letter: it is not tried any more, until sealring_notices_retry */
    SEALRING_SEND_ALARM = 4  /* the registry was altered: nothing was sent */
} sealring_send_state;

/* What became of one message, or an alarm. */
typedef struct sealring_notices_report {
    size_t size;
    const char *client;              /* "": none in particular */
    sealring_notice_channel channel; /* 0 for an alarm */
    const char *id;                  /* of the message; NULL for an alarm */
    uint64_t count;                  /* notices in it */
    sealring_send_state state;
    const char *text; /* the reason, one line, nothing secret; "" for DONE */
} sealring_notices_report;

/* Any value but 0 ends the turn. */
typedef int (*sealring_notices_callback)(const sealring_notices_report *report, void *context);

typedef struct sealring_notices_result {
    size_t size;
    uint64_t sent;   /* messages */
    uint64_t failed; /* messages */
    uint64_t alarms;
    uint64_t waiting; /* notices that are still to be sent */
    uint64_t dead;    /* notices that are not tried any more */
} sealring_notices_result;

/* Derives from the audit log and from the times of the registry what clients are to be notified of, then sends what is due, for about `limit` ms (0: 30 s), outside
 * of every lock. At least once: a message that was sent when the process ended is sent again with the same ID. Needs the token, which confirms each API
 * key that is named. With dry_run nothing is derived or sent. SEALRING_TOKEN, SEALRING_REGISTRY. */
sealring_status sealring_notices_send(sealring_manager *manager, int64_t limit, sealring_notices_callback each,
                                      void *context, sealring_notices_result *result, sealring_error *error);

/* Sends a test message to the client by each of its channels at once, and records nothing. */
sealring_status sealring_notices_test(sealring_manager *manager, const char *client, sealring_notices_callback each,
                                      void *context, sealring_error *error);

/* One notice that waits, or a dead letter. */
typedef struct sealring_notice_info {
    const char *client;
    sealring_notice_channel channel;
    sealring_notice_event event;
    const char *ring;
    uint32_t version;
    const char *key_id; /* "": API keys of the client in the ring */
    int64_t at;         /* when it happened */
    int64_t due;        /* not before this time */
    uint32_t attempts;
    bool dead;
    const char *reason; /* why the last attempt failed; "": none did */
    char id[33];        /* of its message; "": it is in none yet */
} sealring_notice_info;

typedef int (*sealring_notice_callback)(const sealring_notice_info *notice, void *context);

/* By client, channel and time. client NULL: of all. SEALRING_NOT_FOUND: there is no such client. */
sealring_status sealring_notices_list(sealring_manager *manager, const char *client, sealring_notice_callback each,
                                      void *context, sealring_error *error);

/* How many wait, and how many are dead letters. */
sealring_status sealring_notices_count(sealring_manager *manager, uint64_t *waiting, uint64_t *dead,
                                       sealring_error *error);

/* Dead letters are tried again, and what failed is due at once. *count: notices. client NULL: of all. */
sealring_status sealring_notices_retry(sealring_manager *manager, const char *client, uint64_t *count,
                                       sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
