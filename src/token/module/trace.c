/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of Cryptoki calls: wraps the functions of a module, and logs each call. */
#include "token/module/trace.h"

#include <stdio.h>
#include <string.h>

#include "base/fork.h"
#include "token/module/trace_call.h"
#include "token/module/trace_file.h"

/* A Cryptoki function has no argument that identifies its module, so each traced module needs its own functions. This number of sets is
 * compiled. */
#define TRACE_MODULES 4

static struct trace_module trace_modules[TRACE_MODULES];

/* ---- The module, its slots and tokens ---- */

static CK_RV trace_C_Initialize(const struct trace_module *module, void *arguments)
{
    struct trace_call call;
    const CK_C_INITIALIZE_ARGS *given = arguments;
    trace_call_init(&call, module, "C_Initialize");
    if (given != NULL) { /* the init arguments may contain a password */
        trace_line_add(&call.line, " flags=0x%lx init-args=%s", given->flags,
                       given->pReserved != NULL ? "given" : "none");
    }
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_Initialize(arguments));
}

static CK_RV trace_C_Finalize(const struct trace_module *module, void *reserved)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_Finalize");
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_Finalize(reserved));
}

static CK_RV trace_C_GetInfo(const struct trace_module *module, CK_INFO *info)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_GetInfo");
    trace_call_begin(&call);
    CK_RV code = module->own->C_GetInfo(info);
    if (code == CKR_OK) {
        trace_line_add_text(&call.line, "manufacturer", info->manufacturerID, sizeof(info->manufacturerID));
        trace_line_add_text(&call.line, "library", info->libraryDescription, sizeof(info->libraryDescription));
        trace_line_add(&call.line, " library-version=%u.%u cryptoki-version=%u.%u", info->libraryVersion.major,
                       info->libraryVersion.minor, info->cryptokiVersion.major, info->cryptokiVersion.minor);
    }
    return trace_call_end(&call, code);
}

static CK_RV trace_C_GetSlotList(const struct trace_module *module, CK_BBOOL present, CK_SLOT_ID *slots,
                                 CK_ULONG *count)
{
    struct trace_call call;
    CK_ULONG room = slots != NULL ? *count : 0;
    trace_call_init(&call, module, "C_GetSlotList");
    trace_line_add(&call.line, " token-present=%s room=%lu", present ? "true" : "false", room);
    trace_call_begin(&call);
    CK_RV code = module->own->C_GetSlotList(present, slots, count);
    if (code == CKR_OK)
        trace_line_add(&call.line, " count=%lu", *count);
    if (code == CKR_OK && slots != NULL)
        trace_line_add_handles(&call.line, "slots", slots, *count < room ? *count : room);
    return trace_call_end(&call, code);
}

static CK_RV trace_C_GetSlotInfo(const struct trace_module *module, CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_GetSlotInfo");
    trace_line_add(&call.line, " slot=%lu", slot);
    trace_call_begin(&call);
    CK_RV code = module->own->C_GetSlotInfo(slot, info);
    if (code == CKR_OK) {
        trace_line_add_text(&call.line, "description", info->slotDescription, sizeof(info->slotDescription));
        trace_line_add(&call.line, " flags=0x%lx", info->flags);
    }
    return trace_call_end(&call, code);
}

static CK_RV trace_C_GetTokenInfo(const struct trace_module *module, CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_GetTokenInfo");
    trace_line_add(&call.line, " slot=%lu", slot);
    trace_call_begin(&call);
    CK_RV code = module->own->C_GetTokenInfo(slot, info);
    if (code == CKR_OK) {
        trace_line_add_text(&call.line, "token", info->label, sizeof(info->label));
        trace_line_add_text(&call.line, "serial", info->serialNumber, sizeof(info->serialNumber));
        trace_line_add_text(&call.line, "model", info->model, sizeof(info->model));
        trace_line_add(&call.line, " flags=0x%lx sessions=%ld sessions-max=%ld", info->flags,
                       (long)info->ulSessionCount, (long)info->ulMaxSessionCount);
    }
    return trace_call_end(&call, code);
}

static CK_RV trace_C_GetMechanismInfo(const struct trace_module *module, CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism,
                                      CK_MECHANISM_INFO *info)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_GetMechanismInfo");
    trace_line_add(&call.line, " slot=%lu", slot);
    trace_line_add_mechanism(&call.line, mechanism);
    trace_call_begin(&call);
    CK_RV code = module->own->C_GetMechanismInfo(slot, mechanism, info);
    if (code == CKR_OK)
        trace_line_add(&call.line, " flags=0x%lx", info->flags);
    return trace_call_end(&call, code);
}

/* ---- Sessions and login ---- */

static CK_RV trace_C_OpenSession(const struct trace_module *module, CK_SLOT_ID slot, CK_FLAGS flags, void *application,
                                 CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_OpenSession");
    trace_line_add(&call.line, " slot=%lu access=%s", slot, flags & CKF_RW_SESSION ? "read-write" : "read-only");
    trace_call_begin(&call);
    CK_RV code = module->own->C_OpenSession(slot, flags, application, notify, session);
    if (code == CKR_OK)
        trace_line_add(&call.line, " session=%lu", *session);
    return trace_call_end(&call, code);
}

static CK_RV trace_C_CloseSession(const struct trace_module *module, CK_SESSION_HANDLE session)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_CloseSession");
    trace_line_add(&call.line, " session=%lu", session);
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_CloseSession(session));
}

static CK_RV trace_C_GetSessionInfo(const struct trace_module *module, CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_GetSessionInfo");
    trace_line_add(&call.line, " session=%lu", session);
    trace_call_begin(&call);
    CK_RV code = module->own->C_GetSessionInfo(session, info);
    if (code == CKR_OK) {
        trace_line_add(&call.line, " slot=%lu", info->slotID);
        trace_line_add_state(&call.line, info->state);
        trace_line_add(&call.line, " device-error=0x%lx", info->ulDeviceError);
    }
    return trace_call_end(&call, code);
}

/* Logs nothing of the PIN, not even its length. */
static CK_RV trace_C_Login(const struct trace_module *module, CK_SESSION_HANDLE session, CK_USER_TYPE user,
                           CK_UTF8CHAR *pin, CK_ULONG length)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_Login");
    trace_line_add(&call.line, " session=%lu", session);
    trace_line_add_user(&call.line, user);
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_Login(session, user, pin, length));
}

/* ---- Objects ---- */

static CK_RV trace_C_CreateObject(const struct trace_module *module, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template,
                                  CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_CreateObject");
    trace_line_add(&call.line, " session=%lu", session);
    trace_line_add_template(&call.line, "template", template, count);
    trace_call_begin(&call);
    CK_RV code = module->own->C_CreateObject(session, template, count, object);
    if (code == CKR_OK)
        trace_line_add(&call.line, " object=%lu", *object);
    return trace_call_end(&call, code);
}

static CK_RV trace_C_CopyObject(const struct trace_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_CopyObject");
    trace_line_add(&call.line, " session=%lu object=%lu", session, object);
    trace_line_add_template(&call.line, "template", template, count);
    trace_call_begin(&call);
    CK_RV code = module->own->C_CopyObject(session, object, template, count, copy);
    if (code == CKR_OK)
        trace_line_add(&call.line, " copy=%lu", *copy);
    return trace_call_end(&call, code);
}

static CK_RV trace_C_DestroyObject(const struct trace_module *module, CK_SESSION_HANDLE session,
                                   CK_OBJECT_HANDLE object)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_DestroyObject");
    trace_line_add(&call.line, " session=%lu object=%lu", session, object);
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_DestroyObject(session, object));
}

static CK_RV trace_C_GetAttributeValue(const struct trace_module *module, CK_SESSION_HANDLE session,
                                       CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct trace_call call;
    struct trace_buffers buffers;
    trace_buffers_note(&buffers, template, count);
    trace_call_init(&call, module, "C_GetAttributeValue");
    trace_line_add(&call.line, " session=%lu object=%lu", session, object);
    trace_line_add_request(&call.line, "buffers", template, count);
    trace_call_begin(&call);
    CK_RV code = module->own->C_GetAttributeValue(session, object, template, count);
    trace_line_add_answer(&call.line, "template", template, count, &buffers, code == CKR_OK);
    return trace_call_end(&call, code);
}

static CK_RV trace_C_SetAttributeValue(const struct trace_module *module, CK_SESSION_HANDLE session,
                                       CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_SetAttributeValue");
    trace_line_add(&call.line, " session=%lu object=%lu", session, object);
    trace_line_add_template(&call.line, "template", template, count);
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_SetAttributeValue(session, object, template, count));
}

static CK_RV trace_C_FindObjectsInit(const struct trace_module *module, CK_SESSION_HANDLE session,
                                     CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_FindObjectsInit");
    trace_line_add(&call.line, " session=%lu", session);
    trace_line_add_template(&call.line, "template", template, count);
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_FindObjectsInit(session, template, count));
}

static CK_RV trace_C_FindObjects(const struct trace_module *module, CK_SESSION_HANDLE session,
                                 CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *found)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_FindObjects");
    trace_line_add(&call.line, " session=%lu room=%lu", session, most);
    trace_call_begin(&call);
    CK_RV code = module->own->C_FindObjects(session, objects, most, found);
    if (code == CKR_OK) {
        trace_line_add(&call.line, " found=%lu", *found);
        trace_line_add_handles(&call.line, "objects", objects, *found < most ? *found : most);
    }
    return trace_call_end(&call, code);
}

static CK_RV trace_C_FindObjectsFinal(const struct trace_module *module, CK_SESSION_HANDLE session)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_FindObjectsFinal");
    trace_line_add(&call.line, " session=%lu", session);
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_FindObjectsFinal(session));
}

/* ---- Keys, signatures, random numbers: only the lengths of input and output ---- */

static CK_RV trace_C_GenerateKey(const struct trace_module *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                                 CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_GenerateKey");
    trace_line_add(&call.line, " session=%lu", session);
    trace_line_add_mechanism(&call.line, mechanism->mechanism);
    trace_line_add_template(&call.line, "template", template, count);
    trace_call_begin(&call);
    CK_RV code = module->own->C_GenerateKey(session, mechanism, template, count, key);
    if (code == CKR_OK)
        trace_line_add(&call.line, " object=%lu", *key);
    return trace_call_end(&call, code);
}

static CK_RV trace_C_GenerateKeyPair(const struct trace_module *module, CK_SESSION_HANDLE session,
                                     CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                                     CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                                     CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_GenerateKeyPair");
    trace_line_add(&call.line, " session=%lu", session);
    trace_line_add_mechanism(&call.line, mechanism->mechanism);
    trace_line_add_template(&call.line, "public", public_template, public_count);
    trace_line_add_template(&call.line, "private", private_template, private_count);
    trace_call_begin(&call);
    CK_RV code = module->own->C_GenerateKeyPair(session, mechanism, public_template, public_count, private_template,
                                                private_count, public_key, private_key);
    if (code == CKR_OK)
        trace_line_add(&call.line, " public-object=%lu private-object=%lu", *public_key, *private_key);
    return trace_call_end(&call, code);
}

static CK_RV trace_C_SignInit(const struct trace_module *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                              CK_OBJECT_HANDLE key)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_SignInit");
    trace_line_add(&call.line, " session=%lu", session);
    trace_line_add_mechanism(&call.line, mechanism->mechanism);
    trace_line_add(&call.line, " object=%lu", key);
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_SignInit(session, mechanism, key));
}

static CK_RV trace_C_Sign(const struct trace_module *module, CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length,
                          CK_BYTE *signature, CK_ULONG *size)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_Sign");
    trace_line_add(&call.line, " session=%lu data-length=%lu room=%lu", session, length, *size);
    trace_call_begin(&call);
    CK_RV code = module->own->C_Sign(session, data, length, signature, size);
    if (code == CKR_OK)
        trace_line_add(&call.line, " signature-length=%lu", *size);
    return trace_call_end(&call, code);
}

static CK_RV trace_C_GenerateRandom(const struct trace_module *module, CK_SESSION_HANDLE session, CK_BYTE *bytes,
                                    CK_ULONG length)
{
    struct trace_call call;
    trace_call_init(&call, module, "C_GenerateRandom");
    trace_line_add(&call.line, " session=%lu length=%lu", session, length);
    trace_call_begin(&call);
    return trace_call_end(&call, module->own->C_GenerateRandom(session, bytes, length));
}

/* ---- Functions for each module ---- */

/* clang-format off */
/* All functions that sealring calls; tests/cli/trace.sh compares. Each with its parameters, for module number n. */
#define TRACE_FUNCTIONS(each, n)                                                                                       \
    each(n, C_Initialize, (void *a), a)                                                                                \
    each(n, C_Finalize, (void *a), a)                                                                                  \
    each(n, C_GetInfo, (CK_INFO *a), a)                                                                                \
    each(n, C_GetSlotList, (CK_BBOOL a, CK_SLOT_ID *b, CK_ULONG *c), a, b, c)                                          \
    each(n, C_GetSlotInfo, (CK_SLOT_ID a, CK_SLOT_INFO *b), a, b)                                                      \
    each(n, C_GetTokenInfo, (CK_SLOT_ID a, CK_TOKEN_INFO *b), a, b)                                                    \
    each(n, C_GetMechanismInfo, (CK_SLOT_ID a, CK_MECHANISM_TYPE b, CK_MECHANISM_INFO *c), a, b, c)                    \
    each(n, C_OpenSession, (CK_SLOT_ID a, CK_FLAGS b, void *c, CK_NOTIFY d, CK_SESSION_HANDLE *e), a, b, c, d, e)      \
    each(n, C_CloseSession, (CK_SESSION_HANDLE a), a)                                                                  \
    each(n, C_GetSessionInfo, (CK_SESSION_HANDLE a, CK_SESSION_INFO *b), a, b)                                         \
    each(n, C_Login, (CK_SESSION_HANDLE a, CK_USER_TYPE b, CK_UTF8CHAR *c, CK_ULONG d), a, b, c, d)                    \
    each(n, C_CreateObject, (CK_SESSION_HANDLE a, CK_ATTRIBUTE *b, CK_ULONG c, CK_OBJECT_HANDLE *d), a, b, c, d)       \
    each(n, C_CopyObject,                                                                                              \
         (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE *c, CK_ULONG d, CK_OBJECT_HANDLE *e), a, b, c, d, e)   \
    each(n, C_DestroyObject, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b), a, b)                                          \
    each(n, C_GetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE *c, CK_ULONG d), a, b, c, d)   \
    each(n, C_SetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE *c, CK_ULONG d), a, b, c, d)   \
    each(n, C_FindObjectsInit, (CK_SESSION_HANDLE a, CK_ATTRIBUTE *b, CK_ULONG c), a, b, c)                            \
    each(n, C_FindObjects, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE *b, CK_ULONG c, CK_ULONG *d), a, b, c, d)            \
    each(n, C_FindObjectsFinal, (CK_SESSION_HANDLE a), a)                                                              \
    each(n, C_GenerateKey,                                                                                             \
         (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_ATTRIBUTE *c, CK_ULONG d, CK_OBJECT_HANDLE *e), a, b, c, d, e)      \
    each(n, C_GenerateKeyPair,                                                                                         \
         (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_ATTRIBUTE *c, CK_ULONG d, CK_ATTRIBUTE *e, CK_ULONG f,              \
          CK_OBJECT_HANDLE *g, CK_OBJECT_HANDLE *h), a, b, c, d, e, f, g, h)                                           \
    each(n, C_SignInit, (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_OBJECT_HANDLE c), a, b, c)                           \
    each(n, C_Sign, (CK_SESSION_HANDLE a, CK_BYTE *b, CK_ULONG c, CK_BYTE *d, CK_ULONG *e), a, b, c, d, e)             \
    each(n, C_GenerateRandom, (CK_SESSION_HANDLE a, CK_BYTE *b, CK_ULONG c), a, b, c)
/* clang-format on */

#define TRACE_DEFINE(n, name, parameters, ...)               \
    static CK_RV trace_##n##_##name parameters               \
    {                                                        \
        return trace_##name(&trace_modules[n], __VA_ARGS__); \
    }
#define TRACE_PUT(n, name, parameters, ...) list->name = trace_##n##_##name;
#define TRACE_MODULE(n)                               \
    TRACE_FUNCTIONS(TRACE_DEFINE, n)                  \
    static void trace_put_##n(CK_FUNCTION_LIST *list) \
    {                                                 \
        TRACE_FUNCTIONS(TRACE_PUT, n)                 \
    }

TRACE_MODULE(0)
TRACE_MODULE(1)
TRACE_MODULE(2)
TRACE_MODULE(3)

static void (*const trace_put[TRACE_MODULES])(CK_FUNCTION_LIST *list) = {trace_put_0, trace_put_1, trace_put_2,
                                                                         trace_put_3};

/* The entry that has these functions already, or a free one. */
static size_t trace_find_module(const CK_FUNCTION_LIST *own)
{
    size_t free_one = TRACE_MODULES;
    for (size_t i = 0; i < TRACE_MODULES; i++) {
        if (trace_modules[i].own == own)
            return i;
        if (free_one == TRACE_MODULES && trace_modules[i].process != fork_process())
            free_one = i;
    }
    return free_one;
}

CK_FUNCTION_LIST *trace_functions(CK_FUNCTION_LIST *own, const char *path)
{
    struct trace_line name = {.length = 0};
    const char *slash = strrchr(path, '/');
    if (!trace_file_open())
        return own;
    size_t number = trace_find_module(own);
    if (number == TRACE_MODULES) {
        trace_file_refuse("this process uses more modules than can be traced");
        return own;
    }
    struct trace_module *module = &trace_modules[number];
    if (module->own == own && module->process == fork_process())
        return &module->before;
    trace_line_add_text(&name, "module", slash != NULL ? slash + 1 : path, strlen(slash != NULL ? slash + 1 : path));
    (void)snprintf(module->name, sizeof(module->name), "%.150s", name.text);
    module->process = fork_process();
    module->own = own;
    module->before = *own;
    trace_put[number](&module->before);
    return &module->before;
}

CK_FUNCTION_LIST *trace_own_functions(CK_FUNCTION_LIST *functions)
{
    for (size_t i = 0; i < TRACE_MODULES; i++)
        if (functions == &trace_modules[i].before)
            return trace_modules[i].own;
    return functions;
}
