/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: measuring something for a moment, right beside what it is compared with, as machines are noisy. */
#include "bench/slice.h"

enum { BATCH = 64 };

double slice_run(slice_batch batch, void *context, double seconds)
{
    size_t done = 0;
    double start = series_clock(), now = start;
    while (now - start < seconds) {
        for (int i = 0; i < 4; i++) /* so that reading the clock does not count */
            done += batch(context);
        now = series_clock();
    }
    return (now - start) * 1e9 / (double)done;
}

struct walk slice_walk(struct scene *scene)
{
    return (struct walk){.vault = scene->vault,
                         .hashing = scene->hashing,
                         .text = scene->text,
                         .length = scene->length,
                         .count = scene->hot,
                         .stride = 1,
                         .scope = SCENE_SCOPE};
}

static inline const char *step(struct walk *walk)
{
    const char *text = walk->text[walk->next];
    walk->next += walk->stride;
    if (walk->next >= walk->count)
        walk->next %= walk->count;
    return text;
}

static inline void hash(struct walk *walk, uint8_t digest[32])
{
    if (EVP_DigestInit_ex(walk->hashing, NULL, NULL) != 1 ||
        EVP_DigestUpdate(walk->hashing, step(walk), walk->length) != 1 ||
        EVP_DigestFinal_ex(walk->hashing, digest, NULL) != 1)
        scene_fail("SHA-256 failed");
}

void slice_hash_next(struct walk *walk, uint8_t digest[32])
{
    hash(walk, digest);
}

size_t slice_hash(void *context)
{
    struct walk *walk = context;
    uint8_t digest[32];
    for (int i = 0; i < BATCH; i++)
        hash(walk, digest);
    return BATCH;
}

size_t slice_verify(void *context)
{
    struct walk *walk = context;
    for (int i = 0; i < BATCH; i++) {
        sealring_verdict verdict = sealring_verify(walk->vault, step(walk), walk->length, walk->scope, NULL);
        if (verdict != SEALRING_ACCEPTED)
            scene_fail("a valid credential is answered \"%s\"", sealring_verdict_name(verdict));
    }
    return BATCH;
}

size_t slice_verify_grant(void *context)
{
    struct walk *walk = context;
    for (int i = 0; i < BATCH; i++) {
        sealring_grant grant;
        grant.size = sizeof(grant);
        sealring_verdict verdict = sealring_verify(walk->vault, step(walk), walk->length, walk->scope, &grant);
        if (verdict != SEALRING_ACCEPTED)
            scene_fail("a valid credential is answered \"%s\": %s", sealring_verdict_name(verdict), grant.reason);
    }
    return BATCH;
}

size_t slice_verify_from(void *context)
{
    static const uint8_t address[4] = {203, 0, 113, 9};
    struct walk *walk = context;
    for (int i = 0; i < BATCH; i++) {
        const sealring_request request = {.size = sizeof(request),
                                          .credential = step(walk),
                                          .length = walk->length,
                                          .scope = walk->scope,
                                          .address = address,
                                          .address_length = sizeof(address)};
        sealring_verdict verdict = sealring_verify_request(walk->vault, &request, NULL);
        if (verdict != SEALRING_ACCEPTED)
            scene_fail("a valid credential is answered \"%s\"", sealring_verdict_name(verdict));
    }
    return BATCH;
}

static size_t sign(void *context)
{
    struct scene *scene = context;
    for (int i = 0; i < BATCH / 4; i++)
        if (!bare_sign(scene->bare, scene->claims, scene->claims_length))
            scene_fail("the token stopped signing");
    return BATCH / 4;
}

double slice_bare(struct scene *scene)
{
    return slice_run(sign, scene, scene->slice);
}

unsigned slice_pieces(const struct scene *scene)
{
    return (unsigned)(scene->slice / SLICE_PIECE) | 1u;
}

void slice_compare(struct scene *scene, enum row_name row, slice_batch batch, void *context, slice_batch yardstick,
                   void *yardstick_context)
{
    struct series values = {.count = 0}, shares = {.count = 0};
    for (unsigned piece = 0; piece < slice_pieces(scene); piece++) {
        scene_heed_signals();
        double before = slice_run(yardstick, yardstick_context, SLICE_PIECE / 2);
        double it = slice_run(batch, context, SLICE_PIECE);
        double after = slice_run(yardstick, yardstick_context, SLICE_PIECE / 2);
        series_add(&values, it);
        series_add(&shares, it / ((before + after) / 2));
    }
    table_add(row, series_summarise(&values).median, series_summarise(&shares).median);
}
