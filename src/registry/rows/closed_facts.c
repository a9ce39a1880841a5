/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: what was revoked, suspended, narrowed, relabelled, retired, compromised or destroyed, and the policies of rings, in a hash chain that
 * reveals any edited row. */
#include "registry/rows/closed_facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/sha256.h"
#include "base/writer.h"
#include "registry/rows/columns.h"

enum { CLOSED_KEY = 1, CLOSED_VERSION = 2 };

#define CLOSED_FACT_MAX  32
#define FACT_HAS_A_VALUE 0x10 /* with the kind */

static const struct db_query closed_insert = {
    "INSERT INTO closed_fact (sequence, kind, key_id, ring_id, version, state, hash, value)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    true};

static const struct db_query facts_began = {FACTS_BEGINNING " LIMIT 1", false};

static const struct db_query closed_head = {
    "SELECT f.sequence, f.hash FROM closed_fact f ORDER BY f.sequence DESC LIMIT 1", false};

static const struct db_query closed_at = {"SELECT f.hash FROM closed_fact f WHERE f.sequence = ?1", false};

#define FACT_COLUMNS "f.sequence, f.kind, f.key_id, f.ring_id, f.version, f.state, f.hash, f.value"

static const struct db_query closed_after = {
    "SELECT " FACT_COLUMNS " FROM closed_fact f WHERE f.sequence > ?1 ORDER BY f.sequence", false};

static const struct db_query fact_of_key = {"SELECT " FACT_COLUMNS " FROM closed_fact f WHERE f.kind = 1"
                                            " AND f.key_id = ?1 AND f.state < 3 ORDER BY f.sequence DESC LIMIT 1",
                                            false};

static const struct db_query fact_before_of_key = {"SELECT " FACT_COLUMNS " FROM closed_fact f WHERE f.kind = 1"
                                                   " AND f.key_id = ?1 AND f.sequence < ?2"
                                                   " ORDER BY f.sequence DESC LIMIT 1",
                                                   false};

static const struct db_query fact_before_of_version = {"SELECT " FACT_COLUMNS " FROM closed_fact f WHERE f.kind = 2"
                                                       " AND f.ring_id = ?1 AND f.version = ?3 AND f.sequence < ?2"
                                                       " ORDER BY f.sequence DESC LIMIT 1",
                                                       false};

/* The only encoding of a fact: the kind determines the length of the rest, and whether a value with its length follows. */
void registry_closed_hash(const uint8_t before[REGISTRY_DIGEST_SIZE], const struct registry_closed *fact,
                          uint8_t hash[REGISTRY_DIGEST_SIZE])
{
    uint8_t bytes[REGISTRY_DIGEST_SIZE + CLOSED_FACT_MAX + REGISTRY_FACT_VALUE_SIZE];
    size_t length = strlen(fact->value);
    struct writer writer;
    writer_init(&writer, bytes, sizeof bytes);
    writer_bytes(&writer, before, REGISTRY_DIGEST_SIZE);
    writer_u8(&writer,
              (uint8_t)((fact->is_version ? CLOSED_VERSION : CLOSED_KEY) | (length > 0 ? FACT_HAS_A_VALUE : 0)));
    if (fact->is_version) {
        writer_bytes(&writer, fact->ring_id, sizeof fact->ring_id);
        writer_u32(&writer, fact->version);
    } else {
        writer_bytes(&writer, fact->key_id, SEALRING_KEY_ID_LENGTH);
    }
    writer_u8(&writer, (uint8_t)fact->state);
    if (length > 0) {
        writer_u32(&writer, (uint32_t)length);
        writer_bytes(&writer, fact->value, length);
    }
    sha256(bytes, writer.length, hash);
}

sealring_status registry_closed_head(struct registry *registry, uint64_t *count, uint8_t hash[REGISTRY_DIGEST_SIZE],
                                     sealring_error *error)
{
    struct query query;
    *count = 0;
    memset(hash, 0, REGISTRY_DIGEST_SIZE);
    query_start(&query, registry, &closed_head, error);
    if (query_row(&query)) {
        *count = query_uint64(&query);
        query_bytes(&query, hash, REGISTRY_DIGEST_SIZE);
    }
    return query_end(&query, error);
}

sealring_status registry_closed_find(struct registry *registry, uint64_t count, uint8_t hash[REGISTRY_DIGEST_SIZE],
                                     bool *found, sealring_error *error)
{
    struct query query;
    memset(hash, 0, REGISTRY_DIGEST_SIZE);
    *found = count == 0;
    if (*found)
        return SEALRING_OK;
    query_start(&query, registry, &closed_at, error);
    query_bind_uint64(&query, 1, count);
    *found = query_row(&query);
    if (*found)
        query_bytes(&query, hash, REGISTRY_DIGEST_SIZE);
    return query_end(&query, error);
}

sealring_status closed_add(struct registry *registry, struct registry_closed *fact, sealring_error *error)
{
    struct query query;
    uint8_t before[REGISTRY_DIGEST_SIZE];
    sealring_status status = registry_closed_head(registry, &fact->sequence, before, error);
    if (status != SEALRING_OK)
        return status;
    fact->sequence++;
    registry_closed_hash(before, fact, fact->hash);
    query_start(&query, registry, &closed_insert, error);
    query_bind_uint64(&query, 1, fact->sequence);
    query_bind_int64(&query, 2, fact->is_version ? CLOSED_VERSION : CLOSED_KEY);
    query_bind_text(&query, 3, fact->key_id);
    query_bind_bytes(&query, 4, fact->ring_id, fact->is_version ? sizeof fact->ring_id : 0);
    query_bind_int64(&query, 5, fact->version);
    query_bind_int64(&query, 6, fact->state);
    query_bind_bytes(&query, 7, fact->hash, sizeof fact->hash);
    query_bind_text(&query, 8, fact->value);
    registry->closes = true;
    registry->closed_count = fact->sequence;
    memcpy(registry->closed_hash, fact->hash, sizeof registry->closed_hash);
    return query_run(&query, error);
}

sealring_status closed_confirm(struct registry *registry, sealring_error *error)
{
    uint64_t count;
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    if (!registry->closes)
        return SEALRING_OK;
    sealring_status status = registry_closed_head(registry, &count, hash, error);
    if (status == SEALRING_OK &&
        (count != registry->closed_count || memcmp(hash, registry->closed_hash, sizeof hash) != 0))
        status = registry_unkept(registry, "the fact that something was closed", error);
    return status;
}

sealring_status registry_facts_begun(struct registry *registry, struct registry_vault *vault, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &facts_began, error);
    vault->facts_begun = query_row(&query);
    return query_end(&query, error);
}

static void write_value(const struct registry_key *key, bool relabelled, char value[REGISTRY_FACT_VALUE_SIZE])
{
    char ends[KEY_ENDS_TEXT_SIZE], networks[NETWORKS_TEXT_SIZE] = "", holders[HOLDERS_TEXT_SIZE];
    char claim[KEY_CLAIM_TEXT_SIZE];
    const bool has_holders = key->holders.one || key->claim.offered, has_networks = key->bound || has_holders;
    ends_format(&key->ends, ends);
    holders_format(&key->holders, holders);
    key_claim_format(&key->claim, claim);
    if (key->bound)
        networks_format(&key->networks, networks);
    (void)snprintf(value, REGISTRY_FACT_VALUE_SIZE, "%d\n%s\n%s\n%s%s%s%s%s%s%s", key->narrowed, key->narrowed_scopes,
                   relabelled ? key->label : "", ends, has_networks ? "\n" : "", networks, has_holders ? "\n" : "",
                   holders, key->claim.offered ? "\n" : "", claim);
}

static bool has_same_values(const struct registry_key *one, const struct registry_key *other)
{
    return one->state == other->state && one->narrowed == other->narrowed &&
           strcmp(one->narrowed_scopes, other->narrowed_scopes) == 0 && strcmp(one->label, other->label) == 0 &&
           ends_include(&one->ends, &other->ends) && ends_include(&other->ends, &one->ends) &&
           registry_key_has_networks_of(one, other) && holders_equal(&one->holders, &other->holders) &&
           key_claim_equal(&one->claim, &other->claim);
}

sealring_status closed_note_key(struct registry *registry, const struct registry_key *before,
                                const struct registry_key *after, sealring_error *error)
{
    struct registry_closed fact = {.state = (int)after->state};
    struct registry_vault vault;
    bool relabelled = before->relabelled || strcmp(before->label, after->label) != 0;
    if (before->state == SEALRING_KEY_REVOKED || has_same_values(before, after))
        return SEALRING_OK;
    memcpy(fact.key_id, before->key_id, sizeof fact.key_id);
    if (after->state != SEALRING_KEY_REVOKED) {
        sealring_status status = registry_facts_begun(registry, &vault, error);
        if (status != SEALRING_OK || !vault.facts_begun)
            return status;
        write_value(after, relabelled, fact.value);
    }
    return closed_add(registry, &fact, error);
}

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

bool registry_key_has_networks_of(const struct registry_key *one, const struct registry_key *other)
{
    return one->bound == other->bound && (!one->bound || (networks_within(&one->networks, &other->networks) &&
                                                          networks_within(&other->networks, &one->networks)));
}

/* Cuts the lines before the networks off the value. */
static bool read_lines(char text[REGISTRY_FACT_VALUE_SIZE], char *lines[4])
{
    for (int i = 0; i < 4; i++) {
        lines[i] = text;
        text = strchr(text, '\n');
        if (text == NULL)
            return i == 3;
        *text++ = '\0';
    }
    return true;
}

/* The lines that not every value of a key has. */
enum { LINE_NETWORKS = 4, LINE_HOLDERS, LINE_CLAIM };

/* NULL: there are fewer lines. */
static const char *find_line(const char *value, int number)
{
    for (int i = 0; value != NULL && i < number; i++) {
        value = strchr(value, '\n');
        value = value != NULL ? value + 1 : NULL;
    }
    return value;
}

bool registry_fact_networks(const char *value, struct registry_key *key)
{
    char problem[128], text[NETWORKS_TEXT_SIZE], again[NETWORKS_TEXT_SIZE];
    struct networks networks;
    const char *line = find_line(value, LINE_NETWORKS), *last = find_line(value, LINE_HOLDERS);
    size_t length = line == NULL ? 0 : last != NULL ? (size_t)(last - line) - 1 : strlen(line);
    key->bound = line != NULL && (length > 0 || last == NULL);
    if (!key->bound)
        return true;
    if (length == 0 || length >= sizeof text)
        return false;
    memcpy(text, line, length);
    text[length] = '\0';
    if (networks_parse(text, &networks, problem) != NULL)
        return false;
    networks_format(&networks, again);
    key->networks = networks;
    return strcmp(again, text) == 0;
}

/* Without the line, or with an empty one before a claim: many. */
bool registry_fact_holders(const char *value, struct registry_key *key)
{
    char text[HOLDERS_TEXT_SIZE];
    const char *line = find_line(value, LINE_HOLDERS), *last = find_line(value, LINE_CLAIM);
    size_t length = line == NULL ? 0 : last != NULL ? (size_t)(last - line) - 1 : strlen(line);
    if (length >= sizeof text)
        return false;
    memcpy(text, line != NULL ? line : "", length);
    text[length] = '\0';
    return holders_parse(text, &key->holders) && key->holders.one == (line != NULL && (last == NULL || length > 0));
}

bool registry_fact_claim(const char *value, struct registry_key *key)
{
    const char *line = find_line(value, LINE_CLAIM);
    return key_claim_parse(line != NULL ? line : "", &key->claim) && key->claim.offered == (line != NULL);
}

bool registry_fact_apply(const struct registry_closed *fact, struct registry_key *key)
{
    char problem[128], text[REGISTRY_FACT_VALUE_SIZE], *lines[4];
    struct key_ends ends;
    memcpy(text, fact->value, sizeof text);
    if (fact->is_version || fact->state >= SEALRING_KEY_REVOKED || !read_lines(text, lines))
        return false;
    const char *scopes = lines[1], *label = lines[2];
    bool narrowed = strcmp(lines[0], "1") == 0;
    if ((!narrowed && (strcmp(lines[0], "0") != 0 || scopes[0] != '\0')) ||
        strlen(scopes) > SEALRING_SCOPES_LENGTH_MAX || !is_printable(scopes, strlen(scopes)) ||
        (label[0] != '\0' && name_problem(label, problem) != NULL) || !ends_parse(lines[3], &ends) ||
        !registry_fact_networks(fact->value, key) || !registry_fact_holders(fact->value, key) ||
        !registry_fact_claim(fact->value, key))
        return false;
    key->state = (sealring_key_state)fact->state;
    key->narrowed = narrowed;
    memcpy(key->narrowed_scopes, scopes, strlen(scopes) + 1);
    key->relabelled = label[0] != '\0';
    key->fact = fact->sequence;
    if (key->relabelled)
        memcpy(key->label, label, strlen(label) + 1);
    key->ends = ends;
    return true;
}

bool closed_read_numbers(const char *text, int64_t *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        char *end;
        errno = 0;
        numbers[i] = strtoll(text, &end, 10);
        if (errno != 0 || end == text || numbers[i] < 0 || *end != (i + 1 < count ? '\n' : '\0'))
            return false;
        text = end + 1;
    }
    return true;
}

static bool read_fact(struct query *query, struct registry_closed *fact)
{
    size_t length;
    if (!query_row(query))
        return false;
    fact->sequence = query_uint64(query);
    fact->is_version = query_small(query, CLOSED_KEY, CLOSED_VERSION) == CLOSED_VERSION;
    query_ascii(query, fact->key_id, sizeof fact->key_id);
    query_bytes_upto(query, fact->ring_id, sizeof fact->ring_id, &length);
    fact->version = query_uint32(query);
    fact->state = query_small(query, SEALRING_VERSION_PENDING, SEALRING_VERSION_DESTROYED);
    query_bytes(query, fact->hash, sizeof fact->hash);
    query_text(query, fact->value, sizeof fact->value);
    return query_good(query);
}

sealring_status registry_closed_before(struct registry *registry, const struct registry_closed *fact,
                                       struct registry_closed *before, bool *found, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, fact->is_version ? &fact_before_of_version : &fact_before_of_key, error);
    if (fact->is_version)
        query_bind(&query, PARAMETERS(BYTES(fact->ring_id, sizeof fact->ring_id), UNSIGNED(fact->sequence),
                                      INTEGER(fact->version)));
    else
        query_bind(&query, PARAMETERS(TEXT(fact->key_id), UNSIGNED(fact->sequence)));
    *found = read_fact(&query, before);
    return query_end(&query, error);
}

sealring_status registry_key_follow(struct registry *registry, struct registry_key *key, bool *differs,
                                    sealring_error *error)
{
    struct query query;
    struct registry_closed fact;
    struct registry_key row = *key;
    bool found = true;
    *differs = false;
    if (key->state == SEALRING_KEY_REVOKED)
        return SEALRING_OK;
    query_start(&query, registry, &fact_of_key, error);
    query_bind_text(&query, 1, key->key_id);
    found = read_fact(&query, &fact);
    sealring_status status = query_end(&query, error);
    if (status != SEALRING_OK || !found)
        return status;
    if (!registry_fact_apply(&fact, key))
        return handle_problem(registry, DB_CORRUPT, error);
    row.ends = key->ends; /* of which the row has nothing, as of the networks */
    row.bound = key->bound;
    row.networks = key->networks;
    row.holders = key->holders;
    row.claim = key->claim;
    *differs = !has_same_values(&row, key);
    return SEALRING_OK;
}

sealring_status registry_key_follow_closed(struct registry *registry, struct registry_key *key, sealring_error *error)
{
    bool differs, revoked = key->state == SEALRING_KEY_REVOKED;
    if (revoked)
        key->state = SEALRING_KEY_ACTIVE;
    sealring_status status = registry_key_follow(registry, key, &differs, error);
    if (revoked)
        key->state = SEALRING_KEY_REVOKED;
    return status;
}

struct registry_cursor registry_closed_facts(struct registry *registry, uint64_t after, sealring_error *error)
{
    struct registry_cursor facts = query_open(registry, &closed_after, error);
    query_bind_uint64(&facts.query, 1, after);
    return facts;
}

bool registry_closed_next(struct registry_cursor *facts, struct registry_closed *fact)
{
    return read_fact(&facts->query, fact);
}
