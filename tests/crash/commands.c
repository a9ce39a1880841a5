/* SPDX-License-Identifier: Apache-2.0 */
/* Every command that changes a vault, as what it calls. */
#include "crash/commands.h"

#include <openssl/sha.h>
#include <sealring/backup.h>
#include <sealring/claim.h>
#include <sealring/doctor.h>
#include <sealring/renew.h>
#include <sealring/sealed.h>
#include <stdio.h>
#include <string.h>

#define LATE 4102444800000 /* 2100 */

/* ---- What is handed over ---- */

struct taking {
    struct told *told;
    unsigned stop; /* after so many; 0: never */
};

static int take(const sealring_issued *issued, void *context)
{
    struct taking *taking = context;
    uint32_t number = atomic_load(&taking->told->handed);
    if (issued->credential != NULL)
        snprintf(taking->told->texts[number < HANDED_MAX ? number : HANDED_MAX - 1], SEALRING_CREDENTIAL_LENGTH_MAX + 1,
                 "%s", issued->credential);
    atomic_store(&taking->told->handed, number + 1);
    return number + 1 == taking->stop;
}

/* ---- Rings, clients ---- */

#define ACT(name)                                                                                    \
    static sealring_status name(const struct scene *scene, sealring_manager *manager, unsigned stop, \
                                struct told *told, sealring_error *error)
#define UNUSED (void)scene, (void)stop, (void)told

ACT(ring_create)
{
    UNUSED;
    return sealring_ring_create(manager, "third", "acme_three", NULL, 0, error);
}

ACT(ring_set)
{
    UNUSED;
    sealring_policy policy = {.keep = 7, .overlap = 7200000};
    return sealring_ring_set(manager, GROUND_RING, &policy, SEALRING_POLICY_KEEP | SEALRING_POLICY_OVERLAP, error);
}

/* A client's certificate: P-256, valid until 2099. */
static const uint8_t certificate[] = {
    0x30, 0x81, 0xfc, 0x30, 0x81, 0xa3, 0x02, 0x14, 0x29, 0x1d, 0x2a, 0x83, 0x1a, 0x83, 0xcf, 0x02, 0xd0, 0xf1, 0xb2,
    0x9a, 0xf2, 0x50, 0x13, 0xa7, 0x1d, 0xaf, 0xfa, 0xbc, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,
    0x03, 0x02, 0x30, 0x00, 0x30, 0x20, 0x17, 0x0d, 0x32, 0x30, 0x30, 0x31, 0x30, 0x31, 0x30, 0x30, 0x30, 0x30, 0x30,
    0x30, 0x5a, 0x18, 0x0f, 0x32, 0x30, 0x39, 0x39, 0x31, 0x32, 0x33, 0x31, 0x32, 0x33, 0x35, 0x39, 0x35, 0x39, 0x5a,
    0x30, 0x00, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x42, 0x32, 0x0c, 0x80, 0x55, 0x48, 0xd6, 0xaa, 0x97,
    0x0a, 0x73, 0xf1, 0x70, 0xa0, 0x3e, 0xdb, 0x5c, 0x0b, 0xf1, 0xa1, 0x81, 0x75, 0x19, 0x47, 0x1f, 0x7d, 0xf7, 0x8a,
    0x46, 0x7a, 0xd7, 0x0d, 0x0c, 0x00, 0xab, 0xbe, 0x26, 0x33, 0xd7, 0xaa, 0xb5, 0xbb, 0x32, 0x94, 0xfb, 0x2e, 0x57,
    0x8a, 0x7f, 0xe3, 0x33, 0x3f, 0x7e, 0x11, 0x64, 0x3b, 0x61, 0xdc, 0xe2, 0xb0, 0xf0, 0x37, 0xf4, 0x75, 0x30, 0x0a,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x03, 0x48, 0x00, 0x30, 0x45, 0x02, 0x20, 0x2b, 0xbe,
    0xf9, 0xca, 0xca, 0x02, 0x8d, 0x0d, 0x90, 0xd3, 0x43, 0xfe, 0x75, 0x40, 0xda, 0xe9, 0x4b, 0x35, 0xf9, 0x00, 0x85,
    0x9b, 0x84, 0x71, 0xfd, 0xb7, 0x0e, 0x52, 0xdc, 0xc8, 0xa9, 0x81, 0x02, 0x21, 0x00, 0x9e, 0x5e, 0x53, 0x92, 0xa2,
    0x4f, 0x1e, 0x37, 0xdd, 0xb4, 0x20, 0x04, 0x34, 0x8d, 0xe3, 0xa3, 0x35, 0xca, 0x08, 0x2d, 0x57, 0xe3, 0x31, 0x21,
    0x12, 0xef, 0xb4, 0x48, 0xdf, 0xe8, 0x2a, 0x6a,
};

ACT(client_add)
{
    UNUSED;
    return sealring_client_add_certified(manager, "newcomer", "new@example.org", certificate, sizeof certificate,
                                         error);
}

ACT(client_set)
{
    UNUSED;
    return sealring_client_set(manager, "idle", "other@example.org", error);
}

ACT(client_forget)
{
    UNUSED;
    return sealring_client_forget(manager, "idle", error);
}

/* ---- Versions ---- */

static sealring_status change(sealring_manager *manager, const char *ring, sealring_event event, uint32_t version,
                              sealring_error *error)
{
    bool overrules = event == SEALRING_EVENT_RETIRE || event == SEALRING_EVENT_DESTROY;
    sealring_event_options options = {
        .size = sizeof options, .reason = "test", .overrule = overrules, .overrule_succession = overrules};
    return sealring_version_change(manager, ring, event, version, &options, NULL, error);
}

/* A rotation's first half stays when the second one does not come about. */
ACT(rotate)
{
    UNUSED;
    return change(manager, GROUND_OTHER, stop == 1 ? SEALRING_EVENT_PREPARE : SEALRING_EVENT_ROTATE, 0, error);
}

ACT(prepare)
{
    UNUSED;
    return change(manager, GROUND_OTHER, SEALRING_EVENT_PREPARE, 0, error);
}

ACT(activate)
{
    UNUSED;
    return change(manager, GROUND_RING, SEALRING_EVENT_ACTIVATE, 4, error);
}

ACT(rollback)
{
    UNUSED;
    return change(manager, GROUND_RING, SEALRING_EVENT_ROLLBACK, 0, error);
}

ACT(retire)
{
    UNUSED;
    return change(manager, GROUND_RING, SEALRING_EVENT_RETIRE, 2, error);
}

ACT(reinstate)
{
    UNUSED;
    return change(manager, GROUND_RING, SEALRING_EVENT_REINSTATE, 1, error);
}

ACT(compromise)
{
    UNUSED;
    return change(manager, GROUND_RING, SEALRING_EVENT_COMPROMISE, 3, error);
}

ACT(compromise_last)
{
    UNUSED;
    return change(manager, GROUND_OTHER, SEALRING_EVENT_COMPROMISE, 1, error);
}

ACT(destroy)
{
    UNUSED;
    return change(manager, GROUND_RING, SEALRING_EVENT_DESTROY, 1, error);
}

ACT(destroy_pending)
{
    UNUSED;
    return change(manager, GROUND_RING, SEALRING_EVENT_DESTROY, 4, error);
}

/* ---- API keys ---- */

ACT(issue)
{
    struct taking taking = {told, stop};
    sealring_issue_request request = {.client = "eager", .scopes = "read write"};
    (void)scene;
    return sealring_issue(manager, GROUND_RING, &request, 1, 0, take, &taking, NULL, error);
}

ACT(issue_list)
{
    struct taking taking = {told, stop};
    sealring_issue_request requests[] = {{.client = "eager", .scopes = "read"},
                                         {.client = "stranger", .scopes = "write"},
                                         {.client = "third", .label = "more"}};
    (void)scene;
    return sealring_issue(manager, GROUND_RING, requests, 3, SEALRING_ISSUE_ADD_CLIENTS, take, &taking, NULL, error);
}

/* Two batches, each of which commits on its own. */
ACT(issue_bulk)
{
    static char labels[SCENE_BULK][8];
    static sealring_issue_request requests[SCENE_BULK];
    struct taking taking = {told, stop};
    (void)scene;
    for (unsigned i = 0; i < SCENE_BULK; i++) {
        snprintf(labels[i], sizeof labels[i], "n%u", i);
        requests[i] = (sealring_issue_request){.client = "eager", .label = labels[i]};
    }
    return sealring_issue(manager, GROUND_RING, requests, SCENE_BULK, 0, take, &taking, NULL, error);
}

ACT(import)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct taking taking = {told, stop};
    (void)scene;
    SHA256((const unsigned char *)"another-legacy-key", 18, digest);
    sealring_issue_request request = {.client = "eager", .scopes = "read", .expires = LATE, .sha256 = digest};
    return sealring_import(manager, GROUND_RING, &request, 1, 0, take, &taking, NULL, error);
}

ACT(revoke_key)
{
    UNUSED;
    return sealring_key_set_state(manager, scene->key_ids[GROUND_ACTIVE], SEALRING_KEY_REVOKED, "leaked", error);
}

ACT(suspend_key)
{
    UNUSED;
    return sealring_key_set_state(manager, scene->key_ids[GROUND_ACTIVE], SEALRING_KEY_SUSPENDED, NULL, error);
}

ACT(resume_key)
{
    UNUSED;
    return sealring_key_set_state(manager, scene->key_ids[SCENE_SLEEPY], SEALRING_KEY_ACTIVE, NULL, error);
}

ACT(narrow)
{
    UNUSED;
    return sealring_key_narrow(manager, scene->key_ids[GROUND_ACTIVE], "", error);
}

ACT(relabel)
{
    UNUSED;
    return sealring_key_set_label(manager, scene->key_ids[GROUND_ACTIVE], "renamed", error);
}

ACT(rekey)
{
    struct taking taking = {told, stop};
    sealring_rekey_request request = {.size = sizeof request, .reason = "leaked"};
    return sealring_rekey(manager, scene->key_ids[GROUND_ACTIVE], &request, take, &taking, error);
}

ACT(reissue)
{
    struct taking taking = {told, stop};
    return sealring_reissue(manager, scene->key_ids[GROUND_RETIRING], take, &taking, error);
}

ACT(reissue_imported)
{
    struct taking taking = {told, stop};
    return sealring_reissue(manager, scene->key_ids[SCENE_LEGACY], take, &taking, error);
}

ACT(reissue_ring)
{
    struct taking taking = {told, stop};
    uint64_t total;
    (void)scene;
    return sealring_reissue_ring(manager, SCENE_RING, &total, take, &taking, error);
}

ACT(renew)
{
    struct taking taking = {told, stop};
    const char *text = scene->texts[GROUND_RETIRING];
    sealring_renewal request = {
        .size = sizeof request, .credential = text, .credential_length = strlen(text), .peer = "192.0.2.1"};
    sealring_status status = sealring_renew(manager, &request, 1, error);
    if (status == SEALRING_OK && request.successor[0] == '\0') {
        snprintf(error->message, sizeof error->message, "%s", request.reason);
        return SEALRING_TOKEN;
    }
    const sealring_issued issued = {.key_id = request.key_id, .credential = request.successor};
    if (status == SEALRING_OK)
        (void)take(&issued, &taking);
    sealring_renewal_release(&request);
    return status;
}

static int take_code(const sealring_issued *issued, void *context)
{
    snprintf(context, SEALRING_CLAIM_CODE_LENGTH + 1, "%s", issued->claim);
    return 0;
}

/* Offered, and then taken. */
ACT(claim)
{
    char code[SEALRING_CLAIM_CODE_LENGTH + 1];
    sealring_claim_request request = {.size = sizeof request,
                                      .code = code,
                                      .code_length = SEALRING_CLAIM_CODE_LENGTH,
                                      .certificate = certificate,
                                      .certificate_length = sizeof certificate,
                                      .peer = "192.0.2.1"};
    UNUSED;
    sealring_status status = sealring_claim_credentials(manager, SEALRING_CLAIM_LIFE, error);
    if (status == SEALRING_OK)
        status = sealring_reissue(manager, scene->key_ids[GROUND_RETIRING], take_code, code, error);
    if (status != SEALRING_OK || stop == 1)
        return status;
    status = sealring_claim(manager, &request, error);
    if (status == SEALRING_OK && request.sealed == NULL) {
        snprintf(error->message, sizeof error->message, "%s", request.reason);
        status = SEALRING_TOKEN;
    }
    sealring_claim_release(&request);
    return status;
}

/* ---- The rest ---- */

ACT(forget)
{
    UNUSED;
    return sealring_verifier_forget(manager, scene->verifier, "its host is gone", error);
}

static int stop_after(const sealring_plan *plan, void *context)
{
    unsigned *left = context;
    return plan->state == SEALRING_PLAN_DONE && *left > 0 && --*left == 0;
}

ACT(run)
{
    sealring_run_result result = {.size = sizeof result};
    UNUSED;
    sealring_status status = sealring_run_once(manager, NULL, stop_after, &stop, &result, error);
    if (status == SEALRING_OK && result.failed > 0) {
        snprintf(error->message, sizeof error->message, COMMAND_ACT_FAILED);
        return SEALRING_TOKEN;
    }
    return status;
}

/* One of the two that the policy destroys: the one that is owed. */
ACT(destroy_automatic)
{
    UNUSED;
    sealring_status status = change(manager, SCENE_RING, SEALRING_EVENT_DESTROY, 1, error);
    return status == SEALRING_OK ? status : change(manager, SCENE_RING, SEALRING_EVENT_DESTROY, 2, error);
}

ACT(harvest)
{
    sealring_harvest_result result = {.size = sizeof result};
    UNUSED;
    return sealring_harvest(manager, &result, error);
}

/* First the registry is taken over, for the record; then the act. */
ACT(take_over)
{
    UNUSED;
    return stop == 1 ? sealring_audit_settle(manager, error) : sealring_client_add(manager, "newcomer", NULL, error);
}

ACT(settle)
{
    UNUSED;
    return sealring_audit_settle(manager, error);
}

ACT(backup)
{
    char file[1100];
    sealring_vault_info info = {.size = sizeof info};
    UNUSED;
    sealring_status status = sealring_vault_describe(manager, &info, error);
    snprintf(file, sizeof file, "%.1000s/" BACKUP_NAME, info.path);
    if (status == SEALRING_OK)
        status = sealring_backup(manager, file, NULL, NULL, NULL, error);
    atomic_store(&told->backed_up, status == SEALRING_OK);
    return status;
}

ACT(archive)
{
    char file[1100];
    sealring_archive_options options = {.size = sizeof options, .before_entry = 18, .file = file};
    sealring_vault_info info = {.size = sizeof info};
    UNUSED;
    sealring_status status = sealring_vault_describe(manager, &info, error);
    snprintf(file, sizeof file, "%.1000s/" ARCHIVE_NAME, info.path);
    return status == SEALRING_OK ? sealring_audit_archive(manager, &options, NULL, error) : status;
}

ACT(audit_rekey)
{
    UNUSED;
    return sealring_audit_rekey(manager, NULL, NULL, error);
}

/* Of a backup that is made first. */
ACT(restore)
{
    char file[1100];
    sealring_vault_info info = {.size = sizeof info};
    sealring_restore_options options = {.size = sizeof options};
    sealring_status status = sealring_vault_describe(manager, &info, error);
    snprintf(file, sizeof file, "%.1000s/" BACKUP_NAME, info.path);
    if (status == SEALRING_OK)
        status = backup(scene, manager, stop, told, error);
    if (status != SEALRING_OK || stop == 1)
        return status;
    return sealring_restore(info.path, file, &options, NULL, NULL, NULL, error);
}

static int pass_over(const sealring_finding *finding, void *context)
{
    (void)finding;
    (void)context;
    return 0;
}

/* One thing is there to mend: a file that is no report. */
ACT(repair)
{
    char file[1100];
    sealring_vault_info info = {.size = sizeof info};
    sealring_doctor_options options = {.size = sizeof options, .repair = true, .stale_after = 1};
    UNUSED;
    sealring_status status = sealring_vault_describe(manager, &info, error);
    snprintf(file, sizeof file, "%.1000s/verifiers/00112233445566778899aabbccddeeff.report", info.path);
    FILE *stream = fopen(file, "we");
    if (stream == NULL || fputs("garbage", stream) < 0 || fclose(stream) != 0)
        return SEALRING_SYSTEM;
    sealring_doctor_result result = {.size = sizeof result};
    if (status == SEALRING_OK)
        status = sealring_doctor(info.path, &options, pass_over, NULL, &result, error);
    return status == SEALRING_OK && result.repaired == 0 ? SEALRING_REFUSED : status; /* it stays, and that is told */
}

const struct command commands[] = {
    {.name = "ring create", .act = ring_create},
    {.name = "ring set", .act = ring_set},
    {.name = "client add", .act = client_add},
    {.name = "client set", .act = client_set},
    {.name = "client forget", .act = client_forget},
    {.name = "prepare", .act = prepare},
    {.name = "activate", .act = activate},
    {.name = "rotate", .act = rotate, .steps = 1, .line = "rotate second --reason test --no-wait"},
    {.name = "rollback", .act = rollback},
    {.name = "retire", .act = retire},
    {.name = "reinstate", .act = reinstate},
    {.name = "compromise",
     .act = compromise,
     .again = compromise,
     .line = "compromise payments 3 --reason test --no-wait"},
    {.name = "compromise without a successor", .act = compromise_last, .again = compromise_last},
    {.name = "destroy", .act = destroy, .again = destroy, .line = "destroy payments 1 --overrule test"},
    {.name = "destroy a pending version", .act = destroy_pending, .again = destroy_pending},
    {.name = "issue", .act = issue, .line = "issue payments --client eager --scope read --scope write"},
    {.name = "issue a list", .act = issue_list},
    {.name = "issue 260 keys", .act = issue_bulk, .steps = 1},
    {.name = "import", .act = import},
    {.name = "revoke", .act = revoke_key, .line = "revoke KEYID --reason leaked --no-wait"},
    {.name = "key suspend", .act = suspend_key},
    {.name = "key resume", .act = resume_key},
    {.name = "key set --scope", .act = narrow},
    {.name = "key set --label", .act = relabel},
    {.name = "key rekey", .act = rekey},
    {.name = "reissue", .act = reissue},
    {.name = "reissue an imported key", .act = reissue_imported},
    {.name = "reissue --all", .act = reissue_ring},
    {.name = "renew", .act = renew},
    {.name = "claim", .act = claim, .steps = 1},
    {.name = "verifier forget", .act = forget},
    {.name = "usage harvest", .act = harvest, .same = true},
    {.name = "run --once", .act = run, .steps = 4, .again = destroy_automatic},
    {.name = "backup", .act = backup},
    {.name = "restore", .act = restore, .steps = 1},
    {.name = "doctor --repair", .act = repair},
    {.name = "audit archive", .act = archive, .vault = SCENE_UNAGED},
    {.name = "audit rekey", .act = audit_rekey},
    {.name = "audit checkpoint", .act = settle, .same = true, .vault = SCENE_UNSETTLED},
    {.name = "client add --take-over",
     .act = take_over,
     .vault = SCENE_PUT_BACK,
     .take_over = "the disk was lost",
     .steps = 1},
};

const unsigned command_count = sizeof commands / sizeof commands[0];
