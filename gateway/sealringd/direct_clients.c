/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that connect directly, without a gateway that limits them: libmicrohttpd's callbacks for the limits of each address. */
#include "gateway/sealringd/direct_clients.h"

#include <pthread.h>
#include <sys/random.h>

#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"
#include "gateway/daemon/address_limit.h"

static struct address_limit limit; /* under `lock` */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool direct_clients_prepare(void)
{
    return getrandom(&limit.seed, sizeof limit.seed, 0) == (ssize_t)sizeof limit.seed;
}

enum MHD_Result direct_clients_accept(void *context, const struct sockaddr *address, socklen_t length)
{
    static struct journal_pace pace;
    struct address_place *place = address_limit_find(&limit, address);
    (void)context, (void)length;
    pthread_mutex_lock(&lock);
    bool accepted = place == NULL || address_limit_accept(place, process_clock_ms());
    pthread_mutex_unlock(&lock);
    if (!accepted && journal_may_repeat(&pace))
        journal_write(JOURNAL_WARNING, "refused a connection: too many from one address");
    return accepted ? MHD_YES : MHD_NO;
}

static struct address_place *place_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info != NULL && info->client_addr != NULL ? address_limit_find(&limit, info->client_addr) : NULL;
}

void direct_clients_notify(void *context, struct MHD_Connection *connection, void **state,
                           enum MHD_ConnectionNotificationCode code)
{
    (void)context;
    bool begins = code == MHD_CONNECTION_NOTIFY_STARTED;
    if (begins)
        *state = place_of(connection);
    struct address_place *place = *state;
    if (place == NULL)
        return;
    pthread_mutex_lock(&lock);
    if (begins)
        place->connections++;
    else
        place->connections--;
    pthread_mutex_unlock(&lock);
}

bool direct_clients_request(struct MHD_Connection *connection)
{
    struct address_place *place = place_of(connection);
    pthread_mutex_lock(&lock);
    bool answered = place == NULL || address_limit_request(place, process_clock_ms());
    pthread_mutex_unlock(&lock);
    return answered;
}
