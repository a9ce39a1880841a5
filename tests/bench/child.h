/* SPDX-License-Identifier: Apache-2.0 */
/* Further processes of a run: this program in another role, and memory that they share. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* What a role does, in a fresh process: nothing of the parent's is open in it. Its exit status. */
typedef int (*child_role)(const char *vault, const char *shared_path);

/* Starts the program in the role `role` ("churn", ...). It dies with its parent. */
pid_t child_start(const char *role, const char *vault, const char *shared_path);

/* Waits until it ends; the program ends if it failed. */
void child_finish(pid_t child, const char *role);

/* The program ends if the child has ended already: it would be waited for in vain. */
void child_check(pid_t child, const char *role);

/* Zeroed memory in a file that both sides map: the parent makes it, size not 0; with size 0 it is taken as it is. */
void *child_share(const char *path, size_t size);

#endif
