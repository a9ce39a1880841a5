/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a token in the hands of somebody who is not sealring: `object MODULE TOKEN PIN COMMAND …`. Commands:
 *   get ID ATTRIBUTE          prints true or false; "gone" if there is none, "several" if there is more than one
 *   set ID ATTRIBUTE 0|1      CKA_SIGN, CKA_DERIVE, CKA_COPYABLE
 *   label ID TEXT
 *   make ID TEXT 0|1          a key of the vault's kind under this label; 1: extractable
 *   import ID TEXT            a key that was elsewhere before
 *   destroy ID                every object with it */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#define OBJECTS_MOST 8

static CK_FUNCTION_LIST *module;
static CK_SESSION_HANDLE session;
static CK_BYTE id[64];
static CK_ULONG id_length;
static CK_OBJECT_HANDLE objects[OBJECTS_MOST];
static CK_ULONG object_count;

static void must(CK_RV code, const char *what)
{
    if (code == CKR_OK)
        return;
    fprintf(stderr, "%s: 0x%lx\n", what, code);
    exit(1);
}

static CK_SLOT_ID find_slot(const char *label)
{
    CK_SLOT_ID slots[32];
    CK_ULONG count = sizeof slots / sizeof slots[0];
    must(module->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        char padded[sizeof info.label + 1];
        snprintf(padded, sizeof padded, "%-32s", label);
        if (module->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, padded, sizeof info.label) == 0)
            return slots[i];
    }
    fprintf(stderr, "no token %s\n", label);
    exit(1);
}

static void log_in(const char *path, const char *label, char *pin)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_C_GetFunctionList get_function_list = NULL;
    memcpy(&get_function_list, &symbol, sizeof symbol);
    if (get_function_list == NULL)
        must(CKR_GENERAL_ERROR, "dlopen");
    must(get_function_list(&module), "C_GetFunctionList");
    must(module->C_Initialize(NULL), "C_Initialize");
    must(module->C_OpenSession(find_slot(label), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
         "C_OpenSession");
    must(module->C_Login(session, CKU_USER, (CK_BYTE *)pin, strlen(pin)), "C_Login");
}

static void find_objects(const char *hexadecimal)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    for (id_length = 0; id_length < sizeof id && sscanf(hexadecimal + 2 * id_length, "%2hhx", &id[id_length]) == 1;)
        id_length++;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, id_length}};
    must(module->C_FindObjectsInit(session, template, 2), "C_FindObjectsInit");
    must(module->C_FindObjects(session, objects, OBJECTS_MOST, &object_count), "C_FindObjects");
    must(module->C_FindObjectsFinal(session), "C_FindObjectsFinal");
}

static CK_ATTRIBUTE_TYPE attribute(const char *name)
{
    return strcmp(name, "CKA_SIGN") == 0 ? CKA_SIGN : strcmp(name, "CKA_DERIVE") == 0 ? CKA_DERIVE : CKA_COPYABLE;
}

static void get(const char *name)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE template = {attribute(name), &value, sizeof value};
    if (object_count == 1)
        must(module->C_GetAttributeValue(session, objects[0], &template, 1), "C_GetAttributeValue");
    puts(object_count == 0 ? "gone" : object_count > 1 ? "several" : value ? "true" : "false");
}

static void set(CK_ATTRIBUTE_TYPE type, void *value, size_t length)
{
    CK_ATTRIBUTE template = {type, value, length};
    must(object_count == 1 ? module->C_SetAttributeValue(session, objects[0], &template, 1) : CKR_ARGUMENTS_BAD,
         "C_SetAttributeValue");
}

static void make(char *label, CK_BBOOL extractable)
{
    CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG length = 32;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_OBJECT_HANDLE made;
    CK_ATTRIBUTE template[] = {
        {CKA_TOKEN, &yes, 1},
        {CKA_PRIVATE, &yes, 1},
        {CKA_SENSITIVE, &yes, 1},
        {CKA_SIGN, &yes, 1},
        {CKA_VERIFY, &no, 1},
        {CKA_ENCRYPT, &no, 1},
        {CKA_DECRYPT, &no, 1},
        {CKA_WRAP, &no, 1},
        {CKA_UNWRAP, &no, 1},
        {CKA_DERIVE, &no, 1},
        {CKA_COPYABLE, &no, 1},
        {CKA_EXTRACTABLE, &extractable, 1},
        {CKA_ID, id, id_length},
        {CKA_LABEL, label, strlen(label)},
        {CKA_VALUE_LEN, &length, sizeof length},
        {CKA_KEY_TYPE, &type, sizeof type},
    };
    must(module->C_GenerateKey(session, &mechanism, template, sizeof template / sizeof template[0], &made),
         "C_GenerateKey");
}

static void import(char *label)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_BYTE value[32] = "a secret of somebody else's";
    CK_OBJECT_HANDLE made;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_TOKEN, &yes, 1},
        {CKA_PRIVATE, &yes, 1},
        {CKA_SENSITIVE, &yes, 1},
        {CKA_EXTRACTABLE, &no, 1},
        {CKA_SIGN, &yes, 1},
        {CKA_ID, id, id_length},
        {CKA_LABEL, label, strlen(label)},
        {CKA_VALUE, value, sizeof value},
        {CKA_KEY_TYPE, &type, sizeof type},
    };
    must(module->C_CreateObject(session, template, sizeof template / sizeof template[0], &made), "C_CreateObject");
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    const char *command = argv[4];
    log_in(argv[1], argv[2], argv[3]);
    find_objects(argv[5]);
    if (strcmp(command, "get") == 0) {
        get(argv[6]);
    } else if (strcmp(command, "set") == 0) {
        CK_BBOOL value = argv[7][0] == '1' ? CK_TRUE : CK_FALSE;
        set(attribute(argv[6]), &value, sizeof value);
    } else if (strcmp(command, "label") == 0) {
        set(CKA_LABEL, argv[6], strlen(argv[6]));
    } else if (strcmp(command, "make") == 0) {
        make(argv[6], argv[7][0] == '1' ? CK_TRUE : CK_FALSE);
    } else if (strcmp(command, "import") == 0) {
        import(argv[6]);
    } else {
        for (CK_ULONG i = 0; i < object_count; i++)
            must(module->C_DestroyObject(session, objects[i]), "C_DestroyObject");
    }
    must(module->C_Finalize(NULL), "C_Finalize");
    return 0;
}
