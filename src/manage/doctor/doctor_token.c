/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of the token: compares its objects with the registry's versions, one by one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/sha256.h"
#include "config/config.h"
#include "lifecycle/transition_table.h"
#include "manage/doctor/doctor_parts.h"
#include "manage/tokens/key_inventory.h"
#include "manage/tokens/version_object.h"
#include "registry/lock/lock.h"
#include "verifier/request/derive.h"

#define LABEL_VERSION "sealring/"
#define LABEL_INTENT  "sealring-intent/"
#define TRIES         20 /* to read registry and token in one state, while others are working */
#define PAUSE_NSEC    100000000L

struct token_look {
    struct doctor *doctor;
    struct inventory inventory;
    uint8_t stamp[32]; /* covers everything in the registry that the comparison depends on */
};

static void make_stamp(struct token_look *look)
{
    struct sha256 hash;
    sha256_start(&hash);
    for (size_t i = 0; i < look->inventory.version_count; i++) {
        const struct registry_version *row = &look->inventory.versions[i].row;
        const int64_t facts[] = {row->ring, row->number, (int64_t)row->state, row->closing_owed};
        sha256_add(&hash, facts, sizeof facts);
    }
    for (size_t i = 0; i < look->inventory.intention_count; i++)
        sha256_add(&hash, look->inventory.intentions[i].nonce, sizeof look->inventory.intentions[i].nonce);
    sha256_finish(&hash, look->stamp);
}

static sealring_status read_registry(struct token_look *look, sealring_error *error)
{
    sealring_status status = inventory_read(&look->inventory, look->doctor->manager->registry, error);
    make_stamp(look);
    return status;
}

/* ---- a version and its object ---------------------------------------------------------------------------------------------- */

static struct doctor_finding *find_version(const struct token_look *look, enum doctor_kind kind,
                                           const struct inventory_version *version, const char *what)
{
    return doctor_find_version(look->doctor, kind, &version->row, version->ring.name, what);
}

/* To set CKA_SIGN again, only an operator's own acts are named: retire and reinstate. */
static void tell_not_signing(const struct token_look *look, const struct inventory_version *version)
{
    struct doctor_finding *finding =
        find_version(look, DOCTOR_ACCEPTED_VERSION_CLOSED, version, "its object does not sign");
    if (version->row.state == SEALRING_VERSION_ACTIVE)
        finding->pattern = "sealring audit show --ring {ring}; then sealring rotate {ring}; and if the key is to sign "
                           "again: " DOCTOR_REOPEN;
    else if (version->row.state != SEALRING_VERSION_RETIRING)
        finding->pattern = "sealring audit show --ring {ring}; then sealring destroy {ring} {version}, or, if clients "
                           "hold its credentials, sealring compromise {ring} {version}";
}

static sealring_status prove(const struct token_look *look, const struct inventory_version *version)
{
    const struct registry_version *row = &version->row;
    sealring_error error = {.token_code = 0};
    enum token_answer answer;
    if (derive_knows_prf(&version->ring, row, &error) != SEALRING_OK) {
        find_version(look, DOCTOR_PRF_UNKNOWN, version, error.message);
        return SEALRING_OK;
    }
    sealring_status status =
        derive_prove(look->doctor->manager->token, &look->inventory.vault, &version->ring, row, &answer, &error);
    if (answer == TOKEN_FAILED)
        return status;
    if (answer == TOKEN_REFUSES && error.token_code == 0) /* what changed since it was listed is found next time */
        find_version(look, DOCTOR_CHECK_VALUE_DIFFERS, version, error.message);
    return SEALRING_OK;
}

/* Whether the object is the version's: by its label; if the token does not keep or change labels, by its check value. */
static sealring_status look_at_label(const struct token_look *look, const struct inventory_version *version,
                                     const struct token_key_info *object, bool *owned)
{
    char text[TOKEN_LABEL_MAX + 64];
    struct owned aim;
    sealring_status status = SEALRING_OK;
    sealring_error error = {.message = ""};
    bool proves = config_labels(look->doctor->config) != TOKEN_LABELS_CHANGE;
    bool intent = strncmp(object->label, LABEL_INTENT, strlen(LABEL_INTENT)) == 0;
    owned_aim(&look->inventory.vault, &version->ring, &version->row, &aim);
    *owned = strcmp(object->label, aim.label) == 0;
    if (*owned || (intent && look->inventory.intention_count > 0))
        return SEALRING_OK; /* the latter is reported as an unfinished step */
    snprintf(text, sizeof text, "its object is labelled \"%s\"", object->label);
    if (proves)
        status = owned_identify(look->doctor->manager->token, &aim, &error);
    *owned = proves && status == SEALRING_OK;
    if (*owned || (proves && aim.answer == TOKEN_FAILED))
        return status;
    find_version(look, DOCTOR_OBJECT_RELABELLED, version, error.message[0] != '\0' ? error.message : text);
    return SEALRING_OK;
}

/* Whether a closed version's object signs is decided by trying it, not by its CKA_SIGN alone. */
static sealring_status look_at_closed(const struct token_look *look, const struct inventory_version *version,
                                      bool *signs)
{
    const struct registry_version *row = &version->row;
    enum token_answer answer;
    if (*signs || lifecycle_accepts(row->state) || !look->inventory.vault.token_closes_keys)
        return SEALRING_OK;
    sealring_status status =
        token_key_signs(look->doctor->manager->token, row->object_id, row->object_id_length, signs, &answer, NULL);
    return answer == TOKEN_FAILED ? status : SEALRING_OK;
}

static sealring_status look_at_object(const struct token_look *look, const struct inventory_version *version,
                                      const struct token_key_info *object)
{
    const struct registry_version *row = &version->row;
    bool owned;
    sealring_status status = look_at_label(look, version, object, &owned);
    if (status != SEALRING_OK || !owned)
        return status;
    if (row->state == SEALRING_VERSION_DESTROYED) {
        if (!row->closing_owed) /* else reported with what is owed */
            find_version(look, DOCTOR_DESTRUCTION_OWED, version, "its object is in the token");
        return SEALRING_OK;
    }
    if (object->wrong[0] != '\0')
        find_version(look, object->narrowable ? DOCTOR_OBJECT_USAGES : DOCTOR_OBJECT_ATTRIBUTES, version,
                     object->wrong);
    bool signs = object->sign;
    status = look_at_closed(look, version, &signs);
    if (status != SEALRING_OK)
        return status;
    if (lifecycle_accepts(row->state) && !object->sign)
        tell_not_signing(look, version);
    else if (lifecycle_accepts(row->state))
        return object->wrong[0] == '\0' ? prove(look, version) : SEALRING_OK;
    else if (signs && look->inventory.vault.token_closes_keys && !row->closing_owed)
        find_version(look, DOCTOR_CLOSED_VERSION_SIGNS, version, "its object can sign still");
    return SEALRING_OK;
}

static sealring_status look_at_version(const struct token_look *look, const struct inventory_version *version)
{
    const struct registry_version *row = &version->row;
    const struct token_key_info *object;
    size_t count = inventory_count_objects(&look->inventory, row->object_id, row->object_id_length, &object);
    if (count == 1)
        return look_at_object(look, version, object);
    if (count > 1)
        find_version(look, DOCTOR_OBJECT_TWICE, version, "the token has several objects with its CKA_ID");
    else if (lifecycle_accepts(row->state))
        find_version(look, DOCTOR_OBJECT_MISSING, version, "the token has no such object");
    else if (row->state != SEALRING_VERSION_DESTROYED)
        find_version(look, DOCTOR_OBJECT_GONE, version, "the token has no such object any more");
    return SEALRING_OK;
}

/* ---- objects that no version has --------------------------------------------------------------------------------------- */

/* Intentions that recovery leaves alone because it cannot distinguish the objects. Objects of a version are reported with that version. */
static void look_at_intentions(const struct token_look *look)
{
    const struct token_key_info *object;
    for (size_t i = 0; i < look->inventory.intention_count; i++) {
        const struct registry_intention *intention = &look->inventory.intentions[i];
        char name[2 * TOKEN_OBJECT_ID_MAX + 8] = "key ";
        size_t count =
            inventory_count_objects(&look->inventory, intention->object_id, intention->object_id_length, &object);
        if (count < 2 || inventory_find_version(&look->inventory, object) != NULL)
            continue;
        hex_encode(intention->object_id, intention->object_id_length, name + 4);
        doctor_find(look->doctor, DOCTOR_OBJECT_TWICE, name,
                    "the token has %zu objects with the CKA_ID of a key that was about to be made", count);
    }
}

/* "sealring/RING/NUMBER" of one of this vault's rings. */
static bool names_own_ring(const struct token_look *look, const char *label)
{
    const char *name = label + strlen(LABEL_VERSION);
    const char *slash = strrchr(name, '/');
    for (size_t i = 0; slash != NULL && i < look->inventory.ring_count; i++)
        if (strlen(look->inventory.rings[i].name) == (size_t)(slash - name) &&
            strncmp(look->inventory.rings[i].name, name, (size_t)(slash - name)) == 0)
            return true;
    return false;
}

static void tell_stranger(const struct token_look *look, enum doctor_kind kind, const struct token_key_info *object)
{
    char name[2 * TOKEN_OBJECT_ID_MAX + 8] = "key ";
    hex_encode(object->object_id, object->object_id_length, name + 4);
    struct doctor_finding *finding =
        doctor_find(look->doctor, kind, name,
                    "the token has an object labelled \"%s\", and the registry has no such object", object->label);
    if (owned_is_marked(look->inventory.vault.vault_id, object->object_id, object->object_id_length))
        finding->pattern = "sealring token destroy-object {id} --reason REASON";
}

static void look_at_strangers(const struct token_look *look)
{
    size_t unknown = 0;
    bool lost = config_labels(look->doctor->config) == TOKEN_LABELS_LOST;
    for (size_t i = 0; i < look->inventory.object_count; i++) {
        const struct token_key_info *object = &look->inventory.objects[i];
        bool intent = strncmp(object->label, LABEL_INTENT, strlen(LABEL_INTENT)) == 0;
        bool version = strncmp(object->label, LABEL_VERSION, strlen(LABEL_VERSION)) == 0;
        bool unlabelled = lost && object->label[0] == '\0' && object->wrong[0] == '\0';
        if ((!intent && !version && !unlabelled) || inventory_find_version(&look->inventory, object) != NULL ||
            inventory_find_intention(&look->inventory, object) != NULL)
            continue;
        if (intent || unlabelled)
            tell_stranger(look, DOCTOR_OBJECT_HALF_MADE, object);
        else if (names_own_ring(look, object->label))
            tell_stranger(look, DOCTOR_OBJECT_FOREIGN, object);
        else
            unknown++;
    }
    if (unknown > 0)
        doctor_find(look->doctor, DOCTOR_OBJECT_UNKNOWN, "PKCS#11 token",
                    "%zu objects are labelled for rings that this vault does not have", unknown);
}

/* ---- all --------------------------------------------------------------------------------------------------------------- */

static sealring_status compare(struct token_look *look, sealring_error *error)
{
    struct doctor *doctor = look->doctor;
    look->inventory.object_count = 0;
    sealring_status status =
        token_key_examine(doctor->manager->token, "", inventory_add_object, &look->inventory, error);
    for (size_t i = 0; status == SEALRING_OK && i < look->inventory.version_count; i++) {
        status = look_at_version(look, &look->inventory.versions[i]);
        if (status != SEALRING_OK)
            (void)error_set(error, status, "the token went away while its keys were proved");
    }
    if (status == SEALRING_OK) {
        look_at_intentions(look);
        look_at_strangers(look);
    }
    return status;
}

/* Registry and token are read separately: the findings count only if the registry was the same before and after, and no command was working. */
static sealring_status look_until_still(struct token_look *look, sealring_error *error)
{
    struct doctor *doctor = look->doctor;
    const struct timespec pause = {.tv_nsec = PAUSE_NSEC};
    size_t before = doctor->findings.count;
    for (int i = 0; i < TRIES; i++) {
        uint8_t stamp[sizeof look->stamp];
        bool busy = doctor_is_busy(doctor);
        doctor_forget(&doctor->findings, before);
        sealring_status status = read_registry(look, error);
        if (status == SEALRING_OK)
            status = compare(look, error);
        memcpy(stamp, look->stamp, sizeof stamp);
        if (status == SEALRING_OK)
            status = read_registry(look, error);
        if (status != SEALRING_OK) {
            doctor_forget(&doctor->findings, before);
            return status;
        }
        if (!busy && !doctor_is_busy(doctor) && memcmp(stamp, look->stamp, sizeof stamp) == 0)
            return SEALRING_OK;
        nanosleep(&pause, NULL);
    }
    doctor_forget(&doctor->findings, before);
    return error_set(error, SEALRING_REGISTRY, "somebody is at work on the vault all the time: try again");
}

void doctor_look_at_token(struct doctor *doctor)
{
    struct token_look look = {.doctor = doctor};
    sealring_error error = {.message = ""};
    sealring_status status = manager_token(doctor->manager, &error);
    if (status != SEALRING_OK) {
        doctor_find(doctor, DOCTOR_TOKEN_UNREACHABLE, "PKCS#11 token", "%s", error.message);
        doctor_unseen(doctor, SEALRING_TOKEN, "the token's objects: %s", error.message);
        return;
    }
    status = look_until_still(&look, &error);
    if (status != SEALRING_OK)
        doctor_unseen(doctor, status, "the token's objects: %s", error.message);
    doctor->result.token_examined = status == SEALRING_OK;
    if (status == SEALRING_OK && !look.inventory.vault.token_closes_keys)
        doctor_find(doctor, DOCTOR_TOKEN_CANNOT_CLOSE, "PKCS#11 token", "it cannot take a key's right to sign away");
    inventory_release(&look.inventory);
}
