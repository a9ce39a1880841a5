/* SPDX-License-Identifier: Apache-2.0 */
/* Known limits: what an attack achieves, and where docs/threat-model.md states it. */
#include "forger/limits.h"

#include <string.h>

static const struct limit {
    const char *table, *column;
    enum fault fault;
    const char *words; /* of the threat model */
} limits[] = {
    {"credential", "replaced", FAULT_WIDENS, "a credential that `rekey` ended is accepted"},
    {"credential", "retire_at", FAULT_WIDENS, "a credential that `rekey` ended is accepted"},
};

const char *limit_of(const struct plan *plan, const struct judgement *judgement)
{
    for (size_t i = 0; plan->edit != NULL && i < sizeof limits / sizeof *limits; i++)
        if (strcmp(limits[i].table, plan->edit->table) == 0 && strcmp(limits[i].column, plan->edit->column) == 0 &&
            limits[i].fault == judgement->fault)
            return limits[i].words;
    return NULL;
}
