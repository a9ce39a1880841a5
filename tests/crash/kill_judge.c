/* SPDX-License-Identifier: Apache-2.0 */
/* What a vault is good for after its tokens' files were damaged: the next start, everything that is checked after it, and what may not be. */
#include "crash/kill_judge.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sealring/doctor.h>

#define PATIENCE 120 /* seconds */
#define VERDICT  "verdict "

const char *const kill_start_names[START_KINDS] = {
    [START_SERVER] = "a server", [START_MANAGER] = "issue", [START_DOCTOR] = "doctor --repair"};

struct looking {
    const struct scene *scene;
    const struct test_vault *vault;
    const struct told *told;
    enum kill_start start;
    struct sight *sight;
    sealring_error error;
};

static void complain(const struct looking *looking, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(const struct looking *looking, const char *format, ...)
{
    va_list arguments;
    if (looking->sight->complaint[0] != '\0')
        return;
    looking->sight->of_token = looking->error.status == SEALRING_TOKEN;
    va_start(arguments, format);
    (void)vsnprintf(looking->sight->complaint, sizeof looking->sight->complaint, format, arguments);
    va_end(arguments);
}

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    size_t length = strlen(text);
    va_start(arguments, format);
    (void)vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

/* ---- Starts ---- */

static sealring_vault *open_server(struct looking *looking)
{
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1, .no_warming = 1};
    sealring_vault *opened = NULL;
    if (sealring_open(looking->vault->path, &options, &opened, &looking->error) == SEALRING_OK)
        return opened;
    complain(looking, "a server cannot open the vault: %s", looking->error.message);
    return NULL;
}

static sealring_verdict verify(struct looking *looking, sealring_vault *server, const char *text, size_t number)
{
    sealring_grant grant = {.size = sizeof grant};
    sealring_verdict verdict = sealring_verify(server, text, strlen(text), NULL, &grant);
    looking->error.status = SEALRING_TOKEN;
    if (verdict == SEALRING_UNAVAILABLE)
        complain(looking, "a server has no verdict on credential %zu: %s", number, grant.reason);
    return verdict;
}

/* What was handed over is good: any other verdict on it is neither one of before nor one of after the command. */
static void serve(struct looking *looking)
{
    struct sight *sight = looking->sight;
    sealring_vault *server = open_server(looking);
    uint32_t handed = looking->told != NULL ? atomic_load(&looking->told->handed) : 0;
    for (size_t i = 0; server != NULL && i < SCENE_TEXTS; i++)
        add(sight->first, sizeof sight->first, VERDICT "%zu: %s\n", i,
            sealring_verdict_name(verify(looking, server, looking->scene->texts[i], i)));
    for (uint32_t i = 0; server != NULL && i < handed && i < HANDED_MAX; i++) {
        sealring_verdict verdict = verify(looking, server, looking->told->texts[i], SCENE_TEXTS + i);
        if (verdict != SEALRING_ACCEPTED && verdict != SEALRING_UNAVAILABLE)
            add(sight->first, sizeof sight->first, VERDICT "handed over: %s\n", sealring_verdict_name(verdict));
    }
    sealring_close(&server);
}

/* Under a label that none has yet: it may be done twice in one vault. */
static bool issue(struct looking *looking, sealring_manager *manager, const char *ring, const char *when,
                  struct test_handed *handed)
{
    char label[64];
    sealring_issue_request request = {.client = "eager", .label = label};
    snprintf(label, sizeof label, "%s-%d", when, (int)getpid());
    return sealring_issue(manager, ring, &request, 1, 0, test_vault_take, handed, NULL, &looking->error) == SEALRING_OK;
}

static void manage(struct looking *looking)
{
    struct test_handed handed = {0};
    sealring_manager *manager = NULL;
    if (sealring_manager_open(looking->vault->path, NULL, &manager, &looking->error) != SEALRING_OK ||
        !issue(looking, manager, SCENE_RING, "next-start", &handed))
        complain(looking, "nothing can be issued: %s", looking->error.message);
    sealring_manager_close(&manager);
}

static int note_finding(const sealring_finding *finding, void *context)
{
    struct looking *looking = context;
    struct sight *sight = looking->sight;
    if (finding->severity != SEALRING_SEVERITY_NOTICE && !finding->repaired)
        add(sight->doctor, sizeof sight->doctor, "%s %s: %s %s\n", finding->code, finding->object, finding->what,
            finding->failure);
    return 0;
}

static void examine(struct looking *looking, bool repair)
{
    sealring_doctor_options options = {.size = sizeof options, .repair = repair};
    sealring_doctor_result result = {.size = sizeof result};
    looking->sight->doctor[0] = '\0';
    if (sealring_doctor(looking->vault->path, &options, note_finding, looking, &result, &looking->error) != SEALRING_OK)
        complain(looking, "doctor%s: %s", repair ? " --repair" : "", looking->error.message);
}

static void start(struct looking *looking)
{
    switch (looking->start) {
    case START_SERVER:
        serve(looking);
        break;
    case START_MANAGER:
        manage(looking);
        break;
    case START_DOCTOR:
    default:
        examine(looking, true);
        break;
    }
}

/* ---- What is possible afterwards ---- */

static void rotate(struct looking *looking)
{
    struct test_handed handed = {0};
    sealring_manager *manager = NULL;
    sealring_vault *server = NULL;
    if (sealring_manager_open(looking->vault->path, NULL, &manager, &looking->error) != SEALRING_OK ||
        test_vault_change(manager, NULL, GROUND_OTHER, SEALRING_EVENT_ROTATE, 0, NULL, NULL, &looking->error) !=
            SEALRING_OK ||
        !issue(looking, manager, GROUND_OTHER, "afterwards", &handed))
        complain(looking, "the next rotation: %s", looking->error.message);
    sealring_manager_close(&manager);
    if (looking->sight->complaint[0] == '\0' && (server = open_server(looking)) != NULL) {
        sealring_grant grant = {.size = sizeof grant};
        if (sealring_verify(server, handed.text, strlen(handed.text), NULL, &grant) != SEALRING_ACCEPTED)
            complain(looking, "a new credential is not accepted: %s", grant.reason);
        sealring_close(&server);
    }
}

/* ---- Everything damaged: what the copies are good for ---- */

static unsigned damaged, damages;

/* Empty, cut in half, or gone. */
static int damage(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    const char *name = path + walk->base;
    const char *dot = strrchr(name, '.');
    bool object = dot != NULL && strcmp(dot, ".object") == 0;
    if (kind != FTW_F || (!object && strcmp(name, "generation") != 0))
        return 0;
    switch (damaged++ % damages) {
    case 0:
        return truncate(path, 0);
    case 1:
        return truncate(path, file->st_size / 2);
    default:
        return unlink(path);
    }
}

bool kill_damage(const char *vault, bool removes)
{
    char path[256];
    damages = removes ? 3 : 2;
    snprintf(path, sizeof path, "%.200s/tokens/softhsm2", vault);
    return nftw(path, damage, 16, FTW_PHYS) == 0;
}

static void wreck(struct looking *looking)
{
    if (!kill_damage(looking->vault->path, true))
        complain(looking, "the tokens' files cannot be damaged: %s", strerror(errno));
    state_tell(looking->scene, looking->vault, looking->told, looking->sight->restored);
}

static void look(struct looking *looking)
{
    start(looking);
    state_tell(looking->scene, looking->vault, looking->told, looking->sight->state);
    examine(looking, true);
    examine(looking, false);
    if (strstr(looking->sight->state, "OWED") != NULL)
        return; /* the command is said again, and then everything looked at again */
    rotate(looking);
    wreck(looking);
}

static bool apart(void (*function)(struct looking *), struct looking *looking)
{
    int status = 0;
    memset(looking->sight, 0, sizeof *looking->sight);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        function(looking);
        _exit(0);
    }
    looking->sight->died = child < 0 || waitpid(child, &status, 0) != child || status != 0;
    if (looking->sight->died)
        complain(looking, "the start after it ended with status %#x", (unsigned)status);
    return looking->sight->complaint[0] == '\0';
}

void kill_look(const struct scene *scene, const struct test_vault *vault, const struct told *told, enum kill_start kind,
               struct sight *sight)
{
    struct looking looking = {.scene = scene, .vault = vault, .told = told, .start = kind, .sight = sight};
    (void)apart(look, &looking);
}

bool kill_start_alone(const struct scene *scene, const struct test_vault *vault, const struct told *told,
                      enum kill_start kind, struct sight *sight)
{
    struct looking looking = {.scene = scene, .vault = vault, .told = told, .start = kind, .sight = sight};
    return apart(start, &looking);
}

/* ---- What may not be ---- */

static bool has_line(const char *text, const char *line, size_t length)
{
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
        if (strcspn(at, "\n") == length && strncmp(at, line, length) == 0)
            return true;
    return false;
}

/* The first line of the text that begins so and that neither of the others has. */
static const char *other_line(const char *text, const char *before, const char *after, const char *beginning)
{
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t length = strcspn(at, "\n");
        if (strncmp(at, beginning, strlen(beginning)) == 0 && !has_line(before, at, length) &&
            !has_line(after, at, length))
            return at;
    }
    return NULL;
}

/* The first line that begins so and that both of the others have, and the text has not. */
static const char *missing_line(const char *text, const char *before, const char *after, const char *beginning)
{
    for (const char *at = before; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t length = strcspn(at, "\n");
        if (strncmp(at, beginning, strlen(beginning)) == 0 && has_line(after, at, length) &&
            !has_line(text, at, length))
            return at;
    }
    return NULL;
}

/* Whether the line says that a closed version has no object: a missing one is not restored, so that no copy brings a closed key back. */
static bool is_closed_and_gone(const char *text, const char *line)
{
    static const char beginning[] = "FAULT no object of version ";
    char ring[64], row[96];
    unsigned version;
    int state = 0;
    if (sscanf(line, "FAULT no object of version %63[^/]/%u", ring, &version) != 2 ||
        strncmp(line, beginning, strlen(beginning)) != 0)
        return false;
    snprintf(row, sizeof row, "\nversion: %s|%u|", ring, version);
    const char *found = strstr(text, row);
    return found != NULL && sscanf(found + strlen(row), "%d", &state) == 1 && state > SEALRING_VERSION_RETIRING;
}

static const char *not_restored(const char *text)
{
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
        if ((strncmp(at, "FAULT", 5) == 0 || strncmp(at, "OWED", 4) == 0) && !is_closed_and_gone(text, at))
            return at;
    return NULL;
}

static bool deny(char why[512], const char *what, const char *line)
{
    snprintf(why, 512, "%s%.*s", what, (int)(strcspn(line, "\n") % 300), line);
    return false;
}

/* No verdict, `unavailable`, is not a wrong one. */
static const char *wrong_verdict(const char *text, const char *before, const char *after)
{
    static const char none[] = ": unavailable";
    const char *line = text;
    while ((line = other_line(line, before, after, VERDICT)) != NULL) {
        size_t length = strcspn(line, "\n");
        if (length < sizeof none - 1 || strncmp(line + length - (sizeof none - 1), none, sizeof none - 1) != 0)
            return line;
        line += length;
    }
    return NULL;
}

bool kill_first_is_right(const struct sight *sight, const struct sight *before, const struct sight *after, bool done,
                         char why[512])
{
    const char *line = wrong_verdict(sight->first, done ? after->first : before->first, after->first);
    why[0] = '\0';
    return line == NULL || deny(why, "the first server has ", line);
}

bool kill_is_right(const struct sight *sight, const struct sight *before, const struct sight *after, bool done,
                   bool owes, char why[512])
{
    const char *line;
    const struct sight *old = done ? after : before;
    if (!kill_first_is_right(sight, before, after, done, why))
        return false;
    if (sight->complaint[0] != '\0')
        return deny(why, "", sight->complaint);
    if ((line = state_fault(sight->state, owes)) != NULL)
        return deny(why, "", line);
    if ((line = other_line(sight->state, old->state, after->state, "verdict:")) != NULL)
        return deny(why, "neither before nor after it: ", line);
    if ((line = not_restored(sight->restored)) != NULL)
        return deny(why, "everything damaged, and restored: ", line);
    if ((line = other_line(sight->restored, old->state, after->state, "verdict:")) != NULL)
        return deny(why, "everything damaged, and restored: ", line);
    if ((line = missing_line(sight->state, old->state, after->state, "version:")) != NULL)
        return deny(why, "no longer there: ", line);
    if ((line = missing_line(sight->state, old->state, after->state, "closed:")) != NULL)
        return deny(why, "no longer closed: ", line);
    line = other_line(sight->doctor, old->doctor, after->doctor, "");
    if (line != NULL && !(owes && strncmp(line, "destruction-owed ", strlen("destruction-owed ")) == 0))
        return deny(why, "doctor --repair leaves ", line);
    return true;
}
