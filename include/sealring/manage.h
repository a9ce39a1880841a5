/* SPDX-License-Identifier: Apache-2.0 */
/* The interface for operators: rings, versions, clients, API keys. Unstable until 1.0: the command is built on it. */
#ifndef SEALRING_MANAGE_H
#define SEALRING_MANAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/ring_policy.h>
#include <sealring/verify.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Conventions of this header, unless a comment states otherwise:
 * - Strings are UTF-8 ending in NUL; strings passed to a callback are valid until it returns.
 * - Times are milliseconds since 1970-01-01 UTC, 0 for none; durations are milliseconds.
 * - In a structure that begins with `size` the caller sets that field to the structure's sizeof; the other fields may be zero.
 * - error may be NULL. On failure nothing was changed, except by functions that are documented to work in batches; and a change whose
 *   last step failed with SEALRING_REGISTRY may have been made all the same: read the state to find out.
 * - A manager belongs to one thread at a time. Different managers may be used at the same time, on the same vault and from several
 *   processes too: the vault's lock serialises them. A forked child opens its own.
 * - Any call may return SEALRING_REGISTRY or SEALRING_SYSTEM; those that need the token, SEALRING_TOKEN.
 * - A callback returns 0 to continue; any other value stops the call, which then returns SEALRING_REFUSED. */

/* ---- Text: times, durations, explanations -------------------------------------------------------------------------- */

#define SEALRING_TIME_SIZE 32 /* bytes that sealring_time_format needs at most, NUL included */

/* Writes `time` as RFC 3339 in UTC ("2026-11-21T20:15:00Z", milliseconds only when not zero) into text, or "-" for 0. */
void sealring_time_format(int64_t time, char text[SEALRING_TIME_SIZE]);

/* Reads an RFC 3339 time with a zone ("2026-11-21T20:15:00Z", "…+01:00", fractions allowed). 1970 to 9999.
 * Otherwise SEALRING_INVALID. */
sealring_status sealring_time_parse(const char *text, int64_t *time, sealring_error *error);

/* Writes a duration in the largest units that express it exactly ("90d", "1d12h", "30s", "1500ms", "0s"). */
void sealring_duration_format(int64_t duration, char text[SEALRING_TIME_SIZE]);

/* Reads "90d", "12h", "30m", "10s", "250ms" or several in descending order ("1d12h"); at most 36500d. SEALRING_INVALID
 * for anything empty, negative, without unit or overflowing. */
sealring_status sealring_duration_parse(const char *text, int64_t *duration, sealring_error *error);

/* What the text of a credential contains, without asking registry or token. */
typedef struct sealring_explanation {
    bool well_formed;
    char prefix[SEALRING_PREFIX_LENGTH_MAX + 1]; /* this and the following: empty or 0 if it could not be read */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint32_t version;
    bool check_digits_match;
    char problem[160]; /* if not well formed: what is wrong and where, without repeating the text */
} sealring_explanation;

/* Reads `length` bytes at `credential`. Pure: no I/O, thread-safe. */
void sealring_explain(const char *credential, size_t length, sealring_explanation *explanation);

/* ---- Environment and init ------------------------------------------------------------------------------------------ */

#define SEALRING_PIN_SIZE 257 /* bytes of the room for a PIN, NUL included */

/* Asks for the user PIN of the token with this URI, where a PIN source is the terminal. Writes it, with NUL, into the SEALRING_PIN_SIZE
 * bytes at `pin`, which are locked memory, and returns 0; any other value: no PIN was given. It is called each time a token is opened, so
 * it may store the PIN (in memory that is locked, not dumped, and wiped), until it is called with pin NULL: then the token has refused the
 * PIN, and the callback must not give it again. */
typedef int (*sealring_pin_callback)(const char *token_uri, char *pin, void *context);

#define SEALRING_AUDIT_KEY_SIZE 512

typedef struct sealring_init_options {
    size_t size;
    const char *module;           /* path of the PKCS#11 module; NULL: SoftHSM2, with two new tokens inside the vault */
    const char *token_uri;        /* RFC 7512 URI of an initialised token; NULL with module NULL only */
    const char *pin_source;       /* the source of the user PIN: see sealring.conf(5). NULL with module NULL only */
    const char *module_init_args; /* for C_Initialize's pReserved, NULL for none */
    const char *const *module_environment; /* "NAME=VALUE", NULL-terminated; NULL for none */
    int64_t lease; /* how long a verifier may serve without polling the registry: 1 s to 1 h; 0: 60 s */
    const char
        *audit_token_uri; /* another token of the same module, whose PIN verifiers do not have: it signs the audit */
    const char *audit_pin_source;  /* log's checkpoints; NULL with a module: they are not signed */
    sealring_pin_callback ask_pin; /* where a PIN source is "terminal"; NULL: such a token cannot be opened */
    void *ask_context;
    int64_t refresh;            /* how often a verifier polls the registry: 10 ms to a third of the lease; 0: 200 ms */
    const char *verifier_group; /* a group whose users may verify: see sealring.conf(5); NULL: none */
} sealring_init_options;

typedef struct sealring_init_result {
    size_t size;
    char vault_id[33];   /* lower-case hexadecimal */
    bool software_token; /* the vault has its own SoftHSM2 tokens: for evaluation, not for production */
    char warning[256];   /* what the operator should know, empty for nothing */
    char audit_key[SEALRING_AUDIT_KEY_SIZE]; /* the key that verifies checkpoints; "" if nothing signs them */
} sealring_init_result;

/* The variables that sealring_init will require for these options, like sealring_environment. */
sealring_status sealring_init_environment(const char *vault, const sealring_init_options *options,
                                          sealring_environment_callback each, void *context, sealring_error *error);

/* Makes a vault in directory `vault`, which must be missing or empty. A token that the caller names is never initialised; it
 * is probed instead: a key is generated, read back, used, closed and destroyed, and the message names what the token cannot do.
 * If the caller names none, two SoftHSM2 tokens (keys, audit) with random PINs are made inside the vault. result may be NULL.
 * On failure everything that was made is removed again, also from tokens that the caller named. An interrupted call can be repeated with
 * the same tokens: what the first call made is removed, and the vault is made. SEALRING_REFUSED if there is a vault or other files. */
sealring_status sealring_init(const char *vault, const sealring_init_options *options, sealring_init_result *result,
                              sealring_error *error);

/* ---- Manager ------------------------------------------------------------------------------------------------------- */

typedef struct sealring_manager sealring_manager;

/* text: one line: the process that holds the lock for which a call waits, and, if it is stopped, how to continue or end it. */
typedef void (*sealring_lock_callback)(const char *text, bool stopped, void *context);

typedef struct sealring_manage_options {
    size_t size;
    bool dry_run;            /* every change is checked and described, but not made; nothing is written to the token */
    bool read_only;          /* refuse every change */
    int64_t lock_wait;       /* how long to wait for each of the vault's locks, 0: 10 s, and 2 min for restrictions */
    const char *take_over;   /* the reason to use a registry older than the anchor, or another one; NULL: refuse */
    const char *trust_clock; /* the reason to trust a wall clock that is behind the latest checkpoint; NULL: refuse */
    const char *pin_source;  /* the source of the key token's PIN for this manager; NULL: as in sealring.conf */
    sealring_pin_callback ask_pin; /* where a PIN source is "terminal"; NULL: such a token cannot be opened */
    void *ask_context;
    sealring_lock_callback lock_waits; /* called when a call waits for another command; may be NULL */
    void *lock_context;
} sealring_manage_options;

/* Opens the registry, and later the token, when a call needs it. options may be NULL. */
sealring_status sealring_manager_open(const char *vault, const sealring_manage_options *options,
                                      sealring_manager **opened, sealring_error *error);
void sealring_manager_close(sealring_manager **manager);

/* Opens a vault for verification, as sealring_open, with a PIN from another source: for programs that a person has started, not for
 * servers. pin_source NULL: as in sealring.conf. ask is called inside, and again when a forked child joins; NULL: there is none. */
sealring_status sealring_open_with_pin(const char *vault, const sealring_options *options, const char *pin_source,
                                       sealring_pin_callback ask, void *context, sealring_vault **opened,
                                       sealring_error *error);

/* What the operator should know about the last calls although they succeeded: a checkpoint of the audit log that could not be signed or
 * anchored, secrets that cannot be locked into memory, a trace that cannot be written. One line, "" for nothing; it belongs to the manager. */
const char *sealring_manager_remark(sealring_manager *manager);

/* Writes the part of it that concerns the whole process (secrets, trace), for a program without a manager. */
void sealring_process_remark(char remark[2 * SEALRING_MESSAGE_SIZE]);

/* Zeroed memory for a secret: pages of its own, locked if the limit permits, in no core dump; NULL: no memory. Freeing wipes it. */
void *sealring_secret_allocate(size_t size);
void sealring_secret_free(void *memory, size_t size); /* memory may be NULL; size as allocated */

typedef struct sealring_vault_info {
    size_t size;
    char path[4096];
    char vault_id[33];
    char era[33];
    uint64_t epoch;
    int schema;
    int64_t created;
    char module[4096];
    char token_uri[1024];
    int64_t last_run;                 /* when sealring_run_once last ran, to the minute; 0: it never did */
    bool signs;                       /* an audit token is configured, which signs the audit log */
    uint64_t entries, signed_entries; /* of the audit log; those that the latest valid checkpoint covers */
} sealring_vault_info;

sealring_status sealring_vault_describe(sealring_manager *manager, sealring_vault_info *info, sealring_error *error);

/* ---- Rings ---------------------------------------------------------------------------------------------------------- */

typedef struct sealring_ring_info {
    const char *name;
    char ring_id[33];
    const char *prefix;
    sealring_policy policy;
    bool rotation_held;      /* a rollback stops automatic rotation until an operator rotates or activates */
    uint32_t active_version; /* 0: none, issuing is refused */
    uint32_t versions;       /* number of versions that were ever made */
    uint64_t keys;           /* API keys that are not revoked */
    int64_t created;
} sealring_ring_info;

/* Makes a ring and its first version, which is active at once if no verifier may be serving; otherwise pending, to be activated
 * (SEALRING_EVENT_ACTIVATE) when it is past its barrier (sealring_wait_barrier). prefix: `[a-z0-9]+(_[a-z0-9]+)*`, at most 24 characters,
 * cannot be changed later; NULL: "sr". Name: letters, digits, `.`, `_`, `-`, first a letter or digit, at most 64. fields selects the
 * members of policy that are set (the others take the defaults); policy may be NULL if fields is 0. Needs the token.
 * SEALRING_REFUSED if a ring of that name exists; SEALRING_INVALID. */
sealring_status sealring_ring_create(sealring_manager *manager, const char *name, const char *prefix,
                                     const sealring_policy *policy, unsigned fields, sealring_error *error);

/* Changes the fields of the policy. Windows that were promised before (retire_at, purge_at) keep their end. */
sealring_status sealring_ring_set(sealring_manager *manager, const char *name, const sealring_policy *policy,
                                  unsigned fields, sealring_error *error);

typedef int (*sealring_ring_callback)(const sealring_ring_info *ring, void *context);

/* name NULL: all, sorted by name; else that one or SEALRING_NOT_FOUND (SEALRING_INVALID for an invalid name). */
sealring_status sealring_ring_list(sealring_manager *manager, const char *name, sealring_ring_callback each,
                                   void *context, sealring_error *error);

/* ---- Versions ------------------------------------------------------------------------------------------------------- */

typedef struct sealring_version_info {
    const char *ring;
    uint32_t version;
    sealring_version_state state;
    int64_t created;
    int64_t activated; /* when it last became active */
    int64_t retire_at; /* retiring: until when it is promised; active: a promise from before a rollback, 0 for none */
    int64_t closed;    /* when it was retired or compromised */
    int64_t purge_at;  /* retired, compromised: when its object may be destroyed */
    int64_t destroyed;
    bool was_compromised;                     /* also for a destroyed one */
    bool closing_owed;                        /* this version's object is not closed in the token yet */
    uint64_t credentials;                     /* credentials ever issued under it */
    uint64_t current;                         /* API keys, not revoked, whose newest credential is under it */
    char object_id[65], check_value[17];      /* CKA_ID, check value: in lower-case hexadecimal */
    char prf[33], origin[10], public_key[65]; /* "hmac-sha256"; "generated" or "adopted"; SHA-256, "": symmetric */
} sealring_version_info;

typedef int (*sealring_version_callback)(const sealring_version_info *version, void *context);

/* The versions of a ring, sorted by number; version 0: all, else that one or SEALRING_NOT_FOUND. */
sealring_status sealring_version_list(sealring_manager *manager, const char *ring, uint32_t version,
                                      sealring_version_callback each, void *context, sealring_error *error);

typedef enum sealring_event {
    SEALRING_EVENT_PREPARE = 1, /* makes the next version, pending */
    SEALRING_EVENT_ACTIVATE,    /* pending or retiring becomes active; the active one becomes retiring */
    SEALRING_EVENT_ROTATE,      /* prepare, unless a version is pending, then activate */
    SEALRING_EVENT_ROLLBACK,    /* activates the newest retiring version and stops automatic rotation */
    SEALRING_EVENT_RETIRE,      /* a retiring version whose window has ended is no longer accepted */
    SEALRING_EVENT_REINSTATE,   /* retired becomes pending again */
    SEALRING_EVENT_COMPROMISE,  /* never accepted again; if it was active, the standby replaces it */
    SEALRING_EVENT_DESTROY      /* destroys the token object */
} sealring_event;

/* "prepare" … "destroy"; "none" for anything unknown. Static. */
const char *sealring_event_name(sealring_event event);

typedef struct sealring_event_options {
    size_t size;
    const char *reason; /* stored in the audit log; at most 254 bytes, one line; required with overrule */
    bool overrule;      /* retire, activate, destroy do not wait for gate, keep, purge; nothing else is overruled */
    bool overrule_succession; /* retire also where API keys in use have no successor: locks clients out */
} sealring_event_options;

#define SEALRING_EFFECTS_MAX 8

typedef struct sealring_effect {
    uint32_t version;
    sealring_version_state from; /* SEALRING_VERSION_NONE: it was made */
    sealring_version_state to;
    int64_t retire_at; /* to retiring */
    int64_t purge_at;  /* to retired, compromised */
} sealring_effect;

typedef struct sealring_change {
    size_t size;
    sealring_effect effects[SEALRING_EFFECTS_MAX];
    size_t count;
    bool closing_owed;        /* a closed version's object is not closed in the token yet; `remark` has the reason */
    char guard[384];          /* the answers of the guards, also on failure; one line */
    char remark[256];         /* what the operator should know, empty for nothing */
    bool waits_for_verifiers; /* with SEALRING_WAITING: verifiers satisfy the guard by themselves, see sealring_wait */
} sealring_change;

/* Carries out `event` on ring `ring`. version 0: the event selects it; retire, reinstate, compromise and destroy require
 * a number (SEALRING_INVALID). options and change may be NULL; change->guard is also filled on failure.
 * All events except retire and compromise need the token. SEALRING_REFUSED if the state forbids it; SEALRING_WAITING if a guard is not
 * satisfied yet; SEALRING_NOT_FOUND. A version that a rotate has prepared stays pending when activating fails. */
sealring_status sealring_version_change(sealring_manager *manager, const char *ring, sealring_event event,
                                        uint32_t version, const sealring_event_options *options,
                                        sealring_change *change, sealring_error *error);

/* ---- Waiting: the barrier before a version issues, and until a change is effective ------------------------------------ */

typedef struct sealring_progress {
    size_t size;
    uint32_t done;    /* verifiers that have applied or proved it, */
    uint32_t total;   /* of this number that may be serving */
    int64_t at_most;  /* ms that the wait may still take, -1: no bound is known */
    const char *text; /* one line: only the missing verifiers, and what each has not done yet; "" for none */
} sealring_progress;

/* Called whenever something changes, and once a second. A value other than 0 ends the wait. */
typedef int (*sealring_progress_callback)(const sealring_progress *progress, void *context);

typedef struct sealring_wait {
    size_t size;
    int64_t most;                        /* time limit in ms; 0: check once; -1: no limit */
    sealring_progress_callback progress; /* may be NULL */
    void *context;
} sealring_wait;

/* Waits until the pending version (0: the ring's next one) may issue: every verifier that may be serving has reported the epoch of its
 * creation and derived its check value, or the verifier's lease has expired. No lock is held. SEALRING_OK, also for a version that is
 * past its barrier; SEALRING_WAITING, naming the missing verifiers; SEALRING_NOT_FOUND; SEALRING_REFUSED if the version is closed. */
sealring_status sealring_wait_barrier(sealring_manager *manager, const char *ring, uint32_t version,
                                      const sealring_wait *wait, sealring_error *error);

/* Waits until this manager's last change that can alter a verdict is effective: no call of any verifier that begins later uses the former
 * state. The lease bounds the wait: lease × 1.01 + 1 s after the commit no verifier serves with an older state, whatever it does. Then
 * carries out the closings that are owed and effective, if the token is open or can be opened. If nothing was changed: SEALRING_OK at
 * once. SEALRING_NOT_EFFECTIVE, naming the missing verifiers, if `most` has passed or the callback ended the wait. */
sealring_status sealring_wait_effective(sealring_manager *manager, const sealring_wait *wait, sealring_error *error);

/* Waits until no verifier uses the registry of before a restore or a take-over, and stores that. Until then nothing is issued and no
 * predecessor is activated: a verifier that has not polled again may reject credentials that the restored registry accepts again. The
 * lease bounds the wait, as above. If there is nothing to wait for: SEALRING_OK at once. SEALRING_NOT_EFFECTIVE as above. */
sealring_status sealring_wait_era(sealring_manager *manager, const sealring_wait *wait, sealring_error *error);

/* ---- Verifiers -------------------------------------------------------------------------------------------------------- */

typedef enum sealring_verifier_state {
    SEALRING_VERIFIER_JOINING = 1, /* opening the vault: serves nothing yet */
    SEALRING_VERIFIER_SERVING = 2,
    SEALRING_VERIFIER_SILENT = 3, /* alive, but its lease has expired: it returns `unavailable` until it polls again */
    SEALRING_VERIFIER_LEFT = 4,   /* closed the vault */
    SEALRING_VERIFIER_DEAD = 5,   /* its process ended without closing it, or the host was booted since */
    SEALRING_VERIFIER_LOST =
        6, /* its report file is missing or damaged: may serve until its lease has surely expired */
    SEALRING_VERIFIER_FORGOTTEN = 7
} sealring_verifier_state;
/* A stable lower-case name such as "serving"; "none" for anything unknown. Static. */
const char *sealring_verifier_state_name(sealring_verifier_state state);

typedef struct sealring_verifier_info {
    const char *instance; /* 32 hexadecimal digits */
    const char *host;
    const char *program;
    int64_t process;
    sealring_verifier_state state;
    int64_t joined;
    int64_t last_report; /* wall time of the last poll that it reported, 0: none yet */
    int64_t lease_left;  /* ms that it may serve at most without another poll; 0: its lease has expired */
    uint64_t epoch;      /* applied */
    uint64_t proved;     /* accepted versions, of all rings, whose check value it has derived */
    uint64_t unproved;   /* whose check value it has not derived */
    const char *owes;    /* one line: what it has not applied or proved yet, and what that delays; "" for nothing */
    const char *alarm;   /* its last alarm, if the audit log has no entry of it yet; "" for none */
} sealring_verifier_info;

typedef int (*sealring_verifier_callback)(const sealring_verifier_info *verifier, void *context);

/* Those that may be serving, then those that have ended and still affect a retirement; `all`: all that are stored. By host, program, process. */
sealring_status sealring_verifier_list(sealring_manager *manager, bool all, sealring_verifier_callback each,
                                       void *context, sealring_error *error);

/* Forgets a verifier that will not return: the hole that it left in the reports no longer counts as a use. The audit log stores this with
 * the reason, which is required. SEALRING_REFUSED for one that may still be serving: the message contains the time until when. One that
 * reports again is listed again. instance: its 32 digits, or a unique prefix of at least 4 digits. */
sealring_status sealring_verifier_forget(sealring_manager *manager, const char *instance, const char *reason,
                                         sealring_error *error);

/* ---- Policy carried out ------------------------------------------------------------------------------------------------ */

typedef enum sealring_plan_state {
    SEALRING_PLAN_AHEAD = 1, /* not due yet */
    SEALRING_PLAN_READY,     /* due, and nothing blocks it */
    SEALRING_PLAN_WAITING,   /* due; a guard makes it wait */
    SEALRING_PLAN_FORBIDDEN, /* due; an operator has to do it */
    SEALRING_PLAN_HELD,   /* an operator rolled back, or the clocks disagree: not automatically until that has ended */
    SEALRING_PLAN_DONE,   /* sealring_run_once has carried it out */
    SEALRING_PLAN_FAILED, /* it tried to and failed */
    SEALRING_PLAN_NOTICE  /* a notice about the clocks or the token */
} sealring_plan_state;
/* A stable lower-case name such as "waiting"; "none" for anything unknown. Static. */
const char *sealring_plan_state_name(sealring_plan_state state);

/* One act that a ring's policy requires, or that was carried out for it. */
typedef struct sealring_plan {
    size_t size;
    const char *ring;     /* "" of a notice that is about the vault */
    sealring_event event; /* PREPARE, ACTIVATE, RETIRE, DESTROY; 0 of a notice */
    uint32_t version;     /* of the act, also one that is still to be made; 0: none */
    int64_t due;          /* the time from which the policy requires it; 0 of a notice */
    sealring_plan_state state;
    const char *text;     /* one line: the answers of the guards, what blocks it, what failed */
    const char *foreseen; /* of an act that is AHEAD: one line, what will block it when it is due; "": nothing known */
    bool reissue;         /* API keys lack a successor: `foreseen` names the command that issues them */
    const sealring_change *change; /* of an act that is DONE; else NULL */
} sealring_plan;

typedef int (*sealring_plan_callback)(const sealring_plan *plan, void *context);

/* The acts that a ring's policy plans, sorted by time. Only reads, and needs no token. */
sealring_status sealring_ring_plan(sealring_manager *manager, const char *ring, sealring_plan_callback each,
                                   void *context, sealring_error *error);

typedef struct sealring_run_options {
    size_t size;
    const char *ring; /* NULL: all */
} sealring_run_options;

typedef struct sealring_run_result {
    size_t size;
    uint32_t done;     /* acts carried out */
    uint32_t failed;   /* acts that failed, for example because the token was away */
    uint32_t blocked;  /* due, but waiting, forbidden or held */
    bool clocks_held;  /* the wall clock was set: nothing irreversible is done automatically */
    int64_t next;      /* when the next act is due, 0: none */
    int64_t come_back; /* ms after which to call again at the latest */
    int64_t silence; /* ms until verifiers that are waited for have surely stopped serving; 0: none. For this manager */
    bool unsigned_log; /* the audit token, which sealring_manager_remark names, did not sign or anchor the audit log */
} sealring_run_result;

/* Prepares, activates, retires and destroys the versions for which the rings' policies require it and the guards allow it, one act at a time, and
 * carries out owed closings. Several schedulers may run at once. The call never waits for verifiers: the next one continues. `each` (may be NULL)
 * receives what was done or failed, then what is due and blocked, then what is AHEAD and will be blocked. An act that fails is no failure of the
 * call. With dry_run, what would be done is READY, and what a missing token would refuse is FAILED. options and result may be NULL. */
sealring_status sealring_run_once(sealring_manager *manager, const sealring_run_options *options,
                                  sealring_plan_callback each, void *context, sealring_run_result *result,
                                  sealring_error *error);

/* ---- Clients -------------------------------------------------------------------------------------------------------- */

typedef struct sealring_client_info {
    const char *name;
    const char *contact, *contact_state; /* "": none, or "altered"; else "confirmed", or "unconfirmed" */
    int64_t created;
    int64_t forgotten;
    uint64_t keys; /* API keys that are not revoked */
} sealring_client_info;

/* The name is like a ring's, and may also contain `@` and `+`. contact: at most 254 bytes without control characters, NULL for none. */
sealring_status sealring_client_add(sealring_manager *manager, const char *name, const char *contact,
                                    sealring_error *error);
sealring_status sealring_client_set(sealring_manager *manager, const char *name, const char *contact,
                                    sealring_error *error);
/* Erases the contact; the name stays, because the claims of the client's credentials contain it. Refused while the client has API keys
 * that are not revoked. A forgotten client gets no new keys. */
sealring_status sealring_client_forget(sealring_manager *manager, const char *name, sealring_error *error);

typedef int (*sealring_client_callback)(const sealring_client_info *client, void *context);
sealring_status sealring_client_list(sealring_manager *manager, const char *name, sealring_client_callback each,
                                     void *context, sealring_error *error);

/* ---- API keys and credentials ---------------------------------------------------------------------------------------- */

typedef struct sealring_issue_request {
    const char *client;
    const char *contact; /* for a client that SEALRING_ISSUE_ADD_CLIENTS adds; NULL for none */
    const char *label;   /* distinguishes the API keys of one client in one ring; NULL: "default". As a ring's name */
    const char *scopes;  /* scope tokens separated by spaces, any order; NULL: none */
    int64_t not_before;
    int64_t expires;
    bool expires_is_relative; /* computed from now: an existing key counts as the same whatever its expiry */
    const char *key_id;    /* of an existing key, which the new credential continues; NULL: none. See sealring_issue */
    const uint8_t *sha256; /* sealring_import: 32 bytes, SHA-256 of the client's present key; NULL for issuing */
    const char *from_addresses; /* as in sealring_key_set_addresses */
    bool one_holder;            /* of a new key: as with sealring_key_set_holders in <sealring/renew.h> */
    size_t line; /* of the caller's file: messages then contain "line N" in place of "request N"; 0: none */
} sealring_issue_request;

/* One credential. The member credential is secret: it is wiped when the callback returns. */
typedef struct sealring_issued {
    size_t index; /* of the request; 0 where there is only one */
    const char *client;
    const char *label;
    const char *key_id;
    const char *scopes;
    uint32_t version, serial;
    int64_t expires;
    bool existed;           /* it was issued before and is passed again */
    const char *credential; /* NULL: imported, only the client has it; or one of the next two was asked for */
    const char *claim;      /* a code to be traded for it (<sealring/claim.h>); NULL: not asked for */
    const char *sealed;     /* encrypted, in PEM (<sealring/sealed.h>); NULL: not asked for */
} sealring_issued;

typedef int (*sealring_issued_callback)(const sealring_issued *issued, void *context);

enum { SEALRING_ISSUE_ADD_CLIENTS = 1 /* add clients that do not exist */ };

/* Issues an API key for each request in ring `ring`, under its active version, and calls `each` with each credential, in the order of the
 * requests. All requests are checked first; one invalid request refuses the whole call. The message then contains "request N",
 * counted from 1; *bad_request, if not NULL, receives the index counted from 0 (SIZE_MAX: no request is at fault).
 * A single request without SEALRING_ISSUE_ADD_CLIENTS is SEALRING_REFUSED if its client already has a key with that label. With several,
 * or with SEALRING_ISSUE_ADD_CLIENTS, an existing key with the same scopes and times is passed again (existed), so that an interrupted
 * call can be repeated; one with other claims is refused. If the newest credential of such a key is under a closed version, its successor
 * is issued with the request's claims, provided that the request names the key's ID, because the registry's row cannot be confirmed any
 * more: this is how a ring is issued again from the operator's own list after a compromise.
 * Batches commit separately: after an interruption every credential that was passed is issued. Needs the token.
 * The token derives each credential twice. If its answers differ, or if it does not confirm the row of an existing key, a call that can be
 * repeated omits that request and continues: at the end SEALRING_TOKEN (they differed) or SEALRING_REFUSED, *bad_request == count, and the
 * message contains the number. A single request fails. With dry_run, `each` is not called. */
sealring_status sealring_issue(sealring_manager *manager, const char *ring, const sealring_issue_request *requests,
                               size_t count, unsigned flags, sealring_issued_callback each, void *context,
                               size_t *bad_request, sealring_error *error);

/* Imports keys that clients already have and of which only the SHA-256 is known: no client has to change anything first. Each becomes an
 * API key with an imported credential, whose digest the token binds to its claims (HMAC under the ring's active version), so that a writer
 * of the registry can neither add nor widen one. Every request requires sha256 and an expiry. `each` is called with credential NULL.
 * Everything else is as in sealring_issue, including SEALRING_ISSUE_ADD_CLIENTS and repeated calls; a digest that was imported before for
 * another client or label is SEALRING_REFUSED. The first sealring_reissue replaces an imported credential, which then ends after the
 * ring's overlap, or at its expiry if that is earlier. Keys of 8 to 512 bytes are recognised; they should have 128 random bits at least. */
sealring_status sealring_import(sealring_manager *manager, const char *ring, const sealring_issue_request *requests,
                                size_t count, unsigned flags, sealring_issued_callback each, void *context,
                                size_t *bad_request, sealring_error *error);

/* Passes the key's credential under its ring's active version, with the same claims, which the token confirms: the newest one, or a successor. */
sealring_status sealring_reissue(sealring_manager *manager, const char *key_id, sealring_issued_callback each,
                                 void *context, sealring_error *error);

/* The same for every active API key of the ring, sorted by client and label. *total, if not NULL, is set before the first call of `each`.
 * Keys that cannot be reissued (suspended, expired) are skipped. Keys whose newest credential is under a closed version, or whose row the token does
 * not confirm, or confirms only once, are omitted: then the call returns SEALRING_REFUSED at the end. Batches commit separately. */
sealring_status sealring_reissue_ring(sealring_manager *manager, const char *ring, uint64_t *total,
                                      sealring_issued_callback each, void *context, sealring_error *error);

typedef struct sealring_rekey_request {
    size_t size;
    const char *scopes; /* NULL: as before */
    bool set_expires;   /* expires replaces the former expiry */
    int64_t expires;
    int64_t overlap;    /* how long the older credentials of the key stay valid; 0: not at all */
    const char *reason; /* stored in the audit log */
} sealring_rekey_request;

/* Replaces the credentials of an API key, after a leak or to change its claims: issues a credential under the active version, whose serial
 * follows the next multiple of 65,536; all with lower serials are superseded and end after the overlap. Needs the token. */
sealring_status sealring_rekey(sealring_manager *manager, const char *key_id, const sealring_rekey_request *request,
                               sealring_issued_callback each, void *context, sealring_error *error);

typedef enum sealring_key_state {
    SEALRING_KEY_ACTIVE = 1,
    SEALRING_KEY_SUSPENDED = 2,
    SEALRING_KEY_REVOKED = 3
} sealring_key_state;
const char *sealring_key_state_name(sealring_key_state state);

typedef struct sealring_key_info {
    const char *key_id;
    const char *ring;
    const char *client;
    const char *label;
    sealring_key_state state;
    const char *narrowed; /* the scopes to which it is narrowed, NULL if it is not */
    int64_t created;
    uint32_t serial; /* of its newest credential, with: */
    uint32_t version;
    const char *scopes;
    int64_t expires;
    const char *from_addresses; /* the networks to which it is bound, separated by commas; NULL if it is not */
    bool one_holder;            /* it is for one holder: <sealring/renew.h> */
    bool contested;
} sealring_key_info;

typedef struct sealring_key_filter {
    const char *key_id; /* NULL: any; likewise below */
    const char *ring;
    const char *client;
} sealring_key_filter;

typedef int (*sealring_key_callback)(const sealring_key_info *key, void *context);

/* Sorted by ring, client, label. SEALRING_NOT_FOUND if the filter names a key, ring or client that does not exist. */
sealring_status sealring_key_list(sealring_manager *manager, const sealring_key_filter *filter,
                                  sealring_key_callback each, void *context, sealring_error *error);

typedef enum sealring_credential_state {
    SEALRING_CREDENTIAL_CURRENT = 1,
    SEALRING_CREDENTIAL_SUPERSEDED = 2 /* a newer one was issued to replace it */
} sealring_credential_state;
const char *sealring_credential_state_name(sealring_credential_state state);

typedef struct sealring_credential_info {
    const char *key_id;
    uint32_t serial;
    uint32_t version;
    sealring_version_state version_state;
    sealring_credential_state state;
    bool replaced; /* by rekey, or imported and reissued: it ends at retire_at */
    const char *scopes;
    int64_t issued;
    int64_t not_before;
    int64_t expires;
    bool imported;
    int64_t retire_at; /* superseded by rekey, or imported and reissued: when it ends */
    char digest[65];   /* SHA-256 of the text, lower-case hexadecimal */
} sealring_credential_info;

typedef int (*sealring_credential_callback)(const sealring_credential_info *credential, void *context);
sealring_status sealring_credential_list(sealring_manager *manager, const char *key_id,
                                         sealring_credential_callback each, void *context, sealring_error *error);

/* Sets an API key's state: active ⇄ suspended → revoked, which is final. When it returns, that is committed. reason: at most 254 bytes, one line. */
sealring_status sealring_key_set_state(sealring_manager *manager, const char *key_id, sealring_key_state state,
                                       const char *reason, sealring_error *error);

/* Narrows an API key to these scopes at once, for all its credentials. They must be among those that it has now, else SEALRING_REFUSED;
 * use sealring_rekey to widen them. "" leaves none. */
sealring_status sealring_key_narrow(sealring_manager *manager, const char *key_id, const char *scopes,
                                    sealring_error *error);
/* Binds it to networks such as "203.0.113.0/24,2001:db8::/48", at most 32; NULL, "" or "any": to none. Fewer addresses count at once. */
sealring_status sealring_key_set_addresses(sealring_manager *manager, const char *key_id, const char *networks,
                                           sealring_error *error);
/* Gives it another label. */
sealring_status sealring_key_set_label(sealring_manager *manager, const char *key_id, const char *label,
                                       sealring_error *error);

/* ---- Usage ------------------------------------------------------------------------------------------------------------ */

/* Verifiers count uses in report files of their own; a harvest stores them in the registry, also those of verifiers that died. The functions
 * below that list usage add the uses in the files that are not harvested yet, so that they are up to date, also with a read-only manager.
 * Statistics: no verdict depends on them, they do not move the epoch, and they are not in the audit log. */

typedef struct sealring_harvest_result {
    size_t size;
    uint32_t files;       /* report files of this vault */
    uint32_t skipped;     /* other files there: damaged, truncated, of another vault, or of another owner */
    uint64_t records;     /* records (one credential, one hour) in those files that were not final yet */
    uint64_t changed;     /* of these, written to the registry */
    uint64_t passed_over; /* records that are damaged, or of an API key or a version that does not exist */
    uint64_t ahead;       /* records of hours in the future, as a clock was wrong: they stay in the file until then */
    uint64_t without_detail; /* uses since the files were made that have no record, as a file was full */
    uint64_t rolled;         /* rows by hour that became rows by day */
    uint64_t pruned;         /* rows by day that were deleted */
    char remark[384];        /* one line about what was skipped, "" for nothing */
} sealring_harvest_result;

/* Harvests every report file, then sums hours to days and deletes days as the rings' policies require (usage_hourly, usage_daily). Takes
 * the vault's lock, does not need the token. The result is exact however often it is called, and wherever it is interrupted; batches commit
 * separately. result may be NULL. With dry_run nothing is written, and rolled and pruned are 0. */
sealring_status sealring_harvest(sealring_manager *manager, sealring_harvest_result *result, sealring_error *error);

typedef enum sealring_usage_by {
    SEALRING_USAGE_TOTAL = 0, /* one figure for each credential, also for those that were never used */
    SEALRING_USAGE_HOUR = 1,  /* hours that were summed to days are reported by day */
    SEALRING_USAGE_DAY = 2
} sealring_usage_by;

typedef struct sealring_usage_filter {
    const char *ring; /* NULL: any; likewise below */
    const char *client;
    const char *key_id;
    int64_t since; /* hours and days that overlap [since, until) count as a whole; until 0: no end */
    int64_t until;
    sealring_usage_by by;
} sealring_usage_filter;

typedef struct sealring_usage_info {
    const char *key_id;
    const char *ring;
    const char *client;
    const char *label;
    sealring_key_state state;
    bool newest; /* the key's newest credential */
    uint32_t serial;
    uint32_t version;
    int64_t from; /* [from, from + span): the hours and days, in UTC, that are counted here; 0 and 0: none */
    int64_t span;
    uint64_t accepted;
    uint64_t not_yet_valid; /* rejections of this credential, by reason */
    uint64_t expired;
    uint64_t suspended;
    uint64_t scope;   /* or the address */
    uint64_t closed;  /* revoked, replaced, or its version closed */
    int64_t last_use; /* the last use in that time, to the second; 0: none */
    int64_t key_used; /* a use of the key at any time, with any of its credentials, if known; 0: never used */
} sealring_usage_info;

typedef int (*sealring_usage_callback)(const sealring_usage_info *usage, void *context);

/* Sorted by ring, client, label, time and serial. filter may be NULL: everything, in total. With SEALRING_USAGE_TOTAL the newest credential
 * of every API key that matches the filter is included, used or not. SEALRING_NOT_FOUND if the filter names what does not exist. */
sealring_status sealring_usage_list(sealring_manager *manager, const sealring_usage_filter *filter,
                                    sealring_usage_callback each, void *context, sealring_error *error);

typedef struct sealring_traffic_info {
    uint32_t version;
    int64_t hour; /* its beginning */
    uint64_t accepted;
    uint64_t rejected;
} sealring_traffic_info;

typedef int (*sealring_traffic_callback)(const sealring_traffic_info *traffic, void *context);

/* The number of uses of each version of a ring in each hour that overlaps `since` or is later, sorted by hour, then version; hours without
 * a use are omitted. Only for the time for which the policy stores hours. */
sealring_status sealring_traffic(sealring_manager *manager, const char *ring, int64_t since,
                                 sealring_traffic_callback each, void *context, sealring_error *error);

/* ---- Audit log ------------------------------------------------------------------------------------------------------ */

/* Every act writes an entry in the transaction that carries it out. The entries are the leaves of a Merkle tree (RFC 6962). An audit token,
 * whose PIN verifiers do not have, signs a checkpoint (C2SP tlog-checkpoint) after each act, and stores an anchor of the last one. */

#define SEALRING_AUDIT_HASH_SIZE 45 /* a hash in base64, NUL included */
#define SEALRING_AUDIT_PROOF_MAX 64
#define SEALRING_AUDIT_NOTE_SIZE 8193

/* Proves that an entry is in the tree of the first tree_size entries, whose root is that of the latest checkpoint (RFC 6962, section
 * 2.1.1). An entry after that checkpoint has no proof yet: its number is above tree_size, and count is 0. */
typedef struct sealring_audit_proof {
    uint64_t tree_size;
    char root[SEALRING_AUDIT_HASH_SIZE];
    size_t count;
    char hashes[SEALRING_AUDIT_PROOF_MAX][SEALRING_AUDIT_HASH_SIZE];
} sealring_audit_proof;

typedef struct sealring_audit_entry {
    uint64_t sequence; /* from 1, without a gap */
    int64_t time;
    const char *actor; /* "alice@host 4711": user, host, process; NULL if it is not known */
    const char *act;   /* "version.activate" */
    const char *ring;  /* this and the following: NULL or 0 where the act has none */
    uint32_t version;
    const char *key_id;
    const char *client;
    const char *detail; /* JSON: before, after, reason; NULL for none */
    char operation_id[33];
    char leaf_hash[SEALRING_AUDIT_HASH_SIZE];
    const sealring_audit_proof *proof; /* NULL unless the filter has proofs */
} sealring_audit_entry;

typedef struct sealring_audit_filter {
    size_t size;
    const char *ring; /* NULL and 0 match every entry */
    const char *key_id;
    const char *client;
    const char *act; /* or the part before its dot: "version" */
    int64_t since;
    uint64_t first; /* the first entry, by its number */
    uint64_t last;  /* only this number of the entries that match: the newest */
    bool proofs;
} sealring_audit_filter;

typedef int (*sealring_audit_callback)(const sealring_audit_entry *entry, void *context);
/* Entries, the oldest first, without archived ones. filter may be NULL. */
sealring_status sealring_audit_list(sealring_manager *manager, const sealring_audit_filter *filter,
                                    sealring_audit_callback each, void *context, sealring_error *error);

typedef struct sealring_audit_check {
    size_t size;
    const char *key;        /* from a place that nobody else writes; NULL: of sealring.conf, else of the registry */
    const char *checkpoint; /* one that was stored elsewhere, whose history today's log must continue; NULL: none */
    const char *const *archives; /* files of sealring_audit_archive, ended by NULL; NULL: none */
} sealring_audit_check;

typedef struct sealring_audit_report {
    size_t size;
    uint64_t entries;
    uint64_t archived;    /* the first of them, in archives that were not given: they were not examined */
    uint64_t checkpoints; /* that are signed and agree with the log */
    uint64_t vouched;     /* the last entry that the latest of them covers */
    uint64_t closed;      /* closed facts: revoked keys, versions that were closed or reinstated */
    uint64_t problems;
    char root[SEALRING_AUDIT_HASH_SIZE]; /* of the tree over all entries */
    char key[SEALRING_AUDIT_KEY_SIZE];   /* the key that was used, "" for none */
    char remark[256];                    /* what the other members do not express, "" for nothing */
} sealring_audit_report;

/* One line; entry 0: none in particular. After a value other than 0 further problems are only counted. */
typedef int (*sealring_audit_problem_callback)(uint64_t entry, const char *text, void *context);

/* Examines the whole log without any token: every entry and the tree over them, every checkpoint, the closed facts and the rows that they
 * are about, and compares the rows with the changes that the entries record. check, each and report may be NULL. SEALRING_REFUSED if there
 * are problems; SEALRING_INVALID for a malformed key or checkpoint, and if an archive is missing that the given ones or the checkpoint need. */
sealring_status sealring_audit_verify(sealring_manager *manager, const sealring_audit_check *check,
                                      sealring_audit_problem_callback each, void *context,
                                      sealring_audit_report *report, sealring_error *error);

/* The verifier key (C2SP signed-note) and the latest checkpoint, a signed note: store them elsewhere. SEALRING_NOT_FOUND if there is none. */
sealring_status sealring_audit_key(sealring_manager *manager, char key[SEALRING_AUDIT_KEY_SIZE], sealring_error *error);
sealring_status sealring_audit_checkpoint(sealring_manager *manager, char note[SEALRING_AUDIT_NOTE_SIZE],
                                          sealring_error *error);

/* Makes a checkpoint or an anchor that is missing because a command was interrupted or the audit token was away. Every change does so, too.
 * SEALRING_REFUSED if the registry was rolled back; SEALRING_TOKEN. */
sealring_status sealring_audit_settle(sealring_manager *manager, sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
