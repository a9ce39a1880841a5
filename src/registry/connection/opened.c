/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all open registries of this process, so that a forked child can close those that it inherited. */
#include "registry/connection/opened.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/fork.h"

/* The list belongs to the process, as SQLite's own state does: SQLite notes for each file which locks the process holds. A child
 * inherits the notes, but not the locks, and while any inherited connection to the file is open, new connections take no locks. Another
 * process would then assume to be alone, and may delete the log that the child reads. So all inherited connections must be closed,
 * whichever vault or manager they belong to. The list only grows and reuses its entries; it has no lock, which a child could inherit
 * held. */
struct opened_place {
    _Atomic(struct registry *) registry; /* NULL: free */
    struct opened_place *next;
};

static _Atomic(struct opened_place *) places;

bool opened_add(struct registry *registry)
{
    for (struct opened_place *place = atomic_load(&places); place != NULL; place = place->next) {
        struct registry *vacant = NULL;
        if (atomic_compare_exchange_strong(&place->registry, &vacant, registry))
            return true;
    }
    struct opened_place *made = calloc(1, sizeof *made);
    if (made == NULL)
        return false;
    atomic_init(&made->registry, registry);
    made->next = atomic_load(&places);
    while (!atomic_compare_exchange_weak(&places, &made->next, made)) {
    }
    return true;
}

void opened_remove(struct registry *registry)
{
    for (struct opened_place *place = atomic_load(&places); place != NULL; place = place->next) {
        struct registry *present = registry;
        if (atomic_compare_exchange_strong(&place->registry, &present, NULL))
            return;
    }
}

void opened_each_inherited(void (*each)(struct registry *registry))
{
    pid_t process = fork_process();
    for (struct opened_place *place = atomic_load(&places); place != NULL; place = place->next) {
        struct registry *registry = atomic_load(&place->registry);
        if (registry != NULL && registry->process != process &&
            atomic_compare_exchange_strong(&place->registry, &registry, NULL))
            each(registry);
    }
}
