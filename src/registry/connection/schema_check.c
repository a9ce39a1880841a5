/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the registry's schema as a whole, so that nothing is committed under triggers and indexes that somebody else created. */
#include "registry/connection/schema_check.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/foreign_text.h"
#include "registry/connection/handle.h"
#include "registry/connection/vault_row.h"

#define SCHEMA_NAME_SIZE 80

/* Keeps the first difference, but rather one that somebody made than one that is missing. A name may be long, and contain anything. */
static void schema_hear(enum db_flaw flaw, const char *name, const char *words, void *context)
{
    struct registry *registry = context;
    char shown[SCHEMA_NAME_SIZE];
    if (registry->altered[0] != '\0' && (registry->altered_strange || flaw != DB_FLAW_STRANGE))
        return;
    registry->altered_strange = flaw == DB_FLAW_STRANGE;
    (void)outside_escape(name, strnlen(name, sizeof shown), SEALRING_ESCAPE_TERMINAL, shown, sizeof shown);
    snprintf(registry->altered, sizeof registry->altered, "%s %s", shown, words);
}

sealring_status schema_check_reading(struct registry *registry, sealring_error *error)
{
    registry->altered[0] = '\0';
    registry->altered_strange = false;
    return handle_problem(registry, registry->db->driver->compare(registry->db, schema_hear, registry), error);
}

/* A newer sealring's schema cannot be distinguished from an altered one, and is the likelier explanation if the vault's row states one. */
static sealring_status schema_refuse(struct registry *registry, sealring_error *error)
{
    registry->refused_altered = true;
    sealring_status status = vault_row_read(registry, NULL);
    if (status == SEALRING_OK && registry->vault.schema > REGISTRY_SCHEMA)
        return error_set_registry(
            error, 0,
            "the registry %s is newer than this program, and its schema is another (%s): nothing was "
            "changed; install the newer sealring, or run sealring doctor",
            registry->path, registry->altered);
    return error_set_registry(error, 0,
                              "ALARM: somebody altered the schema of the registry %s: %s; nothing was changed: run "
                              "sealring doctor --repair",
                              registry->path, registry->altered);
}

sealring_status schema_check_writing(struct registry *registry, enum registry_schema_need need, sealring_error *error)
{
    registry->refused_altered = false;
    sealring_status status = schema_check_reading(registry, error);
    bool altered = registry->altered[0] != '\0';
    if (status != SEALRING_OK || (!altered && need != REGISTRY_SCHEMA_CORRECTION))
        return status;
    if (altered && need != REGISTRY_SCHEMA_UNTRUSTED)
        return schema_refuse(registry, error);
    enum db_problem problem = registry->db->driver->use_triggers(registry->db, false);
    registry->without_triggers = problem == DB_FINE;
    return handle_problem(registry, problem, error);
}

void schema_check_end(struct registry *registry)
{
    if (registry->without_triggers)
        (void)registry->db->driver->use_triggers(registry->db, true);
    registry->without_triggers = false;
}

bool registry_refused_altered(const struct registry *registry)
{
    return registry->refused_altered;
}

const char *registry_altered(const struct registry *registry)
{
    return registry->altered;
}

const char *registry_corrected(const struct registry *registry)
{
    return registry->corrected;
}
