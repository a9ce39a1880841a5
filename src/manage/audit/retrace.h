/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log retraced: each row as the last act on it left it, and the acts that copied an edited row. */
#ifndef MANAGE_AUDIT_RETRACE_H
#define MANAGE_AUDIT_RETRACE_H

#include <jansson.h>

#include "manage/audit/issued_keys.h"
#include "registry/log/log_rows.h"

/* entry: the number of the entry that the problem is about, 0 for none. */
typedef void (*retrace_problem)(uint64_t entry, const char *text, void *context);

/* Suspensions, narrowing, the ends that rekeying set, versions' states and policies are in the registry alone: the token does not confirm them. But
 * an act in the log made each of them, and its entry contains the row as the act left it (log/row_image.h).
 *
 * The maps contain the last image of a row; jansson's objects are hash tables. Of keys, credentials and clients, of which there may be millions,
 * they contain only those with more than `issued` stores. */
struct retrace {
    json_t *images[REGISTRY_TABLE_CREDENTIAL +
                   1];         /* by table; clients: those that are forgotten, or were; keys: those that are not simply
                                                      active, or were not; credentials: those that were given an end */
    struct issued_keys issued; /* all keys */
    json_t *init;              /* the vault's first detail; NULL: none seen */
    uint64_t count;            /* of credentials */
    bool imported;             /* an entry up to here is about imported keys */
    bool lacks_rows;           /* an older sealring issued keys without their rows in the entry */
    uint64_t cut;              /* the entries up to this one were not retraced; 0: none */
    int64_t last_key;          /* the row number of the last API key that they issued */
    struct registry *registry; /* whose rows are compared; NULL: none */
    retrace_problem problem;   /* NULL: nobody wants to know */
    void *context;
};

/* registry: that of the log, as it is in the present transaction: each credential that the log issues is looked up in it. */
sealring_status retrace_begin(struct retrace *retrace, struct registry *registry, retrace_problem problem,
                              void *context, sealring_error *error);
void retrace_release(struct retrace *retrace);

/* What an archive's entry keeps for those who do not have the archived entries, and a beginning with that: rings, versions, clients that are
 * forgotten, the number of credentials. It contains no API key, as there may be millions: those up to last_key are compared as far as later entries
 * are about them. kept: NULL, or malformed: nothing is known of what was before. */
json_t *retrace_keep(const struct retrace *retrace);
sealring_status retrace_resume(struct retrace *retrace, uint64_t cut, const json_t *kept, sealring_error *error);

/* The next entry of the log. An entry that is not well formed is ignored: the examination of the log reports it. */
sealring_status retrace_entry(struct retrace *retrace, const struct registry_audit *entry, sealring_error *error);

/* The last image of the row that `image` is of; NULL: there is none. */
json_t *retrace_find(const struct retrace *retrace, enum registry_table table, const json_t *image);

#endif
