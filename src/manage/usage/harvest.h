/* SPDX-License-Identifier: Apache-2.0 */
/* Harvesting: copies the verifiers' counts into the registry, and rolls up and deletes old rows there. */
#ifndef MANAGE_USAGE_HARVEST_H
#define MANAGE_USAGE_HARVEST_H

#include "manage/fleet/usage_files.h"

/* sealring_harvest for a caller that already holds the vault's lock (between manager_begin and manager_end). now: wall time. */
sealring_status harvest_all(sealring_manager *manager, int64_t now, sealring_harvest_result *result,
                            sealring_error *error);

/* Harvests one file, which the caller has opened. *damaged: its damaged records. *yielded is set if other processes may have worked meanwhile. */
sealring_status harvest_file(sealring_manager *manager, int64_t now, const struct usage_file *file,
                             sealring_harvest_result *result, uint64_t *damaged, bool *yielded, sealring_error *error);

/* The second part alone: hours that are older than their ring's policy allows become days, and older days are deleted. */
sealring_status harvest_age(sealring_manager *manager, int64_t now, sealring_harvest_result *result,
                            sealring_error *error);

#endif
