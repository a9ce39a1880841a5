/* SPDX-License-Identifier: Apache-2.0 */
/* Where the verifier's tests play: a fresh vault whose token is counted, a manager in a process of its own, and what is measured. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "manage/fleet/filters.h"
#include "manage/session/manager.h"
#include "verifier/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "credential/credential_text.h"
#include "lib/test_token.h"

int64_t stage_time_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t stage_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

unsigned stage_times(unsigned often, unsigned very_often)
{
    const char *wish = getenv("LONG");
    return wish != NULL && wish[0] != '\0' && strcmp(wish, "0") != 0 ? very_often : often;
}

/* ---- The manager, elsewhere */

struct order {
    sealring_status (*function)(sealring_manager *manager, struct order *order, sealring_error *error);
    bool hands_over;
    char vault[128];
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    char words[1200]; /* prefix, scopes or label */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    int64_t from, to; /* times, or a duration */
    unsigned number;
    sealring_event event;
    struct stage_key key; /* the answer */
    struct stage_key *keys;
    sealring_status status;
    sealring_error error;
};

static int set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

/* Filters of key IDs rely on it that a credential is handed over later. Nothing of what this sees is remembered. */
static void wait_for_filters(sealring_manager *manager, const char *vault)
{
    struct roster nobody = manager->roster;
    char path[sizeof manager->config->verifiers];
    memcpy(path, manager->config->verifiers, sizeof path);
    memset(&manager->roster, 0, sizeof manager->roster);
    snprintf(manager->config->verifiers, sizeof manager->config->verifiers, "%s/verifiers", vault);
    filters_wait(manager, manager->committed.epoch);
    roster_release(&manager->roster);
    manager->roster = nobody;
    memcpy(manager->config->verifiers, path, sizeof path);
}

static void carry_out(struct order *order, sealring_manager **manager)
{
    order->status = SEALRING_OK;
    if (*manager == NULL) {
        order->status = sealring_environment(order->vault, set_variable, NULL, &order->error);
        if (order->status == SEALRING_OK)
            order->status = sealring_manager_open(order->vault, NULL, manager, &order->error);
        /* What these tests are about is a verifier that does not know yet. So this operator sees no verifier, and waits for none;
         * tests/vault/test_waiting.c is about those that do. */
        if (order->status == SEALRING_OK)
            snprintf((*manager)->config->verifiers, sizeof(*manager)->config->verifiers, "%s/nobody", order->vault);
    }
    if (order->status == SEALRING_OK)
        order->status = order->function(*manager, order, &order->error);
    if (order->status == SEALRING_OK && order->hands_over)
        wait_for_filters(*manager, order->vault);
}

/* Forked before this process loads any module. It ends when its socket does. */
static void start_elsewhere(struct stage *stage)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    fflush(NULL);
    stage->elsewhere_pid = fork();
    ck_assert_int_ge(stage->elsewhere_pid, 0);
    if (stage->elsewhere_pid == 0) {
        struct order order;
        sealring_manager *manager = NULL;
        close(pair[0]);
        while (read(pair[1], &order, sizeof order) == (ssize_t)sizeof order) {
            carry_out(&order, &manager);
            if (write(pair[1], &order, sizeof order) != (ssize_t)sizeof order)
                break;
        }
        sealring_manager_close(&manager);
        _exit(0);
    }
    close(pair[1]);
    stage->elsewhere = pair[0];
}

static void give_order(struct stage *stage, struct order *order)
{
    snprintf(order->vault, sizeof order->vault, "%s", stage->vault.path);
    order->keys = stage->keys;
    ck_assert_int_eq(write(stage->elsewhere, order, sizeof *order), (ssize_t)sizeof *order);
    ck_assert_int_eq(read(stage->elsewhere, order, sizeof *order), (ssize_t)sizeof *order);
    ck_assert_msg(order->status == SEALRING_OK, "the manager says: %s", order->error.message);
}

static sealring_status make_ring(sealring_manager *manager, struct order *order, sealring_error *error)
{
    sealring_policy policy = {.overlap = order->to, .keep = 100};
    return sealring_ring_create(manager, order->ring, order->words, &policy,
                                SEALRING_POLICY_OVERLAP | SEALRING_POLICY_KEEP, error);
}

void stage_ring(struct stage *stage, const char *ring, const char *prefix, int64_t overlap)
{
    struct order order = {.function = make_ring, .to = overlap};
    snprintf(order.ring, sizeof order.ring, "%s", ring);
    snprintf(order.words, sizeof order.words, "%s", prefix);
    give_order(stage, &order);
}

static int take(const sealring_issued *issued, void *context)
{
    struct stage_key *key = context;
    snprintf(key->text, sizeof key->text, "%s", issued->credential != NULL ? issued->credential : "");
    snprintf(key->key_id, sizeof key->key_id, "%s", issued->key_id);
    key->version = issued->version;
    key->serial = issued->serial;
    return 0;
}

/* Labels tell the keys of the one client apart. */
static const char *next_label(void)
{
    static unsigned number;
    static char label[16];
    snprintf(label, sizeof label, "k%u", ++number);
    return label;
}

static sealring_status issue(sealring_manager *manager, struct order *order, sealring_error *error)
{
    sealring_issue_request request = {.client = STAGE_CLIENT,
                                      .label = next_label(),
                                      .scopes = order->words,
                                      .not_before = order->from,
                                      .expires = order->to};
    return sealring_issue(manager, order->ring, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, take, &order->key, NULL,
                          error);
}

static void issue_with(struct stage *stage, const char *ring, const char *scopes, int64_t not_before, int64_t expires,
                       struct stage_key *key)
{
    struct order order = {.function = issue, .hands_over = true, .from = not_before, .to = expires};
    snprintf(order.ring, sizeof order.ring, "%s", ring);
    snprintf(order.words, sizeof order.words, "%s", scopes);
    give_order(stage, &order);
    *key = order.key;
}

void stage_issue(struct stage *stage, const char *ring, const char *scopes, struct stage_key *key)
{
    issue_with(stage, ring, scopes, 0, 0, key);
}

void stage_issue_timed(struct stage *stage, const char *ring, int64_t not_before, int64_t expires,
                       struct stage_key *key)
{
    issue_with(stage, ring, "read write", not_before, expires, key);
}

static int take_one_of_many(const sealring_issued *issued, void *context)
{
    struct stage_key *keys = context;
    return take(issued, &keys[issued->index]);
}

static sealring_status issue_many(sealring_manager *manager, struct order *order, sealring_error *error)
{
    static sealring_issue_request requests[STAGE_KEYS_MAX];
    static char labels[STAGE_KEYS_MAX][16];
    for (unsigned i = 0; i < order->number; i++) {
        snprintf(labels[i], sizeof labels[i], "%s", next_label());
        requests[i] = (sealring_issue_request){.client = STAGE_CLIENT, .label = labels[i], .scopes = "read write"};
    }
    return sealring_issue(manager, order->ring, requests, order->number, SEALRING_ISSUE_ADD_CLIENTS, take_one_of_many,
                          order->keys, NULL, error);
}

void stage_issue_many(struct stage *stage, const char *ring, unsigned count)
{
    struct order order = {.function = issue_many, .hands_over = true, .number = count};
    ck_assert_uint_le(count, STAGE_KEYS_MAX);
    snprintf(order.ring, sizeof order.ring, "%s", ring);
    give_order(stage, &order);
}

static sealring_status import(sealring_manager *manager, struct order *order, sealring_error *error)
{
    uint8_t digest[TEXT_DIGEST_SIZE];
    sealring_issue_request request = {.client = STAGE_CLIENT,
                                      .label = next_label(),
                                      .scopes = "read write",
                                      .expires = STAGE_FOREVER,
                                      .sha256 = digest};
    if (!text_digest(order->words, strlen(order->words), digest))
        return SEALRING_SYSTEM;
    return sealring_import(manager, order->ring, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, take, &order->key, NULL,
                           error);
}

void stage_import(struct stage *stage, const char *ring, const char *text, struct stage_key *key)
{
    struct order order = {.function = import};
    snprintf(order.ring, sizeof order.ring, "%s", ring);
    snprintf(order.words, sizeof order.words, "%s", text);
    give_order(stage, &order);
    *key = order.key;
    snprintf(key->text, sizeof key->text, "%s", text);
}

static sealring_status set_state(sealring_manager *manager, struct order *order, sealring_error *error)
{
    return sealring_key_set_state(manager, order->key_id, (sealring_key_state)order->number, NULL, error);
}

void stage_set_state(struct stage *stage, const char *key_id, sealring_key_state state)
{
    struct order order = {.function = set_state, .number = state};
    snprintf(order.key_id, sizeof order.key_id, "%s", key_id);
    give_order(stage, &order);
}

static sealring_status narrow(sealring_manager *manager, struct order *order, sealring_error *error)
{
    return sealring_key_narrow(manager, order->key_id, order->words, error);
}

void stage_narrow(struct stage *stage, const char *key_id, const char *scopes)
{
    struct order order = {.function = narrow};
    snprintf(order.key_id, sizeof order.key_id, "%s", key_id);
    snprintf(order.words, sizeof order.words, "%s", scopes);
    give_order(stage, &order);
}

static sealring_status bind_key(sealring_manager *manager, struct order *order, sealring_error *error)
{
    return sealring_key_set_addresses(manager, order->key_id, order->words, error);
}

void stage_bind(struct stage *stage, const char *key_id, const char *networks)
{
    struct order order = {.function = bind_key};
    snprintf(order.key_id, sizeof order.key_id, "%s", key_id);
    snprintf(order.words, sizeof order.words, "%s", networks);
    give_order(stage, &order);
}

static sealring_status issue_bound(sealring_manager *manager, struct order *order, sealring_error *error)
{
    sealring_issue_request request = {
        .client = STAGE_CLIENT, .label = next_label(), .scopes = "read write", .from_addresses = order->words};
    return sealring_issue(manager, order->ring, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, take, &order->key, NULL,
                          error);
}

void stage_issue_bound(struct stage *stage, const char *ring, const char *networks, struct stage_key *key)
{
    struct order order = {.function = issue_bound, .hands_over = true};
    snprintf(order.ring, sizeof order.ring, "%s", ring);
    snprintf(order.words, sizeof order.words, "%s", networks);
    give_order(stage, &order);
    *key = order.key;
}

static sealring_status rekey(sealring_manager *manager, struct order *order, sealring_error *error)
{
    sealring_rekey_request request = {.size = sizeof request, .overlap = order->to};
    return sealring_rekey(manager, order->key_id, &request, take, &order->key, error);
}

void stage_rekey(struct stage *stage, const char *key_id, int64_t overlap, struct stage_key *key)
{
    struct order order = {.function = rekey, .hands_over = true, .to = overlap};
    snprintf(order.key_id, sizeof order.key_id, "%s", key_id);
    give_order(stage, &order);
    *key = order.key;
}

static sealring_status reissue(sealring_manager *manager, struct order *order, sealring_error *error)
{
    return sealring_reissue(manager, order->key_id, take, &order->key, error);
}

void stage_reissue(struct stage *stage, const char *key_id, struct stage_key *key)
{
    struct order order = {.function = reissue, .hands_over = true};
    snprintf(order.key_id, sizeof order.key_id, "%s", key_id);
    give_order(stage, &order);
    *key = order.key;
}

static sealring_status change_version(sealring_manager *manager, struct order *order, sealring_error *error)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    bool waits = order->event == SEALRING_EVENT_RETIRE || order->event == SEALRING_EVENT_DESTROY;
    return sealring_version_change(manager, order->ring, order->event, order->number, waits ? &overrule : NULL, NULL,
                                   error);
}

void stage_event(struct stage *stage, const char *ring, sealring_event event, uint32_t version)
{
    struct order order = {.function = change_version, .event = event, .number = version};
    snprintf(order.ring, sizeof order.ring, "%s", ring);
    give_order(stage, &order);
}

/* ---- Making and removing */

static void make_counting(struct stage *stage)
{
    char path[128];
    snprintf(path, sizeof path, "%s/counting", stage->vault.parent);
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(ftruncate(descriptor, sizeof *stage->counting), 0);
    stage->counting = mmap(NULL, sizeof *stage->counting, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    ck_assert_ptr_ne(stage->counting, MAP_FAILED);
    close(descriptor);
    atomic_store(&stage->counting->watched, getpid());
    ck_assert_int_eq(setenv(COUNTING_FILE, path, 1), 0);
    ck_assert_int_eq(setenv(COUNTING_MODULE, test_token_module(), 1), 0);
}

void stage_make(struct stage *stage, int64_t lease_ms, int64_t refresh_ms)
{
    memset(stage, 0, sizeof *stage);
    stage->keys =
        mmap(NULL, STAGE_KEYS_MAX * sizeof *stage->keys, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(stage->keys, MAP_FAILED);
    start_elsewhere(stage);
    test_vault_make(&stage->vault);
    make_counting(stage);
    stage_ring(stage, STAGE_RING, STAGE_PREFIX, 60000);
    test_vault_timing(&stage->vault, lease_ms, refresh_ms);
    test_vault_module(&stage->vault, MODULE_COUNT); /* for those who open from now on: not for the manager */
}

void stage_remove(struct stage *stage)
{
    atomic_store(&stage->counting->hold, 0);
    close(stage->elsewhere);
    ck_assert_int_eq(waitpid(stage->elsewhere_pid, NULL, 0), stage->elsewhere_pid);
    munmap(stage->counting, sizeof *stage->counting);
    munmap(stage->keys, STAGE_KEYS_MAX * sizeof *stage->keys);
    test_vault_remove(&stage->vault);
}

sealring_vault *stage_open_with(const struct stage *stage, const sealring_options *options)
{
    return test_vault_open_with(&stage->vault, options);
}

sealring_vault *stage_open(const struct stage *stage)
{
    sealring_options options = {.size = sizeof options, .no_warming = 1};
    return stage_open_with(stage, &options);
}

sealring_vault *stage_open_manual(const struct stage *stage)
{
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1, .no_warming = 1};
    return stage_open_with(stage, &options);
}

/* ---- Asking */

sealring_verdict stage_ask(sealring_vault *vault, const char *text, const char *scope)
{
    return sealring_verify(vault, text, strlen(text), scope, NULL);
}

void stage_expect(sealring_vault *vault, const char *text, sealring_verdict expected)
{
    test_vault_expect(vault, text, NULL, expected);
}

void stage_look(sealring_vault *vault)
{
    sealring_error error;
    ASSERT_OK(sealring_maintain(vault, NULL, &error), error);
}

sealring_statistics stage_statistics(sealring_vault *vault)
{
    sealring_statistics statistics = {.size = sizeof statistics};
    sealring_stats(vault, &statistics);
    return statistics;
}

bool stage_wait(bool (*condition)(void *context), void *context)
{
    int64_t end = stage_time_ms() + STAGE_PATIENCE;
    while (!condition(context)) {
        if (stage_time_ms() > end)
            return false;
        usleep(500);
    }
    return true;
}

int stage_child(pid_t child)
{
    int64_t end = stage_time_ms() + STAGE_PATIENCE;
    int status = 0;
    pid_t ended;
    ck_assert_int_gt(child, 0);
    while ((ended = waitpid(child, &status, WNOHANG | __WALL)) == 0 || (ended < 0 && errno == EINTR)) {
        if (stage_time_ms() > end) {
            kill(child, SIGKILL);
            waitpid(child, &status, __WALL);
            ck_abort_msg("a child hangs");
        }
        usleep(200);
    }
    ck_assert_int_eq(ended, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

void stage_log(sealring_log_level level, const char *message, void *context)
{
    struct stage_log *log = context;
    ck_assert_int_ge(level, SEALRING_LOG_INFORMATION);
    ck_assert_int_le(level, SEALRING_LOG_ALARM);
    log->lines[level]++;
    snprintf(log->last[level], sizeof log->last[level], "%s", message);
}

/* ---- What this process and the vault hold */

size_t stage_resident(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu %lu", &pages, &resident), 2);
    fclose(file);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned count_entries(const char *path, const char *ending)
{
    unsigned count = 0;
    struct dirent *entry;
    DIR *directory = opendir(path);
    ck_assert_msg(directory != NULL, "%s: %s", path, strerror(errno));
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);
        count += entry->d_name[0] != '.' && length >= strlen(ending) &&
                 strcmp(entry->d_name + length - strlen(ending), ending) == 0;
    }
    closedir(directory);
    return count;
}

unsigned stage_descriptors(void)
{
    unsigned count = 0;
    struct dirent *entry;
    DIR *directory = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(directory);
    while ((entry = readdir(directory)) != NULL) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        count += length > 0 && strstr(target, ".bell") == NULL && atoi(entry->d_name) != dirfd(directory);
    }
    closedir(directory);
    return count;
}

unsigned stage_threads(void)
{
    return count_entries("/proc/self/task", "");
}

static bool no_more_threads(void *count)
{
    return stage_threads() <= *(unsigned *)count;
}

void stage_expect_threads_at_most(unsigned count)
{
    ck_assert_msg(stage_wait(no_more_threads, &count), "threads: %u, then %u", count, stage_threads());
}

unsigned stage_reports(const struct stage *stage)
{
    char path[128];
    snprintf(path, sizeof path, "%s/verifiers", stage->vault.path);
    return count_entries(path, ".report");
}
