/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what is to be issued: each request by itself, and all of them together. */
#include "manage/keys/issue_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/name.h"
#include "base/timetext.h"
#include "credential/credential_text.h"
#include "credential/scope.h"
#include "manage/keys/clients.h"
#include "manage/keys/keys.h"

const char *request_label(const sealring_issue_request *request)
{
    return request->label == NULL ? REQUEST_DEFAULT_LABEL : request->label;
}

const char *request_name(const sealring_issue_request *requests, size_t index, char name[REQUEST_NAME_SIZE])
{
    size_t line = requests[index].line;
    snprintf(name, REQUEST_NAME_SIZE, "%s %zu", line != 0 ? "line" : "request", line != 0 ? line : index + 1);
    return name;
}

sealring_status request_refuse(const sealring_issue_request *requests, size_t count, size_t index,
                               sealring_status status, const sealring_error *inner, sealring_error *error)
{
    char name[REQUEST_NAME_SIZE];
    bool only = count == 1 && requests[index].line == 0;
    return error_set(error, status, "%s%s%s", only ? "" : request_name(requests, index, name), only ? "" : ": ",
                     inner->message);
}

static sealring_status check_one(const sealring_issue_request *request, int64_t now, sealring_error *error)
{
    char problem[128];
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1];
    struct registry_key key;
    if (request->client == NULL)
        return error_set(error, SEALRING_INVALID, "the client is missing");
    sealring_status status = client_check(request->client, request->contact, error);
    if (status != SEALRING_OK)
        return status;
    const char *wrong = name_problem(request_label(request), problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the label of client %s's API key %s", request->client, wrong);
    wrong = key_read_networks(request->from_addresses, &key, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the list of addresses of client %s %s", request->client, wrong);
    wrong = scope_normalise(request->scopes, scopes, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the set of scopes of client %s %s", request->client, wrong);
    if (request->key_id != NULL && !key_id_is_well_formed(request->key_id))
        return error_set(error, SEALRING_INVALID,
                         "the key ID of client %s is none: it has %d characters out of 0-9, A-Z, a-z", request->client,
                         SEALRING_KEY_ID_LENGTH);
    if (request->expires < 0 || request->not_before < 0)
        return error_set(error, SEALRING_INVALID, "a time of client %s is before 1970", request->client);
    char time[TIMETEXT_SIZE];
    timetext_format(request->expires, time);
    if (request->expires != 0 && request->expires <= now)
        return error_set(error, SEALRING_INVALID, "the expiry of client %s, %s, is past", request->client, time);
    if (request->expires != 0 && request->not_before >= request->expires)
        return error_set(error, SEALRING_INVALID, "the expiry of client %s, %s, is not after its not-before time",
                         request->client, time);
    return SEALRING_OK;
}

static sealring_status check_imported(const sealring_issue_request *request, bool imports, sealring_error *error)
{
    if (imports && request->sha256 == NULL)
        return error_set(error, SEALRING_INVALID, "the SHA-256 of client %s's key is missing", request->client);
    if (imports && request->expires == 0)
        return error_set(error, SEALRING_INVALID, "the imported key of client %s needs an end date: expires",
                         request->client);
    if (!imports && request->sha256 != NULL)
        return error_set(error, SEALRING_INVALID, "a key that client %s has already is imported, not issued",
                         request->client);
    return SEALRING_OK;
}

static int compare_holders(const sealring_issue_request *a, const sealring_issue_request *b)
{
    int order = strcmp(a->client, b->client);
    return order != 0 ? order : strcmp(request_label(a), request_label(b));
}

static int compare_digests(const sealring_issue_request *a, const sealring_issue_request *b)
{
    return memcmp(a->sha256, b->sha256, TEXT_DIGEST_SIZE); /* of digests, which are no secrets */
}

typedef int (*request_comparison)(const sealring_issue_request *a, const sealring_issue_request *b);

static int compare_places(const void *left, const void *right, void *comparison)
{
    const sealring_issue_request *a = *(const sealring_issue_request *const *)left;
    const sealring_issue_request *b = *(const sealring_issue_request *const *)right;
    int order = (*(request_comparison *)comparison)(a, b);
    return order != 0 ? order : (a > b) - (a < b); /* the sort is not stable: the later request is reported */
}

/* The first of the sorted requests that is equal to the one before it; 0: none. */
static size_t find_repeated(const sealring_issue_request **sorted, size_t count, request_comparison comparison)
{
    qsort_r(sorted, count, sizeof *sorted, compare_places, &comparison);
    for (size_t i = 1; i < count; i++)
        if (comparison(sorted[i - 1], sorted[i]) == 0)
            return i;
    return 0;
}

static sealring_status check_distinct(const sealring_issue_request *requests, size_t count, bool imports, size_t *bad,
                                      sealring_error *error)
{
    const sealring_issue_request **sorted = calloc(count, sizeof *sorted);
    char later[REQUEST_NAME_SIZE], earlier[REQUEST_NAME_SIZE];
    sealring_status status = SEALRING_OK;
    if (sorted == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &requests[i];
    size_t repeated_key = imports ? find_repeated(sorted, count, compare_digests) : 0;
    size_t repeated = repeated_key != 0 ? repeated_key : find_repeated(sorted, count, compare_holders);
    if (repeated != 0) {
        *bad = (size_t)(sorted[repeated] - requests);
        (void)request_name(requests, *bad, later);
        (void)request_name(requests, (size_t)(sorted[repeated - 1] - requests), earlier);
        status =
            repeated_key != 0
                ? error_set(error, SEALRING_INVALID, "%s repeats the key of %s", later, earlier)
                : error_set(error, SEALRING_INVALID,
                            "%s repeats client %s with label %s of %s: give each API key of a client its own label",
                            later, sorted[repeated]->client, request_label(sorted[repeated]), earlier);
    }
    free(sorted);
    return status;
}

sealring_status request_check_all(const sealring_issue_request *requests, size_t count, bool imports, int64_t now,
                                  size_t *bad, sealring_error *error)
{
    sealring_error inner;
    for (size_t i = 0; i < count; i++) {
        sealring_status status = check_one(&requests[i], now, &inner);
        if (status == SEALRING_OK)
            status = check_imported(&requests[i], imports, &inner);
        if (status == SEALRING_OK)
            continue;
        *bad = i;
        return request_refuse(requests, count, i, status, &inner, error);
    }
    return count < 2 ? SEALRING_OK : check_distinct(requests, count, imports, bad, error);
}
