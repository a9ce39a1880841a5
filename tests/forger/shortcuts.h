/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a trial cheaper without a difference to what it tries. */
#ifndef FORGER_SHORTCUTS_H
#define FORGER_SHORTCUTS_H

/* Before the first fork: children share what is remembered. */
void shortcuts_begin(void);

#endif
