/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a client's notices. */
#ifndef REGISTRY_ROWS_CLIENT_NOTICES_H
#define REGISTRY_ROWS_CLIENT_NOTICES_H

#include "registry/rows/rows.h"

/* As registry_client_set_certificate and registry_client_certificate, for the settings (manage/delivery/notice_settings.h); "": none. */
#define REGISTRY_NOTICES_SIZE 2301
sealring_status registry_client_set_notices(struct registry *registry, struct registry_client *client,
                                            const char *notices, sealring_error *error);
sealring_status registry_client_notices(struct registry *registry, struct registry_client *client,
                                        enum client_state *state, char notices[REGISTRY_NOTICES_SIZE],
                                        sealring_error *error);

#endif
