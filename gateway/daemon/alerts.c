/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts of GitHub's secret scanning (partner program): the body of a request, and of its response. Pure. */
#include "gateway/daemon/alerts.h"

#include <jansson.h>
#include <stdlib.h>

/* False: it is no text. */
static bool read_text(json_t *object, const char *member, const char **text)
{
    const json_t *value = json_object_get(object, member);
    *text = value == NULL || json_is_null(value) ? "" : json_string_value(value);
    return *text != NULL;
}

static bool read_alert(json_t *object, struct alert *alert)
{
    return json_is_object(object) && read_text(object, "token", &alert->token) && alert->token[0] != '\0' &&
           read_text(object, "type", &alert->type) && read_text(object, "url", &alert->url) &&
           read_text(object, "source", &alert->source);
}

const char *alerts_read(const char *body, size_t length, struct alerts *alerts)
{
    size_t index;
    json_t *object;
    const char *problem = NULL;
    *alerts = (struct alerts){.body = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL)};
    alerts->count = json_array_size(alerts->body);
    if (!json_is_array(alerts->body) || alerts->count == 0)
        problem = "The body is no JSON array of alerts.";
    else if (alerts->count > ALERTS_MAX)
        problem = "There are too many alerts in one request.";
    else if ((alerts->each = calloc(alerts->count, sizeof *alerts->each)) == NULL)
        problem = "There is no memory.";
    json_array_foreach(alerts->body, index, object)
    {
        if (problem == NULL && !read_alert(object, &alerts->each[index]))
            problem = "An alert is no object with a token, and texts.";
    }
    if (problem != NULL)
        alerts_free(alerts);
    return problem;
}

void alerts_free(struct alerts *alerts)
{
    json_decref(alerts->body);
    free(alerts->each);
    *alerts = (struct alerts){.body = NULL};
}

char *alerts_respond(const struct alerts *alerts)
{
    json_t *array = json_array();
    int problem = array == NULL;
    for (size_t i = 0; i < alerts->count; i++) {
        const struct alert *alert = &alerts->each[i];
        const char *label = alert->label == ALERT_TRUE_POSITIVE ? "true_positive" : "false_positive";
        problem |= json_array_append_new(
            array, json_pack("{s:s, s:s, s:s}", "token_raw", alert->token, "token_type", alert->type, "label", label));
    }
    char *text = problem ? NULL : json_dumps(array, JSON_COMPACT);
    json_decref(array);
    return text;
}
