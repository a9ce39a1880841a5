/* SPDX-License-Identifier: Apache-2.0 */
/* The login record: the lock around connecting, among all processes, and the record of refused PINs. */
#include "token/session/login_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "token/session/connection.h"

#define RECORD_SIZE      256 /* fixed: a refusal overwrites, and needs no more space */
#define RECORD_HEAD      "sealring login record 1\n"
#define RECORD_OLDER     "refused PIN file: none\n" /* all that older versions read and expect */
#define RECORD_WAIT_MS   30000
#define RECORD_RETRY_MS  20
#define RECORD_SILENT_MS 200 /* a shorter wait is not reported */
#define RECORD_AGAIN_MS  1000

static sealring_status record_fail(sealring_error *error, const char *path, const char *what, int system_errno)
{
    error_set_token(error, 0, "the login record %s cannot be %s, so no PIN is tried: %s", path, what,
                    strerror(system_errno));
    error->system_errno = system_errno;
    return SEALRING_TOKEN;
}

static sealring_status record_fail_held(const char *path, const char *holder, sealring_error *error)
{
    if (holder[0] != '\0')
        error_set_token(error, 0, "the login lock is held by %.300s; no PIN is tried", holder);
    else
        error_set_token(error, 0, "the login lock %s is held by another process all the time; no PIN is tried", path);
    error->system_errno = ETIMEDOUT;
    return SEALRING_TOKEN;
}

static sealring_status record_lock(const struct token *token, struct record *record, const char *path,
                                   sealring_error *error)
{
    char holder[TOKEN_HOLDER_SIZE] = "";
    const struct token_login_wait *wait = token->config.login_wait;
    bool reports = wait != NULL && wait->waits != NULL && atomic_load(&token->generation) == 0; /* in no other thread */
    int64_t began = clock_boot_ms();
    int64_t deadline = began + (wait != NULL && wait->most_ms > 0 ? wait->most_ms : RECORD_WAIT_MS);
    int64_t report_at = began + RECORD_SILENT_MS;
    while (flock(record->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return record_fail(error, record->path, "locked", errno);
        int64_t now = clock_boot_ms();
        if (reports && now >= report_at) {
            wait->waits(path, holder, wait->context);
            report_at = now + RECORD_AGAIN_MS;
        }
        if (now >= deadline)
            return record_fail_held(path, holder, error);
        clock_sleep(RECORD_RETRY_MS);
    }
    return SEALRING_OK;
}

sealring_status record_write(struct record *record, sealring_error *error)
{
    char content[RECORD_SIZE], memory[PIN_MEMORY_TEXT_SIZE];
    _Static_assert(sizeof RECORD_HEAD RECORD_OLDER + PIN_MEMORY_TEXT_SIZE <= RECORD_SIZE, "a full record fits");
    memset(content, ' ', sizeof(content));
    pin_memory_write(&record->memory, memory);
    int length = snprintf(content, sizeof(content), RECORD_HEAD RECORD_OLDER "%s", memory);
    content[length] = ' '; /* over the NUL: it is a text file */
    content[sizeof(content) - 1] = '\n';
    ssize_t written = pwrite(record->descriptor, content, sizeof(content), 0);
    if (written != (ssize_t)sizeof(content) || fdatasync(record->descriptor) != 0)
        return record_fail(error, record->path, "written", written < 0 ? errno : EIO);
    return SEALRING_OK;
}

/* A record of an older version has no lines about PINs, so a refused PIN is tried once more. */
static sealring_status record_read(struct record *record, sealring_error *error)
{
    char content[RECORD_SIZE + 1];
    const size_t head = sizeof(RECORD_HEAD) - 1;
    ssize_t got = pread(record->descriptor, content, sizeof(content), 0);
    if (got < 0)
        return record_fail(error, record->path, "read", errno);
    if (got == 0)
        return record_write(record, error);
    content[RECORD_SIZE] = '\0';
    if (got != RECORD_SIZE || memcmp(content, RECORD_HEAD, head) != 0 || strlen(content) != RECORD_SIZE ||
        !pin_memory_read(content + head, &record->memory)) {
        return error_set_token(
            error, 0, "%s is no login record, so no PIN is tried: remove it if nothing else needs it", record->path);
    }
    return SEALRING_OK;
}

static sealring_status record_open_file(const char *path, int *descriptor, sealring_error *error)
{
    struct stat file;
    *descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (*descriptor < 0)
        return record_fail(error, path, "opened", errno);
    if (fstat(*descriptor, &file) != 0 || !S_ISREG(file.st_mode))
        return record_fail(error, path, "used: it is no regular file", EINVAL);
    return SEALRING_OK;
}

sealring_status record_open(const struct token *token, struct record *record, sealring_error *error)
{
    const char *path = token->config.login_record, *shared = token->config.login_lock;
    *record = (struct record){.path = path, .descriptor = -1, .lock = -1};
    sealring_status status = record_open_file(path, &record->descriptor, error);
    if (status == SEALRING_OK && strcmp(shared, path) != 0)
        status = record_open_file(shared, &record->lock, error);
    else
        record->lock = record->descriptor;
    if (status == SEALRING_OK)
        status = record_lock(token, record, shared, error);
    if (status == SEALRING_OK)
        status = record_read(record, error);
    if (status != SEALRING_OK)
        record_close(record);
    return status;
}

void record_close(struct record *record)
{
    if (record->lock >= 0) {
        /* Explicitly: a process forked meanwhile shares the descriptor, so closing it here would not unlock it. */
        flock(record->lock, LOCK_UN);
    }
    if (record->lock >= 0 && record->lock != record->descriptor)
        close(record->lock);
    if (record->descriptor >= 0)
        close(record->descriptor);
    record->descriptor = -1;
    record->lock = -1;
}
