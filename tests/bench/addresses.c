/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of API keys that are bound to networks, against those that are not. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/parts.h"
#include "bench/slice.h"

#define NETWORKS "198.51.100.0/24,203.0.113.0/24,2001:db8::/48"

static struct scene_taking taking;

static void issue_bound(struct scene *scene)
{
    char(*names)[32] = calloc(scene->hot, sizeof(*names));
    sealring_issue_request *requests = calloc(scene->hot, sizeof(*requests));
    taking.text = calloc(scene->hot, sizeof(*taking.text));
    if (names == NULL || requests == NULL || taking.text == NULL)
        scene_fail("no memory");
    for (size_t i = 0; i < scene->hot; i++) {
        snprintf(names[i], sizeof(names[i]), "bound-%zu", i);
        requests[i].client = names[i];
        requests[i].scopes = SCENE_SCOPES;
        requests[i].from_addresses = NETWORKS;
    }
    sealring_error error;
    if (sealring_issue(scene->many, "many", requests, scene->hot, SEALRING_ISSUE_ADD_CLIENTS, scene_take, &taking, NULL,
                       &error) != SEALRING_OK)
        scene_fail("issue: %s", error.message);
    free(requests);
    free(names);
}

static struct walk bound_walk(struct scene *scene)
{
    struct walk walk = slice_walk(scene);
    walk.text = taking.text;
    walk.length = taking.length;
    return walk;
}

void addresses_prepare(struct scene *scene)
{
    issue_bound(scene);
    struct walk walk = bound_walk(scene);
    for (size_t seen = 0; seen < scene->hot;)
        seen += slice_verify_from(&walk);
    if (sealring_verify(scene->vault, taking.text[0], taking.length, SCENE_SCOPE, NULL) != SEALRING_REJECTED_ADDRESS)
        scene_fail("a key that is bound to networks is accepted from anywhere");
    table_note(ROW_CACHED_BOUND, "bound to %s, asked from the second of them; both sides pass the address", NETWORKS);
}

void addresses_round(struct scene *scene)
{
    struct walk bound = bound_walk(scene), anywhere = slice_walk(scene);
    slice_compare(scene, ROW_CACHED_BOUND, slice_verify_from, &bound, slice_verify_from, &anywhere);
}

void addresses_end(void)
{
    free(taking.text);
}
