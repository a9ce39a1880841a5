/* SPDX-License-Identifier: Apache-2.0 */
/* NIST SP 800-108r1 KDF in counter mode, one block: the input of the token's HMAC. */
#ifndef KDF_KDF_H
#define KDF_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "base/writer.h"

#define KDF_OUTPUT_SIZE 32 /* HMAC-SHA256, one block, L = 256 bits */

/* Writes [counter]_32 || fixed input data: section 4.1 with r = 32, the counter before the fixed input. */
void kdf_write_block(struct writer *writer, uint32_t counter, const uint8_t *fixed, size_t fixed_length);

/* Writes 00000001 || Label || 00 || Context || 00000100. The label is ASCII without its NUL. */
void kdf_write_input(struct writer *writer, const char *label, const uint8_t *context, size_t context_length);

#endif
