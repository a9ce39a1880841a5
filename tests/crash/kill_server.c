/* SPDX-License-Identifier: Apache-2.0 */
/* A server to be killed: it opens a vault, verifies, loses its login and logs in again. */
#include "crash/kill_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/verify.h>

#include "lib/forward.h"
#include "lib/test_token.h"

static int set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

/* As another part of the program that uses the same module would: in Cryptoki the login is the process's. */
static bool log_out(void)
{
    CK_FUNCTION_LIST *functions = forward_load(test_token_module());
    CK_SLOT_ID slots[8];
    CK_ULONG count = sizeof slots / sizeof slots[0];
    bool done = false;
    if (functions == NULL || functions->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_SESSION_HANDLE session;
        if (functions->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
            continue;
        done = functions->C_Logout(session) == CKR_OK || done;
        (void)functions->C_CloseSession(session);
    }
    return done;
}

static int fail(const char *what, const char *why)
{
    printf("%s: %s\n", what, why);
    return 1;
}

int kill_server(const char *vault, const char *texts)
{
    char line[SEALRING_CREDENTIAL_LENGTH_MAX + 2];
    sealring_error error = {.message = ""};
    sealring_vault *opened = NULL;
    unsigned count = 0;
    int result = 0;
    FILE *file = fopen(texts, "re");
    if (file == NULL)
        return fail("credentials", "none");
    if (sealring_environment(vault, set_variable, NULL, &error) != SEALRING_OK ||
        sealring_open(vault, NULL, &opened, &error) != SEALRING_OK) {
        fclose(file);
        return fail("open", error.message);
    }
    while (result != 1 && fgets(line, sizeof line, file) != NULL) {
        sealring_grant grant = {.size = sizeof grant};
        line[strcspn(line, "\n")] = '\0';
        if (count++ == 1 && !log_out())
            result = fail("logout", "it was not logged in");
        sealring_verdict verdict = sealring_verify(opened, line, strlen(line), NULL, &grant);
        if (verdict == SEALRING_UNAVAILABLE)
            result = fail("verify", grant.reason);
        else if (verdict != SEALRING_ACCEPTED && result == 0)
            result = KILL_SERVER_REJECTS;
    }
    fclose(file);
    sealring_close(&opened);
    return result;
}
