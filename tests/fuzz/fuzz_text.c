/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes come: credential text, its explanation, scopes, times and durations keep their properties. */
#include "fuzz/fuzzer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include <sealring/manage.h>

#include "base/base62.h"
#include "base/name.h"
#include "base/timetext.h"
#include "credential/credential_text.h"
#include "credential/scope.h"

static void require(bool holds, const char *property)
{
    if (!holds) {
        (void)fprintf(stderr, "property does not hold: %s\n", property);
        abort();
    }
}

/* In memory of exactly that size, so that a sanitizer sees the first byte too many. */
static char *exact_copy(const uint8_t *data, size_t size)
{
    char *copy = calloc(size == 0 ? 1 : size, 1);
    require(copy != NULL, "there is memory");
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

static void check_good_text(const char *text, size_t size, const struct text_parts *parts)
{
    char again[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char problem[128];
    require(name_prefix_problem(parts->prefix, problem) == NULL, "the prefix of a good text is a prefix");
    require(parts->version != 0, "the version of a good text is not 0");
    size_t length = text_format(parts->prefix, parts->key_id, parts->version, parts->secret, again);
    require(length == size && memcmp(again, text, size) == 0, "a good text is the only one with its parts");
}

static void check_location(const char *text, size_t size, enum text_problem problem, const struct text_parts *parts)
{
    const char *key_id = NULL;
    uint32_t version = 0;
    if (!text_locate(text, size, &key_id, &version)) {
        require(problem != TEXT_GOOD, "what is not located is malformed");
        return;
    }
    require(key_id > text && key_id + SEALRING_KEY_ID_LENGTH < text + size, "the key ID lies in the text");
    require(parts->key_id[0] == '\0' || memcmp(key_id, parts->key_id, SEALRING_KEY_ID_LENGTH) == 0,
            "the key ID is where the reader found it");
    require(parts->version == 0 || parts->version == version, "and so is the version");
    require(text_check_matches(text, size) ? problem != TEXT_BAD_CHECK : problem != TEXT_GOOD,
            "the check digits are seen alike");
}

static enum text_problem check_text(const char *text, size_t size)
{
    static const uint8_t zero[TEXT_SECRET_SIZE];
    struct text_parts parts, again;
    size_t position = SIZE_MAX;
    memset(&parts, 0xa5, sizeof parts);
    enum text_problem problem = text_parse(text, size, &parts, &position);
    require(position <= size, "the position lies in the text");
    require(text_parse(text, size, &again, NULL) == problem, "the answer does not depend on what was in the memory");
    require(memcmp(&parts, &again, sizeof parts) == 0, "nor do the parts");
    check_location(text, size, problem, &parts);
    if (problem == TEXT_GOOD)
        check_good_text(text, size, &parts);
    else
        require(memcmp(parts.secret, zero, sizeof zero) == 0, "a problem leaves no secret");
    return problem;
}

static void check_explanation(const char *text, size_t size, enum text_problem problem)
{
    sealring_explanation explanation;
    memset(&explanation, 0xa5, sizeof explanation);
    sealring_explain(text, size, &explanation);
    require(explanation.well_formed == (problem == TEXT_GOOD), "the explanation agrees with the reader");
    require(explanation.well_formed == (explanation.problem[0] == '\0'), "there is a problem or there is none");
    require(!explanation.well_formed || explanation.check_digits_match, "good texts have good check digits");
    require(strnlen(explanation.problem, sizeof explanation.problem) < sizeof explanation.problem - 1,
            "the words are not cut");
}

/* The same bytes with check digits that are right: the fuzzer would not find them by itself. */
static void check_forged(const uint8_t *data, size_t size)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX];
    if (size > sizeof text - BASE62_32_DIGITS)
        return;
    memcpy(text, data, size);
    base62_encode_32(libdeflate_crc32(0, data, size), text + size);
    size += BASE62_32_DIGITS;
    enum text_problem problem = check_text(text, size);
    require(problem != TEXT_BAD_CHECK, "right check digits are right");
    check_explanation(text, size, problem);
}

/* `input` is text that ends in NUL. False if it is no set. */
static bool check_scopes(const char *input, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1])
{
    char again[SEALRING_SCOPES_LENGTH_MAX + 1], problem[128];
    if (scope_normalise(input, scopes, problem) != NULL) {
        require(scopes[0] == '\0' && problem[0] != '\0', "a bad set is empty and has a problem");
        return false;
    }
    require(scope_normalise(scopes, again, problem) == NULL, "a normalised set is a set");
    require(strcmp(scopes, again) == 0, "normalising twice changes nothing");
    require(scope_includes(scopes, input, NULL, NULL), "a set includes what it was made of");
    require(scope_includes(input, scopes, NULL, NULL), "and has nothing else");
    scope_intersect(scopes, scopes, again);
    require(strcmp(scopes, again) == 0, "a set intersects with itself to itself");
    return true;
}

/* Two sets, if a line end stands between. */
static void check_two_sets(const char *input)
{
    const char *end = strchr(input, '\n');
    char first[SEALRING_SCOPES_LENGTH_MAX + 1], second[SEALRING_SCOPES_LENGTH_MAX + 1];
    char both[SEALRING_SCOPES_LENGTH_MAX + 1], other[SEALRING_SCOPES_LENGTH_MAX + 1];
    if (end == NULL) {
        (void)check_scopes(input, first);
        return;
    }
    char *left = strndup(input, (size_t)(end - input));
    require(left != NULL, "there is memory");
    if (check_scopes(left, first) && check_scopes(end + 1, second)) {
        scope_intersect(first, second, both);
        scope_intersect(second, first, other);
        require(strcmp(both, other) == 0, "an intersection has no sides");
        require(scope_includes(first, both, NULL, NULL) && scope_includes(second, both, NULL, NULL),
                "both sets include their intersection");
        require(scope_includes(first, second, NULL, NULL) == (strcmp(both, second) == 0),
                "a set includes another if the intersection is the other");
    }
    free(left);
}

static void check_times(const char *input)
{
    char text[TIMETEXT_SIZE];
    int64_t value = 0, again = 0;
    if (timetext_parse(input, &value)) {
        timetext_format(value, text);
        require(timetext_parse(text, &again) && again == value, "a time survives writing and reading");
    }
    if (timetext_duration_parse(input, &value)) {
        require(value >= 0 && value <= TIMETEXT_DURATION_MAX, "a duration has its bounds");
        timetext_duration_format(value, text);
        require(timetext_duration_parse(text, &again) && again == value, "a duration survives writing and reading");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = exact_copy(data, size);
    check_explanation(text, size, check_text(text, size));
    free(text);
    check_forged(data, size);
    char *ended = malloc(size + 1);
    require(ended != NULL, "there is memory");
    if (size > 0)
        memcpy(ended, data, size);
    ended[size] = '\0';
    check_two_sets(ended);
    check_times(ended);
    free(ended);
    return 0;
}
