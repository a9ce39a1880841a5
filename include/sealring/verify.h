/* SPDX-License-Identifier: Apache-2.0 */
/* The interface for servers: one question per request, is this credential valid, whose is it, what may it do. */
#ifndef SEALRING_VERIFY_H
#define SEALRING_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* How a call ended. A verdict on a credential is no status: see sealring_verdict. */
typedef enum sealring_status {
    SEALRING_OK = 0,           /* done */
    SEALRING_REFUSED = 1,      /* not allowed in the present state, or the object exists already; nothing changed */
    SEALRING_NOT_FOUND = 2,    /* no such ring, version, client or key; nothing changed */
    SEALRING_INVALID = 3,      /* an argument or the configuration is wrong; nothing changed */
    SEALRING_TOKEN = 4,        /* the PKCS#11 token or its module is missing, failed or refused */
    SEALRING_REGISTRY = 5,     /* the registry is missing, damaged, locked or not a registry of sealring */
    SEALRING_WAITING = 6,      /* a barrier or gate is not satisfied yet; nothing changed */
    SEALRING_SYSTEM = 7,       /* memory, files or the operating system failed */
    SEALRING_NOT_EFFECTIVE = 8 /* committed, but a verifier that may be serving has not applied it yet */
} sealring_status;

#define SEALRING_MESSAGE_SIZE 512

/* Owned by the caller; every function that takes one accepts NULL. It is written on failure only.
 * message is one line of UTF-8: what failed, for which object, and what to do; it holds nothing secret. */
typedef struct sealring_error {
    sealring_status status;
    unsigned long token_code; /* the CK_RV behind it, 0 if none (PKCS #11 v2.40, section 11.1) */
    int registry_code;        /* the driver's code behind it (SQLite: extended result code), 0 if none */
    int system_errno;         /* the errno behind it, 0 if none */
    char message[SEALRING_MESSAGE_SIZE];
} sealring_error;

/* The result of sealring_verify_request. SEALRING_UNDECIDED is never returned: zeroed memory must not let anybody in. */
typedef enum sealring_verdict {
    SEALRING_UNDECIDED = 0,
    SEALRING_ACCEPTED = 1,
    SEALRING_REJECTED_MALFORMED = 2,       /* no credential, or a typing error (the check digits differ) */
    SEALRING_REJECTED_UNKNOWN = 3,         /* no API key has this key ID */
    SEALRING_REJECTED_BAD_SECRET = 4,      /* the key ID exists, but none of its credentials has this secret */
    SEALRING_REJECTED_NOT_YET_VALID = 5,   /* before its not-before time */
    SEALRING_REJECTED_EXPIRED = 6,         /* at or past its expiry */
    SEALRING_REJECTED_SUSPENDED = 7,       /* its API key is suspended */
    SEALRING_REJECTED_REVOKED = 8,         /* its API key is revoked, or it was replaced and its overlap has ended */
    SEALRING_REJECTED_VERSION_RETIRED = 9, /* its version is retired (or destroyed after that) */
    SEALRING_REJECTED_VERSION_COMPROMISED = 10, /* its version was declared compromised */
    SEALRING_REJECTED_SCOPE = 11,               /* authentic and valid, but it lacks a required scope */
    SEALRING_UNAVAILABLE = 12, /* no verdict: the token or the registry cannot be reached. Do not accept */
    SEALRING_REJECTED_ADDRESS =
        13, /* authentic and valid, but its API key is bound to networks, and the request's address is in none of them or not known */
    SEALRING_WOULD_BLOCK =
        64 /* only with SEALRING_NONBLOCK: no verdict yet. Ask without that flag, in a thread that may wait */
} sealring_verdict;

/* State of a version (NIST SP 800-57 part 1 rev. 5, section 7, in sealring's words). */
typedef enum sealring_version_state {
    SEALRING_VERSION_NONE = 0,
    SEALRING_VERSION_PENDING = 1,     /* pre-activation: accepted, issues nothing yet */
    SEALRING_VERSION_ACTIVE = 2,      /* active: accepted, issues */
    SEALRING_VERSION_RETIRING = 3,    /* accepted until it is retired, issues nothing */
    SEALRING_VERSION_RETIRED = 4,     /* deactivated: not accepted; can be reinstated */
    SEALRING_VERSION_COMPROMISED = 5, /* compromised: never accepted again */
    SEALRING_VERSION_DESTROYED = 6    /* the token object does not exist any more, the row does */
} sealring_version_state;

#define SEALRING_KEY_ID_LENGTH         16   /* characters of a key ID */
#define SEALRING_NAME_LENGTH_MAX       64   /* bytes of a ring's, client's or label's name */
#define SEALRING_SCOPES_LENGTH_MAX     1023 /* bytes of a set of scopes, separators included */
#define SEALRING_PREFIX_LENGTH_MAX     24   /* characters of a ring's prefix */
#define SEALRING_CREDENTIAL_LENGTH_MAX 102  /* characters of a credential: 24 + 1 + 16 + 1 + 10 + 1 + 43 + 6 */

/* What is known about the client. Plain memory of the caller, who sets size to sizeof(sealring_grant) first; fields that
 * do not fit into size are not written. Filled for accepted credentials and for rejections of issued ones, so that a
 * server can log whose credential it rejected; otherwise, and with SEALRING_UNAVAILABLE, all fields except size and reason are empty.
 * A closed credential is rejected because of the registry's row, before the token has confirmed that row: of all rejections, the
 * token has confirmed only the grants of SEALRING_REJECTED_SCOPE and SEALRING_REJECTED_ADDRESS.
 * Times are milliseconds since 1970-01-01 UTC, 0 for none. Strings end in NUL. Nothing here is secret. */
typedef struct sealring_grant {
    size_t size;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]; /* sorted, separated by single spaces (RFC 6749, section 3.3) */
    uint32_t version;
    uint32_t serial;
    sealring_version_state version_state;
    int64_t not_before;
    int64_t expires;
    int64_t sunset;   /* a successor is due: until when this credential is promised to be valid */
    char reason[256]; /* one line for the server's log: the reason */
} sealring_grant;

/* An open vault that verifies: a verifier, with a cache, a report file in the vault's `verifiers/` directory and a lease of its own.
 *
 * Freshness. When a command wakes it, and at intervals, the verifier polls the registry, applies changes, and writes its report. Each
 * report extends its lease (by default 60 s), counted on CLOCK_BOOTTIME from the start of the poll. After the lease has expired,
 * because the registry cannot be read or the process was stopped, every call returns SEALRING_UNAVAILABLE.
 *
 * Fork. A forked child (by fork, or a raw clone without CLONE_VM made while no other thread is inside sealring) shares nothing with
 * its parent: its first sealring_verify (or sealring_verify_request that may block) or sealring_maintain on the inherited handle makes it a verifier of its own, which takes the
 * same time as sealring_open. Each process that used a vault should close it. If a process ends without closing it, another verifier
 * takes over its report file. */
typedef struct sealring_vault sealring_vault;

typedef struct sealring_options {
    size_t size;            /* sizeof(sealring_options) */
    int manual_maintenance; /* not 0: no thread is started; the program calls sealring_maintain, also in forked children */
    int no_warming;         /* not 0: the cache is not warmed */
    uint32_t cache_max;     /* credentials in the cache, 0: 1,000,000; the least recently used are evicted */
    uint32_t waiting_max; /* threads that may wait for the token at once, 0: 256; others: SEALRING_UNAVAILABLE */
    const char *pin;      /* the user PIN of the keys' token, in place of the configured source; NULL: that source */
    size_t pin_length;    /* 1 to 256 bytes without control characters; no NUL needed */
} sealring_options;

/* Opens the vault in directory `vault` (absolute or relative; it contains sealring.conf) for verification: reads the
 * configuration, opens the registry read-only, logs in to the token once, with the configured PIN, proves the key of every
 * accepted version, and writes its first report. If the token refuses or lacks the key of a version, the vault opens all the same:
 * credentials of that version are SEALRING_UNAVAILABLE, and a message reports it.
 * options may be NULL. A PIN in it is copied into locked memory, which is in no core dump, is locked again when a forked child joins, and is wiped
 * by sealring_close: so a process that could not read the PIN itself, such as a worker, can open the vault. The caller wipes its own copy.
 * On success *opened is the caller's, to be closed with sealring_close; on failure it is NULL.
 * The environment variables that the token's module requires (module-environment in sealring.conf) must be set before:
 * the library never changes the environment. See sealring_environment in manage.h.
 * The maintenance threads, which manual_maintenance switches off, have all signals blocked.
 * Thread-safe. Returns SEALRING_OK; SEALRING_INVALID for a wrong configuration, a missing variable or a text that cannot be a PIN;
 * SEALRING_TOKEN; SEALRING_REGISTRY; SEALRING_SYSTEM (no memory, or the report file cannot be written). */
sealring_status sealring_open(const char *vault, const sealring_options *options, sealring_vault **opened,
                              sealring_error *error);

/* sealring_request.flags */
#define SEALRING_NONBLOCK UINT32_C(1) /* return SEALRING_WOULD_BLOCK rather than wait for anything */

/* What is asked. Plain memory of the caller, who sets size to sizeof(sealring_request) first; all other fields may be zero. The library keeps
 * no pointer of it. */
typedef struct sealring_request {
    size_t size;
    const char *credential; /* the text to judge: any bytes, any length, no NUL needed; NULL with length 0 */
    size_t length;
    const char *
        scope; /* NULL or "": none is required; else scope tokens separated by single spaces, all of which the credential must have
                          (RFC 6749, section 3.3) */
    const uint8_t *
        address; /* of the client, in network byte order, from a source that the client cannot write; NULL: not known, then an API key that is
                          bound to networks is rejected. An IPv4-mapped address of IPv6 is one of IPv4 */
    size_t address_length; /* 4 (IPv4) or 16 (IPv6); with any other the address is not known */
    uint32_t flags;        /* 0, or SEALRING_NONBLOCK */
} sealring_request;

/* Judges the request. grant may be NULL.
 * A credential in this verifier's cache is judged without locks, system calls or memory allocation, by the registry's state at the
 * last poll. On a cache miss the credential is read from the registry, and the token derives it once, however many threads ask for it;
 * they wait for some seconds at most. Text that is no credential, an unknown key ID and a wrong secret never reach the token.
 *
 * With SEALRING_NONBLOCK the whole call does without locks, system calls and memory allocation, as event loops need it. What is in memory is
 * answered: a credential in the cache, text that is no credential, a key ID that the filter excludes, an expired lease. For everything else it
 * returns SEALRING_WOULD_BLOCK, counts nothing, and leaves in the grant only a reason. A thread that may wait then asks without the flag, and
 * that verdict is the answer to the request. If the credential entered the cache, later calls with the flag are answered from memory,
 * except the first one in each hour, whose use the report must make room for. A rejected credential may never enter it.
 *
 * A request that this library does not understand (its size is smaller than in the first release that had it, or an unknown flag or field is not
 * zero, because the program was built for a later release) is SEALRING_UNAVAILABLE, with the reason.
 * Any number of threads may call it on one vault at the same time. Not async-signal-safe. Never returns SEALRING_UNDECIDED. Send
 * to the client no more than sealring_verdict_http_status and RFC 6750's `invalid_token` or `insufficient_scope` (section 3.1). */
sealring_verdict sealring_verify_request(sealring_vault *vault, const sealring_request *request, sealring_grant *grant);

/* The same for a credential and a scope alone, without a flag. */
sealring_verdict sealring_verify(sealring_vault *vault, const char *credential, size_t length, const char *scope,
                                 sealring_grant *grant);

/* Whether somebody can trade this claim code for a credential (sealring-claim(1)): SEALRING_ACCEPTED, SEALRING_REJECTED_MALFORMED,
 * SEALRING_REJECTED_UNKNOWN (also if it has expired), or SEALRING_UNAVAILABLE. For a server that passes claims to sealring-broker, so that
 * strangers cost one search in the registry; the broker proves the code. May wait. */
sealring_verdict sealring_claim_known(sealring_vault *vault, const char *code, size_t length);

/* Does once what the maintenance threads do: polls the registry, reports, proves new versions, warms the cache with a few credentials,
 * passes messages to the callback. *next_ms, if not NULL, receives the milliseconds after which to call again; a later call delays
 * changes, and after the lease the verifier stops serving. May be called from any thread; calls at the same time run one after another.
 * Also allowed where the maintenance threads run: the verifier polls at once.
 * Returns SEALRING_OK if the verifier is up to date; SEALRING_REGISTRY, SEALRING_TOKEN (a version is not proved yet) or
 * SEALRING_SYSTEM otherwise: service continues until the lease expires, and the next call tries again. */
sealring_status sealring_maintain(sealring_vault *vault, uint32_t *next_ms, sealring_error *error);

/* Receives one variable of the environment; anything but 0 ends the listing. */
typedef int (*sealring_environment_callback)(const char *name, const char *value, void *context);

/* Passes each environment variable that the vault's PKCS#11 module needs (module-environment in sealring.conf) to `each`. A program sets them
 * before it opens the vault and before it starts threads: setenv is not thread-safe, so the library never sets one itself. Texts are valid
 * until `each` returns. Any thread. Returns SEALRING_OK; SEALRING_INVALID for a wrong or missing sealring.conf; SEALRING_REFUSED if `each`
 * ended the listing. */
sealring_status sealring_environment(const char *vault, sealring_environment_callback each, void *context,
                                     sealring_error *error);

typedef enum sealring_log_level {
    SEALRING_LOG_INFORMATION = 1, /* for information: joined, up to date again, recovered */
    SEALRING_LOG_WARNING = 2,     /* something is unavailable or late; service continues, or will resume */
    SEALRING_LOG_ALARM =
        3 /* an operator should act now: altered registry, another key in the token, clocks that disagree */
} sealring_log_level;

/* message: one line of UTF-8 that holds nothing secret, valid until the callback returns. */
typedef void (*sealring_log_callback)(sealring_log_level level, const char *message, void *context);

/* Sets the callback that receives the messages; NULL: they are dropped (the library never writes to stderr). A maintenance thread calls
 * it, or the library calls it inside sealring_maintain, with no lock held. It may call sealring_verify and sealring_stats, and fork, but
 * not sealring_maintain, sealring_set_log or sealring_close on this vault. A child that is forked inside the callback should not return
 * from it: on a maintenance thread the child's only thread would end, and so would the process, with status 0. When sealring_set_log
 * returns, the former callback is not running any more. Up to 64 messages are stored until they are passed; the oldest are dropped. */
void sealring_set_log(sealring_vault *vault, sealring_log_callback callback, void *context);

#define SEALRING_VERDICTS 14 /* values of sealring_verdict that are counted: all but SEALRING_WOULD_BLOCK */

/* The counters of one verifier (this process, this vault) since it joined. The caller sets size first. */
typedef struct sealring_statistics {
    size_t size;
    uint64_t verdicts[SEALRING_VERDICTS]; /* calls by their verdict, index: sealring_verdict */
    uint64_t cached;                      /* calls answered from memory */
    uint64_t registry_lookups;            /* credentials read from the registry */
    uint64_t token_operations;            /* credentials that the token derived, including cache warming */
    uint64_t warmed;                      /* of them by cache warming */
    uint64_t looks;                       /* complete polls of the registry */
    uint64_t fenced; /* times that everything was dropped and loaded again: another era, a lower epoch, another file */
    uint64_t epoch;  /* applied */
    int64_t lease_left_ms;      /* 0: expired */
    uint64_t credentials;       /* in the cache now */
    uint64_t credential_bytes;  /* memory that they use, including their share of the report file */
    uint64_t versions_unproved; /* accepted versions whose key is not proved yet */
} sealring_statistics;

/* Fills it. Thread-safe. The counters are no snapshot of one instant. In a forked child that has not joined yet all are 0. */
void sealring_stats(sealring_vault *vault, sealring_statistics *statistics);

/* Closes *vault and sets it to NULL; NULL and *vault NULL are allowed. No other thread may be using the vault. Waits for the
 * maintenance threads. In a forked child that did not use the vault it only frees memory. */
void sealring_close(sealring_vault **vault);

/* 1 for SEALRING_ACCEPTED, else 0. */
int sealring_verdict_accepted(sealring_verdict verdict);

/* A stable lower-case name such as "accepted" or "version-retired"; "undecided" for anything unknown. Static. */
const char *sealring_verdict_name(sealring_verdict verdict);

/* The HTTP status for a server's response: 200 accepted, 403 scope, 503 unavailable or would-block, 401 otherwise (RFC 6750, section 3.1). */
int sealring_verdict_http_status(sealring_verdict verdict);

/* A stable lower-case name such as "retiring"; "none" for anything unknown. Static. */
const char *sealring_version_state_name(sealring_version_state state);

/* The library's version, such as "0.1.0". Static. */
const char *sealring_library_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
