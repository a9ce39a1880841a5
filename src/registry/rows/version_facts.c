/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about versions: the state, the object, and the times and flags that acts read. */
#include "registry/rows/version_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "registry/rows/columns.h"

#define VERSION_NUMBERS 6

static const struct db_query closed_version_state = {
    "SELECT r.ring_id, v.state FROM version v JOIN ring r ON r.id = v.ring WHERE v.ring = ?1 AND v.number = ?2", false};

static const struct db_query closed_version_last = {
    "SELECT f.state FROM closed_fact f JOIN ring r ON r.ring_id = f.ring_id"
    " WHERE f.kind = 2 AND r.id = ?1 AND f.version = ?2 ORDER BY f.sequence DESC LIMIT 1",
    false};

static const struct db_query version_ring = {"SELECT r.ring_id FROM ring r WHERE r.id = ?1", false};

static const struct db_query version_missing = {
    "SELECT coalesce(max(f.version), 0) FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = ?2"
    " AND NOT EXISTS (SELECT 1 FROM version v WHERE v.ring = ?1 AND v.number = f.version)",
    false};

static const struct db_query version_fact_last = {
    "SELECT f.state || char(10) || f.value FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = ?1"
    " AND f.version = ?2 ORDER BY f.sequence DESC LIMIT 1",
    false};

/* The only text: the object's ID, the check value, the kind of PRF, the origin, the public key's digest or nothing, the numbers, on a line each. closing_owed is not included: it is written apart from the act
 * that closes, without an entry, and the facts decide whether anything may be closed. */
static void version_fact_write(const struct registry_version *version, char value[REGISTRY_FACT_VALUE_SIZE])
{
    static const uint8_t none[REGISTRY_DIGEST_SIZE];
    char object_id[2 * REGISTRY_OBJECT_ID_MAX + 1], check_value[2 * REGISTRY_CHECK_VALUE_SIZE + 1];
    char public_key[2 * REGISTRY_DIGEST_SIZE + 1] = "";
    hex_encode(version->object_id, version->object_id_length, object_id);
    hex_encode(version->check_value, sizeof version->check_value, check_value);
    if (memcmp(version->public_key, none, sizeof none) != 0)
        hex_encode(version->public_key, sizeof version->public_key, public_key);
    (void)snprintf(value, REGISTRY_FACT_VALUE_SIZE,
                   "%s\n%s\n%s\n%s\n%s\n%d\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%" PRId64, object_id,
                   check_value, version->prf, version->origin, public_key, version->was_compromised, version->activated,
                   version->retire_at, version->closed, version->purge_at, version->destroyed);
}

/* A line of hexadecimal digits. Returns what follows it; NULL: there is no such line. */
static const char *read_bytes(const char *text, uint8_t *bytes, size_t size, size_t *length)
{
    char digits[2 * REGISTRY_OBJECT_ID_MAX + 1];
    size_t count = strcspn(text, "\n");
    if (text[count] != '\n' || count == 0 || count % 2 != 0 || count > 2 * size)
        return NULL;
    memcpy(digits, text, count);
    digits[count] = '\0';
    memset(bytes, 0, size);
    *length = count / 2;
    return hex_decode(digits, bytes, *length) ? text + count + 1 : NULL;
}

/* A line of text. */
static const char *read_word(const char *text, char *word, size_t size)
{
    size_t count = strcspn(text, "\n");
    if (text[count] != '\n' || count >= size)
        return NULL;
    memcpy(word, text, count);
    word[count] = '\0';
    return text + count + 1;
}

/* A line of hexadecimal digits, or an empty one: all zero. */
static const char *read_digest(const char *text, uint8_t digest[REGISTRY_DIGEST_SIZE])
{
    size_t length;
    memset(digest, 0, REGISTRY_DIGEST_SIZE);
    if (text[0] == '\n')
        return text + 1;
    const char *rest = read_bytes(text, digest, REGISTRY_DIGEST_SIZE, &length);
    return rest != NULL && length == REGISTRY_DIGEST_SIZE ? rest : NULL;
}

static bool set_value(const char *value, struct registry_version *version)
{
    char again[REGISTRY_FACT_VALUE_SIZE];
    int64_t numbers[VERSION_NUMBERS];
    size_t length = 0;
    const char *rest = read_bytes(value, version->object_id, sizeof version->object_id, &version->object_id_length);
    if (rest != NULL)
        rest = read_bytes(rest, version->check_value, sizeof version->check_value, &length);
    if (rest == NULL || length != sizeof version->check_value)
        return false;
    rest = read_word(rest, version->prf, sizeof version->prf);
    if (rest != NULL)
        rest = read_word(rest, version->origin, sizeof version->origin);
    if (rest != NULL)
        rest = read_digest(rest, version->public_key);
    if (rest == NULL || !closed_read_numbers(rest, numbers, VERSION_NUMBERS))
        return false;
    version->was_compromised = numbers[0] != 0;
    version->activated = numbers[1];
    version->retire_at = numbers[2];
    version->closed = numbers[3];
    version->purge_at = numbers[4];
    version->destroyed = numbers[5];
    version_fact_write(version, again);
    return strcmp(again, value) == 0;
}

bool version_fact_apply(const char *fact, int row_state, struct registry_version *version)
{
    char before[REGISTRY_FACT_VALUE_SIZE];
    struct registry_version followed = *version;
    int state = fact[0] - '0';
    bool closed = version->state >= SEALRING_VERSION_RETIRED;
    version->edited = version->stuck = false;
    version->unfounded = strcmp(fact, LACKING) == 0;
    version->unconfirmed = closed && (fact[0] == '\0' || state != (int)version->state);
    if (fact[0] == '\0' || version->unfounded)
        return true;
    if (state < SEALRING_VERSION_PENDING || state > SEALRING_VERSION_DESTROYED || fact[1] != '\n')
        return false;
    if (fact[2] == '\0')
        return true;
    if (!set_value(fact + 2, &followed))
        return false;
    version_fact_write(version, before);
    followed.state = (sealring_version_state)state;
    followed.closing_owed = version->closing_owed && state >= SEALRING_VERSION_RETIRED;
    followed.unconfirmed = false;
    followed.stuck = (row_state == SEALRING_VERSION_DESTROYED && state != SEALRING_VERSION_DESTROYED) ||
                     (version->was_compromised && !followed.was_compromised);
    followed.edited =
        row_state != state || strcmp(before, fact + 2) != 0 || followed.closing_owed != version->closing_owed;
    *version = followed;
    return true;
}

static sealring_status read_ring_id(struct registry *registry, int64_t ring, uint8_t ring_id[REGISTRY_ID_SIZE],
                                    sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &version_ring, error);
    query_bind_int64(&query, 1, ring);
    if (query_row(&query))
        query_bytes(&query, ring_id, REGISTRY_ID_SIZE);
    return query_end(&query, error);
}

static bool closed_is(int state)
{
    return state >= SEALRING_VERSION_RETIRED;
}

/* Of before facts with values have begun: only if it enters or leaves a closed state. Before the update. */
static sealring_status version_fact_close(struct registry *registry, const struct registry_version *version,
                                          sealring_error *error)
{
    struct query query;
    struct registry_closed fact = {.is_version = true, .version = version->number, .state = (int)version->state};
    int before = 0;
    query_start(&query, registry, &closed_version_state, error);
    query_bind_int64(&query, 1, version->ring);
    query_bind_int64(&query, 2, version->number);
    if (query_row(&query)) {
        query_bytes(&query, fact.ring_id, sizeof fact.ring_id);
        before = query_small(&query, SEALRING_VERSION_PENDING, SEALRING_VERSION_DESTROYED);
    }
    sealring_status status = query_end(&query, error);
    bool tells = before != 0 && before != fact.state && (closed_is(before) || closed_is(fact.state));
    return status != SEALRING_OK || !tells ? status : closed_add(registry, &fact, error);
}

sealring_status registry_closed_version(struct registry *registry, int64_t ring, uint32_t version, int *state,
                                        sealring_error *error)
{
    struct query query;
    *state = 0;
    query_start(&query, registry, &closed_version_last, error);
    query_bind_int64(&query, 1, ring);
    query_bind_int64(&query, 2, version);
    if (query_row(&query))
        *state = query_small(&query, SEALRING_VERSION_PENDING, SEALRING_VERSION_DESTROYED);
    return query_end(&query, error);
}

sealring_status version_fact_note(struct registry *registry, const struct registry_version *version,
                                  sealring_error *error)
{
    struct query query;
    struct registry_closed fact = {.is_version = true, .version = version->number, .state = (int)version->state};
    char last[VERSION_FACT_SIZE] = "", now[VERSION_FACT_SIZE];
    struct registry_vault vault;
    sealring_status status = registry_facts_begun(registry, &vault, error);
    if (status == SEALRING_OK && !vault.facts_begun)
        return version_fact_close(registry, version, error);
    if (status == SEALRING_OK)
        status = read_ring_id(registry, version->ring, fact.ring_id, error);
    if (status != SEALRING_OK)
        return status;
    query_start(&query, registry, &version_fact_last, error);
    query_bind_bytes(&query, 1, fact.ring_id, sizeof fact.ring_id);
    query_bind_int64(&query, 2, version->number);
    if (query_row(&query))
        query_text(&query, last, sizeof last);
    status = query_end(&query, error);
    version_fact_write(version, fact.value);
    (void)snprintf(now, sizeof now, "%d\n%s", fact.state, fact.value);
    return status != SEALRING_OK || strcmp(now, last) == 0 ? status : closed_add(registry, &fact, error);
}

sealring_status registry_version_missing(struct registry *registry, const struct registry_ring *ring, uint64_t *number,
                                         sealring_error *error)
{
    return query_count(registry, &version_missing,
                       PARAMETERS(INTEGER(ring->id), BYTES(ring->ring_id, sizeof ring->ring_id)), number, error);
}
