/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module that hands everything on to a real one, counts, and is a bad token by script: see fault/faulting.h. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "fault/faulting.h"
#include "fault/handles.h"
#include "lib/forward.h"

#define HANG_LOOK_US  200
#define SHORT_MAC     20
#define ATTRIBUTE_MAX 1024

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST functions;
static struct faulting *faulting;
static _Atomic(uint32_t) was_gone; /* since the last C_Initialize: sessions of before are dead */

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

/* What a call has met. */
struct met {
    enum fault_kind kind;
    CK_RV code;
};

static void vanish(void)
{
    char away[sizeof faulting->directory + sizeof FAULT_SUFFIX];
    snprintf(away, sizeof away, "%s" FAULT_SUFFIX, faulting->directory);
    (void)rename(faulting->directory, away); /* the second call finds it done */
}

static void hang(void)
{
    atomic_fetch_add(&faulting->hanging, 1);
    while (atomic_load(&faulting->kind) == FAULT_HANG)
        usleep(HANG_LOOK_US);
    atomic_fetch_sub(&faulting->hanging, 1);
}

/* The name of a function that changes the token; NULL of one that does not. SoftHSM2 rewrites its file at a login. */
static const char *changes(enum fault_function function)
{
    switch (function) {
    case FAULT_C_Login:
        return "C_Login";
    case FAULT_C_Logout:
        return "C_Logout";
    case FAULT_C_CreateObject:
        return "C_CreateObject";
    case FAULT_C_CopyObject:
        return "C_CopyObject";
    case FAULT_C_DestroyObject:
        return "C_DestroyObject";
    case FAULT_C_SetAttributeValue:
        return "C_SetAttributeValue";
    case FAULT_C_GenerateKey:
        return "C_GenerateKey";
    case FAULT_C_GenerateKeyPair:
        return "C_GenerateKeyPair";
    case FAULT_C_InitToken:
        return "C_InitToken";
    case FAULT_C_InitPIN:
        return "C_InitPIN";
    case FAULT_C_SetPIN:
        return "C_SetPIN";
    default:
        return NULL;
    }
}

/* Counts the call, and tells what it meets. */
static struct met meet(enum fault_function function)
{
    const char *touched = changes(function);
    if (touched != NULL)
        (void)touch(&faulting->touches, TOUCH_TOKEN, touched);
    struct met met = {FAULT_NONE, CKR_OK};
    uint64_t of_all = atomic_fetch_add(&faulting->all, 1) + 1;
    uint64_t of_its_own = atomic_fetch_add(&faulting->calls[function], 1) + 1;
    if (of_all <= FAULT_TRACE)
        atomic_store(&faulting->trace[of_all - 1], (uint8_t)function);
    enum fault_kind kind = atomic_load(&faulting->kind);
    uint32_t wanted = atomic_load(&faulting->function);
    uint64_t number = wanted == FAULT_ANY ? of_all : of_its_own;
    uint64_t from = atomic_load(&faulting->from);
    if (kind == FAULT_NONE || (wanted != FAULT_ANY && wanted != function) || number < from ||
        number - from >= atomic_load(&faulting->times))
        return met;
    atomic_fetch_add(&faulting->met, 1);
    met.kind = kind;
    met.code = atomic_load(&faulting->code);
    if (kind == FAULT_VANISH)
        vanish();
    if (kind == FAULT_HANG)
        hang();
    return met;
}

static bool cuts(const struct met *met)
{
    return met->kind == FAULT_SHORT || met->kind == FAULT_TRUNCATED;
}

/* ---- Sessions of this process on each token: ulMaxSessionCount bounds those of one token */

#define TOKENS 4

static struct {
    CK_SLOT_ID slot;
    uint32_t sessions;
} tokens[TOKENS];
static size_t token_count;
static pthread_mutex_t tokens_lock = PTHREAD_MUTEX_INITIALIZER;

/* Adds `change` to the number of the slot's sessions, and returns the number before. */
static uint32_t sessions_add(CK_SLOT_ID slot, int change)
{
    size_t i = 0;
    pthread_mutex_lock(&tokens_lock);
    while (i < token_count && tokens[i].slot != slot)
        i++;
    if (i == TOKENS)
        abort();
    if (i == token_count)
        tokens[token_count++].slot = slot;
    uint32_t before = tokens[i].sessions;
    tokens[i].sessions += (uint32_t)change;
    pthread_mutex_unlock(&tokens_lock);
    return before;
}

static bool has_sessions(void)
{
    uint32_t all = 0;
    pthread_mutex_lock(&tokens_lock);
    for (size_t i = 0; i < token_count; i++)
        all += tokens[i].sessions;
    pthread_mutex_unlock(&tokens_lock);
    return all > 0;
}

static void sessions_end(CK_SLOT_ID slot)
{
    (void)sessions_add(slot, -(int)sessions_add(slot, 0));
}

static void sessions_end_all(void)
{
    pthread_mutex_lock(&tokens_lock);
    token_count = 0;
    memset(tokens, 0, sizeof tokens);
    pthread_mutex_unlock(&tokens_lock);
}

/* A token that was taken out, and perhaps put back, knows nothing of the sessions of before. */
static bool is_gone(void)
{
    if (atomic_load(&faulting->gone) == 0)
        return false;
    if (atomic_exchange(&was_gone, 1) == 0) {
        for (size_t i = 0; i < token_count; i++)
            real->C_CloseAllSessions(tokens[i].slot);
        sessions_end_all();
        handles_reconnect(false);
    }
    return true;
}

/* ---- What most functions do */

/* `away`: what a token that is not there answers; CKR_OK if the function needs none. `call`: of the real module. */
static CK_RV decide(enum fault_function function, CK_RV away, bool *calls_real)
{
    struct met met = meet(function);
    *calls_real = false;
    if (met.kind == FAULT_INSTEAD)
        return met.code;
    if (away != CKR_OK && is_gone())
        return away;
    *calls_real = true;
    return met.kind == FAULT_AFTER ? met.code : CKR_OK;
}

#define FORWARD(name, away, parameters, ...)                         \
    static CK_RV fault_##name parameters                             \
    {                                                                \
        bool calls_real;                                             \
        CK_RV decided = decide(FAULT_##name, away, &calls_real);     \
        CK_RV code = calls_real ? real->name(__VA_ARGS__) : decided; \
        return decided != CKR_OK ? decided : code;                   \
    }

FORWARD(C_GetInfo, CKR_OK, (CK_INFO * info), info)
FORWARD(C_GetMechanismInfo, CKR_TOKEN_NOT_PRESENT,
        (CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO *info), slot, mechanism, info)
FORWARD(C_GetSessionInfo, CKR_DEVICE_REMOVED, (CK_SESSION_HANDLE session, CK_SESSION_INFO *info), session, info)
FORWARD(C_Logout, CKR_DEVICE_REMOVED, (CK_SESSION_HANDLE session), session)
FORWARD(C_FindObjectsInit, CKR_DEVICE_REMOVED, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count),
        session, template, count)
FORWARD(C_FindObjectsFinal, CKR_DEVICE_REMOVED, (CK_SESSION_HANDLE session), session)
FORWARD(C_DestroyObject, CKR_DEVICE_REMOVED, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), session,
        handles_real(session, object))
FORWARD(C_SetAttributeValue, CKR_DEVICE_REMOVED,
        (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count), session,
        handles_real(session, object), template, count)
FORWARD(C_InitPIN, CKR_DEVICE_REMOVED, (CK_SESSION_HANDLE session, CK_UTF8CHAR *pin, CK_ULONG length), session, pin,
        length)
FORWARD(C_SetPIN, CKR_DEVICE_REMOVED,
        (CK_SESSION_HANDLE session, CK_UTF8CHAR *before, CK_ULONG before_length, CK_UTF8CHAR *after,
         CK_ULONG after_length),
        session, before, before_length, after, after_length)
FORWARD(C_InitToken, CKR_TOKEN_NOT_PRESENT, (CK_SLOT_ID slot, CK_UTF8CHAR *pin, CK_ULONG length, CK_UTF8CHAR *label),
        slot, pin, length, label)
FORWARD(C_SignInit, CKR_DEVICE_REMOVED, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
        session, mechanism, handles_real(session, key))

/* ---- Start and end, slots */

static CK_RV fault_C_Initialize(void *arguments)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_Initialize, CKR_OK, &calls_real);
    CK_RV code = calls_real ? real->C_Initialize(arguments) : decided;
    if (calls_real && code == CKR_OK) {
        sessions_end_all();
        atomic_store(&was_gone, 0);
        handles_reconnect(true);
    }
    return decided != CKR_OK ? decided : code;
}

static CK_RV fault_C_Finalize(void *reserved)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_Finalize, CKR_OK, &calls_real);
    CK_RV code = calls_real ? real->C_Finalize(reserved) : decided;
    if (calls_real && code == CKR_OK)
        sessions_end_all();
    return decided != CKR_OK ? decided : code;
}

static CK_RV fault_C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    struct met met = meet(FAULT_C_GetSlotList);
    if (met.kind == FAULT_INSTEAD)
        return met.code;
    CK_RV code = real->C_GetSlotList(present, slots, count);
    if (code == CKR_OK && ((present && is_gone()) || (cuts(&met) && *count > 0)))
        *count = 0;
    return met.kind == FAULT_AFTER ? met.code : code;
}

static CK_RV fault_C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_GetSlotInfo, CKR_OK, &calls_real);
    CK_RV code = calls_real ? real->C_GetSlotInfo(slot, info) : decided;
    if (calls_real && code == CKR_OK && is_gone())
        info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
    return decided != CKR_OK ? decided : code;
}

static void say_tries(CK_TOKEN_INFO *info)
{
    uint32_t most = atomic_load(&faulting->pin_tries);
    uint32_t made = atomic_load(&faulting->pin_tries_made);
    if (most == 0)
        return;
    if (made > 0)
        info->flags |= CKF_USER_PIN_COUNT_LOW;
    if (made + 1 == most)
        info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (made >= most)
        info->flags |= CKF_USER_PIN_LOCKED;
}

static CK_RV fault_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_GetTokenInfo, CKR_TOKEN_NOT_PRESENT, &calls_real);
    CK_RV code = calls_real ? real->C_GetTokenInfo(slot, info) : decided;
    if (calls_real && code == CKR_OK) {
        say_tries(info);
        if (atomic_load(&faulting->sessions_max) != 0 && atomic_load(&faulting->sessions_unsaid) == 0)
            info->ulMaxSessionCount = info->ulMaxRwSessionCount = atomic_load(&faulting->sessions_max);
    }
    return decided != CKR_OK ? decided : code;
}

/* ---- Sessions and login */

static void note_session(CK_SLOT_ID slot)
{
    bool first = !has_sessions();
    uint32_t now = sessions_add(slot, 1) + 1;
    uint64_t most = atomic_load(&faulting->sessions_most);
    while (now > most && !atomic_compare_exchange_weak(&faulting->sessions_most, &most, now))
        ;
    if (first)
        handles_reconnect(false);
}

static CK_RV fault_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                                 CK_SESSION_HANDLE *session)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_OpenSession, CKR_TOKEN_NOT_PRESENT, &calls_real);
    uint32_t most = atomic_load(&faulting->sessions_max);
    if (!calls_real)
        return decided;
    if (most != 0 && sessions_add(slot, 0) >= most)
        return CKR_SESSION_COUNT;
    CK_RV code = real->C_OpenSession(slot, flags, application, notify, session);
    if (code == CKR_OK)
        note_session(slot);
    return decided != CKR_OK ? decided : code;
}

static CK_RV fault_C_CloseSession(CK_SESSION_HANDLE session)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_CloseSession, CKR_DEVICE_REMOVED, &calls_real);
    CK_SESSION_INFO info;
    bool known = calls_real && real->C_GetSessionInfo(session, &info) == CKR_OK;
    CK_RV code = calls_real ? real->C_CloseSession(session) : decided;
    if (known && code == CKR_OK)
        (void)sessions_add(info.slotID, -1);
    return decided != CKR_OK ? decided : code;
}

static CK_RV fault_C_CloseAllSessions(CK_SLOT_ID slot)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_CloseAllSessions, CKR_DEVICE_REMOVED, &calls_real);
    CK_RV code = calls_real ? real->C_CloseAllSessions(slot) : decided;
    if (calls_real && code == CKR_OK)
        sessions_end(slot);
    return decided != CKR_OK ? decided : code;
}

static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    uint32_t most = atomic_load(&faulting->pin_tries);
    atomic_fetch_add(&faulting->logins, 1);
    if (most != 0 && atomic_load(&faulting->pin_tries_made) >= most)
        return CKR_PIN_LOCKED;
    CK_RV code = real->C_Login(session, user, pin, length);
    if (code == CKR_PIN_INCORRECT)
        atomic_fetch_add(&faulting->pin_tries_made, 1);
    if (code == CKR_OK) {
        atomic_store(&faulting->pin_tries_made, 0);
        handles_reconnect(false);
    }
    return code;
}

/* One that is locked or expired is not spent by another try. */
static bool refuses_pin(CK_RV code)
{
    return code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE;
}

/* A login at a slot of which the caller was told that the PIN is refused; and whether it is told so now. */
static void note_login(CK_SESSION_HANDLE session, CK_RV answer)
{
    CK_SESSION_INFO info;
    size_t i = 0;
    uint64_t slot = real->C_GetSessionInfo(session, &info) == CKR_OK ? 1 + info.slotID : UINT64_MAX;
    while (i < FAULT_SLOTS && atomic_load(&faulting->refused[i]) != 0 && atomic_load(&faulting->refused[i]) != slot)
        i++;
    if (i < FAULT_SLOTS && atomic_load(&faulting->refused[i]) == slot)
        atomic_fetch_add(&faulting->pin_again, 1);
    else if (i < FAULT_SLOTS && refuses_pin(answer))
        atomic_store(&faulting->refused[i], slot);
}

static CK_RV fault_C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_Login, CKR_DEVICE_REMOVED, &calls_real);
    CK_RV code = calls_real ? log_in(session, user, pin, length) : decided;
    CK_RV answer = decided != CKR_OK ? decided : code;
    note_login(session, answer);
    return answer;
}

/* ---- Objects */

static CK_RV fault_C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *found)
{
    struct met met = meet(FAULT_C_FindObjects);
    if (met.kind == FAULT_INSTEAD)
        return met.code;
    if (is_gone())
        return CKR_DEVICE_REMOVED;
    CK_RV code = real->C_FindObjects(session, objects, most, found);
    for (CK_ULONG i = 0; code == CKR_OK && i < *found; i++)
        objects[i] = handles_shown(session, objects[i]);
    if (code == CKR_OK && cuts(&met) && *found > 0)
        --*found;
    return met.kind == FAULT_AFTER ? met.code : code;
}

/* Leaves the second half of the caller's buffer as it was before. */
static CK_RV get_half(const struct met *met, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *wanted)
{
    CK_BYTE whole[ATTRIBUTE_MAX];
    CK_ATTRIBUTE attribute = {wanted->type, whole,
                              wanted->ulValueLen < ATTRIBUTE_MAX ? wanted->ulValueLen : ATTRIBUTE_MAX};
    CK_RV code = real->C_GetAttributeValue(session, handles_real(session, object), &attribute, 1);
    wanted->ulValueLen = attribute.ulValueLen;
    if (code == CKR_OK) {
        memcpy(wanted->pValue, whole, attribute.ulValueLen / 2);
        wanted->ulValueLen = met->kind == FAULT_SHORT ? attribute.ulValueLen / 2 : attribute.ulValueLen;
    }
    return code;
}

static CK_RV fault_C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                                       CK_ULONG count)
{
    struct met met = meet(FAULT_C_GetAttributeValue);
    if (met.kind == FAULT_INSTEAD)
        return met.code;
    if (is_gone())
        return CKR_DEVICE_REMOVED;
    if (cuts(&met) && count == 1 && template->pValue != NULL)
        return get_half(&met, session, object, template);
    CK_RV code = real->C_GetAttributeValue(session, handles_real(session, object), template, count);
    return met.kind == FAULT_AFTER ? met.code : code;
}

/* A new object's handle, as the caller is to see it. */
static CK_RV answer_made(CK_SESSION_HANDLE session, CK_RV decided, bool calls_real, CK_RV code,
                         CK_OBJECT_HANDLE *object)
{
    if (!calls_real || decided != CKR_OK)
        return decided;
    if (code == CKR_OK)
        *object = handles_shown(session, *object);
    return code;
}

static CK_RV fault_C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template,
                                 CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_GenerateKey, CKR_DEVICE_REMOVED, &calls_real);
    CK_RV code = calls_real ? real->C_GenerateKey(session, mechanism, template, count, key) : decided;
    return answer_made(session, decided, calls_real, code, key);
}

static CK_RV fault_C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public,
                                     CK_ULONG public_count, CK_ATTRIBUTE *private, CK_ULONG private_count,
                                     CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_GenerateKeyPair, CKR_DEVICE_REMOVED, &calls_real);
    CK_RV code = calls_real ? real->C_GenerateKeyPair(session, mechanism, public, public_count, private, private_count,
                                                      public_key, private_key)
                            : decided;
    if (calls_real && decided == CKR_OK && code == CKR_OK)
        *public_key = handles_shown(session, *public_key);
    return answer_made(session, decided, calls_real, code, private_key);
}

static CK_RV fault_C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
                                  CK_OBJECT_HANDLE *object)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_CreateObject, CKR_DEVICE_REMOVED, &calls_real);
    CK_RV code = calls_real ? real->C_CreateObject(session, template, count, object) : decided;
    return answer_made(session, decided, calls_real, code, object);
}

static CK_RV fault_C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                                CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
    bool calls_real;
    CK_RV decided = decide(FAULT_C_CopyObject, CKR_DEVICE_REMOVED, &calls_real);
    CK_RV code =
        calls_real ? real->C_CopyObject(session, handles_real(session, object), template, count, copy) : decided;
    return answer_made(session, decided, calls_real, code, copy);
}

/* ---- Signatures and random numbers */

static CK_RV fault_C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG *size)
{
    CK_BYTE whole[512];
    CK_ULONG whole_size = sizeof whole;
    struct met met = meet(FAULT_C_Sign);
    if (met.kind == FAULT_INSTEAD)
        return met.code;
    if (is_gone())
        return CKR_DEVICE_REMOVED;
    if (!cuts(&met)) {
        CK_RV code = real->C_Sign(session, data, length, signature, size);
        return met.kind == FAULT_AFTER ? met.code : code;
    }
    CK_RV code = real->C_Sign(session, data, length, whole, &whole_size);
    if (code == CKR_OK) {
        memcpy(signature, whole, SHORT_MAC);
        *size = met.kind == FAULT_SHORT ? SHORT_MAC : whole_size;
    }
    return code;
}

static CK_RV fault_C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *bytes, CK_ULONG length)
{
    struct met met = meet(FAULT_C_GenerateRandom);
    if (met.kind == FAULT_INSTEAD)
        return met.code;
    if (is_gone())
        return CKR_DEVICE_REMOVED;
    CK_RV code = real->C_GenerateRandom(session, bytes, cuts(&met) ? length / 2 : length);
    return met.kind == FAULT_AFTER ? met.code : code;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (real != NULL) { /* others may be using it meanwhile */
        *list = &functions;
        return CKR_OK;
    }
    CK_FUNCTION_LIST *found = forward_load(getenv(FAULTING_MODULE));
    faulting = forward_map(getenv(FAULTING_FILE), sizeof *faulting);
    if (found == NULL || faulting == NULL)
        return CKR_GENERAL_ERROR;
    functions = *found;
    functions.C_GetFunctionList = C_GetFunctionList;
#define STAND_BEFORE(name) functions.name = fault_##name;
    FAULT_FUNCTIONS(STAND_BEFORE)
    real = found;
    handles_init(real, &faulting->swaps);
    *list = &functions;
    return CKR_OK;
}
