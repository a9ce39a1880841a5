/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a token: its connection, and how an operation is tried, judged and repaired. */
#ifndef TOKEN_CONNECTION_H
#define TOKEN_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include <sealring/verify.h>

#include "token/index.h"
#include "token/module.h"
#include "token/record.h"
#include "token/session.h"
#include "token/slot.h"
#include "token/token.h"

struct token {
    pid_t pid; /* of the process that opened it */
    bool guards_sigpipe;
    struct module *module;
    struct token *next_on_module; /* guarded by module->use */
    P11KitUri *uri;
    char *uri_text;
    char *pin_source;
    char *login_record;
    char name[SLOT_NAME_SIZE]; /* fixed by the first connection */

    /* Written with module->use held for writing, or before anybody else sees the token. */
    CK_SLOT_ID slot;
    bool login_required;
    uint64_t module_generation; /* the initialisation that slot and sessions belong to */
    struct record *record;      /* while connecting: the login record, held */

    atomic_bool up;
    atomic_uint_fast64_t generation; /* counts connections and logins: handles of an older one are worthless */
    struct session_pool pool;
    struct key_index index;

    pthread_mutex_t probe_lock; /* guards what follows */
    pthread_cond_t probe_done;
    bool probing;
    int64_t probe_started; /* on clock_boot_ms */
    int64_t next_probe;
    sealring_error last_error; /* why the last probe failed */
};

enum connection_kind {
    CONNECTION_SIGN,   /* any session, no lock */
    CONNECTION_SEARCH, /* any session, under the one lock around find + create + set + destroy */
    CONNECTION_WRITE   /* a read-write session, under that lock */
};

/* One try of an operation. */
struct attempt {
    struct token *token;
    CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
    uint64_t generation;
    CK_RV code;            /* what the token said when the try failed: decides what is repaired. CKR_OK: nothing */
    bool acted;            /* the token may have been changed: not to be repeated if it was lost after that */
    sealring_error *error; /* never NULL */
};

typedef sealring_status (*attempt_action)(struct attempt *attempt, void *context);

/* Runs the action, and again after it was repaired what its code tells: session, login, connection. */
sealring_status connection_run(struct token *token, enum connection_kind kind, attempt_action action, void *context,
                               sealring_error *error);

/* Records that `function` answered `code`, about `what`; returns SEALRING_REFUSED or SEALRING_TOKEN. */
sealring_status attempt_fail(struct attempt *attempt, CK_RV code, const char *function, const char *what);

/* Whether the token is there and the user logged in, so that an empty search means something. If not, an error. */
sealring_status attempt_confirm(struct attempt *attempt);

/* First connection; the caller frees the token if it fails. */
sealring_status connection_open(struct token *token, sealring_error *error);

/* Ends sessions and leaves the module. Not in a forked child. */
void connection_close(struct token *token);

/* Finalises and initialises the module and connects anew, so that what follows is seen with fresh eyes. *fresh: false if it
 * could not be done, because the module is not ours alone. */
sealring_status connection_refresh(struct token *token, bool *fresh, sealring_error *error);

#endif
