/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate and the key of listeners with TLS, read from files. */
#include "gateway/daemon/tls_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/daemon/journal.h"

enum { FILE_MAX = 65536 };

/* NULL, after a message. */
static char *read_text(const char *path)
{
    char *text = calloc(1, FILE_MAX + 1);
    FILE *file = fopen(path, "re");
    if (file != NULL)
        setbuf(file, NULL); /* no copy of the key stays in a buffer */
    size_t length = file != NULL && text != NULL ? fread(text, 1, FILE_MAX + 1, file) : 0;
    const char *problem = file == NULL || text == NULL || ferror(file) ? strerror(errno)
                          : length > FILE_MAX                          ? "it is larger than 64 KiB"
                          : strstr(text, "-----BEGIN ") == NULL        ? "it has nothing in PEM"
                                                                       : NULL;
    if (file != NULL)
        (void)fclose(file);
    if (problem == NULL)
        return text;
    journal_write(JOURNAL_ERROR, "%s cannot be used for TLS: %s", path, problem);
    if (text != NULL)
        explicit_bzero(text, FILE_MAX + 1);
    free(text);
    return NULL;
}

bool tls_read(const char *certificate, const char *key, struct tls_files *files)
{
    struct tls_files read = {.certificate = read_text(certificate)};
    read.key = read.certificate == NULL ? NULL : read_text(key);
    if (read.key != NULL) {
        *files = read;
        return true;
    }
    tls_free(&read);
    return false;
}

void tls_free(struct tls_files *files)
{
    free(files->certificate);
    if (files->key != NULL)
        explicit_bzero(files->key, strlen(files->key));
    free(files->key);
    *files = (struct tls_files){.certificate = NULL};
}
