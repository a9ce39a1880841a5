/* SPDX-License-Identifier: Apache-2.0 */
/* NIST SP 800-108r1 KDF in counter mode, one block: the input of the token's HMAC. */
#include "kdf/kdf.h"

#include <string.h>

void kdf_write_block(struct writer *writer, uint32_t counter, const uint8_t *fixed, size_t fixed_length)
{
    writer_u32(writer, counter);
    writer_bytes(writer, fixed, fixed_length);
}

/* Writes the fixed input in pieces, so that callers need no memory for it: Label || 0x00 || Context || [L]_2 (SP 800-108r1, section 4,
 * with 32 bits for L). */
void kdf_write_input(struct writer *writer, const char *label, const uint8_t *context, size_t context_length)
{
    kdf_write_block(writer, 1, NULL, 0);
    writer_bytes(writer, label, strlen(label));
    writer_u8(writer, 0);
    writer_bytes(writer, context, context_length);
    writer_u32(writer, KDF_OUTPUT_SIZE * 8);
}
