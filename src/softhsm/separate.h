/* SPDX-License-Identifier: Apache-2.0 */
/* Work on files whose locks are another owner's: with file descriptors of its own. */
#ifndef SOFTHSM_SEPARATE_H
#define SOFTHSM_SEPARATE_H

#include <stdbool.h>

/* Runs the task in a thread that has a table of file descriptors of its own, and waits for it. A lock by fcntl belongs to a process's table of
 * descriptors, and closing any descriptor of a file gives up every lock that the table has on it (fcntl(2)): SoftHSM2's, if it
 * were done in the host's table. In one of its own the task opens, locks and closes what it likes, and excludes SoftHSM2 in this
 * process as in any other.
 *
 * A thread, and not a child process: it ends with the process at SIGKILL, so that nothing is written for a process that is gone; a host
 * that waits for any child sees none; nothing is copied of a large process. Descriptors of the host are neither kept open nor known
 * there. No signal is handled in it.
 *
 * False: it was not run, *problem is the errno why: no thread can be made, or the system allows it no table of its own. */
bool separate_run(void (*task)(void *context), void *context, int *problem);

#endif
