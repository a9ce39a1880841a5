/* SPDX-License-Identifier: Apache-2.0 */
/* When the latest checkpoint was signed: a lower bound of the present time. */
#ifndef LOG_SIGNED_TIME_H
#define LOG_SIGNED_TIME_H

#include "registry/connection/registry.h"

/* Call it within a transaction. *time_ms: 0 if there is no checkpoint, or no key to verify it with. *forged: there is one that the
 * registry's own key does not verify; it counts as none. */
sealring_status signed_time(struct registry *registry, int64_t *time_ms, bool *forged, sealring_error *error);

#endif
