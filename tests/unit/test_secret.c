/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret: what the kernel says of the pages, and that nothing is left behind. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "lib/runner.h"

/* The VmFlags line (proc(5)) of the mapping that `address` lies in. */
static void read_flags(const void *address, char *flags, size_t size)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    ck_assert_ptr_nonnull(file);
    char line[1024];
    bool inside = false;
    flags[0] = '\0';
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long first, end;
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            inside = (uintptr_t)address >= first && (uintptr_t)address < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(flags, size, "%s", line + 8);
    }
    fclose(file);
    ck_assert_msg(flags[0] != '\0', "no VmFlags for the page");
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(fresh_memory_is_zero_and_page_aligned)
{
    static const size_t sizes[] = {0, 1, 32, 4095, 4096, 4097, 100000};
    uint8_t *memory = secret_allocate(sizes[_i]);
    ck_assert_ptr_nonnull(memory);
    ck_assert_uint_eq((uintptr_t)memory % page_size(), 0);
    for (size_t i = 0; i < sizes[_i]; i++)
        if (memory[i] != 0)
            ck_abort_msg("byte %zu is not zero", i);
    memset(memory, 0x5a, sizes[_i]);
    secret_free(memory, sizes[_i]);
}
END_TEST

START_TEST(pages_are_not_dumped)
{
    char flags[1024];
    uint8_t *memory = secret_allocate(3 * page_size());
    ck_assert_ptr_nonnull(memory);
    for (size_t page = 0; page < 3; page++) {
        read_flags(memory + page * page_size(), flags, sizeof flags);
        ck_assert_msg(strstr(flags, " dd") != NULL, "page %zu: VmFlags%s", page, flags);
    }
    secret_free(memory, 3 * page_size());
}
END_TEST

/* The flag is told from its absence, or the test above could not fail. */
START_TEST(ordinary_pages_have_neither_flag)
{
    char flags[1024];
    void *memory = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    read_flags(memory, flags, sizeof flags);
    ck_assert_ptr_null(strstr(flags, " dd"));
    ck_assert_ptr_null(strstr(flags, " lo"));
    munmap(memory, page_size());
}
END_TEST

/* Expects exactly what a plain mlock of this process can do at this moment (RLIMIT_MEMLOCK, CAP_IPC_LOCK). */
START_TEST(pages_are_locked_where_the_limit_allows)
{
    void *probe = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(probe, MAP_FAILED);
    char flags[1024];
    bool possible = mlock(probe, page_size()) == 0;
    if (possible) { /* emulations and some sanitizers say yes and do nothing */
        read_flags(probe, flags, sizeof flags);
        possible = strstr(flags, " lo") != NULL;
    }
    munmap(probe, page_size());
    void *memory = secret_allocate(32);
    ck_assert_ptr_nonnull(memory);
    read_flags(memory, flags, sizeof flags);
    ck_assert_msg((strstr(flags, " lo") != NULL) == possible, "locking is %spossible, VmFlags%s",
                  possible ? "" : "not ", flags);
    secret_free(memory, 32);
}
END_TEST

START_TEST(no_right_to_lock_is_no_failure)
{
    struct rlimit none = {0, 0};
    char flags[1024];
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    bool locked = mlock(flags, 1) == 0; /* a privileged process has no limit */
    ck_assert(!secret_was_unlocked());
    uint8_t *memory = secret_allocate(page_size());
    ck_assert_ptr_nonnull(memory);
    ck_assert_int_eq(secret_was_unlocked(), !locked);
    memory[0] = 1;
    read_flags(memory, flags, sizeof flags);
    ck_assert_ptr_nonnull(strstr(flags, " dd"));
    secret_free(memory, page_size());
}
END_TEST

/* After the release the page is gone: touching it ends the process. */
START_TEST(released_memory_is_unmapped)
{
    volatile uint8_t *memory = secret_allocate(32);
    ck_assert_ptr_nonnull((const void *)memory);
    secret_free((void *)memory, 32);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        _exit(memory[0] == 0 ? 0 : 1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
END_TEST

START_TEST(impossible_sizes_give_null)
{
    ck_assert_ptr_null(secret_allocate(SIZE_MAX));
    ck_assert_ptr_null(secret_allocate(SIZE_MAX / 2));
    secret_free(NULL, 32);
}
END_TEST

/* Two mappings of one page: what is wiped through the first is seen through the second, also after the release. */
START_TEST(free_wipes_the_whole_pages_before_it_unmaps)
{
    int file = memfd_create("secret-test", 0);
    ck_assert_int_ge(file, 0);
    size_t size = page_size();
    ck_assert_int_eq(ftruncate(file, (off_t)size), 0);
    uint8_t *witness = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    uint8_t *memory = secret_allocate(32);
    ck_assert_ptr_nonnull(memory);
    ck_assert_ptr_ne(witness, MAP_FAILED);
    ck_assert_ptr_eq(mmap(memory, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0), memory);
    memset(memory, 0x5a, size);
    ck_assert_uint_eq(witness[0], 0x5a);
    secret_free(memory, 32);
    for (size_t i = 0; i < size; i++)
        if (witness[i] != 0)
            ck_abort_msg("byte %zu of the released page still holds its content", i);
    munmap(witness, size);
    close(file);
}
END_TEST

START_TEST(wipe_wipes_exactly_its_bytes)
{
    uint8_t bytes[48];
    memset(bytes, 0x5a, sizeof bytes);
    secret_wipe(bytes + 8, 32);
    for (size_t i = 0; i < sizeof bytes; i++)
        ck_assert_uint_eq(bytes[i], i >= 8 && i < 40 ? 0 : 0x5a);
    secret_wipe(NULL, 0);
    secret_wipe(bytes, 0);
    ck_assert_uint_eq(bytes[0], 0x5a);
}
END_TEST

START_TEST(equal_sees_every_bit)
{
    uint8_t a[32], b[32];
    memset(a, 0x33, sizeof a);
    memset(b, 0x33, sizeof b);
    ck_assert(secret_equal(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1U << bit % 8);
        ck_assert(!secret_equal(a, b, sizeof a));
        ck_assert(secret_equal(a, b, bit / 8));
        b[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    ck_assert(secret_equal(a, b, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("secret");
    TCase *cases = tcase_create("secret");
    tcase_add_loop_test(cases, fresh_memory_is_zero_and_page_aligned, 0, 7);
    tcase_add_test(cases, pages_are_not_dumped);
    tcase_add_test(cases, ordinary_pages_have_neither_flag);
    tcase_add_test(cases, pages_are_locked_where_the_limit_allows);
    tcase_add_test(cases, no_right_to_lock_is_no_failure);
    tcase_add_test(cases, released_memory_is_unmapped);
    tcase_add_test(cases, impossible_sizes_give_null);
    tcase_add_test(cases, free_wipes_the_whole_pages_before_it_unmaps);
    tcase_add_test(cases, wipe_wipes_exactly_its_bytes);
    tcase_add_test(cases, equal_sees_every_bit);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
