/* SPDX-License-Identifier: Apache-2.0 */
/* What a user would pick instead: each answers the same question, whose is this and is it good, for the same clients. */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

#include "bench/slice.h"

/* Gets ready; NULL, or why it cannot be measured (static, or kept by the rival). *context is the batch's. */
typedef const char *(*rival_prepare)(struct scene *scene, void **context);
typedef void (*rival_end)(void *context);

const char *rival_jwt_prepare(struct scene *scene, void **context);
size_t rival_jwt_batch(void *context);
void rival_jwt_end(void *context);

const char *rival_sqlite_prepare(struct scene *scene, void **context);
size_t rival_sqlite_batch(void *context);
void rival_sqlite_end(void *context);

const char *rival_redis_prepare(struct scene *scene, void **context);
size_t rival_redis_batch(void *context);
void rival_redis_end(void *context);

#endif
