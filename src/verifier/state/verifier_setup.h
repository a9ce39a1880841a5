/* SPDX-License-Identifier: Apache-2.0 */
/* What a verifier is made of. */
#ifndef VERIFIER_STATE_VERIFIER_SETUP_H
#define VERIFIER_STATE_VERIFIER_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/session/token.h"

#define VERIFIER_NOTICE_SIZE 512

/* All memory stays the caller's and outlives the verifier. */
struct verifier_setup {
    const char *registry; /* path of the registry */
    const char *reports;  /* directory of the report files */
    struct token_config token;
    /* What is wrong, or was, with the token's files: a line of at most VERIFIER_NOTICE_SIZE; false: nothing new. NULL: nobody is asked. */
    bool (*token_notice)(void *context, char *text, size_t size);
    void *token_notice_context;
    bool warming;
    uint32_t cache_max;
    uint32_t waiting_max;
};

#endif
