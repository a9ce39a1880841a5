/* SPDX-License-Identifier: Apache-2.0 */
/* What a manager does for the files of the vault's own software tokens. */
#include "vault/copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define JOURNAL_SIZE 20480

static sealring_status nothing(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

/* The journal's lines, one text each. A line that is no text must not keep the others off the record, nor hold acts up. */
static json_t *lines_of(char *journal)
{
    json_t *lines = json_array();
    char *rest = NULL;
    for (char *line = strtok_r(journal, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        for (char *c = line; *c != '\0'; c++)
            if (*c < ' ' || *c > '~')
                *c = '?';
        lines = audit_list_add(lines, json_string(line));
    }
    return lines;
}

sealring_status copies_record(sealring_manager *manager, sealring_error *error)
{
    if (manager->config->software == NULL || manager->dry_run)
        return SEALRING_OK;
    const struct store *store = software_store(manager->config->software);
    struct audit_act act = {.name = "token.restore"};
    char *journal = malloc(JOURNAL_SIZE);
    if (journal == NULL)
        return error_no_memory(error);
    sealring_status status = SEALRING_OK;
    if (store_read_journal(store, journal, JOURNAL_SIZE) > 0) {
        audit_detail_add(&act, "files", lines_of(journal));
        status = manager_write(manager, false, &act, nothing, NULL, error);
        if (status == SEALRING_OK)
            store_forget_journal(store);
        audit_release(&act);
    }
    free(journal);
    return status;
}
