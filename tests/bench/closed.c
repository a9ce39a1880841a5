/* SPDX-License-Identifier: Apache-2.0 */
/* From opening until the first verdict: with many API keys, of which many are revoked, against ten. Last, because the keys stay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/parts.h"
#include "bench/slice.h"

enum { BATCH = 5000 };

/* Keys of one client, which is then forgotten: that revokes all of them in one act. Returns the seconds that the act took. */
static double close_keys(struct scene *scene, size_t count)
{
    static char labels[BATCH][24];
    static sealring_issue_request requests[BATCH];
    sealring_error error;
    for (size_t made = 0; made < count; made += BATCH) {
        size_t batch = count - made < BATCH ? count - made : BATCH;
        for (size_t i = 0; i < batch; i++) {
            snprintf(labels[i], sizeof(labels[i]), "key-%zu", made + i);
            requests[i] = (sealring_issue_request){.client = "leaves", .label = labels[i], .scopes = SCENE_SCOPES};
        }
        scene_say("keys to be revoked: %zu of %zu", made, count);
        if (sealring_issue(scene->many, "closed", requests, batch, SEALRING_ISSUE_ADD_CLIENTS, scene_ignore, NULL, NULL,
                           &error) != SEALRING_OK)
            scene_fail("issue: %s", error.message);
    }
    double start = series_clock();
    if (sealring_client_forget(scene->many, "leaves", &error) != SEALRING_OK)
        scene_fail("forget: %s", error.message);
    return series_clock() - start;
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

void closed_measure(struct scene *scene)
{
    scene_text text;
    struct scene_taking taking = {.text = &text};
    size_t count = scene->keys / 10;
    (void)scene_issue(scene->few, "few", 1000, 1, scene_take, &taking);
    double took = close_keys(scene, count);
    for (size_t round = 0; round < scene->rounds; round++) {
        scene_say("opening until the first verdict: round %zu of %zu", round + 1, scene->rounds);
        double few = open_and_verify(scene->few_path, text, taking.length);
        double many = open_and_verify(scene->many_path, scene->text[round], scene->length);
        table_add(ROW_OPEN_CLOSED, many * 1e3, many / few);
    }
    table_note(ROW_OPEN_CLOSED, "%zu API keys, %zu revoked by one `client forget`, which took %.1f s", scene->keys,
               count, took);
}
