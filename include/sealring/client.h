/* SPDX-License-Identifier: Apache-2.0 */
/* The interface for API clients: the credential to send now, renewed in the background. Unstable until 1.0; the library is libsealring-client. */
#ifndef SEALRING_CLIENT_H
#define SEALRING_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define SEALRING_CLIENT_TEXT_MAX \
    511 /* bytes of a credential: those of imported keys may be longer than sealring's own */

/* What the callback reports. */
typedef enum sealring_client_event {
    SEALRING_CLIENT_EVENT_CHANGED = 1, /* sealring_client_credential returns another text from now on */
    SEALRING_CLIENT_EVENT_TROUBLE = 2, /* a renewal failed, or the file cannot be read; it is tried again */
    SEALRING_CLIENT_EVENT_NOTE = 3     /* nothing to do: a renewal, why a source is only watched */
} sealring_client_event;

/* `message` is one line without anything secret. Called by the thread of the client, or within sealring_client_renew. It must not call
 * sealring_client_close or sealring_client_renew. */
typedef void (*sealring_client_event_callback)(sealring_client_event event, const char *message, void *context);

/* Plain memory of the caller, who sets size to sizeof(sealring_client_options) first. Exactly one of file, environment and
 * systemd_credential names the source; all other members may be zero. */
typedef struct sealring_client_options {
    size_t size;
    const char *file;               /* a file with the credential on one line */
    const char *environment;        /* an environment variable; it is read once and never renewed */
    const char *systemd_credential; /* a file in $CREDENTIALS_DIRECTORY (systemd.exec(5)); it is only watched */
    const char *url; /* where renewals are: https://HOST[:PORT][/PATH] or unix:PATH; NULL: the file is only watched */
    const char *ca_file;    /* certificates that sign the server's, in PEM; NULL: the system's */
    const char *key_file;   /* for rings with `renew sealed`: private key and certificate, in PEM; NULL: none */
    const char *vault_keys; /* and a file with the vault's keys, as `sealring audit key --all` prints them */
    int manual;             /* not 0: no thread; the program calls sealring_client_renew */
    int64_t interval_ms;    /* how often the server is asked if nothing reports that a successor is due, 0: 6 h */
    int64_t spread_ms;      /* how long a renewal that is due may be delayed at random, 0: 10 min */
    sealring_client_event_callback callback; /* may be NULL */
    void *context;
} sealring_client_options;

/* A credential that is kept current. Any number of threads may use it at once.
 *
 * Renewal. A thread of the client watches the file, and asks the server for the successor when one is due: when
 * sealring_client_response reported it, and at intervals. A successor is saved in the file before it is used. Several processes that use
 * the same file renew once between them. A source that cannot be replaced (read-only, a symbolic link, a mount of its own, on a network
 * file system) is only watched: the credential changes when the file does.
 *
 * Fork. A forked child continues with the credential of its parent; its first call of sealring_client_credential starts a thread of its
 * own. If the parent was within a renewal at that moment, the child only watches the file. */
typedef struct sealring_client sealring_client;

/* Opens the source and reads the credential. On success *opened is the caller's, to be closed with sealring_client_close; on failure it
 * is NULL. The thread has all signals blocked. Returns SEALRING_OK; SEALRING_INVALID for wrong options, an address other than https or
 * unix, or a source that contains no credential; SEALRING_NOT_FOUND if there is no such source; SEALRING_SYSTEM. */
sealring_status sealring_client_open(const sealring_client_options *options, sealring_client **opened,
                                     sealring_error *error);

/* Returns the credential to send now: a text that ends in NUL, never NULL. It stays valid and unchanged until sealring_client_close, so a
 * program may keep it for as long as a request takes. Takes no lock and makes no system call. */
const char *sealring_client_credential(sealring_client *client);

/* Reports an answer of the protected service: its HTTP status, and the value of its header `Sealring-Sunset`, NULL if it has none.
 * `credential` is the pointer that sealring_client_credential returned for that request: an answer to a request with an earlier
 * credential is no evidence about the present one. A sunset causes a renewal. 401 causes one at once, and until then the predecessor is
 * used, if it was not refused too. Never waits. */
void sealring_client_response(sealring_client *client, const char *credential, int status, const char *sunset);

typedef enum sealring_client_result {
    SEALRING_CLIENT_FAILED = 0,  /* no memory, or the source cannot be read */
    SEALRING_CLIENT_RENEWED = 1, /* the successor is in the file, by this process or by another one */
    SEALRING_CLIENT_CURRENT = 2, /* no successor is due */
    SEALRING_CLIENT_LATER = 3,   /* the server is away or busy, or another process is renewing: try again later */
    SEALRING_CLIENT_REFUSED = 4, /* the server renews this credential no more: ask its operator */
    SEALRING_CLIENT_UNSAVED = 5, /* the file or its directory cannot be written, so nothing was renewed */
    SEALRING_CLIENT_WATCHING = 6 /* this source is only watched */
} sealring_client_result;

/* Asks the server for the successor now, in the calling thread, unless the server has asked to wait until later. Waits at most wait_ms for
 * another process that is renewing, and at most 30 s for the server. For all results except the first two, *error has the reason. */
sealring_client_result sealring_client_renew(sealring_client *client, int64_t wait_ms, sealring_error *error);

/* Trades a claim code, which the operator has sent, for the credential, and saves it in options->file (mode 0600 if there is none yet), which
 * may then be opened. Of the options file and url are needed, and ca_file and vault_keys used: with the latter only an answer that the vault has
 * signed is accepted. The key pair of the claim is in FILE.claim until the credential is saved, so after a lost answer the same call gets the same
 * credential. Waits at most 30 s for another process, and as long for the server. RENEWED: it is in the file. Otherwise *error has the reason. */
sealring_client_result sealring_client_claim(const sealring_client_options *options, const char *code,
                                             sealring_error *error);

/* What is known about the credential; the caller sets size first. Times are milliseconds since 1970-01-01 UTC, 0: not known, or never. */
typedef struct sealring_client_summary {
    size_t size;
    int renews;                              /* 0: the source is only watched, for `reason` */
    int due;                                 /* a successor is due */
    int fell_back;                           /* the predecessor is in use, as the service refused the successor */
    char reason[256];                        /* "" if it renews */
    char key_id[SEALRING_KEY_ID_LENGTH + 1]; /* from the last renewal, as version and renewed */
    uint32_t version;
    int64_t renewed;
    int64_t expires;                        /* of the credential, as the server answered last */
    int expires_known;                      /* it has answered, so 0 means never */
    int64_t predecessor_until;              /* until when the predecessor is promised to be valid */
    int64_t checked;                        /* when the server answered last */
    int64_t retry_at;                       /* the server is not asked before that */
    uint32_t failures;                      /* since the last success */
    int64_t failed;                         /* when the last renewal failed */
    char last_error[SEALRING_MESSAGE_SIZE]; /* "" if the last renewal succeeded */
} sealring_client_summary;

/* Fills *summary, from the source's state file as well, which other processes write. Returns SEALRING_OK or SEALRING_SYSTEM. */
sealring_status sealring_client_status(sealring_client *client, sealring_client_summary *summary,
                                       sealring_error *error);

/* Ends the thread (a renewal is interrupted) and wipes the texts. No other call may be running. NULL, or a pointer to NULL, is allowed. */
void sealring_client_close(sealring_client **client);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
