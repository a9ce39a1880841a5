/* SPDX-License-Identifier: Apache-2.0 */
/* One real vault with something of every kind in it, and the places that it is copied to. */
#include "forger/world.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/sha256.h"
#include "credential/credential_text.h"
#include "forger/files.h"

#define DAY INT64_C(86400000)

void world_fail(const char *what, const char *why)
{
    printf("Bail out! %s: %s\n", what, why);
    fflush(stdout);
    _exit(2);
}

static int set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

void world_enter(const char *vault)
{
    sealring_error error = {.message = ""};
    MUST(sealring_environment(vault, set_variable, NULL, &error), error);
}

const char *world_key(const struct world *world, const char *label)
{
    for (size_t i = 0; i < world->count; i++)
        if (strcmp(world->texts[i].label, label) == 0)
            return world->texts[i].key_id;
    world_fail("no credential has the label", label);
}

/* ---- Making it ---- */

static struct world *made; /* by this process */
static sealring_manager *manager;

static int take(const sealring_issued *issued, void *context)
{
    struct world_text *text = context;
    if (issued->credential != NULL)
        snprintf(text->text, sizeof text->text, "%s", issued->credential);
    snprintf(text->key_id, sizeof text->key_id, "%s", issued->key_id);
    return 0;
}

static struct world_text *next_text(const char *label)
{
    struct world_text *text = &made->texts[made->count++];
    snprintf(text->label, sizeof text->label, "%s", label);
    return text;
}

static void issue_until(const char *ring, const char *client, const char *label, const char *scopes, int64_t expires)
{
    sealring_error error = {.message = ""};
    sealring_issue_request request = {.client = client, .label = label, .scopes = scopes, .expires = expires};
    MUST(sealring_issue(manager, ring, &request, 1, 0, take, next_text(label), NULL, &error), error);
}

static void issue(const char *ring, const char *client, const char *label, const char *scopes)
{
    issue_until(ring, client, label, scopes, 0);
}

static void import(const char *ring, const char *client, const char *label, const char *key)
{
    sealring_error error = {.message = ""};
    uint8_t digest[32];
    struct world_text *text = next_text(label);
    snprintf(text->text, sizeof text->text, "%s", key);
    sha256((const uint8_t *)key, strlen(key), digest);
    sealring_issue_request request = {.client = client,
                                      .label = label,
                                      .scopes = "read write",
                                      .expires = (int64_t)time(NULL) * 1000 + 300 * DAY,
                                      .sha256 = digest};
    char kept[sizeof text->text];
    memcpy(kept, text->text, sizeof kept);
    MUST(sealring_import(manager, ring, &request, 1, 0, take, text, NULL, &error), error);
    memcpy(text->text, kept, sizeof kept);
}

static void rekey(const char *label, const char *successor, int64_t overlap)
{
    sealring_error error = {.message = ""};
    sealring_rekey_request request = {.size = sizeof request, .overlap = overlap, .reason = "test"};
    MUST(sealring_rekey(manager, world_key(made, label), &request, take, next_text(successor), &error), error);
}

static void change(const char *ring, sealring_event event, uint32_t version)
{
    sealring_error error = {.message = ""};
    bool early = event == SEALRING_EVENT_RETIRE || event == SEALRING_EVENT_DESTROY;
    sealring_event_options options = {.size = sizeof options,
                                      .reason = "test",
                                      .overrule = early,
                                      .overrule_succession = event == SEALRING_EVENT_RETIRE};
    MUST(sealring_version_change(manager, ring, event, version, &options, NULL, &error), error);
}

static void state(const char *label, sealring_key_state wanted)
{
    sealring_error error = {.message = ""};
    MUST(sealring_key_set_state(manager, world_key(made, label), wanted, "test", &error), error);
}

static void make_rings(void)
{
    sealring_error error = {.message = ""};
    sealring_policy slow = {
        .overlap = 30 * DAY, .quiet_period = DAY, .purge_delay = 30 * DAY, .rotate_every = 90 * DAY};
    sealring_policy fast = {.overlap = 30 * DAY, .quiet_period = DAY, .purge_delay = 0, .keep = 2};
    MUST(sealring_ring_create(manager, "payments", "acme_live", &slow,
                              SEALRING_POLICY_OVERLAP | SEALRING_POLICY_QUIET_PERIOD | SEALRING_POLICY_PURGE_DELAY |
                                  SEALRING_POLICY_ROTATE_EVERY,
                              &error),
         error);
    MUST(sealring_ring_create(manager, "staging", "acme_test", &fast,
                              SEALRING_POLICY_OVERLAP | SEALRING_POLICY_QUIET_PERIOD | SEALRING_POLICY_PURGE_DELAY |
                                  SEALRING_POLICY_KEEP,
                              &error),
         error);
    MUST(sealring_client_add(manager, "shop", "desk@shop.example", &error), error);
    MUST(sealring_client_add(manager, "mallory", "mallory@evil.example", &error), error);
    MUST(sealring_client_add(manager, "gone", "gone@shop.example", &error), error);
}

static void fill(void)
{
    static const char *const plain[] = {"full", "narrowed", "suspended", "revoked", "later", "leaked", "relabelled"};
    issue("payments", "shop", "retired", "read write");
    change("payments", SEALRING_EVENT_ROTATE, 0);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        issue("payments", "shop", plain[i], "read write");
    issue("payments", "shop", "reader", "read");
    issue("payments", "mallory", "mallory", "read");
    issue("payments", "mallory", "spare", "read");
    issue_until("payments", "shop", "expired", "read write", (int64_t)time(NULL) * 1000 + 1500);
    import("payments", "shop", "imported", "key-that-the-shop-had-before");
    import("payments", "shop", "succeeded", "another-key-that-it-had-before");
    issue("staging", "shop", "staged", "read write");
    change("staging", SEALRING_EVENT_PREPARE, 0);
    change("payments", SEALRING_EVENT_RETIRE, 1);
    state("revoked", SEALRING_KEY_REVOKED);
}

/* What the older copy of the registry lacks. */
static void do_last_acts(void)
{
    sealring_error error = {.message = ""};
    sealring_policy policy = {.overlap = 20 * DAY, .usage_hourly = 8 * DAY};
    state("suspended", SEALRING_KEY_SUSPENDED);
    state("later", SEALRING_KEY_REVOKED);
    MUST(sealring_key_narrow(manager, world_key(made, "narrowed"), "read", &error), error);
    MUST(sealring_key_set_label(manager, world_key(made, "relabelled"), "another", &error), error);
    rekey("leaked", "leaked-new", 0);
    rekey("reader", "reader-new", 40 * DAY);
    change("staging", SEALRING_EVENT_COMPROMISE, 1);
    issue("staging", "shop", "tested", "read write");
    change("staging", SEALRING_EVENT_ROTATE, 0);
    issue("staging", "shop", "tested-new", "read write");
    change("payments", SEALRING_EVENT_ROTATE, 0);
    issue("payments", "shop", "newest", "read write");
    MUST(sealring_reissue(manager, world_key(made, "succeeded"), take, next_text("succeeded-new"), &error), error);
    change("payments", SEALRING_EVENT_PREPARE, 0);
    change("staging", SEALRING_EVENT_ROTATE, 0);
    change("staging", SEALRING_EVENT_RETIRE, 2);
    change("staging", SEALRING_EVENT_DESTROY, 2);
    MUST(
        sealring_ring_set(manager, "payments", &policy, SEALRING_POLICY_OVERLAP | SEALRING_POLICY_USAGE_HOURLY, &error),
        error);
    MUST(sealring_client_forget(manager, "gone", &error), error);
}

static void use_all(void)
{
    sealring_error error = {.message = ""};
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1, .no_warming = 1};
    sealring_vault *verifier = NULL;
    MUST(sealring_open(made->work, &options, &verifier, &error), error);
    for (size_t i = 0; i < made->count; i++)
        (void)sealring_verify(verifier, made->texts[i].text, strlen(made->texts[i].text), NULL, NULL);
    MUST(sealring_maintain(verifier, NULL, &error), error);
    sealring_close(&verifier);
    MUST(sealring_harvest(manager, NULL, &error), error);
}

/* What takes weeks to appear, and what only an interrupted command leaves. */
static void age(void)
{
    sqlite3 *database = NULL;
    static const char sql[] =
        "INSERT INTO usage_day SELECT api_key, serial, hour / 24 - 10, ring, version, accepted, not_yet_valid, expired,"
        " suspended, scope, closed, last_use - 864000000 FROM usage_hour;"
        "INSERT INTO intention VALUES (7, randomblob(16), 1, randomblob(32), 'somebody', 1);";
    if (sqlite3_open(made->registry, &database) != SQLITE_OK ||
        sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        world_fail("the registry", sqlite3_errmsg(database));
    sqlite3_close(database);
}

static void forge_text(const char *label, const char *of)
{
    struct text_parts parts;
    for (size_t i = 0; i < made->count; i++)
        if (strcmp(made->texts[i].label, of) == 0 &&
            text_parse(made->texts[i].text, strlen(made->texts[i].text), &parts, NULL) == TEXT_GOOD) {
            struct world_text *text = next_text(label);
            parts.secret[7] ^= 1;
            memcpy(text->key_id, parts.key_id, sizeof text->key_id);
            (void)text_format(parts.prefix, parts.key_id, parts.version, parts.secret, text->text);
            return;
        }
    world_fail("nothing to forge from", of);
}

static void make(void)
{
    sealring_error error = {.message = ""};
    sealring_init_options options = {.size = sizeof options, .lease = 600000};
    MUST(sealring_init_environment(made->work, NULL, set_variable, NULL, &error), error);
    MUST(sealring_init(made->work, &options, NULL, &error), error);
    MUST(sealring_manager_open(made->work, NULL, &manager, &error), error);
    make_rings();
    fill();
    use_all();
    MUST(sealring_run_once(manager, NULL, NULL, NULL, NULL, &error), error);
    files_copy_registry(made->registry, made->earlier);
    do_last_acts();
    use_all();
    forge_text("forged", "full");
    sealring_manager_close(&manager);
    age();
    sleep(2); /* until the expired one has */
    files_copy(made->work, made->whole);
    made->made = (int64_t)time(NULL) * 1000;
}

struct world *world_make(void)
{
    const char *temporary = getenv("TMPDIR");
    struct world *world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (world == MAP_FAILED)
        world_fail("mmap", "no memory");
    snprintf(world->directory, sizeof world->directory, "%s/sealring-test-XXXXXX",
             temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
    if (mkdtemp(world->directory) == NULL)
        world_fail(world->directory, "cannot be made");
    snprintf(world->work, sizeof world->work, "%s/work", world->directory);
    snprintf(world->whole, sizeof world->whole, "%s/kept", world->directory);
    snprintf(world->away, sizeof world->away, "%s/away", world->directory);
    snprintf(world->earlier, sizeof world->earlier, "%s/earlier.db", world->directory);
    snprintf(world->registry, sizeof world->registry, "%s/registry/sealring.db", world->work);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        made = world;
        make();
        _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || world->made == 0) {
        world_remove(world);
        world_fail("the vault", "cannot be made");
    }
    return world;
}

void world_remove(const struct world *world)
{
    files_remove(world->directory);
}

void world_restore(const struct world *world)
{
    files_copy(world->whole, world->work);
}

void world_copy_away(const struct world *world)
{
    files_remove(world->away);
    files_copy(world->whole, world->away);
    files_adapt(world->away, world->work, world->away);
}
