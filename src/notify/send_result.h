/* SPDX-License-Identifier: Apache-2.0 */
/* What became of one attempt to send a message, by any channel. */
#ifndef NOTIFY_SEND_RESULT_H
#define NOTIFY_SEND_RESULT_H

#include <stdint.h>

#define SEND_REASON_SIZE     200
#define SEND_RETRY_AFTER_MAX (INT64_C(6) * 3600 * 1000) /* a receiver delays nothing for longer */

enum send_outcome {
    SEND_DONE,   /* the receiver has taken it */
    SEND_RETRY,  /* it may be taken later; it may also have been taken, with the answer lost */
    SEND_REFUSED /* it will never be taken: send it no more */
};

struct send_result {
    enum send_outcome outcome;
    int64_t retry_after;           /* ms until the receiver wants to be asked again; 0: it did not say */
    char reason[SEND_REASON_SIZE]; /* "" if done; one line without controls, and nothing secret */
};

#endif
