/* SPDX-License-Identifier: Apache-2.0 */
/* A vault's configuration, sealring.conf: read, checked, written. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <sealring/manage.h>

#include "config/software_token.h"
#include "token/key/key_object.h"
#include "token/session/token.h"

#define CONFIG_FILE            "sealring.conf"
#define CONFIG_ENVIRONMENT_MAX 16
#define CONFIG_TEXT_SIZE       1024
#define CONFIG_NUMBER_SIZE     8
#define CONFIG_WORD_SIZE       16
#define CONFIG_INODE_SIZE      32

struct config_variable {
    char name[128];
    char value[PATH_MAX];
};

/* All paths absolute. Empty strings stand for what is not configured. */
struct config {
    char directory[PATH_MAX];
    char registry[PATH_MAX];
    char lock[PATH_MAX];      /* held for each commit */
    char work[PATH_MAX];      /* held for a whole act, unless it only restricts */
    char urgent[PATH_MAX];    /* by it restrictions announce themselves */
    char verifiers[PATH_MAX]; /* directory of the report files */
    char module[PATH_MAX];
    char module_init_args[CONFIG_TEXT_SIZE];
    char module_sessions[CONFIG_NUMBER_SIZE]; /* decimal */
    char token[CONFIG_TEXT_SIZE];
    char token_labels[CONFIG_WORD_SIZE]; /* what becomes of a key's label: config_labels */
    char pin_source[PATH_MAX];
    char login_record[PATH_MAX];
    char audit_token[CONFIG_TEXT_SIZE];
    char audit_pin_source[PATH_MAX];
    char audit_login_record[PATH_MAX];
    char place
        [PATH_MAX]; /* the directory that the vault was made in, with a slash behind it; "" in a file of an older program */
    char place_inode[CONFIG_INODE_SIZE]; /* decimal; a word behind it if the vault was made on an overlay */
    sealring_pin_callback
        ask_pin; /* not from the file: who is asked where a PIN comes from the terminal; NULL: nobody */
    void *ask_context;
    struct token_login_wait login_wait; /* not from the file either */
    struct config_variable environment[CONFIG_ENVIRONMENT_MAX];
    size_t environment_count;
    struct software_tokens *software; /* the tokens are the vault's own, in files; NULL: they are not */
};

/* Reads DIRECTORY/sealring.conf. The result is freed with config_free. SEALRING_INVALID names the line. */
sealring_status config_load(const char *directory, struct config **loaded, sealring_error *error);

/* SEALRING_INVALID if others could put their own files into the directory: it must not be writable by group or others, and root
 * takes only what is root's. */
sealring_status config_check_directory(const char *path, sealring_error *error);

/* An empty configuration for a directory that exists, with the standard places in it. */
sealring_status config_new(const char *directory, struct config **made, sealring_error *error);
void config_free(struct config *config);

/* What init found out about the token's labels, and what is written of that: nothing where they can be changed, so that an older program
 * reads the configuration of every vault that it can handle. */
enum token_labels config_labels(const struct config *config);
void config_set_labels(struct config *config, enum token_labels labels);

/* "NAME=VALUE". SEALRING_INVALID if it is none or there are too many. */
sealring_status config_add_variable(struct config *config, const char *assignment, sealring_error *error);

/* Writes sealring.conf (0640) whole or not at all; SEALRING_REFUSED if it exists. */
sealring_status config_write(const struct config *config, sealring_error *error);

/* Before the module is loaded. SEALRING_INVALID, naming the variable, unless this process has every variable of module-environment as configured,
 * and if others could write the module or SoftHSM2's configuration. */
sealring_status config_check_environment(const struct config *config, sealring_error *error);

/* Where this time the PIN of the keys' token comes from (NULL: as the file says), and who is asked where a PIN is to be typed. */
sealring_status config_use_pin(struct config *config, const char *source, sealring_pin_callback ask, void *context,
                               sealring_error *error);

/* SEALRING_REFUSED if the directory is a copy of the one that the configuration was made for: what is done in a copy would be done to the
 * original's token, whose keys it would close. */
sealring_status config_check_copy(const struct config *config, sealring_error *error);

/* SEALRING_REFUSED if the report files, the registry, the login records or the lock files are on another mount than the vault's directory: what is
 * mounted over one of them, in one container, hides every verifier, commit and lock of all others. A registry that is configured outside of the vault
 * is not looked at. */
sealring_status config_check_mounts(const struct config *config, sealring_error *error);

/* This directory is the vault's place. */
sealring_status config_take_place(struct config *config, sealring_error *error);

/* Adds the lines about the place to sealring.conf, which has none. */
sealring_status config_add_place(struct config *config, sealring_error *error);

/* config_check_mounts, config_check_copy, and SEALRING_REGISTRY if the vault's directory, its report files, its login records or its registry are on a network file system: any of them may
 * be a mount point of its own. */
sealring_status config_check_places(const struct config *config, sealring_error *error);

/* The parts that the token layer wants; points into config. */
void config_token(const struct config *config, struct token_config *token);
void config_audit_token(const struct config *config, struct token_config *token);

#endif
