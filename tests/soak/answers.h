/* SPDX-License-Identifier: Apache-2.0 */
/* Every answer of every verifying thread, written into a mapped file: it is there whatever becomes of the process. */
#ifndef SOAK_ANSWERS_H
#define SOAK_ANSWERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Why there was no verdict, by what the verifier said. */
enum cause { CAUSE_NONE, CAUSE_LEASE, CAUSE_REFUSED, CAUSE_JOINING, CAUSE_OTHER };

enum { SCOPE_NONE, SCOPE_READ, SCOPE_WRITE };

/* `before` is written ahead of the call, `verdict` last: 0 means that the process was killed somewhere in between. */
struct answer {
    _Atomic(int64_t) before;
    int64_t after;
    uint32_t credential;
    uint32_t life;
    uint32_t thread;
    uint8_t scope;
    uint8_t cause;
    _Atomic(uint8_t) verdict;
    uint8_t reserved;
};

struct answers_writer {
    int descriptor;
    uint32_t life;
    uint32_t thread;
    struct answer *chunk;
    uint32_t used;
    int64_t offset;
};

/* Makes the file; false with errno. */
bool answers_open(struct answers_writer *writer, const char *directory, uint32_t life, uint32_t thread);
struct answer *answers_next(struct answers_writer *writer);
void answers_close(struct answers_writer *writer);

/* Walks through all of a directory, each file in order, NULL: nothing but them all. */
typedef void (*answers_callback)(const struct answer *answer, void *context);
bool answers_each(const char *directory, answers_callback each, void *context);

#endif
