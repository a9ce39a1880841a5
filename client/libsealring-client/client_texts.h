/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials in locked memory, immutable until all are wiped together. */
#ifndef CLIENT_TEXTS_H
#define CLIENT_TEXTS_H

#include <stddef.h>

struct client_texts {
    struct client_texts_page *pages; /* the newest first */
};

/* Returns the text's only copy, which ends in NUL; NULL: no memory. Calls exclude each other; a reader of an earlier result is never
 * disturbed, as nothing is moved or freed. A fork at any moment leaves the child a usable list. */
const char *client_texts_keep(struct client_texts *texts, const char *text);

/* Wipes and frees all of them. */
void client_texts_end(struct client_texts *texts);

#endif
