/* SPDX-License-Identifier: Apache-2.0 */
/* A module that hands everything on to FORWARD_TO, writes logins to FORWARD_LOG, hides what FORWARD_HIDE names, and kills its process at
 * what FORWARD_KILL names: behind "make", before "change" and "destroy". */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST functions;

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO *info)
{
    const char *hidden = getenv("FORWARD_HIDE");
    if (hidden != NULL && strcmp(hidden, "hmac") == 0 && mechanism == CKM_SHA256_HMAC)
        return CKR_MECHANISM_INVALID;
    return real->C_GetMechanismInfo(slot, mechanism, info);
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    CK_RV code = real->C_Login(session, user, pin, length);
    const char *path = getenv("FORWARD_LOG");
    FILE *log = path != NULL ? fopen(path, "a") : NULL;
    if (log != NULL) {
        fprintf(log, "C_Login 0x%lx\n", code);
        fclose(log);
    }
    return code;
}

static void die_at(const char *what)
{
    const char *wanted = getenv("FORWARD_KILL");
    if (wanted != NULL && strcmp(wanted, what) == 0)
        raise(SIGKILL);
}

static CK_RV generate_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
                          CK_OBJECT_HANDLE *key)
{
    CK_RV code = real->C_GenerateKey(session, mechanism, template, count, key);
    die_at("make");
    return code;
}

static CK_RV set_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                                 CK_ULONG count)
{
    die_at("change");
    return real->C_SetAttributeValue(session, object, template, count);
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    die_at("destroy");
    return real->C_DestroyObject(session, object);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    const char *path = getenv("FORWARD_TO");
    void *library = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get_function_list = NULL;
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    memcpy(&get_function_list, &symbol, sizeof symbol);
    if (get_function_list == NULL || get_function_list(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    functions = *real;
    functions.C_GetFunctionList = C_GetFunctionList;
    functions.C_GetMechanismInfo = get_mechanism_info;
    functions.C_Login = login;
    functions.C_GenerateKey = generate_key;
    functions.C_SetAttributeValue = set_attribute_value;
    functions.C_DestroyObject = destroy_object;
    *list = &functions;
    return CKR_OK;
}
