/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the trace of Cryptoki calls: what may be logged of a call, and in which form. */
#include "token/module/trace_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "token/module/return_code.h"

#define TRACE_ENDING     "..."
#define TRACE_TEXT_MOST  128
#define TRACE_BYTES_MOST 64
#define TRACE_LIST_MOST  8

/* Room for the end of the line is reserved: see trace_line_add_result. */
#define TRACE_LINE_MOST (TRACE_LINE_SIZE - 128)

/* ---- Numbers that have names (PKCS #11 v2.40, and v3.0 for what sealring uses of it) ---- */

struct trace_name {
    CK_ULONG value;
    const char *name;
};

/* clang-format off */
static const struct trace_name trace_classes[] = {
    {CKO_DATA, "CKO_DATA"}, {CKO_CERTIFICATE, "CKO_CERTIFICATE"}, {CKO_PUBLIC_KEY, "CKO_PUBLIC_KEY"},
    {CKO_PRIVATE_KEY, "CKO_PRIVATE_KEY"}, {CKO_SECRET_KEY, "CKO_SECRET_KEY"}, {0, NULL}};
static const struct trace_name trace_key_types[] = {
    {CKK_RSA, "CKK_RSA"}, {CKK_EC, "CKK_EC"}, {CKK_EC_EDWARDS, "CKK_EC_EDWARDS"},
    {CKK_GENERIC_SECRET, "CKK_GENERIC_SECRET"}, {CKK_SHA256_HMAC, "CKK_SHA256_HMAC"}, {CKK_AES, "CKK_AES"}, {0, NULL}};
static const struct trace_name trace_mechanisms[] = {
    {CKM_SHA256_HMAC, "CKM_SHA256_HMAC"}, {CKM_GENERIC_SECRET_KEY_GEN, "CKM_GENERIC_SECRET_KEY_GEN"},
    {CKM_EC_KEY_PAIR_GEN, "CKM_EC_KEY_PAIR_GEN"}, {CKM_EC_EDWARDS_KEY_PAIR_GEN, "CKM_EC_EDWARDS_KEY_PAIR_GEN"},
    {CKM_ECDSA, "CKM_ECDSA"}, {CKM_EDDSA, "CKM_EDDSA"}, {0, NULL}};
static const struct trace_name trace_users[] = {
    {CKU_SO, "CKU_SO"}, {CKU_USER, "CKU_USER"}, {CKU_CONTEXT_SPECIFIC, "CKU_CONTEXT_SPECIFIC"}, {0, NULL}};
static const struct trace_name trace_states[] = {
    {CKS_RO_PUBLIC_SESSION, "CKS_RO_PUBLIC_SESSION"}, {CKS_RO_USER_FUNCTIONS, "CKS_RO_USER_FUNCTIONS"},
    {CKS_RW_PUBLIC_SESSION, "CKS_RW_PUBLIC_SESSION"}, {CKS_RW_USER_FUNCTIONS, "CKS_RW_USER_FUNCTIONS"},
    {CKS_RW_SO_FUNCTIONS, "CKS_RW_SO_FUNCTIONS"}, {0, NULL}};
/* clang-format on */

/* ---- Attributes ---- */

enum trace_form {
    TRACE_LENGTH, /* also of unlisted attributes: their values are not written */
    TRACE_FLAG,
    TRACE_NUMBER,
    TRACE_TEXT, /* labels are not secret: the token shows them to every logged-in user, sealring shows them in messages */
    TRACE_BYTES
};

#define TRACE_ATTRIBUTE(type, form, names) \
    {                                      \
        type, #type, form, names           \
    }

/* The attributes that sealring reads, sets or searches by. */
static const struct trace_attribute {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    enum trace_form form;
    const struct trace_name *names; /* for numbers; NULL: none */
} trace_attributes[] = {
    TRACE_ATTRIBUTE(CKA_CLASS, TRACE_NUMBER, trace_classes),
    TRACE_ATTRIBUTE(CKA_KEY_TYPE, TRACE_NUMBER, trace_key_types),
    TRACE_ATTRIBUTE(CKA_VALUE_LEN, TRACE_NUMBER, NULL),
    TRACE_ATTRIBUTE(CKA_LABEL, TRACE_TEXT, NULL),
    TRACE_ATTRIBUTE(CKA_APPLICATION, TRACE_TEXT, NULL),
    TRACE_ATTRIBUTE(CKA_ID, TRACE_BYTES, NULL),
    TRACE_ATTRIBUTE(CKA_TOKEN, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_PRIVATE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_SENSITIVE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_ALWAYS_SENSITIVE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_EXTRACTABLE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_NEVER_EXTRACTABLE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_LOCAL, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_MODIFIABLE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_COPYABLE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_DESTROYABLE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_SIGN, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_VERIFY, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_ENCRYPT, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_DECRYPT, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_WRAP, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_UNWRAP, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_DERIVE, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_SIGN_RECOVER, TRACE_FLAG, NULL),
    TRACE_ATTRIBUTE(CKA_VALUE, TRACE_LENGTH, NULL),
    TRACE_ATTRIBUTE(CKA_EC_PARAMS, TRACE_LENGTH, NULL),
    TRACE_ATTRIBUTE(CKA_EC_POINT, TRACE_LENGTH, NULL),
    TRACE_ATTRIBUTE(CKA_ALLOWED_MECHANISMS, TRACE_LENGTH, NULL),
};

/* ---- Adding ---- */

void trace_line_add(struct trace_line *line, const char *format, ...)
{
    va_list arguments;
    size_t room = TRACE_LINE_MOST - line->length;
    if (line->length >= TRACE_LINE_MOST)
        return; /* it is truncated already */
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < room) {
        line->length += (size_t)length;
        return;
    }
    memcpy(line->text + TRACE_LINE_MOST - sizeof(TRACE_ENDING), TRACE_ENDING, sizeof(TRACE_ENDING));
    line->length = TRACE_LINE_MOST;
}

static void trace_line_add_named(struct trace_line *line, const char *name, CK_ULONG value,
                                 const struct trace_name *names)
{
    for (const struct trace_name *known = names; known != NULL && known->name != NULL; known++) {
        if (known->value == value) {
            trace_line_add(line, "%s=%s", name, known->name);
            return;
        }
    }
    trace_line_add(line, names != NULL ? "%s=0x%lx" : "%s=%lu", name, value);
}

static void trace_line_add_quoted(struct trace_line *line, const char *bytes, size_t length)
{
    trace_line_add(line, "\"");
    for (size_t i = 0; i < length && i < TRACE_TEXT_MOST; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        bool plain = byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
        trace_line_add(line, plain ? "%c" : "\\x%02x", byte);
    }
    trace_line_add(line, "\"%s", length > TRACE_TEXT_MOST ? TRACE_ENDING : "");
}

void trace_line_add_text(struct trace_line *line, const char *name, const void *bytes, size_t length)
{
    const char *text = bytes;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\0'))
        length--;
    trace_line_add(line, " %s=", name);
    trace_line_add_quoted(line, text, length);
}

void trace_line_add_handles(struct trace_line *line, const char *name, const CK_ULONG *handles, CK_ULONG count)
{
    trace_line_add(line, " %s=", name);
    for (CK_ULONG i = 0; i < count && i < TRACE_LIST_MOST; i++)
        trace_line_add(line, "%s%lu", i > 0 ? "," : "", handles[i]);
    trace_line_add(line, "%s", count > TRACE_LIST_MOST ? TRACE_ENDING : "");
}

void trace_line_add_mechanism(struct trace_line *line, CK_MECHANISM_TYPE mechanism)
{
    trace_line_add_named(line, " mechanism", mechanism, trace_mechanisms);
}

void trace_line_add_user(struct trace_line *line, CK_USER_TYPE user)
{
    trace_line_add_named(line, " user", user, trace_users);
}

void trace_line_add_state(struct trace_line *line, CK_STATE state)
{
    trace_line_add_named(line, " state", state, trace_states);
}

/* Uses the reserved room. */
void trace_line_add_result(struct trace_line *line, CK_RV code, int64_t microseconds)
{
    const char *name = code_name(code);
    bool known = strncmp(name, "CKR_", 4) == 0;
    line->length = strlen(line->text);
    line->length += (size_t)snprintf(line->text + line->length, sizeof(line->text) - line->length,
                                     " result=%s code=0x%lx us=%" PRId64, known ? name : "unknown", code, microseconds);
}

/* ---- Templates ---- */

static const struct trace_attribute *trace_attribute_find(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < sizeof(trace_attributes) / sizeof(trace_attributes[0]); i++)
        if (trace_attributes[i].type == type)
            return &trace_attributes[i];
    return NULL;
}

static void trace_line_add_length(struct trace_line *line, const struct trace_attribute *known, CK_ATTRIBUTE_TYPE type,
                                  CK_ULONG length)
{
    if (known != NULL)
        trace_line_add(line, "%s", known->name);
    else
        trace_line_add(line, "0x%lx", type);
    if (length == CK_UNAVAILABLE_INFORMATION)
        trace_line_add(line, "[unavailable]");
    else
        trace_line_add(line, "[%lu]", length);
}

/* Returns false if its form does not fit its length, or if its value must not be written. */
static bool trace_line_add_value(struct trace_line *line, const struct trace_attribute *known,
                                 const CK_ATTRIBUTE *attribute)
{
    CK_ULONG number;
    const uint8_t *bytes = attribute->pValue;
    switch (known->form) {
    case TRACE_FLAG:
        if (attribute->ulValueLen == sizeof(CK_BBOOL))
            trace_line_add(line, "%s=%s", known->name, bytes[0] != CK_FALSE ? "true" : "false");
        return attribute->ulValueLen == sizeof(CK_BBOOL);
    case TRACE_NUMBER:
        if (attribute->ulValueLen == sizeof(number)) {
            memcpy(&number, bytes, sizeof(number));
            trace_line_add_named(line, known->name, number, known->names);
        }
        return attribute->ulValueLen == sizeof(number);
    case TRACE_TEXT:
        trace_line_add(line, "%s=", known->name);
        trace_line_add_quoted(line, attribute->pValue, attribute->ulValueLen);
        return true;
    case TRACE_BYTES:
        trace_line_add(line, "%s=", known->name);
        for (CK_ULONG i = 0; i < attribute->ulValueLen && i < TRACE_BYTES_MOST; i++)
            trace_line_add(line, "%02x", bytes[i]);
        trace_line_add(line, "%s", attribute->ulValueLen > TRACE_BYTES_MOST ? TRACE_ENDING : "");
        return true;
    case TRACE_LENGTH:
    default:
        return false;
    }
}

static void trace_line_add_attribute(struct trace_line *line, const CK_ATTRIBUTE *attribute, bool with_value)
{
    const struct trace_attribute *known = trace_attribute_find(attribute->type);
    bool readable =
        with_value && known != NULL && attribute->pValue != NULL && attribute->ulValueLen != CK_UNAVAILABLE_INFORMATION;
    if (!readable || !trace_line_add_value(line, known, attribute))
        trace_line_add_length(line, known, attribute->type, attribute->ulValueLen);
}

void trace_buffers_note(struct trace_buffers *buffers, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count && i < TRACE_BUFFERS_KNOWN; i++)
        buffers->sizes[i] = template[i].pValue != NULL ? template[i].ulValueLen : 0;
}

void trace_line_add_template(struct trace_line *line, const char *name, const CK_ATTRIBUTE *template, CK_ULONG count,
                             bool with_values, const struct trace_buffers *buffers)
{
    trace_line_add(line, " %s={", name);
    for (CK_ULONG i = 0; i < count; i++) {
        bool fits = buffers == NULL || (i < TRACE_BUFFERS_KNOWN && template[i].ulValueLen <= buffers->sizes[i]);
        trace_line_add(line, "%s", i > 0 ? "," : "");
        trace_line_add_attribute(line, &template[i], with_values && fits);
    }
    trace_line_add(line, "}");
}
