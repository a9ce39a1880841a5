/* SPDX-License-Identifier: Apache-2.0 */
/* Known limits: what an attack achieves, and where docs/threat-model.md states it. */
#include "forger/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An edit of table.column; or a forgery whose name contains `column`, and whose kind is `table`. what: what the trial's finding begins with. */
static const struct limit {
    const char *table, *column;
    enum fault fault;
    const char *what;
    const char *words; /* of the threat model, in the row that `table` and `column` name */
} limits[] = {
    /* A key without a fact is as its row is. It is active afterwards, as it was before the edit. */
    {"api_key", "state", FAULT_PERMITS, "resume ", "`key resume` is carried out on a key that only an edit suspended"},
    /* "What no single cell shows": the next act adopts a stranger's restriction, with an alarm and an entry, because it may be an operator's. */
    {"act", "forge suspend in facts", FAULT_LAUNDERED, "", "restrictions of keys: they deny, and stay"},
    {"act", "forge revoke in facts", FAULT_LAUNDERED, "", "restrictions of keys: they deny, and stay"},
    {"act", "forge narrow in facts", FAULT_LAUNDERED, "", "restrictions of keys: they deny, and stay"},
    {"act", "forge rekey in facts", FAULT_LAUNDERED, "", "restrictions of keys: they deny, and stay"},
    /* Likewise without a fact: of a key that has none the row counts, and the next act on it writes one. */
    {"act", "forge suspend in log+rows", FAULT_LAUNDERED, "", "restrictions of keys: they deny, and stay"},
    {"act", "forge narrow in log+rows", FAULT_LAUNDERED, "", "restrictions of keys: they deny, and stay"},
    /* The log keeps few clients' rows. */
    {"act", "forge a client in", FAULT_UNREPORTED, "an act used it: client|forged|",
     "a row of a client that nobody added"},
};

static bool applies(const struct limit *limit, const struct plan *plan, const struct judgement *judgement)
{
    if (limit->fault != judgement->fault || strncmp(judgement->what, limit->what, strlen(limit->what)) != 0)
        return false;
    if (plan->edit == NULL)
        return strcmp(plan->kind, limit->table) == 0 && strstr(plan->name, limit->column) != NULL;
    return strcmp(plan->edit->table, limit->table) == 0 && strcmp(plan->edit->column, limit->column) == 0;
}

const char *limit_of(const struct plan *plan, const struct judgement *judgement)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (applies(&limits[i], plan, judgement))
            return limits[i].words;
    return NULL;
}

unsigned limits_missing(const char *path)
{
    static char text[1 << 18];
    unsigned missing = 0;
    FILE *file = fopen(path, "re");
    size_t length = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    if (file != NULL)
        fclose(file);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (strstr(text, limits[i].words) == NULL) {
            printf("# the threat model does not state: %s\n", limits[i].words);
            missing++;
        }
    return missing;
}
