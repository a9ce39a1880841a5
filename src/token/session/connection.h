/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a token: its connection, made, lost, and made again by one prober at a time. */
#ifndef TOKEN_SESSION_CONNECTION_H
#define TOKEN_SESSION_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include <sealring/verify.h>

#include "token/module/module.h"
#include "token/module/slot.h"
#include "token/pin/pin.h"
#include "token/session/handle_index.h"
#include "token/session/login_record.h"
#include "token/session/session_pool.h"
#include "token/session/token.h"

#define CONNECTION_MISSING 8

/* A key that the module did not show, and when the module may be initialised again for it. */
struct connection_missing {
    uint8_t object_id[TOKEN_OBJECT_ID_MAX];
    size_t object_id_length; /* 0: no entry */
    int64_t again_at;        /* on clock_boot_ms */
    int64_t wait_ms;         /* until the next permission after that */
};

struct token {
    pid_t pid; /* of the process that opened it */
    bool guards_sigpipe;
    struct module *module;
    struct token *next_on_module; /* guarded by module->use */
    P11KitUri *uri;
    struct token_config config; /* its texts are the token's own; without module and init_args */
    struct pin typed;           /* if pin_source is the terminal; kept while the token is open */
    atomic_bool typed_refused;
    char name[SLOT_NAME_SIZE]; /* set by the first connection */

    /* Written with module->use held for writing, or before other threads can see the token. */
    CK_SLOT_ID slot;
    bool login_required;
    bool crashes_logged_out;    /* NSS softokn: C_SignInit for HMAC crashes without login (docs/tokens.md) */
    uint64_t module_generation; /* the initialisation that slot and sessions belong to */
    struct record *record;      /* while connecting: the locked login record */

    /* Guarded by module->objects: the result of origin.h. */
    bool origin_known;
    bool origin_told_otherwise;

    atomic_bool up;
    atomic_uint_fast64_t generation; /* counts connections and logins: handles of an older one are invalid */
    struct session_pool pool;
    struct key_index index;

    pthread_mutex_t probe_lock; /* guards what follows */
    pthread_cond_t probe_done;
    bool probing;
    int64_t probe_started; /* on clock_boot_ms */
    int64_t next_probe;
    sealring_error last_error;                             /* why the last probe failed */
    struct connection_missing missing[CONNECTION_MISSING]; /* keys that were not found */
    size_t missing_next;                                   /* the entry that is replaced next */
};

/* SEALRING_TOKEN in a process that was forked from the one that opened the token. */
sealring_status connection_check_process(const struct token *token, sealring_error *error);

/* error is never NULL. Returns with module->use held for reading, on a connection that is up as far as known. Repairs a lost one, or waits at most a second
 * for the thread that does. */
sealring_status connection_enter(struct token *token, sealring_error *error);
void connection_leave(struct token *token);

/* Marks the connection as lost, if it is still the one of this generation: a late failure must not drop a new one. Not while inside. */
void connection_lost(struct token *token, uint64_t generation);

/* CKR_OK if the token is present. Retries for 15 ms before it reports that it is not. */
CK_RV connection_ask(const struct token *token);

/* Makes the first connection. The caller frees the token on failure. error is not NULL. */
sealring_status connection_open(struct token *token, sealring_error *error);

/* Ends the sessions and releases the module. Not in a forked child. Returns false at the end of the process, if a call of the module is
 * still running: then the token must not be freed. */
bool connection_close(struct token *token);

/* Finalises and initialises the module and connects again, so that later calls do not see its cached state. *fresh is false if this was
 * not done: the module is not ours; or, unless `insists`, another token of this process on it works, and would have to connect again,
 * too. */
sealring_status connection_refresh(struct token *token, bool insists, bool *fresh, sealring_error *error);

/* For a key that the module does not show. Some modules show only the objects that existed when they were initialised, so they find a
 * key that another process made later only after a new initialisation. That disturbs other users of the token, so it is done at once
 * for a key that was not missed before, and then at increasing intervals; never if the module is not ours. Returns whether it was done: search
 * again. If it can never be done, this is added to `error`, which describes the missing key. */
bool connection_refresh_for(struct token *token, const uint8_t *object_id, size_t object_id_length,
                            sealring_error *error);

/* The key was found: if it is missed again, the module may be initialised again at once. */
void connection_forget_missing(struct token *token, const uint8_t *object_id, size_t object_id_length);

#endif
