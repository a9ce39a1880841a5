/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in mapped files, one for each thread of each process: written without a lock, read when all is over. */
#include "soak/answers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "answers-"
#define CHUNK  4096 /* answers that are mapped at once */

_Static_assert(sizeof(struct answer) == 32, "a record");

static void release(struct answers_writer *writer)
{
    if (writer->chunk != NULL)
        munmap(writer->chunk, CHUNK * sizeof(struct answer));
    writer->chunk = NULL;
}

static bool map_next(struct answers_writer *writer)
{
    const int64_t size = CHUNK * sizeof(struct answer);
    release(writer);
    /* allocated: a full disk is to be an error here and no signal later */
    int problem = posix_fallocate(writer->descriptor, writer->offset, size);
    if (problem != 0) {
        errno = problem;
        return false;
    }
    void *memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, writer->descriptor, writer->offset);
    if (memory == MAP_FAILED)
        return false;
    writer->chunk = memory;
    writer->offset += size;
    writer->used = 0;
    return true;
}

bool answers_open(struct answers_writer *writer, const char *directory, uint32_t life, uint32_t thread)
{
    char path[160];
    *writer = (struct answers_writer){.life = life, .thread = thread};
    snprintf(path, sizeof path, "%s/" PREFIX "%08u-%u", directory, life, thread);
    writer->descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return writer->descriptor >= 0 && map_next(writer);
}

struct answer *answers_next(struct answers_writer *writer)
{
    if (writer->used == CHUNK && !map_next(writer)) {
        perror("soak: answers");
        exit(1);
    }
    struct answer *answer = &writer->chunk[writer->used++];
    answer->life = writer->life;
    answer->thread = writer->thread;
    return answer;
}

void answers_close(struct answers_writer *writer)
{
    release(writer);
    if (writer->descriptor >= 0)
        close(writer->descriptor);
    writer->descriptor = -1;
}

static int is_answers(const struct dirent *entry)
{
    return strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0;
}

static bool walk(const char *path, answers_callback each, void *context)
{
    struct answer piece[256];
    FILE *file = fopen(path, "re");
    size_t count;
    if (file == NULL)
        return false;
    while ((count = fread(piece, sizeof *piece, sizeof piece / sizeof *piece, file)) > 0)
        for (size_t i = 0; i < count; i++)
            if (atomic_load_explicit(&piece[i].before, memory_order_relaxed) != 0)
                each(&piece[i], context);
    bool good = ferror(file) == 0;
    fclose(file);
    return good;
}

bool answers_each(const char *directory, answers_callback each, void *context)
{
    struct dirent **entries = NULL;
    char path[400];
    bool good = true;
    int count = scandir(directory, &entries, is_answers, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        good = walk(path, each, context) && good;
        free(entries[i]);
    }
    free(entries);
    return good && count >= 0;
}
