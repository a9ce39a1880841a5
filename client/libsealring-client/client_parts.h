/* SPDX-License-Identifier: Apache-2.0 */
/* The structure behind sealring_client, and how its parts change it. */
#ifndef CLIENT_PARTS_H
#define CLIENT_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealring/client.h>

#include "client/libsealring-client/client_file.h"
#include "client/libsealring-client/client_http.h"
#include "client/libsealring-client/client_sealed.h"
#include "client/libsealring-client/client_texts.h"

/* What does not change after the client was opened. */
struct client_settings {
    char *file;                            /* NULL: the source is an environment variable */
    char *state;                           /* its state file; NULL without a file */
    char only_watched[CLIENT_REASON_SIZE]; /* why it is never renewed, whatever the file is; "" otherwise */
    bool manual;
    int64_t interval_ms, spread_ms;
    struct client_server server;
    struct client_recipient recipient;
    sealring_client_event_callback callback;
    void *context;
};

/* What belongs to one process: a forked child makes its own, because a lock that the parent's thread held would stay locked for ever. */
struct client_worker {
    unsigned forks;       /* of which process it is */
    pthread_mutex_t lock; /* held while the file is read, and for a whole renewal */
    pthread_t thread;
    bool started;
    bool
        inherited_renewal; /* this child was forked within a renewal: libcurl's and OpenSSL's locks may be held for ever */
    atomic_bool stop;
    int wake;          /* eventfd */
    int file_lock;     /* -1: not held */
    dev_t lock_device; /* of that descriptor */
    ino_t lock_inode;
    struct client_mark mark;      /* of what was read last */
    bool unreadable;              /* was reported */
    atomic_uint failures;         /* in sequence */
    _Atomic(int64_t) retry_after; /* what the server asked for with the last failure, ms */
};

/* Texts are compared by their addresses: each exists once (client_texts). */
struct sealring_client {
    struct client_settings settings;
    struct client_texts texts;                              /* changed under the worker's lock */
    _Atomic(const char *) current;                          /* what is sent: newest or previous */
    _Atomic(const char *) newest;                           /* what the source contains */
    _Atomic(const char *) previous;                         /* NULL: none */
    _Atomic(const char *) refused_newest, refused_previous; /* by the service, with 401 */
    atomic_bool due;
    _Atomic(int64_t) sunset;
    atomic_bool in_transfer; /* some thread is within libcurl: a child that was forked meanwhile sees it */
    atomic_uint forks;
    _Atomic(struct client_worker *) worker;
};

/* The number of forks that lie between this process and the one that opened the first client. */
extern atomic_uint client_forks;

/* Reports to the program's callback. */
__attribute__((format(printf, 3, 4))) void client_report(const sealring_client *client, sealring_client_event event,
                                                         const char *format, ...);

/* What becomes the predecessor of the next one: the newest, unless the service refused it and not the present predecessor. */
const char *client_fallback(const sealring_client *client);

/* Makes the interned text the newest, and the one in use; client_fallback becomes the predecessor. Under the worker's lock. */
void client_adopt(sealring_client *client, const char *text);

/* Reads the file again if it has changed, and adopts what it contains. Under the worker's lock. */
void client_look(sealring_client *client, struct client_worker *worker);

/* One renewal. Without the worker's lock. */
sealring_client_result client_renew(sealring_client *client, struct client_worker *worker, int64_t wait_ms,
                                    sealring_error *error);

/* Returns whether the source can be renewed by this process now; otherwise `reason` states why not. */
bool client_renewable(const sealring_client *client, const struct client_worker *worker,
                      char reason[CLIENT_REASON_SIZE]);

/* A worker for this process; NULL: no memory or no descriptors. */
struct client_worker *client_worker_new(unsigned forks);
bool client_worker_start(sealring_client *client, struct client_worker *worker);
void client_worker_wake(const struct client_worker *worker);
/* Ends its thread. */
void client_worker_end(struct client_worker *worker);

/* The worker of this process, made if it was forked since; NULL: there is none. */
struct client_worker *client_join(sealring_client *client);

#endif
