/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody who writes to the registry whatever he likes, and has neither the tokens nor the files beside it. */
#include <string.h>

#include "facts/facts.h"

const char *const forgery_names[FORGERIES] = {
    [FORGE_PERMIT_KEY] = "appends a fact that permits the key everything",
    [FORGE_SUSPEND] = "appends a fact that suspends the key",
    [FORGE_REVOKE] = "appends a fact that revokes the key",
    [FORGE_REINSTATE] = "appends a fact that reinstates the version",
    [FORGE_COMPROMISE] = "appends a fact that declares the version compromised",
    [FORGE_DESTROY] = "appends a fact that the version is destroyed",
    [FORGE_BROKEN_FACT] = "appends a fact whose hash does not continue the chain",
    [FORGE_EDIT_LAST] = "edits the last fact, and computes its hash again",
    [FORGE_EDIT_SILENTLY] = "edits the last fact, and leaves its hash as it is",
    [FORGE_CUT_ONE] = "removes the last fact",
    [FORGE_CUT_UNSIGNED] = "removes the last fact, and the log's last entry",
    [FORGE_RESTORE] = "writes an older copy back",
    [FORGE_ERA] = "sets an era that never was",
    [FORGE_FORMER_ERA] = "sets the former era",
    [FORGE_CHECKPOINT] = "adds a checkpoint over everything that the key did not sign",
    [FORGE_NO_CHECKPOINTS] = "removes all checkpoints",
    [FORGE_MOVE_CHECKPOINT] = "copies the newest checkpoint to the row of a larger log",
};

static bool edit_last(struct file *file, bool keeps_hash)
{
    if (file->fact_count == 0)
        return false;
    struct fact *last = &file->facts[file->fact_count - 1];
    const struct fact former = *last;
    uint8_t permits = former.subject == OF_KEY ? 0 : SEALRING_VERSION_PENDING;
    uint8_t restricts = former.subject == OF_KEY ? KEY_SUSPENDED : SEALRING_VERSION_RETIRED;
    file->fact_count--;
    bool done = file_add(file, former.subject, former.value == permits ? restricts : permits);
    last->hash = keeps_hash ? former.hash : last->hash;
    return done;
}

static bool add_checkpoint(struct file *file, struct checkpoint_row row)
{
    struct checkpoint_row *rows = file->checkpoints;
    if (rows[CHECKPOINTS_MAX - 1].column != 0 || rows[0].column >= row.column)
        return false;
    memmove(rows + 1, rows, (CHECKPOINTS_MAX - 1) * sizeof *rows);
    rows[0] = row;
    return true;
}

static bool break_chain(struct file *file)
{
    struct fact fact = {.subject = OF_KEY, .value = 0, .hash = file_head(file)};
    if (file->fact_count == FACTS_MAX || file->fact_count == 0)
        return false;
    file->facts[file->fact_count++] = fact;
    return true;
}

static bool write_copy(struct file *file)
{
    if (!world.copied || memcmp(file, &world.copy, sizeof *file) == 0)
        return false;
    *file = world.copy;
    return true;
}

static bool cut(struct file *file, bool with_entry)
{
    if (file->fact_count == 0 || (with_entry && file->log_size == 0))
        return false;
    file->fact_count--;
    memset(&file->facts[file->fact_count], 0, sizeof *file->facts);
    if (with_entry)
        file->log[--file->log_size] = 0;
    return true;
}

static bool set_era(struct file *file, uint8_t era)
{
    bool other = file->era != era && era != 0;
    file->era = era;
    return other;
}

static bool move_checkpoint(struct file *file)
{
    struct checkpoint_row row = file->checkpoints[0];
    row.column = (uint8_t)(file->log_size + 1);
    return file->checkpoints[0].column != 0 && add_checkpoint(file, row);
}

static bool forge(struct file *file, enum forgery forgery)
{
    struct checkpoint_row row = {.column = (uint8_t)(file->log_size + 1),
                                 .size = (uint8_t)(file->log_size + 1),
                                 .era = file->era,
                                 .time = 200,
                                 .count = file->fact_count,
                                 .head = file_head(file),
                                 .root = file->log_size == 0 ? 0 : file->log[file->log_size - 1]};
    switch (forgery) {
    case FORGE_PERMIT_KEY:
        return file_add(file, OF_KEY, 0);
    case FORGE_SUSPEND:
        return file_add(file, OF_KEY, KEY_SUSPENDED);
    case FORGE_REVOKE:
        return file_add(file, OF_KEY, KEY_REVOKED);
    case FORGE_REINSTATE:
        return file_add(file, OF_VERSION, SEALRING_VERSION_PENDING);
    case FORGE_COMPROMISE:
        return file_add(file, OF_VERSION, SEALRING_VERSION_COMPROMISED);
    case FORGE_DESTROY:
        return file_add(file, OF_VERSION, SEALRING_VERSION_DESTROYED);
    case FORGE_BROKEN_FACT:
        return break_chain(file);
    case FORGE_EDIT_LAST:
        return edit_last(file, false);
    case FORGE_EDIT_SILENTLY:
        return edit_last(file, true);
    case FORGE_CUT_ONE:
        return cut(file, false);
    case FORGE_CUT_UNSIGNED:
        return cut(file, true);
    case FORGE_RESTORE:
        return write_copy(file);
    case FORGE_ERA:
        return set_era(file, 200);
    case FORGE_FORMER_ERA:
        return set_era(file, file->era == 200 ? world.eras : (uint8_t)(file->era - 1));
    case FORGE_CHECKPOINT:
        return add_checkpoint(file, row);
    case FORGE_NO_CHECKPOINTS:
        memset(file->checkpoints, 0, sizeof file->checkpoints);
        return true;
    case FORGE_MOVE_CHECKPOINT:
    default:
        return move_checkpoint(file);
    }
}

/* He raises the epoch as well, so that servers read what he wrote at once. */
bool forger_acts(enum forgery forgery)
{
    struct file *file = &world.registry;
    bool done = forge(file, forgery);
    if (done)
        file->epoch++;
    return done && !world_full;
}
