/* SPDX-License-Identifier: Apache-2.0 */
/* The audit token's key pair, which signs checkpoints. */
#include "manage/session/audit_token_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/writer.h"
#include "manage/session/own_token_files.h"
#include "registry/rows/closed_facts.h"

bool witness_configured(const struct config *config)
{
    return config->audit_token[0] != '\0' && config->audit_pin_source[0] != '\0';
}

sealring_status witness_open(const struct config *config, struct token **token, sealring_error *error)
{
    sealring_status status = config_check_environment(config, error);
    if (status != SEALRING_OK)
        return status;
    struct token_config audit = config_audit_token(config);
    return token_open(&audit, token, error);
}

void witness_signer(const uint8_t vault_id[REGISTRY_ID_SIZE], uint32_t number, struct token_signer *signer)
{
    struct writer writer;
    memset(signer, 0, sizeof *signer);
    writer_init(&writer, signer->object_id, sizeof signer->object_id);
    writer_bytes(&writer, vault_id, REGISTRY_ID_SIZE);
    if (number > 0)
        writer_u32(&writer, number);
    signer->object_id_length = writer.length;
}

bool witness_key(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct token_signer *signer, struct note_key *key)
{
    char origin[CHECKPOINT_ORIGIN_SIZE];
    checkpoint_origin(vault_id, origin);
    return note_key_make(origin, (enum note_type)signer->type, signer->public_key, signer->public_length, key);
}

void witness_label(const char *kind, const uint8_t vault_id[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1])
{
    char hex[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(vault_id, REGISTRY_ID_SIZE, hex);
    snprintf(label, TOKEN_LABEL_MAX + 1, "sealring-%s/%s", kind, hex);
}

sealring_status witness_make_key(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                 char vkey[NOTE_KEY_TEXT_SIZE], sealring_error *error)
{
    struct token *token = NULL;
    struct token_signer signer;
    struct note_key key;
    char label[TOKEN_LABEL_MAX + 1];
    _Static_assert(NOTE_KEY_TEXT_SIZE <= REGISTRY_VKEY_SIZE, "a vkey fits");
    witness_signer(vault_id, 0, &signer);
    witness_label("audit", vault_id, label);
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

/* What is wrong with the pair that token_signer_find has answered for; NULL: it is the key. */
static const char *pair_problem(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct token_signer *signer,
                                enum token_answer answer, const struct note_key *wanted)
{
    char own[NOTE_KEY_TEXT_SIZE], vkey[NOTE_KEY_TEXT_SIZE];
    struct note_key key;
    if (answer == TOKEN_MISSING)
        return "the audit token has no key pair for this vault";
    if (!witness_key(vault_id, signer, &key))
        return "the audit token's public key is not valid";
    note_key_format(&key, own);
    note_key_format(wanted, vkey);
    return strcmp(own, vkey) != 0 ? "the key in the audit token is not the one that `sealring audit key` shows" : NULL;
}

sealring_status witness_check_key(const struct config *config, const struct registry *registry,
                                  const struct audit_keys *keys, bool *differs, bool *next, sealring_error *error)
{
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    struct token *token = NULL;
    struct token_signer signer, following;
    enum token_answer answer = TOKEN_FAILED, follows = TOKEN_FAILED;
    *differs = *next = false;
    witness_signer(vault_id, (uint32_t)keys->count - 1, &signer);
    witness_signer(vault_id, (uint32_t)keys->count, &following);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK) {
        (void)token_signer_find(token, &following, &follows, NULL);
        status = token_signer_find(token, &signer, &answer, error);
    }
    token_close(token);
    *next = follows == TOKEN_DONE;
    if (status != SEALRING_OK && answer != TOKEN_MISSING)
        return status;
    const char *wrong = pair_problem(vault_id, &signer, answer, audit_keys_newest(keys));
    *differs = wrong != NULL;
    return *differs ? error_set(error, SEALRING_REFUSED, "%s", wrong) : SEALRING_OK;
}

sealring_status witness_discard(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                sealring_error *error)
{
    struct token *token = NULL;
    struct token_signer signer;
    enum token_answer answer = TOKEN_FAILED;
    char label[TOKEN_LABEL_MAX + 1];
    witness_signer(vault_id, 0, &signer);
    witness_label(ANCHOR_OF_LOG, vault_id, label);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = token_data_remove(token, label, &answer, error);
    if (answer == TOKEN_DONE || answer == TOKEN_REFUSES) /* the token keeps no data objects */
        status = token_signer_destroy(token, &signer, error);
    token_close(token);
    return status;
}

/* The line of one signature, verified. text: of the note. */
static sealring_status sign_line(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                 const struct note_key *key, uint32_t number, const char *text,
                                 char line[NOTE_LINE_SIZE], sealring_error *error)
{
    char note[REGISTRY_NOTE_SIZE];
    uint8_t signature[TOKEN_SIGNATURE_MAX];
    size_t length = 0;
    struct note parsed;
    struct token_signer signer;
    witness_signer(vault_id, number, &signer);
    signer.type = (enum token_signer_type)key->type;
    sealring_status status = token_signer_sign(token, &signer, text, strlen(text), signature, &length, error);
    if (status != SEALRING_OK)
        return status;
    bool good = note_sign_line(key, signature, length, line);
    snprintf(note, sizeof note, "%s\n%s", text, good ? line : "");
    if (!good || !note_parse(note, strlen(note), &parsed, NULL) || note_verify(&parsed, key) != NOTE_GOOD)
        return error_set(error, SEALRING_REFUSED,
                         "the key in the audit token is not the one that `sealring audit key` shows");
    return SEALRING_OK;
}

sealring_status witness_sign_text(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                  const struct audit_keys *keys, const char *text, char note[REGISTRY_NOTE_SIZE],
                                  sealring_error *error)
{
    char line[NOTE_LINE_SIZE] = "";
    if (keys->count == 0)
        return error_set(error, SEALRING_REGISTRY, "the registry's key for checkpoints is damaged");
    sealring_status status =
        sign_line(token, vault_id, audit_keys_newest(keys), (uint32_t)keys->count - 1, text, line, error);
    snprintf(note, REGISTRY_NOTE_SIZE, "%s\n%s", text, line);
    return status;
}

sealring_status witness_sign_note(const struct config *config, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                  const struct audit_keys *keys, const char *text, char note[REGISTRY_NOTE_SIZE],
                                  sealring_error *error)
{
    struct token *token = NULL;
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = witness_sign_text(token, vault_id, keys, text, note, error);
    token_close(token);
    return status;
}

/* ---- the key that follows ---- */

static sealring_status find_or_make(struct token *token, struct token_signer *signer, const char *label,
                                    sealring_error *error)
{
    enum token_answer answer = TOKEN_FAILED;
    sealring_status status = token_signer_find(token, signer, &answer, error);
    if (status == SEALRING_OK || answer != TOKEN_MISSING)
        return status;
    status = token_signer_destroy(token, signer, error); /* half of a pair */
    return status == SEALRING_OK ? token_signer_generate(token, label, signer, error) : status;
}

sealring_status witness_make_successor(struct witness_successor *successor, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                       sealring_error *error)
{
    struct token *token = NULL;
    struct token_signer signer;
    char label[TOKEN_LABEL_MAX + 1];
    witness_signer(vault_id, successor->number, &signer);
    witness_label("audit", vault_id, label);
    sealring_status status = witness_open(successor->config, &token, error);
    if (status == SEALRING_OK)
        status = find_or_make(token, &signer, label, error);
    token_close(token);
    if (status == SEALRING_OK && !witness_key(vault_id, &signer, &successor->key))
        status = error_set(error, SEALRING_TOKEN, "the audit token has a key pair whose public key is none");
    return status == SEALRING_OK ? kept_token_follow_audit(successor->config, error) : status;
}

static bool is_same_token(const struct config *one, const struct config *other)
{
    return strcmp(one->audit_token, other->audit_token) == 0;
}

sealring_status witness_sign_both(struct token *token, const struct config *config,
                                  const struct witness_successor *successor, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                  char note[REGISTRY_NOTE_SIZE], sealring_error *error)
{
    char text[REGISTRY_NOTE_SIZE], line[NOTE_LINE_SIZE] = "";
    struct token *other = NULL;
    struct note parsed;
    sealring_status status = SEALRING_OK;
    if (!note_parse(note, strlen(note), &parsed, NULL))
        return error_set(error, SEALRING_REFUSED, "the checkpoint that was signed is no signed note");
    snprintf(text, sizeof text, "%.*s", (int)parsed.text_length, parsed.text);
    if (!is_same_token(config, successor->config))
        status = witness_open(successor->config, &other, error);
    if (status == SEALRING_OK)
        status =
            sign_line(other != NULL ? other : token, vault_id, &successor->key, successor->number, text, line, error);
    token_close(other);
    size_t length = strlen(note);
    if (status == SEALRING_OK && length + strlen(line) >= REGISTRY_NOTE_SIZE)
        status = error_set(error, SEALRING_INVALID, "the signatures of both keys are too long");
    if (status == SEALRING_OK)
        memcpy(note + length, line, strlen(line) + 1);
    return status;
}

sealring_status witness_move_anchor(struct audit_witness *witness, const struct witness_successor *successor,
                                    const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error)
{
    struct token *token = NULL;
    witness->number = successor->number;
    if (!witness->anchored)
        return SEALRING_OK;
    sealring_status status = witness_open(successor->config, &token, error);
    if (status == SEALRING_OK)
        status = anchor_store(token, vault_id, witness, &witness->anchor, error);
    token_close(token);
    return status == SEALRING_OK ? kept_token_follow_audit(successor->config, error) : status;
}

sealring_status witness_limit_keys(struct config *config, struct registry *registry, sealring_error *error)
{
    struct audit_keys keys;
    uint8_t head[REGISTRY_DIGEST_SIZE];
    uint64_t entries = 0, facts = 0;
    sealring_status status;
    if (!audit_keys_parse(config->audit_key, &keys, NULL) || keys.count < 2)
        return SEALRING_OK;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = registry_audit_size(registry, &entries, error);
        if (status == SEALRING_OK)
            status = registry_closed_head(registry, &facts, head, error);
    } while (registry_again(&reading, &status));
    return status == SEALRING_OK && audit_keys_limit(&keys, entries, facts)
               ? config_set_audit(config, &keys, NULL, NULL, error)
               : status;
}
