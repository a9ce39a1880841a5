/* SPDX-License-Identifier: Apache-2.0 */
/* A module that crashes where CRASH_AT says: while it is loaded, while it is asked for its functions, while it starts. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

static void crash_at(const char *place)
{
    const char *chosen = getenv("CRASH_AT");
    if (chosen == NULL || strcmp(chosen, place) != 0)
        return;
    const char *how = getenv("CRASH_HOW");
    if (how != NULL && strcmp(how, "exit") == 0)
        exit(0);
    if (how != NULL && strcmp(how, "segv") == 0)
        while (raise(SIGSEGV) == 0) /* a handler may return: so does the fault */
            ;
    abort();
}

__attribute__((constructor)) static void loaded(void)
{
    crash_at("load");
}

static CK_RV start(void *arguments)
{
    (void)arguments;
    crash_at("start");
    return CKR_GENERAL_ERROR;
}

static CK_FUNCTION_LIST functions = {.version = {2, 40}, .C_Initialize = start};

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    crash_at("functions");
    *list = &functions;
    return CKR_OK;
}
