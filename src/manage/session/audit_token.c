/* SPDX-License-Identifier: Apache-2.0 */
/* The audit token: the key that signs checkpoints, and the anchor that shows whether the registry was rolled back. */
#include "manage/session/audit_token.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/sha256.h"
#include "log/log_entry.h"
#include "log/log_tree.h"
#include "log/signed_note.h"
#include "log/signed_time.h"
#include "manage/session/own_token_files.h"
#include "registry/rows/closed_facts.h"
#include "token/key/signing_key.h"
#include "token/object/data_object.h"

#define WITNESS_ANCHOR_HEAD "sealring anchor 1 "
#define WITNESS_ANCHORS \
    16 /* one; two after an interruption, and one more after each time that the old one was not destroyed */
#define WITNESS_LOCK_WAIT_MS 10000

/* What is committed, as of one transaction. */
struct witness_state {
    struct checkpoint checkpoint;
    uint64_t vouched;  /* the latest checkpoint covers the entries up to this one, 0: none */
    int64_t signed_ms; /* when the latest checkpoint was signed, if its signature verifies */
    char vkey[REGISTRY_VKEY_SIZE];
    struct registry_checkpoint row;
};

bool witness_configured(const struct config *config)
{
    return config->audit_token[0] != '\0' && config->audit_pin_source[0] != '\0';
}

/* The token is open only as briefly as possible: while another token of the module is open, a search for a destroyed key may return an old result. */
static sealring_status witness_open(const struct config *config, struct token **token, sealring_error *error)
{
    struct token_config audit;
    sealring_status status = config_check_environment(config, error);
    if (status != SEALRING_OK)
        return status;
    config_audit_token(config, &audit);
    return token_open(&audit, token, error);
}

/* The pair has the vault's ID, so that one token can serve several vaults. */
static void witness_signer(const uint8_t vault_id[REGISTRY_ID_SIZE], struct token_signer *signer)
{
    memset(signer, 0, sizeof *signer);
    memcpy(signer->object_id, vault_id, REGISTRY_ID_SIZE);
    signer->object_id_length = REGISTRY_ID_SIZE;
}

static bool witness_key(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct token_signer *signer,
                        struct note_key *key)
{
    char origin[CHECKPOINT_ORIGIN_SIZE];
    checkpoint_origin(vault_id, origin);
    return note_key_make(origin, (enum note_type)signer->type, signer->public_key, signer->public_length, key);
}

sealring_status witness_make_key(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                 char vkey[REGISTRY_VKEY_SIZE], sealring_error *error)
{
    struct token *token = NULL;
    struct token_signer signer;
    struct note_key key;
    char label[TOKEN_LABEL_MAX + 1];
    char hex[2 * REGISTRY_ID_SIZE + 1];
    _Static_assert(NOTE_KEY_TEXT_SIZE <= REGISTRY_VKEY_SIZE, "a vkey fits");
    witness_signer(vault_id, &signer);
    hex_encode(vault_id, REGISTRY_ID_SIZE, hex);
    snprintf(label, sizeof label, "sealring-audit/%s", hex);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = token_signer_generate(token, label, &signer, error);
    token_close(token);
    if (status == SEALRING_OK && !witness_key(vault_id, &signer, &key))
        status = error_set(error, SEALRING_TOKEN, "the audit token made a key pair whose public key is none");
    if (status == SEALRING_OK)
        note_key_format(&key, vkey);
    return status;
}

sealring_status witness_check_key(const struct config *config, const struct registry *registry, const char *vkey,
                                  sealring_error *error)
{
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    char own[NOTE_KEY_TEXT_SIZE];
    struct token *token = NULL;
    struct token_signer signer;
    struct note_key key;
    witness_signer(vault_id, &signer);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = token_signer_find(token, &signer, NULL, error);
    token_close(token);
    if (status == SEALRING_NOT_FOUND)
        return error_set(error, SEALRING_REFUSED, "the audit token has no key pair for this vault");
    if (status != SEALRING_OK)
        return status;
    if (!witness_key(vault_id, &signer, &key))
        return error_set(error, SEALRING_REFUSED, "the audit token's public key is none");
    note_key_format(&key, own);
    if (strcmp(own, vkey) != 0)
        return error_set(error, SEALRING_REFUSED, "the key in the audit token is not the one that the registry names");
    return SEALRING_OK;
}

/* ---- The anchor ---- */

static void anchor_label(const uint8_t vault_id[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1])
{
    char hex[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(vault_id, REGISTRY_ID_SIZE, hex);
    snprintf(label, TOKEN_LABEL_MAX + 1, "sealring-anchor/%s", hex);
}

static void take_over_label(const uint8_t vault_id[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1])
{
    char hex[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(vault_id, REGISTRY_ID_SIZE, hex);
    snprintf(label, TOKEN_LABEL_MAX + 1, "sealring-take-over/%s", hex);
}

static void anchor_format(const struct witness_anchor *anchor, char text[TOKEN_DATA_MAX])
{
    char era[2 * CHECKPOINT_ERA_SIZE + 1];
    char digest[BASE64_LENGTH(MERKLE_HASH_SIZE) + 1];
    hex_encode(anchor->era, CHECKPOINT_ERA_SIZE, era);
    base64_encode(anchor->digest.bytes, MERKLE_HASH_SIZE, digest);
    snprintf(text, TOKEN_DATA_MAX, WITNESS_ANCHOR_HEAD "%" PRIu64 " %s %" PRIu64 " %" PRIu64 " %s", anchor->serial, era,
             anchor->size, anchor->closed_count, digest);
}

static bool anchor_parse(const char *text, struct witness_anchor *anchor)
{
    char era[2 * CHECKPOINT_ERA_SIZE + 1] = "";
    char digest[BASE64_LENGTH(MERKLE_HASH_SIZE) + 1] = "";
    char again[TOKEN_DATA_MAX];
    size_t length = 0;
    memset(anchor, 0, sizeof *anchor);
    /* A number that does not fit is noticed at the end, when the anchor is formatted again and compared. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(text, WITNESS_ANCHOR_HEAD "%" SCNu64 " %32s %" SCNu64 " %" SCNu64 " %44s", &anchor->serial, era,
               &anchor->size, &anchor->closed_count, digest) != 5 ||
        !base64_decode(digest, strlen(digest), anchor->digest.bytes, MERKLE_HASH_SIZE, &length) ||
        !hex_decode(era, anchor->era, CHECKPOINT_ERA_SIZE))
        return false;
    anchor_format(anchor, again);
    return strcmp(again, text) == 0;
}

static void anchor_digest(const struct merkle_hash *root, const uint8_t closed[REGISTRY_DIGEST_SIZE],
                          struct merkle_hash *digest)
{
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, root->bytes, sizeof root->bytes);
    sha256_add(&hash, closed, REGISTRY_DIGEST_SIZE);
    sha256_finish(&hash, digest->bytes);
}

static void anchor_take(const char *text, bool *there, struct witness_anchor *newest)
{
    struct witness_anchor anchor;
    if (anchor_parse(text, &anchor) && (!*there || anchor.serial > newest->serial)) {
        *newest = anchor;
        *there = true;
    }
}

/* The newest of the data objects with that label. If there are objects and none contains an anchor, this is refused, and not treated as no anchor. */
static sealring_status anchor_load_data(struct token *token, const char *label, bool *there,
                                        struct witness_anchor *newest, sealring_error *error)
{
    struct token_data values[WITNESS_ANCHORS];
    size_t count = 0;
    *there = false;
    sealring_status status = token_data_read(token, label, values, WITNESS_ANCHORS, &count, NULL, error);
    for (size_t i = 0; i < count; i++) {
        char text[TOKEN_DATA_MAX + 1];
        memcpy(text, values[i].bytes, values[i].length);
        text[values[i].length] = '\0';
        anchor_take(text, there, newest);
    }
    if (count > 0 && !*there)
        return error_set(error, SEALRING_REFUSED, "the audit token has a data object %s with another content", label);
    return status;
}

/* The newest of the anchors in data objects and of the one in the label of the private key, where a token without data objects keeps it. Such a
 * token may also refuse to search for data objects; one that refuses and has no anchor in the label hides it. */
static sealring_status anchor_load(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                   struct audit_witness *witness, sealring_error *error)
{
    char label[TOKEN_LABEL_MAX + 1];
    struct token_signer signer;
    sealring_error inner;
    anchor_label(vault_id, label);
    witness_signer(vault_id, &signer);
    sealring_status status = anchor_load_data(token, label, &witness->anchored, &witness->anchor, error);
    if (status != SEALRING_OK && status != SEALRING_REFUSED)
        return status;
    sealring_status labelled = token_signer_label(token, &signer, label, NULL, &inner);
    if (labelled == SEALRING_OK)
        anchor_take(label, &witness->anchored, &witness->anchor);
    if (!witness->anchored && status == SEALRING_OK && labelled != SEALRING_OK && labelled != SEALRING_NOT_FOUND) {
        status = labelled;
        if (error != NULL)
            *error = inner;
    }
    if (!witness->anchored && status == SEALRING_REFUSED && witness->made)
        status = SEALRING_OK;
    if (!witness->anchored)
        return status;
    take_over_label(vault_id, label);
    status = anchor_load_data(token, label, &witness->announced, &witness->take_over, error);
    /* a take-over is complete once the anchor is as new as it */
    witness->announced = witness->announced && witness->take_over.serial > witness->anchor.serial;
    return status == SEALRING_REFUSED ? SEALRING_OK
                                      : status; /* then no take-over is announced, which is the safe side */
}

static sealring_status anchor_store(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                    const struct witness_anchor *anchor, sealring_error *error)
{
    char text[TOKEN_DATA_MAX];
    char label[TOKEN_LABEL_MAX + 1];
    struct token_signer signer;
    anchor_label(vault_id, label);
    anchor_format(anchor, text);
    witness_signer(vault_id, &signer);
    sealring_status status = token_data_write(token, label, text, strlen(text), NULL, error);
    return status == SEALRING_REFUSED ? token_signer_relabel(token, &signer, text, error) : status;
}

sealring_status witness_discard(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                sealring_error *error)
{
    struct token *token = NULL;
    struct token_signer signer;
    char label[TOKEN_LABEL_MAX + 1];
    witness_signer(vault_id, &signer);
    anchor_label(vault_id, label);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = token_data_remove(token, label, NULL, error);
    if (status == SEALRING_OK || status == SEALRING_REFUSED) /* the token keeps no data objects */
        status = token_signer_destroy(token, &signer, error);
    token_close(token);
    return status;
}

/* ---- Checking the registry against the anchor ---- */

static void witness_say(struct audit_witness *witness, const char *what, const sealring_error *error)
{
    snprintf(witness->remark, sizeof witness->remark, "%s: %.180s", what, error->message);
}

/* The key exists since `init`, under the vault's ID, and stays even if the anchor is lost. In doubt: true. */
static bool witness_has_key(struct token *token, const struct registry *registry)
{
    struct token_signer signer;
    char label[TOKEN_LABEL_MAX + 1];
    sealring_error ignored;
    witness_signer(registry_vault_row(registry)->vault_id, &signer);
    return token_signer_label(token, &signer, label, NULL, &ignored) != SEALRING_NOT_FOUND;
}

void witness_read(struct audit_witness *witness, const struct config *config, const struct registry *registry)
{
    struct token *token = NULL;
    sealring_error error = {0};
    witness->refused.status = SEALRING_OK;
    if (!witness_configured(config))
        return;
    sealring_status status = witness_open(config, &token, &error);
    if (status == SEALRING_OK)
        status = anchor_load(token, registry_vault_row(registry)->vault_id, witness, &error);
    witness->unknown = status == SEALRING_OK && !witness->anchored && !witness_has_key(token, registry);
    token_close(token);
    if (status == SEALRING_REFUSED)
        witness->refused = error;
    if (status == SEALRING_OK && !witness->anchored && !witness->unknown)
        snprintf(witness->notice, sizeof witness->notice,
                 "the audit token has lost its anchor: whether the registry was put back before is not known");
    if (status != SEALRING_OK)
        witness_say(witness, "the audit token was not asked whether the registry was put back", &error);
}

sealring_status witness_recall(struct audit_witness *witness, const struct config *config,
                               const uint8_t vault_id[REGISTRY_ID_SIZE], struct note_key *key, sealring_error *error)
{
    struct token *token = NULL;
    struct token_signer signer;
    witness_signer(vault_id, &signer);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = token_signer_find(token, &signer, NULL, error);
    if (status == SEALRING_OK && !witness_key(vault_id, &signer, key))
        status = error_set(error, SEALRING_TOKEN, "the audit token has a key pair whose public key is none");
    if (status == SEALRING_OK)
        status = anchor_load(token, vault_id, witness, error);
    token_close(token);
    return status;
}

/* The digest of the registry's log at the anchor's size; *there: the log is that long. */
static sealring_status witness_digest(const struct witness_anchor *anchor, struct registry *registry,
                                      struct merkle_hash *digest, bool *there, sealring_error *error)
{
    uint64_t size = 0;
    struct merkle_hash root;
    uint8_t closed[REGISTRY_DIGEST_SIZE];
    *there = false;
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status != SEALRING_OK || size < anchor->size)
        return status;
    status = tree_root(registry, anchor->size, &root, error);
    if (status == SEALRING_OK)
        status = registry_closed_find(registry, anchor->closed_count, closed, there, error);
    if (status == SEALRING_OK && *there)
        anchor_digest(&root, closed, digest);
    return status;
}

/* Whether an interrupted take-over left this state: the registry that it was about, under the era that it chose, or a later state of that registry.
 * Write access to the registry alone does not suffice to announce a take-over. */
static sealring_status witness_was_taken_over(const struct audit_witness *witness, struct registry *registry, bool *was,
                                              sealring_error *error)
{
    struct merkle_hash digest;
    bool there = false;
    const struct witness_anchor *announced = &witness->take_over;
    *was = false;
    if (!witness->announced || memcmp(announced->era, registry_vault_row(registry)->era, sizeof announced->era) != 0)
        return SEALRING_OK;
    sealring_status status = witness_digest(announced, registry, &digest, &there, error);
    *was = status == SEALRING_OK && there && merkle_equal(&digest, &announced->digest);
    return status == SEALRING_REGISTRY ? SEALRING_OK : status;
}

sealring_status witness_judge(const struct audit_witness *witness, struct registry *registry, sealring_error *error)
{
    struct merkle_hash digest;
    bool there = false;
    bool taken_over = false;
    uint64_t size = 0;
    if (witness->refused.status != SEALRING_OK)
        return error_set(
            error, SEALRING_REFUSED,
            "ALARM: the audit token does not show what it knows of the registry, so whether that was put back "
            "is not known: %.200s; repair the token, or repeat the command with --take-over REASON",
            witness->refused.message);
    if (!witness->anchored && !witness->unknown)
        return SEALRING_OK;
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status == SEALRING_OK && witness->unknown && size > 1)
        return error_set(
            error, SEALRING_REFUSED,
            "ALARM: the audit token knows nothing of this vault: the registry is another one, its vault ID was changed, "
            "or the token was: bring the right one back, or repeat the command with --take-over REASON");
    if (!witness->anchored)
        return status;
    if (status == SEALRING_OK)
        status = witness_digest(&witness->anchor, registry, &digest, &there, error);
    if (status == SEALRING_REGISTRY) /* the tree has a hole: such a log does not continue from the anchor */
        there = false;
    else if (status != SEALRING_OK || (there && merkle_equal(&digest, &witness->anchor.digest)))
        return status;
    status = witness_was_taken_over(witness, registry, &taken_over, error);
    if (status != SEALRING_OK || taken_over)
        return status;
    if (size < witness->anchor.size)
        return error_set(error, SEALRING_REFUSED,
                         "ALARM: the registry was put back: its audit log ends with entry %" PRIu64
                         ", the audit token knows of %" PRIu64 ": bring the newest registry back, or, if what is "
                         "missing is lost, repeat the command with --take-over REASON",
                         size, witness->anchor.size);
    return error_set(error, SEALRING_REFUSED,
                     "ALARM: the registry is another one, or its audit log was changed: up to entry %" PRIu64
                     " it is not what the audit token knows: see `sealring audit verify`; bring the right registry "
                     "back, or repeat the command with --take-over REASON",
                     witness->anchor.size);
}

sealring_status witness_take_over(const struct audit_witness *witness, struct registry *registry, const char *reason,
                                  struct audit_act *act, sealring_error *error)
{
    const uint8_t *era = witness->take_over.era;
    uint64_t size = 0;
    char text[TOKEN_DATA_MAX], before[2 * REGISTRY_ID_SIZE + 1], after[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(registry_vault_row(registry)->era, REGISTRY_ID_SIZE, before);
    hex_encode(era, REGISTRY_ID_SIZE, after);
    anchor_format(&witness->anchor, text);
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status == SEALRING_OK)
        status = registry_vault_set_era(registry, era, error);
    audit_detail(act, "{s:s, s:I, s:s, s:s, s:s}", "anchor", text, "entries", (json_int_t)size, "era_before", before,
                 "era_after", after, "reason", reason);
    return status;
}

/* ---- Checkpoints ---- */

static sealring_status witness_look(struct registry *registry, struct witness_state *state, sealring_error *error)
{
    bool forged, found = false;
    struct checkpoint *checkpoint = &state->checkpoint;
    const struct registry_vault *vault = registry_vault_row(registry);
    memset(state, 0, sizeof *state);
    checkpoint_origin(vault->vault_id, checkpoint->origin);
    memcpy(checkpoint->era, vault->era, sizeof checkpoint->era);
    sealring_status status = registry_audit_size(registry, &checkpoint->size, error);
    if (status == SEALRING_OK)
        status = registry_checkpoint_find_latest(registry, &state->row, &found, error);
    state->vouched = state->row.size;
    if (status == SEALRING_OK)
        status = signed_time(registry, &state->signed_ms, &forged, error);
    if (status == SEALRING_OK)
        status = registry_audit_key_find(registry, state->vkey, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_NOT_FOUND, "the registry names no key for it");
    if (status == SEALRING_OK)
        status = tree_root(registry, checkpoint->size, &checkpoint->root, error);
    if (status == SEALRING_OK)
        status = registry_closed_head(registry, &checkpoint->closed_count, checkpoint->closed.bytes, error);
    return status;
}

static sealring_status witness_read_state(struct registry *registry, struct witness_state *state, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = witness_look(registry, state, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* The signed note. Before it is used, it is verified with the key that verifiers will use. */
static sealring_status witness_sign_text(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                         const char *vkey, const char *text, char note[REGISTRY_NOTE_SIZE],
                                         sealring_error *error)
{
    char line[NOTE_LINE_SIZE];
    uint8_t signature[TOKEN_SIGNATURE_MAX];
    size_t length = 0;
    struct note_key key;
    struct note parsed;
    struct token_signer signer;
    witness_signer(vault_id, &signer);
    if (!note_key_parse(vkey, &key))
        return error_set(error, SEALRING_REGISTRY, "the registry's key for checkpoints is damaged");
    signer.type = (enum token_signer_type)key.type;
    sealring_status status = token_signer_sign(token, &signer, text, strlen(text), signature, &length, error);
    if (status != SEALRING_OK)
        return status;
    bool good = note_sign_line(&key, signature, length, line);
    snprintf(note, REGISTRY_NOTE_SIZE, "%s\n%s", text, good ? line : "");
    if (!good || !note_parse(note, strlen(note), &parsed, NULL) || note_verify(&parsed, &key) != NOTE_GOOD)
        return error_set(error, SEALRING_REFUSED, "the key in the audit token is not the one that the registry names");
    return SEALRING_OK;
}

sealring_status witness_sign_note(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                  const char *vkey, const char *text, char note[REGISTRY_NOTE_SIZE],
                                  sealring_error *error)
{
    struct token *token = NULL;
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = witness_sign_text(token, vault_id, vkey, text, note, error);
    token_close(token);
    return status;
}

/* A checkpoint's time is not before that of the previous one, unless an operator has confirmed the clock: a time signed by a late clock would be no
 * lower bound for others. */
static sealring_status witness_sign(struct token *token, struct witness_state *state, bool clock_confirmed,
                                    const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error)
{
    char text[CHECKPOINT_TEXT_SIZE];
    state->checkpoint.time = clock_wall_ms();
    if (!clock_confirmed && state->checkpoint.time < state->signed_ms)
        state->checkpoint.time = state->signed_ms;
    checkpoint_format(&state->checkpoint, text);
    state->row.size = state->checkpoint.size;
    state->row.time = state->checkpoint.time;
    return witness_sign_text(token, vault_id, state->vkey, text, state->row.note, error);
}

static sealring_status witness_keep(struct registry *registry, const struct witness_state *state, sealring_error *error)
{
    struct registry_write how = {.moves_epoch = false};
    bool held = registry_is_locked(registry);
    if (RAND_bytes(how.operation_id, sizeof how.operation_id) != 1)
        return error_set(error, SEALRING_SYSTEM, "OpenSSL's random generator failed");
    /* the lock is taken only now: nobody is kept from writing while the token signs */
    sealring_status status = held ? SEALRING_OK : registry_lock(registry, WITNESS_LOCK_WAIT_MS, "checkpoint", error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction writing = registry_writing(registry, &how, error);
    do {
        if (registry_begin(&writing, &status))
            status = registry_checkpoint_insert(registry, &state->row, error);
    } while (registry_again(&writing, &status));
    if (!held)
        registry_unlock(registry);
    return status;
}

/* Describes the checkpoint as an anchor for the token. */
static void witness_describe(const struct witness_state *state, const struct audit_witness *witness,
                             struct witness_anchor *anchor)
{
    *anchor = (struct witness_anchor){
        .serial = witness->anchored ? witness->anchor.serial + 1 : 1,
        .size = state->checkpoint.size,
        .closed_count = state->checkpoint.closed_count,
    };
    memcpy(anchor->era, state->checkpoint.era, sizeof anchor->era);
    anchor_digest(&state->checkpoint.root, state->checkpoint.closed.bytes, &anchor->digest);
}

sealring_status witness_announce(struct audit_witness *witness, const struct config *config, struct registry *registry,
                                 sealring_error *error)
{
    struct token *token = NULL;
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    char text[TOKEN_DATA_MAX], label[TOKEN_LABEL_MAX + 1];
    struct witness_state *state = malloc(sizeof *state);
    if (state == NULL)
        return error_no_memory(error);
    sealring_status status = witness_read_state(registry, state, error);
    if (status == SEALRING_OK)
        status = witness_open(config, &token, error);
    if (status != SEALRING_OK)
        goto cleanup;
    witness_describe(state, witness, &witness->take_over);
    if (RAND_bytes(witness->take_over.era, sizeof witness->take_over.era) != 1) {
        status = error_set(error, SEALRING_SYSTEM, "OpenSSL's random generator failed");
        goto cleanup;
    }
    take_over_label(vault_id, label);
    anchor_format(&witness->take_over, text);
    status = token_data_write(token, label, text, strlen(text), NULL, error);
    witness->announced = status == SEALRING_OK;
    if (status == SEALRING_REFUSED)
        status = SEALRING_OK;
cleanup:
    token_close(token);
    free(state);
    return status;
}

static sealring_status witness_anchor(struct token *token, struct audit_witness *witness,
                                      const struct witness_state *state, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                      sealring_error *error)
{
    struct witness_anchor anchor;
    char label[TOKEN_LABEL_MAX + 1];
    witness_describe(state, witness, &anchor);
    sealring_status status = anchor_store(token, vault_id, &anchor, error);
    if (status != SEALRING_OK)
        return status;
    witness->anchor = anchor;
    witness->anchored = true;
    take_over_label(vault_id, label);
    if (witness->announced && token_data_remove(token, label, NULL, NULL) == SEALRING_OK)
        witness->announced = false;
    return SEALRING_OK;
}

/* Loads the anchor as it is now: another manager may have moved it since, and the token may have been missing when this one read it. */
static sealring_status witness_load_again(struct audit_witness *witness, struct token *token, struct registry *registry,
                                          sealring_error *error)
{
    sealring_status status = anchor_load(token, registry_vault_row(registry)->vault_id, witness, error);
    if (status != SEALRING_OK || witness->settled)
        return status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = witness_judge(witness, registry, error);
    } while (registry_again(&reading, &status));
    return status;
}

void witness_settle(struct audit_witness *witness, const struct config *config, struct registry *registry)
{
    struct witness_state *state = NULL;
    struct token *token = NULL;
    sealring_error error = {0};
    if (!witness_configured(config))
        return;
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    const char *what = "what was done stands, but no checkpoint was signed";
    sealring_status status = SEALRING_OK;
    state = malloc(sizeof *state);
    if (state == NULL)
        status = error_no_memory(&error);
    if (status == SEALRING_OK)
        status = witness_read_state(registry, state, &error);
    if (status == SEALRING_OK && state->vouched == state->checkpoint.size && witness->anchored &&
        witness->anchor.size == state->checkpoint.size)
        goto cleanup;
    if (status == SEALRING_OK)
        status = witness_open(config, &token, &error);
    if (status == SEALRING_OK)
        status = witness_load_again(witness, token, registry, &error);
    if (status == SEALRING_OK && state->vouched != state->checkpoint.size) {
        status = witness_sign(token, state, witness->clock_confirmed, vault_id, &error);
        if (status == SEALRING_OK)
            status = witness_keep(registry, state, &error);
    }
    if (status == SEALRING_OK) {
        what = "what was done stands, but the audit token keeps no anchor of it";
        status = witness_anchor(token, witness, state, vault_id, &error);
        witness->settled = witness->settled && status != SEALRING_OK;
    }
    if (status == SEALRING_OK) {
        what = "what was done stands, but the audit token's files are not safe";
        status = kept_token_follow_audit(config, &error);
    }
cleanup:
    token_close(token);
    free(state);
    if (status != SEALRING_OK)
        witness_say(witness, what, &error);
    else
        witness->remark[0] = '\0';
}
