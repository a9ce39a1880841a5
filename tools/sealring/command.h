/* SPDX-License-Identifier: Apache-2.0 */
/* What a subcommand is: words, arguments, options and purpose as data, from which parser and help are made. */
#ifndef TOOL_COMMAND_H
#define TOOL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct session;

/* Exit statuses, fixed so that scripts last. */
enum {
    STATUS_DONE = 0,         /* done, or the credential is accepted */
    STATUS_REFUSED = 1,      /* refused, rejected, not found, or the system failed */
    STATUS_USAGE = 2,        /* the command line or the configuration is wrong */
    STATUS_TOKEN = 3,        /* the PKCS#11 token */
    STATUS_REGISTRY = 4,     /* the registry */
    STATUS_WAITING = 5,      /* a barrier or gate is not satisfied */
    STATUS_NOT_EFFECTIVE = 6 /* committed, but not effective yet */
};

enum option_kind {
    OPTION_FLAG, /* takes no value */
    OPTION_TEXT,
    OPTION_REASON, /* text that is not empty */
    OPTION_KEY_ID,
    OPTION_LIST,     /* text, may be given several times */
    OPTION_NUMBER,   /* 1 to 4294967295 */
    OPTION_DURATION, /* 90d, 1d12h, 30s */
    OPTION_INTERVAL, /* a duration from 100ms to 1h */
    OPTION_MOMENT,   /* RFC 3339, or a duration from now on, or never */
    OPTION_PAST,     /* RFC 3339, or a duration before now */
    OPTION_POINT     /* the same, or a number as of OPTION_NUMBER */
};

struct option {
    const char *name;  /* without the dashes; NULL ends a table */
    const char *value; /* what the help calls its value, NULL for a flag */
    const char *help;
    enum option_kind kind;
};

enum argument_kind { ARGUMENT_TEXT, ARGUMENT_VERSION, ARGUMENT_KEY_ID };

struct argument {
    const char *name; /* NULL ends a table */
    const char *help;
    enum argument_kind kind;
    int optional;
};

/* Of several commands. */
#define KEY_ID_ARGUMENT "KEYID", "an API key's ID", ARGUMENT_KEY_ID, 0
#define REASON_OPTION   "reason", "TEXT", "recorded in the audit log", OPTION_TEXT
#define WAIT_OPTION \
    "wait", "DURATION", "wait for the verifiers for at most this long; default: no limit", OPTION_DURATION
#define NO_WAIT_OPTION "no-wait", NULL, "do not wait for the verifiers", OPTION_FLAG

enum {
    COMMAND_CHANGES = 1,       /* changes state: offers --dry-run */
    COMMAND_TOKEN = 2,         /* may need the token: its module's environment is set before anything else */
    COMMAND_READS_SECRET = 4,  /* reads a credential from standard input, and takes no argument */
    COMMAND_WITHOUT_VAULT = 8, /* works without a vault */
    COMMAND_OPENS_ITSELF = 16  /* and only if it needs the vault: any other runs with the manager open */
};

struct command {
    const char *words; /* "ring create" */
    const char *purpose;
    const char *notes; /* paragraphs for the help, NULL for none */
    struct argument arguments[3];
    struct option options[24];             /* besides those that are offered everywhere */
    const char *required;                  /* an option that must be given; NULL for none */
    const char *examples[5];               /* the last one stays NULL */
    int (*check)(struct session *session); /* of the command line what the tables cannot express; NULL: nothing */
    int (*run)(struct session *session);
    unsigned flags;
    int detail; /* for commands that share a function */
};

/* All commands in the order of the overview; ends with NULL. */
extern const struct command *const command_table[];

/* The command's heading in the overview. */
const char *command_group(const struct command *command);

/* The option at `index` of those that the command has: its own, then the common ones that apply; NULL behind the last. Without a command:
 * all common ones. */
const struct option *command_option(const struct command *command, size_t index);

/* The command's option of this name, NULL if it has none. command may be NULL. */
const struct option *command_find_option(const struct command *command, const char *name, size_t length);

/* The command of these words, NULL if there is none; second may be NULL. */
const struct command *command_find(const char *first, const char *second);

/* Whether the command is of two words, of which this is the first. */
bool command_has_noun(const struct command *command, const char *noun);

/* Whether the word begins commands of two words ("ring"). */
bool command_is_noun(const char *word);

#endif
