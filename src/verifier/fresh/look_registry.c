/* SPDX-License-Identifier: Apache-2.0 */
/* A poll's first step: the file of the registry, and the vault's row in it. */
#include "verifier/fresh/look_registry.h"

#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "registry/rows/rows.h"

static void close_looker(struct verifier *verifier)
{
    fork_guard_enter();
    registry_close(verifier->looker);
    verifier->looker = NULL; /* inside the guard, so that a child does not close it again */
    fork_guard_leave();
}

static sealring_status open_looker(struct verifier *verifier, sealring_error *error)
{
    if (verifier->looker != NULL)
        return SEALRING_OK;
    fork_guard_enter();
    sealring_status status =
        registry_open(verifier->setup.registry, NULL, REGISTRY_READ_ONLY, &verifier->looker, error);
    if (status == SEALRING_OK)
        registry_trust_key(verifier->looker, verifier->setup.audit_key);
    fork_guard_leave();
    return status;
}

/* With a connection that was just opened its numbers begin again. */
static sealring_status count_commits(struct look *look, bool opened, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    int64_t number;
    sealring_status status = registry_look_commits(verifier->looker, &number, error);
    if (opened || number == REGISTRY_COMMITS_UNKNOWN || number != verifier->commit_number)
        verifier->commits++;
    verifier->commit_number = number;
    look->unchanged = verifier->polled == verifier->commits;
    return status;
}

/* *replaced is also true if there was no connection to compare with: at the first poll, and after a file that could not be used. */
static sealring_status read_vault_row(struct look *look, bool *replaced, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    bool opened = verifier->looker == NULL;
    sealring_status status = open_looker(verifier, error);
    if (status != SEALRING_OK)
        return status;
    fork_guard_enter();
    status = count_commits(look, opened, error);
    if (status == SEALRING_OK && look->unchanged)
        look->vault = *registry_vault_row(verifier->looker);
    else if (status == SEALRING_OK)
        status = registry_look_vault(verifier->looker, &look->vault, replaced, error);
    fork_guard_leave();
    if (status == SEALRING_OK && !*replaced && opened) {
        connections_renew(verifier->connections);
        *replaced = true;
        look->read = true;
    }
    return status;
}

sealring_status look_registry(struct look *look, bool *replaced, sealring_error *error)
{
    struct verifier *verifier = look->verifier;
    *replaced = false;
    sealring_status status = read_vault_row(look, replaced, error);
    if (status == SEALRING_OK && *replaced && !look->read) {
        bool again;
        close_looker(verifier);
        status = read_vault_row(look, &again, error);
        if (status == SEALRING_OK && !look->read)
            status = error_set(error, SEALRING_REGISTRY, "the registry %s is being replaced", verifier->setup.registry);
    }
    if (status != SEALRING_OK)
        return status;
    if (verifier->joined && memcmp(verifier->vault_id, look->vault.vault_id, sizeof verifier->vault_id) != 0) {
        atomic_store(&verifier->serve_until, 0);
        close_looker(verifier);
        messages_add(verifier->messages, SEALRING_LOG_ALARM,
                     "ALARM: the registry %s is another vault's: nothing is accepted until this vault's is back",
                     verifier->setup.registry);
        return error_set(error, SEALRING_REGISTRY, "the registry %s is another vault's: put this vault's back",
                         verifier->setup.registry);
    }
    return SEALRING_OK;
}
