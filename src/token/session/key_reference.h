/* SPDX-License-Identifier: Apache-2.0 */
/* What identifies and proves a key object. */
#ifndef TOKEN_SESSION_KEY_REFERENCE_H
#define TOKEN_SESSION_KEY_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#define TOKEN_OBJECT_ID_MAX    32
#define TOKEN_CHECK_VALUE_SIZE 8
#define TOKEN_CHECK_INPUT_MAX  192
#define TOKEN_LABEL_MAX        128

/* CKA_ID identifies a key. The first bytes of the HMAC over check_input, which are check_value, prove it. */
struct token_key_reference {
    uint8_t object_id[TOKEN_OBJECT_ID_MAX];
    size_t object_id_length;
    uint8_t check_input[TOKEN_CHECK_INPUT_MAX];
    size_t check_input_length;
    uint8_t check_value[TOKEN_CHECK_VALUE_SIZE];
};

#endif
