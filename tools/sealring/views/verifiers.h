/* SPDX-License-Identifier: Apache-2.0 */
/* Who verifies, in a few lines: how many serve, and who owes what. */
#ifndef TOOL_VERIFIERS_H
#define TOOL_VERIFIERS_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

struct verifiers {
    uint64_t counts[SEALRING_VERIFIER_FORGOTTEN + 1]; /* by state */
    uint64_t owing;
    json_t *array; /* all of them, as JSON */
    json_t *debts; /* sentences, the first few */
};

/* Whatever it returns, the verifiers must be freed. */
sealring_status verifiers_load(struct verifiers *verifiers, struct session *session);
void verifiers_free(struct verifiers *verifiers);

void verifiers_print(const struct verifiers *verifiers, const struct page *page);

/* One of them with all its members. */
json_t *verifiers_json(const sealring_verifier_info *info);

enum tone verifiers_tone(sealring_verifier_state state);

#endif
