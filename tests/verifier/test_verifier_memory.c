/* SPDX-License-Identifier: Apache-2.0 */
/* What a memory image shows: after a thousand verifications no credential's secret is left anywhere in the process. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/secret.h"
#include "credential/credential_text.h"
#include "lib/runner.h"
#include "verifier/stage.h"

#define KEYS 1000

static struct stage stage;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue_many(&stage, STAGE_RING, KEYS);
    /* a child may not find them in what it inherits */
    ck_assert_int_eq(madvise(stage.keys, STAGE_KEYS_MAX * sizeof *stage.keys, MADV_DONTFORK), 0);
}

static void teardown(void)
{
    stage_remove(&stage);
}

/* ---- The process that verifies: one buffer for one text at a time, wiped by this caller. */

struct message {
    size_t length; /* 0: that was all */
    bool keep;     /* on purpose, so that a search that finds nothing is known to work */
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
};

static char *kept;

static int serve(int from, int to)
{
    static struct message message;
    sealring_vault *vault = stage_open_manual(&stage);
    while (read(from, &message, sizeof message) == (ssize_t)sizeof message && message.length > 0) {
        char verdict = (char)sealring_verify(vault, message.text, message.length, "read", NULL);
        if (message.keep)
            kept = strndup(message.text, message.length);
        secret_wipe(&message, sizeof message);
        if (write(to, &verdict, 1) != 1)
            return 1;
    }
    raise(SIGSTOP);
    sealring_close(&vault);
    return kept != NULL && kept[0] != '\0' ? 0 : 2;
}

static sealring_verdict send_text(int to, int from, const char *text, bool keep)
{
    struct message message = {.length = strlen(text), .keep = keep};
    char verdict = 0;
    memcpy(message.text, text, message.length);
    ck_assert_int_eq(write(to, &message, sizeof message), (ssize_t)sizeof message);
    ck_assert_int_eq(read(from, &verdict, 1), 1);
    return (sealring_verdict)verdict;
}

static void send_texts(int to, int from, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        ck_assert_int_eq(send_text(to, from, stage.keys[i].text, false), SEALRING_ACCEPTED);
}

/* ---- The search */

struct pattern {
    uint8_t bytes[BASE62_256_DIGITS];
    size_t length;
    struct pattern *next; /* of those that begin with the same two bytes */
    unsigned found;
};

enum { FORMS = 3 }; /* of each secret: its digits, its bytes, its bytes in reverse */

static struct pattern patterns[(KEYS + 1) * FORMS];
static struct pattern *beginnings[65536];
static size_t pattern_count;
static size_t searched;

static void add_pattern(const uint8_t *bytes, size_t length)
{
    struct pattern *pattern = &patterns[pattern_count++];
    memcpy(pattern->bytes, bytes, length);
    pattern->length = length;
    struct pattern **first = &beginnings[bytes[0] << 8 | bytes[1]];
    pattern->next = *first;
    *first = pattern;
}

static void add_secret(const char *text)
{
    struct text_parts parts;
    uint8_t reversed[TEXT_SECRET_SIZE];
    size_t length = strlen(text);
    ck_assert_int_eq(text_parse(text, length, &parts, NULL), TEXT_GOOD);
    for (size_t i = 0; i < TEXT_SECRET_SIZE; i++)
        reversed[i] = parts.secret[TEXT_SECRET_SIZE - 1 - i];
    add_pattern((const uint8_t *)text + length - BASE62_32_DIGITS - BASE62_256_DIGITS, BASE62_256_DIGITS);
    add_pattern(parts.secret, TEXT_SECRET_SIZE);
    add_pattern(reversed, TEXT_SECRET_SIZE);
}

static void search(const uint8_t *memory, size_t length)
{
    searched += length;
    for (size_t i = 0; i + BASE62_256_DIGITS <= length; i++)
        for (struct pattern *pattern = beginnings[memory[i] << 8 | memory[i + 1]]; pattern != NULL;
             pattern = pattern->next)
            pattern->found += memcmp(memory + i, pattern->bytes, pattern->length) == 0;
}

/* All that can be read of the stopped process: more than a core file would hold. */
static void search_process(pid_t process)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%ld/mem", (long)process);
    int image = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(image >= 0, "%s: %s", path, strerror(errno));
    snprintf(path, sizeof path, "/proc/%ld/maps", (long)process);
    FILE *maps = fopen(path, "re");
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[5];
        ck_assert_int_eq(sscanf(line, "%lx-%lx %4s", &from, &to, rights), 3);
        if (rights[0] != 'r' || to - from > (1ul << 30)) /* sanitizers' shadows */
            continue;
        uint8_t *copy = malloc(to - from);
        ck_assert_ptr_nonnull(copy);
        ssize_t got = pread(image, copy, to - from, (off_t)from);
        if (got > 0)
            search(copy, (size_t)got);
        free(copy);
    }
    fclose(maps);
    close(image);
}

static unsigned count_found(size_t from, size_t to)
{
    unsigned found = 0;
    for (size_t i = from; i < to; i++)
        found += patterns[i].found > 0;
    return found;
}

START_TEST(no_secret_is_left)
{
    int there[2], back[2], status;
    struct stage_key control;
    struct message end = {.length = 0};
    stage_issue(&stage, STAGE_RING, "read", &control);
    char control_text[sizeof control.text];
    ck_assert_int_eq(pipe(there), 0);
    ck_assert_int_eq(pipe(back), 0);
    memcpy(control_text, control.text, sizeof control_text);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(serve(there[0], back[1]));
    close(there[0]); /* so that its death ends what is read or written */
    close(back[1]);
    ck_assert_int_eq(send_text(there[1], back[0], control_text, true), SEALRING_ACCEPTED);
    send_texts(there[1], back[0], 0, KEYS / 2);
    send_texts(there[1], back[0], 0, KEYS / 2);    /* from the cache */
    send_texts(there[1], back[0], KEYS / 2, KEYS); /* a first sight is the last thing it did */
    ck_assert_int_eq(write(there[1], &end, sizeof end), (ssize_t)sizeof end);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    for (unsigned i = 0; i < KEYS; i++)
        add_secret(stage.keys[i].text);
    add_secret(control_text);
    search_process(child);
    ck_assert_int_eq(kill(child, SIGCONT), 0);
    ck_assert_int_eq(stage_child(child), 0);
    ck_assert_uint_gt(searched, 1u << 20);
    ck_assert_msg(patterns[KEYS * FORMS].found > 0, "not even what was kept on purpose is found");
    unsigned found = count_found(0, KEYS * FORMS);
    ck_assert_msg(found == 0, "of %d credentials something of %u is left in %zu bytes", KEYS, found, searched);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *cases = tcase_create("memory");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, no_secret_is_left);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
