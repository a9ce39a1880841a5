/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a file of SoftHSM2's object store: checks that it is complete, and makes the few changes needed in a copy. Pure. */
#include "softhsm/object_file.h"

#include <string.h>

#define NUMBER           8
#define ATTRIBUTES_MOST  512
#define ATTRIBUTE_CLASS  UINT64_C(0x0000) /* CKA_CLASS and what follows: PKCS #11 v2.40 */
#define ATTRIBUTE_VALUE  UINT64_C(0x0011)
#define ATTRIBUTE_SIGN   UINT64_C(0x0108)
#define CLASS_DATA       UINT64_C(0)
#define CLASS_SECRET_KEY UINT64_C(4)
#define ATTRIBUTE_LABEL  UINT64_C(0x80005349) /* of a token, SoftHSM2's own (OSAttributes.h) */
#define ATTRIBUTE_SERIAL UINT64_C(0x8000534a)
#define ATTRIBUTE_FLAGS  UINT64_C(0x8000534b)
#define ATTRIBUTE_SO_PIN UINT64_C(0x8000534c)
#define ATTRIBUTE_PIN    UINT64_C(0x8000534d)

enum attribute_kind { KIND_BOOLEAN = 1, KIND_NUMBER = 2, KIND_BYTES = 3, KIND_MAP = 4, KIND_SET = 5 };

struct attribute {
    uint64_t type;
    uint64_t kind;
    size_t at; /* of the value: after a byte string's length */
    size_t length;
};

static uint64_t number_at(const uint8_t *bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < NUMBER; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* Reads the length of what follows. False if that extends beyond the end. */
static bool read_length(const uint8_t *bytes, size_t end, size_t *at, size_t unit, size_t *length)
{
    if (end - *at < NUMBER)
        return false;
    uint64_t count = number_at(bytes + *at);
    *at += NUMBER;
    if (count > (end - *at) / unit)
        return false;
    *length = (size_t)count * unit;
    return true;
}

/* The length of a value, or the unit in which its length is before it. A map's format is SoftHSM2's own; sealring makes none. */
static const struct {
    size_t length, unit;
} kinds[] = {
    [KIND_BOOLEAN] = {1, 0}, [KIND_NUMBER] = {NUMBER, 0}, [KIND_BYTES] = {0, 1},
    [KIND_MAP] = {0, 1},     [KIND_SET] = {0, NUMBER},
};

/* Reads the attribute at *at and moves *at behind it. False if there is no complete one. */
static bool read_attribute(const uint8_t *bytes, size_t end, size_t *at, struct attribute *attribute)
{
    if (end - *at < (size_t)2 * NUMBER)
        return false;
    attribute->type = number_at(bytes + *at);
    attribute->kind = number_at(bytes + *at + NUMBER);
    *at += (size_t)2 * NUMBER;
    if (attribute->kind >= sizeof(kinds) / sizeof(kinds[0]))
        return false;
    size_t unit = kinds[attribute->kind].unit;
    attribute->length = kinds[attribute->kind].length;
    if ((attribute->length == 0 && unit == 0) || (unit > 0 && !read_length(bytes, end, at, unit, &attribute->length)) ||
        end - *at < attribute->length || (attribute->kind == KIND_BOOLEAN && bytes[*at] != 0x00 && bytes[*at] != 0xff))
        return false;
    attribute->at = *at;
    *at += attribute->length;
    return true;
}

/* Searches a complete file; SoftHSM2 writes attributes in ascending order. */
static bool find(const uint8_t *bytes, size_t length, uint64_t type, struct attribute *found)
{
    size_t at = NUMBER;
    while (at < length && read_attribute(bytes, length, &at, found))
        if (found->type == type)
            return true;
    return false;
}

bool object_file_is_whole(const uint8_t *bytes, size_t length)
{
    struct attribute attribute;
    size_t at = NUMBER;
    uint64_t last = 0;
    if (length < NUMBER || length > OBJECT_FILE_MAX || number_at(bytes) == 0)
        return false;
    for (size_t count = 0; at < length; count++) {
        if (!read_attribute(bytes, length, &at, &attribute) || (count > 0 && attribute.type <= last) ||
            count == ATTRIBUTES_MOST)
            return false;
        last = attribute.type;
    }
    return true;
}

bool object_file_is_token(const uint8_t *bytes, size_t length, bool with_pin)
{
    static const uint64_t wanted[] = {ATTRIBUTE_LABEL, ATTRIBUTE_SERIAL, ATTRIBUTE_FLAGS, ATTRIBUTE_SO_PIN,
                                      ATTRIBUTE_PIN};
    struct attribute attribute;
    bool is = object_file_is_whole(bytes, length);
    for (size_t i = 0; is && i < sizeof(wanted) / sizeof(wanted[0]) - (with_pin ? 0 : 1); i++)
        is = find(bytes, length, wanted[i], &attribute) && attribute.length > 0;
    return is;
}

/* Attributes that never change in an existing object: class, value, identity and origin. SoftHSM2 encrypts a value once, when it is
 * set, so its bytes stay the same. */
static bool is_fixed(uint64_t type)
{
    static const uint64_t fixed[] = {
        0x0000, /* CKA_CLASS */
        0x0011, /* CKA_VALUE */
        0x0100, /* CKA_KEY_TYPE */
        0x0102, /* CKA_ID */
        0x0123, /* CKA_PRIVATE_EXPONENT */
        0x0161, /* CKA_VALUE_LEN */
        0x0163, /* CKA_LOCAL */
        0x0164, /* CKA_NEVER_EXTRACTABLE */
        0x0165, /* CKA_ALWAYS_SENSITIVE */
        0x0180, /* CKA_EC_PARAMS */
        0x0181, /* CKA_EC_POINT */
    };
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (fixed[i] == type)
            return true;
    return false;
}

bool object_file_covers(const uint8_t *bytes, size_t length, const uint8_t *copy, size_t copy_length)
{
    struct attribute attribute, same;
    size_t at = NUMBER;
    while (at < copy_length && read_attribute(copy, copy_length, &at, &attribute)) {
        if (!find(bytes, length, attribute.type, &same) || same.kind != attribute.kind)
            return false;
        if (is_fixed(attribute.type) &&
            (same.length != attribute.length || memcmp(bytes + same.at, copy + attribute.at, same.length) != 0))
            return false;
    }
    return true;
}

bool object_file_holds_nothing(const uint8_t *bytes, size_t length)
{
    struct attribute class, value;
    if (!object_file_is_whole(bytes, length)) {
        size_t zeros = 0;
        while (zeros < length && bytes[zeros] == 0)
            zeros++;
        return zeros == length;
    }
    if (!find(bytes, length, ATTRIBUTE_CLASS, &class) || class.kind != KIND_NUMBER)
        return true;
    uint64_t number = number_at(bytes + class.at);
    if (number != CLASS_DATA && number != CLASS_SECRET_KEY)
        return false;
    return !find(bytes, length, ATTRIBUTE_VALUE, &value) || value.length == 0;
}

bool object_file_is_data(const uint8_t *bytes, size_t length)
{
    struct attribute class;
    return object_file_is_whole(bytes, length) && find(bytes, length, ATTRIBUTE_CLASS, &class) &&
           class.kind == KIND_NUMBER && number_at(bytes + class.at) == CLASS_DATA;
}

void object_file_close(uint8_t *bytes, size_t length)
{
    struct attribute sign;
    if (find(bytes, length, ATTRIBUTE_SIGN, &sign) && sign.kind == KIND_BOOLEAN)
        bytes[sign.at] = 0x00;
}

uint64_t object_file_generation(const uint8_t *bytes)
{
    return number_at(bytes);
}

void object_file_renew_generation(uint8_t *bytes)
{
    uint64_t generation = (number_at(bytes) / OBJECT_FILE_GENERATIONS + 2) * OBJECT_FILE_GENERATIONS;
    for (size_t i = 0; i < NUMBER; i++)
        bytes[i] = (uint8_t)(generation >> 8 * (NUMBER - 1 - i));
}
