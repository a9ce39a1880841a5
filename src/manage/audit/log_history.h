/* SPDX-License-Identifier: Apache-2.0 */
/* The history of an audit log: the entries in its archives, as far as they are given, then those in the registry. */
#ifndef MANAGE_AUDIT_LOG_HISTORY_H
#define MANAGE_AUDIT_LOG_HISTORY_H

#include "log/log_cut.h"
#include "manage/audit/read_archive.h"
#include "manage/audit/retrace.h"

struct log_history {
    struct log_cut cut;
    struct archive_chain chain;
    struct examine_archives archives; /* for the examination, if has_archives */
    bool has_archives;
};

/* Within a transaction. paths: of archives, ended by NULL; NULL: none. What is wrong with an archive is passed to `problem`, and none counts then.
 * SEALRING_INVALID: one is missing between those that were given and the registry. In any case to be released. */
sealring_status log_history_open(struct log_history *history, struct registry *registry, const struct audit_keys *keys,
                                 const char *const *paths, retrace_problem problem, void *context,
                                 sealring_error *error);
/* Begins to retrace with what is known of the entries before the first one that is examined. */
sealring_status log_history_resume(const struct log_history *history, struct registry *registry,
                                   struct retrace *retrace, sealring_error *error);
void log_history_release(struct log_history *history);

#endif
