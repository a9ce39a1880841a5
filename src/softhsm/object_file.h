/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a file of SoftHSM2's object store: checks that it is complete, and makes the few changes needed in a copy. Pure. */
#ifndef SOFTHSM_OBJECT_FILE_H
#define SOFTHSM_OBJECT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer file is not treated as one: SoftHSM2's largest objects, RSA keys of 16384 bits, have 12 KiB. */
#define OBJECT_FILE_MAX 65536

/* The format, of SoftHSM2 2.6.1 and 2.7.0 (ObjectFile.cpp, File.cpp): the generation number, then attributes: type, kind, value. All
 * numbers have 8 bytes, big-endian; a boolean has one byte, 00 or FF; a byte string, a set and a map begin with their length. */

/* Returns whether it is a complete object file: a generation number that is not 0, and attributes to the last byte, each type once. */
bool object_file_is_whole(const uint8_t *bytes, size_t length);

/* Returns whether it is a complete token.object: label, serial number, flags, the security officer's PIN; with_pin: and the user's. */
bool object_file_is_token(const uint8_t *bytes, size_t length, bool with_pin);

/* Returns whether a complete file has every attribute of its complete copy, with equal values for those that never change. SoftHSM2
 * removes no attributes; but when it reads a truncated file, it adds the missing ones with its own values, including an empty
 * CKA_VALUE. */
bool object_file_covers(const uint8_t *bytes, size_t length, const uint8_t *copy, size_t copy_length);

/* Returns whether it contains no object: it is empty, or all zeros, or complete without a class, or a secret key or a data object
 * without a value. SoftHSM2 leaves such a file if it is killed while it makes an object. */
bool object_file_holds_nothing(const uint8_t *bytes, size_t length);

/* Returns whether it is a data object's. */
bool object_file_is_data(const uint8_t *bytes, size_t length);

/* Sets CKA_SIGN of a complete file to false, in place. */
void object_file_close(uint8_t *bytes, size_t length);

/* The generation number: SoftHSM2 reads a file again if the number differs from the one that it stored. The file has at least 8 bytes. */
uint64_t object_file_generation(const uint8_t *bytes);

/* Sets it to one that is above all of the million after it. A restored file gets it, so that every process reads it again. So a copy whose
 * number is behind by less is as good as a newer one. */
#define OBJECT_FILE_GENERATIONS UINT64_C(0x100000)
void object_file_renew_generation(uint8_t *bytes);

#endif
