/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of Cryptoki calls, before a module that is made up: what is written, what never is, and into which files. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/runner.h"
#include "token/module/trace.h"
#include "token/module/trace_file.h"

#define SECRET       "S3cretS3cretS3cretS3cretS3cretS3" /* in each place that may hold one */
#define SECRET_SIZE  (sizeof SECRET - 1)
#define TEXT_SIZE    (1 << 20)
#define THREADS      8
#define THREAD_CALLS 200

static char directory[64], path[128];
static char text[TEXT_SIZE];

static void setup(void)
{
    strcpy(directory, "/tmp/sealring-trace.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/trace", directory);
    ck_assert_int_eq(setenv(TRACE_VARIABLE, path, 1), 0);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static const char *read_trace(void)
{
    int descriptor = open(path, O_RDONLY);
    ck_assert_int_ge(descriptor, 0);
    ssize_t length = read(descriptor, text, sizeof text - 1);
    ck_assert_int_ge(length, 0);
    close(descriptor);
    text[length] = '\0';
    return text;
}

static size_t count_of(const char *what)
{
    size_t count = 0;
    for (const char *at = read_trace(); (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

#define ASSERT_TRACED(what)   ck_assert_msg(count_of(what) > 0, "no \"%s\" in:\n%s", what, text)
#define ASSERT_UNTRACED(what) ck_assert_msg(count_of(what) == 0, "\"%s\" in:\n%s", what, text)

/* ---- A module ---- */

static CK_FUNCTION_LIST modules[5];
static CK_RV answer;  /* of C_Finalize, */
static long pause_ms; /* after so long */
static unsigned finalised[5];

static CK_RV initialize(void *arguments)
{
    (void)arguments;
    return CKR_OK;
}

static CK_RV finalize(void *reserved)
{
    const struct timespec pause = {.tv_nsec = pause_ms * 1000000L};
    (void)reserved;
    finalised[0]++;
    nanosleep(&pause, NULL);
    return answer;
}

static CK_RV finalize_another(void *reserved)
{
    (void)reserved;
    finalised[1]++;
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    (void)slot;
    memset(info, ' ', sizeof *info);
    memcpy(info->label, "two\nlines \"\x1b[31m\\", 17);
    return CKR_OK;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    (void)session;
    return user == CKU_USER && length == SECRET_SIZE && memcmp(pin, SECRET, length) == 0 ? CKR_PIN_LOCKED
                                                                                         : CKR_GENERAL_ERROR;
}

static CK_RV make_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    (void)session;
    (void)template;
    *object = 70 + count;
    return CKR_OK;
}

/* A secret where one may be, whatever was asked for: the lengths are what a module claims. */
static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                                 CK_ULONG count)
{
    (void)session;
    for (CK_ULONG i = 0; i < count; i++) {
        if (template[i].ulValueLen >= SECRET_SIZE)
            memcpy(template[i].pValue, SECRET, SECRET_SIZE);
        template[i].ulValueLen = object == 1 ? SECRET_SIZE : object == 2 ? 100000 : CK_UNAVAILABLE_INFORMATION;
    }
    return object == 9 ? CKR_ATTRIBUTE_SENSITIVE : CKR_OK;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG *size)
{
    (void)session;
    (void)data;
    (void)length;
    memcpy(signature, SECRET, SECRET_SIZE);
    *size = SECRET_SIZE;
    return CKR_OK;
}

static CK_RV generate_random(CK_SESSION_HANDLE session, CK_BYTE *bytes, CK_ULONG length)
{
    (void)session;
    memset(bytes, 0, length);
    memcpy(bytes, SECRET, length < SECRET_SIZE ? length : SECRET_SIZE);
    return CKR_VENDOR_DEFINED | 5;
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *found)
{
    (void)session;
    for (CK_ULONG i = 0; i < most; i++)
        objects[i] = 40 + i;
    *found = 1000; /* more than there was room for */
    return CKR_OK;
}

static CK_FUNCTION_LIST *traced(void)
{
    modules[0] = (CK_FUNCTION_LIST){.C_Initialize = initialize,
                                    .C_Finalize = finalize,
                                    .C_GetTokenInfo = get_token_info,
                                    .C_Login = login,
                                    .C_CreateObject = make_object,
                                    .C_SetAttributeValue = get_attribute_value,
                                    .C_GetAttributeValue = get_attribute_value,
                                    .C_FindObjects = find_objects,
                                    .C_Sign = sign,
                                    .C_GenerateRandom = generate_random};
    CK_FUNCTION_LIST *functions = trace_functions(&modules[0], "/usr/lib/made-up.so");
    ck_assert_ptr_ne(functions, &modules[0]);
    ck_assert_ptr_eq(trace_own_functions(functions), &modules[0]);
    return functions;
}

/* ---- What is written ---- */

START_TEST(without_the_variable_a_module_is_called_as_it_is)
{
    char line[SEALRING_MESSAGE_SIZE];
    ck_assert_int_eq(_i == 0 ? unsetenv(TRACE_VARIABLE) : setenv(TRACE_VARIABLE, "", 1), 0);
    ck_assert_ptr_eq(trace_functions(&modules[0], "/a.so"), &modules[0]);
    ck_assert_ptr_eq(trace_own_functions(&modules[0]), &modules[0]);
    ck_assert_int_eq(trace_file_describe(line), TRACE_OFF);
    ck_assert_str_eq(line, "");
}
END_TEST

START_TEST(a_call_has_a_line_before_and_after_it)
{
    char mark[64], line[SEALRING_MESSAGE_SIZE];
    CK_FUNCTION_LIST *functions = traced();
    struct stat file;
    answer = CKR_DEVICE_ERROR;
    ck_assert_uint_eq(functions->C_Finalize(NULL), CKR_DEVICE_ERROR);
    ck_assert_uint_eq(finalised[0], 1);
    snprintf(mark, sizeof mark, "Z pid=%d tid=%d call=1 ", getpid(), gettid());
    ck_assert_uint_eq(count_of(mark), 2);
    ASSERT_TRACED(" call=1 begin C_Finalize module=\"made-up.so\"\n");
    ASSERT_TRACED(" call=1 end C_Finalize module=\"made-up.so\" result=CKR_DEVICE_ERROR code=0x30 us=");
    ck_assert_uint_eq(count_of("\n"), 2);
    ck_assert_int_eq(trace_file_describe(line), TRACE_ON);
    ck_assert_ptr_nonnull(strstr(line, path));
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 07777, 0600);
}
END_TEST

START_TEST(the_duration_is_the_modules)
{
    CK_FUNCTION_LIST *functions = traced();
    long microseconds = 0;
    pause_ms = 30;
    ck_assert_uint_eq(functions->C_Finalize(NULL), answer);
    ASSERT_TRACED(" us=");
    ck_assert_int_eq(sscanf(strstr(text, " us="), " us=%ld\n", &microseconds), 1);
    ck_assert_int_ge(microseconds, 30000);
    ck_assert_int_le(microseconds, 60000000);
}
END_TEST

START_TEST(what_may_be_secret_is_never_written)
{
    CK_BYTE secret[] = SECRET, buffer[256];
    CK_ULONG size = sizeof buffer, length = SECRET_SIZE;
    CK_OBJECT_HANDLE object;
    CK_FUNCTION_LIST *functions = traced();
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .pReserved = secret};
    ck_assert_uint_eq(functions->C_Initialize(&arguments), CKR_OK);
    ASSERT_TRACED("flags=0x2 init-args=given");
    ck_assert_uint_eq(functions->C_Login(3, CKU_USER, secret, SECRET_SIZE), CKR_PIN_LOCKED);
    ASSERT_TRACED("begin C_Login module=\"made-up.so\" session=3 user=CKU_USER\n");
    ASSERT_TRACED("session=3 user=CKU_USER result=CKR_PIN_LOCKED code=0xa4");
    const CK_ATTRIBUTE_TYPE types[] = {CKA_VALUE,
                                       CKA_EC_POINT,
                                       CKA_PRIVATE_EXPONENT,
                                       CKA_MODULUS,
                                       CKA_PRIME_1,
                                       CKA_CHECK_VALUE,
                                       CKA_OBJECT_ID,
                                       CKA_TOKEN,
                                       CKA_VALUE_LEN,
                                       CKA_ALLOWED_MECHANISMS,
                                       CKA_URL,
                                       CKA_VENDOR_DEFINED | 7,
                                       CKA_WRAP_TEMPLATE};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        CK_ATTRIBUTE attribute = {types[i], secret, SECRET_SIZE};
        ck_assert_uint_eq(functions->C_CreateObject(3, &attribute, 1, &object), CKR_OK);
        ck_assert_uint_eq(object, 71);
        attribute = (CK_ATTRIBUTE){types[i], buffer, sizeof buffer};
        ck_assert_uint_eq(functions->C_GetAttributeValue(3, 1, &attribute, 1), CKR_OK);
        ck_assert_uint_eq(attribute.ulValueLen, length);
    }
    ASSERT_TRACED("template={CKA_VALUE[32]} object=71 result=CKR_OK");
    ASSERT_TRACED("object=1 buffers={CKA_VALUE[256]} template={CKA_VALUE[32]}");
    ASSERT_TRACED("{CKA_TOKEN[32]}");
    ASSERT_TRACED("{0x80000007[32]}");
    ck_assert_uint_eq(functions->C_Sign(3, secret, SECRET_SIZE, buffer, &size), CKR_OK);
    ck_assert_int_eq(memcmp(buffer, SECRET, SECRET_SIZE), 0);
    ck_assert_uint_eq(size, SECRET_SIZE);
    ASSERT_TRACED("session=3 data-length=32 room=256 signature-length=32 result=CKR_OK");
    ck_assert_uint_eq(functions->C_GenerateRandom(3, buffer, 16), CKR_VENDOR_DEFINED | 5);
    ASSERT_TRACED("session=3 length=16 result=unknown code=0x80000005");
    ASSERT_UNTRACED("S3cret");
    ASSERT_UNTRACED("533363"); /* the same in hexadecimal digits */
    ASSERT_UNTRACED("UzNjcmV0");
}
END_TEST

START_TEST(what_identifies_an_object_is_written)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ULONG type = 0x7fff;
    CK_BBOOL no = CK_FALSE;
    CK_BYTE id[] = {0x0a, 0xff};
    char label[] = "sealring/a \"b\"\n\x1b\xc3\xa4";
    CK_OBJECT_HANDLE object;
    CK_FUNCTION_LIST *functions = traced();
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},    {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_SIGN, &no, sizeof no},           {CKA_ID, id, sizeof id},
                               {CKA_LABEL, label, sizeof label - 1}, {CKA_LABEL, NULL, 0}};
    ck_assert_uint_eq(functions->C_CreateObject(3, template, 6, &object), CKR_OK);
    ASSERT_TRACED("{CKA_CLASS=CKO_SECRET_KEY,CKA_KEY_TYPE=0x7fff,CKA_SIGN=false,CKA_ID=0aff,"
                  "CKA_LABEL=\"sealring/a \\x22b\\x22\\x0a\\x1b\\xc3\\xa4\",CKA_LABEL[0]} object=76 ");
    CK_TOKEN_INFO info;
    ck_assert_uint_eq(functions->C_GetTokenInfo(0, &info), CKR_OK);
    ASSERT_TRACED(" token=\"two\\x0alines \\x22\\x1b[31m\\x5c\" serial=\"\"");
    ck_assert_uint_eq(count_of("\n"), 4);
}
END_TEST

START_TEST(a_module_that_claims_more_than_there_is_room_for)
{
    char label[8] = "", other[4] = "";
    CK_OBJECT_HANDLE objects[2];
    CK_ULONG found;
    CK_FUNCTION_LIST *functions = traced();
    CK_ATTRIBUTE template[] = {{CKA_LABEL, label, sizeof label}, {CKA_ID, other, sizeof other}};
    ck_assert_uint_eq(functions->C_GetAttributeValue(3, 2, template, 2), CKR_OK);
    ASSERT_TRACED("buffers={CKA_LABEL[8],CKA_ID[4]} template={CKA_LABEL[100000],CKA_ID[100000]} result=CKR_OK");
    ASSERT_UNTRACED("CKA_LABEL=");
    template[0].ulValueLen = sizeof label;
    template[1].ulValueLen = sizeof other;
    ck_assert_uint_eq(functions->C_GetAttributeValue(3, 9, template, 2), CKR_ATTRIBUTE_SENSITIVE);
    ASSERT_TRACED("template={CKA_LABEL[unavailable],CKA_ID[unavailable]} result=CKR_ATTRIBUTE_SENSITIVE");
    ck_assert_uint_eq(functions->C_FindObjects(3, objects, 2, &found), CKR_OK);
    ASSERT_TRACED(" room=2 found=1000 objects=40,41 result=CKR_OK");
}
END_TEST

/* More attributes than a line holds. */
START_TEST(a_line_that_is_too_long_is_cut_and_has_its_result)
{
    CK_ATTRIBUTE template[200];
    CK_OBJECT_HANDLE object;
    char label[] = "abcdefghijklmnopqrstuvwxyz";
    CK_FUNCTION_LIST *functions = traced();
    for (size_t i = 0; i < 200; i++)
        template[i] = (CK_ATTRIBUTE){CKA_LABEL, label, sizeof label - 1};
    ck_assert_uint_eq(functions->C_CreateObject(3, template, 200, &object), CKR_OK);
    ck_assert_uint_eq(object, 270);
    ck_assert_uint_eq(functions->C_GetAttributeValue(3, 1, template, 200), CKR_OK);
    ck_assert_uint_eq(count_of("\n"), 4);
    ck_assert_uint_eq(count_of("...\n"), 2);
    ck_assert_uint_eq(count_of("... result=CKR_OK code=0x0 us="), 2);
}
END_TEST

START_TEST(each_module_keeps_its_own_functions)
{
    CK_FUNCTION_LIST *functions[5];
    char line[SEALRING_MESSAGE_SIZE], name[16];
    functions[0] = traced();
    for (size_t i = 1; i < 5; i++) {
        modules[i].C_Finalize = finalize_another;
        snprintf(name, sizeof name, "/m/%zu.so", i);
        functions[i] = trace_functions(&modules[i], name);
        ck_assert_ptr_eq(trace_functions(&modules[i], name), functions[i]);
        ck_assert_ptr_eq(trace_own_functions(functions[i]), &modules[i]);
        functions[i]->C_Finalize(NULL);
    }
    answer = CKR_OK;
    functions[0]->C_Finalize(NULL);
    ck_assert_uint_eq(finalised[0], 1);
    ck_assert_uint_eq(finalised[1], 4);
    ck_assert_uint_eq(count_of("end C_Finalize module=\"3.so\" "), 1);
    ck_assert_uint_eq(count_of("end C_Finalize module=\"made-up.so\" "), 1);
    ck_assert_ptr_eq(functions[4], &modules[4]); /* one too many */
    ASSERT_UNTRACED("4.so");
    ck_assert_int_eq(trace_file_describe(line), TRACE_FAILED);
    ck_assert_ptr_nonnull(strstr(line, "more modules than can be traced"));
}
END_TEST

static void *call_often(void *context)
{
    CK_FUNCTION_LIST *functions = context;
    for (int i = 0; i < THREAD_CALLS; i++)
        functions->C_Login(3, CKU_USER, NULL, 0);
    return NULL;
}

START_TEST(threads_and_a_forked_child_write_whole_lines)
{
    pthread_t threads[THREADS];
    char mark[64];
    int status;
    CK_FUNCTION_LIST *functions = traced();
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, functions), 0);
    pid_t child = fork();
    if (child == 0) {
        call_often(functions); /* by its parent's descriptor */
        call_often(traced());  /* by its own */
        _exit(0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    snprintf(mark, sizeof mark, " pid=%d ", child);
    ck_assert_uint_eq(count_of(mark), (size_t)4 * THREAD_CALLS);
    ck_assert_uint_eq(count_of("\n"), (size_t)2 * (THREADS + 2) * THREAD_CALLS);
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        int length = 0, process, thread;
        unsigned long long number;
        char moment[8];
        ck_assert_int_eq(sscanf(line, "20%*d-%*d-%*dT%*d:%*d:%*d.%*dZ pid=%d tid=%d call=%llu %7s C_Login %n", &process,
                                &thread, &number, moment, &length),
                         4);
        ck_assert_int_gt(length, 0);
        const char *rest = strcmp(moment, "end") == 0
                               ? "module=\"made-up.so\" session=3 user=CKU_USER result=CKR_GENERAL_ERROR code=0x5 us="
                               : "module=\"made-up.so\" session=3 user=CKU_USER\n";
        ck_assert_msg(strncmp(line + length, rest, strlen(rest)) == 0, "%.200s", line);
    }
}
END_TEST

/* ---- Into which files ---- */

static void make_link(void)
{
    char target[160];
    snprintf(target, sizeof target, "%s/target", directory);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void make_second_name(void)
{
    char other[160];
    snprintf(other, sizeof other, "%s/other", directory);
    int descriptor = open(other, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    ck_assert_int_eq(link(other, path), 0);
}

static void make_directory(void)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_pipe(void)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void make_pipe_with_a_reader(void)
{
    make_pipe();
    ck_assert_int_ge(open(path, O_RDONLY | O_NONBLOCK), 0);
}

static void make_relative(void)
{
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(setenv(TRACE_VARIABLE, "trace", 1), 0);
}

static void make_nowhere(void)
{
    snprintf(path, sizeof path, "%s/none/trace", directory);
    ck_assert_int_eq(setenv(TRACE_VARIABLE, path, 1), 0);
}

static void make_device(void)
{
    ck_assert_int_eq(setenv(TRACE_VARIABLE, "/dev/null", 1), 0);
}

static void make_long(void)
{
    static char long_path[8192];
    memset(long_path, '/', sizeof long_path - 1);
    ck_assert_int_eq(setenv(TRACE_VARIABLE, long_path, 1), 0);
}

static void make_control_characters(void)
{
    snprintf(path, sizeof path, "%s/\x1b[31m\n/x", directory);
    ck_assert_int_eq(setenv(TRACE_VARIABLE, path, 1), 0);
}

/* Only root can make one; others find root's: /etc/passwd. */
static void make_anothers(void)
{
    if (geteuid() != 0) {
        ck_assert_int_eq(setenv(TRACE_VARIABLE, "/etc/passwd", 1), 0);
        return;
    }
    int descriptor = open(path, O_CREAT | O_WRONLY, 0666);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(fchown(descriptor, 65534, 65534), 0);
    close(descriptor);
}

static const struct {
    void (*make)(void);
    const char *words;
} strange[] = {
    {make_link, "is a symbolic link"},
    {make_second_name, "has a second name"},
    {make_directory, "is no regular file"},
    {make_pipe, "is no regular file"},
    {make_pipe_with_a_reader, "is no regular file"},
    {make_relative, "is a relative path"},
    {make_nowhere, "No such file or directory"},
    {make_device, "is no regular file"},
    {make_long, "is too long"},
    {make_control_characters, "?[31m?/x No such file"},
    {make_anothers, "belongs to another user"},
};
#define STRANGE (sizeof strange / sizeof strange[0])

START_TEST(a_strange_file_is_refused_with_a_reason)
{
    char line[SEALRING_MESSAGE_SIZE];
    struct stat file;
    strange[_i].make();
    ck_assert_ptr_eq(trace_functions(&modules[0], "/a.so"), &modules[0]);
    ck_assert_ptr_eq(trace_functions(&modules[1], "/b.so"), &modules[1]);
    ck_assert_int_eq(trace_file_describe(line), TRACE_FAILED);
    ck_assert_msg(strstr(line, strange[_i].words) != NULL, "%s", line);
    ck_assert_msg(strstr(line, TRACE_VARIABLE) != NULL, "%s", line);
    ck_assert_ptr_null(strpbrk(line, "\n\x1b"));
    snprintf(path, sizeof path, "%s/target", directory);
    ck_assert_int_ne(stat(path, &file), 0);
}
END_TEST

/* A limit stands for a full disk: it can be lifted again. SIGXFSZ would end the process. */
START_TEST(what_cannot_be_written_is_reported_and_nothing_else)
{
    char line[SEALRING_MESSAGE_SIZE];
    struct rlimit before, limit;
    struct stat file;
    CK_FUNCTION_LIST *functions = traced();
    answer = CKR_OK;
    ck_assert_uint_eq(functions->C_Finalize(NULL), CKR_OK);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)file.st_size + 30; /* a part of the next line */
    /* check writes to a file of its own at each assertion: none in between */
    int limited = setrlimit(RLIMIT_FSIZE, &limit);
    CK_RV codes = CKR_OK;
    for (int i = 0; i < 3; i++)
        codes |= functions->C_Finalize(NULL);
    int lifted = setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(limited, 0);
    ck_assert_int_eq(lifted, 0);
    ck_assert_uint_eq(codes, CKR_OK);
    ck_assert_uint_eq(finalised[0], 4);
    ck_assert_int_eq(trace_file_describe(line), TRACE_FAILED);
    ck_assert_msg(strstr(line, "lacks lines that could not be written") != NULL && strstr(line, path) != NULL, "%s",
                  line);
    ck_assert_uint_eq(functions->C_Finalize(NULL), CKR_OK);
    ck_assert_uint_eq(count_of("\n"), 5); /* two lines, a part of one, two lines */
    ASSERT_TRACED("call=5 end C_Finalize");
    ASSERT_TRACED("\n20"); /* the year, at the beginning of a line */
    ck_assert_msg(count_of("\n20") == 4, "%s", text);
}
END_TEST

/* Returns what went wrong; check has descriptors of its own. */
static int close_and_call(CK_FUNCTION_LIST *functions)
{
    char other[160], line[SEALRING_MESSAGE_SIZE];
    struct stat file;
    snprintf(other, sizeof other, "%s/other", directory);
    for (int i = 3; i < 64; i++)
        close(i);
    for (int i = 3; i < 64; i++)
        if (open(other, O_CREAT | O_RDWR, 0600) != i)
            return 1;
    if (functions->C_Finalize(NULL) != CKR_OK)
        return 2;
    if (stat(other, &file) != 0 || file.st_size != 0)
        return 3;
    if (trace_file_describe(line) != TRACE_FAILED)
        return 4;
    return traced()->C_Finalize(NULL) == CKR_OK && trace_file_describe(line) == TRACE_ON ? 0 : 5;
}

/* A daemon that closes what it does not know, and opens files of its own. */
START_TEST(a_descriptor_that_became_another_file_is_left_alone)
{
    int status;
    CK_FUNCTION_LIST *functions = traced();
    answer = CKR_OK;
    pid_t child = fork();
    if (child == 0)
        _exit(close_and_call(functions));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(count_of("end C_Finalize"), 1); /* of the child's own trace */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_trace");
    TCase *tests = tcase_create("token_trace");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, without_the_variable_a_module_is_called_as_it_is, 0, 2);
    tcase_add_test(tests, a_call_has_a_line_before_and_after_it);
    tcase_add_test(tests, the_duration_is_the_modules);
    tcase_add_test(tests, what_may_be_secret_is_never_written);
    tcase_add_test(tests, what_identifies_an_object_is_written);
    tcase_add_test(tests, a_module_that_claims_more_than_there_is_room_for);
    tcase_add_test(tests, a_line_that_is_too_long_is_cut_and_has_its_result);
    tcase_add_test(tests, each_module_keeps_its_own_functions);
    tcase_add_test(tests, threads_and_a_forked_child_write_whole_lines);
    tcase_add_loop_test(tests, a_strange_file_is_refused_with_a_reason, 0, (int)STRANGE);
    tcase_add_test(tests, what_cannot_be_written_is_reported_and_nothing_else);
    tcase_add_test(tests, a_descriptor_that_became_another_file_is_left_alone);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
