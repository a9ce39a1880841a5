/* SPDX-License-Identifier: Apache-2.0 */
/* The object handles of proved keys, so that requests need not search the token. */
#include "token/session/handle_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define INDEX_BUCKETS_MIN 64

struct index_entry {
    struct index_entry *next;
    struct token_key_reference reference;
    uint64_t generation;
    CK_OBJECT_HANDLE handle;
};

void index_init(struct key_index *index)
{
    memset(index, 0, sizeof(*index));
    pthread_rwlock_init(&index->lock, NULL);
}

void index_destroy(struct key_index *index, bool forked)
{
    for (size_t i = 0; i < index->bucket_count; i++) {
        while (index->buckets[i] != NULL) {
            struct index_entry *entry = index->buckets[i];
            index->buckets[i] = entry->next;
            free(entry);
        }
    }
    free(index->buckets);
    index->buckets = NULL;
    index->bucket_count = 0;
    if (!forked)
        pthread_rwlock_destroy(&index->lock);
}

/* FNV-1a. Object IDs are random and made by sealring: collisions cannot be chosen. */
static size_t index_hash(const uint8_t *object_id, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ object_id[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ (hash >> 32));
}

/* The link to the entry, or to where it would be inserted; NULL only if there are no buckets yet. */
static struct index_entry **index_place(const struct key_index *index, const uint8_t *object_id, size_t length)
{
    if (index->bucket_count == 0)
        return NULL;
    struct index_entry **place = &index->buckets[index_hash(object_id, length) & (index->bucket_count - 1)];
    while (*place != NULL && ((*place)->reference.object_id_length != length ||
                              memcmp((*place)->reference.object_id, object_id, length) != 0))
        place = &(*place)->next;
    return place;
}

/* Check values are not secret: the registry contains them. */
static bool index_same_proof(const struct token_key_reference *one, const struct token_key_reference *other)
{
    return one->check_input_length == other->check_input_length &&
           memcmp(one->check_input, other->check_input, one->check_input_length) == 0 &&
           memcmp(one->check_value, other->check_value, sizeof(one->check_value)) == 0;
}

bool index_find(struct key_index *index, const struct token_key_reference *reference, uint64_t generation,
                CK_OBJECT_HANDLE *handle)
{
    bool found = false;
    pthread_rwlock_rdlock(&index->lock);
    struct index_entry **place = index_place(index, reference->object_id, reference->object_id_length);
    if (place != NULL && *place != NULL && (*place)->generation == generation &&
        index_same_proof(&(*place)->reference, reference)) {
        *handle = (*place)->handle;
        found = true;
    }
    pthread_rwlock_unlock(&index->lock);
    return found;
}

static bool index_grow(struct key_index *index)
{
    if (index->count < index->bucket_count)
        return true;
    size_t bucket_count = index->bucket_count == 0 ? INDEX_BUCKETS_MIN : index->bucket_count * 2;
    struct index_entry **buckets = calloc(bucket_count, sizeof(struct index_entry *));
    if (buckets == NULL)
        return false;
    for (size_t i = 0; i < index->bucket_count; i++) {
        while (index->buckets[i] != NULL) {
            struct index_entry *entry = index->buckets[i];
            index->buckets[i] = entry->next;
            size_t hash = index_hash(entry->reference.object_id, entry->reference.object_id_length);
            struct index_entry **bucket = &buckets[hash & (bucket_count - 1)];
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    free(index->buckets);
    index->buckets = buckets;
    index->bucket_count = bucket_count;
    return true;
}

sealring_status index_put(struct key_index *index, const struct token_key_reference *reference, uint64_t generation,
                          CK_OBJECT_HANDLE handle, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    pthread_rwlock_wrlock(&index->lock);
    if (!index_grow(index)) {
        status = error_no_memory(error);
        goto cleanup;
    }
    struct index_entry **place = index_place(index, reference->object_id, reference->object_id_length);
    if (*place == NULL) {
        *place = calloc(1, sizeof(**place));
        if (*place == NULL) {
            status = error_no_memory(error);
            goto cleanup;
        }
        index->count++;
    }
    (*place)->reference = *reference;
    (*place)->generation = generation;
    (*place)->handle = handle;
cleanup:
    pthread_rwlock_unlock(&index->lock);
    return status;
}

void index_forget(struct key_index *index, const uint8_t *object_id, size_t object_id_length)
{
    pthread_rwlock_wrlock(&index->lock);
    struct index_entry **place = index_place(index, object_id, object_id_length);
    if (place != NULL && *place != NULL) {
        struct index_entry *entry = *place;
        *place = entry->next;
        free(entry);
        index->count--;
    }
    pthread_rwlock_unlock(&index->lock);
}
