/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the nginx module share: its configuration, the state of one request, and the vault of one worker process. */
#ifndef SEALRING_NGINX_H
#define SEALRING_NGINX_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <sealring/verify.h>

/* A header that may contain a credential. */
typedef struct {
    ngx_str_t lowcase_name;
    ngx_flag_t bearer; /* the credential follows the scheme `Bearer` (RFC 6750, section 2.1) */
} ngx_sealring_source_t;

/* The vault of one worker process. Used by the event loop only; threads get what they need in a task. */
typedef struct {
    sealring_vault *vault; /* NULL: it is not open yet */
    ngx_flag_t opening;
    ngx_uint_t failures; /* of opening, one after the other */
    ngx_event_t retry;
    ngx_queue_t waiting; /* requests that wait until it is open */
    ngx_event_t turn_over;
    ngx_uint_t turns; /* of the event loop, as far as requests were judged in them */
    ngx_log_t *log;
} ngx_sealring_worker_t;

typedef struct {
    ngx_str_t vault; /* the directory, with a NUL behind it; empty: the module does nothing */
    ngx_str_t pin_file;
    ngx_str_t pin; /* in memory of its own, which is locked */
    ngx_str_t thread_pool_name;
    ngx_thread_pool_t *thread_pool;
    ngx_msec_t timeout;
    ngx_sealring_worker_t worker;
} ngx_sealring_main_conf_t;

typedef enum { NGX_SEALRING_PROTECT_UNSET, NGX_SEALRING_PROTECT_OFF, NGX_SEALRING_PROTECT_ON } ngx_sealring_protect_t;

typedef struct {
    ngx_sealring_protect_t protect;
    ngx_str_t scopes;          /* with a NUL behind them; empty: any valid credential */
    ngx_array_t *sources;      /* of ngx_sealring_source_t */
    ngx_flag_t forward;        /* the credential reaches upstream servers */
    ngx_flag_t sunset;         /* the response contains Sealring-Sunset when a successor is due */
    ngx_flag_t exempt_options; /* requests with the method OPTIONS are let through */
} ngx_sealring_loc_conf_t;

typedef enum {
    NGX_SEALRING_REQUEST_NEW,
    NGX_SEALRING_REQUEST_ABSENT,   /* it has no credential */
    NGX_SEALRING_REQUEST_CONFLICT, /* it has two different ones */
    NGX_SEALRING_REQUEST_EXEMPT,
    NGX_SEALRING_REQUEST_ASKED /* the verdict counts */
} ngx_sealring_stage_t;

typedef struct ngx_sealring_task_s ngx_sealring_task_t;

/* Where a request comes from, as realip found it. */
typedef struct {
    u_char bytes[16];
    size_t length; /* 4, 16, or 0: not known, as behind a Unix socket */
} ngx_sealring_address_t;

/* The state of one request. It outlives internal redirects, which clear the contexts of modules. */
typedef struct {
    ngx_http_request_t *request;
    ngx_sealring_stage_t stage;
    ngx_str_t credential; /* in the request's memory, as the texts below */
    sealring_verdict verdict;
    ngx_sealring_address_t address; /* the verdict is about a call from there */
    ngx_uint_t turn;                /* of the event loop, in which the verdict was had */
    ngx_flag_t waiting;             /* for a thread, or for the vault */
    ngx_flag_t resumed;             /* the verdict came while it waited in this phase */
    ngx_sealring_task_t *task;      /* of the thread; NULL: none */
    ngx_event_t deadline;
    ngx_queue_t queue; /* in ngx_sealring_worker_t.waiting, if `queued` */
    ngx_flag_t queued;
    const char *client, *key_id, *ring, *scopes, *reason; /* as in sealring_grant; NULL: not known */
    uint32_t version;
    int64_t sunset;
} ngx_sealring_request_t;

extern ngx_module_t ngx_http_sealring_module, ngx_sealring_process_module;

/* ngx_http_sealring_module.c */

/* NULL: there is no sealring_vault. */
ngx_sealring_main_conf_t *ngx_sealring_conf(const ngx_cycle_t *cycle);

/* request_headers.c */

/* Removes the client's headers X-Sealring-*, so that none reaches an upstream server. */
ngx_int_t ngx_sealring_remove_own_headers(ngx_http_request_t *r);
/* Finds the credential: NGX_OK, NGX_DECLINED (none), NGX_ABORT (two different ones). */
ngx_int_t ngx_sealring_find_credential(ngx_http_request_t *r, const ngx_array_t *sources, ngx_str_t *credential);
/* Removes the headers that contain a credential. */
ngx_int_t ngx_sealring_remove_credential(ngx_http_request_t *r, const ngx_array_t *sources);

/* judge_request.c */

/* The state of the request; NULL if it has none, and `create` is 0 or there is no memory. */
ngx_sealring_request_t *ngx_sealring_request_state(ngx_http_request_t *r, ngx_flag_t create);
ngx_int_t ngx_sealring_preaccess(ngx_http_request_t *r);
ngx_int_t ngx_sealring_access(ngx_http_request_t *r);

/* worker.c */

ngx_int_t ngx_sealring_worker_start(ngx_cycle_t *cycle, ngx_sealring_main_conf_t *conf);
void ngx_sealring_worker_stop(ngx_sealring_main_conf_t *conf);
/* Whether the verdict was had without a return to the event loop since: no time has passed in which something could become effective. */
ngx_flag_t ngx_sealring_is_fresh(const ngx_sealring_main_conf_t *conf, const ngx_sealring_request_t *request);
/* Whether realip has replaced the request's address since: a location's realip may run after PREACCESS has judged. */
ngx_flag_t ngx_sealring_has_moved(const ngx_sealring_request_t *request);
/* Asks for the verdict: NGX_OK if request->verdict is set; NGX_AGAIN if the request waits, and will be resumed. */
ngx_int_t ngx_sealring_ask(ngx_sealring_main_conf_t *conf, ngx_sealring_request_t *request, const ngx_str_t *scopes);
/* Forgets the request, which is about to be freed. */
void ngx_sealring_forget(ngx_sealring_request_t *request);

/* check_configuration.c */

char *ngx_sealring_check_scopes(ngx_conf_t *cf, const ngx_str_t *scopes);
char *ngx_sealring_read_pin(ngx_conf_t *cf, ngx_sealring_main_conf_t *conf);
ngx_int_t ngx_sealring_check_vault(ngx_conf_t *cf, ngx_sealring_main_conf_t *conf);

#endif
