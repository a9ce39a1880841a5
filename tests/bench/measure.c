/* SPDX-License-Identifier: Apache-2.0 */
/* `make bench`: measures, in one run on fresh vaults, the table that is published. It judges nothing. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/parts.h"
#include "bench/slice.h"

static const struct {
    const char *name;
    child_role run;
} roles[] = {{"churn", tail_churn},    {"poller", revocation_poll}, {"memory", memory_fill},
             {"verify", locks_verify}, {"harvest", locks_harvest},  {"sample", locks_sample},
             {"idle", idle_verify},    {"renew", renewing_renew}};

static int play(const char *name, const char *vault, const char *shared_path)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].run(vault, shared_path);
    scene_fail("no role %s", name);
}

static void describe(const struct scene *scene, struct table_circumstances *circumstances)
{
    double load[3];
    time_t now = time(NULL);
    struct tm day;
    circumstances->quick = scene->quick;
    circumstances->keys = scene->keys;
    circumstances->rounds = scene->rounds;
    if (getloadavg(load, 3) == 3)
        snprintf(circumstances->load, sizeof(circumstances->load), "%.1f %.1f %.1f", load[0], load[1], load[2]);
    if (gmtime_r(&now, &day) != NULL)
        (void)strftime(circumstances->when, sizeof(circumstances->when), "%Y-%m-%d %H:%M UTC", &day);
}

/* What is compared is compared in every round, each time beside its yardstick. */
static void run_rounds(struct scene *scene)
{
    for (size_t round = 0; round < scene->rounds; round++) {
        scene_say("round %zu of %zu", round + 1, scene->rounds);
        cached_round(scene);
        addresses_round(scene);
        threads_round(scene);
        rivals_round(scene);
        strangers_round(scene);
        first_sight_round(scene);
        client_text_round(scene);
        webhook_signing_round(scene);
    }
}

/* The locks alone: nothing but their own keys is in the registry then. */
static void run_locks(struct scene *scene)
{
    scene_make(scene);
    locks_measure(scene);
    scene_say("%s", "");
    scene_end(scene);
}

/* The renewals alone, and what they cost. */
static void run_renewals(struct scene *scene)
{
    scene_make(scene);
    scene_grow(scene);
    renewal_measure(scene);
    renewing_prepare(scene);
    scene_open_vault(scene);
    cached_prepare(scene);
    renewing_measure(scene);
    scene_say("%s", "");
    scene_end(scene);
}

static void run(struct scene *scene)
{
    scene_make(scene);
    scene_grow(scene);
    scale_measure(scene);
    renewal_measure(scene);
    renewing_prepare(scene);
    rivals_prepare(scene);
    scene_open_vault(scene);
    cached_prepare(scene);
    addresses_prepare(scene);
    run_rounds(scene);
    rivals_end();
    addresses_end();
    tail_measure(scene);
    renewing_measure(scene);
    revocation_measure(scene);
    idle_measure(scene);
    memory_measure(scene);
    locks_measure(scene);
    closed_measure(scene);
    scene_say("%s", "");
    scene_end(scene);
}

static int usage(void)
{
    fputs(
        "usage: measure [--quick] [--locks] [--renewals] [--keys 1000000] [--rounds 15] [--json FILE] [--markdown FILE]\n",
        stderr);
    return 2;
}

static const struct option options[] = {
    {"quick", no_argument, NULL, 'q'},          {"locks", no_argument, NULL, 'l'},
    {"renewals", no_argument, NULL, 'n'},       {"keys", required_argument, NULL, 'k'},
    {"rounds", required_argument, NULL, 'r'},   {"json", required_argument, NULL, 'j'},
    {"markdown", required_argument, NULL, 'm'}, {NULL, 0, NULL, 0}};

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--as") == 0)
        return play(argv[2], argv[3], argv[4]);
    struct scene scene = {.slice = 0.05};
    const char *json = NULL, *markdown = NULL;
    long keys = 0, rounds = 0;
    bool only_locks = false, only_renewals = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        scene.quick = scene.quick || option == 'q';
        only_locks = only_locks || option == 'l';
        only_renewals = only_renewals || option == 'n';
        keys = option == 'k' ? strtol(optarg, NULL, 10) : keys;
        rounds = option == 'r' ? strtol(optarg, NULL, 10) : rounds;
        json = option == 'j' ? optarg : json;
        markdown = option == 'm' ? optarg : markdown;
        if (option == '?' || keys < 0 || keys > 5000000 || rounds < 0 || rounds > SERIES_MAX)
            return usage();
    }
    if (optind < argc || (keys > 0 && keys < 4000))
        return usage();
    scene.keys = keys > 0 ? (size_t)keys : scene.quick || only_renewals ? 40000 : 1000000;
    scene.rounds = rounds > 0 ? (size_t)rounds : scene.quick ? 3 : 15;
    scene.texts = scene.keys < 100000 ? scene.keys : 100000;
    scene.hot = 1000;

    struct table_circumstances circumstances = {.quick = scene.quick};
    describe(&scene, &circumstances);
    if (only_locks)
        circumstances.keys = locks_keys(&scene);
    (only_locks ? run_locks : only_renewals ? run_renewals : run)(&scene);
    table_print_text(stdout, &circumstances);
    if (json != NULL && !table_write_json(json, &circumstances))
        scene_fail("%s cannot be written", json);
    if (markdown != NULL) {
        FILE *file = fopen(markdown, "we");
        if (file == NULL)
            scene_fail("%s cannot be written", markdown);
        table_print_markdown(file, &circumstances);
        if (fclose(file) != 0)
            scene_fail("%s cannot be written", markdown);
    }
    return 0;
}
