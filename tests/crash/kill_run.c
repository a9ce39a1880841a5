/* SPDX-License-Identifier: Apache-2.0 */
/* One command of a trial: it is run under a tracer, or killed at a time, and what it prints is kept. */
#include "crash/kill_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash/disk.h"
#include "crash/kill_server.h"

#define COMMAND_LIMIT 120     /* seconds */
#define LAST_SPACE    1048576 /* bytes: what a full disk lacks until it is full */

void kill_run_complain(struct kill_run *run, const char *what, const char *why)
{
    if (run->outcome->complaint[0] == '\0')
        snprintf(run->outcome->complaint, sizeof run->outcome->complaint, "%s%.400s", what, why);
}

const char *kill_ground_disk(const struct kill_ground *ground)
{
    return ground->place.vault.parent;
}

void kill_run_begin(struct kill_run *run, struct kill_ground *ground, const struct kill_trial *trial,
                    struct kill_outcome *outcome)
{
    *run =
        (struct kill_run){.ground = ground, .trial = trial, .outcome = outcome, .mode = trial->mode, .at = trial->at};
    run->command = &kill_commands[trial->command];
    snprintf(run->vault, sizeof run->vault, "%s%s", ground->place.vault.path, run->command->makes ? ".new" : "");
}

/* The last line of what was printed. */
void kill_run_last_line(const struct kill_run *run, char line[256])
{
    FILE *file = fopen(run->ground->place.output, "re");
    line[0] = '\0';
    while (file != NULL && fgets(line, 256, file) != NULL)
        ;
    if (file != NULL)
        fclose(file);
    line[strcspn(line, "\n")] = '\0';
}

bool kill_run_loses_power(const struct kill_run *run)
{
    return run->mode == KILL_POWER || run->mode == KILL_POWER_CONTENT;
}

/* Whether sealring gives up the space that it keeps for repairs. */
static bool is_release(const struct call *call)
{
    const char *name = strrchr(call->path, '/');
    bool gives = call->kind == CALL_UNLINK || call->kind == CALL_TRUNCATE || call->kind == CALL_OPEN_TRUNCATE;
    return gives && name != NULL && strcmp(name, "/reserve") == 0;
}

/* From the point on; what a truncation frees somebody else takes at once, but for what was kept for repairs. */
static void fill_disk(struct kill_run *run, const struct call *call, unsigned number)
{
    run->outcome->met = run->outcome->met || (number > 0 && number == run->at);
    run->released = run->released || is_release(call);
    if (run->outcome->met && !run->released && !disk_fill(kill_ground_disk(run->ground)))
        kill_run_complain(run, "the disk cannot be filled: ", strerror(errno));
}

static enum tracer_answer answer_at(struct kill_run *run, unsigned number)
{
    switch (run->mode) {
    case KILL_BEFORE:
    case KILL_AND_FULL:
    case KILL_AGAIN:
        return TRACER_KILL;
    case KILL_AFTER:
    case KILL_POWER:
    case KILL_POWER_CONTENT:
        return TRACER_KILL_AFTER;
    case KILL_TORN:
        return run->points->points[number - 1].tears ? TRACER_TEAR : TRACER_KILL;
    default:
        return TRACER_GO;
    }
}

static enum tracer_answer meet(const struct call *call, void *context)
{
    struct kill_run *run = context;
    unsigned number = points_meet(run->points, call);
    if (kill_run_loses_power(run))
        unsynced_before(&run->ground->unsynced, call);
    if (run->mode == KILL_FULL)
        fill_disk(run, call, number);
    if (number > 0 && number == run->at)
        return answer_at(run, number);
    return kill_run_loses_power(run) ? TRACER_GO_AND_TELL : TRACER_GO;
}

static void met(const struct call *call, bool failed, void *context)
{
    struct kill_run *run = context;
    if (kill_run_loses_power(run))
        unsynced_after(&run->ground->unsynced, call, failed);
}

/* Until no child is left, a stranger's that was left to this process among them. */
static void reap(pid_t command, int *status, pid_t server, int *server_status)
{
    int other;
    pid_t child;
    while ((child = waitpid(-1, &other, 0)) > 0 || errno == EINTR)
        if (child == command)
            *status = other;
        else if (child == server)
            *server_status = other;
}

/* Its process group, and what has left that. */
static void kill_group(pid_t command, pid_t server)
{
    char path[64], line[512] = "";
    (void)kill(-command, SIGKILL);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    if (fgets(line, sizeof line, file) != NULL)
        for (char *rest = NULL, *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
            if ((pid_t)strtol(word, NULL, 10) != server)
                (void)kill((pid_t)strtol(word, NULL, 10), SIGKILL);
    fclose(file);
}

static pid_t start_process(char *const words[], int input, int output)
{
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        alarm(COMMAND_LIMIT);
        if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0)
            execv(words[0], words);
        _exit(127);
    }
    if (child > 0)
        setpgid(child, child);
    return child;
}

static pid_t start_server(const struct kill_run *run, int input, int output)
{
    static const struct kill_command server = {.name = "a server", .line = NULL};
    char room[2048];
    char *words[KILL_WORDS + 1];
    kill_command_words(&server, run->ground->scene, run->vault, run->ground->files, room, words);
    return start_process(words, input, output);
}

static void sleep_for(int64_t microseconds)
{
    struct timespec pause = {.tv_sec = microseconds / 1000000, .tv_nsec = (long)(microseconds % 1000000) * 1000};
    nanosleep(&pause, NULL);
}

void kill_run_fill(struct kill_run *run)
{
    if (!disk_fill(kill_ground_disk(run->ground)))
        kill_run_complain(run, "the disk cannot be filled: ", strerror(errno));
}

static void kill_at_time(struct kill_run *run, pid_t command, pid_t server)
{
    const struct kill_trial *trial = run->trial;
    sleep_for(trial->full_after);
    if (trial->full_after > 0)
        kill_run_fill(run);
    sleep_for(trial->microseconds - trial->full_after);
    kill_group(command, server);
}

/* Without a tracer. timed: it is killed at the trial's time. */
static int run_timed(struct kill_run *run, int input, int output, bool timed)
{
    int status = -1, server_status = 0;
    char line[256];
    bool fills = timed && run->mode == KILL_RANDOM_FULL;
    if (fills)
        kill_run_fill(run);
    if (fills && run->trial->full_after > 0)
        disk_yield(kill_ground_disk(run->ground), LAST_SPACE);
    pid_t server = timed && run->trial->beside ? start_server(run, input, output) : 0;
    pid_t child = start_process(run->words, input, output);
    if (child > 0 && timed)
        kill_at_time(run, child, server);
    reap(child, &status, server, &server_status);
    kill_run_last_line(run, line);
    bool no_verdict = server_status != 0 && WEXITSTATUS(server_status) != KILL_SERVER_REJECTS;
    if (WIFSIGNALED(server_status) || (no_verdict && !fills))
        kill_run_complain(run, "a server beside it had no verdict: ", line);
    return status;
}

static void run_traced(struct kill_run *run, int input, int output, int *status)
{
    struct tracer_end end;
    struct tracer tracer = {.root = run->vault, .before = meet, .after = met, .context = run, .seconds = COMMAND_LIMIT};
    unsynced_clear(&run->ground->unsynced);
    tracer_run(&tracer, run->words, input, output, &end);
    *status = end.status;
    run->killed = end.killed;
    if (end.failure[0] != '\0')
        kill_run_complain(run, "tracing: ", end.failure);
    else if (end.timed_out)
        kill_run_complain(run, "the command hangs", "");
    else if (run->points->overlooks)
        kill_run_complain(run, "a token's file is changed in a way that is not seen here", "");
}

/* Opens what the command reads and writes, and runs it, traced if its points are counted; its status as from waitpid. */
int kill_run_command(struct kill_run *run, bool timed)
{
    char path[256] = "/dev/null";
    int status = -1;
    if (run->command->input != NULL)
        snprintf(path, sizeof path, "%s/%s", run->ground->files, run->command->input);
    int input = open(path, O_RDONLY | O_CLOEXEC);
    int output = open(run->ground->place.output, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (input < 0 || output < 0 || setenv("SEALRING_VAULT", run->vault, 1) != 0)
        kill_run_complain(run, "no input or output", "");
    else if (run->points != NULL)
        run_traced(run, input, output, &status);
    else
        status = run_timed(run, input, output, timed);
    if (input >= 0)
        close(input);
    if (output >= 0)
        close(output);
    return status;
}
