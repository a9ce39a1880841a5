/* SPDX-License-Identifier: Apache-2.0 */
/* One mail as the bytes that SMTP carries (RFC 5322): pure. */
#ifndef NOTIFY_MAIL_MESSAGE_H
#define NOTIFY_MAIL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define MAIL_ADDRESS_MAX 254 /* RFC 5321, section 4.5.3.1, with the brackets */

/* NULL if mail can be sent to this address, else the reason as a sentence fragment ("has no `@`"). It is LOCAL@DOMAIN in ASCII without quotes, comments,
 * blanks and address literals. */
const char *mail_address_problem(const char *address);

struct mail {
    const char *id;      /* the same for each attempt; letters, digits, `_`, `-`: the left part of the Message-ID */
    const char *to;      /* one address */
    const char *subject; /* one line of UTF-8 */
    const char *text;    /* lines of UTF-8, each ended by LF */
    int64_t now;         /* wall clock, ms */
};

/* Makes the message, to be freed, with CR LF at the end of each line and no line longer than 78 characters. NULL: *problem is why, as a sentence
 * fragment, or there is no memory and *problem is NULL. */
char *mail_message_make(const struct mail *mail, const char *from, const char **problem);

#endif
