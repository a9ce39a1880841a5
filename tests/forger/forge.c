/* SPDX-License-Identifier: Apache-2.0 */
/* Acts that sealring's own code carries out on a copy of the vault that names no audit token. */
#include "forger/forge.h"

#include <openssl/rand.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forger/files.h"
#include "log/log_entry.h"
#include "registry/rows/rows.h"

static const struct world *from;
static sealring_manager *manager;
static sealring_error error;

static int ignore(const sealring_issued *issued, void *context)
{
    (void)issued;
    (void)context;
    return 0;
}

static sealring_status version(const char *ring, sealring_event event, uint32_t number)
{
    sealring_event_options options = {
        .size = sizeof options, .reason = "forged", .overrule = true, .overrule_succession = true};
    return sealring_version_change(manager, ring, event, number, &options, NULL, &error);
}

static sealring_status key_state(const char *label, sealring_key_state state)
{
    return sealring_key_set_state(manager, world_key(from, label), state, "forged", &error);
}

static sealring_status forge_resume(void)
{
    return key_state("suspended", SEALRING_KEY_ACTIVE);
}

/* No act of the manager does this alone: its parts do. */
static sealring_status widen_row(struct registry *registry, const struct registry_write *how)
{
    struct registry_key key;
    struct audit_act act = {.name = "key.rekey"};
    struct audit_rows rows;
    bool found;
    sealring_status status = registry_key_find(registry, world_key(from, "narrowed"), &key, &found, &error);
    if (status != SEALRING_OK)
        return status;
    snprintf(act.key_id, sizeof act.key_id, "%s", key.key_id);
    key.narrowed = false;
    key.narrowed_scopes[0] = '\0';
    audit_rows_begin(&rows, registry);
    status = registry_key_set_narrowing(registry, &key, &error);
    audit_rows_end(&rows, registry, &act);
    if (status == SEALRING_OK)
        status = audit_append(registry, how->operation_id, from->made, "mallory@host 1", &act, &error);
    audit_release(&act);
    return status;
}

/* Who has no token cannot derive the new credential, but can end the older one, with the fact and the row. */
static sealring_status rekey_rows(struct registry *registry, const struct registry_write *how)
{
    struct registry_key key;
    struct registry_credential credential;
    struct audit_act act = {.name = "key.rekey", .version = 2};
    struct audit_rows rows;
    bool found;
    sealring_status status = registry_key_find(registry, world_key(from, "mallory"), &key, &found, &error);
    if (status == SEALRING_OK)
        status = registry_credential_find(registry, key.id, 1, &credential, &found, &error);
    if (status != SEALRING_OK)
        return status;
    snprintf(act.ring, sizeof act.ring, "payments");
    snprintf(act.client, sizeof act.client, "mallory");
    snprintf(act.key_id, sizeof act.key_id, "%s", key.key_id);
    audit_detail(&act, "{s:I, s:s, s:s, s:I, s:I, s:n}", "serial", (json_int_t)KEY_ENDS_STEP + 1, "scopes_before",
                 "read", "scopes_after", "read", "expires", (json_int_t)0, "older_end", (json_int_t)from->made,
                 "narrowed_before");
    audit_rows_begin(&rows, registry);
    (void)ends_add(&key.ends, KEY_ENDS_STEP, from->made, from->made);
    credential.serial = key.last_serial = KEY_ENDS_STEP + 1;
    (void)RAND_bytes(credential.digest, sizeof credential.digest);
    (void)RAND_bytes(credential.nonce, sizeof credential.nonce);
    if (status == SEALRING_OK)
        status = registry_credential_insert(registry, &credential, &error);
    if (status == SEALRING_OK)
        status = registry_key_set_serial(registry, &key, &error);
    audit_rows_end(&rows, registry, &act);
    if (status == SEALRING_OK)
        status = audit_append(registry, how->operation_id, from->made, "operator@host 1", &act, &error);
    audit_release(&act);
    return status;
}

static sealring_status write_rows(sealring_status (*write)(struct registry *, const struct registry_write *))
{
    char path[2 * WORLD_PATH], lock[2 * WORLD_PATH];
    struct registry *registry = NULL;
    struct registry_write how = {.schema = REGISTRY_SCHEMA_EXACT};
    (void)RAND_bytes(how.operation_id, sizeof how.operation_id);
    snprintf(path, sizeof path, "%s/registry/sealring.db", from->away);
    snprintf(lock, sizeof lock, "%s/vault.lock", from->away);
    sealring_status status = registry_open(path, lock, REGISTRY_READ_WRITE, &registry, &error);
    if (status == SEALRING_OK)
        status = registry_lock(registry, 10000, "forger", &error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction writing = registry_writing(registry, &how, &error);
    do {
        if (registry_begin(&writing, &status))
            status = write(registry, &how);
    } while (registry_again(&writing, &status));
    registry_close(registry);
    return status;
}

static sealring_status forge_widen(void)
{
    return write_rows(widen_row);
}

static sealring_status forge_reinstate(void)
{
    return version("payments", SEALRING_EVENT_REINSTATE, 1);
}

static sealring_status forge_retire(void)
{
    return version("payments", SEALRING_EVENT_RETIRE, 2);
}

static sealring_status forge_destroy(void)
{
    return version("payments", SEALRING_EVENT_DESTROY, 1);
}

static sealring_status forge_both(void)
{
    sealring_status status = forge_retire();
    return status != SEALRING_OK ? status : version("payments", SEALRING_EVENT_DESTROY, 2);
}

static sealring_status forge_compromise(void)
{
    return version("payments", SEALRING_EVENT_COMPROMISE, 2);
}

static sealring_status forge_activate(void)
{
    return version("payments", SEALRING_EVENT_ACTIVATE, 4);
}

static sealring_status forge_version(void)
{
    return version("staging", SEALRING_EVENT_ROTATE, 0);
}

static sealring_status forge_rollback(void)
{
    return version("payments", SEALRING_EVENT_ROLLBACK, 0);
}

static sealring_status forge_policy(void)
{
    sealring_policy policy = {.overlap = 1000, .quiet_period = 1000, .keep = 1, .succession = SEALRING_SUCCESSION_OFF};
    return sealring_ring_set(manager, "payments", &policy,
                             SEALRING_POLICY_OVERLAP | SEALRING_POLICY_QUIET_PERIOD | SEALRING_POLICY_KEEP |
                                 SEALRING_POLICY_PURGE_DELAY | SEALRING_POLICY_SUCCESSION,
                             &error);
}

static sealring_status forge_ring(void)
{
    return sealring_ring_create(manager, "forged", "acme_forged", NULL, 0, &error);
}

static sealring_status forge_suspend(void)
{
    return key_state("full", SEALRING_KEY_SUSPENDED);
}

static sealring_status forge_revoke(void)
{
    return key_state("full", SEALRING_KEY_REVOKED);
}

static sealring_status forge_narrow(void)
{
    return sealring_key_narrow(manager, world_key(from, "full"), "read", &error);
}

static sealring_status forge_label(void)
{
    return sealring_key_set_label(manager, world_key(from, "mallory"), "forged", &error);
}

static sealring_status forge_issue(void)
{
    sealring_issue_request request = {.client = "mallory", .label = "forged", .scopes = "read write"};
    return sealring_issue(manager, "payments", &request, 1, 0, ignore, NULL, NULL, &error);
}

static sealring_status forge_rekey(void)
{
    return write_rows(rekey_rows);
}

static sealring_status forge_client(void)
{
    return sealring_client_add(manager, "forged", NULL, &error);
}

static sealring_status (*const acts[])(void) = {
    forge_resume,   forge_widen,   forge_reinstate, forge_retire, forge_destroy, forge_both,    forge_compromise,
    forge_activate, forge_version, forge_rollback,  forge_policy, forge_ring,    forge_suspend, forge_revoke,
    forge_narrow,   forge_label,   forge_issue,     forge_rekey,  forge_client};
const char *const forge_names[] = {
    "resume",     "widen",    "reinstate",     "retire",   "destroy", "retire and destroy",
    "compromise", "activate", "a new version", "rollback", "policy",  "a new ring",
    "suspend",    "revoke",   "narrow",        "relabel",  "issue",   "rekey",
    "a client"};
const size_t forge_count = sizeof acts / sizeof *acts;

const char *forge(const struct world *world, size_t number)
{
    int status;
    char path[2 * WORLD_PATH];
    const char *forged = sqlite3_mprintf("%s/forged-%d.db", world->directory, (int)number);
    world_copy_away(world);
    snprintf(path, sizeof path, "%s/registry/sealring.db", world->away);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        from = world;
        world_enter(world->away);
        MUST(sealring_manager_open(world->away, NULL, &manager, &error), error);
        MUST(acts[number](), error);
        sealring_manager_close(&manager);
        files_copy_registry(path, forged);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        world_fail(forge_names[number], "cannot be forged");
    return forged;
}
