/* SPDX-License-Identifier: Apache-2.0 */
/* Conflicts of the registry's transactions with those of another program: the real driver, whose calls can report one. */
#include "lib/conflict.h"

#include <stdbool.h>
#include <time.h>

#include "registry/connection/handle.h"

static struct touches *counted;
static const struct db_driver *real;
static struct db_driver driver;

static bool conflicts(void)
{
    if (counted == NULL || atomic_load(&counted->on) == 0)
        return false;
    uint64_t number = atomic_fetch_add(&counted->statements, 1) + 1;
    uint64_t from = atomic_load(&counted->fail_at);
    bool meant = number == from || (number > from && atomic_load(&counted->fail_on) != 0);
    if (atomic_load(&counted->statements_fail) == 0 || from == 0 || !meant)
        return false;
    atomic_fetch_add(&counted->failed, 1);
    return true;
}

static enum db_problem conflict_begin(struct db *db, enum db_access access)
{
    return conflicts() ? DB_BUSY : real->begin(db, access);
}

static enum db_problem conflict_commit(struct db *db)
{
    return conflicts() ? DB_BUSY : real->commit(db);
}

static enum db_problem conflict_prepare(struct db *db, const struct db_query *query, struct db_statement **statement)
{
    return conflicts() ? DB_BUSY : real->prepare(db, query, statement);
}

static enum db_problem conflict_step(struct db_statement *statement, bool *row)
{
    if (!conflicts())
        return real->step(statement, row);
    *row = false;
    return DB_BUSY;
}

void conflict_count(struct touches *touches)
{
    counted = touches;
}

sealring_status __real_registry_open(const char *path, const char *lock_path, enum registry_mode mode,
                                     struct registry **opened, sealring_error *error);
sealring_status __wrap_registry_open(const char *path, const char *lock_path, enum registry_mode mode,
                                     struct registry **opened, sealring_error *error);
sealring_status __wrap_registry_open(const char *path, const char *lock_path, enum registry_mode mode,
                                     struct registry **opened, sealring_error *error)
{
    sealring_status status = __real_registry_open(path, lock_path, mode, opened, error);
    if (status != SEALRING_OK || counted == NULL)
        return status;
    if (real == NULL)
        real = (*opened)->db->driver;
    driver = *real;
    driver.begin = conflict_begin;
    driver.commit = conflict_commit;
    driver.prepare = conflict_prepare;
    driver.step = conflict_step;
    (*opened)->db->driver = &driver;
    return status;
}

/* Between the tries of a transaction. */
int __real_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    bool skips = counted != NULL && atomic_load(&counted->statements_fail) != 0;
    return skips ? 0 : __real_nanosleep(time, left);
}
