/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded PKCS#11 module: the one owner of Cryptoki in this process. */
#ifndef TOKEN_MODULE_MODULE_H
#define TOKEN_MODULE_MODULE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#include <sealring/verify.h>

struct token;

struct module {
    struct module *next;
    char *path;
    char *init_args; /* NULL: none */
    void *library;
    CK_FUNCTION_LIST *functions;
    unsigned references; /* guarded by the table's lock */
    bool ours;           /* we initialised it, so we may finalise it; false: the host program did */

    /* Held for reading around every call into the module, for writing where sessions are torn down under others. */
    pthread_rwlock_t use;
    bool initialised;     /* guarded by `use`; once references are zero by the table's lock */
    uint64_t generation;  /* guarded by `use`: counts initialisations; what an older one handed out is worthless */
    struct token *tokens; /* guarded by `use`: the open tokens on it */

    /* The one lock around find + create + set + destroy (signing stays outside): SoftHSM2 fails generations, and leaves
     * half-made objects, when another thread of the process searches meanwhile. Taken after `use`, before a session. */
    pthread_mutex_t objects;
};

/* Loads the module at an absolute path, or shares the one that is loaded already. It may have to be initialised yet: by
 * module_restart. */
sealring_status module_acquire(const char *path, const char *init_args, struct module **module, sealring_error *error);

/* Finalises it if this was the last reference and we initialised it. Never in a forked child. */
void module_release(struct module *module);

/* Finalises, if it is initialised and `ours`, and initialises. One that is not ours must have said itself that it is not
 * initialised any more. The caller holds `use` for writing. */
sealring_status module_restart(struct module *module, sealring_error *error);

/* Has the modules of this process finalised at its end, before the destructors of what is loaded by now: a module must not be called after
 * its own, and a program may close its vaults, or have threads at work, until the very end. Threads that are in a module are waited for
 * for a second. Called after what makes a module construct more: initialisation, login. Never fails. */
void module_watch_exit(void);

/* Whether that has happened: from then on no module is called, whatever is still open. */
bool module_process_ends(void);

/* Whether this is a PKCS#11 module at all; it is unloaded again. */
sealring_status module_check(const char *path, sealring_error *error);

/* Whether this process holds any module. */
bool module_any_in_use(void);

/* Whether somebody else (the host program) has this module loaded and initialised in this process. */
bool module_is_initialised(const char *path);

#endif
