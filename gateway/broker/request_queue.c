/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for their batch: a bounded queue in locked memory. */
#include "gateway/broker/request_queue.h"

#include <string.h>

#include <sealring/manage.h>

static struct queued_request *queue; /* a ring buffer */
static size_t first, length;

bool queue_make(void)
{
    queue = sealring_secret_allocate(QUEUE_MAX * sizeof *queue);
    return queue != NULL;
}

void queue_free(void)
{
    sealring_secret_free(queue, QUEUE_MAX * sizeof *queue);
    queue = NULL;
    first = length = 0;
}

bool queue_add(const struct queued_request *request)
{
    if (length == QUEUE_MAX)
        return false;
    queue[(first + length) % QUEUE_MAX] = *request;
    length++;
    return true;
}

size_t queue_length(void)
{
    return length;
}

const struct queued_request *queue_first(void)
{
    return length == 0 ? NULL : &queue[first];
}

void queue_remove_first(void)
{
    explicit_bzero(&queue[first], sizeof queue[first]);
    first = (first + 1) % QUEUE_MAX;
    length--;
}
