/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded PKCS#11 module: the only owner of Cryptoki in this process. */
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
    char *init_args; /* "": none */
    void *library;
    CK_FUNCTION_LIST *functions;
    unsigned references; /* guarded by the table's lock */
    bool ours;           /* sealring initialised it and may finalise it; false: the host program did */

    /* Held for reading around every call into the module, for writing where sessions of other threads are closed. */
    pthread_rwlock_t use;
    bool initialised;     /* guarded by `use`; when there are no references, by the table's lock */
    uint64_t generation;  /* guarded by `use`: counts initialisations; handles from an older one are invalid */
    struct token *tokens; /* guarded by `use`: the open tokens on it */

    /* The one lock around find + create + set + destroy (signing does not take it). SoftHSM2 fails to generate keys, and leaves
     * incomplete objects, if another thread of the process searches meanwhile. Taken after `use`, before a session. */
    pthread_mutex_t objects;
};

/* Loads the module at an absolute path, or shares the loaded one. It may still have to be initialised with module_restart. */
sealring_status module_acquire(const char *path, const char *init_args, struct module **module, sealring_error *error);

/* Finalises the module if this was the last reference and sealring initialised it. Never in a forked child. */
void module_release(struct module *module);

/* Finalises the module, if it is initialised and `ours`, and initialises it. A module that is not ours must have reported that it is
 * not initialised any more. The caller holds `use` for writing. */
sealring_status module_restart(struct module *module, sealring_error *error);

/* Registers handlers that finalise this process's modules at its end, before the destructors of all libraries loaded by now: a module
 * must not be called after its own destructor, and a program may close its vaults, or have threads at work, until the very end. Waits
 * up to a second for threads that are in a module. Called after steps in which a module registers more destructors: initialisation,
 * login. Never fails. */
void module_watch_exit(void);

/* Returns whether that has happened: from then on no module is called, even if vaults are open. */
bool module_process_ends(void);

/* Checks that this is a PKCS#11 module, and unloads it again. */
sealring_status module_check(const char *path, sealring_error *error);

/* Returns whether this process has loaded any module. */
bool module_any_in_use(void);

/* Returns whether the host program has loaded and initialised this module in this process. */
bool module_is_initialised(const char *path);

#endif
