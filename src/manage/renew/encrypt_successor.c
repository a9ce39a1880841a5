/* SPDX-License-Identifier: Apache-2.0 */
/* Successors in rings that renew `sealed`: encrypted to their client's certificate before they are committed, so that none is made that cannot be handed
 * out. */
#include "manage/renew/renew_batch.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/error.h"
#include "base/secret.h"
#include "manage/delivery/sealed_delivery.h"

static bool is_sealed(const struct renew_item *item)
{
    return item->older.ring.policy.renew == SEALRING_RENEW_SEALED;
}

void renew_forget_sealed(struct renew_item *item)
{
    X509_free(item->recipient);
    item->recipient = NULL;
    free(item->sealed);
    item->sealed = NULL;
    item->sealed_length = 0;
}

sealring_status renew_find_recipient(struct renew_batch *batch, struct renew_item *item, sealring_error *error)
{
    sealring_error inner = {.message = ""};
    enum recipient_state state;
    if (!is_sealed(item))
        return SEALRING_OK;
    if (!witness_configured(batch->manager->config)) {
        renew_answer(item, SEALRING_RENEWAL_OFF, "this vault has no audit token, whose key signs what is encrypted");
        return SEALRING_OK;
    }
    sealring_status status =
        recipient_find(batch->manager->registry, item->older.client.name, batch->now, &item->recipient, &state, &inner);
    if (state == RECIPIENT_NONE)
        renew_answer(item, SEALRING_RENEWAL_OFF, "%s", inner.message);
    if (state == RECIPIENT_ALTERED) {
        atomic_store(&batch->manager->alarmed, true);
        renew_answer(item, SEALRING_RENEWAL_UNAVAILABLE, "%s", inner.message);
    }
    if (state != RECIPIENT_UNKNOWN)
        return SEALRING_OK;
    if (error != NULL)
        *error = inner;
    return status;
}

static bool waits_for_it(const struct renew_item *item)
{
    return item->turn && item->stage == RENEW_HANDS_OUT && is_sealed(item);
}

/* Another request may succeed later. */
static void answer_unavailable(struct renew_item *item, const sealring_error *error)
{
    secret_wipe(item->request->successor, sizeof item->request->successor);
    renew_answer(item, SEALRING_RENEWAL_UNAVAILABLE, "%s", error->message);
}

static sealring_status keep(struct renew_item *item, const struct sealed_delivery *delivery, size_t index,
                            sealring_error *error)
{
    unsigned char *der = NULL;
    sealring_status status =
        sealed_delivery_make(delivery, index, item->request->successor, &der, &item->sealed_length, error);
    if (status == SEALRING_OK) /* of the memory that callers free */
        item->sealed = malloc(item->sealed_length);
    if (status == SEALRING_OK && item->sealed == NULL)
        status = error_no_memory(error);
    if (status == SEALRING_OK)
        memcpy(item->sealed, der, item->sealed_length);
    OPENSSL_free(der);
    return status;
}

static sealring_status add_all(struct renew_batch *batch, struct sealed_delivery *delivery, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < batch->count; i++) {
        const struct renew_item *item = &batch->items[i];
        if (waits_for_it(item))
            status = sealed_delivery_add(delivery, item->recipient, &item->successor, item->request->successor, error);
    }
    return status == SEALRING_OK ? sealed_delivery_sign(delivery, error) : status;
}

void renew_encrypt(struct renew_batch *batch)
{
    sealring_error error = {.message = ""};
    struct sealed_delivery *delivery = NULL;
    size_t count = 0, index = 0;
    for (size_t i = 0; i < batch->count; i++)
        count += waits_for_it(&batch->items[i]);
    if (count == 0 || batch->manager->dry_run)
        return;
    sealring_status all = sealed_delivery_open(batch->manager, count, &delivery, &error);
    if (all == SEALRING_OK)
        all = add_all(batch, delivery, &error);
    for (size_t i = 0; i < batch->count; i++) {
        struct renew_item *item = &batch->items[i];
        if (waits_for_it(item) && (all != SEALRING_OK || keep(item, delivery, index++, &error) != SEALRING_OK))
            answer_unavailable(item, &error);
    }
    sealed_delivery_close(delivery);
}

void renew_pass_sealed(struct renew_item *item)
{
    sealring_renewal *request = item->request;
    if (item->sealed == NULL)
        return;
    secret_wipe(request->successor, sizeof request->successor);
    request->sealed = item->sealed;
    request->sealed_length = item->sealed_length;
    item->sealed = NULL;
}

void renew_copy_sealed(const sealring_renewal *from, struct renew_item *item)
{
    sealring_error error = {.message = ""};
    if (from->sealed == NULL)
        return;
    item->request->sealed = malloc(from->sealed_length);
    if (item->request->sealed == NULL) {
        (void)error_no_memory(&error);
        answer_unavailable(item, &error);
        return;
    }
    memcpy(item->request->sealed, from->sealed, from->sealed_length);
    item->request->sealed_length = from->sealed_length;
}
