/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters from which a verifier is made. */
#ifndef VERIFIER_STATE_VERIFIER_SETUP_H
#define VERIFIER_STATE_VERIFIER_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/session/token.h"

#define VERIFIER_NOTICE_SIZE 512

/* The caller owns all memory, which must outlive the verifier. */
struct verifier_setup {
    const char *registry; /* path of the registry */
    const char *
        audit_key; /* the keys that verify checkpoints (log/audit_keys.h); NULL or "": the one that the registry names does */
    const char *reports;      /* directory of the report files */
    const char *bell;         /* the operator's side rings it after a commit; NULL: none */
    const char *eras;         /* the file of ended eras; NULL: none */
    const char *reports_bell; /* verifiers ring it when their reports have news; NULL: none */
    struct token_config token;
    /* Reports what is or was wrong with the token's files: one line of at most VERIFIER_NOTICE_SIZE. False: nothing new. NULL: no check. */
    bool (*token_notice)(void *context, char *text, size_t size);
    void *token_notice_context;
    bool warming;
    uint32_t cache_max;
    uint32_t waiting_max;
};

#endif
