/* SPDX-License-Identifier: Apache-2.0 */
/* One trial: a command that is killed at a point of the tokens' folder, or at any time. */
#include "crash/kill_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash/disk.h"
#include "crash/kill_run.h"
#include "crash/kill_server.h"
#include "crash/orphan.h"
#include "credential/credential_text.h"

#define OUTPUT_SIZE 65536

const char *const kill_mode_names[KILL_MODES] = {
    [KILL_NEVER] = "undisturbed",          [KILL_BEFORE] = "killed before",
    [KILL_AFTER] = "killed after",         [KILL_TORN] = "killed in the middle of",
    [KILL_POWER] = "without power after",  [KILL_POWER_CONTENT] = "without power (contents only) after",
    [KILL_FULL] = "with a full disk from", [KILL_AND_FULL] = "with a full disk and killed before",
    [KILL_AGAIN] = "killed before",        [KILL_DAMAGED] = "with every file damaged at",
    [KILL_RANDOM] = "killed at a time",    [KILL_RANDOM_FULL] = "with a full disk and killed at a time",
};

/* ---- The ground ---- */

void kill_ground_make(struct kill_ground *ground, const struct scene *scene, const char *files, unsigned number)
{
    memset(ground, 0, sizeof *ground);
    ground->scene = scene;
    ground->files = files;
    place_make(&ground->place, scene->vaults[SCENE_WHOLE], number);
    ck_assert_int_eq(setenv("LD_LIBRARY_PATH", CRASH_BUILD "/.libs", 1), 0);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

/* Else nothing could be judged while the disk is full. */
static void check_server_on_full(struct kill_ground *ground)
{
    struct sight *sight = ground_share(sizeof *sight);
    place_restore(&ground->place);
    ck_assert(holder_open(&ground->holder, ground->place.vault.registry));
    ck_assert(disk_fill(kill_ground_disk(ground)));
    bool done = kill_start_alone(ground->scene, &ground->place.vault, NULL, START_SERVER, sight);
    disk_empty(kill_ground_disk(ground));
    ck_assert(holder_close(&ground->holder));
    ck_assert_msg(done, "on a full disk, with good files: %s", sight->complaint);
}

bool kill_ground_make_small(struct kill_ground *ground, const struct scene *scene, const char *files, unsigned number)
{
    struct holder holder;
    if (!disk_mount(scene->vaults[SCENE_WHOLE]->vault.parent) || !holder_start(&holder))
        return false;
    kill_ground_make(ground, scene, files, number);
    ground->small = true;
    ground->holder = holder;
    /* what a command prints does not go to the full disk */
    snprintf(ground->place.output, sizeof ground->place.output, "%.100s.%u", kill_ground_disk(ground), number);
    check_server_on_full(ground);
    return true;
}

void kill_ground_remove(struct kill_ground *ground)
{
    if (ground->small)
        (void)unlink(ground->place.output);
    place_remove(&ground->place);
}

/* ---- What was handed over ---- */

static void take_credentials(struct kill_run *run)
{
    static char text[OUTPUT_SIZE];
    struct told *told = &run->outcome->told;
    int descriptor = open(run->ground->place.output, O_RDONLY | O_CLOEXEC);
    ssize_t length = descriptor < 0 ? -1 : read(descriptor, text, sizeof text - 1);
    if (descriptor >= 0)
        close(descriptor);
    text[length > 0 ? length : 0] = '\0';
    for (char *rest = NULL, *word = strtok_r(text, " ,\n\"", &rest); word != NULL;
         word = strtok_r(NULL, " ,\n\"", &rest)) {
        struct text_parts parts;
        uint32_t number = atomic_load(&told->handed);
        if (text_parse(word, strlen(word), &parts, NULL) != TEXT_GOOD)
            continue;
        snprintf(told->texts[number < HANDED_MAX ? number : HANDED_MAX - 1], sizeof told->texts[0], "%s", word);
        atomic_store(&told->handed, number + 1);
    }
}

/* ---- The trial ---- */

static int remove_entry(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void prepare(struct kill_run *run)
{
    const struct kill_command *command = run->command;
    place_restore(&run->ground->place);
    if (command->makes)
        (void)nftw(run->vault, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (command->orphan && !orphan_make(&run->ground->place.vault))
        kill_run_complain(run, "there is no key that no version has", "");
    if (run->ground->small && !command->alone && !holder_open(&run->ground->holder, run->ground->place.vault.registry))
        kill_run_complain(run, "nobody else can open the registry", "");
    kill_command_words(command, run->ground->scene, run->vault, run->ground->files, run->room, run->words);
    if (run->points != NULL)
        points_begin(run->points, run->vault);
}

static void lose(struct kill_run *run)
{
    run->outcome->lost = unsynced_lose(&run->ground->unsynced, run->mode == KILL_POWER ? LOSS_OF_ALL : LOSS_OF_CONTENT);
    if (run->outcome->lost < 0)
        kill_run_complain(run, "what was not synced cannot be taken back", "");
}

/* The next start, which is killed as well. */
static void start_in_vain(struct kill_run *first)
{
    static const struct kill_command starts[START_KINDS] = {
        [START_SERVER] = {.name = "a server", .line = NULL},
        [START_MANAGER] = {.name = "issue", .line = "issue auto --client eager --label first-start"},
        [START_DOCTOR] = {.name = "doctor --repair", .line = "doctor --repair"}};
    struct kill_run run = *first;
    run.command = &starts[first->trial->start];
    run.mode = KILL_BEFORE;
    run.at = first->trial->second;
    run.points = &first->outcome->second;
    run.killed = false;
    kill_command_words(run.command, run.ground->scene, run.vault, run.ground->files, run.room, run.words);
    points_begin(run.points, run.vault);
    (void)kill_run_command(&run, false);
    first->outcome->second_met = run.killed;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void clear(struct kill_outcome *outcome)
{
    outcome->met = outcome->done = outcome->second_met = outcome->closed = false;
    outcome->lost = 0;
    memset(outcome->on_full, 0, sizeof outcome->on_full);
    outcome->complaint[0] = '\0';
    outcome->points.count = 0;
    outcome->second.count = 0;
    memset(&outcome->told, 0, sizeof outcome->told);
    memset(&outcome->sight, 0, sizeof outcome->sight);
}

void kill_trial_run(struct kill_ground *ground, const struct kill_trial *trial, struct kill_outcome *outcome)
{
    struct kill_run run;
    char line[256];
    bool random = trial->mode == KILL_RANDOM || trial->mode == KILL_RANDOM_FULL;
    clear(outcome);
    kill_run_begin(&run, ground, trial, outcome);
    run.points = random ? NULL : &outcome->points;
    prepare(&run);
    int64_t started = now_us();
    int status = kill_run_command(&run, random);
    outcome->microseconds = now_us() - started;
    outcome->met = outcome->met || run.killed || (random && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    outcome->done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    kill_run_last_line(&run, line);
    if (!outcome->met && !outcome->done && !trial->beside &&
        trial->mode != KILL_RANDOM_FULL) /* a server may hold up a barrier */
        kill_run_complain(&run, "the command failed: ", line);
    if (trial->mode == KILL_FULL && !WIFEXITED(status))
        kill_run_complain(&run, "the command died: ", strsignal(WTERMSIG(status)));
    else if (trial->mode == KILL_FULL && run.command->line == NULL && WEXITSTATUS(status) == KILL_SERVER_REJECTS)
        kill_run_complain(&run, "it rejected a good credential", "");
    take_credentials(&run);
    if (kill_run_loses_power(&run))
        lose(&run);
    if (trial->mode == KILL_AGAIN)
        start_in_vain(&run);
    if (trial->mode == KILL_DAMAGED && !kill_damage(run.vault, false))
        kill_run_complain(&run, "the tokens' files cannot be damaged: ", strerror(errno));
}
