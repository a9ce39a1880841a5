/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that has the manager: it renews one batch after the other, and waits for locks and tokens, so that nothing else does. */
#include "gateway/broker/renewer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "gateway/daemon/daemon_process.h"
#include "gateway/daemon/journal.h"

enum { LOCK_WAIT_MS = 5000, STOP_MS = 1000 };

static const char *directory;
static sealring_manager *manager; /* NULL: to be opened. Of the thread, once it runs */
static struct renewal_batch *batch;
static int done = -1; /* eventfd */
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
enum renewer_state { RENEWER_IDLE, RENEWER_WORKS, RENEWER_DONE, RENEWER_ENDS, RENEWER_ENDED };
static enum renewer_state state; /* under `lock` */
static bool reopen;              /* likewise */

/* ---- The thread ---- */

static sealring_status open_vault(sealring_error *error)
{
    const sealring_manage_options options = {.size = sizeof options, .lock_wait = LOCK_WAIT_MS};
    return sealring_manager_open(directory, &options, &manager, error);
}

/* An IPv4 client of a listener for IPv6 has a mapped address: it is written as what it is. */
static void write_peer(const struct renewal_request *request, char peer[SEALRING_PEER_SIZE])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool is_mapped = request->address_length == 16 && memcmp(request->address, mapped, sizeof mapped) == 0;
    const uint8_t *address = is_mapped ? request->address + sizeof mapped : request->address;
    peer[0] = '\0';
    if (request->address_length > 0)
        (void)inet_ntop(request->address_length == 4 || is_mapped ? AF_INET : AF_INET6, address, peer,
                        SEALRING_PEER_SIZE);
}

static void prepare(size_t i)
{
    const struct renewal_request *request = &batch->requests[i];
    sealring_renewal *renewal = &batch->renewals[i];
    renewal->size = sizeof *renewal;
    renewal->credential = request->credential;
    renewal->credential_length = request->length;
    renewal->peer = batch->peers[i];
    renewal->limited = batch->limited[i];
    write_peer(request, batch->peers[i]);
}

static sealring_status claim(sealring_error *error)
{
    const struct renewal_request *request = &batch->requests[0];
    batch->claim = (sealring_claim_request){.size = sizeof batch->claim,
                                            .code = request->credential,
                                            .code_length = request->length,
                                            .certificate = request->certificate,
                                            .certificate_length = request->certificate_length,
                                            .peer = batch->peers[0]};
    write_peer(request, batch->peers[0]);
    return sealring_claim(manager, &batch->claim, error);
}

static sealring_status renew_all(sealring_error *error)
{
    for (size_t i = 0; i < batch->count; i++)
        prepare(i);
    return sealring_renew(manager, batch->renewals, batch->count, error);
}

/* What failed is opened again the next time. */
static void renew(void)
{
    sealring_error error = {.message = ""};
    sealring_status status = manager != NULL ? SEALRING_OK : open_vault(&error);
    if (status == SEALRING_OK)
        status = batch->claims ? claim(&error) : renew_all(&error);
    if (status != SEALRING_OK) {
        static struct journal_pace pace;
        if (journal_may_repeat(&pace))
            journal_write(JOURNAL_WARNING, "%zu credentials cannot be renewed now: %s", batch->count, error.message);
        sealring_manager_close(&manager);
        return;
    }
    static char remarked[SEALRING_MESSAGE_SIZE];
    const char *remark = sealring_manager_remark(manager);
    if (strncmp(remark, remarked, sizeof remarked - 1) != 0) {
        strncpy(remarked, remark, sizeof remarked - 1);
        if (remark[0] != '\0')
            journal_write(JOURNAL_WARNING, "%s", remark);
    }
}

static void *work(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    while (state != RENEWER_ENDS) {
        if (state != RENEWER_WORKS) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        bool again = reopen;
        reopen = false;
        pthread_mutex_unlock(&lock);
        if (again)
            sealring_manager_close(&manager);
        renew();
        pthread_mutex_lock(&lock);
        if (state == RENEWER_WORKS)
            state = RENEWER_DONE;
        (void)eventfd_write(done, 1);
    }
    pthread_mutex_unlock(&lock);
    sealring_manager_close(&manager);
    pthread_mutex_lock(&lock);
    state = RENEWER_ENDED;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- Its owner ---- */

sealring_status renewer_start(const char *vault, sealring_error *error)
{
    directory = vault;
    sealring_status status = open_vault(error);
    if (status != SEALRING_OK)
        return status;
    batch = sealring_secret_allocate(sizeof *batch);
    done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (batch != NULL && done >= 0 && pthread_create(&thread, NULL, work, NULL) == 0)
        return SEALRING_OK;
    *error = (sealring_error){.status = SEALRING_SYSTEM, .message = "no memory, no descriptors, or no threads"};
    return SEALRING_SYSTEM;
}

int renewer_descriptor(void)
{
    return done;
}

struct renewal_batch *renewer_batch(void)
{
    return batch;
}

static void change(enum renewer_state next)
{
    pthread_mutex_lock(&lock);
    state = next;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

void renewer_begin(void)
{
    change(RENEWER_WORKS);
}

bool renewer_finished(void)
{
    eventfd_t count;
    (void)eventfd_read(done, &count);
    pthread_mutex_lock(&lock);
    bool finished = state == RENEWER_DONE;
    if (finished)
        state = RENEWER_IDLE;
    pthread_mutex_unlock(&lock);
    return finished;
}

void renewer_clear(void)
{
    for (size_t i = 0; i < batch->count; i++)
        sealring_renewal_release(&batch->renewals[i]);
    sealring_claim_release(&batch->claim);
    explicit_bzero(batch, sizeof *batch);
}

void renewer_reopen(void)
{
    pthread_mutex_lock(&lock);
    reopen = true;
    pthread_mutex_unlock(&lock);
}

bool renewer_stop(void)
{
    static const struct timespec step = {.tv_nsec = 5 * 1000000L};
    bool ended = false;
    change(RENEWER_ENDS);
    for (int64_t end = process_clock_ms() + STOP_MS; !ended && process_clock_ms() < end;) {
        pthread_mutex_lock(&lock);
        ended = state == RENEWER_ENDED;
        pthread_mutex_unlock(&lock);
        if (!ended)
            (void)nanosleep(&step, NULL);
    }
    if (!ended)
        return false;
    pthread_join(thread, NULL);
    (void)close(done);
    sealring_secret_free(batch, sizeof *batch);
    return true;
}
