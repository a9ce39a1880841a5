/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a vault for verification, with a PIN from another source than the configuration. */
#ifndef VERIFIER_PROCESS_OPEN_H
#define VERIFIER_PROCESS_OPEN_H

#include <sealring/manage.h>

/* As sealring_open_with_pin. */
sealring_status open_vault(const char *vault, const sealring_options *options, const char *pin_source,
                           sealring_pin_callback ask, void *context, sealring_vault **opened, sealring_error *error);

#endif
