/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected to the broker: which users may, what comes from them, and what they have not read yet. */
#include "gateway/broker/peers.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sealring/manage.h>

#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"

/* In locked memory of its own: few peers are ever behind. */
struct outgoing {
    STAILQ_ENTRY(outgoing) next;
    size_t size;
    uint8_t bytes[];
};

static struct peer peers[PEERS_MAX];
static uint64_t latest_number, malformed, refused;

/* ---- Connections ---- */

static bool is_allowed(uid_t user, const uid_t *allowed, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (allowed[i] == user)
            return true;
    return false;
}

static struct peer *free_place(void)
{
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (peers[i].number == 0)
            return &peers[i];
    return NULL;
}

bool peers_are_full(void)
{
    return free_place() == NULL;
}

static void refuse(int descriptor, const struct ucred *other)
{
    static struct journal_pace pace;
    refused++;
    (void)close(descriptor);
    if (journal_may_repeat(&pace))
        journal_write(JOURNAL_WARNING, "refused a connection of uid %lu (pid %ld): see --allow-user",
                      (unsigned long)other->uid, (long)other->pid);
}

void peers_accept(int listener, const uid_t *allowed, size_t allowed_count)
{
    struct peer *place;
    while ((place = free_place()) != NULL) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor < 0)
            return;
        struct ucred other = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
        socklen_t size = sizeof other;
        if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &other, &size) != 0 ||
            !is_allowed(other.uid, allowed, allowed_count)) {
            refuse(descriptor, &other);
            continue;
        }
        *place = (struct peer){.number = ++latest_number, .descriptor = descriptor, .user = other.uid};
        STAILQ_INIT(&place->outgoing);
    }
}

struct peer *peer_at(size_t place)
{
    return peers[place].number != 0 ? &peers[place] : NULL;
}

struct peer *peer_numbered(uint64_t number)
{
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (number != 0 && peers[i].number == number)
            return &peers[i];
    return NULL;
}

static void drop_first(struct peer *peer)
{
    struct outgoing *message = STAILQ_FIRST(&peer->outgoing);
    STAILQ_REMOVE_HEAD(&peer->outgoing, next);
    sealring_secret_free(message, sizeof *message + message->size);
}

void peer_close(struct peer *peer)
{
    while (!STAILQ_EMPTY(&peer->outgoing))
        drop_first(peer);
    (void)close(peer->descriptor);
    peer->number = 0;
}

/* ---- Messages ---- */

short peer_events(const struct peer *peer)
{
    if (!STAILQ_EMPTY(&peer->outgoing))
        return POLLOUT;
    return peer->requests < PEER_REQUESTS_MAX ? POLLIN : 0;
}

static void close_malformed(struct peer *peer)
{
    static struct journal_pace pace;
    malformed++;
    if (journal_may_repeat(&pace))
        journal_write(JOURNAL_WARNING, "closed a connection of uid %lu, which sent a malformed message",
                      (unsigned long)peer->user);
    peer_close(peer);
}

bool peer_receive(struct peer *peer, struct renewal_message *message)
{
    uint8_t bytes[RENEWAL_REQUEST_MAX];
    ssize_t size = recv(peer->descriptor, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC); /* the packet's whole size */
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (size <= 0) {
        peer_close(peer);
        return false;
    }
    bool good = (size_t)size <= sizeof bytes && renewal_message_read(bytes, (size_t)size, message) &&
                (message->type == RENEWAL_RENEW || message->type == RENEWAL_CLAIM || message->type == RENEWAL_PING ||
                 message->type == RENEWAL_LEAK);
    explicit_bzero(bytes, sizeof bytes);
    if (!good)
        close_malformed(peer);
    return good;
}

/* False: it does not fit now. */
static bool send_now(struct peer *peer, const uint8_t *bytes, size_t size)
{
    if (send(peer->descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
        return false;
    peer_close(peer);
    return true;
}

void peer_send(struct peer *peer, const struct renewal_message *message)
{
    uint8_t bytes[RENEWAL_MESSAGE_MAX];
    size_t size = renewal_message_write(message, bytes);
    if (STAILQ_EMPTY(&peer->outgoing)) {
        peer->blocked_since = process_clock_ms();
        if (send_now(peer, bytes, size)) {
            explicit_bzero(bytes, size);
            return;
        }
    }
    struct outgoing *later = sealring_secret_allocate(sizeof *later + size);
    if (later == NULL)
        peer_close(peer);
    else {
        later->size = size;
        memcpy(later->bytes, bytes, size);
        STAILQ_INSERT_TAIL(&peer->outgoing, later, next);
    }
    explicit_bzero(bytes, size);
}

void peer_flush(struct peer *peer)
{
    struct outgoing *message;
    while (peer->number != 0 && (message = STAILQ_FIRST(&peer->outgoing)) != NULL) {
        if (!send_now(peer, message->bytes, message->size)) {
            if (process_clock_ms() - peer->blocked_since > PEER_PATIENCE_MS) {
                journal_write(JOURNAL_WARNING, "closed a connection of uid %lu, which does not read its answers",
                              (unsigned long)peer->user);
                peer_close(peer);
            }
            return;
        }
        if (peer->number != 0) {
            peer->blocked_since = process_clock_ms();
            drop_first(peer);
        }
    }
}

bool peers_are_behind(void)
{
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (peers[i].number != 0 && !STAILQ_EMPTY(&peers[i].outgoing))
            return true;
    return false;
}

uint64_t peers_malformed(void)
{
    return malformed;
}

uint64_t peers_refused(void)
{
    return refused;
}
