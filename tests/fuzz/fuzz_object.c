/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever lies in a file of SoftHSM2's object store: it is whole, or not, and what is changed in a whole one leaves it whole. */
#include "fuzz/fuzzer.h"

#include "fuzz/property.h"
#include "softhsm/object_file.h"

/* Nothing that was cut off at the end is taken for the whole. */
static void cut(const uint8_t *data, size_t size)
{
    for (size_t length = 0; length < size; length++)
        require(!object_file_is_whole(data, length) || !object_file_covers(data, length, data, size),
                "a part is not whole, or lacks an attribute");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole = object_file_is_whole(data, size);
    require(whole || !object_file_is_token(data, size, false), "a token's file is whole");
    require(!object_file_is_token(data, size, true) || object_file_is_token(data, size, false),
            "with a PIN or without");
    (void)object_file_holds_nothing(data, size);
    (void)object_file_is_data(data, size);
    if (!whole)
        return 0;
    uint8_t *changed = malloc(size);
    require(changed != NULL, "memory");
    memcpy(changed, data, size);
    object_file_close(changed, size);
    uint64_t generation = object_file_generation(changed);
    object_file_renew_generation(changed);
    require(object_file_generation(changed) == (generation / OBJECT_FILE_GENERATIONS + 2) * OBJECT_FILE_GENERATIONS,
            "a number is read as it was written");
    require(generation == 0 || object_file_is_whole(changed, size), "what was changed is whole");
    require(object_file_covers(changed, size, data, size), "and has all attributes");
    free(changed);
    if (size < 4096)
        cut(data, size);
    return 0;
}
