/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a file of SoftHSM2's object store: whether it is whole, and the few things that are changed in a copy. Pure. */
#ifndef SOFTHSM_OBJECT_FILE_H
#define SOFTHSM_OBJECT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer file is not taken for one: SoftHSM2's largest objects, RSA keys of 16384 bits, have 12 KiB. */
#define OBJECT_FILE_MAX 65536

/* The format, of SoftHSM2 2.6.1 and 2.7.0 (ObjectFile.cpp, File.cpp): the generation number, then attributes: type, kind, value. All numbers
 * have 8 bytes, the highest first; a boolean has one byte, 00 or FF; a byte string, a set and a map begin with their length. */

/* Whether it is a whole object file: a generation number that is not 0, and attributes to the last byte, each type once. */
bool object_file_is_whole(const uint8_t *bytes, size_t length);

/* Whether it is a whole token.object: label, serial number, flags, the security officer's PIN; with_pin: and the user's. */
bool object_file_is_token(const uint8_t *bytes, size_t length, bool with_pin);

/* Whether a whole file has every attribute that a whole copy of it has, and those that nobody may change with the same values. SoftHSM2 takes
 * none away; but where a file was cut short it adds what is missing with values of its own, an empty CKA_VALUE among them, as soon as it reads it. */
bool object_file_covers(const uint8_t *bytes, size_t length, const uint8_t *copy, size_t copy_length);

/* Whether it holds no object: it is empty, or zeros, or whole and has no class, or is a secret key or a data object without a value. SoftHSM2
 * that is killed while it makes an object leaves such a file. */
bool object_file_holds_nothing(const uint8_t *bytes, size_t length);

/* Whether it is a data object's. */
bool object_file_is_data(const uint8_t *bytes, size_t length);

/* Sets CKA_SIGN of a whole file to false, in place. */
void object_file_close(uint8_t *bytes, size_t length);

/* The generation number: SoftHSM2 reads a file again if it is another one than it remembers. Of at least 8 bytes. */
uint64_t object_file_generation(const uint8_t *bytes);
void object_file_set_generation(uint8_t *bytes, uint64_t generation);

/* A generation number that is above all of the million after `generation`: what is restored gets it, so that no process takes it for what
 * it read before. A copy whose number is behind by less is therefore as good as a newer one. */
#define OBJECT_FILE_GENERATIONS UINT64_C(0x100000)
uint64_t object_file_renew_generation(uint64_t generation);

#endif
