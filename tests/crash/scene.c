/* SPDX-License-Identifier: Apache-2.0 */
/* The vaults that commands are killed in: one in which there is something to do for each of them, and two that a crash left behind. */
#include "crash/scene.h"

#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/record_rows.h"

#define LEGACY     "legacy-key-of-the-old-system-0001"
#define LATE       4102444800000 /* 2100 */
#define FIRST_COPY 90            /* the places of those who work have lower numbers */

static sealring_error error;

static void change(sealring_manager *manager, const char *ring, sealring_event event, uint32_t version)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    ASSERT_OK(sealring_version_change(manager, ring, event, version, event == SEALRING_EVENT_RETIRE ? &overrule : NULL,
                                      NULL, &error),
              error);
}

static void issue(sealring_manager *manager, struct scene *scene, enum scene_text which, const char *ring,
                  const char *client)
{
    test_vault_issue(manager, ring, client, "read", scene->texts[which], scene->key_ids[which]);
}

/* A ring for which much is due. */
static void make_automatic(struct scene *scene, sealring_manager *manager)
{
    sealring_policy policy = {.overlap = 1000, .purge_delay = 0, .rotate_every = 86400000, .quiet_period = 1000};
    ASSERT_OK(sealring_ring_create(manager, SCENE_RING, "acme_auto", &policy,
                                   SEALRING_POLICY_OVERLAP | SEALRING_POLICY_PURGE_DELAY |
                                       SEALRING_POLICY_ROTATE_EVERY | SEALRING_POLICY_QUIET_PERIOD,
                                   &error),
              error);
    change(manager, SCENE_RING, SEALRING_EVENT_ROTATE, 0);
    issue(manager, scene, SCENE_AUTO, SCENE_RING, "robot");
    change(manager, SCENE_RING, SEALRING_EVENT_RETIRE, 1);
    change(manager, SCENE_RING, SEALRING_EVENT_ROTATE, 0);
    policy.overlap = 3600000; /* what a trial rotates does not become due while it is slow */
    ASSERT_OK(sealring_ring_set(manager, SCENE_RING, &policy, SEALRING_POLICY_OVERLAP, &error), error);
}

static int take_key_id(const sealring_issued *issued, void *context)
{
    snprintf(context, SEALRING_KEY_ID_LENGTH + 1, "%s", issued->key_id);
    return 0;
}

static void import(struct scene *scene, sealring_manager *manager)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    strcpy(scene->texts[SCENE_LEGACY], LEGACY);
    SHA256((const unsigned char *)LEGACY, strlen(LEGACY), digest);
    sealring_issue_request request = {.client = "old", .scopes = "read", .expires = LATE, .sha256 = digest};
    ASSERT_OK(sealring_import(manager, GROUND_OTHER, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, take_key_id,
                              scene->key_ids[SCENE_LEGACY], NULL, &error),
              error);
}

void scene_fill(struct ground *ground, sealring_manager *manager, void *context)
{
    struct scene *scene = context;
    ASSERT_OK(sealring_client_add(manager, "idle", "idle@example.org", &error), error);
    ASSERT_OK(sealring_client_add(manager, "eager", NULL, &error), error);
    issue(manager, scene, SCENE_SLEEPY, GROUND_OTHER, "sleepy");
    ASSERT_OK(sealring_key_set_state(manager, scene->key_ids[SCENE_SLEEPY], SEALRING_KEY_SUSPENDED, NULL, &error),
              error);
    import(scene, manager);
    make_automatic(scene, manager);
    sealring_vault_info info = {.size = sizeof info};
    ASSERT_OK(sealring_vault_describe(manager, &info, &error), error);
    memcpy(scene->era, info.era, sizeof scene->era);
    const sealring_policy policy = {.renew = SEALRING_RENEW_BEARER};
    ASSERT_OK(sealring_ring_set(manager, GROUND_RING, &policy, SEALRING_POLICY_RENEW, &error), error);
    (void)ground;
}

/* ---- What is done to a copy, in a process of its own, as nothing of a token is to be loaded here ---- */

static void die_as_verifier(struct scene *scene, const struct ground *ground)
{
    (void)scene;
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1};
    (void)test_vault_open_with(&ground->vault, &options);
    kill(getpid(), SIGKILL);
}

static int take_instance(const sealring_verifier_info *verifier, void *context)
{
    snprintf(context, 33, "%s", verifier->instance);
    return 0;
}

/* Time has passed: the ring is due. And the verifier's name, without the registry's remembering it. */
static void age(struct scene *scene, const struct ground *ground)
{
    sealring_manage_options options = {.size = sizeof options, .read_only = true};
    sealring_manager *manager = NULL;
    test_vault_sql(&ground->vault,
                   "UPDATE version SET activated = activated - " SCENE_AGE ", created = created - " SCENE_AGE
                   " WHERE ring = (SELECT id FROM ring WHERE name = '" SCENE_RING "');"
                   "UPDATE version SET retire_at = created + 60000 WHERE state = 3"
                   " AND ring = (SELECT id FROM ring WHERE name = '" SCENE_RING "')");
    record_rows(&ground->vault);
    ASSERT_OK(sealring_manager_open(ground->vault.path, &options, &manager, &error), error);
    ASSERT_OK(sealring_verifier_list(manager, true, take_instance, scene->verifier, &error), error);
    ck_assert_uint_eq(strlen(scene->verifier), 32);
    sealring_manager_close(&manager);
}

/* Moves what has one name in the vault to another, or copies it. */
static void shell(const char *command, const struct ground *ground, const char *from, const char *to)
{
    char line[512];
    const char *path = ground->vault.path;
    snprintf(line, sizeof line, "%s %s/%s %s/%s", command, path, from, path, to);
    ck_assert_int_eq(system(line), 0);
}

static void act_once(const struct ground *ground)
{
    sealring_manager *manager = test_vault_manage(&ground->vault);
    ASSERT_OK(sealring_client_add(manager, "later", NULL, &error), error);
    sealring_manager_close(&manager);
}

static void put_back(struct scene *scene, const struct ground *ground)
{
    (void)scene;
    shell("cp -a", ground, "registry", "yesterday");
    act_once(ground);
    shell("mv", ground, "registry", "lost");
    shell("mv", ground, "yesterday", "registry");
    shell("rm -rf", ground, "lost", "lost"); /* named twice, as each of them names two */
}

static void leave_unsettled(struct scene *scene, const struct ground *ground)
{
    (void)scene;
    shell("mv", ground, "pins/audit.pin", "pins/away");
    act_once(ground);
    shell("mv", ground, "pins/away", "pins/audit.pin");
}

static void apart(void (*function)(struct scene *, const struct ground *), struct scene *scene,
                  const struct ground *ground, int signal)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        function(scene, ground);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (signal != 0)
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signal);
    else
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a vault could not be prepared: %d", status);
}

/* A copy that serves as an original. */
static struct ground *copy(const struct ground *original, unsigned number)
{
    struct place place;
    struct ground *ground = ground_share(sizeof *ground);
    *ground = *original;
    place_make(&place, original, number);
    place_restore(&place);
    ground->vault = place.vault;
    return ground;
}

struct scene *scene_make(void)
{
    struct scene *scene = ground_share(sizeof *scene);
    struct ground *base = ground_make_with(scene_fill, scene);
    memcpy(scene->texts, base->texts, sizeof base->texts);
    memcpy(scene->key_ids, base->key_ids, sizeof base->key_ids);
    struct ground *whole = scene->vaults[SCENE_WHOLE] = copy(base, FIRST_COPY);
    apart(die_as_verifier, scene, whole, SIGKILL);
    apart(age, scene, whole, 0);
    scene->vaults[SCENE_PUT_BACK] = copy(whole, FIRST_COPY + 1);
    apart(put_back, scene, scene->vaults[SCENE_PUT_BACK], 0);
    scene->vaults[SCENE_UNSETTLED] = copy(whole, FIRST_COPY + 2);
    apart(leave_unsettled, scene, scene->vaults[SCENE_UNSETTLED], 0);
    scene->vaults[SCENE_UNAGED] = copy(base, FIRST_COPY + 3);
    return scene;
}

void scene_remove(struct scene *scene)
{
    ground_remove(scene->vaults[SCENE_WHOLE]); /* all are in one directory */
}
