/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a vault with which the users of a group may verify. */
#ifndef MANAGE_INIT_INIT_GROUP_H
#define MANAGE_INIT_INIT_GROUP_H

#include "config/verifier_group.h"

/* SEALRING_REFUSED, or SEALRING_INVALID, if there can be no vault with the group of these options. */
sealring_status init_check_group(const sealring_init_options *options, sealring_error *error);

/* Gives the group of the configuration its rights, after all files are made; what is made later takes the group from its directory. */
sealring_status init_permit_group(const struct config *config, sealring_error *error);

#endif
