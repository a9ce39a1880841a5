/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate that an option names. */
#include "tools/sealring/delivery/certificate_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int certificate_file_read(struct session *session, const char *option, struct certificate_file *file)
{
    const char *path = option_text(&session->options, option);
    file->data = path != NULL ? file->bytes : NULL;
    file->length = 0;
    if (path == NULL || path[0] == '\0')
        return STATUS_DONE;
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return session_refuse(session, STATUS_USAGE, "the certificate %s cannot be opened: %s", path, strerror(errno));
    file->length = fread(file->bytes, 1, sizeof file->bytes, stream);
    int problem = ferror(stream) != 0 ? errno : 0;
    fclose(stream);
    if (problem != 0)
        return session_refuse(session, STATUS_USAGE, "the certificate %s cannot be read: %s", path, strerror(problem));
    if (file->length == 0)
        return session_refuse(session, STATUS_USAGE, "the certificate %s is an empty file", path);
    return STATUS_DONE;
}
