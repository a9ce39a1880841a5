/* SPDX-License-Identifier: Apache-2.0 */
/* The audit token's key pair, which signs checkpoints. */
#include "manage/session/audit_token_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/error.h"
#include "log/signed_note.h"

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

void witness_signer(const uint8_t vault_id[REGISTRY_ID_SIZE], struct token_signer *signer)
{
    memset(signer, 0, sizeof *signer);
    memcpy(signer->object_id, vault_id, REGISTRY_ID_SIZE);
    signer->object_id_length = REGISTRY_ID_SIZE;
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
    witness_signer(vault_id, &signer);
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

sealring_status witness_check_key(const struct config *config, const struct registry *registry, const char *vkey,
                                  bool *differs, sealring_error *error)
{
    const uint8_t *vault_id = registry_vault_row(registry)->vault_id;
    char own[NOTE_KEY_TEXT_SIZE];
    struct token *token = NULL;
    struct token_signer signer;
    struct note_key key;
    enum token_answer answer = TOKEN_FAILED;
    const char *wrong = NULL;
    *differs = false;
    witness_signer(vault_id, &signer);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = token_signer_find(token, &signer, &answer, error);
    token_close(token);
    if (status != SEALRING_OK && answer != TOKEN_MISSING)
        return status;
    if (answer == TOKEN_MISSING)
        wrong = "the audit token has no key pair for this vault";
    else if (!witness_key(vault_id, &signer, &key))
        wrong = "the audit token's public key is not valid";
    else if (note_key_format(&key, own), strcmp(own, vkey) != 0)
        wrong = "the key in the audit token is not the one that `sealring audit key` shows";
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
    witness_signer(vault_id, &signer);
    witness_label(ANCHOR_OF_LOG, vault_id, label);
    sealring_status status = witness_open(config, &token, error);
    if (status == SEALRING_OK)
        status = token_data_remove(token, label, &answer, error);
    if (answer == TOKEN_DONE || answer == TOKEN_REFUSES) /* the token keeps no data objects */
        status = token_signer_destroy(token, &signer, error);
    token_close(token);
    return status;
}

sealring_status witness_sign_text(struct token *token, const uint8_t vault_id[REGISTRY_ID_SIZE], const char *vkey,
                                  const char *text, char note[REGISTRY_NOTE_SIZE], sealring_error *error)
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
        return error_set(error, SEALRING_REFUSED,
                         "the key in the audit token is not the one that `sealring audit key` shows");
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
