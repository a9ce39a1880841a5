/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials in locked memory, immutable until all are wiped together. */
#include "client/libsealring-client/client_texts.h"

#include <stdatomic.h>
#include <string.h>

#include <sealring/client.h>

#include "base/secret.h"

/* Readers hold plain pointers for as long as a request takes, which nobody can know: so no text is freed before the client is closed. One
 * that is replaced each hour needs 4 MiB a year; equal texts are stored once, so one that alternates needs nothing more. */
#define TEXTS_PER_PAGE 7
#define TEXT_SIZE      (SEALRING_CLIENT_TEXT_MAX + 1)

struct client_texts_page {
    struct client_texts_page *next;
    size_t count; /* written after the text, so that a fork in between leaves the child no half text */
    char text[TEXTS_PER_PAGE][TEXT_SIZE];
};
_Static_assert(sizeof(struct client_texts_page) <= 4096, "it fits into a page of memory");

const char *client_texts_keep(struct client_texts *texts, const char *text)
{
    for (struct client_texts_page *page = texts->pages; page != NULL; page = page->next)
        for (size_t i = 0; i < page->count; i++)
            if (strcmp(page->text[i], text) == 0)
                return page->text[i];
    struct client_texts_page *page = texts->pages;
    if (page == NULL || page->count == TEXTS_PER_PAGE) {
        page = secret_allocate(sizeof *page);
        if (page == NULL)
            return NULL;
        page->next = texts->pages;
        texts->pages = page;
    }
    char *kept = page->text[page->count];
    (void)strncpy(kept, text, TEXT_SIZE - 1);
    atomic_signal_fence(memory_order_release);
    page->count++;
    return kept;
}

void client_texts_end(struct client_texts *texts)
{
    while (texts->pages != NULL) {
        struct client_texts_page *page = texts->pages;
        texts->pages = page->next;
        secret_free(page, sizeof *page);
    }
}
