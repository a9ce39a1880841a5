/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true, judged by the world's own books: which facts each chain has, who wrote them, what was signed, what is effective. */
#include <string.h>

#include "facts/facts.h"

/* ---- chains ---- */

uint8_t chain_key(uint32_t head)
{
    struct fact last;
    uint8_t value = 0;
    bool found = false;
    while (hash_origin(head, &head, &last)) {
        if (last.subject != OF_KEY)
            continue;
        value = found ? value : last.value;
        found = true;
        if ((last.value & KEY_REVOKED) != 0)
            return last.value; /* final */
    }
    return value;
}

uint8_t chain_version(uint32_t head)
{
    struct fact last;
    while (hash_origin(head, &head, &last))
        if (last.subject == OF_VERSION)
            return last.value < SEALRING_VERSION_RETIRED ? 0 : last.value;
    return 0;
}

/* Whether the last fact of the chain only restricts its subject. */
static bool restricts(uint32_t head)
{
    struct fact last;
    uint32_t before;
    (void)hash_origin(head, &before, &last);
    uint8_t former = last.subject == OF_KEY ? chain_key(before) : chain_version(before);
    if (last.subject == OF_VERSION)
        return last.value == SEALRING_VERSION_COMPROMISED && former < SEALRING_VERSION_COMPROMISED;
    return ((last.value | former) & KEY_REVOKED) != 0 || (last.value & former) == former; /* revoked is final */
}

/* ---- signatures ---- */

static struct {
    uint32_t before, head;
} tried; /* by the operator at work, in a transaction that was rolled back to be signed */

void promise_tried(uint32_t before, uint32_t head)
{
    tried.before = before;
    tried.head = head;
}

/* A signer examined a restriction of a key, and wrote the rest itself, or an operator noted or confirmed it. */
static bool may_be_signed(unsigned who, uint32_t head)
{
    struct fact last;
    uint32_t before;
    (void)hash_origin(head, &before, &last);
    if (last.subject == OF_KEY && restricts(head))
        return true;
    if (head != tried.before && hash_extends(tried.head, head) && hash_extends(head, tried.before))
        return true;
    for (unsigned i = 0; i < world.truth.written_count; i++)
        if (world.truth.written[i].head == head &&
            (world.truth.written[i].by == who || world.truth.written[i].by == OPERATORS))
            return true;
    return false;
}

void promise_signed(unsigned who, uint32_t head, uint8_t era)
{
    const struct file *file = &world.registry;
    const struct truth *truth = &world.truth;
    struct fact last;
    uint32_t covered = 0;
    for (unsigned i = 0; i < truth->signed_count; i++)
        if (hash_extends(head, truth->signed_heads[i]) && hash_length(truth->signed_heads[i]) > hash_length(covered))
            covered = truth->signed_heads[i];
    for (unsigned i = 0; i < CHECKPOINTS_MAX; i++)
        if (file->checkpoints[i].verifies && file->checkpoints[i].era == era &&
            !hash_extends(head, file->checkpoints[i].head))
            world_break("facts are signed that lack those which a checkpoint covers");
    if (era != world.eras)
        world_break("an era is signed that no operator began, or a former one");
    for (unsigned i = 0; i < world.noted_count; i++)
        if (world.noted[i].kind == OWN_NOTE_COMMITTED && world.noted[i].era == era &&
            !hash_extends(head, world.noted[i].head))
            world_break("something is signed that lacks what an operator committed");
    for (uint32_t at = head; at != covered;) {
        if (!may_be_signed(who, at))
            world_break("something is signed that its signer neither wrote nor examined");
        if (!hash_origin(at, &at, &last))
            break;
    }
}

/* What was signed counts once it is committed: until then it is in its signer's memory only. */
static void publish(const struct checkpoint_row *row)
{
    struct truth *truth = &world.truth;
    unsigned place = 0;
    while (place < truth->signed_count &&
           (truth->signed_heads[place] != row->head || truth->signed_eras[place] != row->era))
        place++;
    for (unsigned i = 0; place == truth->signed_count && i < truth->signed_count; i++)
        if ((truth->anchored >> i & 1) != 0 && truth->signed_eras[i] == row->era &&
            !hash_extends(row->head, truth->signed_heads[i]) && !hash_extends(truth->signed_heads[i], row->head))
            world_break("two signed chains of one era differ");
    if (place == SIGNED_MAX) {
        world_full = true;
        return;
    }
    truth->signed_heads[place] = row->head;
    truth->signed_eras[place] = row->era;
    if (row->time > truth->signed_times[place])
        truth->signed_times[place] = row->time;
    truth->signed_count = place == truth->signed_count ? (uint8_t)(place + 1) : truth->signed_count;
}

void promise_anchored(uint8_t count)
{
    const struct file *file = &world.registry;
    if (count > file->fact_count)
        return;
    for (unsigned i = 0; i < world.truth.signed_count; i++)
        if (world.truth.signed_heads[i] == (count == 0 ? 0 : file->facts[count - 1].hash))
            world.truth.anchored |= (uint8_t)(1U << i);
}

/* When: 0: it never was. */
static unsigned signed_time_of(uint32_t head, uint8_t era)
{
    for (unsigned i = 0; i < world.truth.signed_count; i++)
        if (world.truth.signed_heads[i] == head && world.truth.signed_eras[i] == era)
            return world.truth.signed_times[i];
    return 0;
}

/* ---- what an operator commits ---- */

static void note_written(uint32_t head)
{
    struct truth *truth = &world.truth;
    for (unsigned i = 0; i < truth->written_count; i++) {
        if (truth->written[i].head != head)
            continue;
        truth->written[i].by = (uint8_t)(truth->written[i].by == operator_at_work ? operator_at_work : OPERATORS);
        return;
    }
    if (truth->written_count == WRITTEN_MAX) {
        world_full = true;
        return;
    }
    struct fact last;
    uint32_t before;
    (void)hash_origin(head, &before, &last);
    truth->written[truth->written_count].head = head;
    /* a compromise is noted in vault.unsigned, so that other processes of the operator's side sign it */
    truth->written[truth->written_count++].by =
        (uint8_t)(last.subject == OF_VERSION && last.value == SEALRING_VERSION_COMPROMISED ? OPERATORS
                                                                                           : operator_at_work);
}

/* Compared with what the registry contained, which is what the act started from: whether the fact at this place restricts its subject. */
static bool restricts_what_it_found(const struct file *file, unsigned place)
{
    const struct fact *fact = &file->facts[place];
    struct file found = *file;
    uint8_t key, version;
    found.fact_count = (uint8_t)place;
    file_values(&found, &key, &version);
    if (fact->subject == OF_VERSION)
        return fact->value == SEALRING_VERSION_COMPROMISED && version < SEALRING_VERSION_COMPROMISED;
    return ((fact->value | key) & KEY_REVOKED) != 0 || (fact->value & key) == key;
}

/* A restriction waits for nothing, so it starts from a fact that somebody edited as well, and then may permit something compared with the chain.
 * Such a fact is nobody's: it may be signed only after an operator has confirmed it. */
void promise_committed(unsigned before)
{
    const struct file *file = &world.registry;
    const uint32_t head = file_head(file);
    for (unsigned i = 0; i < CHECKPOINTS_MAX; i++)
        if (file->checkpoints[i].column != 0 && file->checkpoints[i].verifies)
            publish(&file->checkpoints[i]);
    bool covered = false;
    for (unsigned i = 0; i < CHECKPOINTS_MAX; i++)
        covered = covered || (file->checkpoints[i].column != 0 && file->checkpoints[i].verifies &&
                              file->checkpoints[i].head == head && file->checkpoints[i].era == file->era);
    for (unsigned i = before; i < file->fact_count; i++) {
        if (!covered && !restricts_what_it_found(file, i))
            world_break("a permission is committed without its signature");
        if (covered || restricts(file->facts[i].hash))
            note_written(file->facts[i].hash);
    }
}

/* ---- what servers do ---- */

static bool is_as_restricted(const struct server *server, uint8_t key, uint8_t version)
{
    return key_has(server->key, key) && server->version >= version;
}

/* A checkpoint that the token signed for the server's era, over facts that the registry has, permits what the server permits now. */
static bool is_permitted(const struct server *before, const struct server *server)
{
    const struct file *file = &world.registry;
    const uint8_t era = server->closed_era;
    const bool same = before->closed_era == era;
    uint32_t head = 0;
    unsigned former = signed_time_of(before->start_head, before->closed_era);
    if (!same && signed_time_of(0, era) > former)
        return true;
    for (unsigned i = 0; i < file->fact_count; i++) {
        head = hash_after(head, &file->facts[i]);
        if (signed_time_of(head, era) > (same ? 0 : former) &&
            is_as_restricted(server, chain_key(head), chain_version(head)))
            return true;
    }
    return false;
}

/* A server applies what is covered, and each later restriction of the same chain. */
void promise_opened(const struct server *server)
{
    const struct file *file = &world.registry;
    uint8_t key = chain_key(server->start_head), version = chain_version(server->start_head);
    uint32_t head = 0;
    for (unsigned i = 0; i < file->fact_count; i++)
        head = hash_after(head, &file->facts[i]);
    if (server->broken || server->era_unsigned || head != server->sound_head) /* edited, after they were read */
        return;
    for (unsigned i = server->start_count; i < file->fact_count; i++) {
        const struct fact *fact = &file->facts[i];
        if (fact->subject == OF_KEY)
            key |= fact->value;
        else if (fact->value >= SEALRING_VERSION_RETIRED && fact->value > version)
            version = fact->value;
    }
    if (!is_as_restricted(server, key, version))
        world_break("a server does not apply a restriction that it reads");
}

void promise_looked(const struct server *before, const struct server *after)
{
    bool widened = !key_has(after->key, before->key) || after->version < before->version;
    promise_opened(after);
    if (!before->loaded || !widened)
        return;
    if (before->broken && after->broken)
        world_break("a server forgets a restriction on a chain that does not continue");
    if (!is_permitted(before, after))
        world_break("a server permits more than before without a signature");
}

void promise_check(void)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        const struct server *server = &world.servers[i];
        if (server->life == GONE)
            continue;
        const bool is_covered = signed_time_of(server->start_head, server->closed_era) != 0;
        if (server->loaded && server->start_count > 0 && !server->broken && !is_covered)
            world_break("a server takes facts for signed that the token did not sign");
        if (server->loaded && is_covered && server->tail_length == 0 && !server->broken &&
            !is_as_restricted(server, chain_key(server->start_head), chain_version(server->start_head)))
            world_break("a server permits more than the facts that are signed");
        if (server_serves(server) && !server->excused &&
            !is_as_restricted(server, world.truth.key, world.truth.version))
            world_break("a server accepts what is closed everywhere");
    }
}
