/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an audit entry's rows say: they are no image of a row, or the row has exactly one image. */
#include "fuzz/fuzzer.h"

#include "fuzz/property.h"
#include "log/row_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum registry_table table;
    static union image_row row, again;
    const char *problem = NULL;
    json_t *image = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (image == NULL)
        return 0;
    bool good = image_read(image, &table, &row, &problem);
    require(good || (problem != NULL && problem[0] != '\0'), "what is no image has a problem");
    if (good) {
        enum registry_table other;
        json_t *second = image_of(table, &row);
        require(second != NULL, "a row has an image");
        require(image_read(second, &other, &again, &problem), "which is one");
        require(other == table && memcmp(&row, &again, sizeof row) == 0, "of the same row");
        json_decref(second);
    }
    json_decref(image);
    return 0;
}
