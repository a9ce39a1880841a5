/* SPDX-License-Identifier: Apache-2.0 */
/* The pattern of a ring's credentials, in the formats of programs that search for leaked ones. */
#ifndef TOOL_SCANNER_RULE_H
#define TOOL_SCANNER_RULE_H

#include <stdbool.h>

#include "tools/sealring/session.h"

#define SCANNERS "gitleaks, trufflehog or github"

/* Whether there is a rule for this scanner. */
bool scanner_is_known(const char *scanner);

/* Prints the rule for credentials with this prefix. */
void scanner_print_rule(const struct session *session, const char *scanner, const char *ring, const char *prefix);

#endif
