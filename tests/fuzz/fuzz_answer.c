/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes come: what servers answer to a client. The first line is a date, the second a delay, the rest a body. */
#include "fuzz/fuzzer.h"

#include "client/libsealring-client/client_answer.h"
#include "fuzz/property.h"

#define NOW INT64_C(784111740000)

static void check_date(const char *text)
{
    int64_t time = -1;
    if (!client_date_parse(text, &time)) {
        require(time == -1, "what is not valid leaves no time");
        return;
    }
    require(time > 0 && time <= INT64_C(253402300799000) && time % 1000 == 0, "a date is between 1970 and 9999");
    text += strspn(text, " \t");
    require(strncmp(text + 25, " GMT", 4) == 0 && text[3] == ',', "and has the one form that servers generate");
}

static void check_delay(const char *text)
{
    int64_t delay = -1;
    int64_t expires;
    if (client_expiry_parse(text, &expires))
        require(expires >= 0 && expires % 1000 == 0, "an end is a date, or 0 for never");
    if (client_delay_parse(text, NOW, &delay))
        require(delay >= 0 && delay <= CLIENT_DELAY_MAX_MS, "a delay is at most a day");
    else
        require(delay == -1, "what is not valid leaves no delay");
}

static void check_body(const char *body, size_t length)
{
    struct client_renewed renewed;
    char problem[96];
    memset(problem, 0x5a, sizeof problem);
    const char *wrong = client_renewed_parse(body, length, &renewed);
    require(memchr(renewed.credential, '\0', sizeof renewed.credential) != NULL &&
                memchr(renewed.key_id, '\0', sizeof renewed.key_id) != NULL,
            "texts end");
    if (wrong != NULL) {
        require(is_clean(wrong) && renewed.credential[0] == '\0', "what is not valid leaves no credential");
    } else {
        require(renewed.sealed != NULL ||
                    client_text_valid(renewed.credential, strlen(renewed.credential), SEALRING_CREDENTIAL_LENGTH_MAX),
                "a credential fits into a header");
        require(client_text_valid(renewed.key_id, strlen(renewed.key_id), SEALRING_KEY_ID_LENGTH), "so does a key ID");
        require(renewed.version > 0 && renewed.expires >= 0 && renewed.predecessor_until >= 0, "numbers are in range");
    }
    require(renewed.sealed == NULL || (wrong == NULL && renewed.credential[0] == '\0'), "either sealed, or not");
    free(renewed.sealed);
    client_problem_parse(body, length, problem, sizeof problem);
    require(memchr(problem, '\0', sizeof problem) != NULL, "a problem's text ends");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL, "there is memory");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    check_date(strsep(&rest, "\n"));
    if (rest != NULL)
        check_delay(strsep(&rest, "\n"));
    if (rest != NULL)
        check_body(rest, size - (size_t)(rest - text));
    free(text);
    return 0;
}
