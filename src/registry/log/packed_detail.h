/* SPDX-License-Identifier: Apache-2.0 */
/* A long detail of an audit entry as it is stored: deflated. Leaf, exports and proofs are of the text itself. */
#ifndef REGISTRY_LOG_PACKED_DETAIL_H
#define REGISTRY_LOG_PACKED_DETAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKED_LEAST 4096               /* bytes of text: shorter ones stay readable by SQL */
#define PACKED_MOST  (64 * 1024 * 1024) /* bytes of text that are ever unpacked */

/* The length of the text (32 bits, big-endian), then the text by deflate (RFC 1951). NULL: it is to be stored as it is, as it is short, or hardly
 * shorter deflated, or there is no memory. The caller frees the result. */
uint8_t *packed_write(const char *text, size_t *length);

/* The text, which the caller frees. NULL with *damaged: these bytes are no such text; without: no memory. */
char *packed_read(const uint8_t *bytes, size_t length, bool *damaged);

#endif
