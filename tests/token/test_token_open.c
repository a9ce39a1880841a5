/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a token: what is wrong is said, and what the host program owns is left alone. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/module/module.h"
#include "token/session/connection.h"
#include "token/session/session_pool.h"

static struct test_token test;

static void setup(void)
{
    test_token_make(&test);
}

static void teardown(void)
{
    test_token_destroy(&test);
}

/* The module as the host program sees it: dlopen gives everybody the same one. */
static CK_FUNCTION_LIST *host_functions(void)
{
    CK_C_GetFunctionList get_function_list;
    CK_FUNCTION_LIST *functions = NULL;
    void *library = dlopen(test_token_module(), RTLD_NOW | RTLD_LOCAL);
    ck_assert_ptr_nonnull(library);
    void *symbol = dlsym(library, "C_GetFunctionList");
    memcpy(&get_function_list, &symbol, sizeof(symbol));
    ck_assert_uint_eq(get_function_list(&functions), CKR_OK);
    return functions;
}

/* Whether the module is `wanted`, as far as one can tell from outside. */
static bool module_is(bool wanted)
{
    CK_INFO info;
    bool told = token_kind()->joins_host && token_kind()->tells_initialised;
    return module_any_in_use() == wanted && (!told || (host_functions()->C_GetInfo(&info) == CKR_OK) == wanted);
}

/* What a host program can do to our token: by our own functions where it would have its own state. */
static CK_FUNCTION_LIST *functions_of(const struct token *token)
{
    return token_kind()->joins_host ? host_functions() : token->module->functions;
}

START_TEST(opens_closes_and_opens_again)
{
    for (int i = 0; i < 3; i++) {
        struct token *token = test_token_open(&test);
        ck_assert_ptr_nonnull(strstr(token_name(token), TEST_TOKEN_LABEL));
        ck_assert_ptr_nonnull(strstr(token_name(token), test.serial));
        ck_assert(module_is(true));
        token_close(token);
        ck_assert(module_is(false));
    }
    token_close(NULL);
}
END_TEST

START_TEST(two_tokens_share_the_module)
{
    uint8_t bytes[16];
    struct token *one = test_token_open(&test), *other = test_token_open(&test);
    token_close(one);
    ck_assert(module_is(true));
    ck_assert_int_eq(token_random(other, bytes, sizeof(bytes), NULL), SEALRING_OK);
    token_close(other);
    ck_assert(module_is(false));
}
END_TEST

/* The host program initialises the module, and we join with a key. */
static struct token *join_host(CK_FUNCTION_LIST *host, struct token_key_reference *reference)
{
    sealring_error error = {0};
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK,
                                      .pReserved = test.init_args[0] != '\0' ? test.init_args : NULL};
    ck_assert_uint_eq(host->C_Initialize(&arguments), CKR_OK);
    struct token *token = test_token_open(&test);
    test_token_reference(reference, "host");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", reference, NULL, &error), SEALRING_OK);
    return token;
}

START_TEST(what_the_host_initialised_stays_initialised)
{
    struct token_key_reference reference;
    sealring_error error = {0};
    CK_FUNCTION_LIST *host = host_functions();
    struct token *token = join_host(host, &reference);
    CK_SESSION_HANDLE session; /* of the host: destroying must not tear it down either */
    ck_assert_uint_eq(host->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    ck_assert_int_eq(token_key_destroy(token, reference.object_id, reference.object_id_length, NULL, NULL, &error),
                     SEALRING_OK);
    /* nor must a key that is not there */
    ck_assert_int_eq(token_key_prove(token, &reference, NULL, &error), SEALRING_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "was initialised by this program and not by sealring"));
    token_close(token);
    CK_SESSION_INFO info;
    ck_assert_uint_eq(host->C_GetSessionInfo(session, &info), CKR_OK);
    ck_assert_uint_eq(host->C_Finalize(NULL), CKR_OK);
}
END_TEST

START_TEST(module_is_said_to_be_missing)
{
    sealring_error error;
    char path[TEST_TOKEN_PATH_SIZE + 16];
    struct token_config config = test.config;
    snprintf(path, sizeof(path), "%s/none.so", test.directory);
    config.module = path;
    ck_assert_int_eq(test_token_open_fails(&config, &error), SEALRING_TOKEN);
    ck_assert_ptr_nonnull(strstr(error.message, "none.so"));
    test_token_write_file(path, "this is no shared object", 0700);
    ck_assert_int_eq(test_token_open_fails(&config, &error), SEALRING_TOKEN);
    ck_assert_ptr_nonnull(strstr(error.message, "none.so"));
}
END_TEST

START_TEST(module_without_function_list_is_none)
{
    sealring_error error;
    struct token_config config = test.config;
    Dl_info library; /* some shared object that surely is there */
    ck_assert_int_ne(dladdr((void *)(uintptr_t)&srunner_run_all, &library), 0);
    void *deflate = dlopen("libdeflate.so.0", RTLD_NOW);
    ck_assert_ptr_nonnull(deflate);
    ck_assert_int_ne(dladdr(dlsym(deflate, "libdeflate_crc32"), &library), 0);
    config.module = library.dli_fname;
    ck_assert_int_eq(test_token_open_fails(&config, &error), SEALRING_TOKEN);
    ck_assert_ptr_nonnull(strstr(error.message, "not a PKCS#11 module"));
}
END_TEST

START_TEST(module_without_configuration_is_said)
{
    sealring_error error;
    ck_assert_int_eq(setenv("SOFTHSM2_CONF", "/nonexistent/softhsm2.conf", 1), 0);
    ck_assert_int_eq(setenv("P11_KIT_SERVER_ADDRESS", "unix:path=/nonexistent/p11-kit", 1), 0);
    if (test.config.init_args != NULL)
        test.config.init_args = "configdir='sql:/nonexistent' certPrefix='' keyPrefix='' secmod='' flags=";
    ck_assert_int_eq(test_token_open_fails(&test.config, &error), SEALRING_TOKEN);
    ck_assert_uint_ne(error.token_code, 0);
    ck_assert_msg(strstr(error.message, "module-environment") != NULL ||
                      strstr(error.message, "configuration found") != NULL,
                  "%s", error.message);
}
END_TEST

static const struct {
    const char *uri;
    sealring_status status;
    const char *said;
} uris[] = {
    {"", SEALRING_INVALID, "URI"},
    {"token=sealring-test", SEALRING_INVALID, "URI"},
    {"pkcs11:token=%zz", SEALRING_INVALID, "URI"},
    {"pkcs11:token=sealring-test?pin-value=geheim", SEALRING_INVALID, "pin-value"},
    {"pkcs11:token=sealring-test?pin-source=file:/geheim", SEALRING_INVALID, "pin-source"},
    {"pkcs11:token=sealring-test?module-path=/lib/geheim.so", SEALRING_INVALID, "module"},
    {"pkcs11:token=sealring-test?module-name=geheim", SEALRING_INVALID, "module"},
    {"pkcs11:token=sealring-test;object=x", SEALRING_INVALID, "attributes"},
    {"pkcs11:token=sealring-test;type=secret-key", SEALRING_INVALID, "attributes"},
    {"pkcs11:tokn=sealring-test", SEALRING_INVALID, "attributes"},
    {"pkcs11:token=another", SEALRING_TOKEN, "pkcs11:token=another"},
    {"pkcs11:token=sealring-test;serial=0123", SEALRING_TOKEN, "serial=0123"},
};

START_TEST(uri_is_refused)
{
    sealring_error error;
    struct token_config config = test.config;
    config.uri = uris[_i].uri;
    ck_assert_int_eq(test_token_open_fails(&config, &error), uris[_i].status);
    ck_assert_msg(strstr(error.message, uris[_i].said) != NULL, "%s", error.message);
    ck_assert_ptr_null(strstr(error.message, "geheim"));
}
END_TEST

static int provision_second(struct test_token *at, void *context)
{
    char serial[PROVISION_SERIAL_SIZE];
    (void)at;
    return (int)provision_token(token_kind()->provisions(), NULL, context, TEST_TOKEN_SO_PIN, TEST_TOKEN_PIN, serial,
                                NULL);
}

START_TEST(two_matches_are_one_too_many)
{
    sealring_error error;
    char uri[TEST_TOKEN_PATH_SIZE];
    struct token_config config = test.config;
    if (token_kind()->provisions == NULL) { /* a module with two tokens of one manufacturer */
        config.uri = "pkcs11:manufacturer=Mozilla%20Foundation";
        ck_assert_int_eq(test_token_open_fails(&config, &error), SEALRING_TOKEN);
        ck_assert_ptr_nonnull(strstr(error.message, "2 PKCS#11 tokens match"));
        return;
    }
    ck_assert_int_eq(test_token_elsewhere(&test, provision_second, TEST_TOKEN_LABEL, sizeof(TEST_TOKEN_LABEL)),
                     SEALRING_OK);
    ck_assert_int_eq(test_token_open_fails(&config, &error), SEALRING_TOKEN);
    ck_assert_ptr_nonnull(strstr(error.message, "2 PKCS#11 tokens match"));
    snprintf(uri, sizeof(uri), "pkcs11:token=%s;serial=%s", TEST_TOKEN_LABEL, test.serial);
    config.uri = uri;
    struct token *token = NULL;
    ck_assert_int_eq(token_open(&config, &token, &error), SEALRING_OK);
    ck_assert_ptr_nonnull(strstr(token_name(token), test.serial));
    token_close(token);
}
END_TEST

START_TEST(uninitialised_token_is_said)
{
    struct test_token blank;
    sealring_error error;
    test_token_make_blank(&blank);
    blank.config.uri = "pkcs11:manufacturer=SoftHSM%20project";
    ck_assert_int_eq(test_token_open_fails(&blank.config, &error), SEALRING_TOKEN);
    ck_assert_ptr_nonnull(strstr(error.message, "not initialised"));
    test_token_destroy(&blank);
}
END_TEST

START_TEST(one_session_is_enough)
{
    struct token_key_reference reference;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error = {0};
    test.config.sessions_max = 1;
    struct token *token = test_token_open(&test);
    test_token_reference(&reference, "single");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &reference, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(
        token_key_relabel(token, reference.object_id, reference.object_id_length, "sealring/x/1", "y", NULL, &error),
        SEALRING_OK);
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error), SEALRING_OK);
    ck_assert_uint_eq(token->pool.open_count, 1);
    token_close(token);
}
END_TEST

/* A token with few sessions, which says so beforehand or not. */
static CK_FUNCTION_LIST *real_functions;
static atomic_uint open_sessions, most_sessions, refusals;
static CK_ULONG said_limit;
static unsigned real_limit;

static CK_RV limited_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
    CK_RV code = real_functions->C_GetTokenInfo(slot, info);
    info->ulMaxSessionCount = said_limit;
    return code;
}

static CK_RV limited_open(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE_PTR session)
{
    unsigned now = atomic_fetch_add(&open_sessions, 1) + 1;
    if (now > real_limit) {
        atomic_fetch_sub(&open_sessions, 1);
        atomic_fetch_add(&refusals, 1);
        return CKR_SESSION_COUNT;
    }
    if (now > atomic_load(&most_sessions))
        atomic_store(&most_sessions, now);
    return real_functions->C_OpenSession(slot, flags, application, notify, session);
}

static CK_RV limited_close(CK_SESSION_HANDLE session)
{
    CK_RV code = real_functions->C_CloseSession(session);
    atomic_fetch_sub(&open_sessions, 1);
    return code;
}

static const struct {
    CK_ULONG said;
    unsigned real;
    bool refuses; /* does the token have to say no before we know? */
} limits[] = {{1, 1, false}, {2, 2, false}, {CK_UNAVAILABLE_INFORMATION, 2, true}, {CK_EFFECTIVELY_INFINITE, 3, true}};

/* All sessions were in use for longer than a call waits: on a machine under load, with valgrind. */
static bool is_busy(const sealring_error *error)
{
    return strstr(error->message, "busy") != NULL;
}

static void *use_token(void *argument)
{
    uint8_t bytes[64];
    sealring_error error;
    for (int i = 0; i < 300; i++)
        while (token_random(argument, bytes, sizeof(bytes), &error) != SEALRING_OK)
            if (!is_busy(&error))
                return "failed";
    return NULL;
}

START_TEST(session_limit_is_respected)
{
    pthread_t threads[6];
    struct token_key_reference reference;
    sealring_error error = {0};
    struct token *token = test_token_open(&test);
    CK_FUNCTION_LIST limited = *token->module->functions;
    real_functions = token->module->functions;
    limited.C_GetTokenInfo = limited_token_info;
    limited.C_OpenSession = limited_open;
    limited.C_CloseSession = limited_close;
    said_limit = limits[_i].said;
    real_limit = limits[_i].real;
    atomic_store(&open_sessions, token->pool.open_count);
    token->module->functions = &limited;
    atomic_store(&token->up,
                 false); /* connects anew, by this thread: others wait for it a second only, which valgrind takes */
    ck_assert_ptr_null(use_token(token));
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_token, token), 0);
    test_token_reference(&reference, "0123456789abcdef"); /* wants a read-write session */
    while (token_key_generate(token, "sealring/x/1", &reference, NULL, &error) != SEALRING_OK)
        ck_assert_msg(is_busy(&error), "%s", error.message);
    for (size_t i = 0; i < 6; i++) {
        void *failure;
        ck_assert_int_eq(pthread_join(threads[i], &failure), 0);
        ck_assert_ptr_null(failure);
    }
    ck_assert_uint_le(atomic_load(&most_sessions), real_limit);
    ck_assert(limits[_i].refuses || atomic_load(&refusals) == 0);
    token->module->functions = real_functions;
    token_close(token);
}
END_TEST

START_TEST(busy_sessions_are_waited_for_only_so_long)
{
    struct pooled_session session;
    CK_RV code;
    uint8_t bytes[16];
    sealring_error error = {0};
    test.config.sessions_max = 1;
    struct token *token = test_token_open(&test);
    ck_assert_int_eq(session_take(token, false, &session, &code, &error), SEALRING_OK);
    ck_assert_int_eq(token_random(token, bytes, sizeof(bytes), &error), SEALRING_TOKEN);
    ck_assert_ptr_nonnull(strstr(error.message, "busy"));
    session_give(token, &session, true);
    ck_assert_int_eq(token_random(token, bytes, sizeof(bytes), &error), SEALRING_OK);
    token_close(token);
}
END_TEST

/* What a host program can do to us: close our sessions, log us out. */
START_TEST(lost_sessions_and_login_are_made_again)
{
    struct token_key_reference reference;
    uint8_t first[TOKEN_HMAC_SIZE], again[TOKEN_HMAC_SIZE];
    sealring_error error = {0};
    struct token *token = test_token_open(&test);
    CK_FUNCTION_LIST *host = functions_of(token);
    test_token_reference(&reference, "0123456789abcdef");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &reference, NULL, &error), SEALRING_OK);
    ck_assert_int_eq(token_hmac(token, &reference, (const uint8_t *)"x", 1, first, NULL, &error), SEALRING_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(host->C_CloseAllSessions(token->slot), CKR_OK);
        ck_assert_msg(token_hmac(token, &reference, (const uint8_t *)"x", 1, again, NULL, &error) == SEALRING_OK, "%s",
                      error.message);
        ck_assert_mem_eq(first, again, sizeof(first));
        CK_SESSION_HANDLE session;
        ck_assert_uint_eq(host->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
        uint64_t generation = atomic_load(&token->generation);
        ck_assert_uint_eq(host->C_Logout(session), CKR_OK);
        ck_assert_msg(token_hmac(token, &reference, (const uint8_t *)"x", 1, again, NULL, &error) == SEALRING_OK, "%s",
                      error.message);
        ck_assert_mem_eq(first, again, sizeof(first));
        /* A logout voids handles, and another module might give their numbers to other objects. */
        ck_assert_uint_gt(atomic_load(&token->generation), generation);
        ck_assert_uint_eq(host->C_Logout(session), CKR_OK);
        ck_assert_int_eq(token_key_prove(token, &reference, NULL, &error), SEALRING_OK);
        ck_assert_uint_eq(host->C_CloseSession(session), CKR_OK);
    }
    token_close(token);
}
END_TEST

/* However many sessions there were: one call heals it. */
START_TEST(many_lost_sessions_cost_no_call)
{
    struct pooled_session sessions[8];
    struct token_key_reference reference;
    uint8_t mac[TOKEN_HMAC_SIZE];
    CK_RV code;
    sealring_error error = {0};
    struct token *token = test_token_open(&test);
    test_token_reference(&reference, "0123456789abcdef");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &reference, NULL, &error), SEALRING_OK);
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(session_take(token, false, &sessions[i], &code, &error), SEALRING_OK);
    for (size_t i = 0; i < 8; i++)
        session_give(token, &sessions[i], true);
    ck_assert_uint_eq(functions_of(token)->C_CloseAllSessions(token->slot), CKR_OK);
    ck_assert_msg(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error) == SEALRING_OK, "%s",
                  error.message);
    ck_assert_uint_le(token->pool.open_count, 2);
    token_close(token);
}
END_TEST

START_TEST(finalised_by_the_host_is_started_again)
{
    struct token_key_reference reference;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error = {0};
    struct token *token = test_token_open(&test);
    test_token_reference(&reference, "0123456789abcdef");
    ck_assert_int_eq(token_key_generate(token, "sealring/x/1", &reference, NULL, &error), SEALRING_OK);
    ck_assert_uint_eq(functions_of(token)->C_Finalize(NULL), CKR_OK);
    ck_assert_msg(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error) == SEALRING_OK, "%s",
                  error.message);
    token_close(token);
}
END_TEST

/* Also if it was the host's, and we had joined. */
START_TEST(finalised_by_the_host_whose_it_was_is_started_again)
{
    struct token_key_reference reference;
    uint8_t mac[TOKEN_HMAC_SIZE];
    sealring_error error = {0};
    CK_FUNCTION_LIST *host = host_functions();
    struct token *token = join_host(host, &reference);
    ck_assert_uint_eq(host->C_Finalize(NULL), CKR_OK);
    ck_assert_msg(token_hmac(token, &reference, (const uint8_t *)"x", 1, mac, NULL, &error) == SEALRING_OK, "%s",
                  error.message);
    token_close(token);
    ck_assert(module_is(false)); /* and now it is ours to finalise */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token open");
    TCase *cases = tcase_create("open");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, opens_closes_and_opens_again);
    tcase_add_test(cases, two_tokens_share_the_module);
    if (token_kind()->joins_host)
        tcase_add_test(cases, what_the_host_initialised_stays_initialised);
    if (token_kind()->joins_host && token_kind()->tells_initialised)
        tcase_add_test(cases, finalised_by_the_host_whose_it_was_is_started_again);
    tcase_add_test(cases, module_is_said_to_be_missing);
    tcase_add_test(cases, module_without_function_list_is_none);
    tcase_add_test(cases, module_without_configuration_is_said);
    tcase_add_loop_test(cases, uri_is_refused, 0, sizeof(uris) / sizeof(uris[0]));
    tcase_add_test(cases, two_matches_are_one_too_many);
    if (token_kind()->told_by_file)
        tcase_add_test(cases, uninitialised_token_is_said);
    tcase_add_test(cases, one_session_is_enough);
    tcase_add_loop_test(cases, session_limit_is_respected, 0, sizeof(limits) / sizeof(limits[0]));
    tcase_add_test(cases, busy_sessions_are_waited_for_only_so_long);
    tcase_add_test(cases, lost_sessions_and_login_are_made_again);
    tcase_add_test(cases, many_lost_sessions_cost_no_call);
    tcase_add_test(cases, finalised_by_the_host_is_started_again);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
