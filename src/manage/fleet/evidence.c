/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence for the guards: which verifiers can verify which versions, and who used a version last. */
#include "manage/fleet/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "lifecycle/policy.h"
#include "manage/fleet/contested_holders.h"
#include "manage/fleet/usage_files.h"
#include "registry/usage/usage_rows.h"

#define NAMES_MOST  16   /* that are requested; three are shown, the rest is counted */
#define BEHIND_MOST 1000 /* API keys without a successor that are counted */

struct evidence_users {
    struct lifecycle_user users[NAMES_MOST];
    struct lifecycle_user idle[NAMES_MOST];
    struct lifecycle_user behind[NAMES_MOST];
    struct lifecycle_user contested[NAMES_MOST];
    char names[4 * NAMES_MOST][128];
    size_t name_count;
};

void evidence_release(struct evidence *evidence)
{
    free(evidence->verifiers);
    free(evidence->proved);
    free(evidence->users);
    memset(evidence, 0, sizeof *evidence);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Which of the ring's versions the entry's verifier can verify as they are now. */
static size_t list_proved(const struct roster_entry *entry, const struct ring_state *state, uint32_t *proved)
{
    size_t count = 0;
    for (size_t i = 0; i < state->count; i++) {
        const struct registry_version *row = &state->rows[i];
        if (roster_has_proved(entry, row->ring, row->number, row->fact, row->created_epoch))
            proved[count++] = row->number;
    }
    return count;
}

/* A time in a report that is still in the future is ignored: it proves nothing. */
static int64_t past(const struct roster *roster, int64_t time)
{
    return time > roster->now ? 0 : time;
}

static struct watch_account account_of(const struct roster *roster, const struct roster_entry *entry,
                                       const struct registry_version *version)
{
    struct watch_account account = {
        .joined = past(roster, entry->row.joined),
        .last_report = past(roster, entry->row.last_report),
        .ended = entry->row.ended,
        .hole = entry->row.hole,
        .counted = true,
    };
    if (version == NULL)
        return account;
    const struct roster_version *told = roster_find(entry, version->ring, version->number);
    account.counted = told != NULL || entry->watched.joining || entry->watched.epoch < version->created_epoch;
    account.last_use = told != NULL ? roster_last_use(roster, entry, told) : 0;
    return account;
}

static void take_testimony(const struct roster *roster, const struct ring_state *state,
                           const struct registry_version *version, struct evidence *evidence)
{
    struct lifecycle_evidence *view = &evidence->view;
    uint32_t *proved = evidence->proved;
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        const struct watch_account account = account_of(roster, entry, version);
        if (!roster_is_listed(roster, entry, view->quiet_period)) {
            view->last_use = later(view->last_use, later(account.last_use, account.hole));
            continue;
        }
        struct lifecycle_verifier *verifier = &evidence->verifiers[view->verifier_count++];
        *verifier = (struct lifecycle_verifier){.name = entry->name, .alarm = entry->alarm, .proved = proved};
        verifier->proved_count = list_proved(entry, state, proved);
        proved += state->count;
        watch_testify(&entry->watched, &account, roster->now, roster->boot_ms, roster_lease(roster, entry), verifier);
    }
}

/* Writes the names for the gate's line to `users`. Returns their number. */
static size_t put_names(struct evidence_users *all, const struct registry_usage_names *names,
                        struct lifecycle_user *users)
{
    for (unsigned i = 0; i < names->count; i++) {
        char *text = all->names[all->name_count++];
        snprintf(text, sizeof all->names[0], "%s of %s", names->found[i].key_id, names->found[i].client);
        users[i] = (struct lifecycle_user){.name = text, .last_use = names->found[i].last_use};
    }
    return names->count;
}

static int64_t pending_use(int64_t key, const void *context)
{
    return usage_pending_last_use(context, key);
}

/* The API keys that would have no valid credential left. */
static sealring_status name_behind(struct registry *registry, const struct usage_pending *pending,
                                   const struct registry_version *version, struct evidence *evidence,
                                   sealring_error *error)
{
    struct lifecycle_evidence *view = &evidence->view;
    struct registry_usage_names names;
    const struct usage_behind asked = {.ring = version->ring,
                                       .version = version->number,
                                       .now = view->now,
                                       .since = view->now - view->succession,
                                       .named = NAMES_MOST,
                                       .most = BEHIND_MOST + 1,
                                       .pending = pending != NULL ? pending_use : NULL,
                                       .pending_context = pending};
    unsigned count = 0;
    if (view->succession == 0)
        return SEALRING_OK;
    sealring_status status = usage_behind(registry, &asked, &count, &names, error);
    if (status != SEALRING_OK)
        return status;
    view->behind = evidence->users->behind;
    view->behind_named = put_names(evidence->users, &names, evidence->users->behind);
    view->behind_more = count > BEHIND_MOST;
    view->behind_count = view->behind_more ? BEHIND_MOST : count;
    return SEALRING_OK;
}

static sealring_status name_contested(struct registry *registry, int64_t ring, struct evidence *evidence,
                                      sealring_error *error)
{
    struct contested_holders list = {.count = 0};
    struct evidence_users *all = evidence->users;
    sealring_status status = contested_read(registry, ring, &list, error);
    for (size_t i = 0; status == SEALRING_OK && i < list.count && i < NAMES_MOST; i++) {
        const struct registry_holder *holder = &list.items[i];
        char *text = all->names[all->name_count++];
        snprintf(text, sizeof all->names[0], "%s of %s", holder->key.key_id, holder->client.name);
        all->contested[i] = (struct lifecycle_user){.name = text, .last_use = contested_since(&holder->key)};
        evidence->view.contested_count = i + 1;
    }
    evidence->view.contested = all->contested;
    contested_free(&list);
    return status;
}

/* The API keys that used the version recently, and those that have a credential of it and never called. */
static sealring_status name_users(struct registry *registry, const struct usage_pending *pending,
                                  const struct registry_version *version, struct evidence *evidence,
                                  sealring_error *error)
{
    struct lifecycle_evidence *view = &evidence->view;
    struct evidence_users *all = evidence->users = calloc(1, sizeof *all);
    if (all == NULL)
        return error_no_memory(error);
    struct registry_usage_names users, idle = {.count = 0};
    sealring_status status = usage_users(registry, version->ring, version->number, view->now - view->quiet_period,
                                         NAMES_MOST, &users, error);
    if (status == SEALRING_OK && view->idle_blocks)
        status = usage_idle(registry, version->ring, version->number, NAMES_MOST, &idle, error);
    if (status != SEALRING_OK)
        return status;
    view->users = all->users;
    view->user_count = put_names(all, &users, all->users);
    view->idle = all->idle;
    view->idle_count = put_names(all, &idle, all->idle);
    status = name_contested(registry, version->ring, evidence, error);
    return status == SEALRING_OK ? name_behind(registry, pending, version, evidence, error) : status;
}

bool evidence_unknown(struct evidence *evidence)
{
    evidence_release(evidence);
    evidence->verifiers = calloc(1, sizeof *evidence->verifiers);
    if (evidence->verifiers == NULL)
        return false;
    evidence->verifiers[0].name = "the rows about verifiers and uses cannot be read (see `sealring doctor`)";
    evidence->verifiers[0].alarm = "";
    evidence->view = (struct lifecycle_evidence){
        .now = clock_wall_ms(), .verifiers = evidence->verifiers, .verifier_count = 1, .new_era = true};
    return true;
}

sealring_status evidence_read(struct registry *registry, const sealring_manager *manager,
                              const struct ring_state *state, uint32_t version, struct evidence *evidence,
                              sealring_error *error)
{
    const struct roster *roster = &manager->roster;
    const struct registry_version *row = version == 0 ? NULL : state_find(state, version);
    evidence_release(evidence);
    evidence->verifiers = calloc(roster->count + 1, sizeof *evidence->verifiers);
    evidence->proved = calloc((roster->count + 1) * (state->count + 1), sizeof *evidence->proved);
    if (evidence->verifiers == NULL || evidence->proved == NULL)
        return error_no_memory(error);
    evidence->view = (struct lifecycle_evidence){
        .now = roster->now,
        .verifiers = evidence->verifiers,
        .quiet_period = state->ring.policy.quiet_period,
        .idle_blocks = state->ring.policy.idle_blocks,
        .succession = policy_succession(&state->ring.policy),
        .gap = manager->gap.count > 0 ? manager->gap.remark : NULL,
        .gap_more = manager->gap.count > 0 ? manager->gap.count - 1 : 0,
        .new_era = !roster->vault.era_in_force,
    };
    sealring_status status = SEALRING_OK;
    if (row != NULL)
        status = registry_version_use_get(registry, row->ring, row->number, &evidence->view.last_use, error);
    if (status != SEALRING_OK)
        return status;
    if (evidence->view.last_use > roster->now)
        evidence->view.last_use = roster->now;
    take_testimony(roster, state, row, evidence);
    return row != NULL && row->state == SEALRING_VERSION_RETIRING
               ? name_users(registry, manager->pending, row, evidence, error)
               : SEALRING_OK;
}
