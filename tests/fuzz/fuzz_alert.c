/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes come: alerts about leaked credentials, the keys that sign them, and text with credentials in it. */
#include "fuzz/fuzzer.h"

#include <jansson.h>

#include <sealring/leaks.h>

#include "fuzz/property.h"
#include "gateway/daemon/alert_keys.h"
#include "gateway/daemon/alerts.h"

static void check_alerts(const char *text, size_t size)
{
    struct alerts alerts;
    const char *problem = alerts_read(text, size, &alerts);
    if (problem != NULL) {
        require(is_clean(problem) && alerts.body == NULL && alerts.each == NULL, "nothing is left of what is wrong");
        return;
    }
    require(alerts.count > 0 && alerts.count <= ALERTS_MAX, "the number has a bound");
    for (size_t i = 0; i < alerts.count; i++)
        require(alerts.each[i].token[0] != '\0' && alerts.each[i].url != NULL, "each has a token, and texts");
    char *response = alerts_respond(&alerts);
    json_t *array = json_loads(response, JSON_REJECT_DUPLICATES, NULL);
    require(json_array_size(array) == alerts.count, "each has an answer");
    json_decref(array);
    free(response);
    alerts_free(&alerts);
}

struct place {
    const char *text;
    size_t size, end;
};

static int check_found(const char *credential, size_t length, void *context)
{
    struct place *place = context;
    sealring_explanation explanation;
    require(credential >= place->text + place->end && credential + length <= place->text + place->size,
            "they follow each other within the text");
    place->end = (size_t)(credential - place->text) + length;
    sealring_explain(credential, length, &explanation);
    require(explanation.well_formed, "each has the form of a credential");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* of the exact size, so that a read behind it is noticed */
    require(text != NULL, "there is memory");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    struct place place = {.text = text, .size = size};
    check_alerts(text, size);
    const char *problem = alert_keys_check(text, size);
    require(problem == NULL || is_clean(problem), "what is wrong is one line");
    require(!alert_keys_verify(text, size, "id", "AAAA", "x", 1), "nothing is signed by accident");
    require(!alert_keys_verify("{}", 2, text, text, text, size), "nor by a key that is not there");
    sealring_find_credentials(text, size, check_found, &place);
    free(text);
    return 0;
}
