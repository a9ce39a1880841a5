/* SPDX-License-Identifier: Apache-2.0 */
/* The audit token, the locks and the clocks that production code finds: data of the world, or nothing at all (the linker's --wrap). */
#include <string.h>

#include "facts/facts.h"
#include "bell/bell.h"
#include "manage/act/clock_check.h"
#include "manage/act/era_check.h"
#include "manage/fleet/effective.h"
#include "manage/session/audit_token_parts.h"
#include "manage/session/manager.h"
#include "manage/session/own_token_files.h"
#include "manage/session/unsigned_notes.h"
#include "manage/tokens/token_file_copies.h"

enum token_mode token_mode;
void (*while_signing)(unsigned step);
unsigned while_signing_step;

static char a_token; /* its address stands for an open one */

/* ---- the token ---- */

sealring_status __wrap_witness_open(const struct config *config, struct token **token, sealring_error *error);
sealring_status __wrap_witness_open(const struct config *config, struct token **token, sealring_error *error)
{
    (void)config, (void)error;
    *token = token_mode == TOKEN_AWAY ? NULL : (struct token *)&a_token;
    return token_mode == TOKEN_AWAY ? SEALRING_TOKEN : SEALRING_OK;
}

void __wrap_token_close(struct token *token);
void __wrap_token_close(struct token *token)
{
    (void)token;
}

static struct checkpoint formatted;

void __wrap_checkpoint_format(const struct checkpoint *checkpoint, char *text);
void __wrap_checkpoint_format(const struct checkpoint *checkpoint, char *text)
{
    formatted = *checkpoint;
    strcpy(text, "checkpoint\n");
}

sealring_status __wrap_witness_sign_text(struct token *token, const uint8_t *vault_id, const struct audit_keys *keys,
                                         const char *text, char *note, sealring_error *error);
sealring_status __wrap_witness_sign_text(struct token *token, const uint8_t *vault_id, const struct audit_keys *keys,
                                         const char *text, char *note, sealring_error *error)
{
    (void)token, (void)vault_id, (void)keys, (void)text, (void)error;
    void (*meanwhile)(unsigned step) = while_signing;
    struct checkpoint_row signed_row = {
        .column = (uint8_t)formatted.size,
        .size = (uint8_t)formatted.size,
        .era = era_number(formatted.era),
        .count = (uint8_t)formatted.closed_count,
        .verifies = 1,
        .time = ++world.signatures,
        .head = hash_number(formatted.closed.bytes),
        .root = hash_number(formatted.root.bytes),
    };
    promise_signed(operator_at_work, signed_row.head, signed_row.era);
    memcpy(note, &signed_row, sizeof signed_row);
    while_signing = NULL;
    if (meanwhile != NULL)
        meanwhile(while_signing_step);
    return SEALRING_OK;
}

static void unpack_anchor(const struct anchor *packed, struct witness_anchor *anchor)
{
    *anchor = (struct witness_anchor){.serial = packed->serial, .size = packed->size, .closed_count = packed->count};
    memcpy(anchor->era, era_bytes(packed->era), sizeof anchor->era);
    memcpy(anchor->digest.bytes, hash_bytes(packed->digest), sizeof anchor->digest.bytes);
}

static struct anchor pack_anchor(const struct witness_anchor *anchor)
{
    return (struct anchor){.there = 1,
                           .serial = (uint8_t)anchor->serial,
                           .era = era_number(anchor->era),
                           .size = (uint8_t)anchor->size,
                           .count = (uint8_t)anchor->closed_count,
                           .digest = hash_number(anchor->digest.bytes)};
}

sealring_status __wrap_anchor_load(struct token *token, const uint8_t *vault_id, struct audit_witness *witness,
                                   enum token_answer *answer, sealring_error *error);
sealring_status __wrap_anchor_load(struct token *token, const uint8_t *vault_id, struct audit_witness *witness,
                                   enum token_answer *answer, sealring_error *error)
{
    (void)token, (void)vault_id, (void)error;
    *answer = TOKEN_DONE;
    witness->anchored = world.anchor.there;
    unpack_anchor(&world.anchor, &witness->anchor);
    witness->announced = world.announced.there && world.announced.serial > world.anchor.serial;
    unpack_anchor(&world.announced, &witness->take_over);
    return SEALRING_OK;
}

sealring_status __wrap_anchor_store(struct token *token, const uint8_t *vault_id, const struct audit_witness *witness,
                                    const struct witness_anchor *anchor, sealring_error *error);
sealring_status __wrap_anchor_store(struct token *token, const uint8_t *vault_id, const struct audit_witness *witness,
                                    const struct witness_anchor *anchor, sealring_error *error)
{
    (void)token, (void)vault_id, (void)witness, (void)error;
    if (token_mode == TOKEN_SIGNS_ONLY)
        return SEALRING_TOKEN;
    world.anchor = pack_anchor(anchor);
    promise_anchored(world.anchor.count);
    return SEALRING_OK;
}

static struct witness_anchor announcing;

void __wrap_anchor_format(const struct witness_anchor *anchor, char *text);
void __wrap_anchor_format(const struct witness_anchor *anchor, char *text)
{
    announcing = *anchor;
    strcpy(text, "anchor");
}

sealring_status __wrap_token_data_write(struct token *token, const char *label, const void *value, size_t length,
                                        enum token_answer *answer, sealring_error *error);
sealring_status __wrap_token_data_write(struct token *token, const char *label, const void *value, size_t length,
                                        enum token_answer *answer, sealring_error *error)
{
    (void)token, (void)label, (void)value, (void)length, (void)error;
    *answer = TOKEN_DONE;
    world.announced = pack_anchor(&announcing);
    return SEALRING_OK;
}

sealring_status __wrap_token_data_remove(struct token *token, const char *label, enum token_answer *answer,
                                         sealring_error *error);
sealring_status __wrap_token_data_remove(struct token *token, const char *label, enum token_answer *answer,
                                         sealring_error *error)
{
    (void)token, (void)label, (void)answer, (void)error;
    memset(&world.announced, 0, sizeof world.announced);
    return SEALRING_OK;
}

sealring_status __wrap_token_signer_label(struct token *token, const struct token_signer *signer, char *label,
                                          enum token_answer *answer, sealring_error *error);
sealring_status __wrap_token_signer_label(struct token *token, const struct token_signer *signer, char *label,
                                          enum token_answer *answer, sealring_error *error)
{
    (void)token, (void)signer, (void)label, (void)error;
    *answer = TOKEN_DONE;
    return SEALRING_OK;
}

/* ---- vault.unsigned ---- */

enum { NOTED_MAX = sizeof world.noted / sizeof *world.noted };

void note_unpack(const struct noted *packed, struct own_note *note)
{
    *note = (struct own_note){.kind = (enum own_note_kind)packed->kind,
                              .entry = packed->entry,
                              .facts_before = packed->before,
                              .facts = packed->facts};
    memcpy(note->era, era_bytes(packed->era), sizeof note->era);
    memcpy(note->hash, hash_bytes(packed->hash), sizeof note->hash);
    memcpy(note->head, hash_bytes(packed->head), sizeof note->head);
}

struct noted note_pack(const struct own_note *note)
{
    return (struct noted){.kind = (uint8_t)note->kind,
                          .era = era_number(note->era),
                          .entry = (uint8_t)note->entry,
                          .before = (uint8_t)note->facts_before,
                          .facts = (uint8_t)note->facts,
                          .hash = hash_number(note->hash),
                          .head = hash_number(note->head)};
}

/* The line after the commit takes the place of the one before it. */
sealring_status __wrap_unsigned_add(const struct config *config, const struct own_note *note, bool durable,
                                    sealring_error *error);
sealring_status __wrap_unsigned_add(const struct config *config, const struct own_note *note, bool durable,
                                    sealring_error *error)
{
    const struct noted packed = note_pack(note);
    (void)config, (void)durable, (void)error;
    unsigned place = note->kind == OWN_NOTE_COMMITTED ? world.noted_count - 1U : world.noted_count;
    if (place >= NOTED_MAX) {
        world_full = true;
        return SEALRING_OK;
    }
    world.noted[place] = packed;
    world.noted_count = (uint8_t)(place + 1);
    return SEALRING_OK;
}

sealring_status __wrap_unsigned_read(const struct config *config, const uint8_t *era, struct own_notes *notes,
                                     sealring_error *error);
sealring_status __wrap_unsigned_read(const struct config *config, const uint8_t *era, struct own_notes *notes,
                                     sealring_error *error)
{
    static struct own_note list[OPERATORS][NOTED_MAX];
    (void)config, (void)error;
    notes->list = list[operator_at_work];
    notes->count = 0;
    for (unsigned i = 0; i < world.noted_count; i++)
        if (world.noted[i].era == era_number(era))
            note_unpack(&world.noted[i], &notes->list[notes->count++]);
    return SEALRING_OK;
}

void __wrap_unsigned_clear(const struct config *config, const uint8_t *era, uint64_t entries);
void __wrap_unsigned_clear(const struct config *config, const uint8_t *era, uint64_t entries)
{
    (void)config;
    for (unsigned i = 0; i < world.noted_count; i++)
        if (world.noted[i].era == era_number(era) && world.noted[i].entry > entries)
            return;
    memset(world.noted, 0, sizeof world.noted);
    world.noted_count = 0;
}

/* ---- what has no part in this world ---- */

#define QUIET_STATUS(name, ...)                 \
    sealring_status __wrap_##name(__VA_ARGS__); \
    sealring_status __wrap_##name(__VA_ARGS__)  \
    {                                           \
        return SEALRING_OK;                     \
    }
#define QUIET(name, ...)             \
    void __wrap_##name(__VA_ARGS__); \
    void __wrap_##name(__VA_ARGS__)  \
    {                                \
    }
#pragma GCC diagnostic ignored "-Wunused-parameter"
QUIET_STATUS(copies_mend, sealring_manager *manager, int64_t wait, bool *of_registry, sealring_error *error)
QUIET_STATUS(copies_mend_judged, sealring_manager *manager, bool *of_registry, sealring_error *error)
QUIET_STATUS(copies_record, sealring_manager *manager, sealring_error *error)
QUIET_STATUS(era_end, const char *path, const uint8_t *era, sealring_error *error)
QUIET_STATUS(kept_token_follow_audit, const struct config *config, sealring_error *error)
QUIET_STATUS(manager_check_owner, const sealring_manager *manager, sealring_error *error)
QUIET(era_follow, sealring_manager *manager)
QUIET(effective_remember, sealring_manager *manager)
QUIET(manager_compose_remark, sealring_manager *manager)
QUIET(manager_note_audit_key, sealring_manager *manager)
QUIET(manager_note_schema, sealring_manager *manager, bool refused)
QUIET(audit_rows_begin, struct audit_rows *rows, struct registry *registry)
QUIET(audit_rows_end, struct audit_rows *rows, struct registry *registry, struct audit_act *act)
QUIET(audit_detail, struct audit_act *act, const char *format, ...)
QUIET(audit_detail_add, struct audit_act *act, const char *name, json_t *value)
QUIET(audit_release, struct audit_act *act)
QUIET(registry_copy_log, struct registry *registry, int pages)
QUIET(registry_checkpoint, struct registry *registry, int pages)
QUIET(lock_announce, struct lock *lock, const char *purpose)

const char *__wrap_registry_corrected(const struct registry *registry);
const char *__wrap_registry_corrected(const struct registry *registry)
{
    return "";
}

bool __wrap_registry_refused_altered(const struct registry *registry);
bool __wrap_registry_refused_altered(const struct registry *registry)
{
    return false;
}

bool __wrap_bell_ring(const char *path);
bool __wrap_bell_ring(const char *path)
{
    return true;
}

int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void)
{
    return NOW;
}

int64_t __wrap_clock_boot_ms(void);
int64_t __wrap_clock_boot_ms(void)
{
    return NOW;
}

/* An operation's ID, which decides nothing here, or the next era. */
sealring_status __wrap_manager_random(uint8_t *bytes, size_t length, sealring_error *error);
sealring_status __wrap_manager_random(uint8_t *bytes, size_t length, sealring_error *error)
{
    memset(bytes, 0, length);
    bytes[0] = (uint8_t)(world.eras + 1);
    return SEALRING_OK;
}

/* ---- locks: vault.work is held by the operator whose act began first ---- */

static struct lock registry_lock_itself;
static struct lock *work_held;
static bool registry_locked;

sealring_status __wrap_lock_acquire(struct lock *lock, int64_t wait_ms, const char *purpose, sealring_error *error);
sealring_status __wrap_lock_acquire(struct lock *lock, int64_t wait_ms, const char *purpose, sealring_error *error)
{
    if (work_held != NULL)
        return SEALRING_REGISTRY;
    work_held = lock;
    return SEALRING_OK;
}

void __wrap_lock_release(struct lock *lock);
void __wrap_lock_release(struct lock *lock)
{
    work_held = work_held == lock ? NULL : work_held;
}

bool __wrap_lock_held(const struct lock *lock);
bool __wrap_lock_held(const struct lock *lock)
{
    return work_held == lock;
}

bool __wrap_lock_is_announced(const char *path);
bool __wrap_lock_is_announced(const char *path)
{
    return false;
}

sealring_status __wrap_registry_lock(struct registry *registry, int64_t wait_ms, const char *purpose,
                                     sealring_error *error);
sealring_status __wrap_registry_lock(struct registry *registry, int64_t wait_ms, const char *purpose,
                                     sealring_error *error)
{
    registry_locked = true;
    return SEALRING_OK;
}

void __wrap_registry_unlock(struct registry *registry);
void __wrap_registry_unlock(struct registry *registry)
{
    registry_locked = false;
}

bool __wrap_registry_is_locked(const struct registry *registry);
bool __wrap_registry_is_locked(const struct registry *registry)
{
    return registry_locked;
}

struct lock *__wrap_registry_lock_of(struct registry *registry);
struct lock *__wrap_registry_lock_of(struct registry *registry)
{
    return &registry_lock_itself;
}
