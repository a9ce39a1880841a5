/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the host program's log. Any thread adds them; only the maintenance delivers them, with no lock held. */
#include "verifier/state/log_messages.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#define QUIET_MS 60000
#define OUT_MAX  (SEALRING_MESSAGE_SIZE + 64)

/* A text to be delivered, or delivered less than a minute ago. */
struct message_line {
    uint64_t number;     /* order of addition or of delivery; 0: the line is free */
    int64_t due;         /* boot time from which on it is delivered (again); 0: at once */
    unsigned times;      /* not yet delivered */
    int64_t counts_from; /* boot time from which on it counts as another alarm; 0: at once */
    sealring_log_level level;
    char text[SEALRING_MESSAGE_SIZE];
};

struct messages {
    pthread_mutex_t mutex;
    uint64_t numbers; /* numbers assigned so far */
    uint64_t lost;
    uint64_t alarms; /* added so far */
    char alarm[SEALRING_MESSAGE_SIZE];
    struct message_line lines[MESSAGES_KEPT];
};

sealring_status messages_new(struct messages **made, sealring_error *error)
{
    *made = calloc(1, sizeof **made);
    if (*made == NULL)
        return error_no_memory(error);
    pthread_mutex_init(&(*made)->mutex, NULL);
    return SEALRING_OK;
}

/* The mutex is not destroyed: in a forked child, a thread of the parent may seem to hold it. */
void messages_free(struct messages *messages)
{
    free(messages);
}

/* ---- with the mutex held ---- */

static struct message_line *find(struct messages *messages, sealring_log_level level, const char *text)
{
    for (size_t i = 0; i < MESSAGES_KEPT; i++) {
        struct message_line *line = &messages->lines[i];
        if (line->number != 0 && line->level == level && strcmp(line->text, text) == 0)
            return line;
    }
    return NULL;
}

/* Reuses a free line first, then one that only remembers what was delivered, then one with text to deliver. */
static int worth(const struct message_line *line)
{
    return line->number == 0 ? 0 : line->times == 0 ? 1 : 2;
}

static struct message_line *make_room(struct messages *messages)
{
    struct message_line *least = &messages->lines[0];
    for (size_t i = 1; i < MESSAGES_KEPT; i++) {
        struct message_line *line = &messages->lines[i];
        if (worth(line) < worth(least) || (worth(line) == worth(least) && line->number < least->number))
            least = line;
    }
    messages->lost += least->times;
    return least;
}

static void count_alarm(struct messages *messages, struct message_line *line, int64_t now)
{
    if (line->level != SEALRING_LOG_ALARM || now < line->counts_from)
        return;
    line->counts_from = now + QUIET_MS;
    messages->alarms++;
    memcpy(messages->alarm, line->text, sizeof messages->alarm);
}

static void keep(struct messages *messages, sealring_log_level level, const char *text, int64_t now)
{
    struct message_line *line = find(messages, level, text);
    if (line == NULL) {
        line = make_room(messages);
        *line = (struct message_line){.number = ++messages->numbers, .level = level};
        (void)snprintf(line->text, sizeof line->text, "%s", text);
    } else if (line->times == 0 && now >= line->due) {
        line->number = ++messages->numbers;
    }
    count_alarm(messages, line, now);
    line->times++;
}

static bool take_lost(struct messages *messages, struct message_line *taken)
{
    if (messages->lost == 0)
        return false;
    *taken = (struct message_line){.times = 1, .level = SEALRING_LOG_WARNING};
    (void)snprintf(taken->text, sizeof taken->text,
                   "%llu older messages were dropped for newer ones: %d are kept at most",
                   (unsigned long long)messages->lost, MESSAGES_KEPT);
    messages->lost = 0;
    return true;
}

/* Takes the oldest line that is due and whose number is not above `last`. */
static bool take_oldest(struct messages *messages, uint64_t last, struct message_line *taken)
{
    struct message_line *oldest = NULL;
    int64_t now = clock_boot_ms();
    for (size_t i = 0; i < MESSAGES_KEPT; i++) {
        struct message_line *line = &messages->lines[i];
        if (line->times > 0 && now >= line->due && line->number <= last &&
            (oldest == NULL || line->number < oldest->number))
            oldest = line;
    }
    if (oldest == NULL)
        return false;
    *taken = *oldest;
    oldest->due = now + QUIET_MS;
    oldest->number = ++messages->numbers;
    oldest->times = 0;
    return true;
}

/* ---- adding and delivering ---- */

void messages_add(struct messages *messages, sealring_log_level level, const char *format, ...)
{
    sealring_error line; /* shortened between characters, and without control characters */
    va_list arguments;
    va_start(arguments, format);
    (void)error_set_list(&line, SEALRING_OK, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&messages->mutex);
    keep(messages, level, line.message, clock_boot_ms());
    pthread_mutex_unlock(&messages->mutex);
}

uint64_t messages_alarms(struct messages *messages, char *text, size_t size)
{
    pthread_mutex_lock(&messages->mutex);
    uint64_t alarms = messages->alarms;
    (void)snprintf(text, size, "%s", messages->alarm);
    pthread_mutex_unlock(&messages->mutex);
    return alarms;
}

static void hand_out(const struct message_line *line, sealring_log_callback callback, void *context)
{
    char text[OUT_MAX];
    if (line->times > 1)
        (void)snprintf(text, sizeof text, "%s (%u times)", line->text, line->times);
    else
        (void)snprintf(text, sizeof text, "%s", line->text);
    callback(line->level, text, context);
}

void messages_hand_out(struct messages *messages, const _Atomic(unsigned) *process, sealring_log_callback callback,
                       void *context)
{
    unsigned own = atomic_load(process);
    struct message_line taken;
    uint64_t last = 0;
    bool first = true;
    bool more = callback != NULL;
    while (more && atomic_load(process) == own) {
        pthread_mutex_lock(&messages->mutex);
        if (first)
            last = messages->numbers;
        more = (first && take_lost(messages, &taken)) || take_oldest(messages, last, &taken);
        first = false;
        pthread_mutex_unlock(&messages->mutex);
        if (more)
            hand_out(&taken, callback, context);
    }
}
