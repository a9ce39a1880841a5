/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate and the key of listeners with TLS, read from files. */
#ifndef GATEWAY_DAEMON_TLS_FILES_H
#define GATEWAY_DAEMON_TLS_FILES_H

#include <stdbool.h>

struct tls_files {
    char *certificate; /* PEM, with the chain; NULL: none */
    char *key;
};

/* Reads both. False: a message was written, and nothing has changed. */
bool tls_read(const char *certificate, const char *key, struct tls_files *files);

/* Wipes the key. */
void tls_free(struct tls_files *files);

#endif
