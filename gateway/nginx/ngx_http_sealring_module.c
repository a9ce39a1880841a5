/* SPDX-License-Identifier: Apache-2.0 */
/* The nginx module: its directives, its variables, and where it hooks into nginx. */

#include "sealring_nginx.h"

/* ---- Directives ---- */

static char *set_scopes(ngx_conf_t *cf, ngx_command_t *command, void *data)
{
    ngx_sealring_loc_conf_t *conf = data;
    ngx_str_t *word = cf->args->elts;
    (void)command;
    if (conf->protect != NGX_SEALRING_PROTECT_UNSET)
        return "is duplicate";
    conf->protect = NGX_SEALRING_PROTECT_ON;
    size_t length = 0;
    for (ngx_uint_t i = 1; i < cf->args->nelts; i++)
        length += word[i].len + 1;
    if (cf->args->nelts == 2 && (ngx_strcmp(word[1].data, "off") == 0 || ngx_strcmp(word[1].data, "any") == 0)) {
        conf->protect = word[1].data[0] == 'o' ? NGX_SEALRING_PROTECT_OFF : NGX_SEALRING_PROTECT_ON;
        conf->scopes = (ngx_str_t)ngx_string("");
        return NGX_CONF_OK;
    }
    u_char *end = conf->scopes.data = ngx_pnalloc(cf->pool, length);
    if (end == NULL)
        return NGX_CONF_ERROR;
    for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
        if (word[i].len == 0)
            return "has an empty scope; \"any\" asks for none";
        end = ngx_cpymem(end, word[i].data, word[i].len);
        *end++ = ' ';
    }
    *--end = '\0';
    conf->scopes.len = (size_t)(end - conf->scopes.data);
    return ngx_sealring_check_scopes(cf, &conf->scopes);
}

static ngx_int_t add_source(ngx_conf_t *cf, ngx_array_t *sources, const ngx_str_t *name)
{
    ngx_sealring_source_t *source = ngx_array_push(sources);
    if (source == NULL)
        return NGX_ERROR;
    source->lowcase_name.len = name->len;
    source->lowcase_name.data = ngx_pnalloc(cf->pool, name->len);
    if (source->lowcase_name.data == NULL)
        return NGX_ERROR;
    ngx_strlow(source->lowcase_name.data, name->data, name->len);
    source->bearer = name->len == sizeof "authorization" - 1 &&
                     ngx_strncmp(source->lowcase_name.data, "authorization", name->len) == 0;
    return NGX_OK;
}

static char *set_sources(ngx_conf_t *cf, ngx_command_t *command, void *data)
{
    ngx_sealring_loc_conf_t *conf = data;
    ngx_str_t *word = cf->args->elts;
    (void)command;
    if (conf->sources != NGX_CONF_UNSET_PTR)
        return "is duplicate";
    conf->sources = ngx_array_create(cf->pool, cf->args->nelts, sizeof(ngx_sealring_source_t));
    if (conf->sources == NULL)
        return NGX_CONF_ERROR;
    for (ngx_uint_t i = 1; i < cf->args->nelts; i++)
        if (add_source(cf, conf->sources, &word[i]) != NGX_OK)
            return NGX_CONF_ERROR;
    return NGX_CONF_OK;
}

static ngx_array_t *default_sources(ngx_conf_t *cf)
{
    static const ngx_str_t names[] = {ngx_string("Authorization"), ngx_string("X-API-Key")};
    ngx_array_t *sources = ngx_array_create(cf->pool, 2, sizeof(ngx_sealring_source_t));
    for (size_t i = 0; sources != NULL && i < 2; i++)
        if (add_source(cf, sources, &names[i]) != NGX_OK)
            return NULL;
    return sources;
}

#define ANYWHERE (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)

static ngx_command_t commands[] = {
    {ngx_string("sealring_vault"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_sealring_main_conf_t, vault), NULL},
    {ngx_string("sealring_pin_file"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_sealring_main_conf_t, pin_file), NULL},
    {ngx_string("sealring_thread_pool"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_sealring_main_conf_t, thread_pool_name), NULL},
    {ngx_string("sealring_timeout"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_msec_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_sealring_main_conf_t, timeout), NULL},
    {ngx_string("sealring"), NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_1MORE, set_scopes,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("sealring_credential"), ANYWHERE | NGX_CONF_1MORE, set_sources, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("sealring_forward"), ANYWHERE | NGX_CONF_FLAG, ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(ngx_sealring_loc_conf_t, forward), NULL},
    {ngx_string("sealring_sunset"), ANYWHERE | NGX_CONF_FLAG, ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(ngx_sealring_loc_conf_t, sunset), NULL},
    {ngx_string("sealring_exempt_options"), ANYWHERE | NGX_CONF_FLAG, ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(ngx_sealring_loc_conf_t, exempt_options), NULL},
    ngx_null_command};

/* ---- Variables ---- */

typedef enum {
    VARIABLE_VERDICT,
    VARIABLE_CLIENT,
    VARIABLE_KEY_ID,
    VARIABLE_RING,
    VARIABLE_SCOPES,
    VARIABLE_VERSION,
    VARIABLE_SUNSET,
    VARIABLE_REASON
} variable_kind;

static const char *verdict_text(const ngx_sealring_request_t *state)
{
    if (state == NULL || state->waiting)
        return sealring_verdict_name(SEALRING_UNDECIDED);
    switch (state->stage) {
    case NGX_SEALRING_REQUEST_ABSENT:
        return "absent";
    case NGX_SEALRING_REQUEST_CONFLICT:
        return "conflict";
    case NGX_SEALRING_REQUEST_EXEMPT:
        return "exempt";
    case NGX_SEALRING_REQUEST_NEW:
    case NGX_SEALRING_REQUEST_ASKED:
        break;
    }
    return sealring_verdict_name(state->verdict);
}

/* The text, in memory that lasts as long as the request; NULL: there is none. */
static const char *variable_text(ngx_http_request_t *r, const ngx_sealring_request_t *state, variable_kind kind)
{
    u_char *text;
    if (kind == VARIABLE_VERDICT)
        return verdict_text(state);
    if (state == NULL || state->stage != NGX_SEALRING_REQUEST_ASKED || state->waiting)
        return NULL;
    switch (kind) {
    case VARIABLE_CLIENT:
        return state->client;
    case VARIABLE_KEY_ID:
        return state->key_id;
    case VARIABLE_RING:
        return state->ring;
    case VARIABLE_SCOPES:
        return state->scopes;
    case VARIABLE_REASON:
        return state->reason;
    case VARIABLE_VERSION:
        if (state->version == 0 || (text = ngx_pnalloc(r->pool, NGX_INT32_LEN + 1)) == NULL)
            return NULL;
        *ngx_sprintf(text, "%uD", state->version) = '\0';
        return (const char *)text;
    case VARIABLE_SUNSET:
        if (state->sunset == 0 || (text = ngx_pnalloc(r->pool, sizeof "Mon, 28 Sep 1970 06:00:00 GMT" + 1)) == NULL)
            return NULL;
        *ngx_http_time(text, (time_t)(state->sunset / 1000)) = '\0';
        return (const char *)text;
    case VARIABLE_VERDICT:
        break;
    }
    return NULL;
}

static ngx_int_t variable_get(ngx_http_request_t *r, ngx_http_variable_value_t *value, uintptr_t data)
{
    const char *text = variable_text(r, ngx_sealring_request_state(r, 0), (variable_kind)data);
    if (text == NULL || text[0] == '\0') {
        value->not_found = 1;
        return NGX_OK;
    }
    value->data = (u_char *)text;
    value->len = ngx_strlen(text) & 0xfffffff;
    value->valid = 1;
    value->no_cacheable = 1;
    value->not_found = 0;
    return NGX_OK;
}

static const struct {
    ngx_str_t name;
    variable_kind kind;
} variables[] = {
    {ngx_string("sealring_verdict"), VARIABLE_VERDICT}, {ngx_string("sealring_client"), VARIABLE_CLIENT},
    {ngx_string("sealring_key_id"), VARIABLE_KEY_ID},   {ngx_string("sealring_ring"), VARIABLE_RING},
    {ngx_string("sealring_scopes"), VARIABLE_SCOPES},   {ngx_string("sealring_version"), VARIABLE_VERSION},
    {ngx_string("sealring_sunset"), VARIABLE_SUNSET},   {ngx_string("sealring_reason"), VARIABLE_REASON},
};

static ngx_int_t add_variables(ngx_conf_t *cf)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        ngx_str_t name = variables[i].name;
        ngx_http_variable_t *variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (variable == NULL)
            return NGX_ERROR;
        variable->get_handler = variable_get;
        variable->data = (uintptr_t)variables[i].kind;
    }
    return NGX_OK;
}

/* ---- Configuration ---- */

static void *make_main_conf(ngx_conf_t *cf)
{
    ngx_sealring_main_conf_t *conf = ngx_pcalloc(cf->pool, sizeof *conf);
    if (conf != NULL)
        conf->timeout = NGX_CONF_UNSET_MSEC;
    return conf;
}

static char *finish_main_conf(ngx_conf_t *cf, void *data)
{
    ngx_sealring_main_conf_t *conf = data;
    ngx_conf_init_msec_value(conf->timeout, 5000);
    if (conf->thread_pool_name.len == 0)
        conf->thread_pool_name = (ngx_str_t)ngx_string("sealring");
    if (conf->vault.len == 0)
        return NGX_CONF_OK;
    if (ngx_conf_full_name(cf->cycle, &conf->vault, 1) != NGX_OK)
        return NGX_CONF_ERROR;
    /* nginx refuses a name that no thread_pool line defines. */
    conf->thread_pool = ngx_thread_pool_add(cf, &conf->thread_pool_name);
    if (conf->thread_pool == NULL)
        return NGX_CONF_ERROR;
    if (conf->pin_file.len == 0)
        return NGX_CONF_OK;
    if (ngx_conf_full_name(cf->cycle, &conf->pin_file, 1) != NGX_OK)
        return NGX_CONF_ERROR;
    return ngx_sealring_read_pin(cf, conf);
}

static void *make_loc_conf(ngx_conf_t *cf)
{
    ngx_sealring_loc_conf_t *conf = ngx_pcalloc(cf->pool, sizeof *conf);
    if (conf == NULL)
        return NULL;
    conf->sources = NGX_CONF_UNSET_PTR;
    conf->forward = conf->sunset = conf->exempt_options = NGX_CONF_UNSET;
    return conf;
}

static char *merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_sealring_loc_conf_t *outer = parent, *inner = child;
    ngx_sealring_main_conf_t *conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sealring_module);
    if (inner->protect == NGX_SEALRING_PROTECT_UNSET) {
        inner->protect = outer->protect == NGX_SEALRING_PROTECT_UNSET ? NGX_SEALRING_PROTECT_OFF : outer->protect;
        inner->scopes = outer->scopes;
    }
    if (inner->protect == NGX_SEALRING_PROTECT_ON && conf->vault.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"sealring\" needs \"sealring_vault\" in the block \"http\"");
        return NGX_CONF_ERROR;
    }
    if (outer->sources == NGX_CONF_UNSET_PTR && (outer->sources = default_sources(cf)) == NULL)
        return NGX_CONF_ERROR;
    ngx_conf_merge_ptr_value(inner->sources, outer->sources, NULL);
    ngx_conf_merge_value(inner->forward, outer->forward, 0);
    ngx_conf_merge_value(inner->sunset, outer->sunset, 0);
    ngx_conf_merge_value(inner->exempt_options, outer->exempt_options, 0);
    return NGX_CONF_OK;
}

static ngx_int_t add_handler(ngx_conf_t *cf, ngx_http_phases phase, ngx_http_handler_pt handler)
{
    ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    ngx_http_handler_pt *added = ngx_array_push(&core->phases[phase].handlers);
    if (added == NULL)
        return NGX_ERROR;
    *added = handler;
    return NGX_OK;
}

/* Handlers of a phase run in the reverse order of their addition, and a dynamic module comes last: so before limit_req and limit_conn. */
static ngx_int_t add_handlers(ngx_conf_t *cf)
{
    ngx_sealring_main_conf_t *conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sealring_module);
    if (conf->vault.len == 0)
        return NGX_OK;
    if (add_handler(cf, NGX_HTTP_PREACCESS_PHASE, ngx_sealring_preaccess) != NGX_OK ||
        add_handler(cf, NGX_HTTP_ACCESS_PHASE, ngx_sealring_access) != NGX_OK)
        return NGX_ERROR;
    return ngx_sealring_check_vault(cf, conf);
}

/* ---- Processes ---- */

ngx_sealring_main_conf_t *ngx_sealring_conf(const ngx_cycle_t *cycle)
{
    ngx_sealring_main_conf_t *conf = ngx_get_conf(cycle->conf_ctx, ngx_http_module) == NULL
                                         ? NULL
                                         : ngx_http_cycle_get_module_main_conf(cycle, ngx_http_sealring_module);
    return conf == NULL || conf->vault.len == 0 ? NULL : conf;
}

/* The processes that manage nginx's cache start like workers; they verify nothing. */
static ngx_int_t start_process(ngx_cycle_t *cycle)
{
    ngx_sealring_main_conf_t *conf = ngx_sealring_conf(cycle);
    if (conf == NULL || (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE))
        return NGX_OK;
    return ngx_sealring_worker_start(cycle, conf);
}

static void stop_process(ngx_cycle_t *cycle)
{
    ngx_sealring_main_conf_t *conf = ngx_sealring_conf(cycle);
    if (conf != NULL)
        ngx_sealring_worker_stop(conf);
}

static ngx_http_module_t hooks = {.preconfiguration = add_variables,
                                  .postconfiguration = add_handlers,
                                  .create_main_conf = make_main_conf,
                                  .init_main_conf = finish_main_conf,
                                  .create_loc_conf = make_loc_conf,
                                  .merge_loc_conf = merge_loc_conf};

ngx_module_t ngx_http_sealring_module = {NGX_MODULE_V1, &hooks, commands, NGX_HTTP_MODULE, NULL, NULL,
                                         start_process, NULL,   NULL,     stop_process,    NULL, NGX_MODULE_V1_PADDING};
