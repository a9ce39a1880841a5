/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of clients. */
#include "registry/rows/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/name.h"
#include "base/sha256.h"
#include "base/writer.h"
#include "registry/rows/client_notices.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/columns.h"

#define CONTACT_TAG     "sealring contact v1"
#define CERTIFICATE_TAG "sealring certificate v1"
#define NOTICES_TAG     "sealring notices v1"
#define SUBJECT_TAG     "sealring client v1"

#define CLIENT_KEYS "(SELECT count(*) FROM api_key k WHERE k.client = cl.id AND k.state <> 3)"

static const struct db_query client_insert = {
    "INSERT INTO client (id, name, contact, created, forgotten, salt, contact_hash, certificate_hash, notices_hash)"
    " VALUES (" NEXT_ID("client") ", ?1, ?2, ?3, ?4, nullif(?5, zeroblob(32)), nullif(?6, zeroblob(32)),"
                                  " nullif(?7, zeroblob(32)), nullif(?8, zeroblob(32))) RETURNING id",
    true};

static const struct db_query client_update = {
    "UPDATE client SET contact = ?2, forgotten = ?3, salt = nullif(?4, zeroblob(32)),"
    " contact_hash = nullif(?5, zeroblob(32)), certificate_hash = nullif(?6, zeroblob(32)),"
    " certificate = CASE WHEN ?6 <> zeroblob(32) THEN certificate END, notices_hash = nullif(?7, zeroblob(32)),"
    " notices = CASE WHEN ?7 <> zeroblob(32) THEN notices ELSE '' END WHERE id = ?1",
    true};

static const struct db_query client_certify = {"UPDATE client SET certificate = ?2 WHERE id = ?1", true};

static const struct db_query client_notify = {"UPDATE client SET notices = ?2 WHERE id = ?1", true};

/* Facts about clients: kind 2 as those about rings, of version 0. ?2 is made of the client's name. */
#define CLIENT_FACT                                                                                                     \
    "(SELECT f.value FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = ?2 AND f.version = 0 ORDER BY f.sequence DESC" \
    " LIMIT 1)"

static const struct db_query client_vouched = {
    "SELECT cl.certificate, cl.notices, coalesce(" CLIENT_FACT ", '') FROM client cl WHERE cl.id = ?1", false};

static const struct db_query client_fact_last = {
    "SELECT f.value FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = ?1 AND f.version = 0"
    " ORDER BY f.sequence DESC LIMIT 1",
    false};

static const struct db_query client_get = {"SELECT " CLIENT_COLUMNS " FROM client cl WHERE cl.name = ?1", false};

static const struct db_query client_named = {
    "SELECT " CLIENT_COLUMNS ", " CLIENT_KEYS " FROM client cl WHERE cl.name = ?1", false};

static const struct db_query client_all = {"SELECT " CLIENT_COLUMNS ", " CLIENT_KEYS " FROM client cl ORDER BY cl.name",
                                           false};

#define HASH(member) BYTES(member, sizeof(member))

static void read_hash(struct query *query, uint8_t hash[REGISTRY_DIGEST_SIZE])
{
    memset(hash, 0, REGISTRY_DIGEST_SIZE);
    if (!query_null(query))
        query_bytes(query, hash, REGISTRY_DIGEST_SIZE);
}

void columns_read_client(struct query *query, void *row)
{
    struct registry_client *client = row;
    client->id = query_int64(query);
    query_name(query, client->name, sizeof client->name, name_client_problem);
    query_name(query, client->contact, sizeof client->contact, name_contact_problem);
    client->created = query_time(query);
    client->forgotten = query_time(query);
    read_hash(query, client->salt);
    read_hash(query, client->contact_hash);
    read_hash(query, client->certificate_hash);
    read_hash(query, client->notices_hash);
}

/* ---- What vouches for a row ---- */

static bool is_none(const uint8_t hash[REGISTRY_DIGEST_SIZE])
{
    static const uint8_t none[REGISTRY_DIGEST_SIZE];
    return memcmp(hash, none, sizeof none) == 0;
}

/* The salt hides the value from those who read the log, also after the client was forgotten, as the salt is erased then. */
static void seal(const struct registry *registry, const struct registry_client *client, const char *tag,
                 const void *value, size_t length, uint8_t hash[REGISTRY_DIGEST_SIZE])
{
    uint8_t bytes[64 + REGISTRY_DIGEST_SIZE + REGISTRY_ID_SIZE + 2 + sizeof client->name];
    struct writer writer;
    struct sha256 state;
    memset(hash, 0, REGISTRY_DIGEST_SIZE);
    if (length == 0)
        return;
    writer_init(&writer, bytes, sizeof bytes);
    writer_bytes(&writer, tag, strlen(tag) + 1);
    writer_bytes(&writer, client->salt, sizeof client->salt);
    writer_bytes(&writer, registry->vault.vault_id, sizeof registry->vault.vault_id);
    writer_field(&writer, client->name, strlen(client->name));
    sha256_start(&state);
    sha256_add(&state, bytes, writer.length);
    sha256_add(&state, value, length);
    sha256_finish(&state, hash);
}

void registry_client_seal(const struct registry *registry, struct registry_client *client)
{
    seal(registry, client, CONTACT_TAG, client->contact, strlen(client->contact), client->contact_hash);
}

static void write_hash(const uint8_t hash[REGISTRY_DIGEST_SIZE], char text[2 * REGISTRY_DIGEST_SIZE + 1])
{
    hex_encode(hash, REGISTRY_DIGEST_SIZE, text);
    if (is_none(hash))
        text[0] = '\0';
}

/* The only text: when it was forgotten, the hashes of contact and certificate, "" for none; on a line each; and a line with that of the settings of
 * notices, unless there are none. */
static void write_fact(const struct registry_client *client, char value[REGISTRY_FACT_VALUE_SIZE])
{
    char contact[2 * REGISTRY_DIGEST_SIZE + 1], certificate[2 * REGISTRY_DIGEST_SIZE + 1];
    char notices[2 * REGISTRY_DIGEST_SIZE + 1];
    write_hash(client->contact_hash, contact);
    write_hash(client->certificate_hash, certificate);
    write_hash(client->notices_hash, notices);
    (void)snprintf(value, REGISTRY_FACT_VALUE_SIZE, "%" PRId64 "\n%s\n%s%s%s", client->forgotten, contact, certificate,
                   notices[0] != '\0' ? "\n" : "", notices);
}

/* In the place of a ring's ID, which is random. */
static void name_subject(const char *name, uint8_t subject[REGISTRY_ID_SIZE])
{
    uint8_t bytes[sizeof SUBJECT_TAG + SEALRING_NAME_LENGTH_MAX], hash[SHA256_SIZE];
    memcpy(bytes, SUBJECT_TAG, sizeof SUBJECT_TAG);
    memcpy(bytes + sizeof SUBJECT_TAG, name, strlen(name));
    sha256(bytes, sizeof SUBJECT_TAG + strlen(name), hash);
    memcpy(subject, hash, REGISTRY_ID_SIZE);
}

static void read_value(struct query *query, void *value)
{
    query_text(query, value, REGISTRY_FACT_VALUE_SIZE);
}

/* A client without contact, certificate and end needs none. */
static sealring_status note_fact(struct registry *registry, const struct registry_client *client, sealring_error *error)
{
    struct registry_closed fact = {.is_version = true, .state = SEALRING_VERSION_PENDING};
    char last[REGISTRY_FACT_VALUE_SIZE] = "0\n\n";
    struct registry_vault vault;
    bool found;
    sealring_status status = registry_facts_begun(registry, &vault, error);
    if (status != SEALRING_OK || !vault.facts_begun)
        return status;
    name_subject(client->name, fact.ring_id);
    write_fact(client, fact.value);
    status = query_find(registry, &client_fact_last, PARAMETERS(BYTES(fact.ring_id, sizeof fact.ring_id)), read_value,
                        last, &found, error);
    return status != SEALRING_OK || strcmp(fact.value, last) == 0 ? status : closed_add(registry, &fact, error);
}

/* What vouches for one value: the row's hash is that of the fact (NULL: there is none), and of the value. */
static enum client_state judge(const uint8_t row[REGISTRY_DIGEST_SIZE], const uint8_t made[REGISTRY_DIGEST_SIZE],
                               const char *fact)
{
    char text[2 * REGISTRY_DIGEST_SIZE + 1];
    write_hash(made, text);
    if (memcmp(row, made, REGISTRY_DIGEST_SIZE) == 0 && strcmp(text, fact != NULL ? fact : "") == 0)
        return CLIENT_CONFIRMED;
    return fact == NULL ? CLIENT_UNCONFIRMED : CLIENT_ALTERED;
}

struct client_evidence {
    uint8_t certificate[REGISTRY_CERTIFICATE_MAX];
    size_t length;
    char notices[REGISTRY_NOTICES_SIZE];
    char fact[REGISTRY_FACT_VALUE_SIZE];
};

static void read_vouched(struct query *query, void *row)
{
    struct client_evidence *vouched = row;
    if (!query_null(query))
        query_bytes_upto(query, vouched->certificate, sizeof vouched->certificate, &vouched->length);
    query_text(query, vouched->notices, sizeof vouched->notices);
    query_text(query, vouched->fact, sizeof vouched->fact);
}

/* The lines of a fact, *values and the next two; false: they have another form. */
static bool split_fact(char *fact, int64_t *forgotten, const char *values[3])
{
    char *end;
    *forgotten = strtoll(fact, &end, 10);
    if (*end != '\n' || strchr(end + 1, '\n') == NULL)
        return false;
    values[0] = values[1] = values[2] = "";
    for (int i = 0; i < 3; i++) {
        values[i] = end + 1;
        end = strchr(end + 1, '\n');
        if (end == NULL)
            break;
        *end = '\0';
    }
    return true;
}

static sealring_status prove(struct registry *registry, struct registry_client *client, struct client_evidence *vouched,
                             struct registry_client_proof *proof, sealring_error *error)
{
    uint8_t subject[REGISTRY_ID_SIZE], contact_made[REGISTRY_DIGEST_SIZE], certificate_made[REGISTRY_DIGEST_SIZE];
    uint8_t notices_made[REGISTRY_DIGEST_SIZE];
    const char *values[3] = {NULL};
    int64_t forgotten = client->forgotten;
    bool found;
    vouched->length = 0;
    vouched->fact[0] = '\0';
    name_subject(client->name, subject);
    sealring_status status =
        query_find(registry, &client_vouched, PARAMETERS(INTEGER(client->id), BYTES(subject, sizeof subject)),
                   read_vouched, vouched, &found, error);
    if (status != SEALRING_OK)
        return status;
    if (vouched->fact[0] != '\0' && !split_fact(vouched->fact, &forgotten, values))
        return handle_problem(registry, DB_CORRUPT, error);
    seal(registry, client, CONTACT_TAG, client->contact, strlen(client->contact), contact_made);
    seal(registry, client, CERTIFICATE_TAG, vouched->certificate, vouched->length, certificate_made);
    seal(registry, client, NOTICES_TAG, vouched->notices, strlen(vouched->notices), notices_made);
    proof->contact = judge(client->contact_hash, contact_made, values[0]);
    proof->certificate = judge(client->certificate_hash, certificate_made, values[1]);
    proof->notices = judge(client->notices_hash, notices_made, values[2]);
    proof->forgotten_edited = client->forgotten != forgotten;
    client->forgotten = forgotten;
    return SEALRING_OK;
}

sealring_status registry_client_prove(struct registry *registry, struct registry_client *client,
                                      struct registry_client_proof *proof, sealring_error *error)
{
    struct client_evidence vouched;
    return prove(registry, client, &vouched, proof, error);
}

sealring_status registry_client_certificate(struct registry *registry, struct registry_client *client,
                                            enum client_state *state, uint8_t certificate[REGISTRY_CERTIFICATE_MAX],
                                            size_t *length, sealring_error *error)
{
    struct client_evidence vouched;
    struct registry_client_proof proof;
    sealring_status status = prove(registry, client, &vouched, &proof, error);
    *length = 0;
    if (status != SEALRING_OK)
        return status;
    *state = proof.certificate;
    if (proof.certificate == CLIENT_CONFIRMED) {
        memcpy(certificate, vouched.certificate, vouched.length);
        *length = vouched.length;
    }
    return SEALRING_OK;
}

sealring_status registry_client_notices(struct registry *registry, struct registry_client *client,
                                        enum client_state *state, char notices[REGISTRY_NOTICES_SIZE],
                                        sealring_error *error)
{
    struct client_evidence vouched;
    struct registry_client_proof proof;
    sealring_status status = prove(registry, client, &vouched, &proof, error);
    notices[0] = '\0';
    if (status != SEALRING_OK)
        return status;
    *state = proof.notices;
    if (proof.notices == CLIENT_CONFIRMED)
        memcpy(notices, vouched.notices, sizeof vouched.notices);
    return SEALRING_OK;
}

/* ---- Rows ---- */

sealring_status registry_client_insert(struct registry *registry, struct registry_client *client, sealring_error *error)
{
    sealring_status status =
        query_insert(registry, &client_insert,
                     PARAMETERS(TEXT(client->name), TEXT(client->contact), INTEGER(client->created),
                                INTEGER(client->forgotten), HASH(client->salt), HASH(client->contact_hash),
                                HASH(client->certificate_hash), HASH(client->notices_hash)),
                     &client->id, error);
    if (status == SEALRING_OK)
        status = note_fact(registry, client, error);
    return handle_tell(registry, status, REGISTRY_TABLE_CLIENT, client);
}

/* The update overwrites what was edited: that is to be reported. */
static sealring_status note_edited(struct registry *registry, const char *name, sealring_error *error)
{
    struct registry_client row;
    struct registry_client_proof proof = {.forgotten_edited = false};
    bool found;
    sealring_status status = registry_client_find(registry, name, &row, &found, error);
    if (status == SEALRING_OK && found)
        status = registry_client_prove(registry, &row, &proof, error);
    if (status == SEALRING_OK && found &&
        (proof.contact == CLIENT_ALTERED || proof.certificate == CLIENT_ALTERED || proof.notices == CLIENT_ALTERED ||
         proof.forgotten_edited))
        (void)snprintf(registry->corrected, sizeof registry->corrected, "the row of client %s, which was edited", name);
    return status;
}

sealring_status registry_client_update(struct registry *registry, const struct registry_client *client,
                                       sealring_error *error)
{
    sealring_status status = note_edited(registry, client->name, error);
    if (status != SEALRING_OK)
        return status;
    status = query_change(registry, &client_update,
                          PARAMETERS(INTEGER(client->id), TEXT(client->contact), INTEGER(client->forgotten),
                                     HASH(client->salt), HASH(client->contact_hash), HASH(client->certificate_hash),
                                     HASH(client->notices_hash)),
                          error);
    if (status == SEALRING_OK)
        status = note_fact(registry, client, error);
    return handle_tell(registry, status, REGISTRY_TABLE_CLIENT, client);
}

sealring_status registry_client_set_certificate(struct registry *registry, struct registry_client *client,
                                                const uint8_t *certificate, size_t length, sealring_error *error)
{
    seal(registry, client, CERTIFICATE_TAG, certificate, length, client->certificate_hash);
    sealring_status status = registry_client_update(registry, client, error);
    return status == SEALRING_OK && length > 0
               ? query_change(registry, &client_certify, PARAMETERS(INTEGER(client->id), BYTES(certificate, length)),
                              error)
               : status;
}

sealring_status registry_client_set_notices(struct registry *registry, struct registry_client *client,
                                            const char *notices, sealring_error *error)
{
    seal(registry, client, NOTICES_TAG, notices, strlen(notices), client->notices_hash);
    sealring_status status = registry_client_update(registry, client, error);
    return status == SEALRING_OK
               ? query_change(registry, &client_notify, PARAMETERS(INTEGER(client->id), TEXT(notices)), error)
               : status;
}

sealring_status registry_client_find(struct registry *registry, const char *name, struct registry_client *client,
                                     bool *found, sealring_error *error)
{
    return query_find(registry, &client_get, PARAMETERS(TEXT(name)), columns_read_client, client, found, error);
}

struct registry_cursor registry_clients(struct registry *registry, const char *name, sealring_error *error)
{
    return name == NULL ? query_list(registry, &client_all, NULL, error)
                        : query_list(registry, &client_named, PARAMETERS(TEXT(name)), error);
}

bool registry_client_next(struct registry_cursor *clients, struct registry_client *client, uint64_t *keys)
{
    bool good = query_next(clients, columns_read_client, client);
    *keys = good ? query_uint64(&clients->query) : 0;
    return good && query_good(&clients->query);
}
