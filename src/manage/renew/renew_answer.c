/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to one request of renewal. */
#include "manage/renew/renew_batch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"

void renew_answer(struct renew_item *item, sealring_renewal_result result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(item->request->reason, sizeof item->request->reason, format, arguments);
    va_end(arguments);
    item->request->result = result;
    item->stage =
        result == SEALRING_RENEWAL_ISSUED || result == SEALRING_RENEWAL_AGAIN ? RENEW_HANDS_OUT : RENEW_ANSWERED;
}

void renew_clear(sealring_renewal *request)
{
    const sealring_renewal asked = *request;
    secret_wipe(request, sizeof *request);
    request->size = asked.size;
    request->credential = asked.credential;
    request->credential_length = asked.credential_length;
    request->peer = asked.peer;
    request->limited = asked.limited;
}

void sealring_renewal_release(sealring_renewal *request)
{
    free(request->sealed);
    renew_clear(request);
}
