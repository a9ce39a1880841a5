/* SPDX-License-Identifier: Apache-2.0 */
/* A module that tells apart whose copy of a secret is found: the real module behind it gets another PIN than sealring hands over, and its
 * answers are changed on their way back. And that stops in the middle of a login or a signature. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

/* In the directory $CANARY: `to`, the real module; `pin`, what sealring gives; `real`, what is given on; `stop`, the function to stop in
 * and the signal to do it by, "C_Login 6": taken away once it has been read. */

#define DIFFERENCE 0x5c

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST functions;

static const char *look(const char *name, char *text, int size)
{
    char path[4096];
    const char *directory = getenv("CANARY");
    snprintf(path, sizeof path, "%s/%s", directory != NULL ? directory : "", name);
    FILE *file = fopen(path, "r");
    char *got = file != NULL ? fgets(text, size, file) : NULL;
    if (file != NULL)
        fclose(file);
    if (got == NULL)
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static void stop(const char *function)
{
    char text[64], path[4096];
    size_t length = strlen(function);
    look("stop", text, sizeof text);
    if (strncmp(text, function, length) != 0 || text[length] != ' ')
        return;
    snprintf(path, sizeof path, "%s/stop", getenv("CANARY"));
    unlink(path);
    raise(atoi(text + length + 1));
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    char given[300], on[300];
    look("pin", given, sizeof given);
    int known = strlen(given) == length && memcmp(given, pin, length) == 0;
    explicit_bzero(given, sizeof given);
    stop("C_Login");
    if (!known)
        return real->C_Login(session, user, pin, length);
    look("real", on, sizeof on);
    return real->C_Login(session, user, (CK_UTF8CHAR *)on, (CK_ULONG)strlen(on));
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_length, CK_BYTE *signature, CK_ULONG *length)
{
    CK_RV code = real->C_Sign(session, data, data_length, signature, length);
    for (CK_ULONG i = 0; code == CKR_OK && signature != NULL && *length == 32 && i < *length; i++)
        signature[i] ^= DIFFERENCE;
    stop("C_Sign");
    return code;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    char path[4096];
    void *library = dlopen(look("to", path, sizeof path), RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get_function_list = NULL;
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    memcpy(&get_function_list, &symbol, sizeof symbol);
    if (get_function_list == NULL || get_function_list(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    functions = *real;
    functions.C_GetFunctionList = C_GetFunctionList;
    functions.C_Login = login;
    functions.C_Sign = sign;
    *list = &functions;
    return CKR_OK;
}
