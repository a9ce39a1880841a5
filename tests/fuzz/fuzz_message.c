/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes come: the messages between sealringd and sealring-broker. */
#include "fuzz/fuzzer.h"

#include "fuzz/property.h"
#include "gateway/daemon/renewal_message.h"

static void check_answer(const struct renewal_answer *answer, const uint8_t *data, size_t size)
{
    bool handed_over = answer->result == SEALRING_RENEWAL_ISSUED || answer->result == SEALRING_RENEWAL_AGAIN;
    require(answer->result <= SEALRING_RENEWAL_LIMITED, "the result is known");
    require(handed_over == (answer->payload_length > 0), "there is a payload exactly with a successor");
    require(answer->payload_length <= RENEWAL_SEALED_MAX, "it has a bound");
    require(answer->payload >= data && answer->payload + answer->payload_length == data + size,
            "the payload is what the message ends with");
    for (size_t i = 0; answer->form == RENEWAL_CREDENTIAL && i < answer->payload_length; i++)
        require(strchr("\"\\<>&'", answer->payload[i]) == NULL && answer->payload[i] > ' ' && answer->payload[i] < 0x7f,
                "a credential needs no escape");
    require(memchr(answer->key_id, '\0', sizeof answer->key_id) != NULL, "the key ID ends");
}

/* A message has one encoding: what is read is written as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[RENEWAL_MESSAGE_MAX];
    struct renewal_message message;
    memset(&message, 0xa5, sizeof message);
    if (!renewal_message_read(data, size, &message))
        return 0;
    require(size >= RENEWAL_HEADER_SIZE && size <= RENEWAL_MESSAGE_MAX, "the size is that of a message");
    if (message.type == RENEWAL_RENEW)
        require(message.of.request.length > 0 && message.of.request.length <= SEALRING_CREDENTIAL_LENGTH_MAX,
                "the credential fits");
    else if (message.type == RENEWAL_CLAIM)
        require(message.of.request.length == CLAIM_CODE_LENGTH && message.of.request.certificate_length > 0 &&
                    message.of.request.certificate_length <= CLAIM_CERTIFICATE_MAX,
                "code and certificate fit");
    else if (message.type == RENEWAL_RENEWED || message.type == RENEWAL_CLAIMED)
        check_answer(&message.of.answer, data, size);
    if (message.type == RENEWAL_CLAIMED)
        require(message.of.answer.form != RENEWAL_CREDENTIAL, "nothing in plain text");
    memset(bytes, 0xa5, sizeof bytes);
    require(renewal_message_write(&message, bytes) == size && memcmp(bytes, data, size) == 0,
            "it is written as it was read");
    return 0;
}
