/* SPDX-License-Identifier: Apache-2.0 */
/* Runs work on files that others lock with fcntl, with a separate table of file descriptors. */
#ifndef SOFTHSM_SEPARATE_H
#define SOFTHSM_SEPARATE_H

/* Runs the task in a thread that has its own table of file descriptors, and waits for it. A lock by fcntl belongs to a table of
 * descriptors, and closing any descriptor of a file releases every lock that the table has on it (fcntl(2)): in the host's table, that
 * would release SoftHSM2's locks. With its own table the task can open, lock and close files, and excludes SoftHSM2 in this process as
 * in any other.
 *
 * It is a thread, and not a child process: it ends with the process at SIGKILL, so nothing is written for a process that is gone; a
 * host that waits for any child sees none; nothing of a large process is copied. It neither knows the host's descriptors nor keeps them
 * open. It handles no signals.
 *
 * Returns what the task returns: 0 or an errno; or an errno if it did not run: no thread can be made, or the system permits no separate
 * table. */
int separate_run(int (*task)(void *context), void *context);

#endif
