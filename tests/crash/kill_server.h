/* SPDX-License-Identifier: Apache-2.0 */
/* A server to be killed: it opens a vault, verifies, loses its login and logs in again. */
#ifndef TESTS_CRASH_KILL_SERVER_H
#define TESTS_CRASH_KILL_SERVER_H

#define KILL_SERVER_WORD  "server" /* the test program's first argument, if it is to be one */
#define KILL_SERVER_TEXTS "credentials"

#define KILL_SERVER_REJECTS \
    3 /* the process's exit status, if there was a verdict on each credential, and one was not accepted */

/* The first of the credentials in the file is verified after the opening, the others after the login was lost. 0 if each was accepted;
 * KILL_SERVER_REJECTS; 1 if there was no verdict. */
int kill_server(const char *vault, const char *texts);

#endif
