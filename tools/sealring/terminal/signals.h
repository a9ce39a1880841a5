/* SPDX-License-Identifier: Apache-2.0 */
/* Interruptions, noticed where it is safe to stop. */
#ifndef TOOL_SIGNALS_H
#define TOOL_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on SIGINT, SIGTERM and SIGHUP are only noted; a second one ends the process as usual. */
void signals_watch(void);

/* Whether they are noted now. */
bool signals_watching(void);

/* From now on they end the process again. */
void signals_release(void);

/* What a second one writes to standard output before it ends the process; a literal, or NULL for nothing. */
void signals_last_words(const char *text);

/* Sleeps for this number of milliseconds, or until a signal is noted. */
void signals_sleep(int64_t milliseconds);

/* The signal that was caught, 0 for none. */
int signals_caught(void);

#endif
