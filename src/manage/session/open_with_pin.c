/* SPDX-License-Identifier: Apache-2.0 */
/* The public function that opens a vault for verification with a PIN that is not from the configuration. */
#include "verifier/process/open.h"

sealring_status sealring_open_with_pin(const char *vault, const sealring_options *options, const char *pin_source,
                                       sealring_pin_callback ask, void *context, sealring_vault **opened,
                                       sealring_error *error)
{
    return open_vault(vault, options, pin_source, ask, context, opened, error);
}
