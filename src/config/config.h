/* SPDX-License-Identifier: Apache-2.0 */
/* A vault's configuration, sealring.conf: read, checked, written. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <limits.h>
#include <stddef.h>

#include <sealring/manage.h>

#include "config/software_token.h"
#include "log/audit_keys.h"
#include "token/key/key_object.h"
#include "token/pin/pin.h"
#include "token/session/token.h"

#define CONFIG_FILE            "sealring.conf"
#define CONFIG_ENVIRONMENT_MAX 16
#define CONFIG_TEXT_SIZE       1024
#define CONFIG_NUMBER_SIZE     8
#define CONFIG_WORD_SIZE       16
#define CONFIG_INODE_SIZE      32
#define CONFIG_GROUP_SIZE      64

struct config_variable {
    char name[128];
    char value[PATH_MAX];
};

/* How notices leave the vault: for the operator's side only. Checked where they are used (src/notify). */
struct config_notify {
    char hooks[PATH_MAX]; /* directory of executables that get notices, and no credentials */
    char mail_server[CONFIG_TEXT_SIZE];
    char mail_from[CONFIG_TEXT_SIZE];
    char mail_user[CONFIG_TEXT_SIZE];
    char mail_password_file[PATH_MAX];
    char mail_ca[PATH_MAX];
    char webhook_ring[CONFIG_GROUP_SIZE + 1]; /* the ring that webhook secrets are derived from */
    char webhook_private[CONFIG_WORD_SIZE];   /* "yes": webhooks may be sent to addresses that are not public */
    char webhook_ca[PATH_MAX];
};

/* All paths are absolute. Empty strings mean not configured. */
struct config {
    char directory[PATH_MAX];
    char registry[PATH_MAX];
    char lock[PATH_MAX];           /* held for each commit */
    char work[PATH_MAX];           /* held for a whole act, unless it only restricts */
    char urgent[PATH_MAX];         /* with it restrictions announce themselves */
    char verifiers[PATH_MAX];      /* directory of the report files */
    char unsigned_notes[PATH_MAX]; /* acts that no checkpoint covers */
    char eras[PATH_MAX];           /* eras that a restore or a take-over has ended */
    char bell[PATH_MAX];           /* rung after each commit that verifiers have to apply */
    char reports_bell[PATH_MAX];   /* rung by verifiers when their reports have news */
    char module[PATH_MAX];
    char module_init_args[CONFIG_TEXT_SIZE];
    char module_sessions[CONFIG_NUMBER_SIZE]; /* decimal */
    char token[CONFIG_TEXT_SIZE];
    char token_labels[CONFIG_WORD_SIZE]; /* how the token treats a key's label: config_labels */
    char pin_source[PATH_MAX];
    char login_record[PATH_MAX];
    char audit_token[CONFIG_TEXT_SIZE];
    char audit_pin_source[PATH_MAX];
    char audit_login_record[PATH_MAX];
    char audit_key[AUDIT_KEYS_TEXT_SIZE]; /* the keys that verify checkpoints, whatever the registry names, a line each
                                             (log/audit_keys.h); "": the registry's row counts */
    char place
        [PATH_MAX]; /* the directory in which the vault was made, with a trailing slash; "" in a file of an older program */
    char place_inode[CONFIG_INODE_SIZE];    /* decimal, followed by a word if the vault was made on an overlay */
    char verifier_group[CONFIG_GROUP_SIZE]; /* whose users may verify: verifier_group.h; "": none */
    char hooks[PATH_MAX];                   /* directory of executables that get successors */
    char deliveries[PATH_MAX];              /* directory for encrypted successors */
    struct config_notify notify;
    sealring_pin_callback
        ask_pin; /* not from the file: who is asked where a PIN comes from the terminal; NULL: nobody */
    void *ask_context;
    struct pin pin;                     /* likewise: of the keys' token, if the program passed it */
    struct token_login_wait login_wait; /* not from the file either */
    struct config_variable environment[CONFIG_ENVIRONMENT_MAX];
    size_t environment_count;
    struct software_tokens *software; /* the tokens are the vault's own, in files; NULL: they are not */
};

/* Reads DIRECTORY/sealring.conf. Free the result with config_free. SEALRING_INVALID names the line. */
sealring_status config_load(const char *directory, struct config **loaded, sealring_error *error);

/* SEALRING_INVALID if other users could put their files into the directory: it must not be writable by group or others, and for root it
 * must belong to root. */
sealring_status config_check_directory(const char *path, sealring_error *error);

/* An empty configuration for an existing directory, with the standard paths in it. */
sealring_status config_new(const char *directory, struct config **made, sealring_error *error);
void config_free(struct config *config);

/* What init determined about the token's labels, and how it is written: nothing is written if they can be changed, so that an older
 * program can read the configuration of every vault that it can handle. */
enum token_labels config_labels(const struct config *config);
void config_set_labels(struct config *config, enum token_labels labels);

/* Reads "NAME=VALUE". SEALRING_INVALID if the text has another form or is too long. */
sealring_status config_read_variable(struct config_variable *variable, const char *assignment, sealring_error *error);

/* The same, for the configuration. SEALRING_INVALID also if there are too many. */
sealring_status config_add_variable(struct config *config, const char *assignment, sealring_error *error);

/* Writes sealring.conf (0640) atomically. SEALRING_REFUSED if it exists. */
sealring_status config_write(const struct config *config, sealring_error *error);

/* Call it before the module is loaded. SEALRING_INVALID with the variable's name unless this process has every variable of
 * module-environment as configured; also if other users could write the module or SoftHSM2's configuration. */
sealring_status config_check_environment(const struct config *config, sealring_error *error);

/* Checks the source of a PIN, which may be a relative path, and writes it as it is configured. whose: "", or "audit token's " for messages. */
sealring_status config_set_pin_source(char pin_source[PATH_MAX], const char *source, const char *whose,
                                      sealring_error *error);

/* Sets where the PIN of the keys' token comes from this time (NULL: as in the file), and the callback for a PIN that must be typed. */
sealring_status config_use_pin(struct config *config, const char *source, sealring_pin_callback ask, void *context,
                               sealring_error *error);

/* Keeps a copy of a PIN that the program has, which is used in place of any source. SEALRING_INVALID if it cannot be one. */
sealring_status config_give_pin(struct config *config, const char *pin, size_t length, sealring_error *error);

/* SEALRING_REFUSED if the directory is a copy of the one for which the configuration was made: acts in the copy would change the
 * original's token, and close its keys. */
sealring_status config_check_copy(const struct config *config, sealring_error *error);

/* SEALRING_REFUSED if the report files, the registry, the login records or the lock files are on another mount than the vault's
 * directory: a mount over one of them, in one container, hides every verifier, commit and lock of all others. A registry that is
 * configured outside of the vault is not checked. */
sealring_status config_check_mounts(const struct config *config, sealring_error *error);

/* Makes this directory the vault's place. */
sealring_status config_take_place(struct config *config, sealring_error *error);

/* Adds the lines about the place to a sealring.conf that has none. */
sealring_status config_add_place(struct config *config, sealring_error *error);

/* Adds the line about the key that verifies checkpoints, unless the file has it by now. The caller holds vault.work. SEALRING_REFUSED if the file
 * names another key. */
sealring_status config_add_audit_key(struct config *config, const char *vkey, sealring_error *error);

/* How many keys have signed before the one that signs now. */
uint32_t config_key_number(const struct config *config);

/* Writes these lines about keys into sealring.conf instead of its own, and, unless they are NULL, the audit token and its PIN source; everything else stays. The
 * caller holds vault.work. */
sealring_status config_set_audit(struct config *config, const struct audit_keys *keys, const char *audit_token,
                                 const char *pin_source, sealring_error *error);

/* Calls config_check_mounts and config_check_copy, and returns SEALRING_REGISTRY if the vault's directory, its report files, its login
 * records or its registry are on a network file system: any of them may be a mount point of its own. */
sealring_status config_check_places(const struct config *config, sealring_error *error);

/* The parts that the token layer needs; they point into config. */
struct token_config config_token(const struct config *config);
struct token_config config_audit_token(const struct config *config);

#endif
