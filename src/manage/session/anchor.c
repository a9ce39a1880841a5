/* SPDX-License-Identifier: Apache-2.0 */
/* The anchor in the audit token: what it stores about the log, in a data object or in the label of its private key. */
#include "manage/session/audit_token_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/sha256.h"
#include "token/object/data_object.h"

#define WITNESS_ANCHOR_HEAD "sealring anchor 1 "
#define WITNESS_ANCHORS \
    16 /* one; two after an interruption, and one more after each time that the old one was not destroyed */

void anchor_format(const struct witness_anchor *anchor, char text[TOKEN_DATA_MAX])
{
    char era[2 * CHECKPOINT_ERA_SIZE + 1];
    char digest[BASE64_LENGTH(MERKLE_HASH_SIZE) + 1];
    hex_encode(anchor->era, CHECKPOINT_ERA_SIZE, era);
    base64_encode(anchor->digest.bytes, MERKLE_HASH_SIZE, digest);
    snprintf(text, TOKEN_DATA_MAX, WITNESS_ANCHOR_HEAD "%" PRIu64 " %s %" PRIu64 " %" PRIu64 " %s", anchor->serial, era,
             anchor->size, anchor->closed_count, digest);
}

static bool anchor_parse(const char *text, struct witness_anchor *anchor)
{
    char era[2 * CHECKPOINT_ERA_SIZE + 1] = "";
    char digest[BASE64_LENGTH(MERKLE_HASH_SIZE) + 1] = "";
    char again[TOKEN_DATA_MAX];
    size_t length = 0;
    memset(anchor, 0, sizeof *anchor);
    /* A number that does not fit is noticed at the end, when the anchor is formatted again and compared. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(text, WITNESS_ANCHOR_HEAD "%" SCNu64 " %32s %" SCNu64 " %" SCNu64 " %44s", &anchor->serial, era,
               &anchor->size, &anchor->closed_count, digest) != 5 ||
        !base64_decode(digest, strlen(digest), anchor->digest.bytes, MERKLE_HASH_SIZE, &length) ||
        !hex_decode(era, anchor->era, CHECKPOINT_ERA_SIZE))
        return false;
    anchor_format(anchor, again);
    return strcmp(again, text) == 0;
}

void anchor_digest(const struct merkle_hash *root, const uint8_t closed[REGISTRY_DIGEST_SIZE],
                   struct merkle_hash *digest)
{
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, root->bytes, sizeof root->bytes);
    sha256_add(&hash, closed, REGISTRY_DIGEST_SIZE);
    sha256_finish(&hash, digest->bytes);
}

static void anchor_take(const char *text, bool *there, struct witness_anchor *newest)
{
    struct witness_anchor anchor;
    if (anchor_parse(text, &anchor) && (!*there || anchor.serial > newest->serial)) {
        *newest = anchor;
        *there = true;
    }
}

/* The newest of the data objects with that label. If there are objects and none contains an anchor, this is refused, and not treated as no anchor. */
static sealring_status anchor_load_data(struct token *token, const char *label, bool *there,
                                        struct witness_anchor *newest, enum token_answer *answer, sealring_error *error)
{
    struct token_data values[WITNESS_ANCHORS];
    size_t count = 0;
    *there = false;
    sealring_status status = token_data_read(token, label, values, WITNESS_ANCHORS, &count, answer, error);
    for (size_t i = 0; i < count; i++) {
        char text[TOKEN_DATA_MAX + 1];
        memcpy(text, values[i].bytes, values[i].length);
        text[values[i].length] = '\0';
        anchor_take(text, there, newest);
    }
    if (count == 0 || *there)
        return status;
    *answer = TOKEN_REFUSES;
    return error_set(error, SEALRING_REFUSED, "the audit token has a data object %s with another content", label);
}

sealring_status anchor_load(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                            struct audit_witness *witness, enum token_answer *answer, sealring_error *error)
{
    char label[TOKEN_LABEL_MAX + 1];
    struct token_signer signer;
    enum token_answer labelled, announced;
    sealring_error inner;
    witness_label(ANCHOR_OF_LOG, vault_id, label);
    witness_signer(vault_id, witness->number, &signer);
    sealring_status status = anchor_load_data(token, label, &witness->anchored, &witness->anchor, answer, error);
    if (*answer == TOKEN_FAILED)
        return status;
    sealring_status label_status = token_signer_label(token, &signer, label, &labelled, &inner);
    if (labelled == TOKEN_DONE)
        anchor_take(label, &witness->anchored, &witness->anchor);
    if (!witness->anchored && *answer == TOKEN_DONE && labelled != TOKEN_DONE && labelled != TOKEN_MISSING) {
        status = label_status;
        *answer = labelled;
        if (error != NULL)
            *error = inner;
    }
    if (!witness->anchored)
        return *answer == TOKEN_REFUSES && witness->made ? SEALRING_OK : status;
    witness_label(ANCHOR_OF_TAKE_OVER, vault_id, label);
    status = anchor_load_data(token, label, &witness->announced, &witness->take_over, &announced, error);
    *answer = announced == TOKEN_FAILED ? TOKEN_FAILED : TOKEN_DONE;
    /* a take-over is complete once the anchor is as new as it */
    witness->announced = witness->announced && witness->take_over.serial > witness->anchor.serial;
    return announced == TOKEN_REFUSES ? SEALRING_OK
                                      : status; /* then no take-over is announced, which is the safe side */
}

sealring_status anchor_store(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                             const struct audit_witness *witness, const struct witness_anchor *anchor,
                             sealring_error *error)
{
    char text[TOKEN_DATA_MAX];
    char label[TOKEN_LABEL_MAX + 1];
    struct token_signer signer;
    enum token_answer answer;
    witness_label(ANCHOR_OF_LOG, vault_id, label);
    anchor_format(anchor, text);
    witness_signer(vault_id, witness->number, &signer);
    sealring_status status = token_data_write(token, label, text, strlen(text), &answer, error);
    return answer == TOKEN_REFUSES ? token_signer_relabel(token, &signer, text, error) : status;
}
