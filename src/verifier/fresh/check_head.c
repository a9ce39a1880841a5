/* SPDX-License-Identifier: Apache-2.0 */
/* Before a verifier joins: whether the registry still has the facts that verifiers applied and checkpoints cover. */
#include "verifier/fresh/check_head.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "log/key_change.h"
#include "log/signed_time.h"
#include "registry/connection/ended_eras.h"
#include "registry/connection/registry.h"
#include "registry/log/log_rows.h"
#include "registry/rows/closed_facts.h"
#include "verifier/report/report.h"

/* The highest of the reports of one era. */
struct head {
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t count;
    uint8_t hash[REGISTRY_DIGEST_SIZE];
};

struct heads {
    const char *registry; /* path */
    const struct registry_vault *vault;
    struct head own;  /* of the registry's era; count 0: there is none */
    uint64_t foreign; /* facts that a verifier of another era reported */
};

/* A report that cannot be read proves nothing, and is reported by `sealring doctor`. */
static sealring_status take_report(const char *path, void *context)
{
    struct heads *heads = context;
    struct report_reader *reader = NULL;
    struct report_summary summary = {.look = {.has_closed = false}};
    sealring_status status = report_read_open(path, &reader, NULL);
    if (status == SEALRING_OK)
        status = report_read_summary(reader, &summary, NULL);
    report_read_close(reader);
    const struct report_look *look = &summary.look;
    if (status != SEALRING_OK || !look->has_closed || look->closed_count == 0 ||
        memcmp(summary.vault_id, heads->vault->vault_id, sizeof summary.vault_id) != 0)
        return SEALRING_OK;
    if (memcmp(look->era, heads->vault->era, sizeof look->era) != 0) {
        heads->foreign = look->closed_count;
    } else if (look->closed_count > heads->own.count) {
        heads->own.count = look->closed_count;
        memcpy(heads->own.hash, look->closed_hash, sizeof heads->own.hash);
    }
    return SEALRING_OK;
}

static sealring_status has_facts(struct registry *registry, uint64_t count, const uint8_t wanted[REGISTRY_DIGEST_SIZE],
                                 bool *has, sealring_error *error)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    sealring_status status = registry_closed_find(registry, count, hash, has, error);
    *has = *has && memcmp(hash, wanted, sizeof hash) == 0;
    return status;
}

static sealring_status compare(struct registry *registry, const struct heads *heads, sealring_error *error)
{
    struct checkpoint newest;
    struct audit_keys keys;
    bool forged, applied = true, covered = true, signs = false;
    sealring_status status = signed_newest(registry, NULL, &newest, &forged, error);
    if (status == SEALRING_OK)
        status = audit_keys_find(registry, &keys, &signs, error);
    if (status == SEALRING_OK && newest.size > 0)
        status = has_facts(registry, newest.closed_count, newest.closed.bytes, &covered, error);
    if (status == SEALRING_OK && heads->own.count > 0)
        status = has_facts(registry, heads->own.count, heads->own.hash, &applied, error);
    if (status != SEALRING_OK)
        return status;
    if (!covered || !applied)
        return error_set_registry(
            error, 0,
            "ALARM: the registry %s was rolled back or altered: it has not the %" PRIu64
            " facts that %s; nothing is verified with it: bring the newest registry back, and see "
            "`sealring audit verify`",
            heads->registry, covered ? heads->own.count : newest.closed_count,
            covered ? "verifiers have applied" : "a signed checkpoint covers");
    if (keys.count > 1 && !newest.newest)
        return error_set_registry(
            error, 0,
            "ALARM: the registry %s was rolled back to before the change of its audit key, or altered: the key that signs now has not signed its "
            "newest checkpoint; nothing is verified with it: bring the newest registry back; if it was restored, run any "
            "command with the audit token",
            heads->registry);
    bool era_signed = newest.size > 0 && memcmp(newest.era, heads->vault->era, sizeof newest.era) == 0;
    if (signs && heads->foreign > 0 && !era_signed)
        return error_set_registry(
            error, 0,
            "ALARM: the registry %s is of another era than the one that verifiers reported, and no "
            "signed checkpoint confirms that: nothing is verified with it: if it was restored, "
            "run any command with the audit token",
            heads->registry);
    return SEALRING_OK;
}

static sealring_status check_era(const struct verifier_setup *setup, const struct registry_vault *vault,
                                 sealring_error *error)
{
    bool ended = false;
    sealring_status status = setup->eras != NULL ? era_has_ended(setup->eras, vault->era, &ended, error) : SEALRING_OK;
    return status != SEALRING_OK || !ended
               ? status
               : error_set_registry(error, 0,
                                    "ALARM: the registry %s is an older copy: a restore or a take-over has ended its "
                                    "era; nothing is verified with it: bring the newest registry back",
                                    setup->registry);
}

sealring_status head_check(struct registry *registry, const struct verifier_setup *setup, sealring_error *error)
{
    struct registry_vault vault;
    bool replaced;
    sealring_status status;
    fork_guard_enter();
    status = registry_look_vault(registry, &vault, &replaced, error);
    fork_guard_leave();
    if (status != SEALRING_OK || replaced)
        return status;
    struct heads heads = {.registry = setup->registry, .vault = &vault};
    status = check_era(setup, &vault, error);
    /* the reports are read first: what they contain was in the registry then */
    if (status == SEALRING_OK)
        status = report_each_path(setup->reports, take_report, &heads, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(registry, error);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status)) {
            bool same = memcmp(registry_vault_row(registry)->era, vault.era, sizeof vault.era) == 0;
            status = same ? compare(registry, &heads, error)
                          : error_set_registry(error, 0, "the registry %s is being restored", setup->registry);
        }
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    return status;
}
