/* SPDX-License-Identifier: Apache-2.0 */
/* One process that does something while the token is bad, and then has to be well again without being started anew. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "fault/actor.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "token/key/key_object.h"

#define PATIENCE_MS 60000 /* what is not well by then is not going to be */
#define CHILD_LIMIT 60    /* seconds */
#define LOOK_US     50000

const char *const actor_task_names[ACTOR_TASKS] = {
    [ACTOR_OPEN] = "open",          [ACTOR_VERIFY] = "verify at first sight",
    [ACTOR_AGAIN] = "verify again", [ACTOR_PROVE] = "prove a new version",
    [ACTOR_ROTATE] = "rotate",      [ACTOR_RETIRE] = "retire",
    [ACTOR_DESTROY] = "destroy",    [ACTOR_COMPROMISE] = "compromise",
    [ACTOR_ISSUE] = "issue",
};

struct actor {
    const struct place *place;
    const struct trial *trial;
    struct outcome *outcome;
    FILE *output;
    sqlite3 *registry; /* one connection, as reading the schema anew for each question was a third of a trial */
    sealring_vault *vault;
    sealring_manager *manager;
    char afterwards[SEALRING_CREDENTIAL_LENGTH_MAX + 1]; /* issued when the fault was over */
};

/* Ends the process with what was wrong. */
static void complain(const struct actor *actor, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

static void complain(const struct actor *actor, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(actor->outcome->complaint, sizeof actor->outcome->complaint, format, arguments);
    va_end(arguments);
    fclose(actor->output);
    _exit(1);
}

/* Whatever the library says goes to the output, which is searched for secrets. */
static void note(const struct actor *actor, sealring_status status, const sealring_error *error)
{
    if (status != SEALRING_OK)
        fprintf(actor->output, "%s\n", error->message);
}

static void log_line(sealring_log_level level, const char *message, void *context)
{
    const struct actor *actor = context;
    fprintf(actor->output, "log %d: %s\n", (int)level, message);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void connect_registry(struct actor *actor)
{
    if (sqlite3_open_v2(actor->place->vault.registry, &actor->registry, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        complain(actor, "the registry cannot be opened");
    sqlite3_busy_timeout(actor->registry, PATIENCE_MS);
}

/* The number that the registry answers. */
static long long ask_registry(const struct actor *actor, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(actor->registry, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        complain(actor, "%s: %s", sql, sqlite3_errmsg(actor->registry));
    long long number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* ---- Verdicts */

static sealring_verdict ask(const struct actor *actor, enum ground_text which)
{
    sealring_grant grant = {.size = sizeof grant};
    const char *text = actor->place->ground->texts[which];
    sealring_verdict verdict = sealring_verify(actor->vault, text, strlen(text), "read", &grant);
    fprintf(actor->output, "%s: %s %s %s\n", sealring_verdict_name(verdict), grant.key_id, grant.client, grant.reason);
    return verdict;
}

/* What a healthy token and the registry of now make of it. */
static sealring_verdict due(const struct actor *actor, enum ground_text which)
{
    const char *ring;
    char sql[200];
    uint32_t version = ground_version(which, &ring);
    if (which == GROUND_FORGED)
        return SEALRING_REJECTED_BAD_SECRET;
    if (which == GROUND_REVOKED)
        return SEALRING_REJECTED_REVOKED;
    snprintf(sql, sizeof sql,
             "SELECT CASE WHEN state IN (1, 2, 3) THEN 0 WHEN was_compromised THEN 2 ELSE 1 END FROM version "
             "WHERE number = %u AND ring = (SELECT id FROM ring WHERE name = '%s')",
             version, ring);
    static const sealring_verdict verdicts[] = {SEALRING_ACCEPTED, SEALRING_REJECTED_VERSION_RETIRED,
                                                SEALRING_REJECTED_VERSION_COMPROMISED};
    return verdicts[ask_registry(actor, sql)];
}

/* Under the fault: right, or unavailable. */
static sealring_verdict expect_no_wrong_verdict(const struct actor *actor, enum ground_text which)
{
    sealring_verdict verdict = ask(actor, which);
    if (verdict != SEALRING_UNAVAILABLE && verdict != due(actor, which))
        complain(actor, "wrong verdict under the fault for text %d: %s", (int)which, sealring_verdict_name(verdict));
    return verdict;
}

/* After it: right, before long. */
static void expect_right_verdict(const struct actor *actor, enum ground_text which)
{
    int64_t end = now_ms() + PATIENCE_MS;
    while (expect_no_wrong_verdict(actor, which) == SEALRING_UNAVAILABLE) {
        if (now_ms() > end)
            complain(actor, "still unavailable %d s after the fault ended: text %d", PATIENCE_MS / 1000, (int)which);
        (void)sealring_maintain(actor->vault, NULL, NULL);
        usleep(LOOK_US);
    }
}

/* ---- Opening */

static sealring_status open_vault(struct actor *actor)
{
    sealring_error error = {0};
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1, .no_warming = 1, .cache_max = 100};
    sealring_status status = sealring_open(actor->place->vault.path, &options, &actor->vault, &error);
    note(actor, status, &error);
    if (status == SEALRING_OK)
        sealring_set_log(actor->vault, log_line, actor);
    return status;
}

static int take(const sealring_issued *issued, void *context)
{
    snprintf(context, SEALRING_CREDENTIAL_LENGTH_MAX + 1, "%s", issued->credential);
    return 0;
}

static sealring_status issue(struct actor *actor, const char *ring, const char *client, char *text)
{
    sealring_error error = {0};
    sealring_issue_request request = {.client = client, .scopes = "read"};
    sealring_status status =
        sealring_issue(actor->manager, ring, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, take, text, NULL, &error);
    note(actor, status, &error);
    return status;
}

static sealring_status change(struct actor *actor, const char *ring, sealring_event event, uint32_t version)
{
    sealring_error error = {0};
    sealring_change effect = {.size = sizeof effect};
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    bool waits = event == SEALRING_EVENT_RETIRE || event == SEALRING_EVENT_DESTROY;
    sealring_status status =
        sealring_version_change(actor->manager, ring, event, version, waits ? &overrule : NULL, &effect, &error);
    note(actor, status, &error);
    fprintf(actor->output, "%s / %s\n", effect.guard, effect.remark);
    return status;
}

/* A manager that is logged in already. */
static void open_manager(struct actor *actor)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    sealring_error error = {0};
    if (sealring_manager_open(actor->place->vault.path, NULL, &actor->manager, &error) != SEALRING_OK ||
        issue(actor, GROUND_OTHER, "prepared", text) != SEALRING_OK)
        complain(actor, "the manager cannot be opened: %s", error.message);
}

/* ---- Tasks: prepared with a good token, done with a bad one, and what they come to in the registry */

static void prepare_verify(struct actor *actor)
{
    if (open_vault(actor) != SEALRING_OK)
        complain(actor, "the vault cannot be opened");
}

static void prepare_again(struct actor *actor)
{
    prepare_verify(actor);
    expect_right_verdict(actor, GROUND_ACTIVE);
}

static void prepare_prove(struct actor *actor)
{
    prepare_verify(actor);
    open_manager(actor);
    if (change(actor, GROUND_OTHER, SEALRING_EVENT_PREPARE, 0) != SEALRING_OK)
        complain(actor, "no version can be prepared");
}

static sealring_status do_verify(struct actor *actor)
{
    sealring_verdict verdict = expect_no_wrong_verdict(actor, GROUND_ACTIVE);
    for (int which = 0; which < GROUND_TEXTS; which++)
        (void)expect_no_wrong_verdict(actor, (enum ground_text)which);
    return verdict == SEALRING_ACCEPTED ? SEALRING_OK : SEALRING_TOKEN;
}

static sealring_status do_again(struct actor *actor)
{
    sealring_verdict verdict = ask(actor, GROUND_ACTIVE);
    if (verdict != SEALRING_ACCEPTED)
        complain(actor, "what was verified before is not: %s", sealring_verdict_name(verdict));
    return SEALRING_OK;
}

static sealring_status do_prove(struct actor *actor)
{
    sealring_error error = {0};
    sealring_status status = sealring_maintain(actor->vault, NULL, &error);
    note(actor, status, &error);
    sealring_statistics statistics = {.size = sizeof statistics};
    sealring_stats(actor->vault, &statistics);
    return status == SEALRING_OK && statistics.versions_unproved > 0 ? SEALRING_TOKEN : status;
}

static sealring_status do_rotate(struct actor *actor)
{
    return change(actor, GROUND_OTHER, SEALRING_EVENT_ROTATE, 0);
}

static sealring_status do_retire(struct actor *actor)
{
    return change(actor, GROUND_RING, SEALRING_EVENT_RETIRE, 2);
}

static sealring_status do_destroy(struct actor *actor)
{
    return change(actor, GROUND_RING, SEALRING_EVENT_DESTROY, 1);
}

static sealring_status do_compromise(struct actor *actor)
{
    return change(actor, GROUND_RING, SEALRING_EVENT_COMPROMISE, 3);
}

static sealring_status do_issue(struct actor *actor)
{
    return issue(actor, GROUND_RING, "new", actor->outcome->issued);
}

static const struct task {
    void (*prepare)(struct actor *actor); /* NULL: nothing */
    sealring_status (*act)(struct actor *actor);
    const char *done; /* in SQL: whether the registry has it already, so that it need not be repeated */
    bool manages;
} tasks[ACTOR_TASKS] = {
    [ACTOR_OPEN] = {NULL, open_vault, NULL, false},
    [ACTOR_VERIFY] = {prepare_verify, do_verify, NULL, false},
    [ACTOR_AGAIN] = {prepare_again, do_again, NULL, false},
    [ACTOR_PROVE] = {prepare_prove, do_prove, NULL, false},
    [ACTOR_ROTATE] = {open_manager, do_rotate,
                      "SELECT count(*) FROM version WHERE number = 2 AND state = 2 AND ring = (SELECT id FROM ring "
                      "WHERE name = '" GROUND_OTHER "')",
                      true},
    [ACTOR_RETIRE] = {open_manager, do_retire, "SELECT count(*) FROM version WHERE number = 2 AND state = 4", true},
    [ACTOR_DESTROY] = {open_manager, do_destroy,
                       "SELECT count(*) FROM version WHERE number = 1 AND state = 6 AND closing_owed = 0", true},
    [ACTOR_COMPROMISE] = {open_manager, do_compromise, "SELECT count(*) FROM version WHERE number = 3 AND state = 5",
                          true},
    [ACTOR_ISSUE] = {open_manager, do_issue, NULL, true},
};

/* ---- The token's objects against the registry */

struct audit {
    const struct actor *actor;
    unsigned objects;
};

static sealring_status audit_object(const struct token_key_info *key, void *context, sealring_error *error)
{
    struct audit *audit = context;
    const struct actor *actor = audit->actor;
    const char *slash = strrchr(key->label, '/');
    char sql[400];
    (void)error;
    if (strncmp(key->label, "sealring/", 9) != 0 || slash == key->label + 8)
        complain(actor, "an object was left behind: %s", key->label);
    /* 0: it should not be there; 1: it may sign; 2: it may not; 3: either, as the token is owed a step */
    snprintf(sql, sizeof sql,
             "SELECT coalesce((SELECT CASE WHEN closing_owed THEN 3 WHEN state = 6 THEN 0 WHEN state > 3 THEN 2 ELSE 1 "
             "END FROM version WHERE number = %s AND ring = (SELECT id FROM ring WHERE name = '%.*s')), 0)",
             slash + 1, (int)(slash - key->label - 9), key->label + 9);
    long long wanted = ask_registry(actor, sql);
    if (wanted == 0 || (wanted == 1 && !key->sign) || (wanted == 2 && key->sign))
        complain(actor, "object %s %s, and the registry says otherwise (%lld)", key->label,
                 key->sign ? "may sign" : "may not sign", wanted);
    audit->objects++;
    return SEALRING_OK;
}

static void audit_objects(const struct actor *actor)
{
    struct audit audit = {.actor = actor};
    struct config *config = NULL;
    struct token *token = NULL;
    struct token_config token_config;
    sealring_error error = {0};
    if (config_load(actor->place->vault.path, &config, &error) != SEALRING_OK)
        complain(actor, "%s", error.message);
    token_config = config_token(config);
    if (token_open(&token_config, &token, &error) != SEALRING_OK ||
        token_key_each(token, "", audit_object, &audit, &error) != SEALRING_OK)
        complain(actor, "the objects cannot be listed: %s", error.message);
    long long wanted = ask_registry(actor, "SELECT count(*) FROM version WHERE state <> 6 OR closing_owed = 1");
    if (audit.objects != wanted)
        complain(actor, "%u objects in the token, %lld in the registry", audit.objects, wanted);
    token_close(token);
    config_free(config);
}

/* ---- Recovery */

/* The login records of both tokens: a token that answered that the PIN is wrong is not asked again, until somebody empties its record. */
static const char *const records[] = {"keys.login", "audit.login"};
#define RECORDS (sizeof records / sizeof records[0])

static const char *record_path(const struct actor *actor, size_t token)
{
    static char path[160];
    snprintf(path, sizeof path, "%.80s/login/%s", actor->place->vault.path, records[token]);
    return path;
}

static bool pin_was_refused(const struct actor *actor)
{
    bool refused = false;
    for (size_t i = 0; i < RECORDS; i++) {
        char content[300] = "";
        FILE *record = fopen(record_path(actor, i), "re");
        if (record == NULL || fread(content, 1, sizeof content - 1, record) == 0)
            complain(actor, "there is no record %s", records[i]);
        fclose(record);
        refused = refused || strstr(content, "\nrefused: ") != NULL || strstr(content, "\ndoubted: ") != NULL;
    }
    return refused;
}

static void empty_records(const struct actor *actor)
{
    for (size_t i = 0; i < RECORDS; i++)
        if (truncate(record_path(actor, i), 0) != 0)
            complain(actor, "the login record %s cannot be emptied", records[i]);
    for (size_t i = 0; i < FAULT_SLOTS; i++) /* it may be tried again */
        atomic_store(&actor->place->faulting->refused[i], 0);
}

/* Neither that of the keys' token nor that of the log's. */
static void expect_pin_tried_once(const struct actor *actor)
{
    if (atomic_load(&actor->place->faulting->pin_again) > 0)
        complain(actor, "a PIN was tried again after the token had refused it");
}

static void expect_no_login(struct actor *actor, const struct task *task)
{
    uint64_t logins = atomic_load(&actor->place->faulting->logins);
    for (int i = 0; i < 3; i++)
        (void)task->act(actor);
    if (atomic_load(&actor->place->faulting->logins) != logins)
        complain(actor, "a PIN that was refused was tried again");
}

static bool is_done(const struct actor *actor, const struct task *task)
{
    return task->done != NULL && ask_registry(actor, task->done) > 0;
}

/* The fault is over: the same process succeeds before long. */
static void recover(struct actor *actor, const struct task *task, bool succeeded)
{
    if (succeeded && task->done != NULL && !is_done(actor, task))
        complain(actor, "what was said to be done is not in the registry");
    int64_t end = now_ms() + PATIENCE_MS;
    bool refused = pin_was_refused(actor);
    if (refused && !succeeded && !is_done(actor, task))
        expect_no_login(actor, task);
    expect_pin_tried_once(actor);
    if (refused)
        empty_records(actor);
    while (!succeeded && !is_done(actor, task)) {
        if (now_ms() > end)
            complain(actor, "does not work %d s after the fault ended", PATIENCE_MS / 1000);
        usleep(LOOK_US);
        succeeded = task->act(actor) == SEALRING_OK;
    }
}

/* One more act that needs the token: what the fault left half done is finished by then. */
static void manage_once_more(struct actor *actor)
{
    int64_t end = now_ms() + PATIENCE_MS;
    while (issue(actor, GROUND_OTHER, "afterwards", actor->afterwards) != SEALRING_OK) {
        if (now_ms() > end)
            complain(actor, "the manager does not recover");
        usleep(LOOK_US);
    }
    sealring_manager_close(&actor->manager); /* its sessions may be all there are */
    audit_objects(actor);
}

static void expect_issued(const struct actor *actor, const char *text)
{
    sealring_verdict verdict = sealring_verify(actor->vault, text, strlen(text), "read", NULL);
    if (verdict != SEALRING_ACCEPTED)
        complain(actor, "what was issued is not good: %s", sealring_verdict_name(verdict));
}

/* ---- All of it */

static void act(struct actor *actor)
{
    const struct task *task = &tasks[actor->trial->task];
    struct faulting *faulting = actor->place->faulting;
    if (task->prepare != NULL)
        task->prepare(actor);
    place_script(actor->place, actor->trial->kind, actor->trial->function, actor->trial->call, actor->trial->times,
                 actor->trial->code);
    sealring_status status = task->act(actor);
    actor->outcome->calls = atomic_load(&faulting->all);
    actor->outcome->succeeded = status == SEALRING_OK;
    if (status == SEALRING_INVALID || status == SEALRING_REGISTRY || status == SEALRING_SYSTEM)
        complain(actor, "the status is %d, which is not about the token", (int)status);
    place_heal(actor->place);
    recover(actor, task, status == SEALRING_OK);
    if (task->manages)
        manage_once_more(actor);
    if (actor->vault == NULL && open_vault(actor) != SEALRING_OK)
        complain(actor, "the vault cannot be opened afterwards");
    for (int which = 0; which < GROUND_TEXTS; which++)
        expect_right_verdict(actor, (enum ground_text)which);
    if (actor->outcome->issued[0] != '\0')
        expect_issued(actor, actor->outcome->issued);
    if (actor->afterwards[0] != '\0')
        expect_issued(actor, actor->afterwards);
    (void)sealring_maintain(actor->vault, NULL, NULL); /* hands out log lines */
    expect_pin_tried_once(actor);
    sealring_close(&actor->vault);
    sealring_manager_close(&actor->manager);
    sqlite3_close(actor->registry);
    fclose(actor->output);
}

static int run_child(struct place *place, const struct trial *trial, struct outcome *outcome)
{
    struct actor actor = {.place = place, .trial = trial, .outcome = outcome};
    int descriptor = open(place->output, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (descriptor < 0 || dup2(descriptor, STDOUT_FILENO) < 0 || dup2(descriptor, STDERR_FILENO) < 0)
        return 2;
    actor.output = fdopen(descriptor, "a");
    atomic_store(&place->faulting->swaps, 1);
    atomic_store(&place->faulting->sessions_max, trial->sessions);
    atomic_store(&place->faulting->sessions_unsaid, trial->sessions_unsaid);
    alarm(CHILD_LIMIT);
    connect_registry(&actor);
    act(&actor);
    return 0;
}

bool actor_try(struct place *place, const struct trial *trial, struct outcome *outcome)
{
    int status = 0;
    char found[256];
    memset(outcome, 0, sizeof *outcome);
    pid_t child = fork();
    if (child == 0)
        _exit(run_child(place, trial, outcome));
    if (child < 0 || waitpid(child, &status, 0) != child)
        snprintf(outcome->complaint, sizeof outcome->complaint, "no process can be made");
    else if (WIFSIGNALED(status))
        snprintf(outcome->complaint, sizeof outcome->complaint, "killed by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0 && outcome->complaint[0] == '\0')
        snprintf(outcome->complaint, sizeof outcome->complaint, "exit status %d", WEXITSTATUS(status));
    else if (outcome->complaint[0] == '\0' && !place_is_clean(place, outcome->issued, found))
        snprintf(outcome->complaint, sizeof outcome->complaint, "a secret is told: %s", found);
    outcome->met = atomic_load(&place->faulting->met);
    outcome->function = trial->function;
    if (trial->function == FAULT_ANY && trial->call <= FAULT_TRACE)
        outcome->function = atomic_load(&place->faulting->trace[trial->call - 1]);
    return outcome->complaint[0] == '\0';
}
