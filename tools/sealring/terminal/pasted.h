/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials where a name or a number belongs: people paste the one for the other. */
#ifndef TOOL_PASTED_H
#define TOOL_PASTED_H

#include <stdbool.h>

#include <sealring/verify.h>

/* Whether one of the words of `text` is a credential, or was one before a letter got lost or changed. Then key_id receives
 * the ID of its API key. */
bool pasted_credential(const char *text, char key_id[SEALRING_KEY_ID_LENGTH + 1]);

#endif
