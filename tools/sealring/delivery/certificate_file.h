/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate that an option names. */
#ifndef TOOL_CERTIFICATE_FILE_H
#define TOOL_CERTIFICATE_FILE_H

#include <sealring/sealed.h>

#include "tools/sealring/session.h"

struct certificate_file {
    const void *data;                                  /* NULL: the option was not given */
    size_t length;                                     /* 0: it has an empty text */
    unsigned char bytes[SEALRING_CERTIFICATE_MAX + 1]; /* one more than the library permits */
};

/* Reads the file that the option of this name has. Returns an exit status. */
int certificate_file_read(struct session *session, const char *option, struct certificate_file *file);

#endif
