/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and facts that no checkpoint covers and the operator's side did not write: adopted, refused, or confirmed by an operator. */
#include "manage/act/foreign_tail.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "manage/session/unsigned_notes.h"

void tail_note(sealring_manager *manager, const char *format, ...)
{
    char *notice = manager->witness.notice;
    size_t used = strlen(notice);
    va_list arguments;
    va_start(arguments, format);
    if (used > 0 && used + 2 < sizeof manager->witness.notice)
        used += (size_t)sprintf(notice + used, "; ");
    (void)vsnprintf(notice + used, sizeof manager->witness.notice - used, format, arguments);
    va_end(arguments);
}

/* ---- taking over another history ---- */

sealring_status tail_note_era(sealring_manager *manager, const uint8_t era[REGISTRY_ID_SIZE], sealring_error *error)
{
    struct own_note note;
    sealring_status status = manager_accept(manager, era, &note, error);
    if (status == SEALRING_OK && witness_configured(manager->config))
        status = unsigned_add(manager->config, &note, true, error);
    return status;
}

sealring_status tail_take_over(sealring_manager *manager, sealring_error *error)
{
    struct audit_act act = {.name = "audit.take-over"};
    tail_note(manager,
              "the registry %s taken over, and continues in a new era: the audit token knew of entry %" PRIu64
              " of another log; find out what is missing",
              manager->dry_run ? "would be" : "was", manager->witness.anchor.size);
    if (manager->dry_run)
        return SEALRING_OK;
    sealring_status status = witness_limit_keys(manager->config, manager->registry, error);
    if (status == SEALRING_OK)
        status = witness_announce(&manager->witness, manager->config, manager->registry, error);
    if (status == SEALRING_OK)
        status = tail_note_era(manager, manager->witness.take_over.era, error);
    if (status != SEALRING_OK)
        return status;
    manager->gives_up = true;
    struct commit commit = manager_commit(manager, true, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = witness_take_over(&manager->witness, manager->registry, manager->take_over, &act, error);
    } while (commit_again(&commit, &status));
    manager->gives_up = false;
    manager->facts = (struct fact_tail){.count = 0};
    manager->entries = (struct entry_tail){.size = 0};
    audit_release(&act);
    return status;
}

/* ---- confirming ---- */

static void describe(const sealring_manager *manager, struct audit_act *act)
{
    const struct checkpoint *covered = &manager->covered;
    audit_detail(act, "{s:I, s:I, s:I, s:I}", "facts_signed", (json_int_t)covered->closed_count, "facts",
                 (json_int_t)manager->facts.count, "entries_signed", (json_int_t)covered->size, "entries",
                 (json_int_t)manager->entries.size);
}

/* Also for a later process, if this one is killed or the audit token is away. */
static sealring_status confirm(sealring_manager *manager, sealring_error *error)
{
    const struct fact_tail *facts = &manager->facts;
    const struct entry_tail *entries = &manager->entries;
    struct audit_act act = {.name = "audit.confirm"};
    struct own_note note;
    const uint64_t count = entries->others > 0 ? entries->others : facts->others;
    char first[sizeof facts->other + sizeof entries->other];
    snprintf(first, sizeof first, "%s", entries->others > 0 ? entries->other : facts->other);
    describe(manager, &act);
    audit_detail_add(&act, "first", json_string(first));
    audit_detail_add(&act, "reason", json_string(manager->take_over));
    sealring_status status = manager_accept(manager, NULL, &note, error);
    if (status == SEALRING_OK && !manager->dry_run)
        status = unsigned_add(manager->config, &note, true, error);
    if (status == SEALRING_OK)
        status = manager_check_facts(manager, true, error);
    if (status == SEALRING_OK)
        tail_note(manager, "%s %s confirmed by --take-over (%" PRIu64 " without a signature), and %s signed now", first,
                  manager->dry_run ? "would be" : "was", count, manager->dry_run ? "would be" : "is");
    if (status == SEALRING_OK && !manager->dry_run)
        status = manager_record(manager, &act, error);
    audit_release(&act);
    return status;
}

/* ---- adopting ---- */

static void tell_adopted(sealring_manager *manager, const struct entry_tail *entries, uint64_t facts)
{
    char what[ENTRY_NAMES_SIZE + 32];
    if (entries->restrictions > 0)
        snprintf(what, sizeof what, "%s", entries->restricted);
    else
        snprintf(what, sizeof what, "%" PRIu64, facts);
    snprintf(manager->witness.notice, sizeof manager->witness.notice,
             "the registry has restrictions of API keys without a signature (%s): somebody else wrote them, unless the "
             "power failed; they stay effective, and are signed now: see `sealring audit show`",
             what);
}

/* Restrictions that no checkpoint covers stay effective, whoever wrote them: the next checkpoint covers them. If the process is killed before that,
 * the next one adopts them again. */
static sealring_status adopt(sealring_manager *manager, sealring_error *error)
{
    const struct entry_tail entries = manager->entries;
    const uint64_t facts = manager->facts.restrictions;
    struct audit_act act = {.name = "audit.adopt"};
    struct own_note note;
    if (manager->dry_run || manager->witness.remark[0] != '\0') /* it is still away */
        return SEALRING_OK;
    describe(manager, &act);
    audit_detail_add(&act, "restrictions",
                     json_integer((json_int_t)(facts > entries.restrictions ? facts : entries.restrictions)));
    if (entries.restrictions > 0)
        audit_detail_add(&act, "adopted", json_string(entries.restricted));
    sealring_status status = manager_accept(manager, NULL, &note, error);
    if (status == SEALRING_OK)
        status = manager_record(manager, &act, error);
    audit_release(&act);
    if (status == SEALRING_OK)
        tell_adopted(manager, &entries, facts);
    return status;
}

/* ---- checking ---- */

sealring_status tail_check(sealring_manager *manager, bool *takes_over, sealring_error *error)
{
    bool loses;
    if (manager->upgrades)
        return SEALRING_OK;
    sealring_error refusal = {.message = ""};
    sealring_status status = manager_check_facts(manager, true, &refusal);
    const bool accepts = status != SEALRING_OK && manager->take_over != NULL && manager_can_accept(manager, &loses);
    if (status != SEALRING_OK && !accepts) {
        if (error != NULL)
            *error = refusal;
        return status;
    }
    *takes_over = *takes_over || (accepts && loses);
    if (*takes_over)
        return SEALRING_OK;
    if (accepts)
        return confirm(manager, error);
    const bool adopts = manager->facts.restrictions > 0 || manager->entries.restrictions > 0;
    return adopts ? adopt(manager, error) : SEALRING_OK;
}
