/* SPDX-License-Identifier: Apache-2.0 */
/* What a subcommand is: words, arguments, options and purpose as data, from which parser and help are made. */
#ifndef TOOL_COMMAND_H
#define TOOL_COMMAND_H

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
    OPTION_LIST,     /* text, may be given several times */
    OPTION_NUMBER,   /* 1 to 4294967295 */
    OPTION_DURATION, /* 90d, 1d12h, 30s */
    OPTION_MOMENT    /* RFC 3339, or a duration from now on, or never */
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

enum {
    COMMAND_CHANGES = 1,      /* changes state: offers --dry-run */
    COMMAND_TOKEN = 2,        /* may need the token: its module's environment is set before anything else */
    COMMAND_READS_SECRET = 4, /* reads a credential from standard input, and takes no argument */
    COMMAND_WITHOUT_VAULT = 8 /* works without a vault */
};

struct command {
    const char *words; /* "ring create" */
    const char *group; /* heading in the overview */
    const char *purpose;
    const struct argument *arguments; /* NULL: none */
    const struct option *options;     /* NULL: only those that are offered everywhere */
    const char *notes;                /* paragraphs for the help, NULL for none */
    const char *const *examples;      /* ends with NULL; NULL for none */
    int (*run)(struct session *session);
    unsigned flags;
    int detail; /* for commands that share a function */
};

/* All commands in the order of the overview; ends with NULL. */
extern const struct command *const command_table[];

/* Offered everywhere, where it applies. */
extern const struct option command_common_options[];

/* Whether this common option applies to the command. */
int command_offers(const struct command *command, const struct option *common);

/* The command of these words, NULL if there is none; second may be NULL. */
const struct command *command_find(const char *first, const char *second);

/* Whether the word begins commands of two words ("ring"). */
int command_is_noun(const char *word);

#endif
