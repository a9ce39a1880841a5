/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps the other processes of the workers' user out of a worker's memory, also while it starts.
 *
 * nginx makes a worker dumpable after setuid(), for worker_rlimit_core. Until a module can undo that, any process of this user could trace the
 * worker or open its memory, and would keep what it opened. But the kernel lets nobody trace a process that is permitted a capability
 * which the tracer lacks. So a worker keeps its permitted capabilities through setuid(), none of them in effect, and drops them
 * here: in the module that starts first, before there are threads, as each thread has its own. */

#include "sealring_nginx.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static ngx_flag_t keeping;

/* In each new process of the master. Before the first one of them has its channel, the master itself is what goes on: as a daemon. */
static void keep_capabilities(void)
{
    if (keeping && ngx_channel > 0)
        (void)prctl(PR_SET_KEEPCAPS, 1);
}

static ngx_int_t start_master(ngx_cycle_t *cycle)
{
    static ngx_flag_t registered;
    keeping = cycle->modules[0] == &ngx_sealring_process_module && ngx_sealring_conf(cycle) != NULL;
    if (registered)
        return NGX_OK;
    registered = 1;
    return pthread_atfork(NULL, NULL, keep_capabilities) == 0 ? NGX_OK : NGX_ERROR;
}

/* What nginx itself has kept, for transparent proxies, is in effect. */
static ngx_int_t drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (prctl(PR_SET_KEEPCAPS, 0) != 0 || syscall(SYS_capget, &header, data) != 0)
        return NGX_ERROR;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        data[i].permitted = data[i].effective;
    return syscall(SYS_capset, &header, data) == 0 ? NGX_OK : NGX_ERROR;
}

static ngx_int_t start_process(ngx_cycle_t *cycle)
{
    ngx_sealring_main_conf_t *conf = ngx_sealring_conf(cycle);
    if (conf != NULL && prctl(PR_SET_DUMPABLE, 0) != 0)
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno, "sealring: prctl(PR_SET_DUMPABLE) failed");
    if (keeping && drop_capabilities() != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno, "sealring: the capabilities of root cannot be dropped");
        return NGX_ERROR; /* the process ends */
    }
    /* The processes that manage nginx's cache verify nothing. */
    if (conf != NULL && ngx_process == NGX_PROCESS_HELPER && conf->pin.len > 0)
        explicit_bzero(conf->pin.data, conf->pin.len);
    return NGX_OK;
}

static ngx_core_module_t hooks = {ngx_string("sealring_process"), NULL, NULL};

/* gateway/nginx/config puts it before all others. */
ngx_module_t ngx_sealring_process_module = {NGX_MODULE_V1, &hooks,       NULL,          NGX_CORE_MODULE,
                                            NULL,          start_master, start_process, NULL,
                                            NULL,          NULL,         NULL,          NGX_MODULE_V1_PADDING};
