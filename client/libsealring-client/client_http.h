/* SPDX-License-Identifier: Apache-2.0 */
/* The server that renews credentials, asked by libcurl: one request, one answer, to no other host. */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/client.h>

#define CLIENT_BODY_MAX 16384

/* Where renewals are. */
struct client_server {
    char *url;    /* complete: https://…/v1/renew */
    char *socket; /* a Unix socket, NULL for https */
    char *ca_file;
};

/* Reads an address as in sealring_client_options. SEALRING_INVALID: not https or unix, or with parts that do not belong there. */
sealring_status client_server_parse(const char *url, const char *ca_file, struct client_server *server,
                                    sealring_error *error);
void client_server_end(struct client_server *server);

/* It contains a secret: allocate it with secret_allocate. */
struct client_reply {
    long status;
    int64_t retry_after; /* ms, 0: the server did not say */
    bool tells_expiry;   /* of the presented credential */
    int64_t expires;     /* 0: never */
    size_t length;
    char body[CLIENT_BODY_MAX];
};

/* Asks for the successor of this credential. SEALRING_SYSTEM if there is no complete answer within 30 s, or *stop became true. */
sealring_status client_http_renew(const struct client_server *server, const char *credential, const atomic_bool *stop,
                                  struct client_reply *reply, sealring_error *error);

/* Sends a claim, a JSON object, to /v1/claim at the same server. Likewise. */
sealring_status client_http_claim(const struct client_server *server, const char *body, struct client_reply *reply,
                                  sealring_error *error);

#endif
