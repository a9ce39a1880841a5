/* SPDX-License-Identifier: Apache-2.0 */
/* Examines the whole audit log: every entry, the tree, every checkpoint, the closed facts and the rows that they are about. */
#include "log/log_examine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/timetext.h"
#include "log/contradiction.h"
#include "log/leaf.h"
#include "log/log_cut.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/current_rows.h"

/* A checkpoint that the log must agree with. */
struct vouched {
    struct checkpoint checkpoint;
    bool elsewhere;
};

struct log_examination {
    struct registry *registry;
    const struct examine *how;
    struct examine_result *result;
    char origin[CHECKPOINT_ORIGIN_SIZE];
    const uint8_t *vault_id;

    struct vouched *vouched; /* by size */
    size_t count, next;
    uint64_t vouched_good; /* the largest size that agreed */
    bool disagreed;        /* one did not: later ones will not either, and are not reported */

    struct merkle_frontier frontier;
    struct log_cut cut;    /* where the registry's own entries begin */
    uint64_t expected;     /* number of the next entry */
    bool broken;           /* entries are missing, so there is no tree any more */
    uint64_t nodes;        /* that there must be */
    uint64_t node_problem; /* first entry below the last wrong node; 0: none yet */
    uint8_t closed[REGISTRY_DIGEST_SIZE];
    uint64_t closed_count;
    bool closed_broken;
    sealring_status status;
    sealring_error *error;
};

__attribute__((format(printf, 3, 4))) static void examine_tell(struct log_examination *of, uint64_t entry,
                                                               const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (of->result->problems++ == 0)
        snprintf(of->result->first, sizeof of->result->first, "%.*s", (int)sizeof of->result->first - 1, text);
    if (of->how->problem == NULL)
        return;
    of->how->problem(entry, text, of->how->context);
}

/* ---- Checkpoints ---- */

static sealring_status examine_expect(struct log_examination *of, const struct checkpoint *checkpoint, bool elsewhere)
{
    size_t place = of->count;
    while (place > 0 && of->vouched[place - 1].checkpoint.size > checkpoint->size)
        place--;
    if (!array_insert(&of->vouched, of->count, place))
        return error_no_memory(of->error);
    of->count++;
    of->vouched[place] = (struct vouched){*checkpoint, elsewhere};
    return SEALRING_OK;
}

static sealring_status examine_checkpoint(struct log_examination *of, const struct registry_checkpoint *row)
{
    struct checkpoint checkpoint;
    struct note note;
    char time[SEALRING_TIME_SIZE];
    const char *problem = NULL;
    timetext_format(row->time, time);
    if (!note_parse(row->note, strlen(row->note), &note, &problem)) {
        examine_tell(of, row->size, "the checkpoint after entry %" PRIu64 " (%s) is no signed note: it %s", row->size,
                     time, problem);
        return SEALRING_OK;
    }
    bool is_checkpoint = checkpoint_parse(note.text, note.text_length, &checkpoint);
    enum audit_verdict verdict = audit_keys_judge(of->how->keys, &note, checkpoint.size, checkpoint.closed_count, NULL);
    if (verdict != AUDIT_GOOD) {
        examine_tell(of, row->size, "the checkpoint after entry %" PRIu64 " (%s) %s", row->size, time,
                     audit_verdict_text(verdict));
        return SEALRING_OK;
    }
    if (!is_checkpoint || checkpoint.size != row->size || checkpoint.time != row->time ||
        strcmp(checkpoint.origin, of->origin) != 0) {
        examine_tell(of, row->size, "the checkpoint after entry %" PRIu64 " (%s) is one of another place or log",
                     row->size, time);
        return SEALRING_OK;
    }
    return examine_expect(of, &checkpoint, false);
}

static sealring_status examine_checkpoints(struct log_examination *of)
{
    sealring_status status = SEALRING_OK;
    struct registry_checkpoint row;
    struct registry_cursor checkpoints = registry_checkpoints(of->registry, of->error);
    while (status == SEALRING_OK && registry_checkpoint_next(&checkpoints, &row))
        status = examine_checkpoint(of, &row);
    return registry_close_cursor(&checkpoints, status);
}

/* Compares the closed facts up to a checkpoint. The chain itself is examined separately. */
static void examine_closed_at(struct log_examination *of, const struct vouched *vouched, const char *which)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    bool found;
    of->status = registry_closed_find(of->registry, vouched->checkpoint.closed_count, hash, &found, of->error);
    if (of->status == SEALRING_OK && (!found || memcmp(hash, vouched->checkpoint.closed.bytes, sizeof hash) != 0)) {
        examine_tell(of, vouched->checkpoint.size,
                     "%s vouches for %" PRIu64 " closed facts (revoked keys, closed versions) that are not those of "
                     "the registry: %s",
                     which, vouched->checkpoint.closed_count, found ? "they were changed" : "some are missing");
    }
}

static void examine_which(const struct vouched *vouched, char which[128])
{
    char time[SEALRING_TIME_SIZE];
    timetext_format(vouched->checkpoint.time, time);
    snprintf(which, 128, "the checkpoint %s entry %" PRIu64 " (%s)",
             vouched->elsewhere ? "that was kept elsewhere, after" : "after", vouched->checkpoint.size, time);
}

/* Compares all checkpoints whose size is the tree's present size, and of those before the first entry that is examined the closed facts. */
static void examine_vouched(struct log_examination *of)
{
    struct merkle_hash root;
    bool known = false;
    for (; of->next < of->count && of->vouched[of->next].checkpoint.size <= of->frontier.size; of->next++) {
        const struct vouched *vouched = &of->vouched[of->next];
        char which[128];
        examine_which(vouched, which);
        if (vouched->checkpoint.size < of->frontier.size) {
            of->result->unseen = of->result->unseen || vouched->elsewhere;
            examine_closed_at(of, vouched, which);
            continue;
        }
        if (!known) {
            merkle_root(&of->frontier, &root);
            known = true;
        }
        if (merkle_equal(&root, &vouched->checkpoint.root)) {
            of->vouched_good = of->frontier.size;
            of->result->checkpoints++;
            examine_closed_at(of, vouched, which);
        } else if (!of->disagreed || vouched->elsewhere) {
            examine_tell(of, vouched->checkpoint.size,
                         "%s vouches for another history: an entry from %" PRIu64 " to %" PRIu64 " is not what it was",
                         which, of->vouched_good + 1, vouched->checkpoint.size);
            of->disagreed = true;
        }
    }
}

/* Reports checkpoints that cover more entries than there are. */
static void examine_truncated(struct log_examination *of)
{
    const struct vouched *largest = NULL;
    uint64_t entries = of->expected - 1;
    for (size_t i = of->next; i < of->count; i++)
        if (of->vouched[i].checkpoint.size > entries)
            largest = &of->vouched[i];
    if (largest != NULL && !of->broken) {
        char which[128];
        examine_which(largest, which);
        examine_tell(of, entries,
                     "the log ends with entry %" PRIu64 ", but %s vouches for more: the entries %" PRIu64 " to %" PRIu64
                     " are missing",
                     entries, which, entries + 1, largest->checkpoint.size);
    }
}

/* ---- Entries and tree ---- */

static bool examine_node(void *context, unsigned level, uint64_t position, const struct merkle_hash *root)
{
    struct log_examination *of = context;
    uint8_t stored[REGISTRY_DIGEST_SIZE];
    uint64_t first = (position << level) + 1, last = (position + 1) << level;
    bool found, largest, archived = log_cut_covers(&of->cut, level, position, &largest);
    if (level < REGISTRY_NODE_LEVEL || (archived && !largest))
        return true;
    of->nodes += !archived;
    of->status = registry_node_find(of->registry, level, position, stored, &found, of->error);
    if (of->status != SEALRING_OK)
        return false;
    bool good = found && memcmp(stored, root->bytes, sizeof stored) == 0;
    /* those above a wrong one are wrong, too */
    if (!good && (of->node_problem == 0 || of->node_problem < first)) {
        of->node_problem = first;
        examine_tell(of, first, "the tree's node over the entries %" PRIu64 " to %" PRIu64 " %s", first, last,
                     found ? "is not theirs: it was changed, or one of their leaf hashes was" : "is missing");
    }
    return true;
}

static void examine_gap(struct log_examination *of, uint64_t sequence)
{
    if (of->expected == 1) {
        examine_tell(of, 1, "the entries 1 to %" PRIu64 " are missing, and no signed entry has them as archived",
                     sequence - 1);
    } else if (sequence - of->expected == 1) {
        examine_tell(of, of->expected, "entry %" PRIu64 " is missing", of->expected);
    } else {
        examine_tell(of, of->expected, "the entries %" PRIu64 " to %" PRIu64 " are missing", of->expected,
                     sequence - 1);
    }
    of->broken = true;
}

static sealring_status examine_entry(const struct registry_audit *entry, void *examination)
{
    struct log_examination *of = examination;
    struct merkle_hash hash, stored;
    if (entry->sequence != of->expected)
        examine_gap(of, entry->sequence);
    of->expected = entry->sequence + 1;
    leaf_hash(of->vault_id, entry, &hash);
    memcpy(stored.bytes, entry->leaf_hash, sizeof stored.bytes);
    if (!merkle_equal(&hash, &stored)) {
        examine_tell(of, entry->sequence, "entry %" PRIu64 " (%.64s) was changed: its leaf hash is another one",
                     entry->sequence, entry->act);
    }
    sealring_status status = of->how->entry != NULL ? of->how->entry(entry, of->how->context, of->error) : SEALRING_OK;
    if (status != SEALRING_OK || of->broken)
        return status;
    /* Uses the stored hash even if the entry was reported as different: the tree is examined separately. */
    if (!merkle_append(&of->frontier, &stored, examine_node, of))
        return of->status;
    examine_vouched(of);
    return of->status;
}

/* Begins with the first entry of the archives, or, without them, with the registry's first one. */
static sealring_status examine_archives(struct log_examination *of)
{
    struct merkle_hash root = {{0}};
    const struct examine_archives *archives = of->how->archives;
    sealring_status status = log_cut_find(of->registry, of->how->keys, &of->cut, of->error);
    if (status != SEALRING_OK || !of->cut.archived)
        return status;
    of->nodes = (uint64_t)__builtin_popcountll(of->cut.size); /* the largest subtrees before the cut */
    of->frontier = archives != NULL ? archives->start : of->cut.frontier;
    of->result->archived = of->vouched_good = of->frontier.size;
    of->expected = of->frontier.size + 1;
    examine_vouched(of);
    if (archives != NULL && of->status == SEALRING_OK)
        of->status = archives->each(of->cut.size, examine_entry, of, archives->context, of->error);
    merkle_root(&of->frontier, &root);
    if (of->status == SEALRING_OK && !merkle_equal(&root, &of->cut.archive.root))
        examine_tell(of, of->cut.size, "the archives do not contain the entries that were archived");
    return of->status;
}

static sealring_status examine_entries(struct log_examination *of)
{
    uint64_t nodes = 0;
    struct registry_audit entry;
    sealring_status status = examine_archives(of);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor entries = registry_audit_all(of->registry, of->error);
    while (status == SEALRING_OK && registry_audit_next(&entries, &entry))
        status = examine_entry(&entry, of);
    status = registry_close_cursor(&entries, status);
    if (status == SEALRING_OK)
        status = registry_node_count(of->registry, &nodes, of->error);
    if (status == SEALRING_OK && !of->broken && nodes > of->nodes) {
        examine_tell(of, of->expected - 1,
                     "the tree has %" PRIu64 " nodes over entries that do not exist: entries were cut off the end",
                     nodes - of->nodes);
    }
    return status;
}

/* ---- Closed facts ---- */

static void examine_fact(struct log_examination *of, const struct registry_closed *fact)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    of->result->closed += !fact->is_version || fact->state >= SEALRING_VERSION_RETIRED;
    registry_closed_hash(of->closed, fact, hash);
    if (!of->closed_broken && (fact->sequence != of->closed_count + 1 || memcmp(hash, fact->hash, sizeof hash) != 0)) {
        if (fact->is_version) {
            examine_tell(of, 0, "closed fact %" PRIu64 " (version %u) was changed, or one before it is missing",
                         fact->sequence, fact->version);
        } else {
            examine_tell(of, 0, "closed fact %" PRIu64 " (API key %s) was changed, or one before it is missing",
                         fact->sequence, fact->key_id);
        }
        of->closed_broken = true;
    }
    of->closed_count = fact->sequence;
    memcpy(of->closed, fact->hash, sizeof of->closed);
}

static void examine_contradiction(struct log_examination *of, const struct registry_contradiction *found)
{
    char text[CONTRADICTION_TEXT_SIZE];
    contradiction_text(found, text);
    if (of->how->altered != NULL)
        of->how->altered(found, text, of->how->context);
    else
        examine_tell(of, 0, "%s", text);
}

static sealring_status examine_facts(struct log_examination *of)
{
    struct registry_closed fact;
    struct registry_contradiction contradiction;
    struct registry_cursor facts = registry_closed_facts(of->registry, 0, of->error);
    while (registry_closed_next(&facts, &fact))
        examine_fact(of, &fact);
    sealring_status status = registry_close_cursor(&facts, SEALRING_OK);
    for (int kind = 0; kind < CONTRADICTION_KINDS && status == SEALRING_OK; kind++) {
        struct registry_cursor contradictions =
            registry_contradictions(of->registry, (enum contradiction_kind)kind, of->error);
        while (registry_contradiction_next(&contradictions, &contradiction))
            examine_contradiction(of, &contradiction);
        status = registry_close_cursor(&contradictions, SEALRING_OK);
    }
    return status;
}

/* ---- All of it ---- */

sealring_status examine_log(struct registry *registry, const struct examine *examine, struct examine_result *result,
                            sealring_error *error)
{
    struct log_examination of = {
        .registry = registry,
        .how = examine,
        .result = result,
        .vault_id = registry_vault_row(registry)->vault_id,
        .expected = 1,
        .error = error,
    };
    memset(result, 0, sizeof *result);
    checkpoint_origin(of.vault_id, of.origin);
    sealring_status status = SEALRING_OK;
    if (examine->keys != NULL)
        status = examine_checkpoints(&of);
    if (status == SEALRING_OK && examine->elsewhere != NULL)
        status = examine_expect(&of, examine->elsewhere, true);
    if (status == SEALRING_OK) {
        examine_vouched(&of); /* one with no entries at all */
        status = examine_entries(&of);
    }
    if (status == SEALRING_OK) {
        examine_truncated(&of);
        status = examine_facts(&of);
    }
    merkle_root(&of.frontier, &result->root);
    result->vouched = of.vouched_good;
    result->entries = of.expected - 1;
    log_cut_release(&of.cut);
    free(of.vouched);
    return status;
}
