/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between sealringd and sealring-broker: one a packet, big-endian, each with one encoding only. Pure. */
#include "gateway/daemon/renewal_message.h"

#include <string.h>

static void put(uint8_t **at, uint64_t value, int bytes)
{
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        *(*at)++ = (uint8_t)(value >> shift);
}

static uint64_t get(const uint8_t **at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | *(*at)++;
    return value;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Characters of credentials and key IDs: none of them means anything in JSON or in a log. */
static bool is_plain(const uint8_t *bytes, size_t size)
{
    static const char plain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    for (size_t i = 0; i < size; i++)
        if (memchr(plain, bytes[i], sizeof plain - 1) == NULL)
            return false;
    return true;
}

/* ---- RENEW, CLAIM ---- */

static void put_address(const struct renewal_request *request, uint8_t **at)
{
    put(at, request->address_length == 16 ? 6 : request->address_length, 1);
    memset(*at, 0, 16);
    memcpy(*at, request->address, request->address_length);
    *at += 16;
}

static bool get_address(const uint8_t **at, struct renewal_request *request)
{
    uint64_t family = get(at, 1);
    request->address_length = family == 6 ? 16 : (size_t)family;
    if ((family != 0 && family != 4 && family != 6) ||
        !is_zero(*at + request->address_length, 16 - request->address_length))
        return false;
    memcpy(request->address, *at, 16);
    *at += 16;
    return true;
}

/* Its length, and the bytes in a field of `room` bytes with zeros behind them. */
static void put_padded(const void *bytes, size_t length, size_t room, uint8_t **at)
{
    put(at, length, 2);
    memset(*at, 0, room);
    memcpy(*at, bytes, length);
    *at += room;
}

static bool get_padded(const uint8_t **at, void *bytes, size_t *length, size_t room)
{
    *length = (size_t)get(at, 2);
    if (*length == 0 || *length > room || !is_zero(*at + *length, room - *length))
        return false;
    memcpy(bytes, *at, room);
    *at += room;
    return true;
}

static void put_request(const struct renewal_request *request, uint8_t **at)
{
    put_address(request, at);
    put_padded(request->credential, request->length, SEALRING_CREDENTIAL_LENGTH_MAX, at);
}

static bool get_request(const uint8_t *at, struct renewal_request *request)
{
    request->certificate_length = 0;
    return get_address(&at, request) &&
           get_padded(&at, request->credential, &request->length, SEALRING_CREDENTIAL_LENGTH_MAX);
}

static void put_claim(const struct renewal_request *request, uint8_t **at)
{
    put_address(request, at);
    memcpy(*at, request->credential, CLAIM_CODE_LENGTH);
    *at += CLAIM_CODE_LENGTH;
    put_padded(request->certificate, request->certificate_length, CLAIM_CERTIFICATE_MAX, at);
}

static bool get_claim(const uint8_t *at, struct renewal_request *request)
{
    if (!get_address(&at, request) || !is_plain(at, CLAIM_CODE_LENGTH))
        return false;
    memcpy(request->credential, at, CLAIM_CODE_LENGTH);
    request->length = CLAIM_CODE_LENGTH;
    at += CLAIM_CODE_LENGTH;
    return get_padded(&at, request->certificate, &request->certificate_length, CLAIM_CERTIFICATE_MAX);
}

/* ---- RENEWED ---- */

static void put_answer(const struct renewal_answer *answer, uint8_t **at)
{
    put(at, answer->result, 2);
    put(at, answer->retry_after, 4);
    put(at, (uint64_t)answer->expires, 8);
    put(at, (uint64_t)answer->predecessor_until, 8);
    put(at, answer->version, 4);
    put(at, answer->serial, 4);
    memset(*at, 0, SEALRING_KEY_ID_LENGTH);
    memcpy(*at, answer->key_id, strnlen(answer->key_id, SEALRING_KEY_ID_LENGTH));
    *at += SEALRING_KEY_ID_LENGTH;
    put(at, answer->form, 1);
    put(at, answer->payload_length, 4);
    if (answer->payload_length > 0)
        memcpy(*at, answer->payload, answer->payload_length);
    *at += answer->payload_length;
}

static bool is_payload(const struct renewal_answer *answer, uint64_t form, uint64_t length, size_t size)
{
    bool handed_over = answer->result == SEALRING_RENEWAL_ISSUED || answer->result == SEALRING_RENEWAL_AGAIN;
    if (length != size - RENEWAL_ANSWER_SIZE || (length > 0) != handed_over)
        return false;
    switch (form) {
    case RENEWAL_NOTHING:
        return !handed_over;
    case RENEWAL_CREDENTIAL:
        return handed_over && length <= SEALRING_CREDENTIAL_LENGTH_MAX && is_plain(answer->payload, (size_t)length);
    case RENEWAL_SEALED:
        return handed_over && length <= RENEWAL_SEALED_MAX;
    default:
        return false;
    }
}

static bool get_answer(const uint8_t *at, size_t size, struct renewal_answer *answer)
{
    answer->result = (unsigned)get(&at, 2);
    answer->retry_after = (uint32_t)get(&at, 4);
    answer->expires = (int64_t)get(&at, 8);
    answer->predecessor_until = (int64_t)get(&at, 8);
    answer->version = (uint32_t)get(&at, 4);
    answer->serial = (uint32_t)get(&at, 4);
    bool has_key = !is_zero(at, SEALRING_KEY_ID_LENGTH);
    if (answer->result > SEALRING_RENEWAL_LIMITED || answer->expires < 0 || answer->predecessor_until < 0 ||
        (has_key && !is_plain(at, SEALRING_KEY_ID_LENGTH)))
        return false;
    memcpy(answer->key_id, at, SEALRING_KEY_ID_LENGTH);
    answer->key_id[SEALRING_KEY_ID_LENGTH] = '\0';
    at += SEALRING_KEY_ID_LENGTH;
    uint64_t form = get(&at, 1), length = get(&at, 4);
    answer->payload = at;
    if (!is_payload(answer, form, length, size))
        return false;
    answer->form = (enum renewal_form)form;
    answer->payload_length = (size_t)length;
    return true;
}

/* ---- Messages ---- */

size_t renewal_message_write(const struct renewal_message *message, uint8_t bytes[RENEWAL_MESSAGE_MAX])
{
    uint8_t *at = bytes;
    put(&at, RENEWAL_PROTOCOL, 2);
    put(&at, message->type, 2);
    put(&at, message->id, 4);
    if (message->type == RENEWAL_RENEW)
        put_request(&message->of.request, &at);
    else if (message->type == RENEWAL_CLAIM)
        put_claim(&message->of.request, &at);
    else if (message->type == RENEWAL_RENEWED || message->type == RENEWAL_CLAIMED)
        put_answer(&message->of.answer, &at);
    else if (message->type == RENEWAL_LEAK)
        at += leak_report_write(&message->of.report, at);
    else if (message->type == RENEWAL_LEAK_TAKEN)
        put(&at, message->of.leak_result, LEAK_TAKEN_SIZE);
    return (size_t)(at - bytes);
}

bool renewal_message_read(const uint8_t *bytes, size_t size, struct renewal_message *message)
{
    const uint8_t *at = bytes;
    if (size < RENEWAL_HEADER_SIZE || size > RENEWAL_MESSAGE_MAX || get(&at, 2) != RENEWAL_PROTOCOL)
        return false;
    uint64_t type = get(&at, 2);
    message->type = (enum renewal_message_type)type;
    message->id = (uint32_t)get(&at, 4);
    switch (type) {
    case RENEWAL_PING:
    case RENEWAL_PONG:
        return size == RENEWAL_HEADER_SIZE;
    case RENEWAL_RENEW:
        return size == RENEWAL_REQUEST_SIZE && get_request(at, &message->of.request);
    case RENEWAL_LEAK:
        return leak_report_read(at, size - RENEWAL_HEADER_SIZE, &message->of.report);
    case RENEWAL_LEAK_TAKEN:
        return size == RENEWAL_HEADER_SIZE + LEAK_TAKEN_SIZE &&
               (message->of.leak_result = (unsigned)get(&at, LEAK_TAKEN_SIZE)) <= SEALRING_LEAK_REKEYED;
    case RENEWAL_CLAIM:
        return size == RENEWAL_CLAIM_SIZE && get_claim(at, &message->of.request);
    case RENEWAL_RENEWED:
        return size >= RENEWAL_ANSWER_SIZE && get_answer(at, size, &message->of.answer);
    case RENEWAL_CLAIMED:
        return size >= RENEWAL_ANSWER_SIZE && get_answer(at, size, &message->of.answer) &&
               message->of.answer.form != RENEWAL_CREDENTIAL;
    default:
        return false;
    }
}
