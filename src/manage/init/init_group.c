/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a vault with which the users of a group may verify. */
#include "manage/init/init_group.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "bell/bell.h"

sealring_status init_check_group(const sealring_init_options *options, sealring_error *error)
{
    gid_t gid;
    if (options->verifier_group == NULL)
        return SEALRING_OK;
    if (options->module == NULL)
        return error_set(error, SEALRING_INVALID,
                         "a verifier group needs a token of yours (module, token and PIN source), because the files of "
                         "the vault's own SoftHSM2 tokens are their owner's alone");
    if (geteuid() != 0)
        return error_set(error, SEALRING_REFUSED,
                         "a vault with a verifier group must be root's, because servers of other users load only what "
                         "root names: run init as root");
    if (strlen(options->verifier_group) >= CONFIG_GROUP_SIZE)
        return error_set(error, SEALRING_INVALID, "the name of the verifier group is too long");
    return group_find(options->verifier_group, &gid, error);
}

sealring_status init_permit_group(const struct config *config, sealring_error *error)
{
    struct group_place place = {.mode = 0};
    gid_t gid;
    if (config->verifier_group[0] == '\0')
        return SEALRING_OK;
    (void)bell_ring(config->reports_bell); /* makes it as root's, so that everybody who may ring it believes it */
    sealring_status status = group_find(config->verifier_group, &gid, error);
    for (size_t i = 0; status == SEALRING_OK && i < GROUP_PLACES; i++) {
        group_place(config, i, &place);
        int problem = group_permit(&place, gid);
        if (problem != 0)
            status = error_set_system(error, problem, "%s cannot be given to the verifier group", place.path);
    }
    return status;
}
