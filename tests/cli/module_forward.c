/* SPDX-License-Identifier: Apache-2.0 */
/* A module that hands everything on to FORWARD_TO, and is another kind of token where it is asked to be. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

/* It writes logins to FORWARD_LOG, hides what FORWARD_HIDE names, and kills its process at what FORWARD_KILL names: behind "make", before
 * "change" and "destroy".
 *
 * FORWARD_AS and the file FORWARD_SCRIPT, which is read again at each call, hold its traits, separated by blanks. What has to outlive a
 * process is kept in the directory FORWARD_STATE.
 *
 *   read-write-only   opens no read-only session
 *   no-label          secret keys have no label
 *   volatile-label    their labels last until C_Finalize
 *   process-label     their labels last as long as the process
 *   fixed-label       their labels cannot be changed
 *   sign-unenforced   CKA_SIGN is kept, and a key signs whatever it is
 *   snapshot          shows the secret keys that were there at C_Initialize, and the process's own
 *   late=MS           finds a secret key that another process made only so many milliseconds later
 *   wrong-mac=N       one HMAC in N is wrong
 *   slow=MS           each HMAC takes MS milliseconds
 *   hang              an HMAC takes until this trait has gone
 *   refuse-data       finds data objects and refuses to show their attributes
 *
 * FORWARD_HIDE names one thing that it does not do: "hmac" (the mechanism), "generate" (keys), "search" (for data objects, an error), "value"
 * (of data objects), "data" (making and searching them), "label" (of key pairs, to be read), "search-at-first" (for data objects the token is away until the process has signed
 * something). */

#define ID_MAX      32
#define TEXT_SIZE   512
#define LABELS_MAX  256
#define LABEL_SIZE  160
#define MADE_MAX    256
#define WRONG_BYTES 32

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST functions;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static struct {
    char id[2 * ID_MAX + 1];
    char label[LABEL_SIZE];
} labels[LABELS_MAX];
static size_t label_count;
static char own[MADE_MAX][2 * ID_MAX + 1]; /* what this process made */
static size_t own_count;
static size_t shown; /* so many of the made ones are in the snapshot */
static atomic_uint_fast64_t macs;

/* ---- Traits ---- */

static void read_script(char text[TEXT_SIZE])
{
    const char *path = getenv("FORWARD_SCRIPT");
    const char *given = getenv("FORWARD_AS");
    size_t length = (size_t)snprintf(text, TEXT_SIZE, "%s ", given != NULL ? given : "");
    FILE *file = path != NULL && length < TEXT_SIZE ? fopen(path, "r") : NULL;
    if (file == NULL)
        return;
    text[length + fread(text + length, 1, TEXT_SIZE - 1 - length, file)] = '\0';
    fclose(file);
}

/* The trait's number, 1 for one without; 0 if it is not wanted. */
static long trait(const char *name)
{
    char text[TEXT_SIZE];
    char *rest = NULL;
    size_t length = strlen(name);
    read_script(text);
    for (char *word = strtok_r(text, " ,\n", &rest); word != NULL; word = strtok_r(NULL, " ,\n", &rest)) {
        if (strcmp(word, name) == 0)
            return 1;
        if (strncmp(word, name, length) == 0 && word[length] == '=')
            return strtol(word + length + 1, NULL, 10);
    }
    return 0;
}

static void state_path(char path[4096], const char *name, const char *id)
{
    const char *directory = getenv("FORWARD_STATE");
    snprintf(path, 4096, "%s/%s%s", directory != NULL ? directory : "/nonexistent", name, id);
}

/* ---- Objects ---- */

/* The CKA_ID of a secret key, in hexadecimal; false for other objects. */
static bool key_id(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, char id[2 * ID_MAX + 1])
{
    CK_OBJECT_CLASS class = 0;
    CK_BYTE bytes[ID_MAX];
    CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, bytes, sizeof bytes}};
    if (real->C_GetAttributeValue(session, object, attributes, 2) != CKR_OK || class != CKO_SECRET_KEY)
        return false;
    id[0] = '\0';
    for (CK_ULONG i = 0; i < attributes[1].ulValueLen && i < ID_MAX; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool is_data(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_OBJECT_CLASS class = 0;
    CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof class};
    return real->C_GetAttributeValue(session, object, &attribute, 1) == CKR_OK && class == CKO_DATA;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One line for each secret key that was made: its ID and when. Returns how many lines there are; of `id`, which line and when. */
static size_t made(const char *id, size_t *line, int64_t *when)
{
    char path[4096], text[2 * ID_MAX + 1];
    long long time;
    size_t count = 0;
    state_path(path, "made", "");
    FILE *file = fopen(path, "r");
    while (file != NULL && fscanf(file, "%64s %lld", text, &time) == 2) {
        if (id != NULL && strcmp(text, id) == 0) {
            *line = count;
            *when = time;
        }
        count++;
    }
    if (file != NULL)
        fclose(file);
    return count;
}

static void note_made(const char *id)
{
    char path[4096];
    state_path(path, "made", "");
    FILE *file = fopen(path, "a");
    if (file != NULL) {
        fprintf(file, "%s %lld\n", id, (long long)now_ms());
        fclose(file);
    }
    pthread_mutex_lock(&lock);
    if (own_count < MADE_MAX)
        strcpy(own[own_count++], id);
    pthread_mutex_unlock(&lock);
}

static bool is_shown(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    char id[2 * ID_MAX + 1];
    long late = trait("late");
    bool snapshot = trait("snapshot") != 0;
    size_t line = SIZE_MAX;
    int64_t when = 0;
    if ((!snapshot && late == 0) || !key_id(session, object, id))
        return true;
    made(id, &line, &when);
    pthread_mutex_lock(&lock);
    bool seen = (line == SIZE_MAX || now_ms() >= when + late) && (!snapshot || line == SIZE_MAX || line < shown);
    for (size_t i = 0; i < own_count; i++)
        seen = seen || strcmp(own[i], id) == 0;
    pthread_mutex_unlock(&lock);
    return seen;
}

/* ---- Labels ---- */

static bool forgets_labels(void)
{
    return trait("no-label") || trait("volatile-label") || trait("process-label");
}

static void keep_label(const char *id, const CK_ATTRIBUTE *label)
{
    size_t i = 0;
    if (trait("no-label") || label->ulValueLen >= LABEL_SIZE)
        return;
    pthread_mutex_lock(&lock);
    while (i < label_count && strcmp(labels[i].id, id) != 0)
        i++;
    if (i < LABELS_MAX) {
        label_count = i == label_count ? i + 1 : label_count;
        strcpy(labels[i].id, id);
        memcpy(labels[i].label, label->pValue, label->ulValueLen);
        labels[i].label[label->ulValueLen] = '\0';
    }
    pthread_mutex_unlock(&lock);
}

static const CK_ATTRIBUTE *find_label(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].type == CKA_LABEL)
            return &template[i];
    return NULL;
}

static CK_RV give(CK_ATTRIBUTE *attribute, const void *value, size_t length)
{
    if (attribute->pValue != NULL && attribute->ulValueLen < length) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (attribute->pValue != NULL)
        memcpy(attribute->pValue, value, length);
    attribute->ulValueLen = length;
    return CKR_OK;
}

static CK_RV give_label(const char *id, CK_ATTRIBUTE *attribute)
{
    char label[LABEL_SIZE] = "";
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < label_count; i++)
        if (strcmp(labels[i].id, id) == 0)
            strcpy(label, labels[i].label);
    pthread_mutex_unlock(&lock);
    return give(attribute, label, strlen(label));
}

/* ---- CKA_SIGN that is not enforced ---- */

static bool is_closed(const char *id)
{
    char path[4096];
    state_path(path, "closed-", id);
    return access(path, F_OK) == 0;
}

static void close_key(const char *id, bool closed)
{
    char path[4096];
    state_path(path, "closed-", id);
    FILE *file = closed ? fopen(path, "w") : NULL;
    if (file != NULL)
        fclose(file);
    if (!closed)
        unlink(path);
}

/* ---- The functions ---- */

static CK_RV initialize(void *arguments)
{
    CK_RV code = real->C_Initialize(arguments);
    pthread_mutex_lock(&lock);
    if (code == CKR_OK) {
        shown = made(NULL, NULL, NULL);
        if (trait("volatile-label"))
            label_count = 0;
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static bool hides(const char *what)
{
    const char *hidden = getenv("FORWARD_HIDE");
    return hidden != NULL && strcmp(hidden, what) == 0;
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO *info)
{
    if (hides("hmac") && mechanism == CKM_SHA256_HMAC)
        return CKR_MECHANISM_INVALID;
    return real->C_GetMechanismInfo(slot, mechanism, info);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    if (!(flags & CKF_RW_SESSION) && trait("read-write-only"))
        return CKR_FUNCTION_NOT_SUPPORTED;
    return real->C_OpenSession(slot, flags, application, notify, session);
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
    char id[2 * ID_MAX + 1];
    const CK_ATTRIBUTE *label = find_label(template, count);
    if (hides("generate"))
        return CKR_FUNCTION_NOT_SUPPORTED;
    CK_RV code = real->C_GenerateKey(session, mechanism, template, count, key);
    if (code == CKR_OK && key_id(session, *key, id)) {
        note_made(id);
        if (label != NULL)
            keep_label(id, label);
    }
    die_at("make");
    return code;
}

static bool is_for_data(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].type == CKA_CLASS && template[i].ulValueLen == sizeof(CK_OBJECT_CLASS))
            return *(const CK_OBJECT_CLASS *)template[i].pValue == CKO_DATA;
    return false;
}

static atomic_bool has_signed;

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
    if (is_for_data(template, count) && (hides("search") || hides("data")))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (is_for_data(template, count) && hides("search-at-first") && !atomic_load(&has_signed))
        return CKR_DEVICE_ERROR;
    return real->C_FindObjectsInit(session, template, count);
}

static CK_RV create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    if (is_for_data(template, count) && hides("data"))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    return real->C_CreateObject(session, template, count, object);
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *found)
{
    CK_ULONG got = 0, kept = 0;
    CK_RV code;
    do {
        code = real->C_FindObjects(session, objects, most, &got);
        for (CK_ULONG i = 0; code == CKR_OK && i < got; i++)
            if (is_shown(session, objects[i]))
                objects[kept++] = objects[i];
    } while (code == CKR_OK && got > 0 && kept == 0);
    *found = kept;
    return code;
}

static CK_RV get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute)
{
    char id[2 * ID_MAX + 1];
    if (trait("refuse-data") && is_data(session, object))
        return CKR_ACTION_PROHIBITED;
    if (attribute->type == CKA_VALUE && hides("value"))
        return CKR_ATTRIBUTE_SENSITIVE;
    if (attribute->type == CKA_LABEL && hides("label") && !key_id(session, object, id))
        return CKR_ATTRIBUTE_SENSITIVE;
    if (attribute->type == CKA_LABEL && forgets_labels() && key_id(session, object, id))
        return give_label(id, attribute);
    if (attribute->type == CKA_SIGN && trait("sign-unenforced") && key_id(session, object, id) && is_closed(id)) {
        CK_BBOOL no = CK_FALSE;
        return give(attribute, &no, sizeof no);
    }
    return real->C_GetAttributeValue(session, object, attribute, 1);
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                                 CK_ULONG count)
{
    CK_RV code = CKR_OK;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV one = get_attribute(session, object, &template[i]);
        code = code == CKR_OK ? one : code;
    }
    return code;
}

static CK_RV set_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                                 CK_ULONG count)
{
    char id[2 * ID_MAX + 1];
    const CK_ATTRIBUTE *label = find_label(template, count);
    die_at("change");
    if (label != NULL && trait("fixed-label"))
        return CKR_ATTRIBUTE_READ_ONLY;
    if (label != NULL && key_id(session, object, id))
        keep_label(id, label);
    if (count == 1 && template->type == CKA_SIGN && trait("sign-unenforced") && key_id(session, object, id)) {
        close_key(id, *(CK_BBOOL *)template->pValue == CK_FALSE);
        return CKR_OK;
    }
    return real->C_SetAttributeValue(session, object, template, count);
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    die_at("destroy");
    return real->C_DestroyObject(session, object);
}

static void sleep_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG *size)
{
    sleep_ms(trait("slow"));
    while (trait("hang") != 0)
        sleep_ms(10);
    CK_RV code = real->C_Sign(session, data, length, signature, size);
    atomic_store(&has_signed, true);
    long every = trait("wrong-mac");
    if (code == CKR_OK && every > 0 && signature != NULL && *size == WRONG_BYTES &&
        (atomic_fetch_add(&macs, 1) + 1) % (uint_fast64_t)every == 0)
        signature[0] ^= 1;
    return code;
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
    functions.C_Initialize = initialize;
    functions.C_GetMechanismInfo = get_mechanism_info;
    functions.C_OpenSession = open_session;
    functions.C_Login = login;
    functions.C_GenerateKey = generate_key;
    functions.C_FindObjects = find_objects;
    functions.C_FindObjectsInit = find_objects_init;
    functions.C_CreateObject = create_object;
    functions.C_GetAttributeValue = get_attribute_value;
    functions.C_SetAttributeValue = set_attribute_value;
    functions.C_DestroyObject = destroy_object;
    functions.C_Sign = sign;
    *list = &functions;
    return CKR_OK;
}
