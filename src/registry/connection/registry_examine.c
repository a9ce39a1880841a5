/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the registry's database is intact, and restores missing parts of its schema. */
#include "registry/connection/registry_examine.h"

#include "registry/connection/handle.h"

#include "base/error.h"

sealring_status registry_examine(struct registry *registry, registry_flaw_callback each, void *context,
                                 sealring_error *error)
{
    if (registry->transaction == TRANSACTION_NONE)
        return error_set(error, SEALRING_INVALID, "the registry was to be examined outside of a transaction");
    return handle_problem(registry, registry->db->driver->examine(registry->db, each, context), error);
}

sealring_status registry_complete(struct registry *registry, const char *name, sealring_error *error)
{
    if (registry->transaction != TRANSACTION_WRITE)
        return error_set(error, SEALRING_INVALID, "the registry was asked for a change in a reading transaction");
    return handle_problem(registry, registry->db->driver->complete(registry->db, name), error);
}
