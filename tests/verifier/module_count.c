/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module that hands everything on, counts calls in a file shared with the test, and delays or holds C_Sign as told. */
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "lib/forward.h"
#include "verifier/counting.h"

#define HOLD_LOOK_US 200

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST functions;
static struct counting *counting;
static _Atomic(uint64_t) sessions; /* of this process */

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

static bool is_watched(void)
{
    int64_t watched = atomic_load(&counting->watched);
    return watched == 0 || watched == getpid();
}

static void count(_Atomic(uint64_t) *counter, uint64_t by)
{
    if (is_watched())
        atomic_fetch_add(counter, by);
}

static CK_RV initialize(void *arguments)
{
    count(&counting->initialize, 1);
    CK_RV code = real->C_Initialize(arguments);
    if (code == CKR_OK)
        atomic_store(&sessions, 0);
    return code;
}

static CK_RV finalize(void *reserved)
{
    CK_RV code = real->C_Finalize(reserved);
    if (code == CKR_OK)
        count(&counting->close_session, atomic_exchange(&sessions, 0));
    return code;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    count(&counting->login, 1);
    return real->C_Login(session, user, pin, length);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    CK_RV code = real->C_OpenSession(slot, flags, application, notify, session);
    if (code == CKR_OK) {
        count(&counting->open_session, 1);
        atomic_fetch_add(&sessions, 1);
    }
    return code;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    CK_RV code = real->C_CloseSession(session);
    if (code == CKR_OK) {
        count(&counting->close_session, 1);
        atomic_fetch_sub(&sessions, 1);
    }
    return code;
}

static CK_RV close_all_sessions(CK_SLOT_ID slot)
{
    CK_RV code = real->C_CloseAllSessions(slot);
    if (code == CKR_OK)
        count(&counting->close_session, atomic_exchange(&sessions, 0));
    return code;
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG length)
{
    count(&counting->find, 1);
    return real->C_FindObjectsInit(session, template, length);
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *found)
{
    count(&counting->find, 1);
    return real->C_FindObjects(session, objects, most, found);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    count(&counting->sign_init, 1);
    return real->C_SignInit(session, mechanism, key);
}

static void hold(void)
{
    if (atomic_fetch_add(&counting->held, 1) < atomic_load(&counting->hold))
        while (atomic_load(&counting->hold) > 0)
            usleep(HOLD_LOOK_US);
    atomic_fetch_sub(&counting->held, 1);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG *size)
{
    if (is_watched()) {
        atomic_fetch_add(&counting->sign, 1);
        usleep(atomic_load(&counting->delay_ms) * 1000);
        hold();
    }
    return real->C_Sign(session, data, length, signature, size);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (real != NULL) { /* others may be using it meanwhile */
        *list = &functions;
        return CKR_OK;
    }
    CK_FUNCTION_LIST *found = forward_load(getenv(COUNTING_MODULE));
    counting = forward_map(getenv(COUNTING_FILE), sizeof *counting);
    if (found == NULL || counting == NULL)
        return CKR_GENERAL_ERROR;
    functions = *found;
    functions.C_GetFunctionList = C_GetFunctionList;
    functions.C_Initialize = initialize;
    functions.C_Finalize = finalize;
    functions.C_Login = login;
    functions.C_OpenSession = open_session;
    functions.C_CloseSession = close_session;
    functions.C_CloseAllSessions = close_all_sessions;
    functions.C_FindObjectsInit = find_objects_init;
    functions.C_FindObjects = find_objects;
    functions.C_SignInit = sign_init;
    functions.C_Sign = sign;
    real = found;
    *list = &functions;
    return CKR_OK;
}
