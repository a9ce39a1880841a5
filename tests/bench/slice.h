/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: measuring something for a moment, right beside what it is compared with, as machines are noisy. */
#ifndef BENCH_SLICE_H
#define BENCH_SLICE_H

#include "bench/scene.h"
#include "bench/table.h"

/* Does something some ten or hundred times and returns how often. */
typedef size_t (*slice_batch)(void *context);

/* Repeats it for so many seconds. The nanoseconds that each takes. */
double slice_run(slice_batch batch, void *context, double seconds);

/* So long is one of the pieces that comparisons are made of: shorter than what a scheduler gives a process at a time, so that
 * somebody else's work spoils few of them, and the median is good. */
#define SLICE_PIECE 0.003

/* A walk over credentials, for the floor and for verifying them. */
struct walk {
    sealring_vault *vault;
    EVP_MD_CTX *hashing;
    scene_text *text;
    size_t length;
    size_t count;  /* it goes over so many */
    size_t stride; /* from one to the next; has no divisor in common with count */
    size_t next;
    const char *scope;
};

/* Over the traffic that is measured: scene->hot credentials, in turn. */
struct walk slice_walk(struct scene *scene);

/* SHA-256 of the next text. */
void slice_hash_next(struct walk *walk, uint8_t digest[32]);

size_t slice_hash(void *walk);         /* the floor: SHA-256 of the text */
size_t slice_verify(void *walk);       /* verdict only; ends the program if one is not accepted */
size_t slice_verify_grant(void *walk); /* with a grant */
size_t slice_verify_from(void *walk);  /* verdict only, on a request from 203.0.113.9 */

/* Nanoseconds of one C_SignInit + C_Sign with nothing in between. */
double slice_bare(struct scene *scene);

/* How many pieces make a slice. */
unsigned slice_pieces(const struct scene *scene);

/* Measures pieces of `batch`, each between two of its yardstick, and adds their medians to the row: nanoseconds, and how many
 * times the yardstick. */
void slice_compare(struct scene *scene, enum row_name row, slice_batch batch, void *context, slice_batch yardstick,
                   void *yardstick_context);

#endif
