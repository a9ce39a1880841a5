/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one delivery into a directory: complete or not there at all, readable by its owner only. */
#ifndef MANAGE_HANDOVER_DELIVERY_FILE_H
#define MANAGE_HANDOVER_DELIVERY_FILE_H

#include <stddef.h>

#include <sealring/verify.h>

/* Replaces an older file of this name, and is durable then. */
sealring_status delivery_file_write(const char *directory, const char *name, const void *bytes, size_t length,
                                    sealring_error *error);

#endif
