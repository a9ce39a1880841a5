/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier: parse, registry, token, verdict; with connections of its own per thread at work. */
#ifndef VERIFIER_VERIFIER_H
#define VERIFIER_VERIFIER_H

#include <sealring/verify.h>

#include "token/token.h"

struct verifier;

/* Opens the registry read-only and the token. Both paths and the token's configuration are copied or no longer needed
 * afterwards, except that `token` must outlive the verifier if the token layer points into it. */
sealring_status verifier_open(const char *registry_path, const struct token_config *token, struct verifier **opened,
                              sealring_error *error);
void verifier_close(struct verifier *verifier);

/* As sealring_verify; grant is a whole one and has been zeroed. */
sealring_verdict verifier_verify(struct verifier *verifier, const char *credential, size_t length, const char *scope,
                                 sealring_grant *grant);

#endif
