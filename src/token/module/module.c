/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded PKCS#11 module: the only owner of Cryptoki in this process. */
#include "token/module/module.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "token/module/return_code.h"
#include "token/module/trace.h"

#define MODULE_EXIT_HANDLERS 2 /* registered after the first initialisation, and after the first login */
#define MODULE_EXIT_WAIT_MS  1000

/* A forked child starts with its own table: it cannot trust its parent's lock, which another thread may have held during the fork, and
 * it must not finalise what its parent initialised (PKCS #11 v2.40, section 6.6.1). */
struct module_table {
    pid_t pid;
    pthread_mutex_t lock;
    struct module *first;
    struct module_table *inherited;
    atomic_uint exit_handlers;
};

static _Atomic(struct module_table *) module_tables;

static struct module_table *module_table_get(void)
{
    struct module_table *known = atomic_load(&module_tables);
    if (known != NULL && known->pid == fork_process())
        return known;
    struct module_table *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    made->pid = fork_process();
    made->inherited = known;
    pthread_mutex_init(&made->lock, NULL);
    if (!atomic_compare_exchange_strong(&module_tables, &known, made)) {
        pthread_mutex_destroy(&made->lock);
        free(made);
        return known;
    }
    return made;
}

static struct module *module_new(const char *path, void *library, CK_FUNCTION_LIST *functions)
{
    struct module *module = calloc(1, sizeof(*module));
    char *copy = strdup(path);
    if (module == NULL || copy == NULL) {
        free(module);
        free(copy);
        return NULL;
    }
    module->path = copy;
    module->library = library;
    module->functions = functions;
    /* A steady flow of readers must not block the thread that repairs the connection. */
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&module->use, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    pthread_mutex_init(&module->objects, NULL);
    return module;
}

static CK_FUNCTION_LIST *module_function_list(void *library)
{
    CK_C_GetFunctionList get_function_list = NULL;
    void *symbol = dlsym(library, "C_GetFunctionList");
    memcpy(&get_function_list, &symbol, sizeof(symbol)); /* ISO C has no cast from object to function pointer */
    CK_FUNCTION_LIST *functions = NULL;
    if (get_function_list == NULL || get_function_list(&functions) != CKR_OK)
        return NULL;
    return functions;
}

static sealring_status module_open(const char *path, void **library, sealring_error *error)
{
    if (path == NULL || path[0] != '/')
        return error_set(error, SEALRING_INVALID, "the PKCS#11 module must be named by its absolute path");
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (*library == NULL) {
        const char *reason = dlerror();
        return error_set_token(error, 0, "the PKCS#11 module cannot be loaded: %s",
                               reason != NULL ? reason : "no reason given");
    }
    return SEALRING_OK;
}

/* Asked once, when it is loaded: p11-kit-client makes another list, with its own state, each time. */
static sealring_status module_ask_functions(const char *path, void *library, CK_FUNCTION_LIST **functions,
                                            sealring_error *error)
{
    *functions = module_function_list(library);
    if (*functions == NULL)
        return error_set_token(error, 0, "%s is not a PKCS#11 module: it has no working C_GetFunctionList", path);
    CK_BYTE major = (*functions)->version.major;
    if (major != 2 && major != 3) {
        return error_set_token(error, 0, "the PKCS#11 module %s speaks version %u of the standard, not 2 or 3", path,
                               major);
    }
    return SEALRING_OK;
}

/* ---- The end of the process ---- */

static atomic_bool module_ending;

bool module_process_ends(void)
{
    return atomic_load(&module_ending);
}

static void module_finalise(struct module *module)
{
    if (module->initialised && module->ours)
        module->functions->C_Finalize(NULL);
    module->initialised = false;
    module->generation++;
}

/* If a call does not return within the second, it and its module are left alone. */
static void module_finalise_at_exit(struct module *module)
{
    struct timespec deadline = clock_deadline(MODULE_EXIT_WAIT_MS);
    if (pthread_rwlock_clockwrlock(&module->use, CLOCK_MONOTONIC, &deadline) != 0)
        return;
    module_finalise(module);
    pthread_rwlock_unlock(&module->use);
}

/* A forked child must not finalise what its parent initialised (PKCS #11 v2.40, section 6.6.1). */
static void module_exit(void)
{
    struct module_table *table = atomic_load(&module_tables);
    struct timespec deadline = clock_deadline(MODULE_EXIT_WAIT_MS);
    if (atomic_exchange(&module_ending, true) || table == NULL || table->pid != fork_process() ||
        pthread_mutex_clocklock(&table->lock, CLOCK_MONOTONIC, &deadline) != 0)
        return;
    for (struct module *module = table->first; module != NULL; module = module->next)
        module_finalise_at_exit(module);
    pthread_mutex_unlock(&table->lock);
}

/* At the end of a process, handlers and destructors run in the reverse order of their registration. If no handler can be registered,
 * vaults must be closed before the end. */
void module_watch_exit(void)
{
    struct module_table *table = module_table_get();
    if (table != NULL && atomic_load(&table->exit_handlers) < MODULE_EXIT_HANDLERS) {
        atomic_fetch_add(&table->exit_handlers, 1);
        (void)atexit(module_exit);
    }
}

/* ---- Initialising ---- */

static sealring_status module_initialise(struct module *module, sealring_error *error)
{
    if (module_process_ends())
        return error_set_token(error, 0, "this process is ending: the PKCS#11 module %s is not started", module->path);
    /* Without CKF_OS_LOCKING_OK a module may assume a single thread: SoftHSM2 crashes. */
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK,
                                      .pReserved = module->init_args[0] != '\0' ? module->init_args : NULL};
    CK_RV code = module->functions->C_Initialize(&arguments);
    if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        return error_set_token(error, code,
                               "the PKCS#11 module %s does not start (C_Initialize: %s): check that what it needs is "
                               "there, and module-environment and module-init-args",
                               module->path, code_name(code));
    }
    module->ours = code == CKR_OK;
    module->initialised = true;
    module->generation++;
    module_watch_exit();
    return SEALRING_OK;
}

static struct module *module_find(struct module_table *table, const void *library)
{
    struct module *module = table->first;
    while (module != NULL && module->library != library)
        module = module->next;
    return module;
}

static sealring_status module_set_arguments(struct module *module, const char *init_args, sealring_error *error)
{
    char *copy = strdup(init_args);
    if (copy == NULL)
        return error_no_memory(error);
    free(module->init_args);
    module->init_args = copy;
    return SEALRING_OK;
}

sealring_status module_acquire(const char *path, const char *init_args, struct module **acquired, sealring_error *error)
{
    void *library = NULL;
    CK_FUNCTION_LIST *functions = NULL;
    const char *wanted = init_args != NULL ? init_args : "";
    *acquired = NULL;
    struct module_table *table = module_table_get();
    if (table == NULL)
        return error_no_memory(error);
    sealring_status status = module_open(path, &library, error);
    if (status != SEALRING_OK)
        return status;
    pthread_mutex_lock(&table->lock);
    /* Found by the library and not by the path, because two paths may lead to one file. */
    struct module *module = module_find(table, library);
    if (module != NULL) {
        dlclose(library);
    } else {
        status = module_ask_functions(path, library, &functions, error);
        module = status == SEALRING_OK ? module_new(path, library, trace_functions(functions, path)) : NULL;
        if (module == NULL) {
            dlclose(library);
            status = status != SEALRING_OK ? status : error_no_memory(error);
            goto cleanup;
        }
        /* The library stays mapped: a module may leave threads and thread-exit handlers behind, whose code unloading would remove. */
        module->next = table->first;
        table->first = module;
    }
    if (module->references == 0)
        status = module_set_arguments(module, wanted, error);
    else if (strcmp(module->init_args, wanted) != 0)
        status = error_set_token(error, 0, "the PKCS#11 module %s is in use already with other init arguments", path);
    if (status == SEALRING_OK) {
        module->references++;
        *acquired = module;
    }
cleanup:
    pthread_mutex_unlock(&table->lock);
    return status;
}

void module_release(struct module *module)
{
    struct module_table *table = module_table_get();
    if (module == NULL || table == NULL)
        return;
    pthread_mutex_lock(&table->lock);
    if (--module->references == 0 && !module_process_ends())
        module_finalise(module);
    pthread_mutex_unlock(&table->lock);
}

sealring_status module_restart(struct module *module, sealring_error *error)
{
    if (!module_process_ends())
        module_finalise(module);
    return module_initialise(module, error);
}

sealring_status module_check(const char *path, sealring_error *error)
{
    void *library = NULL;
    CK_FUNCTION_LIST *functions = NULL;
    sealring_status status = module_open(path, &library, error);
    if (status == SEALRING_OK) {
        status = module_ask_functions(path, library, &functions, error);
        dlclose(library);
    }
    return status;
}

bool module_any_in_use(void)
{
    struct module_table *table = atomic_load(&module_tables);
    if (table == NULL || table->pid != fork_process())
        return false;
    bool any = false;
    pthread_mutex_lock(&table->lock);
    for (const struct module *module = table->first; module != NULL; module = module->next)
        any = any || module->references > 0;
    pthread_mutex_unlock(&table->lock);
    return any;
}

bool module_is_initialised(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (library == NULL)
        return false;
    CK_FUNCTION_LIST *functions = module_function_list(library);
    CK_INFO info;
    bool initialised = functions != NULL && functions->C_GetInfo(&info) == CKR_OK;
    dlclose(library);
    return initialised;
}
