/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers send: malformed texts, unknown key IDs, wrong secrets, each text a new one. */
#include <stdio.h>
#include <string.h>

#include <libdeflate.h>

#include "base/base62.h"
#include "bench/parts.h"
#include "bench/slice.h"
#include "credential/credential_text.h"

enum { TEXTS = 4096, BATCH = 64, TEXT_SIZE = 160, FILTER_PATIENCE = 30 };

/* How a text of the right form is spoilt. */
enum spoiling { GARBAGE, WRONG_CHECK, CUT, LONGER, FOREIGN, ACCIDENTS, NO_SECRET = ACCIDENTS };

static const char *const spoiling_words[ACCIDENTS] = {
    [GARBAGE] = "garbage", [WRONG_CHECK] = "wrong check digits", [CUT] = "cut by one",
    [LONGER] = "too long", [FOREIGN] = "a foreign character",
};

struct traffic {
    sealring_vault *vault;
    sealring_verdict expected;
    char texts[TEXTS][TEXT_SIZE];
    size_t lengths[TEXTS];
    size_t next;
};

static struct traffic traffic;
static uint64_t traffic_sent;
static struct series kinds[ACCIDENTS];

/* xorshift64*: fast, and good enough to send nonsense (Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled", 2016). */
static uint64_t random_next(void)
{
    static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static void random_fill(void *memory, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)memory)[i] = (uint8_t)(random_next() >> 40);
}

/* A text whose check digits are right, with the key ID of a good one or a random one. */
static size_t make_text(const char *of, char text[TEXT_SIZE])
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t secret[TEXT_SECRET_SIZE];
    char key_id[SEALRING_KEY_ID_LENGTH + 1] = {0};
    for (size_t i = 0; i < SEALRING_KEY_ID_LENGTH; i++)
        key_id[i] = of != NULL ? of[sizeof(SCENE_PREFIX) + i] : alphabet[random_next() % 62];
    random_fill(secret, sizeof(secret));
    size_t length = text_format(SCENE_PREFIX, key_id, 1, secret, text);
    if (length == 0)
        scene_fail("a text cannot be written");
    return length;
}

static size_t spoil(enum spoiling how, char text[TEXT_SIZE], size_t length)
{
    static const char highest[] = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
    char *check = text + length - 6;
    switch (how) {
    case GARBAGE:
        random_fill(text, length);
        break;
    case WRONG_CHECK:
        check[5] = check[5] == 'a' ? 'b' : 'a';
        break;
    case CUT:
        return length - 1;
    case LONGER:
        memset(text + length, 'a', TEXT_SIZE - length);
        return SEALRING_CREDENTIAL_LENGTH_MAX + 1;
    case FOREIGN:
        check[5] = '\n';
        break;
    case NO_SECRET:
        memcpy(check - strlen(highest), highest, strlen(highest));
        base62_encode_32(libdeflate_crc32(0, text, length - 6), check);
        break;
    }
    return length;
}

static size_t send(void *context)
{
    struct traffic *sent = context;
    for (int i = 0; i < BATCH; i++) {
        size_t at = sent->next++ % TEXTS;
        sealring_verdict verdict = sealring_verify(sent->vault, sent->texts[at], sent->lengths[at], SCENE_SCOPE, NULL);
        if (verdict != sent->expected)
            scene_fail("a stranger's text is answered \"%s\"", sealring_verdict_name(verdict));
    }
    traffic_sent += BATCH;
    return BATCH;
}

/* Pieces with fresh texts, each between two of the floor. Their medians: nanoseconds, and how many times the floor. */
static double compare(struct scene *scene, void (*make)(struct scene *scene, unsigned kind), unsigned kind,
                      double *share)
{
    struct walk floor = slice_walk(scene);
    struct series values = {.count = 0}, shares = {.count = 0};
    for (unsigned piece = 0; piece < slice_pieces(scene); piece++) {
        scene_heed_signals();
        make(scene, kind);
        traffic.vault = scene->vault;
        traffic.next = 0;
        double before = slice_run(slice_hash, &floor, SLICE_PIECE / 2);
        double start = series_clock(), now = start;
        size_t done = 0;
        while (done < TEXTS && now - start < SLICE_PIECE) {
            done += send(&traffic);
            now = series_clock();
        }
        double took = (now - start) * 1e9 / (double)done;
        double after = slice_run(slice_hash, &floor, SLICE_PIECE / 2);
        series_add(&values, took);
        series_add(&shares, took / ((before + after) / 2));
    }
    *share = series_summarise(&shares).median;
    return series_summarise(&values).median;
}

static void make_malformed(struct scene *scene, unsigned kind)
{
    traffic.expected = SEALRING_REJECTED_MALFORMED;
    for (size_t i = 0; i < TEXTS; i++) {
        size_t length = make_text(scene->text[i % scene->texts], traffic.texts[i]);
        traffic.lengths[i] = spoil((enum spoiling)kind, traffic.texts[i], length);
    }
}

static void make_unknown(struct scene *scene, unsigned kind)
{
    (void)scene;
    (void)kind;
    traffic.expected = SEALRING_REJECTED_UNKNOWN;
    for (size_t i = 0; i < TEXTS; i++)
        traffic.lengths[i] = make_text(NULL, traffic.texts[i]);
}

static void make_wrong(struct scene *scene, unsigned kind)
{
    (void)kind;
    traffic.expected = SEALRING_REJECTED_BAD_SECRET;
    for (size_t i = 0; i < TEXTS; i++)
        traffic.lengths[i] = make_text(scene->text[random_next() % scene->texts], traffic.texts[i]);
}

/* The row has the kind that costs most; its note lists all of them. */
static void compare_malformed(struct scene *scene)
{
    double worst = 0, worst_share = 0;
    char words[TABLE_NOTE_SIZE] = "";
    size_t used = 0;
    for (unsigned kind = 0; kind < ACCIDENTS; kind++) {
        double share = 0, took = compare(scene, make_malformed, kind, &share);
        if (share > worst_share) {
            worst = took;
            worst_share = share;
        }
        series_add(&kinds[kind], took);
        int written = snprintf(words + used, sizeof(words) - used, "%s%s %.0f ns", kind == 0 ? "" : ", ",
                               spoiling_words[kind], series_summarise(&kinds[kind]).median);
        used += written > 0 && (size_t)written < sizeof(words) - used ? (size_t)written : 0;
    }
    table_add(ROW_MALFORMED, worst, worst_share);
    table_note(ROW_MALFORMED, "%s", words);
}

static uint64_t lookups(const struct scene *scene)
{
    sealring_statistics statistics = {.size = sizeof(statistics)};
    sealring_stats(scene->vault, &statistics);
    return statistics.registry_lookups;
}

/* The filter of key IDs is built after a vault was opened. */
static void wait_for_filter(struct scene *scene)
{
    double until = series_clock() + FILTER_PATIENCE;
    make_unknown(scene, 0);
    traffic.vault = scene->vault;
    for (uint64_t before = lookups(scene);; before = lookups(scene)) {
        (void)send(&traffic);
        if (lookups(scene) - before < BATCH / 2 || series_clock() > until)
            return;
        scene_heed_signals();
    }
}

static void compare_unknown(struct scene *scene)
{
    double share = 0;
    wait_for_filter(scene);
    uint64_t before = lookups(scene), asked = traffic_sent;
    double took = compare(scene, make_unknown, 0, &share);
    table_add(ROW_UNKNOWN, took, share);
    table_note(ROW_UNKNOWN, "%llu of %llu asked the registry in the last round",
               (unsigned long long)(lookups(scene) - before), (unsigned long long)(traffic_sent - asked));
}

void strangers_round(struct scene *scene)
{
    sealring_statistics before = {.size = sizeof(before)}, after = {.size = sizeof(after)};
    sealring_stats(scene->vault, &before);
    compare_malformed(scene);
    double share = 0, took = compare(scene, make_malformed, NO_SECRET, &share);
    table_add(ROW_CRAFTED, took, share);
    compare_unknown(scene);
    took = compare(scene, make_wrong, 0, &share);
    table_add(ROW_WRONG_SECRET, took, share);
    sealring_stats(scene->vault, &after);
    double operations = (double)(after.token_operations - before.token_operations);
    table_add(ROW_STRANGERS_TOKEN, operations, operations);
}
