/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker did, for people: lines in the journal, and counts for systemd. */
#ifndef GATEWAY_BROKER_REPORT_RESULTS_H
#define GATEWAY_BROKER_REPORT_RESULTS_H

#include <stdint.h>

#include <sealring/claim.h>
#include <sealring/renew.h>

/* Counts an answer: sealring_renewal_result. */
void report_count(unsigned result);

/* Counts a claim, and a line about it, if somebody should read it. */
void report_claim(const sealring_claim_request *claim);

/* A line about a renewal, if somebody should read it. */
void report_renewal(const sealring_renewal *renewal);

/* Passes the counts to systemd, when they have changed, every few seconds at most; and writes them as the last line. */
void report_status(uint64_t malformed, uint64_t refused, int64_t now);
void report_end(uint64_t malformed, uint64_t refused);

#endif
