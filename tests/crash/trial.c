/* SPDX-License-Identifier: Apache-2.0 */
/* One trial: a command carried out in a process that something happens to, the next start in another, and what that finds. */
#include "crash/trial.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/conflict.h"

#define CHILD_LIMIT 60 /* seconds */

const char *const trial_names[TRIAL_KINDS] = {
    [TRIAL_NOTHING] = "not begun at",
    [TRIAL_GOOD] = "undisturbed, without",
    [TRIAL_KILL] = "killed before",
    [TRIAL_POWER] = "without power before",
    [TRIAL_LYING] = "with a lying disk until",
    [TRIAL_FULL] = "with a full disk from",
    [TRIAL_IO] = "with an I/O error at",
    [TRIAL_IO_EVER] = "with I/O errors from",
    [TRIAL_AGAIN] = "and the next start, killed before",
    [TRIAL_HIDDEN] = "the next start killed, with I/O errors from",
    [TRIAL_REAL] = "the command itself, killed before",
    [TRIAL_MEMORY] = "without memory at",
    [TRIAL_MEMORY_EVER] = "without memory from",
    [TRIAL_BUSY] = "with a conflict at statement",
    [TRIAL_BUSY_EVER] = "with conflicts from statement",
};

/* Everything that a trial needs to know in its processes. */
struct run {
    const struct scene *scene;
    struct place *place;
    struct power *power;
    const struct trial *trial;
    struct outcome *outcome;
};

static struct stacks *noted;

void trial_note_stacks(struct stacks *stacks)
{
    noted = stacks;
}

/* ---- The first process ---- */

static void arm(const struct run *run)
{
    const struct trial *trial = run->trial;
    struct touches *touches = &run->place->faulting->touches;
    bool memory = trial->kind == TRIAL_MEMORY || trial->kind == TRIAL_MEMORY_EVER;
    bool statements = trial->kind == TRIAL_BUSY || trial->kind == TRIAL_BUSY_EVER;
    bool kills = trial->kind == TRIAL_KILL || trial->kind == TRIAL_LYING || trial->kind == TRIAL_AGAIN ||
                 trial->kind == TRIAL_REAL;
    memset(touches, 0, sizeof *touches);
    atomic_store(&touches->die_at, kills ? trial->at : 0);
    atomic_store(&touches->fail_at, kills ? 0 : trial->at);
    atomic_store(&touches->fail_on, trial->kind == TRIAL_FULL || trial->kind == TRIAL_IO_EVER ||
                                        trial->kind == TRIAL_HIDDEN || trial->kind == TRIAL_MEMORY_EVER ||
                                        trial->kind == TRIAL_BUSY_EVER);
    atomic_store(&touches->fail_code, trial->kind == TRIAL_FULL ? SQLITE_FULL : SQLITE_IOERR);
    atomic_store(&touches->allocations_fail, memory);
    atomic_store(&touches->statements_fail, statements);
    run->power->used = 0;
    run->power->safe = 0;
    run->power->overflowed = false;
    run->power->remembers = trial->power || trial->kind == TRIAL_LYING;
    run->power->lies = trial->kind == TRIAL_LYING;
}

static void act(const struct run *run)
{
    const struct command *command = &commands[run->trial->command];
    struct told *told = &run->outcome->told;
    struct touches *touches = &run->place->faulting->touches;
    sealring_manage_options options = {.size = sizeof options, .take_over = command->take_over};
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    alarm(CHILD_LIMIT);
    crash_vfs_count(touches, run->power);
    wraps_count(touches);
    conflict_count(touches);
    wraps_stacks(noted, run->trial->stack, &run->outcome->failed_stack);
    atomic_store(&touches->on, 1);
    told->status = sealring_manager_open(run->place->vault.path, &options, &manager, &error);
    if (told->status == SEALRING_OK)
        told->status = command->act(run->scene, manager, run->trial->stop, told, &error);
    snprintf(told->message, sizeof told->message, "%.250s", error.message);
    atomic_store(told->status == SEALRING_OK ? &told->acknowledged : &told->failed, 1);
    sealring_manager_close(&manager);
    atomic_store(&touches->on, 0);
    if (atomic_load(&touches->die_at) > atomic_load(&touches->made)) {
        run->outcome->ended = true;
        kill(getpid(), SIGKILL);
    }
}

#define WORDS 16

/* Becomes the real command. */
static void become(const struct run *run)
{
    static const char key_id[] = "KEYID";
    char line[256];
    char *words[WORDS + 1] = {CRASH_BUILD "/.libs/sealring"};
    size_t count = 1;
    snprintf(line, sizeof line, "%s", commands[run->trial->command].line);
    for (char *word = strtok(line, " "); word != NULL && count < WORDS; word = strtok(NULL, " "))
        words[count++] = strcmp(word, key_id) == 0 ? (char *)(uintptr_t)run->scene->key_ids[GROUND_ACTIVE] : word;
    int output = open(run->place->output, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (output < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
        setenv("SEALRING_VAULT", run->place->vault.path, 1) != 0 ||
        setenv("LD_LIBRARY_PATH", CRASH_BUILD "/.libs", 1) != 0 || setenv("LD_PRELOAD", CRASH_PRELOAD, 1) != 0)
        _exit(126);
    alarm(CHILD_LIMIT);
    atomic_store(&run->place->faulting->touches.on, 1);
    execv(words[0], words);
    _exit(127);
}

static void learn(const struct run *run, int status)
{
    const struct touches *touches = &run->place->faulting->touches;
    struct outcome *outcome = run->outcome;
    outcome->touches = atomic_load(&touches->made);
    outcome->allocations = atomic_load(&touches->allocations);
    outcome->statements = atomic_load(&touches->statements);
    outcome->failed = atomic_load(&touches->failed);
    memcpy(outcome->names, touches->names, sizeof outcome->names);
    bool dies = atomic_load(&touches->die_at) != 0;
    outcome->killed = dies && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (run->trial->kind == TRIAL_REAL && !outcome->killed) { /* it had no such touch any more */
        dies = false;
        atomic_store(&outcome->told.acknowledged, 1);
    }
    if (dies ? !outcome->killed : !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        snprintf(outcome->complaint, sizeof outcome->complaint, "the command ended by %s %d",
                 WIFSIGNALED(status) ? "signal" : "exit status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- The second process, and a third ---- */

static void start_again(const struct run *run)
{
    alarm(CHILD_LIMIT);
    atomic_store(&run->place->faulting->touches.on, 0);
    state_tell(run->scene, &run->place->vault, &run->outcome->told, run->outcome->text);
}

/* The same, killed on its way. */
static void start_in_vain(const struct run *run)
{
    struct touches *touches = &run->place->faulting->touches;
    alarm(CHILD_LIMIT);
    crash_vfs_count(touches, NULL);
    wraps_count(touches);
    memset(touches, 0, sizeof *touches);
    atomic_store(&touches->die_at, run->trial->second);
    atomic_store(&touches->on, 1);
    state_tell(run->scene, &run->place->vault, NULL, run->outcome->text);
}

/* Keeps the registry open for reading, so that what lies in its log and is not committed stays unseen. */
static pid_t hold(const struct run *run)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *database = NULL;
        alarm(CHILD_LIMIT);
        if (sqlite3_open_v2(run->place->vault.registry, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
            sqlite3_exec(database, "SELECT count(*) FROM vault", NULL, NULL, NULL) != SQLITE_OK ||
            write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1 && child > 0)
        snprintf(run->outcome->complaint, sizeof run->outcome->complaint, "nobody reads the registry");
    close(ready[0]);
    return child;
}

/* An operator says again what is owed. */
static void say_again(const struct run *run)
{
    const struct command *command = &commands[run->trial->command];
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    alarm(CHILD_LIMIT);
    sealring_status status = sealring_manager_open(run->place->vault.path, NULL, &manager, &error);
    if (status == SEALRING_OK)
        status = command->again(run->scene, manager, 0, NULL, &error);
    sealring_manager_close(&manager);
    if (status == SEALRING_OK)
        state_tell(run->scene, &run->place->vault, NULL, run->outcome->again);
    else
        snprintf(run->outcome->again, STATE_SIZE, "FAULT said again: %s\n", error.message);
}

static int apart(void (*function)(const struct run *), const struct run *run)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        function(run);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return status;
}

static void must_end(const struct run *run, int status, const char *what)
{
    if (status != 0 && run->outcome->complaint[0] == '\0')
        snprintf(run->outcome->complaint, sizeof run->outcome->complaint, "%s ended by %s %d", what,
                 WIFSIGNALED(status) ? "signal" : "exit status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* Whether the command has to be said again: a destruction that the token has not carried out; or a compromise of which the registry could
 * not be told, while the token was. That is said by its error, so a process that was killed must not leave it. */
static bool is_owed(const struct command *command, const struct outcome *outcome)
{
    bool told = atomic_load(&outcome->told.failed) != 0 &&
                strncmp(outcome->told.message, "the token refuses the key of version", 36) == 0;
    bool wrong = state_fault(outcome->text, false) != NULL;
    return command->again != NULL && outcome->complaint[0] == '\0' && wrong &&
           (strstr(outcome->text, "OWED") != NULL || told);
}

/* What says that it failed, and has left not one byte changed, has left the old state: there is nothing that a start could find different.
 * That is seen much sooner than the start is made. */
static bool is_unchanged(const struct run *run)
{
    const struct outcome *outcome = run->outcome;
    bool memory = run->trial->kind == TRIAL_MEMORY || run->trial->kind == TRIAL_MEMORY_EVER;
    return memory && outcome->complaint[0] == '\0' && atomic_load(&outcome->told.failed) != 0 &&
           atomic_load(&outcome->told.handed) == 0 && place_is_original(run->place);
}

/* What was not safe is as it was before. */
static void lose(const struct run *run)
{
    run->outcome->taken_back = power_fail(run->power);
    if (run->outcome->taken_back < 0 && run->outcome->complaint[0] == '\0')
        snprintf(run->outcome->complaint, sizeof run->outcome->complaint, "what was written cannot be taken back");
}

static void start_in_vain_at(const struct run *run)
{
    const struct trial *trial = run->trial;
    const struct touches *touches = &run->place->faulting->touches;
    struct outcome *outcome = run->outcome;
    int status = apart(start_in_vain, run);
    outcome->second_ended = !WIFSIGNALED(status);
    if (trial->second <= TOUCH_NAMES)
        memcpy(outcome->second_name, touches->names[trial->second - 1], sizeof outcome->second_name);
}

/* What the next start finds, and if something is owed, what saying it again leads to. */
static void look(const struct run *run)
{
    must_end(run, apart(start_again, run), "the next start");
    if (is_owed(&commands[run->trial->command], run->outcome))
        must_end(run, apart(say_again, run), "saying it again");
}

void trial_run(const struct scene *scene, struct place *place, struct power *power, const struct trial *trial,
               struct outcome *outcome)
{
    const struct run run = {scene, place, power, trial, outcome};
    memset(outcome, 0, sizeof *outcome);
    place->ground = scene->vaults[commands[trial->command].vault];
    place_restore(place);
    pid_t reader = trial->kind == TRIAL_HIDDEN ? hold(&run) : -1;
    if (trial->kind != TRIAL_NOTHING) {
        arm(&run);
        learn(&run, apart(trial->kind == TRIAL_REAL ? become : act, &run));
        if (trial->kind == TRIAL_LYING)
            lose(&run);
    }
    outcome->unchanged = is_unchanged(&run);
    if (outcome->unchanged)
        return;
    if (trial->power && power->used > 0)
        place_keep(place);
    if (trial->second != 0)
        start_in_vain_at(&run);
    if (reader > 0) {
        kill(reader, SIGKILL);
        waitpid(reader, NULL, 0);
    }
    look(&run);
}

bool trial_lose_power(const struct scene *scene, struct place *place, struct power *power, const struct trial *trial,
                      struct outcome *outcome)
{
    const struct run run = {scene, place, power, trial, outcome};
    if (power->used == 0)
        return false;
    place_bring_back(place);
    lose(&run);
    outcome->text[0] = '\0';
    outcome->again[0] = '\0';
    look(&run);
    return true;
}
