/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its target to its verdict. */
#include "gateway/sealringd/question.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/sealringd/alert_request.h"
#include "gateway/sealringd/served.h"

static void free_secret(char *text, size_t length)
{
    if (text != NULL)
        explicit_bzero(text, length);
    free(text);
}

void question_free(struct question *question)
{
    free_secret(question->credential_copy, question->presented.length);
    free_secret(question->body, question->body == NULL ? 0 : strlen(question->body));
    alert_free(question->alert);
    if (question->claim != NULL)
        explicit_bzero(question->claim, sizeof *question->claim);
    free(question->claim);
    free(question);
}

void question_ask(const struct question *question, uint32_t flags, struct outcome *outcome)
{
    const struct presented_headers *presented = &question->presented;
    sealring_request request = {.size = sizeof request,
                                .credential = presented->credential,
                                .length = presented->length,
                                .scope = question->target.scopes,
                                .address = presented->address_length > 0 ? presented->address : NULL,
                                .address_length = presented->address_length,
                                .flags = flags};
    outcome->grant.size = sizeof outcome->grant;
    sealring_vault *vault = NULL;
    struct served_vault *taken = served_take(&vault);
    if (question->target.kind == TARGET_CLAIM)
        outcome->verdict = sealring_claim_known(vault, presented->credential, presented->length);
    else
        outcome->verdict = sealring_verify_request(vault, &request, &outcome->grant);
    served_return(taken);
}
