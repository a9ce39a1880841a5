/* SPDX-License-Identifier: Apache-2.0 */
/* Hands every file of a corpus to a fuzzer's entry, one TAP case each; needs no fuzzing compiler. */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/fuzzer.h"

#define CORPUS_MIN 25 /* an empty or half-copied corpus must not pass for a good one */

static int is_file_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The content in memory of its own, NULL if the file cannot be read. */
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    uint8_t *content = NULL;
    size_t capacity = 0;
    *size = 0;
    do {
        capacity = capacity == 0 ? 4096 : capacity * 2;
        uint8_t *larger = realloc(content, capacity);
        if (larger == NULL)
            break;
        content = larger;
        *size += fread(content + *size, 1, capacity - *size, file);
    } while (*size == capacity);
    bool failed = ferror(file) != 0 || *size == capacity;
    (void)fclose(file);
    if (failed) {
        free(content);
        return NULL;
    }
    return content;
}

/* In a child: one bad file must not hide what the others do. */
static bool replay(const char *path)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        size_t size = 0;
        uint8_t *content = read_file(path, &size);
        int result = content == NULL ? 1 : LLVMFuzzerTestOneInput(content, size);
        free(content);
        exit(result);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    const char *corpus = argc > 1 ? argv[1] : FUZZ_CORPUS;
    struct dirent **files = NULL;
    bool good = true;
    int count = scandir(corpus, &files, is_file_name, alphasort);
    if (count < 0)
        count = 0;
    printf("1..%d\n", count + 1);
    bool enough = count >= CORPUS_MIN;
    printf("%s 1 - the corpus has at least %d files (%d)\n", enough ? "ok" : "not ok", CORPUS_MIN, count);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", corpus, files[i]->d_name);
        bool passed = length > 0 && (size_t)length < sizeof path && replay(path);
        printf("%s %d - %s\n", passed ? "ok" : "not ok", i + 2, files[i]->d_name);
        good = good && passed;
        free(files[i]);
    }
    free(files);
    return good && enough ? EXIT_SUCCESS : EXIT_FAILURE;
}
