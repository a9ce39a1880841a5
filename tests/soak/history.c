/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that all processes of a soak share: entries are added, never changed or removed. */
#include "soak/history.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static const char *const kind_names[ACT_KINDS] = {
    [ACT_NONE] = "nothing",        [ACT_ISSUE] = "issue",
    [ACT_REISSUE] = "reissue",     [ACT_REISSUE_RING] = "reissue all",
    [ACT_REKEY] = "rekey",         [ACT_SUSPEND] = "suspend",
    [ACT_RESUME] = "resume",       [ACT_NARROW] = "narrow",
    [ACT_REVOKE] = "revoke",       [ACT_PREPARE] = "prepare",
    [ACT_ROTATE] = "rotate",       [ACT_ACTIVATE] = "activate",
    [ACT_ROLLBACK] = "rollback",   [ACT_RETIRE] = "retire",
    [ACT_REINSTATE] = "reinstate", [ACT_COMPROMISE] = "compromise",
    [ACT_DESTROY] = "destroy",     [ACT_RUN] = "run",
};

static const char *const rule_names[RULES] = {
    [RULE_REJECTION] = "no good credential was rejected",
    [RULE_ACCEPTANCE] = "nothing was accepted by a call that began after its closing was effective",
    [RULE_UNAVAILABLE] = "no verdict was missing but for a lease that was over",
    [RULE_BARRIER] = "every live verifier had proved the version of each credential that was handed out",
    [RULE_QUIET] = "nothing was retired that was used in the quiet period",
    [RULE_COUNTS] = "the report files count what was answered",
    [RULE_ACTS] = "no act failed but for the state of things",
    [RULE_PROCESSES] = "no verifying process failed",
};

const char *history_kind_name(enum history_kind kind)
{
    return kind_names[kind];
}

const char *rule_name(enum rule rule)
{
    return rule_names[rule];
}

static void *share(size_t count, size_t size)
{
    void *memory = mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

struct history *history_new(const struct history_limits *limits)
{
    struct history *history = share(1, sizeof *history);
    if (history == NULL)
        return NULL;
    history->limits = *limits;
    history->keys = share(limits->keys, sizeof *history->keys);
    history->credentials = share(limits->credentials, sizeof *history->credentials);
    history->acts = share(limits->acts, sizeof *history->acts);
    history->lives = share(limits->lives, sizeof *history->lives);
    history->moments = share(limits->moments, sizeof *history->moments);
    history->findings = share(limits->findings, sizeof *history->findings);
    if (history->keys == NULL || history->credentials == NULL || history->acts == NULL || history->lives == NULL ||
        history->moments == NULL || history->findings == NULL) {
        history_free(history);
        return NULL;
    }
    return history;
}

static void unshare(void *memory, size_t count, size_t size)
{
    if (memory != NULL)
        munmap(memory, count * size);
}

void history_free(struct history *history)
{
    const struct history_limits *limits = &history->limits;
    unshare(history->keys, limits->keys, sizeof *history->keys);
    unshare(history->credentials, limits->credentials, sizeof *history->credentials);
    unshare(history->acts, limits->acts, sizeof *history->acts);
    unshare(history->lives, limits->lives, sizeof *history->lives);
    unshare(history->moments, limits->moments, sizeof *history->moments);
    unshare(history->findings, limits->findings, sizeof *history->findings);
    unshare(history, 1, sizeof *history);
}

int64_t history_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t history_wall_offset(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - history_now();
}

void history_pause(int64_t nanoseconds)
{
    struct timespec pause = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = (long)(nanoseconds % 1000000000)};
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR)
        continue;
}

uint64_t history_random(uint64_t *state)
{
    uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

uint32_t history_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)((history_random(state) >> 32) * limit >> 32);
}

static uint32_t claim(_Atomic(uint32_t) *count, uint32_t limit, const char *what)
{
    uint32_t index = atomic_load(count);
    while (index < limit && !atomic_compare_exchange_weak(count, &index, index + 1))
        continue;
    if (index < limit)
        return index;
    fprintf(stderr, "soak: there is room for %u %s only\n", limit, what);
    exit(1);
}

uint32_t history_add_act(struct history *history, const struct history_act *act)
{
    uint32_t index = claim(&history->act_count, history->limits.acts, "acts");
    struct history_act *entry = &history->acts[index];
    *entry = *act;
    atomic_store(&entry->ready, 1);
    return index;
}

uint32_t history_add_life(struct history *history, enum life_kind kind, uint32_t slot, uint64_t seed)
{
    uint32_t index = claim(&history->life_count, history->limits.lives, "processes");
    struct history_life *life = &history->lives[index];
    life->kind = kind;
    life->slot = slot;
    life->seed = seed;
    atomic_store(&life->ready, 1);
    return index;
}

void history_add_moment(struct history *history, enum moment_kind kind, uint32_t life, int64_t before)
{
    struct history_moment *moment =
        &history->moments[claim(&history->moment_count, history->limits.moments, "moments")];
    moment->kind = kind;
    moment->life = life;
    moment->before = before;
    moment->after = history_now();
    atomic_store(&moment->ready, 1);
}

void history_add_finding(struct history *history, enum rule rule, uint32_t credential, uint32_t life, int64_t at,
                         const char *format, ...)
{
    va_list arguments;
    atomic_fetch_add(&history->finding_total[rule], 1);
    uint32_t index = atomic_load(&history->finding_count);
    while (index < history->limits.findings &&
           !atomic_compare_exchange_weak(&history->finding_count, &index, index + 1))
        continue;
    if (index >= history->limits.findings)
        return; /* it is counted; there are enough to look at */
    struct history_finding *finding = &history->findings[index];
    finding->rule = rule;
    finding->credential = credential;
    finding->life = life;
    finding->at = at != 0 ? at : history_now();
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
    atomic_store(&finding->ready, 1);
}

static void lock(struct history *history)
{
    uint32_t nobody = 0;
    while (!atomic_compare_exchange_weak(&history->adding, &nobody, 1)) {
        nobody = 0;
        history_pause(100000);
    }
}

static void unlock(struct history *history)
{
    atomic_store(&history->adding, 0);
}

uint32_t history_add_key(struct history *history, uint32_t ring, const char *key_id)
{
    lock(history);
    uint32_t count = atomic_load(&history->key_count);
    uint32_t index = count;
    while (index > 0 && strcmp(history->keys[index - 1].key_id, key_id) != 0)
        index--;
    if (index > 0) {
        unlock(history);
        return index - 1;
    }
    index = claim(&history->key_count, history->limits.keys, "API keys");
    history->keys[index].ring = ring;
    snprintf(history->keys[index].key_id, sizeof history->keys[index].key_id, "%s", key_id);
    atomic_store(&history->keys[index].ready, 1);
    unlock(history);
    return index;
}

uint32_t history_add_credential(struct history *history, uint32_t ring, uint32_t key, const sealring_issued *issued,
                                int64_t begun)
{
    lock(history);
    uint32_t index = atomic_load(&history->credential_count);
    while (index > 0 &&
           (history->credentials[index - 1].key != key || history->credentials[index - 1].serial != issued->serial))
        index--;
    if (index > 0) {
        unlock(history);
        return index - 1;
    }
    index = claim(&history->credential_count, history->limits.credentials, "credentials");
    struct history_credential *credential = &history->credentials[index];
    credential->ring = ring;
    credential->key = key;
    credential->serial = issued->serial;
    credential->version = issued->version;
    credential->expires_wall_ms = issued->expires;
    credential->begun = begun;
    credential->handed = history_now();
    credential->length = (uint32_t)snprintf(credential->text, sizeof credential->text, "%s", issued->credential);
    atomic_store(&credential->ready, 1);
    unlock(history);
    return index;
}
