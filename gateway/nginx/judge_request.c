/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its verdict, and to the response if it is not accepted.
 *
 * Two phases judge. PREACCESS comes before limit_req and limit_conn, so that they can limit by client. ACCESS judges again, from memory,
 * because they may have delayed the request past the moment at which a revocation became effective. */

#include "sealring_nginx.h"

static void state_cleanup(void *data)
{
    ngx_sealring_forget(data);
}

/* An internal redirect clears the contexts of modules, so the state is found again by its cleanup, as in nginx's realip module. */
static ngx_sealring_request_t *state_find(ngx_http_request_t *r)
{
    ngx_sealring_request_t *state = ngx_http_get_module_ctx(r, ngx_http_sealring_module);
    if (state != NULL || (!r->internal && !r->filter_finalize))
        return state;
    for (ngx_pool_cleanup_t *cleanup = r->pool->cleanup; cleanup != NULL; cleanup = cleanup->next)
        if (cleanup->handler == state_cleanup) {
            ngx_http_set_ctx(r, cleanup->data, ngx_http_sealring_module);
            return cleanup->data;
        }
    return NULL;
}

ngx_sealring_request_t *ngx_sealring_request_state(ngx_http_request_t *r, ngx_flag_t create)
{
    ngx_sealring_request_t *state = state_find(r);
    if (state != NULL || !create)
        return state;
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, sizeof(ngx_sealring_request_t));
    if (cleanup == NULL)
        return NULL;
    state = cleanup->data;
    ngx_memzero(state, sizeof *state);
    state->request = r;
    cleanup->handler = state_cleanup;
    ngx_http_set_ctx(r, state, ngx_http_sealring_module);
    return state;
}

/* Takes the credential out of the request's headers: once, as it may be removed from them. */
static ngx_int_t state_read(ngx_http_request_t *r, ngx_sealring_request_t *state,
                            const ngx_sealring_loc_conf_t *location)
{
    if (state->credential.data == NULL) {
        ngx_int_t found = ngx_sealring_find_credential(r, location->sources, &state->credential);
        state->stage = found == NGX_OK      ? NGX_SEALRING_REQUEST_ASKED
                       : found == NGX_ABORT ? NGX_SEALRING_REQUEST_CONFLICT
                                            : NGX_SEALRING_REQUEST_ABSENT;
        if (found != NGX_OK)
            state->credential.data = NULL;
    }
    return location->forward ? NGX_OK : ngx_sealring_remove_credential(r, location->sources);
}

ngx_int_t ngx_sealring_preaccess(ngx_http_request_t *r)
{
    ngx_sealring_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_sealring_module);
    ngx_sealring_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_sealring_module);
    if (conf->vault.len == 0 || r != r->main)
        return NGX_DECLINED;
    ngx_sealring_request_t *state = ngx_sealring_request_state(r, 0);
    if (state != NULL && state->waiting)
        return NGX_AGAIN;
    if (!r->internal && state == NULL && ngx_sealring_remove_own_headers(r) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (location->protect != NGX_SEALRING_PROTECT_ON)
        return NGX_DECLINED;
    if (state == NULL && (state = ngx_sealring_request_state(r, 1)) == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (state->resumed) {
        state->resumed = 0;
        return NGX_DECLINED;
    }
    if (state_read(r, state, location) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (location->exempt_options && r->method == NGX_HTTP_OPTIONS) {
        state->stage = NGX_SEALRING_REQUEST_EXEMPT;
        return NGX_DECLINED;
    }
    if (state->stage == NGX_SEALRING_REQUEST_EXEMPT)
        state->stage = state->credential.data != NULL ? NGX_SEALRING_REQUEST_ASKED : NGX_SEALRING_REQUEST_ABSENT;
    if (state->stage == NGX_SEALRING_REQUEST_ASKED && ngx_sealring_ask(conf, state, &location->scopes) == NGX_AGAIN)
        return NGX_AGAIN;
    return NGX_DECLINED;
}

/* ---- Responses ---- */

static ngx_int_t add_header(ngx_http_request_t *r, const char *name, ngx_str_t value, ngx_table_elt_t **added)
{
    ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);
    if (header == NULL)
        return NGX_ERROR;
    header->hash = 1;
#if nginx_version >= 1023000
    header->next = NULL;
#endif
    header->key.data = (u_char *)name;
    header->key.len = ngx_strlen(name);
    header->value = value;
    if (added != NULL)
        *added = header;
    return NGX_OK;
}

/* RFC 6750, section 3. Which of the reasons for `invalid_token` it was is for the log only. */
static ngx_int_t challenge(ngx_http_request_t *r, ngx_int_t status, ngx_flag_t absent, const ngx_str_t *scopes)
{
    static const ngx_str_t plain = ngx_string("Bearer realm=\"api\"");
    static const ngx_str_t invalid = ngx_string("Bearer realm=\"api\", error=\"invalid_token\"");
    static const ngx_str_t scope = ngx_string("Bearer realm=\"api\", error=\"insufficient_scope\"");
    ngx_str_t value = status == NGX_HTTP_FORBIDDEN ? scope : absent ? plain : invalid;
    if (status == NGX_HTTP_FORBIDDEN && scopes->len > 0) {
        u_char *text = ngx_pnalloc(r->pool, scope.len + sizeof ", scope=\"\"" - 1 + scopes->len);
        if (text == NULL)
            return NGX_ERROR;
        value.data = text;
        value.len = (size_t)(ngx_sprintf(text, "%V, scope=\"%V\"", &scope, scopes) - text);
    }
    return add_header(r, "WWW-Authenticate", value, &r->headers_out.www_authenticate);
}

/* With `satisfy any` the other modules of this phase decide where no verdict can be had. None of them may turn "nobody refused" into an
 * acceptance, so the status is left where nginx searches for the refusal of this phase. */
static ngx_int_t refuse_unavailable(ngx_http_request_t *r)
{
    static const ngx_str_t seconds = ngx_string("1");
    ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    if (add_header(r, "Retry-After", seconds, NULL) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (core->satisfy == NGX_HTTP_SATISFY_ALL)
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    if (r->access_code == 0)
        r->access_code = NGX_HTTP_SERVICE_UNAVAILABLE;
    return NGX_DECLINED;
}

static ngx_int_t refuse(ngx_http_request_t *r, const ngx_sealring_request_t *state,
                        const ngx_sealring_loc_conf_t *location)
{
    ngx_flag_t absent = state->stage == NGX_SEALRING_REQUEST_ABSENT;
    ngx_int_t status = absent ? NGX_HTTP_UNAUTHORIZED : sealring_verdict_http_status(state->verdict);
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "sealring: %s%s%s: %s",
                  absent ? "no credential" : sealring_verdict_name(state->verdict),
                  state->key_id != NULL ? ", key " : "", state->key_id != NULL ? state->key_id : "",
                  absent || state->reason == NULL ? "the request has none" : state->reason);
    if (status == NGX_HTTP_SERVICE_UNAVAILABLE)
        return refuse_unavailable(r);
    if (!absent && state->verdict == SEALRING_REJECTED_ADDRESS)
        return status; /* RFC 6750 has no error for that */
    if (challenge(r, status, absent, &location->scopes) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return status;
}

static ngx_int_t accept_request(ngx_http_request_t *r, const ngx_sealring_request_t *state,
                                const ngx_sealring_loc_conf_t *location)
{
    if (location->sunset && state->sunset > 0) {
        u_char *text = ngx_pnalloc(r->pool, sizeof "Mon, 28 Sep 1970 06:00:00 GMT");
        if (text == NULL)
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        ngx_str_t value = {.data = text};
        value.len = (size_t)(ngx_http_time(text, (time_t)(state->sunset / 1000)) - text);
        if (add_header(r, "Sealring-Sunset", value, NULL) != NGX_OK)
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return NGX_OK;
}

/* A rejection stays one, unless it was about the address of before; it may have come from a thread, and asking again would take one more. */
static ngx_flag_t is_due(const ngx_sealring_main_conf_t *conf, const ngx_sealring_request_t *state)
{
    if (state->verdict == SEALRING_ACCEPTED)
        return !ngx_sealring_is_fresh(conf, state) || ngx_sealring_has_moved(state);
    return state->verdict == SEALRING_REJECTED_ADDRESS && ngx_sealring_has_moved(state);
}

ngx_int_t ngx_sealring_access(ngx_http_request_t *r)
{
    ngx_sealring_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_sealring_module);
    ngx_sealring_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_sealring_module);
    if (conf->vault.len == 0 || location->protect != NGX_SEALRING_PROTECT_ON)
        return NGX_DECLINED;
    ngx_sealring_request_t *state = ngx_sealring_request_state(r, 0);
    if (state == NULL) /* PREACCESS made it */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (state->waiting)
        return NGX_AGAIN;
    if (state->stage == NGX_SEALRING_REQUEST_EXEMPT)
        return NGX_OK;
    if (state->stage == NGX_SEALRING_REQUEST_CONFLICT) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "sealring: the request has two different credentials");
        return NGX_HTTP_BAD_REQUEST;
    }
    if (state->stage == NGX_SEALRING_REQUEST_ASKED && is_due(conf, state) &&
        ngx_sealring_ask(conf, state, &location->scopes) == NGX_AGAIN)
        return NGX_AGAIN;
    state->resumed = 0;
    if (state->stage == NGX_SEALRING_REQUEST_ASKED && state->verdict == SEALRING_ACCEPTED)
        return accept_request(r, state, location);
    return refuse(r, state, location);
}
