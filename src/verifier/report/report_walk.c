/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over the records of a report file, which may have any content and may be written meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "verifier/report/report_check.h"
#include "verifier/report/report_map.h"
#include "verifier/report/report_reader.h"

#define PIECE_CELLS 1024u

/* Some cells, copied three times in a row. If (kind, hour) is equal in all three copies, the cell did not change while the second copy
 * was made, because no cell has the same pair twice. The second copy is used. */
struct piece {
    unsigned char (*cells[3])[REPORT_CELL_SIZE];
    uint32_t count;
};

struct walk {
    const struct report_reader *reader;
    report_version_callback version;
    report_credential_callback credential;
    void *context;
    uint64_t damaged;
};

static sealring_status hand_out_version(struct walk *walk, const struct report_version *version, uint32_t cell)
{
    if (!report_check_version(version)) {
        walk->damaged++;
        return SEALRING_OK;
    }
    return walk->version == NULL ? SEALRING_OK : walk->version(version, cell, walk->context);
}

static bool same_word(const void *one, const void *other)
{
    return memcmp(one, other, offsetof(struct report_credential, key)) == 0;
}

static bool is_steady(const struct piece *piece, uint32_t cell)
{
    return same_word(piece->cells[0][cell], piece->cells[1][cell]) &&
           same_word(piece->cells[1][cell], piece->cells[2][cell]);
}

/* Reads one cell again whose record was changing: it is written in nanoseconds, once an hour at most. False: it still changes, or is
 * gone. */
static bool take_again(const struct report_reader *reader, uint32_t cell, struct report_credential *record)
{
    struct report_credential copies[3];
    const uint64_t offset = REPORT_CELLS_AT + (uint64_t)cell * REPORT_CELL_SIZE;
    for (int i = 0; i < REPORT_READER_TRIES; i++) {
        for (int copy = 0; copy < 3; copy++)
            if (report_reader_whole(reader, &copies[copy], sizeof copies[copy], offset, NULL) != SEALRING_OK)
                return false;
        if (same_word(&copies[0], &copies[1]) && same_word(&copies[1], &copies[2])) {
            memcpy(record, &copies[1], sizeof *record);
            return true;
        }
    }
    return false;
}

/* The former record of a cell being reused was harvested, and the next one counts nothing yet, so skipping it loses nothing. */
static sealring_status hand_out_credential(struct walk *walk, const struct piece *piece, uint32_t index, uint32_t cell)
{
    struct report_credential record;
    memcpy(&record, piece->cells[1][index], sizeof record);
    if ((!is_steady(piece, index) && !take_again(walk->reader, cell, &record)) || record.kind != REPORT_CREDENTIAL)
        return SEALRING_OK;
    if (!report_check_credential(&record)) {
        walk->damaged++;
        return SEALRING_OK;
    }
    return walk->credential == NULL ? SEALRING_OK : walk->credential(&record, walk->context);
}

/* Calls back with the record that begins at cell `index` of the piece, which is cell `cell` of the file. *taken: its number of cells; 0
 * if the record continues behind the piece. */
static sealring_status hand_out(struct walk *walk, const struct piece *piece, uint32_t index, uint32_t cell,
                                uint32_t *taken)
{
    const void *record = piece->cells[1][index];
    const uint32_t version_cells = sizeof(struct report_version) / REPORT_CELL_SIZE;
    const struct report_version *version = record;
    uint32_t kind = version->kind;
    *taken = 1;
    if (kind == REPORT_CREDENTIAL || kind == REPORT_FREE)
        return hand_out_credential(walk, piece, index, cell);
    if (kind != REPORT_VERSION) {
        walk->damaged++;
        return SEALRING_OK;
    }
    *taken = piece->count - index < version_cells ? 0 : version_cells;
    return *taken == 0 ? SEALRING_OK : hand_out_version(walk, version, cell);
}

/* Calls back with the complete records of a piece that begins at `cell`. *taken: their number of cells, which is smaller than the piece if
 * the last record continues behind it. */
static sealring_status hand_out_piece(struct walk *walk, const struct piece *piece, uint32_t cell, uint32_t *taken)
{
    *taken = 0;
    while (*taken < piece->count) {
        uint32_t more = 0;
        sealring_status status = hand_out(walk, piece, *taken, cell + *taken, &more);
        if (status != SEALRING_OK)
            return status;
        if (more == 0)
            break;
        *taken += more;
    }
    return SEALRING_OK;
}

static sealring_status take_piece(const struct report_reader *reader, struct piece *piece, uint32_t cell,
                                  uint32_t wanted)
{
    piece->count = wanted;
    for (int copy = 0; copy < 3; copy++) {
        size_t length = 0;
        sealring_status status = report_reader_at(reader, piece->cells[copy], (size_t)wanted * REPORT_CELL_SIZE,
                                                  REPORT_CELLS_AT + (uint64_t)cell * REPORT_CELL_SIZE, &length, NULL);
        if (status != SEALRING_OK)
            return status;
        if (length / REPORT_CELL_SIZE < piece->count)
            piece->count = (uint32_t)(length / REPORT_CELL_SIZE);
    }
    return SEALRING_OK;
}

/* Walks from *from on, and sets *from to where it stopped. */
static sealring_status walk_cells(struct walk *walk, struct piece *piece, uint32_t *from, uint32_t end)
{
    while (*from < end) {
        uint32_t cell = *from;
        uint32_t wanted = end - cell < PIECE_CELLS ? end - cell : PIECE_CELLS, taken = 0;
        sealring_status status = take_piece(walk->reader, piece, cell, wanted);
        if (status != SEALRING_OK)
            return status;
        status = hand_out_piece(walk, piece, cell, &taken);
        if (status != SEALRING_OK)
            return status;
        if (taken == 0) {
            /* A record that extends over the end, or a file that was truncated meanwhile. */
            walk->damaged++;
            return SEALRING_OK;
        }
        *from += taken;
    }
    return SEALRING_OK;
}

static sealring_status walk_from(struct walk *walk, uint32_t *from)
{
    struct report_header header;
    uint32_t end = 0;
    sealring_status status = report_reader_header(walk->reader, &header, NULL);
    if (status == SEALRING_OK)
        status = report_reader_cells(walk->reader, &header, &end, NULL);
    if (status != SEALRING_OK)
        return status;
    walk->damaged += header.cells > end ? 1 : 0;
    if (*from >= end)
        return SEALRING_OK;
    unsigned char(*cells)[REPORT_CELL_SIZE] = aligned_alloc(REPORT_CELL_SIZE, 3 * (size_t)PIECE_CELLS * sizeof *cells);
    if (cells == NULL)
        return SEALRING_SYSTEM;
    struct piece piece = {.cells = {cells, cells + PIECE_CELLS, cells + (size_t)2 * PIECE_CELLS}};
    status = walk_cells(walk, &piece, from, end);
    free(cells);
    return status;
}

sealring_status report_read_each(const struct report_reader *reader, report_version_callback version,
                                 report_credential_callback credential, void *context, uint64_t *damaged)
{
    struct walk walk = {.reader = reader, .version = version, .credential = credential, .context = context};
    uint32_t from = 0;
    sealring_status status = walk_from(&walk, &from);
    *damaged = walk.damaged;
    return status;
}

sealring_status report_read_versions(const struct report_reader *reader, uint32_t *from, report_version_callback each,
                                     void *context)
{
    struct walk walk = {.reader = reader, .version = each, .context = context};
    return walk_from(&walk, from);
}

bool report_read_version(const struct report_reader *reader, uint32_t cell, struct report_version *record)
{
    return report_reader_whole(reader, record, sizeof *record, REPORT_CELLS_AT + (uint64_t)cell * REPORT_CELL_SIZE,
                               NULL) == SEALRING_OK &&
           record->kind == REPORT_VERSION && report_check_version(record);
}
