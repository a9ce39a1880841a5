/* SPDX-License-Identifier: Apache-2.0 */
/* A server to be killed: it opens a vault, verifies, loses its login and logs in again. */
#ifndef TESTS_CRASH_KILL_SERVER_H
#define TESTS_CRASH_KILL_SERVER_H

#define KILL_SERVER_WORD  "server" /* the test program's first argument, if it is to be one */
#define KILL_SERVER_TEXTS "credentials"

/* The first of the credentials in the file is verified after the opening, the others after the login was lost. 0 if each was accepted. */
int kill_server(const char *vault, const char *texts);

#endif
