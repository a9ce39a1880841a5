/* SPDX-License-Identifier: Apache-2.0 */
/* The file vault.unsigned: the restricting facts that the operator's side has added, while no checkpoint covers them. */
#include "manage/session/unsigned_facts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/file.h"

#define DIGEST_DIGITS (2 * REGISTRY_DIGEST_SIZE)
#define LINE_SIZE     (DIGEST_DIGITS + 24)

static void write_facts(int file, struct registry *registry, uint64_t count)
{
    struct registry_closed fact;
    char digits[DIGEST_DIGITS + 1], line[LINE_SIZE];
    struct registry_cursor facts = registry_closed_facts(registry, count, NULL);
    while (registry_closed_next(&facts, &fact)) {
        hex_encode(fact.hash, sizeof fact.hash, digits);
        int length = snprintf(line, sizeof line, "%" PRIu64 " %s\n", fact.sequence, digits);
        if (write(file, line, (size_t)length) != length)
            break;
    }
    (void)registry_close_cursor(&facts, SEALRING_OK);
}

void unsigned_note(const struct config *config, struct registry *registry, uint64_t count, bool durable)
{
    int file = open(config->unsigned_facts, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return;
    write_facts(file, registry, count);
    if (durable && fsync(file) == 0)
        (void)file_sync_directory(config->directory); /* the file may be new */
    close(file);
}

static bool read_line(const char *line, struct noted_fact *noted)
{
    char digits[DIGEST_DIGITS + 1] = "", again[LINE_SIZE];
    /* A number that does not fit is noticed when the line is formatted again and compared. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(line, "%" SCNu64 " %64s", &noted->number, digits) != 2 || strlen(digits) != DIGEST_DIGITS ||
        !hex_decode(digits, noted->hash, sizeof noted->hash))
        return false;
    snprintf(again, sizeof again, "%" PRIu64 " %s\n", noted->number, digits);
    return strcmp(line, again) == 0;
}

void unsigned_read(const struct config *config, struct own_facts *own)
{
    char line[LINE_SIZE];
    own->noted_count = 0;
    int descriptor = open(config->unsigned_facts, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    if (file == NULL)
        return;
    while (own->noted_count < FACTS_NOTED_MAX && fgets(line, sizeof line, file) != NULL)
        own->noted_count += read_line(line, &own->noted[own->noted_count]);
    fclose(file);
}

void unsigned_clear(const struct config *config, struct own_facts *own, uint64_t signed_count)
{
    for (size_t i = 0; i < own->noted_count; i++)
        if (own->noted[i].number > signed_count)
            return;
    if (own->noted_count > 0)
        (void)unlink(config->unsigned_facts);
    own->noted_count = 0;
}
