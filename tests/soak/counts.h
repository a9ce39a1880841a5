/* SPDX-License-Identifier: Apache-2.0 */
/* Uses as they were answered, and as the verifiers' report files count them: the two must agree, kills included. */
#ifndef SOAK_COUNTS_H
#define SOAK_COUNTS_H

#include "soak/answers.h"
#include "soak/history.h"

/* What a report tells apart of one credential's uses. */
enum use { USE_ACCEPTED, USE_NOT_YET_VALID, USE_EXPIRED, USE_SUSPENDED, USE_SCOPE, USE_CLOSED, USES };

struct counts {
    uint64_t (*credentials)[USES];                /* by the history's index */
    uint32_t *cut;                                /* answered: calls with it that a kill ended, counted or not */
    uint64_t (*versions)[HISTORY_VERSIONS][USES]; /* reported: beyond those of credentials, by ring */
    uint64_t verdicts[SEALRING_VERDICTS];
    uint64_t cuts;
    uint64_t without_detail; /* reported: uses that no record tells of */
    uint64_t strange;        /* reported: records of what was never handed out */
};

bool counts_new(const struct history *history, struct counts *counts);
void counts_free(struct counts *counts);

/* One answer more. */
void counts_answer(struct counts *counts, const struct answer *answer);

/* All report files of the vault, whoever wrote them. keys: the registry's row of each key of the history. */
bool counts_read(const struct history *history, const int64_t *keys, struct counts *counts, sealring_error *error);

/* Adds what does not agree to the history's findings. A call that was cut may be counted or not, no other. */
void counts_compare(struct history *history, const struct counts *answered, const struct counts *reported);

#endif
