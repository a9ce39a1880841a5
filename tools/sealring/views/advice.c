/* SPDX-License-Identifier: Apache-2.0 */
/* What a person should do next about a ring, as sentences with the command to type. */
#include "tools/sealring/views/advice.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/sealring/terminal/moment.h"

struct advice {
    json_t *sentences;
    const struct plans *plans; /* shown beside the advice, which does not repeat them. May be NULL */
};

__attribute__((format(printf, 2, 3))) static void advise(struct advice *advice, const char *format, ...)
{
    char sentence[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    json_array_append_new(advice->sentences, json_string(sentence));
}

static bool said(const struct advice *advice, sealring_event event, const sealring_version_info *version)
{
    return advice->plans != NULL && plans_due(advice->plans, event, version->version);
}

static void advise_retiring(struct advice *advice, const sealring_ring_info *ring, const sealring_version_info *version,
                            int64_t now)
{
    char command[SEALRING_NAME_LENGTH_MAX + 64] = "";
    if (ring->policy.deliver >= SEALRING_DELIVER_SEALED)
        snprintf(command, sizeof command, ": sealring run delivers the next ones");
    else if (advice->plans == NULL || !plans_reissue(advice->plans))
        snprintf(command, sizeof command, ": sealring reissue %s --all --out DIR/", ring->name);
    if (version->current > 0 && ring->active_version != 0)
        advise(advice, "%s of %s API key%s still %s newest credential under version %" PRIu32 "%s",
               moment_number(version->current).text, moment_number(ring->keys).text, ring->keys == 1 ? "" : "s",
               version->current == 1 ? "has its" : "have their", version->version, command);
    if (version->retire_at <= now && version->current == 0 && !said(advice, SEALRING_EVENT_RETIRE, version))
        advise(advice, "version %" PRIu32 "'s window has ended: sealring retire %s %" PRIu32, version->version,
               ring->name, version->version);
}

static void advise_version(struct advice *advice, const sealring_ring_info *ring, const sealring_version_info *version,
                           int64_t now)
{
    bool closed = version->state == SEALRING_VERSION_RETIRED || version->state == SEALRING_VERSION_COMPROMISED;
    if (version->state == SEALRING_VERSION_RETIRING)
        advise_retiring(advice, ring, version, now);
    bool standby = ring->policy.standby && ring->active_version != 0;
    if (version->state == SEALRING_VERSION_PENDING && standby)
        advise(advice,
               "version %" PRIu32 " is the standby: it is accepted, and issues after a rotation or a compromise",
               version->version);
    else if (version->state == SEALRING_VERSION_PENDING && !said(advice, SEALRING_EVENT_ACTIVATE, version))
        advise(advice, "version %" PRIu32 " is pending: sealring activate %s %" PRIu32, version->version, ring->name,
               version->version);
    char command[SEALRING_NAME_LENGTH_MAX + 64];
    if (version->state == SEALRING_VERSION_RETIRED)
        snprintf(command, sizeof command, "reinstate %s %" PRIu32 " lets them in again", ring->name, version->version);
    else
        snprintf(command, sizeof command, "issue %s --from YOUR-LIST.csv (with the column key_id)", ring->name);
    if (closed && version->current > 0)
        advise(advice, "%" PRIu64 " API key%s newest credential under version %" PRIu32 ", which is %s: sealring %s",
               version->current, version->current == 1 ? " has its" : "s have their", version->version,
               sealring_version_state_name(version->state), command);
    if (closed && version->purge_at <= now && !said(advice, SEALRING_EVENT_DESTROY, version))
        advise(advice, "version %" PRIu32 "'s object is not needed any more: sealring destroy %s %" PRIu32,
               version->version, ring->name, version->version);
    if (version->closing_owed && version->state == SEALRING_VERSION_DESTROYED)
        advise(advice, "version %" PRIu32 "'s object is still in the token: sealring destroy %s %" PRIu32,
               version->version, ring->name, version->version);
    else if (version->closing_owed)
        advise(advice, "signing with version %" PRIu32 "'s object is not disabled in the token yet", version->version);
}

json_t *advice_collect(const sealring_ring_info *ring, const struct versions *versions, const struct plans *plans,
                       int64_t now)
{
    struct advice own = {json_array(), plans};
    struct advice *advice = &own;
    if (ring->active_version == 0)
        advise(advice, "no version is active, so nothing can be issued: sealring rotate %s", ring->name);
    else if (ring->keys == 0)
        advise(advice, "no API keys: sealring issue %s --client NAME (and before, sealring client add NAME)",
               ring->name);
    if (ring->rotation_held)
        advise(advice, "the rollback stopped automatic rotation: sealring rotate %s starts it again", ring->name);
    for (size_t i = 0; i < versions->count; i++)
        advise_version(advice, ring, &versions->items[i], now);
    return own.sentences;
}
