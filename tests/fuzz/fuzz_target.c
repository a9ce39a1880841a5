/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes come: sealringd's targets and headers. The first line is a target, the others are headers. */
#include "fuzz/fuzzer.h"

#include <ctype.h>

#include "credential/scope.h"
#include "fuzz/property.h"
#include "gateway/sealringd/presented.h"
#include "gateway/sealringd/target.h"

/* What the target requires is between the prefix and the first slash, with a blank for each comma: nothing was decoded, nothing came from elsewhere. */
static void check_scopes(const char *text, const struct target *target)
{
    static const char prefix[] = "/v1/verify/";
    char normalised[SEALRING_SCOPES_LENGTH_MAX + 1], problem[128];
    const char *begin = text + sizeof prefix - 1;
    size_t length = strlen(target->scopes);
    require(strncmp(text, prefix, sizeof prefix - 1) == 0, "the prefix is there");
    require(length > 0 && strncmp(begin + length, "/-", 2) == 0, "the scopes end at the first slash, and `-` follows");
    for (size_t i = 0; i < length; i++)
        require(target->scopes[i] == (begin[i] == ',' ? ' ' : begin[i]), "they are what was received");
    require(strcspn(begin, "/%;?") >= length, "they have nothing that another program could read differently");
    require(scope_normalise(target->scopes, normalised, problem) == NULL, "the library takes them");
    require(normalised[0] != '\0' && strstr(target->scopes, "  ") == NULL, "none of them is empty");
}

static void check_target(const char *text)
{
    struct target target, again;
    memset(&target, 0xa5, sizeof target);
    target_parse(text, false, &target);
    require(memchr(target.scopes, '\0', sizeof target.scopes) != NULL, "the scopes end");
    if (target.kind == TARGET_VERIFY)
        check_scopes(text, &target);
    else
        require(target.scopes[0] == '\0', "no verification, no scopes");
    target_parse(text, true, &again);
    if (target.kind != TARGET_UNKNOWN || again.kind == TARGET_UNKNOWN)
        require(target.kind == again.kind && strcmp(target.scopes, again.scopes) == 0, "only one target is more");
    else
        require(strncmp(text, "/v1/verify/-", 12) == 0 && again.scopes[0] == '\0', "that without scopes");
}

static void check_header(char *line, struct presented_headers *presented)
{
    char *value = strchr(line, ':');
    if (value == NULL)
        return;
    *value++ = '\0';
    presented_header(presented, "X-Real-IP", line, value);
    require(presented->credentials == PRESENTED_NONE || presented->length > 0, "a credential is not empty");
    require(presented->credentials == PRESENTED_NONE ||
                (!isblank((unsigned char)presented->credential[0]) &&
                 !isblank((unsigned char)presented->credential[presented->length - 1])),
            "nor has it blanks around it");
    require(presented->address_length == 0 || presented->addresses == PRESENTED_ONE, "an address is the only one");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct presented_headers presented = {.credentials = PRESENTED_NONE};
    char *text = malloc(size + 1);
    require(text != NULL, "there is memory");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    check_target(strsep(&rest, "\n"));
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        check_header(line, &presented);
    free(text);
    return 0;
}
