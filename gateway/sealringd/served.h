/* SPDX-License-Identifier: Apache-2.0 */
/* The vault that answers: exchanged for a newly opened one while requests go on. */
#ifndef GATEWAY_SEALRINGD_SERVED_H
#define GATEWAY_SEALRINGD_SERVED_H

#include <stdbool.h>

#include <sealring/verify.h>

struct served_vault;

/* The vault that answers now, for this caller until served_return. Any thread. */
struct served_vault *served_take(sealring_vault **vault);
void served_return(struct served_vault *taken);

/* Opens the vault in `directory`; from then on it answers. One that was open answers until the new one has most of the credentials that it has
 * in its cache, for 10 s at most, and is closed after its last user has returned it. On failure nothing changes. Not for two threads at once. */
sealring_status served_open(const char *directory, sealring_error *error);

/* When nobody uses it any more. */
void served_close(void);

#endif
