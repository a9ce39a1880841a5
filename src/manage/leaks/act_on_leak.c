/* SPDX-License-Identifier: Apache-2.0 */
/* What a proved leak has as a consequence: the ring's policy, and an entry of the audit log. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "manage/act/act.h"
#include "manage/keys/keys.h"
#include "manage/leaks/leak_batch.h"

/* ---- what others wrote */

static int hide_secret(const char *credential, size_t length, void *context)
{
    const size_t secret = 49; /* and check digits */
    (void)context;
    memset((char *)credential + length - secret, '*', secret); /* within the text of clean, which is not constant */
    return 0;
}

/* One line of at most `most` bytes that can be shown: an address may contain the credential itself. */
static void clean(const char *text, size_t most, char line[SEALRING_LEAK_URL_MAX + 1])
{
    const size_t length = text != NULL ? strnlen(text, most + 1) : 0;
    memcpy(line, length > 0 ? text : "", length > most ? most : length);
    line[length > most ? utf8_cut(line, most) : length] = '\0';
    utf8_replace_controls(line);
    sealring_find_credentials(line, strlen(line), hide_secret, NULL);
}

/* ---- the policy */

static int pass_over(const sealring_issued *issued, void *context)
{
    (void)issued, (void)context; /* sealring_reissue hands it out */
    return 0;
}

static sealring_status suspend(sealring_manager *manager, struct leak_item *item, const char *reason,
                               sealring_error *error)
{
    if (item->holder.key.state == SEALRING_KEY_SUSPENDED)
        return SEALRING_OK;
    sealring_status status = sealring_key_set_state(manager, item->leak->key_id, SEALRING_KEY_SUSPENDED, reason, error);
    if (status == SEALRING_OK)
        item->leak->result = SEALRING_LEAK_SUSPENDED;
    return status;
}

/* It takes something away in any case: without a new credential, all of them. */
static sealring_status rekey(sealring_manager *manager, struct leak_item *item, const char *reason,
                             sealring_error *error)
{
    const sealring_rekey_request request = {.size = sizeof request, .reason = reason};
    if (sealring_rekey(manager, item->leak->key_id, &request, pass_over, NULL, error) != SEALRING_OK)
        return suspend(manager, item, reason, error);
    item->leak->result = SEALRING_LEAK_REKEYED;
    return SEALRING_OK;
}

static sealring_status carry_out(sealring_manager *manager, struct leak_item *item, const char *url,
                                 sealring_error *error)
{
    char reason[200];
    int length = snprintf(reason, sizeof reason, "reported leak%s%s", url[0] != '\0' ? ": " : "", url);
    if ((size_t)length >= sizeof reason)
        reason[utf8_cut(reason, sizeof reason - 1)] = '\0';
    item->leak->result = SEALRING_LEAK_ALARMED;
    switch (item->leak->policy) {
    case SEALRING_LEAKS_SUSPEND:
        return suspend(manager, item, reason, error);
    case SEALRING_LEAKS_REKEY:
        return rekey(manager, item, reason, error);
    default:
        return SEALRING_OK;
    }
}

/* ---- the entry */

/* Two reports at once: the second one finds the entry of the first. */
static sealring_status write_entry(struct registry *registry, struct leak_item *item, bool *recorded,
                                   sealring_error *error)
{
    sealring_status status = leak_is_recorded(registry, item->leak->key_id, item->leak->serial, recorded, error);
    return status == SEALRING_OK && *recorded ? error_set(error, SEALRING_REFUSED, "it was recorded meanwhile")
                                              : status;
}

static sealring_status record(sealring_manager *manager, struct leak_item *item, const char *url, sealring_error *error)
{
    char source[SEALRING_LEAK_URL_MAX + 1];
    struct audit_act act = {.name = "key.leak", .version = item->leak->version};
    bool recorded = false;
    sealring_status status = manager_begin(manager, "leaks", false, error);
    if (status != SEALRING_OK)
        return status;
    clean(item->leak->source, SEALRING_LEAK_SOURCE_MAX, source);
    key_record(&act, &item->holder);
    audit_detail(&act, "{s:I, s:s, s:s, s:s, s:s}", "serial", (json_int_t)item->leak->serial, "policy",
                 sealring_leaks_mode_name(item->leak->policy), "done",
                 item->leak->result == SEALRING_LEAK_ALARMED ? "nothing"
                                                             : sealring_leak_result_name(item->leak->result),
                 "url", url, "source", source);
    struct commit commit = manager_commit(manager, false, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = write_entry(manager->registry, item, &recorded, error);
    } while (commit_again(&commit, &status));
    manager_end(manager);
    audit_release(&act);
    return recorded ? SEALRING_OK : status;
}

/* The restriction comes first: what is not recorded after it is reported again. */
void leak_act(struct leak_batch *batch, struct leak_item *item)
{
    char url[SEALRING_LEAK_URL_MAX + 1];
    sealring_error error = {.message = ""};
    clean(item->leak->url, SEALRING_LEAK_URL_MAX, url);
    sealring_status status = carry_out(batch->manager, item, url, &error);
    if (status == SEALRING_OK)
        status = record(batch->manager, item, url, &error);
    if (status != SEALRING_OK)
        leak_answer(item, SEALRING_LEAK_UNAVAILABLE, "%s", error.message);
}
