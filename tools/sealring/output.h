/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output: nothing that was written there is lost without an error. */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

/* Makes the process fit to handle secrets: file descriptors 0 to 2 are open, SIGPIPE is an error of write, no core dumps.
 * Returns an exit status. */
int output_start(void);

/* Flushes standard output and wipes its buffer. Returns exit_status, or STATUS_REFUSED after saying that something could
 * not be written. */
int output_finish(int exit_status);

#endif
