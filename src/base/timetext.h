/* SPDX-License-Identifier: Apache-2.0 */
/* Times and durations as text (RFC 3339; 90d12h). */
#ifndef BASE_TIMETEXT_H
#define BASE_TIMETEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TIMETEXT_SIZE         32
#define TIMETEXT_DURATION_MAX (INT64_C(36500) * 86400000)

/* As described in <sealring/manage.h>; false if the text is not valid. 1970-01-01T00:00:00Z itself is refused: 0 means "none". A number
 * that is not a time of 1970 to 9999 is written as "out of range", a negative duration with "-". */
void timetext_format(int64_t time, char text[TIMETEXT_SIZE]);
bool timetext_parse(const char *text, int64_t *time);
void timetext_duration_format(int64_t duration, char text[TIMETEXT_SIZE]);
bool timetext_duration_parse(const char *text, int64_t *duration);

#endif
