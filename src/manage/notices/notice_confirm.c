/* SPDX-License-Identifier: Apache-2.0 */
/* What a row of the outbox is about, derived again from the log, the facts and the token. */
#include "manage/notices/notice_confirm.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/secret.h"
#include "lifecycle/transition_table.h"
#include "manage/keys/seal.h"
#include "manage/notices/notice_events.h"
#include "registry/rows/closed_facts.h"
#include "registry/usage/usage_rows.h"

#define USED_LATELY (INT64_C(7) * 86400000)

/* ---- Is it still so? By facts ---------------------------------------------------------------------------------------------- */

static bool is_due(int64_t end, int64_t threshold, int64_t now)
{
    return end > 0 && end - threshold <= now;
}

/* Of an event about a version. */
static bool version_fits(const struct registry_notice *row, const struct registry_version *version, int64_t now)
{
    switch ((sealring_notice_event)row->event) {
    case SEALRING_NOTICE_SUCCESSOR:
    case SEALRING_NOTICE_ROLLED_BACK:
        return version->state == SEALRING_VERSION_ACTIVE;
    case SEALRING_NOTICE_CLOSING:
    case SEALRING_NOTICE_OLD:
        return version->state == SEALRING_VERSION_RETIRING && row->at == version->retire_at - row->threshold &&
               is_due(version->retire_at, row->threshold, now);
    case SEALRING_NOTICE_EMERGENCY:
        return version->was_compromised;
    default:
        return true;
    }
}

static sealring_status was_used(struct registry *registry, const struct registry_holder *holder, uint32_t version,
                                int64_t now, bool *used, sealring_error *error)
{
    struct registry_usage use;
    struct registry_cursor hours =
        registry_usage_of_key(registry, holder->key.id, false, now - USED_LATELY, INT64_MAX, error);
    *used = false;
    while (registry_usage_next(&hours, &use))
        *used = *used || (use.version == version && use.accepted > 0);
    return registry_close_cursor(&hours, SEALRING_OK);
}

/* Whether the event concerns an API key with this newest credential. */
static sealring_status holder_fits(struct registry *registry, const struct registry_notice *row,
                                   struct registry_holder *holder, int64_t now, bool *fits, sealring_error *error)
{
    const struct registry_credential *credential = &holder->credential;
    const bool revoked = holder->key.state == SEALRING_KEY_REVOKED;
    bool differs = false;
    sealring_status status = revoked ? SEALRING_OK : registry_key_follow(registry, &holder->key, &differs, error);
    *fits = !revoked;
    switch ((sealring_notice_event)row->event) {
    case SEALRING_NOTICE_SUCCESSOR:
    case SEALRING_NOTICE_ROLLED_BACK:
        *fits = *fits && credential->version != row->version;
        break;
    case SEALRING_NOTICE_CLOSING:
    case SEALRING_NOTICE_EMERGENCY:
        *fits = *fits && credential->version == row->version;
        break;
    case SEALRING_NOTICE_OLD:
        if (status == SEALRING_OK && *fits && credential->version != row->version)
            status = was_used(registry, holder, row->version, now, fits, error);
        else
            *fits = false;
        break;
    case SEALRING_NOTICE_EXPIRING:
    case SEALRING_NOTICE_EXPIRED:
        *fits = *fits && credential->serial == row->serial && row->at == credential->expires - row->threshold &&
                is_due(credential->expires, row->threshold, now);
        break;
    case SEALRING_NOTICE_REVOKED:
        *fits = revoked;
        break;
    case SEALRING_NOTICE_CONTESTED:
        *fits = *fits && registry_key_is_contested(&holder->key);
        break;
    }
    return status;
}

static sealring_status read_holders(struct registry *registry, const struct registry_notice *row, const char *client,
                                    int64_t now, size_t room, struct notice_subject *subject, sealring_error *error)
{
    const struct registry_holder_filter filter = {
        .key_id = row->key_id[0] != '\0' ? row->key_id : NULL, .ring = subject->ring.name, .client = client};
    struct registry_holder *holder = malloc(sizeof *holder);
    sealring_status status = SEALRING_OK;
    if (holder == NULL)
        return error_no_memory(error);
    struct registry_cursor holders = registry_holders(registry, &filter, error);
    while (status == SEALRING_OK && registry_holder_next(&holders, holder)) {
        bool fits = false;
        status = holder_fits(registry, row, holder, now, &fits, error);
        if (status != SEALRING_OK || !fits)
            continue;
        subject->total++;
        if (subject->count == room)
            continue;
        if (array_grow(&subject->holders, subject->count))
            subject->holders[subject->count++] = *holder;
        else
            status = error_no_memory(error);
    }
    status = registry_close_cursor(&holders, status);
    free(holder);
    return status;
}

/* Ring and version, as the facts have them. */
static sealring_status read_place(struct registry *registry, const struct registry_notice *row,
                                  struct notice_subject *subject, bool *found, sealring_error *error)
{
    char name[SEALRING_NAME_LENGTH_MAX + 1];
    sealring_status status = registry_notice_ring(registry, row->ring, name, found, error);
    if (status == SEALRING_OK && *found)
        status = registry_ring_find(registry, name, &subject->ring, found, error);
    *found = *found && !subject->ring.unfounded;
    if (status != SEALRING_OK || !*found || row->version == 0)
        return status;
    status = registry_version_find(registry, row->ring, row->version, &subject->version, found, error);
    *found = *found && !subject->version.unfounded;
    return status;
}

sealring_status notice_derive_subject(sealring_manager *manager, const struct registry_notice *row, const char *client,
                                      int64_t now, size_t room, struct notice_subject *subject,
                                      enum notice_truth *truth, sealring_error *error)
{
    bool found = false;
    *subject = (struct notice_subject){.count = 0};
    *truth = NOTICE_FALSE;
    sealring_status status = read_place(manager->registry, row, subject, &found, error);
    if (status != SEALRING_OK || !found)
        return status;
    if (row->entry != 0)
        status = notice_check_entry(manager, row, subject->ring.name, client, truth, error);
    else if (notice_is_reminder((sealring_notice_event)row->event, row->threshold))
        *truth = NOTICE_TRUE;
    if (status != SEALRING_OK || *truth != NOTICE_TRUE)
        return status;
    *truth = NOTICE_PAST;
    if (!version_fits(row, &subject->version, now))
        return SEALRING_OK;
    status = read_holders(manager->registry, row, client, now, room, subject, error);
    if (status == SEALRING_OK && subject->total > 0)
        *truth = NOTICE_TRUE;
    return status;
}

/* ---- Is the API key the client's? By the token ------------------------------------------------------------------------- */

static int64_t accepted_until(const struct registry_holder *holder)
{
    const struct registry_credential *credential = &holder->credential;
    int64_t until = credential->expires;
    int64_t retires = holder->version.state == SEALRING_VERSION_RETIRING ? holder->version.retire_at : 0;
    if (holder->key.state == SEALRING_KEY_REVOKED || !lifecycle_accepts(holder->version.state))
        return 0;
    if (retires > 0 && (until == 0 || retires < until))
        until = retires;
    return until;
}

/* *confirmed: the claims contain client, ring and label. A revoked key needs none, as the signed entry names both; with a version that no longer signs
 * nothing can be confirmed. */
static sealring_status confirm_holder(sealring_manager *manager, const struct registry_vault *vault,
                                      const struct registry_holder *holder, bool *confirmed, sealring_error *error)
{
    char text[SEAL_TEXT_SIZE];
    enum seal_doubt doubt = SEAL_CERTAIN;
    *confirmed = false;
    sealring_status status = seal_confirm(manager, vault, holder, text, confirmed, &doubt, error);
    secret_wipe(text, sizeof text);
    return status;
}

static void write_notice(struct notice *notice, const struct registry_notice *row, const struct notice_subject *subject,
                         const struct registry_holder *holder, bool labelled)
{
    *notice = (struct notice){.event = (sealring_notice_event)row->event, .version = row->version, .at = row->at};
    memcpy(notice->ring, subject->ring.name, sizeof notice->ring);
    if (holder == NULL)
        return;
    const char *label =
        holder->key.relabelled || holder->credential.label[0] == '\0' ? holder->key.label : holder->credential.label;
    memcpy(notice->key_id, holder->key.key_id, sizeof notice->key_id);
    if (labelled)
        memcpy(notice->label, label, strlen(label) + 1);
    if (notice->version == 0)
        notice->version = holder->credential.version;
    notice->until = accepted_until(holder);
}

sealring_status notice_confirm(sealring_manager *manager, const struct registry_vault *vault,
                               const struct registry_notice *row, const struct notice_subject *subject,
                               struct notice *notices, size_t *count, size_t *refused, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    bool opaque = false; /* a key whose claims cannot be confirmed: the event alone is reported */
    *count = 0;
    for (size_t i = 0; status == SEALRING_OK && i < subject->count; i++) {
        const struct registry_holder *holder = &subject->holders[i];
        bool by_entry = row->entry != 0 && row->key_id[0] != '\0';
        bool derives = lifecycle_accepts(holder->version.state);
        bool confirmed = false;
        if (derives)
            status = confirm_holder(manager, vault, holder, &confirmed, error);
        if (confirmed || (by_entry && !derives))
            write_notice(&notices[(*count)++], row, subject, holder, confirmed);
        else if (derives)
            (*refused)++;
        else
            opaque = true;
    }
    if (status == SEALRING_OK && *count == 0 && opaque)
        write_notice(&notices[(*count)++], row, subject, NULL, false);
    return status;
}
