/* SPDX-License-Identifier: Apache-2.0 */
/* The vault of a worker process: opened in a thread, asked from memory, and where that does not suffice in a thread. */

#include "sealring_nginx.h"

#include <dlfcn.h>

enum { RETRY_MS = 1000, RETRY_MS_MAX = 30000 };

/* What a thread works on. It has memory of its own, because the request may end before the thread does. */
struct ngx_sealring_task_s {
    ngx_sealring_request_t *request; /* NULL: it has ended, or waits no more. For the event loop only */
    ngx_sealring_main_conf_t *conf;
    sealring_vault *vault;
    ngx_str_t credential;
    const char *scopes;
    ngx_sealring_address_t address;
    sealring_verdict verdict;
    sealring_grant grant;
    ngx_pool_t *pool;
};

typedef struct {
    ngx_sealring_main_conf_t *conf;
    sealring_vault *vault;
    sealring_status status;
    sealring_error error;
    ngx_pool_t *pool;
} ngx_sealring_open_task_t;

static void worker_open(ngx_sealring_main_conf_t *conf);

/* ---- Requests that wait ---- */

static void request_wake(ngx_sealring_request_t *request)
{
    ngx_http_request_t *r = request->request;
    ngx_connection_t *connection = r->connection;
    request->waiting = 0;
    request->resumed = request->verdict != SEALRING_UNDECIDED;
    if (request->deadline.timer_set)
        ngx_del_timer(&request->deadline);
    ngx_http_set_log_request(connection->log, r);
    r->read_event_handler = ngx_http_block_reading;
    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(connection);
}

static void leave_queue(ngx_sealring_request_t *request)
{
    if (!request->queued)
        return;
    ngx_queue_remove(&request->queue);
    request->queued = 0;
}

void ngx_sealring_forget(ngx_sealring_request_t *request)
{
    if (request->task != NULL)
        request->task->request = NULL;
    request->task = NULL;
    leave_queue(request);
    if (request->deadline.timer_set)
        ngx_del_timer(&request->deadline);
}

/* ---- Verdicts ---- */

static void turn_over_handler(ngx_event_t *event)
{
    ngx_sealring_worker_t *worker = event->data;
    worker->turns++;
}

/* Events that are posted now are handled before the event loop waits or handles timers again. */
static void mark_turn(ngx_sealring_worker_t *worker, ngx_sealring_request_t *request)
{
    ngx_post_event(&worker->turn_over, &ngx_posted_events);
    request->turn = worker->turns;
}

ngx_flag_t ngx_sealring_is_fresh(const ngx_sealring_main_conf_t *conf, const ngx_sealring_request_t *request)
{
    return request->turn == conf->worker.turns;
}

static ngx_sealring_address_t read_address(const ngx_http_request_t *r)
{
    ngx_sealring_address_t address = {.length = 0};
    const struct sockaddr *from = r->connection->sockaddr;
    if (from->sa_family == AF_INET) {
        address.length = 4;
        ngx_memcpy(address.bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        address.length = 16;
        ngx_memcpy(address.bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    }
    return address;
}

ngx_flag_t ngx_sealring_has_moved(const ngx_sealring_request_t *request)
{
    const ngx_sealring_address_t now = read_address(request->request);
    return now.length != request->address.length || ngx_memcmp(now.bytes, request->address.bytes, now.length) != 0;
}

/* Copies a text of a grant into the request's memory; NULL for an empty one. */
static const char *keep_text(u_char **end, const char *text, size_t length)
{
    char *kept = (char *)*end;
    if (length == 0)
        return NULL;
    *end = ngx_cpymem(*end, text, length + 1);
    return kept;
}

static ngx_int_t keep_grant(ngx_sealring_request_t *request, const sealring_grant *grant)
{
    size_t client = ngx_strlen(grant->client), key_id = ngx_strlen(grant->key_id), ring = ngx_strlen(grant->ring),
           scopes = ngx_strlen(grant->scopes), reason = ngx_strlen(grant->reason);
    u_char *end = ngx_pnalloc(request->request->pool, client + key_id + ring + scopes + reason + 5);
    if (end == NULL)
        return NGX_ERROR;
    request->client = keep_text(&end, grant->client, client);
    request->key_id = keep_text(&end, grant->key_id, key_id);
    request->ring = keep_text(&end, grant->ring, ring);
    request->scopes = keep_text(&end, grant->scopes, scopes);
    request->reason = keep_text(&end, grant->reason, reason);
    request->version = grant->version;
    request->sunset = grant->sunset;
    return NGX_OK;
}

static void set_verdict(ngx_sealring_worker_t *worker, ngx_sealring_request_t *request, sealring_verdict verdict,
                        const sealring_grant *grant)
{
    request->verdict = verdict;
    mark_turn(worker, request);
    if (keep_grant(request, grant) == NGX_OK)
        return;
    request->verdict = SEALRING_UNAVAILABLE;
    request->reason = "no memory";
}

static void set_unavailable(ngx_sealring_request_t *request, const char *reason)
{
    request->verdict = SEALRING_UNAVAILABLE;
    request->reason = reason;
}

static void deadline_handler(ngx_event_t *event)
{
    ngx_sealring_request_t *request = event->data;
    ngx_sealring_forget(request);
    set_unavailable(request, "no verdict within sealring_timeout");
    request_wake(request);
}

/* The client may leave meanwhile: ngx_http_test_reading notices that, and the request is freed. */
static ngx_int_t request_wait(ngx_sealring_main_conf_t *conf, ngx_sealring_request_t *request)
{
    ngx_http_request_t *r = request->request;
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_sealring_forget(request);
        set_unavailable(request, "nginx cannot watch the connection");
        return NGX_OK;
    }
    r->read_event_handler = ngx_http_test_reading;
    request->waiting = 1;
    request->deadline.handler = deadline_handler;
    request->deadline.data = request;
    request->deadline.log = r->connection->log;
    request->deadline.cancelable = 0;
    ngx_add_timer(&request->deadline, conf->timeout);
    return NGX_AGAIN;
}

/* ---- Asking ---- */

static sealring_verdict verify(sealring_vault *vault, const ngx_str_t *credential, const char *scopes,
                               const ngx_sealring_address_t *address, uint32_t flags, sealring_grant *grant)
{
    sealring_request question = {.size = sizeof question,
                                 .credential = (const char *)credential->data,
                                 .length = credential->len,
                                 .scope = scopes,
                                 .address = address->length > 0 ? address->bytes : NULL,
                                 .address_length = address->length,
                                 .flags = flags};
    grant->size = sizeof *grant;
    return sealring_verify_request(vault, &question, grant);
}

static void ask_in_thread(void *data, ngx_log_t *log)
{
    ngx_sealring_task_t *task = data;
    (void)log;
    task->verdict = verify(task->vault, &task->credential, task->scopes, &task->address, 0, &task->grant);
}

static void task_free(ngx_sealring_task_t *task)
{
    explicit_bzero(task->credential.data, task->credential.len);
    ngx_destroy_pool(task->pool);
}

/* In the event loop, after the thread is done. */
static void ask_done(ngx_event_t *event)
{
    ngx_sealring_task_t *task = event->data;
    ngx_sealring_request_t *request = task->request;
    if (request != NULL) {
        request->task = NULL;
        set_verdict(&task->conf->worker, request, task->verdict, &task->grant);
    }
    task_free(task);
    if (request != NULL)
        request_wake(request);
}

static ngx_sealring_task_t *task_make(ngx_sealring_main_conf_t *conf, ngx_sealring_request_t *request,
                                      const ngx_str_t *scopes, ngx_thread_task_t **thread_task)
{
    ngx_pool_t *pool = ngx_create_pool(sizeof(ngx_sealring_task_t) + 1024, conf->worker.log);
    if (pool == NULL)
        return NULL;
    *thread_task = ngx_thread_task_alloc(pool, sizeof(ngx_sealring_task_t));
    ngx_sealring_task_t *task = *thread_task == NULL ? NULL : (*thread_task)->ctx;
    if (task == NULL || (task->credential.data = ngx_pnalloc(pool, request->credential.len)) == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }
    ngx_memcpy(task->credential.data, request->credential.data, request->credential.len);
    task->credential.len = request->credential.len;
    task->request = request;
    task->conf = conf;
    task->vault = conf->worker.vault;
    task->scopes = (const char *)scopes->data;
    task->address = request->address;
    task->pool = pool;
    (*thread_task)->handler = ask_in_thread;
    (*thread_task)->event.handler = ask_done;
    (*thread_task)->event.data = task;
    return task;
}

static ngx_int_t ask_thread(ngx_sealring_main_conf_t *conf, ngx_sealring_request_t *request, const ngx_str_t *scopes)
{
    ngx_thread_task_t *thread_task;
    ngx_sealring_task_t *task = task_make(conf, request, scopes, &thread_task);
    if (task == NULL) {
        set_unavailable(request, "no memory");
        return NGX_OK;
    }
    if (ngx_thread_task_post(conf->thread_pool, thread_task) != NGX_OK) {
        task_free(task);
        set_unavailable(request, "the queue of sealring_thread_pool is full");
        return NGX_OK;
    }
    request->task = task;
    return request_wait(conf, request);
}

ngx_int_t ngx_sealring_ask(ngx_sealring_main_conf_t *conf, ngx_sealring_request_t *request, const ngx_str_t *scopes)
{
    ngx_sealring_worker_t *worker = &conf->worker;
    if (worker->vault == NULL && worker->opening) {
        request->verdict = SEALRING_UNDECIDED; /* it asks again when the vault is open */
        ngx_queue_insert_tail(&worker->waiting, &request->queue);
        request->queued = 1;
        return request_wait(conf, request);
    }
    if (worker->vault == NULL) {
        set_unavailable(request, "the vault is not open; the error log has the reason");
        return NGX_OK;
    }
    sealring_grant grant;
    request->address = read_address(request->request);
    sealring_verdict verdict = verify(worker->vault, &request->credential, (const char *)scopes->data,
                                      &request->address, SEALRING_NONBLOCK, &grant);
    if (verdict == SEALRING_WOULD_BLOCK)
        return ask_thread(conf, request, scopes);
    set_verdict(worker, request, verdict, &grant);
    return NGX_OK;
}

/* ---- Opening ---- */

/* Called in threads of the library. nginx writes each message by one call. */
static void log_message(sealring_log_level level, const char *message, void *context)
{
    static const ngx_uint_t levels[] = {[SEALRING_LOG_INFORMATION] = NGX_LOG_NOTICE,
                                        [SEALRING_LOG_WARNING] = NGX_LOG_WARN,
                                        [SEALRING_LOG_ALARM] = NGX_LOG_ALERT};
    ngx_log_error(levels[level], (ngx_log_t *)context, 0, "sealring: %s", message);
}

static void open_in_thread(void *data, ngx_log_t *log)
{
    ngx_sealring_open_task_t *task = data;
    sealring_options options = {
        .size = sizeof options, .pin = (const char *)task->conf->pin.data, .pin_length = task->conf->pin.len};
    (void)log;
    task->status = sealring_open((const char *)task->conf->vault.data, &options, &task->vault, &task->error);
}

static void waiting_resume(ngx_sealring_worker_t *worker)
{
    while (!ngx_queue_empty(&worker->waiting)) {
        ngx_queue_t *first = ngx_queue_head(&worker->waiting);
        ngx_sealring_request_t *request = ngx_queue_data(first, ngx_sealring_request_t, queue);
        leave_queue(request);
        request_wake(request);
    }
}

static void open_done(ngx_event_t *event)
{
    ngx_sealring_open_task_t *task = event->data;
    ngx_sealring_main_conf_t *conf = task->conf;
    ngx_sealring_worker_t *worker = &conf->worker;
    worker->opening = 0;
    worker->vault = task->vault;
    if (task->status == SEALRING_OK) {
        worker->failures = 0;
        explicit_bzero(conf->pin.data, conf->pin.len); /* this process's copy; the library has its own */
        sealring_set_log(worker->vault, log_message, worker->log);
    } else {
        ngx_msec_t delay = RETRY_MS << ngx_min(worker->failures, 5);
        worker->failures++;
        ngx_log_error(NGX_LOG_ERR, worker->log, 0, "sealring: vault \"%V\" is not open: %s", &conf->vault,
                      task->error.message);
        if (!ngx_exiting && !ngx_quit && !ngx_terminate)
            ngx_add_timer(&worker->retry, ngx_min(delay, RETRY_MS_MAX));
    }
    ngx_destroy_pool(task->pool);
    waiting_resume(worker);
}

static void retry_handler(ngx_event_t *event)
{
    worker_open(event->data);
}

static void worker_open(ngx_sealring_main_conf_t *conf)
{
    ngx_sealring_worker_t *worker = &conf->worker;
    ngx_pool_t *pool = ngx_create_pool(sizeof(ngx_sealring_open_task_t) + 1024, worker->log);
    ngx_thread_task_t *thread_task =
        pool == NULL ? NULL : ngx_thread_task_alloc(pool, sizeof(ngx_sealring_open_task_t));
    if (thread_task != NULL) {
        ngx_sealring_open_task_t *task = thread_task->ctx;
        task->conf = conf;
        task->pool = pool;
        thread_task->handler = open_in_thread;
        thread_task->event.handler = open_done;
        thread_task->event.data = task;
        worker->opening = 1;
        if (ngx_thread_task_post(conf->thread_pool, thread_task) == NGX_OK)
            return;
        worker->opening = 0;
    }
    if (pool != NULL)
        ngx_destroy_pool(pool);
    ngx_add_timer(&worker->retry, RETRY_MS);
}

/* A worker that ends unloads its modules while threads of its pools may still be in pthread_exit(), where the library cleans up after each. */
static void keep_loaded(void)
{
    Dl_info module;
    if (dladdr(&ngx_http_sealring_module, &module) != 0)
        (void)dlopen(module.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

ngx_int_t ngx_sealring_worker_start(ngx_cycle_t *cycle, ngx_sealring_main_conf_t *conf)
{
    ngx_sealring_worker_t *worker = &conf->worker;
    worker->log = cycle->log;
    ngx_queue_init(&worker->waiting);
    worker->turn_over.handler = turn_over_handler;
    worker->turn_over.data = worker;
    worker->turn_over.log = cycle->log;
    worker->retry.handler = retry_handler;
    worker->retry.data = conf;
    worker->retry.log = cycle->log;
    worker->retry.cancelable = 1;
    keep_loaded();
    worker_open(conf);
    return NGX_OK;
}

/* nginx has waited for its threads. */
void ngx_sealring_worker_stop(ngx_sealring_main_conf_t *conf)
{
    sealring_close(&conf->worker.vault);
}
