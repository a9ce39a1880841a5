/* SPDX-License-Identifier: Apache-2.0 */
/* What the vault is good for after a trial: while the disk is full, after the next start, and when an operator repeats what is owed. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crash/disk.h"
#include "crash/kill_run.h"

/* As an operator would: the same command line, or another one, which has to succeed. */
static bool say(struct kill_run *run, const char *line, bool may_fail)
{
    const struct kill_command command = {.name = "afterwards", .line = line};
    char output[256], why[512];
    struct kill_run again = *run;
    again.command = &command;
    again.points = NULL;
    kill_command_words(&command, run->ground->scene, run->vault, run->ground->files, again.room, again.words);
    if (kill_run_command(&again, false) == 0 || may_fail)
        return true;
    kill_run_last_line(run, output);
    snprintf(why, sizeof why, "%s: %s", line, output);
    kill_run_complain(run, why, "");
    return false;
}

/* Each destruction that is owed takes an operator's word. */
static bool destroy_again(struct kill_run *run)
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
static void look_for_orphans(struct kill_run *run)
{
    char path[256];
    snprintf(path, sizeof path, "%s/tokens/copies", run->vault);
    orphan[0] = '\0';
    (void)nftw(path, find_orphan, 16, FTW_PHYS);
    if (orphan[0] != '\0')
        kill_run_complain(run, "it has left the copy of an object that is gone: ", orphan);
}

/* After the first start, as an operator would; if the key is gone, there is nothing to destroy. */
static enum kill_start destroy_orphan(struct kill_run *run, enum kill_start start)
{
    struct kill_outcome *outcome = run->outcome;
    if (!kill_start_alone(run->ground->scene, &run->ground->place.vault, NULL, start, &outcome->sight))
        kill_run_complain(run, outcome->sight.complaint, "");
    (void)say(run, run->command->line, true);
    return START_SERVER;
}

/* Said again, init makes the vault, which is then good for something. */
static void judge_new(struct kill_run *run)
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
static bool has_closed_only(const struct kill_run *run)
{
    const struct sight *sight = &run->outcome->sight;
    return run->command->closes && !run->outcome->done && sight->of_token &&
           strstr(sight->complaint, " is closed: it may not sign") != NULL;
}

/* One start while there is no space. What it needs is there with good files, so what it lacks with damaged ones is a fault, but for space in the
 * registry, and for a registry while it is being replaced. */
static void start_on_full(struct kill_run *run, enum kill_start start, const struct sight *before,
                          const struct sight *after)
{
    struct sight *sight = &run->outcome->sight;
    const struct kill_ground *ground = run->ground;
    char why[512];
    bool done = kill_start_alone(ground->scene, &ground->place.vault, &run->outcome->told, start, sight);
    bool has_all = start == START_SERVER && !run->command->alone;
    if (!kill_first_is_right(sight, before, after, run->outcome->done, why))
        kill_run_complain(run, "while the disk is full: ", why);
    else if (!done && has_closed_only(run))
        run->outcome->closed = true;
    else if (!done && (sight->of_token || sight->died || has_all))
        kill_run_complain(run, "while the disk is full: ", sight->complaint);
    run->outcome->on_full[start].started = true;
    run->outcome->on_full[start].done = done;
}

/* While there is no space, the start, and a server in any case. */
static void judge_full(struct kill_run *run, const struct sight *before, const struct sight *after)
{
    struct kill_ground *ground = run->ground;
    if (run->command->alone && !run->command->makes) {
        disk_empty(kill_ground_disk(ground));
        (void)holder_open(&ground->holder, ground->place.vault.registry); /* the one that is there now, if one is */
    }
    if (!disk_fill(kill_ground_disk(ground)))
        kill_run_complain(run, "the disk cannot be filled: ", strerror(errno));
    if (!run->command->makes && run->trial->start != START_SERVER)
        start_on_full(run, run->trial->start, before, after);
    if (!run->command->makes)
        start_on_full(run, START_SERVER, before, after);
    disk_empty(kill_ground_disk(ground));
    if (!holder_close(&ground->holder))
        kill_run_complain(run, "whoever else has the registry open cannot close it", "");
}

void kill_trial_judge(struct kill_ground *ground, const struct kill_trial *trial, const struct sight *before,
                      const struct sight *after, struct kill_outcome *outcome)
{
    struct kill_run run;
    char why[512];
    kill_run_begin(&run, ground, trial, outcome);
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
            kill_run_complain(&run, why, "");
        else if (destroy_again(&run))
            kill_look(ground->scene, &ground->place.vault, NULL, START_SERVER, &outcome->sight);
    }
    if (outcome->complaint[0] == '\0' && !kill_is_right(&outcome->sight, before, after, outcome->done, false, why))
        kill_run_complain(&run, why, "");
}
