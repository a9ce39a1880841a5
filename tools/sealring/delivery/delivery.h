/* SPDX-License-Identifier: Apache-2.0 */
/* Where issued credentials go: standard output or a file, alone or as CSV or JSON, or one file for each API key. */
#ifndef TOOL_DELIVERY_H
#define TOOL_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sealring/delivery/handover.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/progress.h"

enum delivery_kind {
    DELIVERY_SINGLE,    /* the text of one credential, alone */
    DELIVERY_LIST,      /* CSV, or a JSON object on each line */
    DELIVERY_DIRECTORY, /* a file CLIENT.LABEL.KEYID for each; .cms if it is encrypted */
    DELIVERY_OWN_FILE   /* the same for one API key */
};

#define DELIVERY_PATH_SIZE 4352 /* of a directory, and a name in it */

struct delivery {
    struct session *session;
    enum delivery_kind kind;
    const char *out; /* NULL: standard output */
    struct handover file;
    struct progress progress;
    uint64_t total; /* for the progress bar, may be set while it runs */
    bool sealed;    /* they are encrypted */
    bool claimed;   /* they are claim codes */
    bool begun;     /* something was written */
    uint64_t issued;
    uint64_t existed;
    bool keep_partial; /* a failure at the end leaves what was handed over before it */
    bool failed;       /* what was issued could not be written */
    char problem[HANDOVER_PROBLEM_SIZE];
    char key_id[SEALRING_KEY_ID_LENGTH + 1]; /* of the last one */
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    uint32_t version;
    bool last_existed;
    char path[DELIVERY_PATH_SIZE]; /* of its file in a directory */
};

/* Options of the commands that issue. */
#define SEALED_OPTION "sealed", NULL, "encrypt each credential to the certificate of its client", OPTION_FLAG
#define RECIPIENT_OPTION \
    "recipient", "FILE", "encrypt to the X.509 certificate in this file instead of the client's", OPTION_TEXT

#define CLAIM_OPTION "claim", NULL, "give out a claim code, which the client trades for the credential", OPTION_FLAG
#define CLAIM_LIFE_OPTION \
    "claim-life", "DURATION", "how long the code is valid, 1m to 30d; default: 24h", OPTION_DURATION
#define INSTRUCTIONS_OPTION \
    "instructions", "FILE", "with --claim: write a page for the client, to be sent along with the code", OPTION_TEXT

/* Checks where the credentials are to go before any is issued: by --out, --sealed, --recipient and --claim, where the command has these. kind: DELIVERY_SINGLE or
 * DELIVERY_LIST, which becomes one in a directory if --out names one. Returns an exit status; on STATUS_DONE it must be ended. With --dry-run
 * nothing is opened. */
int delivery_start(struct delivery *delivery, struct session *session, enum delivery_kind kind);

/* Where the last credential is: a file, or NULL. */
const char *delivery_place(const struct delivery *delivery);

/* A sealring_issued_callback; context is the delivery. */
int delivery_take(const sealring_issued *issued, void *context);

/* Ends it after the library's call returned `status`: renames the file to its name, or removes it and reports what happened.
 * Returns the exit status. */
int delivery_end(struct delivery *delivery, sealring_status status);

#endif
