/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of tokens that the token tests run on: SoftHSM2, NSS softokn, and SoftHSM2 behind p11-kit's remoting. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "lib/token_kind.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "lib/forward.h"
#include "lib/runner.h"
#include "lib/test_token.h"

#define START_LOOKS 2000 /* of a millisecond and more */

#ifndef SOFTHSM2_MODULE
#define SOFTHSM2_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#endif
static const char *from_environment(const char *variable, const char *otherwise)
{
    const char *module = getenv(variable);
    return module != NULL && module[0] != '\0' ? module : otherwise;
}

/* Where distributions put it. */
static const char *search_module(const char *variable, const char *name)
{
    static const char *const folders[] = {"/usr/lib/*", "/usr/lib64", "/usr/lib", "/usr/local/lib"};
    static char path[256];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char pattern[256];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/%s", folders[i], name);
        if (glob(pattern, 0, NULL, &found) == 0) {
            snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
            globfree(&found);
            return from_environment(variable, path);
        }
    }
    return from_environment(variable, name);
}

/* ---- SoftHSM2 */

static const char *softhsm2_module(void)
{
    return from_environment("SOFTHSM2_MODULE", SOFTHSM2_MODULE);
}

static void softhsm2_make(struct test_token *test)
{
    sealring_error error = {0};
    sealring_status status = provision_token(softhsm2_module(), NULL, TEST_TOKEN_LABEL, TEST_TOKEN_SO_PIN,
                                             TEST_TOKEN_PIN, test->serial, &error);
    ck_assert_msg(status == SEALRING_OK, "provision_token: %s", error.message);
}

/* ---- NSS softokn: its token is there from the first start on, and has an empty security officer's PIN */

static const char *softokn_module(void)
{
    return search_module("SOFTOKN_MODULE", "libsoftokn3.so");
}

static CK_SLOT_ID softokn_slot(CK_FUNCTION_LIST *functions)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    if (functions->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return 0;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (functions->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            memcmp(info.label, TEST_TOKEN_LABEL, strlen(TEST_TOKEN_LABEL)) == 0)
            return slots[i];
    }
    return 0;
}

/* In a process of its own. The code that was not CKR_OK, cut to what an exit status can tell. */
static int softokn_set_pin(const struct test_token *test)
{
    CK_SESSION_HANDLE session;
    CK_FUNCTION_LIST *functions = forward_load(softokn_module());
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .pReserved = (void *)(uintptr_t)test->init_args};
    if (functions == NULL || functions->C_Initialize(&arguments) != CKR_OK)
        return 1;
    CK_SLOT_ID slot = softokn_slot(functions);
    if (functions->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) != CKR_OK)
        return 2;
    CK_UTF8CHAR empty[1] = "";
    if (functions->C_Login(session, CKU_SO, empty, 0) != CKR_OK)
        return 3;
    CK_UTF8CHAR pin[] = TEST_TOKEN_PIN;
    if (functions->C_InitPIN(session, pin, sizeof(pin) - 1) != CKR_OK)
        return 4;
    return functions->C_Finalize(NULL) == CKR_OK ? 0 : 5;
}

static void softokn_prepare(struct test_token *test)
{
    snprintf(test->init_args, sizeof test->init_args,
             "configdir='sql:%s' certPrefix='' keyPrefix='' secmod='' flags= dbTokenDescription='%s'", test->tokens,
             TEST_TOKEN_LABEL);
    test->config.init_args = test->init_args;
    strcpy(test->serial, "0000000000000000");
}

static void softokn_make(struct test_token *test)
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(softokn_set_pin(test));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "softokn: %d", status);
}

/* ---- SoftHSM2 behind p11-kit's server, which starts a process for each connection */

static const char *p11_kit_module(void)
{
    return search_module("P11_KIT_CLIENT_MODULE", "pkcs11/p11-kit-client.so");
}

/* Its socket is there before it listens. */
static bool server_answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = descriptor >= 0 && connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0;
    if (descriptor >= 0)
        close(descriptor);
    return answers;
}

void token_kind_start_server(struct test_token *test)
{
    char path[100]; /* as much as a socket's address has room for */
    snprintf(path, sizeof path, "%.80s/p11-kit", test->directory);
    (void)unlink(path);
    test->server = fork();
    ck_assert_int_ge(test->server, 0);
    if (test->server == 0) {
        (void)setpgid(0, 0); /* its own children are ended with it */
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(126);
        execlp("p11-kit", "p11-kit", "server", "-f", "-p", softhsm2_module(), "-n", path,
               "pkcs11:manufacturer=SoftHSM%20project", (char *)NULL);
        _exit(127);
    }
    (void)setpgid(test->server, test->server);
    bool answers = false;
    for (int i = 0; i < START_LOOKS && !answers; i++) {
        usleep(1000);
        answers = server_answers(path);
    }
    ck_assert_msg(answers, "p11-kit server does not start: is the package p11-kit installed?");
}

void token_kind_kill_server(struct test_token *test)
{
    ck_assert_int_gt(test->server, 0);
    ck_assert_int_eq(kill(-test->server, SIGKILL), 0);
    ck_assert_int_eq(waitpid(test->server, NULL, 0), test->server);
    test->server = 0;
}

static void p11_kit_prepare(struct test_token *test)
{
    char address[TEST_TOKEN_PATH_SIZE + 32];
    snprintf(address, sizeof address, "unix:path=%s/p11-kit", test->directory);
    ck_assert_int_eq(setenv("P11_KIT_SERVER_ADDRESS", address, 1), 0);
}

static void p11_kit_make(struct test_token *test)
{
    softhsm2_make(test);
    token_kind_start_server(test);
}

static void p11_kit_unmake(struct test_token *test)
{
    if (test->server > 0)
        token_kind_kill_server(test);
}

/* ---- Which */

static const struct token_kind kinds[] = {
    {
        .name = "softhsm2",
        .module = softhsm2_module,
        .provisions = softhsm2_module,
        .make = softhsm2_make,
        .in_process = true,
        .tells_initialised = true,
        .initialises = true,
        .told_by_file = true,
        .counts_tries = true,
        .limits_mechanisms = true,
        .refuses_copies = true,
        .tells_local = true,
        .keeps_both = true,
        .restarts_fast = true,
        .reads_beside_writing = true,
        .joins_host = true,
        .needs_directory = true,
    },
    {
        .name = "softokn",
        .module = softokn_module,
        .prepare = softokn_prepare,
        .make = softokn_make,
        .in_process = true,
        .joins_host = true,
    },
    {
        .name = "p11-kit",
        .module = p11_kit_module,
        .provisions = softhsm2_module,
        .prepare = p11_kit_prepare,
        .make = p11_kit_make,
        .unmake = p11_kit_unmake,
        .initialises = true,
        .counts_tries = true,
        .limits_mechanisms = true,
        .refuses_copies = true,
        .tells_local = true,
        .keeps_both = true,
        .reads_beside_writing = true,
        .tells_initialised = true,
        .needs_directory = true,
    },
};

const struct token_kind *token_kind(void)
{
    const char *wanted = from_environment("TEST_TOKEN", "softhsm2");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, wanted) == 0)
            return &kinds[i];
    ck_abort_msg("TEST_TOKEN=%s: there is no such kind", wanted);
}
