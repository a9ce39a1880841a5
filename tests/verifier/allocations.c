/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of the process, libraries included, counted exactly: malloc's own figures take its caches for use. */
#include "verifier/allocations.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "verifier/stage.h"

static _Atomic(uint64_t) made;

uint64_t allocations_made(void)
{
    return atomic_load(&made);
}

#pragma GCC visibility push(default) /* libraries are to find what follows, too */
#if SANITIZED
size_t __sanitizer_get_current_allocated_bytes(void);
void __sanitizer_malloc_hook(const volatile void *memory, size_t size);

void __sanitizer_malloc_hook(const volatile void *memory, size_t size)
{
    (void)memory;
    (void)size;
    atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
}

size_t allocations_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
static _Atomic(size_t) bytes;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

size_t allocations_bytes(void)
{
    return atomic_load(&bytes);
}

static void *count(void *memory)
{
    if (memory != NULL) {
        atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&bytes, malloc_usable_size(memory), memory_order_relaxed);
    }
    return memory;
}

void *malloc(size_t size)
{
    return count(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
    return count(__libc_calloc(number, size));
}

void *realloc(void *memory, size_t size)
{
    size_t before = malloc_usable_size(memory);
    void *moved = __libc_realloc(memory, size);
    if (moved != NULL || size == 0)
        atomic_fetch_sub_explicit(&bytes, before, memory_order_relaxed);
    return count(moved);
}

void *memalign(size_t alignment, size_t size)
{
    return count(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return count(__libc_memalign(alignment, size));
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = count(__libc_memalign(alignment, size));
    return *memory != NULL ? 0 : ENOMEM;
}

void free(void *memory)
{
    atomic_fetch_sub_explicit(&bytes, malloc_usable_size(memory), memory_order_relaxed);
    __libc_free(memory);
}
#endif
#pragma GCC visibility pop
