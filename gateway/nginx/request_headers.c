/* SPDX-License-Identifier: Apache-2.0 */
/* A request's headers: where its credential is, and what must not reach an upstream server. */

#include "sealring_nginx.h"

/* Whether a header is removed. */
typedef ngx_flag_t (*header_test)(const ngx_table_elt_t *header, const void *argument);

static ngx_flag_t name_is(const ngx_table_elt_t *header, const ngx_str_t *lowcase_name)
{
    return header->key.len == lowcase_name->len &&
           ngx_strncmp(header->lowcase_key, lowcase_name->data, lowcase_name->len) == 0;
}

/* CGI makes the same variable of X-Sealring-Client and X_Sealring_Client. */
static ngx_flag_t is_own(const ngx_table_elt_t *header, const void *argument)
{
    static const char own[] = "x-sealring-";
    (void)argument;
    if (header->key.len < sizeof own - 1 || header->lowcase_key[0] != 'x')
        return 0;
    for (size_t i = 1; i < sizeof own - 1; i++)
        if (header->lowcase_key[i] != (u_char)own[i] && (own[i] != '-' || header->lowcase_key[i] != '_'))
            return 0;
    return 1;
}

/* Four times for each request, where ngx_strncasecmp() takes five times as long. */
static ngx_flag_t begins_with_bearer(const u_char *text)
{
    static const char scheme[] = "bearer";
    for (size_t i = 0; i < sizeof scheme - 1; i++)
        if ((text[i] | 0x20) != (u_char)scheme[i])
            return 0;
    return 1;
}

/* The credential in a header's value; 0: the header has another scheme, or is empty. */
static ngx_flag_t credential_of(const ngx_sealring_source_t *source, const ngx_str_t *value, ngx_str_t *credential)
{
    u_char *text = value->data, *end = text + value->len;
    if (source->bearer) {
        static const size_t scheme = sizeof "bearer" - 1;
        if (value->len <= scheme || !begins_with_bearer(text) || (text[scheme] != ' ' && text[scheme] != '\t'))
            return 0;
        text += scheme;
    }
    while (text < end && (*text == ' ' || *text == '\t'))
        text++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    credential->data = text;
    credential->len = (size_t)(end - text);
    return credential->len > 0;
}

static ngx_flag_t has_credential(const ngx_table_elt_t *header, const void *argument)
{
    const ngx_array_t *sources = argument;
    const ngx_sealring_source_t *source = sources->elts;
    ngx_str_t credential;
    for (ngx_uint_t i = 0; i < sources->nelts; i++)
        if (name_is(header, &source[i].lowcase_name) && credential_of(&source[i], &header->value, &credential))
            return 1;
    return 0;
}

/* Calls `test` for each header; returns how many it is true for. *all: how many there are. */
static ngx_uint_t count_headers(const ngx_list_t *headers, header_test test, const void *argument, ngx_uint_t *all)
{
    ngx_uint_t count = 0;
    for (const ngx_list_part_t *part = &headers->part; part != NULL; part = part->next) {
        const ngx_table_elt_t *header = part->elts;
        *all += part->nelts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            count += (ngx_uint_t)test(&header[i], argument);
    }
    return count;
}

/* Makes a list without the headers that `test` is true for. nginx's pointers to single headers stay valid: the old list is not freed before the
 * request. */
static ngx_int_t remove_headers(ngx_http_request_t *r, header_test test, const void *argument)
{
    ngx_list_t kept;
    ngx_uint_t all = 0, removed = count_headers(&r->headers_in.headers, test, argument, &all);
    if (removed == 0)
        return NGX_OK;
    if (ngx_list_init(&kept, r->pool, ngx_max(all - removed, 1), sizeof(ngx_table_elt_t)) != NGX_OK)
        return NGX_ERROR;
    for (const ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        const ngx_table_elt_t *header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if (test(&header[i], argument))
                continue;
            ngx_table_elt_t *copy = ngx_list_push(&kept);
            if (copy == NULL)
                return NGX_ERROR;
            *copy = header[i];
        }
    }
    r->headers_in.headers = kept;
    return NGX_OK;
}

ngx_int_t ngx_sealring_remove_own_headers(ngx_http_request_t *r)
{
    return remove_headers(r, is_own, NULL);
}

ngx_int_t ngx_sealring_remove_credential(ngx_http_request_t *r, const ngx_array_t *sources)
{
    if (r->headers_in.authorization != NULL && has_credential(r->headers_in.authorization, sources))
        r->headers_in.authorization = NULL; /* $http_authorization */
    return remove_headers(r, has_credential, sources);
}

ngx_int_t ngx_sealring_find_credential(ngx_http_request_t *r, const ngx_array_t *sources, ngx_str_t *credential)
{
    const ngx_sealring_source_t *source = sources->elts;
    ngx_int_t found = NGX_DECLINED;
    for (const ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        const ngx_table_elt_t *header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            for (ngx_uint_t j = 0; j < sources->nelts; j++) {
                ngx_str_t one;
                if (!name_is(&header[i], &source[j].lowcase_name) || !credential_of(&source[j], &header[i].value, &one))
                    continue;
                if (found == NGX_OK &&
                    (one.len != credential->len || ngx_memcmp(one.data, credential->data, one.len) != 0))
                    return NGX_ABORT;
                *credential = one;
                found = NGX_OK;
            }
    }
    return found;
}
