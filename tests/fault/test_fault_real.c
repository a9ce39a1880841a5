/* SPDX-License-Identifier: Apache-2.0 */
/* Real tokens that are taken away under load, cannot be written to, or lose their keys to others: unavailable, never rejected. */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "fault/ground.h"
#include "lib/runner.h"
#include "lib/test_token.h"

#define KEYS     200
#define CACHE    16 /* far fewer than keys: most calls are a first sight */
#define THREADS  4
#define ROUNDS   3
#define PATIENCE 60000 /* ms */
#define NOBODY   65534

/* ---- A log that is counted */

struct heard {
    _Atomic(unsigned) lines[SEALRING_LOG_ALARM + 1];
    char last[512];
};

static struct heard heard;

static void hear(sealring_log_level level, const char *message, void *context)
{
    (void)context;
    atomic_fetch_add(&heard.lines[level], 1);
    snprintf(heard.last, sizeof heard.last, "%s", message);
}

static bool was_warned(void)
{
    return atomic_load(&heard.lines[SEALRING_LOG_WARNING]) + atomic_load(&heard.lines[SEALRING_LOG_ALARM]) > 0;
}

static bool was_alarmed(void)
{
    return atomic_load(&heard.lines[SEALRING_LOG_ALARM]) > 0;
}

static bool wait_for(bool (*condition)(void))
{
    for (int i = 0; i < PATIENCE; i++) {
        if (condition())
            return true;
        usleep(1000);
    }
    return false;
}

/* ---- Load: threads that ask for one credential after the other */

static sealring_vault *vault;
static char (*texts)[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
static _Atomic(uint64_t) accepted, unavailable, wrong;
static _Atomic(bool) stop;

static void *ask_all(void *context)
{
    for (size_t i = (size_t)(uintptr_t)context; !atomic_load(&stop); i++) {
        sealring_grant grant = {.size = sizeof grant};
        const char *text = texts[i * 7 % KEYS];
        sealring_verdict verdict = sealring_verify(vault, text, strlen(text), "read", &grant);
        if (verdict == SEALRING_UNAVAILABLE && grant.reason[0] == '\0')
            verdict = SEALRING_UNDECIDED;
        atomic_fetch_add(verdict == SEALRING_ACCEPTED      ? &accepted
                         : verdict == SEALRING_UNAVAILABLE ? &unavailable
                                                           : &wrong,
                         1);
    }
    return NULL;
}

static bool somebody_is_turned_away(void)
{
    return atomic_load(&unavailable) > 0;
}

/* So many in a row: all keys, more than are remembered. */
static bool everybody_is_served(void)
{
    uint64_t before = atomic_load(&unavailable);
    uint64_t goal = atomic_load(&accepted) + KEYS;
    while (atomic_load(&accepted) < goal && atomic_load(&unavailable) == before)
        usleep(500);
    return atomic_load(&unavailable) == before;
}

/* Takes the token away and brings it back, under load. */
static void endure(const char *what, void (*take)(void), void (*bring)(void))
{
    pthread_t threads[THREADS];
    sealring_set_log(vault, hear, NULL);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_all, (void *)(uintptr_t)(i * KEYS / THREADS)), 0);
    for (int round = 0; round < ROUNDS; round++) {
        ck_assert_msg(wait_for(everybody_is_served), "not healed, round %d", round);
        atomic_store(&unavailable, 0);
        take();
        ck_assert(wait_for(somebody_is_turned_away));
        usleep(round == 1 ? 1500000 : 50000); /* past the back-off, too */
        bring();
    }
    ck_assert(wait_for(everybody_is_served));
    atomic_store(&stop, true);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    ck_assert(wait_for(was_warned));
    printf("# %s %d times under %d threads: %llu accepted, none rejected\n", what, ROUNDS, THREADS,
           (unsigned long long)atomic_load(&accepted));
    sealring_close(&vault);
}

static void open_small(const char *path)
{
    sealring_error error = {0};
    sealring_options options = {.size = sizeof options, .no_warming = 1, .cache_max = CACHE};
    ASSERT_OK(sealring_open(path, &options, &vault, &error), error);
}

static int take_many(const sealring_issued *issued, void *context)
{
    (void)context;
    memcpy(texts[issued->index], issued->credential, strlen(issued->credential) + 1);
    return 0;
}

static void issue_many(sealring_manager *manager, const char *ring)
{
    static sealring_issue_request requests[KEYS];
    static char labels[KEYS][16];
    sealring_error error = {0};
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(labels[i], sizeof labels[i], "k%u", i);
        requests[i] = (sealring_issue_request){.client = "crowd", .label = labels[i], .scopes = "read"};
    }
    ASSERT_OK(sealring_issue(manager, ring, requests, KEYS, SEALRING_ISSUE_ADD_CLIENTS, take_many, NULL, NULL, &error),
              error);
}

/* In a process of its own, so that this one has loaded nothing yet. */
static void elsewhere(void (*function)(void *context), void *context)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        function(context);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "elsewhere: %d", status);
}

/* ---- SoftHSM2 */

static struct ground *ground;
static struct place place;

static void issue_at_place(void *context)
{
    (void)context;
    sealring_manager *manager = test_vault_manage(&place.vault);
    issue_many(manager, GROUND_RING);
    sealring_manager_close(&manager);
}

static void setup(void)
{
    texts = ground_share(KEYS * sizeof *texts);
    ground = ground_make();
    place_make(&place, ground, 0);
    place_restore(&place);
    test_vault_module(&place.vault, test_token_module());
}

static void teardown(void)
{
    sealring_close(&vault);
    place_remove(&place);
    ground_remove(ground);
}

static void move_away(void)
{
    char away[sizeof place.tokens + sizeof FAULT_SUFFIX];
    snprintf(away, sizeof away, "%s" FAULT_SUFFIX, place.tokens);
    ck_assert_int_eq(rename(place.tokens, away), 0);
}

static void move_back(void)
{
    place_heal(&place);
}

START_TEST(directory_moved_away_under_load)
{
    elsewhere(issue_at_place, NULL);
    open_small(place.vault.path);
    endure("SoftHSM2's directory moved away", move_away, move_back);
}
END_TEST

/* ---- Another process at the token */

struct deed {
    const char *label;
    bool destroys;
    bool allows;
};

struct search {
    const struct deed *deed;
    struct token_key_info found;
};

static sealring_status match(const struct token_key_info *key, void *context, sealring_error *error)
{
    struct search *search = context;
    (void)error;
    if (strcmp(key->label, search->deed->label) == 0)
        search->found = *key;
    return SEALRING_OK;
}

static void do_deed(void *context)
{
    struct search search = {.deed = context};
    struct config *config = NULL;
    struct token *token = NULL;
    struct token_config token_config;
    sealring_error error = {0};
    ASSERT_OK(config_load(place.vault.path, &config, &error), error);
    token_config = config_token(config);
    ASSERT_OK(token_open(&token_config, &token, &error), error);
    ASSERT_OK(token_key_each(token, "sealring/", match, &search, &error), error);
    const struct token_key_info *key = &search.found;
    if (search.deed->destroys)
        ASSERT_OK(token_key_destroy(token, key->object_id, key->object_id_length, key->label, NULL, &error), error);
    else
        ASSERT_OK(token_key_allow_sign(token, key->object_id, key->object_id_length, key->label, search.deed->allows,
                                       NULL, &error),
                  error);
    token_close(token);
    config_free(config);
}

/* In this process, which uses the token for nothing else then. */
static void find_destroyed(struct search *search)
{
    struct config *config = NULL;
    struct token *token = NULL;
    struct token_config token_config;
    sealring_error error = {0};
    ASSERT_OK(config_load(place.vault.path, &config, &error), error);
    token_config = config_token(config);
    ASSERT_OK(token_open(&token_config, &token, &error), error);
    ASSERT_OK(token_key_each(token, "sealring/", match, search, &error), error);
    token_close(token);
    config_free(config);
}

static void expect(enum ground_text which, sealring_verdict verdict)
{
    test_vault_expect(vault, ground->texts[which], NULL, verdict);
}

static bool active_too_is_accepted(void)
{
    const char *text = ground->texts[GROUND_ACTIVE_TOO];
    sealring_verdict verdict = sealring_verify(vault, text, strlen(text), NULL, NULL);
    ck_assert(verdict == SEALRING_ACCEPTED || verdict == SEALRING_UNAVAILABLE);
    return verdict == SEALRING_ACCEPTED;
}

/* The registry says active, the token says no: that is somebody's doing, and no verdict on the credential. */
START_TEST(key_closed_by_another_process)
{
    struct deed closing = {.label = "sealring/" GROUND_RING "/3"};
    struct deed reopening = {.label = "sealring/" GROUND_RING "/3", .allows = true};
    open_small(place.vault.path);
    sealring_set_log(vault, hear, NULL);
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    elsewhere(do_deed, &closing);
    for (int i = 0; i < 20; i++)
        expect(GROUND_ACTIVE_TOO, SEALRING_UNAVAILABLE);
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    expect(GROUND_SECOND, SEALRING_ACCEPTED);
    expect(GROUND_RETIRING, SEALRING_ACCEPTED);
    expect(GROUND_RETIRED, SEALRING_REJECTED_VERSION_RETIRED);
    expect(GROUND_FORGED, SEALRING_REJECTED_BAD_SECRET);
    ck_assert_msg(wait_for(was_alarmed), "nobody was told");
    elsewhere(do_deed, &reopening);
    ck_assert(wait_for(active_too_is_accepted));
}
END_TEST

START_TEST(key_destroyed_by_another_process)
{
    struct deed destroying = {.label = "sealring/" GROUND_RING "/3", .destroys = true};
    open_small(place.vault.path);
    sealring_set_log(vault, hear, NULL);
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    elsewhere(do_deed, &destroying);
    for (int i = 0; i < 20; i++)
        expect(GROUND_ACTIVE_TOO, SEALRING_UNAVAILABLE);
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    expect(GROUND_SECOND, SEALRING_ACCEPTED);
    expect(GROUND_RETIRING, SEALRING_ACCEPTED);
    expect(GROUND_FORGED, SEALRING_REJECTED_BAD_SECRET);
    ck_assert_msg(wait_for(was_alarmed), "nobody was told");
}
END_TEST

/* ---- A directory that cannot be written to */

static int give_away(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return lchown(path, NOBODY, NOBODY);
}

static int forbid_writing(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)kind;
    (void)walk;
    return chmod(path, S_ISDIR(file->st_mode) ? 0500 : 0400);
}

static int allow_writing(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)kind;
    (void)walk;
    return chmod(path, S_ISDIR(file->st_mode) ? 0700 : 0600);
}

static sealring_status change(sealring_manager *manager, const char *ring, sealring_event event, uint32_t version,
                              sealring_change *effect, sealring_error *error)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    bool waits = event == SEALRING_EVENT_RETIRE || event == SEALRING_EVENT_DESTROY;
    memset(error, 0, sizeof *error);
    *effect = (sealring_change){.size = sizeof *effect};
    return sealring_version_change(manager, ring, event, version, waits ? &overrule : NULL, effect, error);
}

/* The token was away, and a verifier may have to look first. */
static void change_before_long(sealring_manager *manager, const char *ring, sealring_event event, uint32_t version)
{
    sealring_change effect;
    sealring_error error;
    sealring_status status = SEALRING_TOKEN;
    for (int i = 0; i < PATIENCE && status != SEALRING_OK; i += 50) {
        if (i > 0)
            usleep(50000);
        status = change(manager, ring, event, version, &effect, &error);
    }
    ck_assert_msg(status == SEALRING_OK, "%s", error.message);
}

/* Not as root, whom nothing forbids to write. */
static void live_read_only(void *context)
{
    sealring_error error = {0};
    sealring_change effect;
    static const struct deed destroyed = {.label = "sealring/" GROUND_RING "/1"};
    struct search gone = {.deed = &destroyed};
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    (void)context;
    if (getuid() == 0) {
        ck_assert_int_eq(nftw(place.vault.parent, give_away, 16, FTW_PHYS), 0);
        ck_assert_int_eq(setgid(NOBODY), 0);
        ck_assert_int_eq(setuid(NOBODY), 0);
    }
    sealring_manager *manager = test_vault_manage(&place.vault);
    test_vault_issue(manager, GROUND_OTHER, "before", "read", text, key_id); /* it is logged in */
    open_small(place.vault.path);
    ck_assert_int_eq(nftw(place.tokens, forbid_writing, 16, FTW_PHYS), 0);

    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    ck_assert_int_eq(change(manager, GROUND_OTHER, SEALRING_EVENT_ROTATE, 0, &effect, &error), SEALRING_TOKEN);
    ck_assert_uint_gt(strlen(error.message), 0);
    ck_assert_msg(change(manager, GROUND_RING, SEALRING_EVENT_COMPROMISE, 2, &effect, &error) == SEALRING_OK, "%s",
                  error.message);
    ck_assert(effect.closing_owed);
    ck_assert_int_eq(change(manager, GROUND_RING, SEALRING_EVENT_DESTROY, 1, &effect, &error), SEALRING_TOKEN);
    ck_assert_uint_gt(strlen(error.message), 0);
    test_vault_expect_now(vault, ground->texts[GROUND_RETIRING], NULL, SEALRING_REJECTED_VERSION_COMPROMISED);
    expect(GROUND_ACTIVE, SEALRING_ACCEPTED);
    expect(GROUND_SECOND, SEALRING_ACCEPTED);

    ck_assert_int_eq(nftw(place.tokens, allow_writing, 16, FTW_PHYS), 0);
    /* what this process believes, a fresh one would not: the object must go, and not only be thought to be gone */
    change_before_long(manager, GROUND_RING, SEALRING_EVENT_DESTROY, 1);
    change_before_long(manager, GROUND_OTHER, SEALRING_EVENT_ROTATE, 0); /* the barrier waits for the vault's look */
    ck_assert_int_eq(test_vault_number(&place.vault, "SELECT count(*) FROM version WHERE closing_owed = 1"), 0);
    ck_assert(wait_for(active_too_is_accepted));
    sealring_close(&vault);
    sealring_manager_close(&manager);
    find_destroyed(&gone);
    ck_assert_str_eq(gone.found.label, "");
}

START_TEST(directory_that_cannot_be_written_to)
{
    elsewhere(live_read_only, NULL);
}
END_TEST

/* ---- Through p11-kit's server */

static struct test_token remote;
static struct test_vault remote_vault;

static void make_remote_vault(void *context)
{
    sealring_error error = {0};
    sealring_init_options options = {.size = sizeof options,
                                     .module = remote.config.module,
                                     .token_uri = remote.config.uri,
                                     .pin_source = remote.config.pin_source};
    char path[160];
    (void)context;
    ASSERT_OK(sealring_init(remote_vault.path, &options, NULL, &error), error);
    snprintf(path, sizeof path, "%.90s/sealring.conf", remote_vault.path);
    FILE *file = fopen(path, "ae");
    ck_assert_ptr_nonnull(file);
    fputs("module-sessions = 1\n", file); /* more, and some threads would hang in p11-kit-client 0.24.1 for ever */
    ck_assert_int_eq(fclose(file), 0);
    sealring_manager *manager = test_vault_manage(&remote_vault);
    test_vault_ring(manager, GROUND_RING, "acme_live", 3600000);
    issue_many(manager, GROUND_RING);
    sealring_manager_close(&manager);
}

static void remote_setup(void)
{
    texts = ground_share(KEYS * sizeof *texts);
    ck_assert_int_eq(setenv("TEST_TOKEN", "p11-kit", 1), 0);
    test_token_make(&remote);
    snprintf(remote_vault.path, sizeof remote_vault.path, "%.80s/vault", remote.directory);
    elsewhere(make_remote_vault, NULL);
}

static void remote_teardown(void)
{
    sealring_close(&vault);
    test_token_destroy(&remote);
}

static void kill_server(void)
{
    token_kind_kill_server(&remote);
}

static void start_server(void)
{
    token_kind_start_server(&remote);
}

START_TEST(server_killed_under_load)
{
    open_small(remote_vault.path);
    endure("p11-kit's server and its processes killed", kill_server, start_server);
}
END_TEST

int main(void)
{
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    Suite *suite = suite_create("fault real");
    TCase *cases = tcase_create("real");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, directory_moved_away_under_load);
    tcase_add_test(cases, key_closed_by_another_process);
    tcase_add_test(cases, key_destroyed_by_another_process);
    tcase_add_test(cases, directory_that_cannot_be_written_to);
    suite_add_tcase(suite, cases);
    TCase *remoted = tcase_create("remote");
    tcase_add_checked_fixture(remoted, remote_setup, remote_teardown);
    tcase_set_timeout(remoted, 300);
    tcase_add_test(remoted, server_killed_under_load);
    suite_add_tcase(suite, remoted);
    return run_suite(suite);
}
