/* SPDX-License-Identifier: Apache-2.0 */
/* Time leaps: each scenario's timeline against its reviewed golden file. `test_leap NAME` prints one. */
#include <stdlib.h>
#include <string.h>

#include "leap/world.h"

static const sealring_policy monthly = {.overlap = 7 * DAY,
                                        .purge_delay = 30 * DAY,
                                        .keep = 3,
                                        .rotate_every = 30 * DAY,
                                        .quiet_period = DAY,
                                        .usage_hourly = 7 * DAY,
                                        .usage_daily = 400 * DAY};

static void a_year(struct world *world, FILE *out)
{
    world_begin(world, out, &monthly);
    world_pass(world, 365 * DAY);
    world_end(world);
}

static void faster_than_the_overlap(struct world *world, FILE *out)
{
    sealring_policy policy = monthly;

    policy.rotate_every = 3 * DAY;
    policy.keep = 2;
    world_begin(world, out, &policy); /* refused */
    policy.rotate_every = MINUTE;
    world_begin(world, out, &policy); /* refused */
    policy.rotate_every = 3 * DAY;
    policy.keep = 3;
    world_begin(world, out, &policy);
    for (size_t i = 0; i < WORLD_CLIENTS; i++)
        world->clients[i].patience = DAY;
    world->clients[0].patience = -1;
    world_pass(world, 20 * DAY);
    world_note(world, "shop goes on using v1, whatever it is told");
    world_pass(world, 30 * DAY);
    world_note(world, "shop gives in");
    world->clients[0].patience = DAY;
    for (size_t i = 0; i < world->ring.count; i++)
        if (world->versions[i].state == SEALRING_VERSION_ACTIVE)
            world->clients[0].moves_to = world->versions[i].number;
    world->clients[0].moves_at = world->elapsed + HOUR;
    world_pass(world, 45 * DAY);
    world_end(world);
}

static void a_client_that_stays(struct world *world, FILE *out)
{
    sealring_policy policy = monthly;

    policy.keep = 1;
    world_begin(world, out, &policy);
    world->clients[0].patience = -1;
    world_pass(world, 100 * DAY);
    world_note(world, "operator: shop's key is revoked; it calls no more");
    world->clients[0].every = 10000 * DAY;
    world->clients[0].version = 2;
    world_pass(world, 140 * DAY);
    world_end(world);
}

static void clocks_step(struct world *world, FILE *out)
{
    world_begin(world, out, &monthly);
    world_pass(world, 36 * DAY + 20 * HOUR);
    world_step_clock(world, 6 * HOUR); /* v1 seems over, five hours early */
    world_pass(world, 36 * DAY + 23 * HOUR);
    world_step_clock(world, 0);
    world_pass(world, 66 * DAY);
    world_step_clock(world, -5 * HOUR); /* and it is left like that */
    world_pass(world, 75 * DAY);
    world_step_clock(world, 60 * DAY); /* rotation and destruction seem due */
    world_pass(world, 75 * DAY + 2 * HOUR);
    world_step_clock(world, -5 * HOUR);
    world_pass(world, 80 * DAY);
    world_note(world, "the host is booted, its clock back by two days");
    memcpy(world->boot_id, "second", sizeof("second"));
    world->booted = world->elapsed;
    world_step_clock(world, -2 * DAY);
    world_pass(world, 80 * DAY + HOUR);
    world_step_clock(world, 0);
    world_pass(world, 100 * DAY);
    world_end(world);
}

static void off_for_a_month(struct world *world, FILE *out)
{
    sealring_policy policy = monthly;

    policy.rotate_every = 7 * DAY;
    policy.overlap = 3 * DAY;
    world_begin(world, out, &policy);
    for (size_t i = 0; i < WORLD_CLIENTS; i++)
        world->clients[i].patience = 2 * DAY;
    world_pass(world, 10 * DAY);
    world_note(world, "the scheduler is off");
    world->scheduler_off = true;
    world_pass(world, 40 * DAY);
    world_note(world, "the scheduler is back");
    world->scheduler_off = false;
    world_pass(world, 60 * DAY);
    world_end(world);
}

static void policy_edited(struct world *world, FILE *out)
{
    const sealring_policy shorter = {.overlap = 2 * DAY};
    const sealring_policy longer = {.overlap = 14 * DAY};
    const sealring_policy daily = {.overlap = DAY};
    const sealring_policy slower = {.rotate_every = 60 * DAY};

    world_begin(world, out, &monthly);
    for (size_t i = 0; i < WORLD_CLIENTS; i++)
        world->clients[i].patience = DAY;
    world_pass(world, 31 * DAY);
    world_policy(world, &shorter, SEALRING_POLICY_OVERLAP);
    world_pass(world, 61 * DAY);
    world_policy(world, &longer, SEALRING_POLICY_OVERLAP);
    world_pass(world, 95 * DAY);
    world_policy(world, &daily, SEALRING_POLICY_OVERLAP);
    world_command(world, SEALRING_EVENT_ROLLBACK, 0);
    world_pass(world, 95 * DAY + 12 * HOUR);
    world_command(world, SEALRING_EVENT_ACTIVATE, 4); /* v3 was promised until d104 once, and is again */
    world_pass(world, 110 * DAY);
    world_policy(world, &slower, SEALRING_POLICY_ROTATE_EVERY);
    world_pass(world, 170 * DAY);
    world_end(world);
}

static void a_rollback(struct world *world, FILE *out)
{
    world_begin(world, out, &monthly);
    world_pass(world, 32 * DAY);
    world_command(world, SEALRING_EVENT_ROLLBACK, 0);
    world_pass(world, 75 * DAY);
    world_command(world, SEALRING_EVENT_PREPARE, 0);
    world_pass(world, 75 * DAY + MINUTE);
    world_command(world, SEALRING_EVENT_ACTIVATE, 0);
    world_pass(world, 110 * DAY);
    world_end(world);
}

static void a_compromise(struct world *world, FILE *out, bool standby)
{
    sealring_policy policy = monthly;

    policy.standby = standby;
    world_begin(world, out, &policy);
    world_pass(world, 40 * DAY);
    world_command(world, SEALRING_EVENT_COMPROMISE, 2);
    world_pass(world, 75 * DAY);
    world_end(world);
}

static void compromise_with_standby(struct world *world, FILE *out)
{
    a_compromise(world, out, true);
}

static void compromise_without_standby(struct world *world, FILE *out)
{
    a_compromise(world, out, false);
}

static const struct {
    const char *name;
    void (*play)(struct world *world, FILE *out);
} scenarios[] = {
    {"year", a_year},
    {"faster", faster_than_the_overlap},
    {"stays", a_client_that_stays},
    {"clocks", clocks_step},
    {"off", off_for_a_month},
    {"policy", policy_edited},
    {"rollback", a_rollback},
    {"compromise-standby", compromise_with_standby},
    {"compromise", compromise_without_standby},
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* The golden file without its comments, NULL if there is none. */
static char *read_golden(const char *name)
{
    char path[512];
    char line[1024];
    char *text = NULL;
    size_t length = 0;

    snprintf(path, sizeof(path), "%s/leap/%s.golden", TEST_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    FILE *copy = open_memstream(&text, &length);
    while (fgets(line, sizeof(line), file) != NULL)
        if (line[0] != '#')
            fputs(line, copy);
    fclose(file);
    fclose(copy);
    return text;
}

/* The first line that differs, for a diagnosis. */
static void print_difference(const char *golden, const char *played)
{
    while (*golden != '\0' && *played != '\0') {
        size_t wanted = strcspn(golden, "\n");
        size_t got = strcspn(played, "\n");
        if (wanted != got || strncmp(golden, played, wanted) != 0)
            break;
        golden += wanted + (golden[wanted] == '\n');
        played += got + (played[got] == '\n');
    }
    printf("# golden: %.*s\n# played: %.*s\n", (int)strcspn(golden, "\n"), golden, (int)strcspn(played, "\n"), played);
}

static bool check(size_t index)
{
    static struct world world;
    const char *name = scenarios[index].name;
    char *played = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&played, &length);

    scenarios[index].play(&world, out);
    fclose(out);
    char *golden = read_golden(name);
    bool same = golden != NULL && strcmp(golden, played) == 0;
    bool good = same && !world.broken;
    printf("%s %zu - time leap: %s\n", good ? "ok" : "not ok", index + 1, name);
    if (golden == NULL)
        printf("# there is no golden file\n");
    else if (!same)
        print_difference(golden, played);
    free(golden);
    free(played);
    return good;
}

int main(int count, char **arguments)
{
    static struct world world;
    bool good = true;

    for (size_t i = 0; i < SCENARIOS && count > 1; i++)
        if (strcmp(arguments[1], scenarios[i].name) == 0)
            scenarios[i].play(&world, stdout);
    if (count > 1)
        return 0;
    printf("1..%zu\n", SCENARIOS);
    for (size_t i = 0; i < SCENARIOS; i++)
        good = check(i) && good;
    return good ? 0 : 1;
}
