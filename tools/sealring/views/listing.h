/* SPDX-License-Identifier: Apache-2.0 */
/* What a command lists: rows that the library passes to a callback, as a table or, with --json, as an array. */
#ifndef TOOL_LISTING_H
#define TOOL_LISTING_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/table.h"

/* A callback appends its object to `array` if there is one, and adds its cells to `table` otherwise. */
struct shown_rows {
    struct session *session;
    struct table table;
    json_t *array;  /* with --json only */
    json_t *object; /* with --json: that to which the rows belong, NULL for none; owned */
};

void listing_start(struct shown_rows *listing, struct session *session, const struct table_column *columns);

/* Prints the rows, or the sentence `none` if there is none (NULL: nothing); with --json as the member `member` of `object`. If the rows belong
 * to an object that was described before, `name` is its name: they follow behind an empty line, or with --json in {NAME: object};
 * otherwise NULL. A failure is reported instead. Returns the exit status. */
int listing_finish(struct shown_rows *listing, sealring_status status, const char *name, const char *member,
                   const char *none);

/* API keys. A sealring_key_callback; context: the listing. */
extern const struct table_column listing_key_columns[];
int listing_key(const sealring_key_info *key, void *context);

#endif
