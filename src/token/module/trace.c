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

/* ---- What is logged of an argument. Arguments are counted from 0; a template is followed by its length. ---- */

static const void *trace_pointer(const struct trace_call *call, unsigned argument)
{
    return call->arguments[argument].pointer;
}

static void trace_number(struct trace_call *call, const char *name, unsigned argument)
{
    trace_line_add(&call->line, " %s=%lu", name, call->arguments[argument].number);
}

/* The number that the argument points to. */
static void trace_number_at(struct trace_call *call, const char *name, unsigned argument)
{
    trace_line_add(&call->line, " %s=%lu", name, *(const CK_ULONG *)trace_pointer(call, argument));
}

static void trace_access(struct trace_call *call, const char *name, unsigned argument)
{
    bool writes = call->arguments[argument].number & CKF_RW_SESSION;
    trace_line_add(&call->line, " %s=%s", name, writes ? "read-write" : "read-only");
}

static void trace_user(struct trace_call *call, const char *name, unsigned argument)
{
    (void)name;
    trace_line_add_user(&call->line, call->arguments[argument].number);
}

static void trace_mechanism(struct trace_call *call, const char *name, unsigned argument)
{
    (void)name;
    trace_line_add_mechanism(&call->line, call->arguments[argument].number);
}

static void trace_mechanism_at(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_MECHANISM *mechanism = trace_pointer(call, argument);
    (void)name;
    trace_line_add_mechanism(&call->line, mechanism->mechanism);
}

static void trace_template(struct trace_call *call, const char *name, unsigned argument)
{
    trace_line_add_template(&call->line, name, trace_pointer(call, argument), call->arguments[argument + 1].number,
                            true, NULL);
}

static void trace_buffers(struct trace_call *call, const char *name, unsigned argument)
{
    trace_buffers_note(&call->buffers, trace_pointer(call, argument), call->arguments[argument + 1].number);
    trace_line_add_template(&call->line, name, trace_pointer(call, argument), call->arguments[argument + 1].number,
                            false, NULL);
}

static void trace_answer(struct trace_call *call, const char *name, unsigned argument)
{
    trace_line_add_template(&call->line, name, trace_pointer(call, argument), call->arguments[argument + 1].number,
                            call->code == CKR_OK, &call->buffers);
}

/* The init arguments may contain a password. */
static void trace_init_args(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_C_INITIALIZE_ARGS *given = trace_pointer(call, argument);
    if (given != NULL)
        trace_line_add(&call->line, " flags=0x%lx %s=%s", given->flags, name,
                       given->pReserved != NULL ? "given" : "none");
}

static void trace_slot_room(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_ULONG *count = trace_pointer(call, 2);
    call->room = trace_pointer(call, 1) != NULL ? *count : 0;
    trace_line_add(&call->line, " %s=%s room=%lu", name, call->arguments[argument].number ? "true" : "false",
                   call->room);
}

static void trace_slots(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_ULONG *slots = trace_pointer(call, argument), *count = trace_pointer(call, argument + 1);
    if (slots != NULL)
        trace_line_add_handles(&call->line, name, slots, *count < call->room ? *count : call->room);
}

static void trace_objects(struct trace_call *call, const char *name, unsigned argument)
{
    CK_ULONG most = call->arguments[argument + 1].number;
    const CK_ULONG *found = trace_pointer(call, argument + 2);
    trace_line_add_handles(&call->line, name, trace_pointer(call, argument), *found < most ? *found : most);
}

static void trace_info(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_INFO *info = trace_pointer(call, argument);
    (void)name;
    trace_line_add_text(&call->line, "manufacturer", info->manufacturerID, sizeof(info->manufacturerID));
    trace_line_add_text(&call->line, "library", info->libraryDescription, sizeof(info->libraryDescription));
    trace_line_add(&call->line, " library-version=%u.%u cryptoki-version=%u.%u", info->libraryVersion.major,
                   info->libraryVersion.minor, info->cryptokiVersion.major, info->cryptokiVersion.minor);
}

static void trace_slot_info(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_SLOT_INFO *info = trace_pointer(call, argument);
    trace_line_add_text(&call->line, name, info->slotDescription, sizeof(info->slotDescription));
    trace_line_add(&call->line, " flags=0x%lx", info->flags);
}

static void trace_token_info(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_TOKEN_INFO *info = trace_pointer(call, argument);
    trace_line_add_text(&call->line, name, info->label, sizeof(info->label));
    trace_line_add_text(&call->line, "serial", info->serialNumber, sizeof(info->serialNumber));
    trace_line_add_text(&call->line, "model", info->model, sizeof(info->model));
    trace_line_add(&call->line, " flags=0x%lx sessions=%ld sessions-max=%ld", info->flags, (long)info->ulSessionCount,
                   (long)info->ulMaxSessionCount);
}

static void trace_mechanism_info(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_MECHANISM_INFO *info = trace_pointer(call, argument);
    trace_line_add(&call->line, " %s=0x%lx", name, info->flags);
}

static void trace_session_info(struct trace_call *call, const char *name, unsigned argument)
{
    const CK_SESSION_INFO *info = trace_pointer(call, argument);
    trace_line_add(&call->line, " %s=%lu", name, info->slotID);
    trace_line_add_state(&call->line, info->state);
    trace_line_add(&call->line, " device-error=0x%lx", info->ulDeviceError);
}

/* ---- What is logged of each function: its arguments before the call, then what it returned. Of a PIN nothing, not even its length; of
 * data and signatures only the lengths. ---- */

#define TRACE_SESSION              \
    {                              \
        trace_number, "session", 0 \
    }

/* clang-format off */
static const struct trace_function
trace_C_Initialize = {"C_Initialize", "p", {{trace_init_args, "init-args", 0}}, {{0}}, false},
trace_C_Finalize = {"C_Finalize", "p", {{0}}, {{0}}, false},
trace_C_GetInfo = {"C_GetInfo", "p", {{0}}, {{trace_info, NULL, 0}}, false},
trace_C_GetSlotList = {"C_GetSlotList", "bpp", {{trace_slot_room, "token-present", 0}},
    {{trace_number_at, "count", 2}, {trace_slots, "slots", 1}}, false},
trace_C_GetSlotInfo = {"C_GetSlotInfo", "np", {{trace_number, "slot", 0}}, {{trace_slot_info, "description", 1}}, false},
trace_C_GetTokenInfo = {"C_GetTokenInfo", "np", {{trace_number, "slot", 0}}, {{trace_token_info, "token", 1}}, false},
trace_C_GetMechanismInfo = {"C_GetMechanismInfo", "nnp", {{trace_number, "slot", 0}, {trace_mechanism, NULL, 1}},
    {{trace_mechanism_info, "flags", 2}}, false},
trace_C_OpenSession = {"C_OpenSession", "nnppp", {{trace_number, "slot", 0}, {trace_access, "access", 1}},
    {{trace_number_at, "session", 4}}, false},
trace_C_CloseSession = {"C_CloseSession", "n", {TRACE_SESSION}, {{0}}, false},
trace_C_GetSessionInfo = {"C_GetSessionInfo", "np", {TRACE_SESSION}, {{trace_session_info, "slot", 1}}, false},
trace_C_Login = {"C_Login", "nnpn", {TRACE_SESSION, {trace_user, NULL, 1}}, {{0}}, false},
trace_C_CreateObject = {"C_CreateObject", "npnp", {TRACE_SESSION, {trace_template, "template", 1}},
    {{trace_number_at, "object", 3}}, false},
trace_C_CopyObject = {"C_CopyObject", "nnpnp",
    {TRACE_SESSION, {trace_number, "object", 1}, {trace_template, "template", 2}}, {{trace_number_at, "copy", 4}}, false},
trace_C_DestroyObject = {"C_DestroyObject", "nn", {TRACE_SESSION, {trace_number, "object", 1}}, {{0}}, false},
trace_C_GetAttributeValue = {"C_GetAttributeValue", "nnpn",
    {TRACE_SESSION, {trace_number, "object", 1}, {trace_buffers, "buffers", 2}}, {{trace_answer, "template", 2}}, true},
trace_C_SetAttributeValue = {"C_SetAttributeValue", "nnpn",
    {TRACE_SESSION, {trace_number, "object", 1}, {trace_template, "template", 2}}, {{0}}, false},
trace_C_FindObjectsInit = {"C_FindObjectsInit", "npn", {TRACE_SESSION, {trace_template, "template", 1}}, {{0}}, false},
trace_C_FindObjects = {"C_FindObjects", "npnp", {TRACE_SESSION, {trace_number, "room", 2}},
    {{trace_number_at, "found", 3}, {trace_objects, "objects", 1}}, false},
trace_C_FindObjectsFinal = {"C_FindObjectsFinal", "n", {TRACE_SESSION}, {{0}}, false},
trace_C_GenerateKey = {"C_GenerateKey", "nppnp",
    {TRACE_SESSION, {trace_mechanism_at, NULL, 1}, {trace_template, "template", 2}}, {{trace_number_at, "object", 4}}, false},
trace_C_GenerateKeyPair = {"C_GenerateKeyPair", "nppnpnpp",
    {TRACE_SESSION, {trace_mechanism_at, NULL, 1}, {trace_template, "public", 2}, {trace_template, "private", 4}},
    {{trace_number_at, "public-object", 6}, {trace_number_at, "private-object", 7}}, false},
trace_C_SignInit = {"C_SignInit", "npn", {TRACE_SESSION, {trace_mechanism_at, NULL, 1}, {trace_number, "object", 2}}, {{0}}, false},
trace_C_Sign = {"C_Sign", "npnpp", {TRACE_SESSION, {trace_number, "data-length", 2}, {trace_number_at, "room", 4}},
    {{trace_number_at, "signature-length", 4}}, false},
trace_C_GenerateRandom = {"C_GenerateRandom", "npn", {TRACE_SESSION, {trace_number, "length", 2}}, {{0}}, false};
/* clang-format on */

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

#define TRACE_DEFINE(n, name, parameters, ...)                                  \
    static CK_RV trace_##n##_##name parameters                                  \
    {                                                                           \
        struct trace_call call;                                                 \
        trace_call_begin(&call, &trace_modules[n], &trace_##name, __VA_ARGS__); \
        return trace_call_end(&call, trace_modules[n].own->name(__VA_ARGS__));  \
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
        trace_file_refuse("this process", "uses more modules than can be traced");
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
