/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker did, for people: lines in the journal, and counts for systemd. */
#include "gateway/broker/report_results.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "gateway/daemon/journal.h"
#include "gateway/daemon/renewal_message.h"

enum { STATUS_EVERY_MS = 5000, LINE_SIZE = 384 };

static uint64_t counts[SEALRING_RENEWAL_LIMITED + 1];

static uint64_t claims[2]; /* refused, handed over */

void report_count(unsigned result)
{
    counts[result]++;
}

static const char *peer_of(const sealring_renewal *renewal)
{
    return renewal->peer != NULL && renewal->peer[0] != '\0' ? renewal->peer : "an unknown address";
}

/* What a client can repeat at will is written once a second. */
void report_renewal(const sealring_renewal *renewal)
{
    static struct journal_pace paces[SEALRING_RENEWAL_LIMITED + 1];
    switch (renewal->result) {
    case SEALRING_RENEWAL_AGAIN:
    case SEALRING_RENEWAL_CURRENT:
        return;
    case SEALRING_RENEWAL_ISSUED:
        journal_write(
            JOURNAL_INFORMATION, "key %s of %s in ring %s was renewed from %s: version %" PRIu32 ", serial %" PRIu32,
            renewal->key_id, renewal->client, renewal->ring, peer_of(renewal), renewal->version, renewal->serial);
        return;
    case SEALRING_RENEWAL_CONTESTED:
        journal_write(JOURNAL_ALARM, "key %s of %s in ring %s is contested, from %s: %s", renewal->key_id,
                      renewal->client, renewal->ring, peer_of(renewal), renewal->reason);
        return;
    default:
        /* The result of a batch that failed as a whole has no reason: its line was written already. */
        if (renewal->reason[0] != '\0' && journal_may_repeat(&paces[renewal->result]))
            journal_write(JOURNAL_WARNING, "not renewed (%s), key %s, from %s: %s",
                          sealring_renewal_result_name(renewal->result),
                          renewal->key_id[0] != '\0' ? renewal->key_id : "unknown", peer_of(renewal), renewal->reason);
    }
}

void report_claim(const sealring_claim_request *claim)
{
    static struct journal_pace pace;
    const char *peer = claim->peer != NULL && claim->peer[0] != '\0' ? claim->peer : "an unknown address";
    claims[claim->result == SEALRING_CLAIM_TAKEN || claim->result == SEALRING_CLAIM_AGAIN]++;
    if (claim->result == SEALRING_CLAIM_TAKEN)
        journal_write(JOURNAL_INFORMATION,
                      "key %s of %s in ring %s was claimed from %s: version %" PRIu32 ", serial %" PRIu32,
                      claim->key_id, claim->client, claim->ring, peer, claim->version, claim->serial);
    else if (claim->result == SEALRING_CLAIM_CONTESTED)
        journal_write(JOURNAL_ALARM, "the claim of key %s of %s in ring %s is contested, from %s: %s", claim->key_id,
                      claim->client, claim->ring, peer, claim->reason);
    else if (claim->result != SEALRING_CLAIM_AGAIN && claim->reason[0] != '\0' && journal_may_repeat(&pace))
        journal_write(JOURNAL_WARNING, "not claimed (%s), key %s, from %s: %s",
                      sealring_claim_result_name(claim->result), claim->key_id[0] != '\0' ? claim->key_id : "unknown",
                      peer, claim->reason);
}

static void describe(uint64_t malformed, uint64_t refused, char line[LINE_SIZE])
{
    uint64_t others = 0;
    for (unsigned result = SEALRING_RENEWAL_CURRENT; result < SEALRING_RENEWAL_LIMITED; result++)
        others += counts[result];
    int length = snprintf(line, LINE_SIZE,
                          "issued %" PRIu64 ", again %" PRIu64 ", not renewed %" PRIu64 ", limited %" PRIu64
                          ", unavailable %" PRIu64 "; malformed messages %" PRIu64 ", refused connections %" PRIu64,
                          counts[SEALRING_RENEWAL_ISSUED], counts[SEALRING_RENEWAL_AGAIN], others,
                          counts[SEALRING_RENEWAL_LIMITED], counts[SEALRING_RENEWAL_UNAVAILABLE], malformed, refused);
    if (claims[0] + claims[1] > 0)
        (void)snprintf(line + length, (size_t)(LINE_SIZE - length), "; claimed %" PRIu64 ", not claimed %" PRIu64,
                       claims[1], claims[0]);
}

void report_status(uint64_t malformed, uint64_t refused, int64_t now)
{
    static char latest[LINE_SIZE];
    static int64_t next;
    if (now < next)
        return;
    char line[LINE_SIZE];
    describe(malformed, refused, line);
    next = now + STATUS_EVERY_MS;
    if (strcmp(line, latest) == 0)
        return;
    strcpy(latest, line);
    (void)sd_notifyf(0, "STATUS=%s", line);
}

void report_end(uint64_t malformed, uint64_t refused)
{
    char line[LINE_SIZE];
    describe(malformed, refused, line);
    journal_write(JOURNAL_INFORMATION, "ends; %s", line);
}
