/* SPDX-License-Identifier: Apache-2.0 */
/* A row that is not what the facts contain, in words. */
#ifndef LOG_CONTRADICTION_H
#define LOG_CONTRADICTION_H

#include "registry/rows/current_rows.h"

#define CONTRADICTION_TEXT_SIZE 512

/* One line that names the row and both values. */
void contradiction_text(const struct registry_contradiction *found, char text[CONTRADICTION_TEXT_SIZE]);

#endif
