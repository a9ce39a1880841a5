/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log for readers: its entries are listed, proved and examined; its key and its latest checkpoint are shown. */
#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "log/key_change.h"
#include "log/log_examine.h"
#include "log/log_tree.h"
#include "manage/act/act.h"
#include "manage/audit/audit_log.h"
#include "manage/audit/compare_rows.h"
#include "manage/audit/log_history.h"
#include "manage/session/manager.h"
#include "registry/connection/registry_copy.h"

_Static_assert(SEALRING_AUDIT_PROOF_MAX >= MERKLE_LEVELS, "an inclusion proof has one hash for each level at most");
_Static_assert(SEALRING_AUDIT_KEY_SIZE >= REGISTRY_VKEY_SIZE, "a vkey fits");
_Static_assert(SEALRING_AUDIT_NOTE_SIZE >= REGISTRY_NOTE_SIZE, "a note fits");

/* ---- Listing, with proofs */

/* The tree that the proofs are for. */
struct proved_tree {
    uint64_t size;
    struct merkle_hash root;
};

static void hash_text(const struct merkle_hash *hash, char text[SEALRING_AUDIT_HASH_SIZE])
{
    base64_encode(hash->bytes, sizeof hash->bytes, text);
}

static sealring_status prove(struct registry *registry, const struct proved_tree *tree, uint64_t sequence,
                             sealring_audit_proof *proof, sealring_error *error)
{
    struct merkle_proof path;
    proof->tree_size = tree->size;
    proof->count = 0;
    hash_text(&tree->root, proof->root);
    if (sequence > tree->size)
        return SEALRING_OK;
    sealring_status status = tree_inclusion(registry, sequence, tree->size, &path, error);
    for (size_t i = 0; status == SEALRING_OK && i < path.count; i++)
        hash_text(&path.hashes[i], proof->hashes[i]);
    proof->count = status == SEALRING_OK ? path.count : 0;
    return status;
}

static sealring_status list_entry(const struct registry_audit *row, const sealring_audit_proof *proof,
                                  sealring_audit_callback each, void *context, sealring_error *error)
{
    sealring_audit_entry entry = {
        .sequence = row->sequence,
        .time = row->time,
        .actor = row->actor,
        .act = row->act,
        .ring = row->ring,
        .version = row->version,
        .key_id = row->key_id,
        .client = row->client,
        .detail = row->detail,
        .proof = proof,
    };
    base64_encode(row->leaf_hash, sizeof row->leaf_hash, entry.leaf_hash);
    hex_encode(row->operation_id, sizeof row->operation_id, entry.operation_id);
    return each(&entry, context) == 0 ? SEALRING_OK : error_set(error, SEALRING_REFUSED, "the listing was stopped");
}

/* Proofs lead to the root of the latest checkpoint, which is signed; without a checkpoint, to the log's own root. */
static sealring_status choose_tree(struct registry *registry, struct proved_tree *tree, sealring_error *error)
{
    bool found = false;
    struct registry_checkpoint checkpoint;
    sealring_status status = registry_checkpoint_find_latest(registry, &checkpoint, &found, error);
    if (status == SEALRING_OK && found)
        tree->size = checkpoint.size;
    else if (status == SEALRING_OK)
        status = registry_audit_size(registry, &tree->size, error);
    return status == SEALRING_OK ? tree_root(registry, tree->size, &tree->root, error) : status;
}

/* proof: NULL, or the structure that receives each entry's proof. passed: the number of the entry that was passed last, 0 for none: after
 * a conflict the list goes on behind it. */
static sealring_status list(struct registry *registry, const sealring_audit_filter *asked, sealring_audit_proof *proof,
                            uint64_t *passed, sealring_audit_callback each, void *context, sealring_error *error)
{
    struct proved_tree tree;
    struct registry_audit row;
    sealring_status status = proof != NULL ? choose_tree(registry, &tree, error) : SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor entries = registry_audit_entries(registry, asked, error);
    while (status == SEALRING_OK && registry_audit_next(&entries, &row)) {
        if (row.sequence <= *passed)
            continue;
        if (proof != NULL)
            status = prove(registry, &tree, row.sequence, proof, error);
        if (status != SEALRING_OK)
            break;
        *passed = row.sequence;
        status = list_entry(&row, proof, each, context, error);
    }
    return registry_close_cursor(&entries, status);
}

sealring_status sealring_audit_list(sealring_manager *manager, const sealring_audit_filter *filter,
                                    sealring_audit_callback each, void *context, sealring_error *error)
{
    sealring_status status;
    sealring_audit_filter asked;
    sealring_audit_proof proof;
    uint64_t passed = 0;
    sized_take(&asked, sizeof asked, filter);
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = list(manager->registry, &asked, asked.proofs ? &proof : NULL, &passed, each, context, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- Verifying */

struct verification {
    const sealring_audit_check *check;
    sealring_audit_problem_callback each;
    void *context;
    sealring_audit_report *report;
    struct audit_keys keys;
    struct note note; /* the checkpoint that was kept elsewhere */
    struct checkpoint elsewhere;
    struct examine_result result;
    struct log_history history;
    struct retrace retrace;
    struct audit_keeping *keeping;
    bool stopped;
    uint64_t own_problems; /* found by the verification itself, not by the examination */
};

static void problem(uint64_t entry, const char *text, void *context)
{
    struct verification *verification = context;
    if (!verification->stopped && verification->each != NULL)
        verification->stopped = verification->each(entry, text, verification->context) != 0;
}

static void own_problem(uint64_t entry, const char *text, void *context)
{
    struct verification *verification = context;
    verification->own_problems++;
    problem(entry, text, verification);
}

/* What names other keys than those that are used. own: the ones that the configuration or the registry names. */
static sealring_status compare_keys(struct registry *registry, struct verification *verification,
                                    const struct audit_keys *own, sealring_error *error)
{
    const struct audit_keys *used = &verification->keys;
    const char *trusted = registry_trusted_key(registry);
    bool agrees = true;
    sealring_status status = audit_keys_agree(registry, &agrees, error);
    if (status == SEALRING_OK && !agrees)
        own_problem(0, "the registry names another key for its checkpoints than " CONFIG_FILE, verification);
    if (status == SEALRING_OK && (own->count == 0 || !note_key_same(audit_keys_newest(own), audit_keys_newest(used))))
        own_problem(0,
                    trusted != NULL ? CONFIG_FILE
                        " names another key for the registry's checkpoints than the one that was given"
                                    : "the registry names another key for its checkpoints than the one that was given",
                    verification);
    return status;
}

/* The key that was kept elsewhere, and those to which the registry's changes lead from it. */
static sealring_status take_given(struct registry *registry, struct verification *verification, sealring_error *error)
{
    struct audit_keys *keys = &verification->keys;
    if (!audit_keys_parse(verification->check->key, keys, NULL) || keys->count == 0)
        return error_set(error, SEALRING_INVALID, "that is no verifier key: NAME+ID+BASE64 is wanted");
    sealring_status status = audit_keys_trace_back(registry, keys, error);
    return status == SEALRING_OK ? audit_keys_follow(registry, keys, error) : status;
}

/* Chooses the keys: the caller's, who may have kept it elsewhere; otherwise those of the configuration; without them the one that the registry
 * names, which is the weakest evidence. */
static sealring_status choose_keys(struct registry *registry, struct verification *verification, bool *there,
                                   sealring_error *error)
{
    struct audit_keys own;
    sealring_audit_report *report = verification->report;
    const bool given = verification->check->key != NULL;
    sealring_status status = audit_keys_find(registry, &own, there, error);
    if (status != SEALRING_OK)
        return status;
    *there = *there || given;
    if (!*there) {
        snprintf(report->remark, sizeof report->remark,
                 "nothing signs this log: whoever can write the registry could have made all of it");
        return SEALRING_OK;
    }
    verification->keys = own;
    if (given)
        status = take_given(registry, verification, error);
    else if (own.count == 0)
        status = error_set_registry(error, 0, "the registry's key for checkpoints is damaged");
    else
        snprintf(report->remark, sizeof report->remark,
                 "the key is the one that %s: give --key with one that was kept elsewhere",
                 registry_trusted_key(registry) != NULL ? CONFIG_FILE " names" : "the registry itself names");
    if (status != SEALRING_OK)
        return status;
    note_key_format(audit_keys_newest(&verification->keys), report->key);
    return compare_keys(registry, verification, &own, error);
}

/* The checkpoint that was kept elsewhere must be of this log, and signed. */
static bool take_elsewhere(struct registry *registry, struct verification *verification)
{
    char origin[CHECKPOINT_ORIGIN_SIZE];
    checkpoint_origin(registry_vault_row(registry)->vault_id, origin);
    struct checkpoint *elsewhere = &verification->elsewhere;
    bool is_checkpoint = checkpoint_parse(verification->note.text, verification->note.text_length, elsewhere);
    enum audit_verdict verdict =
        audit_keys_judge(&verification->keys, &verification->note, elsewhere->size, elsewhere->closed_count, NULL);
    const char *wrong =
        verdict == AUDIT_BAD          ? "the checkpoint that was kept elsewhere has a signature that is not the key's"
        : verdict == AUDIT_NOT_SIGNED ? "the checkpoint that was kept elsewhere is not signed by the key"
        : verdict == AUDIT_BEYOND ? "the checkpoint that was kept elsewhere is signed by a key that had ended before"
        : !is_checkpoint          ? "the note that was kept elsewhere is no checkpoint of sealring"
        : strcmp(elsewhere->origin, origin) != 0 ? "the checkpoint that was kept elsewhere is another vault's"
                                                 : NULL;
    if (wrong != NULL)
        own_problem(0, wrong, verification);
    return wrong == NULL;
}

static void schema_problem(enum db_flaw flaw, const char *name, const char *words, void *context)
{
    sealring_error line; /* control characters are removed: the name may contain anything */
    (void)error_set(&line, SEALRING_OK, "the registry's %s: %s%s%s", flaw == DB_FLAW_DAMAGE ? "database" : "schema",
                    name, name[0] != '\0' ? " " : "", words);
    own_problem(0, line.message, context);
}

static sealring_status take_entry(const struct registry_audit *entry, void *context, sealring_error *error)
{
    struct verification *verification = context;
    struct audit_keeping *keeping = verification->keeping;
    sealring_status status = retrace_entry(&verification->retrace, entry, error);
    if (status != SEALRING_OK || keeping == NULL || entry->sequence != keeping->last)
        return status;
    keeping->kept = retrace_keep(&verification->retrace);
    return SEALRING_OK;
}

/* Examines the log itself, and compares the rows with what the log states was done to them. */
static sealring_status examine_and_retrace(struct registry *registry, struct verification *verification,
                                           struct examine *examine, sealring_error *error)
{
    struct log_history *history = &verification->history;
    sealring_status status = retrace_begin(&verification->retrace, registry, own_problem, verification, error);
    examine->entry = take_entry;
    if (status == SEALRING_OK)
        status = log_history_resume(history, registry, &verification->retrace, error);
    examine->archives = history->has_archives ? &history->archives : NULL;
    if (status == SEALRING_OK)
        status =
            registry_examine(registry, schema_problem, verification, error); /* first: what follows may depend on it */
    if (status == SEALRING_OK)
        status = examine_log(registry, examine, &verification->result, error);
    if (status == SEALRING_OK)
        status = retrace_compare(&verification->retrace, error);
    retrace_release(&verification->retrace);
    return status;
}

/* What was not examined as no archive of it was given. */
static sealring_status note_archived(const struct verification *verification, sealring_error *error)
{
    const struct examine_result *result = &verification->result;
    const struct log_cut *cut = &verification->history.cut;
    verification->report->archived = result->archived;
    if (!result->unseen)
        return SEALRING_OK;
    return error_set(
        error, SEALRING_INVALID,
        "the checkpoint that was kept elsewhere is about entry %llu, and the entries up to %llu are archived: "
        "give the archives as well, the last one is %.150s",
        (unsigned long long)verification->elsewhere.size, (unsigned long long)result->archived, cut->file);
}

static sealring_status verify(struct registry *registry, struct verification *verification, sealring_error *error)
{
    struct examine examine = {.problem = problem, .context = verification};
    bool signed_log = false;
    sealring_status status = choose_keys(registry, verification, &signed_log, error);
    if (status != SEALRING_OK)
        return status;
    if (signed_log)
        examine.keys = &verification->keys;
    if (verification->check->checkpoint != NULL && !signed_log)
        return error_set(error, SEALRING_INVALID, "nothing signs this log: give the key of the checkpoint as well");
    if (verification->check->checkpoint != NULL && take_elsewhere(registry, verification))
        examine.elsewhere = &verification->elsewhere;
    status = log_history_open(&verification->history, registry, examine.keys, verification->check->archives,
                              own_problem, verification, error);
    if (status == SEALRING_OK)
        status = examine_and_retrace(registry, verification, &examine, error);
    return status == SEALRING_OK ? note_archived(verification, error) : status;
}

static sealring_status conclude(const struct verification *verification, sealring_error *error)
{
    const struct examine_result *result = &verification->result;
    sealring_audit_report *told = verification->report;
    told->entries = result->entries;
    told->checkpoints = result->checkpoints;
    told->vouched = result->vouched;
    told->closed = result->closed;
    told->problems = result->problems + verification->own_problems;
    hash_text(&result->root, told->root);
    if (told->problems == 0)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED,
                     "the audit log is not what it should be: %llu problem%s; what to do: sealring doctor",
                     (unsigned long long)told->problems, told->problems == 1 ? "" : "s");
}

sealring_status audit_verify(struct registry *registry, const sealring_audit_check *check,
                             sealring_audit_problem_callback each, void *context, struct audit_keeping *keeping,
                             sealring_audit_report *told, sealring_error *error)
{
    const char *wrong = NULL;
    struct verification *verification = calloc(1, sizeof *verification);
    if (verification == NULL)
        return error_no_memory(error);
    *verification =
        (struct verification){.check = check, .each = each, .context = context, .report = told, .keeping = keeping};
    sealring_status status = SEALRING_OK;
    if (check->checkpoint != NULL &&
        !note_parse(check->checkpoint, strlen(check->checkpoint), &verification->note, &wrong))
        status = error_set(error, SEALRING_INVALID, "that is no checkpoint: the text %s", wrong);
    if (status == SEALRING_OK)
        status = verify(registry, verification, error);
    if (status == SEALRING_OK)
        status = conclude(verification, error);
    log_history_release(&verification->history);
    free(verification);
    return status;
}

/* What vault.unsigned, which only the vault's owner can read, shows about the entries that no checkpoint covers. */
static sealring_status verify_tail(sealring_manager *manager, sealring_audit_problem_callback each, void *context,
                                   sealring_audit_report *told, sealring_status verified, sealring_error *error)
{
    char what[TAIL_TEXT_SIZE];
    sealring_error inner = {.message = ""};
    if (manager_describe_tail(manager, what, &inner) != SEALRING_OK) {
        size_t length = strlen(told->remark);
        snprintf(told->remark + length, sizeof told->remark - length, "%s%s", length > 0 ? "; " : "", inner.message);
        return verified;
    }
    if (what[0] == '\0')
        return verified;
    if (each != NULL)
        (void)each(0, what, context);
    if (told->problems++ > 0)
        return verified;
    return error_set(error, SEALRING_REFUSED, "the audit log is not what it should be: %s", what);
}

/* The loop runs only once, as in sealring_audit_list. */
sealring_status sealring_audit_verify(sealring_manager *manager, const sealring_audit_check *check,
                                      sealring_audit_problem_callback each, void *context,
                                      sealring_audit_report *report, sealring_error *error)
{
    sealring_audit_check asked;
    sealring_audit_report told = {.size = sizeof told};
    sealring_status status;
    sized_take(&asked, sizeof asked, check);
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = audit_verify(manager->registry, &asked, each, context, NULL, &told, error);
        if (status == SEALRING_OK || told.problems > 0)
            status = verify_tail(manager, each, context, &told, status, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK || told.problems > 0)
        sized_give(report, &told, sizeof told);
    return status;
}
