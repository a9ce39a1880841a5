/* SPDX-License-Identifier: Apache-2.0 */
/* Secret memory: locked, not dumped, wiped; constant-time comparison. */
#include "base/secret.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>

/* For the process, as its limit is. A forked child inherits the value, as it inherits the limit. */
static _Atomic(bool) unlocked;

/* Whole pages, so that locking and releasing never affect other memory. 0: too large. */
static size_t page_multiple(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size > SIZE_MAX - page)
        return 0;
    return size == 0 ? page : (size + page - 1) / page * page;
}

/* Best effort: a small RLIMIT_MEMLOCK must not keep a server from starting. But it is reported. */
void secret_lock(void *memory, size_t size)
{
    if (mlock(memory, page_multiple(size)) != 0)
        atomic_store_explicit(&unlocked, true, memory_order_relaxed);
}

void *secret_allocate(size_t size)
{
    size_t mapped = page_multiple(size);
    if (mapped == 0)
        return NULL;
    void *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    secret_lock(memory, size);
    (void)madvise(memory, mapped, MADV_DONTDUMP);
    return memory;
}

bool secret_was_unlocked(void)
{
    return atomic_load_explicit(&unlocked, memory_order_relaxed);
}

void secret_free(void *memory, size_t size)
{
    if (memory == NULL)
        return;
    size_t mapped = page_multiple(size);
    OPENSSL_cleanse(memory, mapped);
    (void)munmap(memory, mapped); /* unlocks, too */
}

void secret_wipe(void *memory, size_t size)
{
    if (memory != NULL && size > 0)
        OPENSSL_cleanse(memory, size);
}

bool secret_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}
