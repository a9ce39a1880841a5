/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected to the broker: which users may, what comes from them, and what they have not read yet. */
#ifndef GATEWAY_BROKER_PEERS_H
#define GATEWAY_BROKER_PEERS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "gateway/daemon/renewal_message.h"

enum peer_bounds {
    PEERS_MAX = 64,           /* further ones wait in the system's queue */
    PEER_REQUESTS_MAX = 256,  /* of one peer that are not answered; beyond, nothing is read from it */
    PEER_PATIENCE_MS = 10000, /* how long one may read nothing while answers wait for it */
};

struct outgoing;
STAILQ_HEAD(outgoing_messages, outgoing);

struct peer {
    uint64_t number; /* of this connection, never used again; 0: there is none */
    int descriptor;
    uid_t user;
    unsigned requests;                 /* not answered */
    struct outgoing_messages outgoing; /* what did not fit into the socket's buffer */
    int64_t blocked_since;
};

/* Accepts from the listener while there is room, users in `allowed` only. */
void peers_accept(int listener, const uid_t *allowed, size_t allowed_count);
bool peers_are_full(void);

/* The peer in this place (0 to PEERS_MAX - 1), or with this number. NULL: there is none, or it has left. */
struct peer *peer_at(size_t place);
struct peer *peer_numbered(uint64_t number);

/* What to poll for. */
short peer_events(const struct peer *peer);

/* Receives one message, RENEW, LEAK or PING. False: there is none now, or the connection was closed, because it ended or its message is malformed. */
bool peer_receive(struct peer *peer, struct renewal_message *message);

/* Sends the message, now or when there is room. On an error the connection is closed. */
void peer_send(struct peer *peer, const struct renewal_message *message);

/* Sends what waits. Closes the connection of a peer that has read nothing for too long. */
void peer_flush(struct peer *peer);

void peer_close(struct peer *peer);

/* Returns whether something waits to be read by a peer. */
bool peers_are_behind(void);

uint64_t peers_malformed(void); /* connections that were closed because of a malformed message */
uint64_t peers_refused(void);   /* connections of users that are not allowed */

#endif
