/* SPDX-License-Identifier: Apache-2.0 */
/* Responses to accepted credentials, kept for the next equal one: to make one takes longer than the verdict. From any thread. */
#include "gateway/sealringd/kept_responses.h"

#include <pthread.h>
#include <string.h>

enum { KEPT_MAX = 1024 };

static struct kept {
    sealring_grant grant;
    struct MHD_Response *response; /* NULL: none */
} kept[KEPT_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct kept *find_place(const sealring_grant *grant)
{
    unsigned hash = 0;
    for (const char *text = grant->key_id; *text != '\0'; text++)
        hash = hash * 31 + (unsigned char)*text;
    return &kept[hash % KEPT_MAX];
}

static bool is_same(const sealring_grant *one, const sealring_grant *other)
{
    return one->version == other->version && one->sunset == other->sunset && strcmp(one->key_id, other->key_id) == 0 &&
           strcmp(one->client, other->client) == 0 && strcmp(one->ring, other->ring) == 0 &&
           strcmp(one->scopes, other->scopes) == 0;
}

bool kept_responses_queue(struct MHD_Connection *connection, unsigned status, const sealring_grant *grant,
                          enum MHD_Result *queued)
{
    pthread_mutex_lock(&lock);
    const struct kept *place = find_place(grant);
    bool found = place->response != NULL && is_same(&place->grant, grant);
    if (found)
        *queued = MHD_queue_response(connection, status, place->response);
    pthread_mutex_unlock(&lock);
    return found;
}

void kept_responses_add(const sealring_grant *grant, struct MHD_Response *response)
{
    pthread_mutex_lock(&lock);
    struct kept *place = find_place(grant);
    struct MHD_Response *former = place->response;
    place->grant = *grant;
    place->response = response;
    pthread_mutex_unlock(&lock);
    if (former != NULL)
        MHD_destroy_response(former); /* connections that send it have it for themselves */
}

void kept_responses_end(void)
{
    for (size_t i = 0; i < KEPT_MAX; i++)
        if (kept[i].response != NULL)
            MHD_destroy_response(kept[i].response);
    memset(kept, 0, sizeof kept);
}
