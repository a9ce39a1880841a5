/* SPDX-License-Identifier: Apache-2.0 */
/* The three forms of pin-source: where a PIN comes from. */
#ifndef TOKEN_PIN_PIN_SOURCE_H
#define TOKEN_PIN_PIN_SOURCE_H

#include <limits.h>
#include <stdbool.h>

#include <sealring/verify.h>

#define PIN_CREDENTIAL_NAME_MAX 100

enum pin_source {
    PIN_SOURCE_FILE,       /* a path */
    PIN_SOURCE_CREDENTIAL, /* credential:NAME, a file that systemd passes to the unit (systemd.exec(5), LoadCredential=) */
    PIN_SOURCE_TERMINAL    /* terminal: the user is asked */
};

enum pin_source pin_source_of(const char *text);

/* What is wrong with the text of a pin-source, as a sentence fragment; NULL: nothing, as far as the text alone shows. */
const char *pin_source_problem(const char *text);

/* The path of a credential, below $CREDENTIALS_DIRECTORY. SEALRING_TOKEN if this process has no such directory. */
sealring_status pin_source_path(const char *text, char path[PATH_MAX], sealring_error *error);

#endif
