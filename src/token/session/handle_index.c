/* SPDX-License-Identifier: Apache-2.0 */
/* The object handles of proved keys, so that requests need not search the token. */
#include "token/session/handle_index.h"

#include <string.h>

#include "base/array.h"
#include "base/error.h"

struct index_entry {
    struct token_key_reference reference;
    uint64_t generation;
    CK_OBJECT_HANDLE handle;
};

struct index_key {
    const uint8_t *object_id;
    size_t length;
};

static int index_order(const void *key, const void *item)
{
    const struct index_key *wanted = key;
    const struct token_key_reference *reference = &((const struct index_entry *)item)->reference;
    if (wanted->length != reference->object_id_length)
        return wanted->length < reference->object_id_length ? -1 : 1;
    return memcmp(wanted->object_id, reference->object_id, wanted->length);
}

/* Returns the key's entry; NULL: there is none, and *place is where it would be. */
static struct index_entry *index_look(const struct key_index *index, const uint8_t *object_id, size_t length,
                                      size_t *place)
{
    const struct index_key key = {object_id, length};
    *place = array_place(index->entries, index->count, sizeof(*index->entries), &key, index_order);
    bool found = *place < index->count && index_order(&key, &index->entries[*place]) == 0;
    return found ? &index->entries[*place] : NULL;
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
    size_t place;
    pthread_rwlock_rdlock(&index->lock);
    const struct index_entry *entry = index_look(index, reference->object_id, reference->object_id_length, &place);
    bool found = entry != NULL && entry->generation == generation && index_same_proof(&entry->reference, reference);
    if (found)
        *handle = entry->handle;
    pthread_rwlock_unlock(&index->lock);
    return found;
}

sealring_status index_put(struct key_index *index, const struct token_key_reference *reference, uint64_t generation,
                          CK_OBJECT_HANDLE handle, sealring_error *error)
{
    size_t place;
    pthread_rwlock_wrlock(&index->lock);
    bool room = index_look(index, reference->object_id, reference->object_id_length, &place) != NULL;
    if (!room) {
        room = array_insert(&index->entries, index->count, place);
        index->count += room;
    }
    if (room)
        index->entries[place] = (struct index_entry){*reference, generation, handle};
    pthread_rwlock_unlock(&index->lock);
    return room ? SEALRING_OK : error_no_memory(error);
}

void index_forget(struct key_index *index, const uint8_t *object_id, size_t object_id_length)
{
    size_t place;
    pthread_rwlock_wrlock(&index->lock);
    struct index_entry *entry = index_look(index, object_id, object_id_length, &place);
    if (entry != NULL)
        memmove(entry, entry + 1, (--index->count - place) * sizeof(*entry));
    pthread_rwlock_unlock(&index->lock);
}
