/* SPDX-License-Identifier: Apache-2.0 */
/* Renewals in batches of several sizes, beside the rate of an act that writes one row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/renew.h>

#include "bench/parts.h"
#include "bench/slice.h"

enum { KEYS = 128, CLIENTS = 1700000000, ACTS = 16 };

static const struct {
    size_t size;
    enum row_name row;
} batches[] = {{1, ROW_RENEW_1}, {16, ROW_RENEW_16}, {64, ROW_RENEW_64}};

/* Acts for each second. */
static double bare_acts(sealring_manager *manager)
{
    sealring_error error;
    char contact[32];
    double start = series_clock();
    for (int i = 0; i < ACTS; i++) {
        snprintf(contact, sizeof(contact), "bench-%d", i);
        if (sealring_client_set(manager, "renewing", contact, &error) != SEALRING_OK)
            scene_fail("client set: %s", error.message);
    }
    return ACTS / (series_clock() - start);
}

static void take(scene_text *text, sealring_renewal *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (answers[i].result != SEALRING_RENEWAL_ISSUED)
            scene_fail("a renewal is answered \"%s\": %s", sealring_renewal_result_name(answers[i].result),
                       answers[i].reason);
        memcpy(text[i], answers[i].successor, sizeof(answers[i].successor));
        sealring_renewal_release(&answers[i]);
    }
}

/* Renewals for each second, of `count` credentials, which become their successors. */
static double renew(sealring_manager *manager, scene_text *text, size_t count, size_t size)
{
    static sealring_renewal requests[SEALRING_RENEWAL_BATCH_MAX];
    sealring_error error;
    double took = 0;
    for (size_t first = 0; first < count; first += size) {
        for (size_t i = 0; i < size; i++)
            requests[i] = (sealring_renewal){.size = sizeof(requests[i]),
                                             .credential = text[first + i],
                                             .credential_length = strlen(text[first + i]),
                                             .peer = "192.0.2.1"};
        double start = series_clock();
        if (sealring_renew(manager, requests, size, &error) != SEALRING_OK)
            scene_fail("renew: %s", error.message);
        took += series_clock() - start;
        take(&text[first], requests, size);
    }
    return (double)count / took;
}

static void rotate(sealring_manager *manager)
{
    sealring_error error;
    const sealring_policy policy = {.keep = 100, .renew = SEALRING_RENEW_BEARER};
    if (sealring_ring_set(manager, "renewing", &policy, SEALRING_POLICY_KEEP | SEALRING_POLICY_RENEW, &error) !=
            SEALRING_OK ||
        sealring_version_change(manager, "renewing", SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error) != SEALRING_OK)
        scene_fail("rotate: %s", error.message);
}

void renewal_measure(struct scene *scene)
{
    static scene_text text[KEYS];
    struct scene_taking taking = {.text = text};
    sealring_error error;
    const size_t rounds = scene->quick ? 2 : 8;
    scene_say("renewals");
    scene_create_ring(scene->few, "renewing");
    if (sealring_client_add(scene->few, "renewing", NULL, &error) != SEALRING_OK)
        scene_fail("client: %s", error.message);
    (void)scene_issue(scene->few, "renewing", CLIENTS, KEYS, scene_take, &taking);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
            scene_heed_signals();
            rotate(scene->few);
            double acts = bare_acts(scene->few);
            size_t count = batches[i].size == 1 ? ACTS : KEYS;
            double rate = renew(scene->few, text, count, batches[i].size);
            table_add(batches[i].row, rate, rate / acts);
        }
    table_note(ROW_RENEW_1, "each with its signed checkpoint; the act beside it is client set");
}
