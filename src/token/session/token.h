/* SPDX-License-Identifier: Apache-2.0 */
/* The PKCS#11 token at run time: finds it, logs in once, keeps sessions, and starts over after an outage. */
#ifndef TOKEN_SESSION_TOKEN_H
#define TOKEN_SESSION_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

struct token;
struct pin;

/* What the token answered, for callers that continue differently; the status and the message are for people. An `answer` parameter may be
 * NULL. */
enum token_answer {
    TOKEN_DONE,
    TOKEN_MISSING, /* the token is present and has no such object */
    TOKEN_REFUSES, /* the object exists and may not be used like this, or the token cannot do this */
    TOKEN_FAILED,  /* an outage, or a problem of this process: never a verdict */
};

/* Callbacks that check and repair the files of a software token, with the login lock held. Each may be NULL. */
struct token_watch {
    void (*before)(
        void *context); /* before a module that may have to be initialised first reads them, and before a login */
    void (*after)(void *context); /* after a successful login */
    void *context;                /* outlives the token */
};

#define TOKEN_HOLDER_SIZE 512

/* How long to wait for the login lock, and who is notified. It may change while the token is open. */
struct token_login_wait {
    int64_t most_ms; /* 0: 30 s */
    /* Called when the first connection has waited for a moment, and then every second. text contains what it reported last ("" at
     * first); it replaces text by the holder of the lock of this path. May be NULL. */
    void (*waits)(const char *path, char text[TOKEN_HOLDER_SIZE], void *context);
    void *context;
};

struct token_config {
    const char *module;    /* path of the shared object, only from the configuration */
    const char *init_args; /* NULL: none */
    const char *uri;       /* RFC 7512, identifies exactly one token; pin-value is refused */
    const char
        *pin_source; /* a file, refused if group or others can read it; a credential; the terminal: see pin_source.h */
    const struct pin *pin; /* in place of pin_source: the program passed it; outlives the token; NULL: it did not */
    sealring_pin_callback ask_pin; /* for the terminal; NULL: the PIN cannot be asked for */
    void *ask_context;
    const char
        *login_record;      /* file that is both the lock around connecting, shared by all processes that use the token
                               * (SoftHSM2 needs that: docs/tokens.md), and the memory of a refused PIN; created 0600 */
    const char *login_lock; /* the record to lock: another token's of this module; NULL: its own */
    bool without_hmac; /* CKM_SHA256_HMAC is not needed: it only signs checkpoints (signing_key.h) and stores data */
    struct token_watch watch;
    const struct token_login_wait *login_wait; /* outlives the token; NULL: 30 s, no notification */
    unsigned sessions_max; /* bound on parallel sessions, 0: 16; the token's ulMaxSessionCount also bounds it */
};

/* Loads and initialises the module, finds the token, logs in with at most one C_Login. SEALRING_TOKEN: the message names the problem
 * and what to do: module missing or not a module; token absent, two with that name, not initialised, user PIN not set, without
 * CKM_SHA256_HMAC; PIN file missing, readable by others, empty; PIN refused now or recorded as refused (another PIN gets exactly one
 * try; this one none until a login with it succeeded); OpenSSL does not work; last try left; PIN locked. SEALRING_INVALID: the URI is
 * not valid or has pin-value. */
sealring_status token_open(const struct token_config *config, struct token **opened, sealring_error *error);

/* Ends the sessions, and finalises the module if this was the last token on it and sealring initialised it. In a forked child it only
 * releases memory. NULL is allowed. */
void token_close(struct token *token);

/* Random bytes from the token (C_GenerateRandom, in pieces if necessary). */
sealring_status token_random(struct token *token, uint8_t *bytes, size_t length, sealring_error *error);

/* "label of the token (serial number)": for messages. */
const char *token_name(const struct token *token);

#endif
