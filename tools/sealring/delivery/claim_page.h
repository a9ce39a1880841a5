/* SPDX-License-Identifier: Apache-2.0 */
/* Claim codes instead of credentials, and the page that is sent along with them. */
#ifndef TOOL_CLAIM_PAGE_H
#define TOOL_CLAIM_PAGE_H

#include <stdbool.h>

#include "tools/sealring/session.h"

/* Has the library give out codes if --claim was given (*claimed), and writes the page that --instructions names. Returns an exit status. */
int claim_page_ask(struct session *session, bool *claimed);

#endif
