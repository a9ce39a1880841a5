/* SPDX-License-Identifier: Apache-2.0 */
/* From opening until the first verdict: with many API keys, of which many are revoked, against ten. Last, because the keys stay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/parts.h"
#include "bench/slice.h"
#include "manage/act/act.h"
#include "manage/session/manager.h"

#define HOUR_MS INT64_C(3600000)

enum { BATCH = 500 };

/* One commit that revokes a batch, as `client forget` could: each key has its fact and its row. */
static void revoke_batch(struct scene *scene, char (*key_id)[SEALRING_KEY_ID_LENGTH + 1], size_t count)
{
    sealring_error error;
    sealring_status status;
    struct audit_act act = {.name = "key.revoke"};
    if (manager_begin(scene->many, "bench", false, &error) != SEALRING_OK)
        scene_fail("revoke: %s", error.message);
    struct commit commit = manager_commit(scene->many, true, &act, &error);
    do {
        bool begun = commit_begin(&commit, &status), found = true;
        for (size_t i = 0; begun && status == SEALRING_OK && i < count; i++) {
            struct registry_key key;
            status = registry_key_find(scene->many->registry, key_id[i], &key, &found, &error);
            key.state = SEALRING_KEY_REVOKED;
            if (status == SEALRING_OK && found)
                status = registry_key_set_state(scene->many->registry, &key, &error);
        }
    } while (commit_again(&commit, &status));
    audit_release(&act);
    manager_end(scene->many);
    if (status != SEALRING_OK)
        scene_fail("revoke: %s", error.message);
}

static void close_keys(struct scene *scene, size_t count)
{
    static scene_text text[BATCH];
    static char key_id[BATCH][SEALRING_KEY_ID_LENGTH + 1];
    for (size_t made = 0; made < count; made += BATCH) {
        struct scene_taking taking = {.text = text, .key_id = key_id, .key_ids = BATCH};
        size_t batch = count - made < BATCH ? count - made : BATCH;
        scene_say("revoked keys: %zu of %zu", made, count);
        (void)scene_issue(scene->many, "closed", 2 * scene->keys + made, batch, scene_take, &taking);
        revoke_batch(scene, key_id, batch);
    }
}

static double open_and_verify(const char *path, const char *text, size_t length)
{
    sealring_error error;
    sealring_vault *vault = NULL;
    double start = series_clock();
    if (sealring_open(path, NULL, &vault, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    sealring_verdict verdict = sealring_verify(vault, text, length, SCENE_SCOPE, NULL);
    double took = series_clock() - start;
    if (verdict != SEALRING_ACCEPTED)
        scene_fail("a valid credential is answered \"%s\"", sealring_verdict_name(verdict));
    sealring_close(&vault);
    return took;
}

/* As a command does it: the manager is new, and follows all facts. A policy needs a signature first. */
static double set_policy(const char *path, const char *ring, size_t round)
{
    sealring_error error;
    sealring_manager *manager = NULL;
    sealring_policy policy = {.overlap = 2 * HOUR_MS + (int64_t)round * 1000};
    double start = series_clock();
    if (sealring_manager_open(path, NULL, &manager, &error) != SEALRING_OK ||
        sealring_ring_set(manager, ring, &policy, SEALRING_POLICY_OVERLAP, &error) != SEALRING_OK)
        scene_fail("ring set: %s", error.message);
    sealring_manager_close(&manager);
    return series_clock() - start;
}

void closed_measure(struct scene *scene)
{
    scene_text text;
    struct scene_taking taking = {.text = &text};
    size_t count = scene->keys / 10;
    (void)scene_issue(scene->few, "few", 1000, 1, scene_take, &taking);
    close_keys(scene, count);
    for (size_t round = 0; round < scene->rounds; round++) {
        scene_say("opening until the first verdict: round %zu of %zu", round + 1, scene->rounds);
        double few = open_and_verify(scene->few_path, text, taking.length);
        double many = open_and_verify(scene->many_path, scene->text[round], scene->length);
        table_add(ROW_OPEN_CLOSED, many * 1e3, many / few);
        few = set_policy(scene->few_path, "few", round);
        many = set_policy(scene->many_path, "closed", round);
        table_add(ROW_ACT, many * 1e3, (many - few) * 1e3);
    }
    table_note(ROW_ACT, "sealring_ring_set by a new manager; %zu facts", count);
    table_note(ROW_OPEN_CLOSED, "%zu API keys, and %zu revoked ones", scene->keys, count);
}
