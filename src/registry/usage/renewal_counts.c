/* SPDX-License-Identifier: Apache-2.0 */
/* How many clients of a ring renew by themselves, in one statement. */
#include "registry/usage/renewal_counts.h"

#include "registry/connection/query.h"

/* Active API keys of the same client and ring, found by the index api_key_label: `state <> 3` admits it, and `+` keeps SQLite from api_key_ring,
 * with which each key would read all keys of the ring. */
#define OF_THE_SAME_CLIENT "o.client = k.client AND o.ring = k.ring AND o.state <> 3 AND +o.state = 1"

/* A client is counted with its first active key by label, so nothing is sorted. */
static const struct db_query renewal_count = {
    "SELECT count(*), coalesce(sum(CASE WHEN EXISTS (SELECT 1 FROM api_key o CROSS JOIN credential n"
    " WHERE " OF_THE_SAME_CLIENT " AND n.api_key = o.id AND n.predecessor = 0"
    " AND n.serial = (SELECT max(m.serial) FROM credential m WHERE m.api_key = o.id)) THEN 0 ELSE 1 END), 0),"
    " coalesce((SELECT max(c.issued - v.activated) FROM version v CROSS JOIN api_key a CROSS JOIN credential c"
    " CROSS JOIN credential p WHERE v.ring = ?1 AND v.state = 2 AND a.ring = v.ring AND a.state = 1"
    " AND c.ring = v.ring AND c.version = v.number AND c.api_key = a.id AND c.issued >= v.activated"
    " AND p.api_key = c.api_key AND p.serial = c.predecessor AND p.version <> c.version), -1)"
    " FROM api_key k WHERE k.ring = ?1 AND k.state = 1"
    " AND NOT EXISTS (SELECT 1 FROM api_key o WHERE " OF_THE_SAME_CLIENT " AND o.label < k.label)",
    false};

static void read_counts(struct query *query, void *row)
{
    struct registry_renewal_counts *counts = row;
    counts->clients = query_uint64(query);
    counts->renewing = query_uint64(query);
    counts->longest = query_int64(query);
}

sealring_status registry_renewal_count(struct registry *registry, int64_t ring, struct registry_renewal_counts *counts,
                                       sealring_error *error)
{
    bool found;
    return query_find(registry, &renewal_count, PARAMETERS(INTEGER(ring)), read_counts, counts, &found, error);
}
