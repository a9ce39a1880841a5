/* SPDX-License-Identifier: Apache-2.0 */
/* One trial: a command that is killed at a point of the tokens' folder, or at any time, and what the vault is good for after it. */
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

#include "credential/text.h"

#define COMMAND_LIMIT 120 /* seconds */
#define OUTPUT_SIZE   65536

const char *const kill_mode_names[KILL_MODES] = {[KILL_NEVER] = "undisturbed",
                                                 [KILL_BEFORE] = "killed before",
                                                 [KILL_AFTER] = "killed after",
                                                 [KILL_TORN] = "killed in the middle of",
                                                 [KILL_RANDOM] = "killed at a time"};

struct run {
    struct kill_ground *ground;
    const struct kill_trial *trial;
    struct kill_outcome *outcome;
    char vault[160];
    char room[2048];
    char *words[KILL_WORDS + 1];
};

static void complain(struct run *run, const char *what, const char *why)
{
    if (run->outcome->complaint[0] == '\0')
        snprintf(run->outcome->complaint, sizeof run->outcome->complaint, "%s%.400s", what, why);
}

void kill_ground_make(struct kill_ground *ground, const struct scene *scene, const char *files, unsigned number)
{
    ground->scene = scene;
    ground->files = files;
    place_make(&ground->place, scene->vaults[SCENE_WHOLE], number);
    ck_assert_int_eq(setenv("LD_LIBRARY_PATH", CRASH_BUILD "/.libs", 1), 0);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

/* ---- The command ---- */

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static enum tracer_answer meet(const struct call *call, void *context)
{
    struct run *run = context;
    unsigned number = points_meet(&run->outcome->points, call);
    if (number == 0 || number != run->trial->at)
        return TRACER_GO;
    switch (run->trial->mode) {
    case KILL_BEFORE:
        return TRACER_KILL;
    case KILL_AFTER:
        return TRACER_KILL_AFTER;
    case KILL_TORN:
        return run->outcome->points.points[number - 1].tears ? TRACER_TEAR : TRACER_KILL;
    default:
        return TRACER_GO;
    }
}

/* A stranger's child that was left to this process. */
static void reap(pid_t command, int *status)
{
    int other;
    pid_t child;
    while ((child = waitpid(-1, &other, 0)) > 0 || errno == EINTR) {
        if (child == command)
            *status = other;
    }
}

/* Its process group, and what has left that. */
static void kill_group(pid_t command)
{
    char path[64], line[512] = "";
    (void)kill(-command, SIGKILL);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    if (fgets(line, sizeof line, file) != NULL)
        for (char *rest = NULL, *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
            (void)kill((pid_t)strtol(word, NULL, 10), SIGKILL);
    fclose(file);
}

/* Without a tracer. microseconds: after which it is killed; 0: never. */
static int run_timed(char *const words[], int input, int output, int64_t microseconds)
{
    int status = -1;
    struct timespec pause = {.tv_sec = microseconds / 1000000, .tv_nsec = (long)(microseconds % 1000000) * 1000};
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        alarm(COMMAND_LIMIT);
        if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0)
            execv(words[0], words);
        _exit(127);
    }
    if (child < 0)
        return -1;
    setpgid(child, child);
    if (microseconds > 0) {
        nanosleep(&pause, NULL);
        kill_group(child);
    }
    reap(child, &status);
    return status;
}

static void run_traced(struct run *run, int input, int output, int *status)
{
    struct tracer_end end;
    struct tracer tracer = {.root = run->vault, .before = meet, .context = run, .seconds = COMMAND_LIMIT};
    tracer_run(&tracer, run->words, input, output, &end);
    *status = end.status;
    run->outcome->met = end.killed;
    if (end.failure[0] != '\0')
        complain(run, "tracing: ", end.failure);
    else if (end.timed_out)
        complain(run, "the command hangs", "");
    else if (run->outcome->points.overlooks)
        complain(run, "a token's file is changed in a way that is not seen here", "");
}

/* Opens what the command reads and writes, and runs it; its status as from waitpid. */
static int run_command(struct run *run, bool traced)
{
    char path[256] = "/dev/null";
    int status = -1;
    const struct kill_command *command = &kill_commands[run->trial->command];
    if (command->input != NULL)
        snprintf(path, sizeof path, "%s/%s", run->ground->files, command->input);
    int input = open(path, O_RDONLY | O_CLOEXEC);
    int output = open(run->ground->place.output, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (input < 0 || output < 0 || setenv("SEALRING_VAULT", run->vault, 1) != 0)
        complain(run, "no input or output", "");
    else if (traced)
        run_traced(run, input, output, &status);
    else
        status = run_timed(run->words, input, output, run->trial->microseconds);
    if (input >= 0)
        close(input);
    if (output >= 0)
        close(output);
    return status;
}

/* ---- What was handed over ---- */

static void take_credentials(struct run *run)
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

/* The last line of what was printed. */
static void last_line(const struct run *run, char line[256])
{
    FILE *file = fopen(run->ground->place.output, "re");
    line[0] = '\0';
    while (file != NULL && fgets(line, 256, file) != NULL)
        ;
    if (file != NULL)
        fclose(file);
    line[strcspn(line, "\n")] = '\0';
}

/* ---- The trial ---- */

static int remove_entry(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void prepare(struct run *run)
{
    const struct kill_command *command = &kill_commands[run->trial->command];
    place_restore(&run->ground->place);
    snprintf(run->vault, sizeof run->vault, "%s%s", run->ground->place.vault.path, command->makes ? ".new" : "");
    if (command->makes)
        (void)nftw(run->vault, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    kill_command_words(command, run->ground->scene, run->vault, run->ground->files, run->room, run->words);
    points_begin(&run->outcome->points, run->vault);
}

void kill_trial_run(struct kill_ground *ground, const struct kill_trial *trial, struct kill_outcome *outcome)
{
    struct run run = {.ground = ground, .trial = trial, .outcome = outcome};
    char line[256];
    outcome->met = outcome->done = false;
    outcome->complaint[0] = '\0';
    memset(&outcome->told, 0, sizeof outcome->told);
    memset(&outcome->sight, 0, sizeof outcome->sight);
    prepare(&run);
    int64_t started = now_us();
    int status = run_command(&run, trial->mode != KILL_RANDOM);
    outcome->microseconds = now_us() - started;
    if (trial->mode == KILL_RANDOM)
        outcome->met = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    outcome->done = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !outcome->met;
    last_line(&run, line);
    if (!outcome->met && !outcome->done)
        complain(&run, "the command failed: ", line);
    take_credentials(&run);
}

/* ---- The look afterwards ---- */

/* As an operator would: the same command line, or another one, which has to succeed. */
static bool say(struct run *run, const char *line, bool may_fail)
{
    struct kill_command command = {.name = "afterwards", .line = line};
    char output[256];
    struct kill_trial trial = *run->trial;
    trial.mode = KILL_NEVER;
    trial.microseconds = 0;
    struct run again = {.ground = run->ground, .trial = &trial, .outcome = run->outcome};
    memcpy(again.vault, run->vault, sizeof again.vault);
    kill_command_words(&command, run->ground->scene, run->vault, run->ground->files, again.room, again.words);
    int status = run_command(&again, false);
    if (status == 0 || may_fail)
        return true;
    last_line(run, output);
    complain(run, line, ": ");
    size_t length = strlen(run->outcome->complaint);
    snprintf(run->outcome->complaint + length, sizeof run->outcome->complaint - length, "%s", output);
    return false;
}

/* Said again, init makes the vault, which is then good for something. */
static void judge_new(struct run *run)
{
    static const char *const lines[] = {"ring create first --prefix acme_first",
                                        "client add eager",
                                        "issue first --client eager",
                                        "rotate first",
                                        "audit verify",
                                        "doctor"};
    char configuration[192];
    snprintf(configuration, sizeof configuration, "%s/sealring.conf", run->vault);
    bool whole = access(configuration, F_OK) == 0;
    if (!say(run, "init", whole))
        return;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!say(run, lines[i], false))
            return;
}

void kill_trial_judge(struct kill_ground *ground, const struct kill_trial *trial, const struct sight *before,
                      const struct sight *after, struct kill_outcome *outcome)
{
    const struct kill_command *command = &kill_commands[trial->command];
    struct run run = {.ground = ground, .trial = trial, .outcome = outcome};
    char why[512];
    if (outcome->complaint[0] != '\0')
        return;
    snprintf(run.vault, sizeof run.vault, "%s%s", ground->place.vault.path, command->makes ? ".new" : "");
    if (command->makes) {
        judge_new(&run);
        return;
    }
    kill_look(ground->scene, &ground->place.vault, &outcome->told, trial->start, &outcome->sight);
    if (command->owes && strstr(outcome->sight.state, "OWED") != NULL) {
        if (!kill_is_right(&outcome->sight, before, after, false, true, why))
            complain(&run, why, "");
        else if (say(&run, command->line, false))
            kill_look(ground->scene, &ground->place.vault, NULL, START_SERVER, &outcome->sight);
    }
    if (outcome->complaint[0] == '\0' && !kill_is_right(&outcome->sight, before, after, outcome->done, false, why))
        complain(&run, why, "");
}
