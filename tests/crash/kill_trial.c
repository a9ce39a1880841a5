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

#include "crash/disk.h"
#include "crash/kill_server.h"
#include "crash/orphan.h"
#include "credential/text.h"

#define COMMAND_LIMIT 120 /* seconds */
#define OUTPUT_SIZE   65536
#define LAST_SPACE    1048576 /* bytes: what a full disk lacks until it is full */

const char *const kill_mode_names[KILL_MODES] = {
    [KILL_NEVER] = "undisturbed",          [KILL_BEFORE] = "killed before",
    [KILL_AFTER] = "killed after",         [KILL_TORN] = "killed in the middle of",
    [KILL_POWER] = "without power after",  [KILL_POWER_CONTENT] = "without power (contents only) after",
    [KILL_FULL] = "with a full disk from", [KILL_AND_FULL] = "with a full disk and killed before",
    [KILL_AGAIN] = "killed before",        [KILL_DAMAGED] = "with every file damaged at",
    [KILL_RANDOM] = "killed at a time",    [KILL_RANDOM_FULL] = "with a full disk and killed at a time",
};

/* One command of a trial. */
struct run {
    struct kill_ground *ground;
    const struct kill_trial *trial;
    struct kill_outcome *outcome;
    const struct kill_command *command;
    enum kill_mode mode;
    unsigned at;
    struct points *points;
    bool killed;
    bool released; /* the space that is kept for repairs */
    char vault[160];
    char room[2048];
    char *words[KILL_WORDS + 1];
};

static void complain(struct run *run, const char *what, const char *why)
{
    if (run->outcome->complaint[0] == '\0')
        snprintf(run->outcome->complaint, sizeof run->outcome->complaint, "%s%.400s", what, why);
}

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

static const char *disk_of(const struct kill_ground *ground)
{
    return ground->place.vault.parent;
}

/* Else nothing could be judged while the disk is full. */
static void check_server_on_full(struct kill_ground *ground)
{
    struct sight *sight = ground_share(sizeof *sight);
    place_restore(&ground->place);
    ck_assert(holder_open(&ground->holder, ground->place.vault.registry));
    ck_assert(disk_fill(disk_of(ground)));
    bool done = kill_start_alone(ground->scene, &ground->place.vault, NULL, START_SERVER, sight);
    disk_empty(disk_of(ground));
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
    snprintf(ground->place.output, sizeof ground->place.output, "%.100s.%u", disk_of(ground), number);
    check_server_on_full(ground);
    return true;
}

void kill_ground_remove(struct kill_ground *ground)
{
    if (ground->small)
        (void)unlink(ground->place.output);
    place_remove(&ground->place);
}

/* ---- The command ---- */

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

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool loses_power(const struct run *run)
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
static void fill_disk(struct run *run, const struct call *call, unsigned number)
{
    run->outcome->met = run->outcome->met || (number > 0 && number == run->at);
    run->released = run->released || is_release(call);
    if (run->outcome->met && !run->released && !disk_fill(disk_of(run->ground)))
        complain(run, "the disk cannot be filled: ", strerror(errno));
}

static enum tracer_answer answer_at(struct run *run, unsigned number)
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
    struct run *run = context;
    unsigned number = points_meet(run->points, call);
    if (loses_power(run))
        unsynced_before(&run->ground->unsynced, call);
    if (run->mode == KILL_FULL)
        fill_disk(run, call, number);
    if (number > 0 && number == run->at)
        return answer_at(run, number);
    return loses_power(run) ? TRACER_GO_AND_TELL : TRACER_GO;
}

static void met(const struct call *call, bool failed, void *context)
{
    struct run *run = context;
    if (loses_power(run))
        unsynced_after(&run->ground->unsynced, call, failed);
}

/* Until no child is left, a stranger's that was left to this process among them. */
static void reap(pid_t command, int *status, pid_t server, int *server_status)
{
    int other;
    pid_t child;
    while ((child = waitpid(-1, &other, 0)) > 0 || errno == EINTR) {
        if (child == command)
            *status = other;
        else if (child == server)
            *server_status = other;
    }
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

static pid_t start_server(const struct run *run, int input, int output)
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

static void fill_at_once(struct run *run)
{
    if (!disk_fill(disk_of(run->ground)))
        complain(run, "the disk cannot be filled: ", strerror(errno));
}

static void kill_at_time(struct run *run, pid_t command, pid_t server)
{
    const struct kill_trial *trial = run->trial;
    sleep_for(trial->full_after);
    if (trial->full_after > 0)
        fill_at_once(run);
    sleep_for(trial->microseconds - trial->full_after);
    kill_group(command, server);
}

/* Without a tracer. timed: it is killed at the trial's time. */
static int run_timed(struct run *run, int input, int output, bool timed)
{
    int status = -1, server_status = 0;
    char line[256];
    bool fills = timed && run->mode == KILL_RANDOM_FULL;
    if (fills)
        fill_at_once(run);
    if (fills && run->trial->full_after > 0)
        disk_yield(disk_of(run->ground), LAST_SPACE);
    pid_t server = timed && run->trial->beside ? start_server(run, input, output) : 0;
    pid_t child = start_process(run->words, input, output);
    if (child > 0 && timed)
        kill_at_time(run, child, server);
    reap(child, &status, server, &server_status);
    last_line(run, line);
    bool no_verdict = server_status != 0 && WEXITSTATUS(server_status) != KILL_SERVER_REJECTS;
    if (WIFSIGNALED(server_status) || (no_verdict && !fills))
        complain(run, "a server beside it had no verdict: ", line);
    return status;
}

static void run_traced(struct run *run, int input, int output, int *status)
{
    struct tracer_end end;
    struct tracer tracer = {.root = run->vault, .before = meet, .after = met, .context = run, .seconds = COMMAND_LIMIT};
    unsynced_clear(&run->ground->unsynced);
    tracer_run(&tracer, run->words, input, output, &end);
    *status = end.status;
    run->killed = end.killed;
    if (end.failure[0] != '\0')
        complain(run, "tracing: ", end.failure);
    else if (end.timed_out)
        complain(run, "the command hangs", "");
    else if (run->points->overlooks)
        complain(run, "a token's file is changed in a way that is not seen here", "");
}

/* Opens what the command reads and writes, and runs it, traced if its points are counted; its status as from waitpid. */
static int run_command(struct run *run, bool timed)
{
    char path[256] = "/dev/null";
    int status = -1;
    if (run->command->input != NULL)
        snprintf(path, sizeof path, "%s/%s", run->ground->files, run->command->input);
    int input = open(path, O_RDONLY | O_CLOEXEC);
    int output = open(run->ground->place.output, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (input < 0 || output < 0 || setenv("SEALRING_VAULT", run->vault, 1) != 0)
        complain(run, "no input or output", "");
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
    const struct kill_command *command = run->command;
    place_restore(&run->ground->place);
    if (command->makes)
        (void)nftw(run->vault, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (command->orphan && !orphan_make(&run->ground->place.vault))
        complain(run, "there is no key that no version has", "");
    if (run->ground->small && !command->alone && !holder_open(&run->ground->holder, run->ground->place.vault.registry))
        complain(run, "nobody else can open the registry", "");
    kill_command_words(command, run->ground->scene, run->vault, run->ground->files, run->room, run->words);
    if (run->points != NULL)
        points_begin(run->points, run->vault);
}

static void begin(struct run *run, struct kill_ground *ground, const struct kill_trial *trial,
                  struct kill_outcome *outcome)
{
    *run = (struct run){.ground = ground, .trial = trial, .outcome = outcome, .mode = trial->mode, .at = trial->at};
    run->command = &kill_commands[trial->command];
    snprintf(run->vault, sizeof run->vault, "%s%s", ground->place.vault.path, run->command->makes ? ".new" : "");
}

static void lose(struct run *run)
{
    run->outcome->lost = unsynced_lose(&run->ground->unsynced, run->mode == KILL_POWER ? LOSS_OF_ALL : LOSS_OF_CONTENT);
    if (run->outcome->lost < 0)
        complain(run, "what was not synced cannot be taken back", "");
}

/* The next start, which is killed as well. */
static void start_in_vain(struct run *first)
{
    static const struct kill_command starts[START_KINDS] = {
        [START_SERVER] = {.name = "a server", .line = NULL},
        [START_MANAGER] = {.name = "issue", .line = "issue auto --client eager --label first-start"},
        [START_DOCTOR] = {.name = "doctor --repair", .line = "doctor --repair"}};
    struct run run = *first;
    run.command = &starts[first->trial->start];
    run.mode = KILL_BEFORE;
    run.at = first->trial->second;
    run.points = &first->outcome->second;
    run.killed = false;
    kill_command_words(run.command, run.ground->scene, run.vault, run.ground->files, run.room, run.words);
    points_begin(run.points, run.vault);
    (void)run_command(&run, false);
    first->outcome->second_met = run.killed;
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
    struct run run;
    char line[256];
    bool random = trial->mode == KILL_RANDOM || trial->mode == KILL_RANDOM_FULL;
    clear(outcome);
    begin(&run, ground, trial, outcome);
    run.points = random ? NULL : &outcome->points;
    prepare(&run);
    int64_t started = now_us();
    int status = run_command(&run, random);
    outcome->microseconds = now_us() - started;
    outcome->met = outcome->met || run.killed || (random && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    outcome->done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    last_line(&run, line);
    if (!outcome->met && !outcome->done && !trial->beside &&
        trial->mode != KILL_RANDOM_FULL) /* a server may hold up a barrier */
        complain(&run, "the command failed: ", line);
    if (trial->mode == KILL_FULL && !WIFEXITED(status))
        complain(&run, "the command died", "");
    else if (trial->mode == KILL_FULL && run.command->line == NULL && WEXITSTATUS(status) == KILL_SERVER_REJECTS)
        complain(&run, "it rejected a good credential", "");
    take_credentials(&run);
    if (loses_power(&run))
        lose(&run);
    if (trial->mode == KILL_AGAIN)
        start_in_vain(&run);
    if (trial->mode == KILL_DAMAGED && !kill_damage(run.vault, false))
        complain(&run, "the tokens' files cannot be damaged: ", strerror(errno));
}

/* ---- The look afterwards ---- */

/* As an operator would: the same command line, or another one, which has to succeed. */
static bool say(struct run *run, const char *line, bool may_fail)
{
    const struct kill_command command = {.name = "afterwards", .line = line};
    char output[256], why[512];
    struct run again = *run;
    again.command = &command;
    again.points = NULL;
    kill_command_words(&command, run->ground->scene, run->vault, run->ground->files, again.room, again.words);
    if (run_command(&again, false) == 0 || may_fail)
        return true;
    last_line(run, output);
    snprintf(why, sizeof why, "%s: %s", line, output);
    complain(run, why, "");
    return false;
}

/* Each destruction that is owed takes an operator's word. */
static bool destroy_again(struct run *run)
{
    static const char beginning[] = "OWED object of destroyed version ";
    char ring[64], line[128];
    unsigned version;
    const char *at = run->outcome->sight.state;
    while ((at = strstr(at, beginning)) != NULL) {
        if (sscanf(at += strlen(beginning), "%63[^/]/%u", ring, &version) != 2)
            return false;
        snprintf(line, sizeof line, "destroy %s %u --overrule test", ring, version);
        if (!say(run, line, false))
            return false;
    }
    return true;
}

static char orphan[CALL_PATH_SIZE];

/* A copy of TOKEN/UUID.object is TOKEN/UUID.object or TOKEN/key-ID-UUID.object in the folder of copies. */
static int find_orphan(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    static const char form[] = "01234567-0123-0123-0123-0123456789ab.object";
    char original[CALL_PATH_SIZE];
    const char *copies = strstr(path, "/copies/");
    size_t length = strlen(path);
    (void)file;
    if (kind != FTW_F || copies == NULL || length - (size_t)walk->base < sizeof form - 1 ||
        strcmp(path + length - strlen(".object"), ".object") != 0)
        return 0;
    snprintf(original, sizeof original, "%.*s/softhsm2%.*s%s", (int)(copies - path), path,
             (int)(walk->base - (copies - path) - (int)strlen("/copies")), copies + strlen("/copies"),
             path + length - (sizeof form - 1));
    if (access(original, F_OK) != 0)
        snprintf(orphan, sizeof orphan, "%.400s", path);
    return 0;
}

/* Of what was destroyed nothing may be left that could bring it back. */
static void look_for_orphans(struct run *run)
{
    char path[256];
    snprintf(path, sizeof path, "%s/tokens/copies", run->vault);
    orphan[0] = '\0';
    (void)nftw(path, find_orphan, 16, FTW_PHYS);
    if (orphan[0] != '\0')
        complain(run, "it has left the copy of an object that is gone: ", orphan);
}

/* After the first start, as an operator would; if the key is gone, there is nothing to destroy. */
static enum kill_start destroy_orphan(struct run *run, enum kill_start start)
{
    struct kill_outcome *outcome = run->outcome;
    if (!kill_start_alone(run->ground->scene, &run->ground->place.vault, NULL, start, &outcome->sight))
        complain(run, outcome->sight.complaint, "");
    (void)say(run, run->command->line, true);
    return START_SERVER;
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

/* In doubt no: a compromise closes the key although the full disk keeps the registry from recording it. Nobody is accepted or rejected wrongly. */
static bool has_closed_only(const struct run *run)
{
    const struct sight *sight = &run->outcome->sight;
    return run->command->closes && !run->outcome->done && sight->of_token &&
           strstr(sight->complaint, " is closed: it may not sign") != NULL;
}

/* One start while there is no space. What it needs is there with good files, so what it lacks with damaged ones is a fault, but for space in the
 * registry, and for a registry while it is being replaced. */
static void start_on_full(struct run *run, enum kill_start start, const struct sight *before, const struct sight *after)
{
    struct sight *sight = &run->outcome->sight;
    const struct kill_ground *ground = run->ground;
    char why[512];
    bool done = kill_start_alone(ground->scene, &ground->place.vault, &run->outcome->told, start, sight);
    bool has_all = start == START_SERVER && !run->command->alone;
    if (!kill_first_is_right(sight, before, after, run->outcome->done, why))
        complain(run, "while the disk is full: ", why);
    else if (!done && has_closed_only(run))
        run->outcome->closed = true;
    else if (!done && (sight->of_token || sight->died || has_all))
        complain(run, "while the disk is full: ", sight->complaint);
    run->outcome->on_full[start].started = true;
    run->outcome->on_full[start].done = done;
}

/* While there is no space, the start, and a server in any case. */
static void judge_full(struct run *run, const struct sight *before, const struct sight *after)
{
    struct kill_ground *ground = run->ground;
    if (run->command->alone && !run->command->makes) {
        disk_empty(disk_of(ground));
        (void)holder_open(&ground->holder, ground->place.vault.registry); /* the one that is there now, if one is */
    }
    if (!disk_fill(disk_of(ground)))
        complain(run, "the disk cannot be filled: ", strerror(errno));
    if (!run->command->makes && run->trial->start != START_SERVER)
        start_on_full(run, run->trial->start, before, after);
    if (!run->command->makes)
        start_on_full(run, START_SERVER, before, after);
    disk_empty(disk_of(ground));
    if (!holder_close(&ground->holder))
        complain(run, "whoever else has the registry open cannot close it", "");
}

void kill_trial_judge(struct kill_ground *ground, const struct kill_trial *trial, const struct sight *before,
                      const struct sight *after, struct kill_outcome *outcome)
{
    struct run run;
    char why[512];
    begin(&run, ground, trial, outcome);
    if (outcome->done && trial->mode == KILL_BEFORE)
        look_for_orphans(&run);
    if (ground->small)
        judge_full(&run, before, after);
    if (outcome->closed)
        (void)say(&run, run.command->line, false);
    if (outcome->complaint[0] != '\0')
        return;
    if (run.command->makes) {
        judge_new(&run);
        return;
    }
    enum kill_start start = trial->start;
    if (trial->mode == KILL_DAMAGED && start == START_SERVER) {
        /* managers restore keys; but a server must not make things worse, whose SoftHSM2 completes what it reads */
        (void)kill_start_alone(ground->scene, &ground->place.vault, NULL, start, &outcome->sight);
        start = START_MANAGER;
    }
    if (run.command->orphan && !outcome->done)
        start = destroy_orphan(&run, start);
    kill_look(ground->scene, &ground->place.vault, &outcome->told, start, &outcome->sight);
    if (run.command->owes && strstr(outcome->sight.state, "OWED") != NULL) {
        if (!kill_is_right(&outcome->sight, before, after, false, true, why))
            complain(&run, why, "");
        else if (destroy_again(&run))
            kill_look(ground->scene, &ground->place.vault, NULL, START_SERVER, &outcome->sight);
    }
    if (outcome->complaint[0] == '\0' && !kill_is_right(&outcome->sight, before, after, outcome->done, false, why))
        complain(&run, why, "");
}
