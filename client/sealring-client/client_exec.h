/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program with the credential, and lets it know of changes; or only watches. */
#ifndef SEALRING_CLIENT_EXEC_H
#define SEALRING_CLIENT_EXEC_H

#include "client/sealring-client/client_options.h"

/* Until the program has ended, or without a program until a signal to stop. Returns the exit status. */
int client_exec(struct client_command *command);

#endif
