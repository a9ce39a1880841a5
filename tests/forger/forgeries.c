/* SPDX-License-Identifier: Apache-2.0 */
/* Forgeries of more than one cell: consistent acts without a signature, ends that are cut off, older tables, other eras. */
#include "forger/forgeries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forger/forge.h"

#define FORGERIES_MAX 2048

static struct forgeries *all;

static void add(const char *kind, const char *name, const char *sql, const char *source, bool chosen)
{
    if (all->count == FORGERIES_MAX)
        world_fail(name, "too many forgeries");
    all->list[all->count++] = (struct forgery){kind, name, sql, source, chosen};
}

/* Tables that belong together. */
struct group {
    const char *name;
    const char *tables[9];
};

/* The rows of tables as they are in `source`. */
static const char *replace_tables(const struct group *groups, size_t count, unsigned subset)
{
    char *sql = sqlite3_mprintf("%s", "");
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; (subset >> i & 1) != 0 && groups[i].tables[j] != NULL; j++)
            sql = sqlite3_mprintf("%zDELETE FROM main.%s; INSERT INTO main.%s SELECT * FROM source.%s;", sql,
                                  groups[i].tables[j], groups[i].tables[j], groups[i].tables[j]);
    return sql;
}

static const char *name_groups(const struct group *groups, size_t count, unsigned subset)
{
    char *name = sqlite3_mprintf("%s", "");
    for (size_t i = 0; i < count; i++)
        if ((subset >> i & 1) != 0)
            name = sqlite3_mprintf("%z%s%s", name, name[0] != '\0' ? "+" : "", groups[i].name);
    return name;
}

static void add_acts(const struct world *world)
{
    static const struct group groups[] = {{"facts", {"closed_fact"}},
                                          {"log", {"audit", "audit_node"}},
                                          {"rows", {"ring", "version", "client", "api_key", "credential", "vault"}}};
    enum { GROUPS = sizeof groups / sizeof *groups };
    for (size_t i = 0; i < forge_count; i++) {
        const char *source = forge(world, i);
        for (unsigned subset = 1; subset < 1U << GROUPS; subset++)
            add("act", sqlite3_mprintf("forge %s in %s", forge_names[i], name_groups(groups, GROUPS, subset)),
                replace_tables(groups, GROUPS, subset), source, subset == (1U << GROUPS) - 1);
    }
}

static void add_cuts(const struct world *world)
{
    static const char *const ends[] = {
        "DELETE FROM main.audit WHERE sequence > (SELECT max(sequence)%s);",
        "DELETE FROM main.audit_node WHERE (position + 1) * (1 << level) > (SELECT max(sequence)%s);",
        "DELETE FROM main.closed_fact WHERE sequence > (SELECT max(sequence)%s);",
        "DELETE FROM main.checkpoint WHERE size > (SELECT max(size)%s);"};
    static const char *const tables[] = {"audit", "audit", "closed_fact", "checkpoint"};
    static const char *const names[] = {"audit", "audit_node", "closed_fact", "checkpoint"};
    for (unsigned subset = 1; subset < 16; subset++)
        for (int deep = 0; deep < 2; deep++) {
            char *sql = sqlite3_mprintf("%s", ""),
                 *name = sqlite3_mprintf("cut %s of", deep ? "all later ends" : "the last");
            for (int i = 3; i >= 0; i--) {
                if ((subset >> i & 1) == 0)
                    continue;
                char *to = sqlite3_mprintf("%s FROM %s.%s", deep ? "" : " - 1", deep ? "source" : "main", tables[i]);
                char *cut = sqlite3_mprintf(ends[i], to);
                /* the log's own end is needed to cut the nodes */
                sql = i == 0 ? sqlite3_mprintf("%z%z", sql, cut) : sqlite3_mprintf("%z%z", cut, sql);
                name = sqlite3_mprintf("%z %s", name, names[i]);
                sqlite3_free(to);
            }
            add("cut", name, sql, world->earlier, subset == 15 || subset == 4);
        }
}

static const struct group older[] = {
    {"closed_fact", {"closed_fact"}},
    {"audit", {"audit", "audit_node"}},
    {"checkpoint", {"checkpoint"}},
    {"vault", {"vault"}},
    {"ring", {"ring"}},
    {"version", {"version"}},
    {"client", {"client"}},
    {"api_key", {"api_key"}},
    {"credential", {"credential"}},
    {"evidence",
     {"verifier", "version_use", "usage_hour", "usage_day", "usage_traffic", "usage_seat", "clock", "renewal_error"}},
};
enum { OLDER = sizeof older / sizeof *older };

static void add_older(const struct world *world)
{
    for (unsigned subset = 1; subset < 1U << OLDER; subset++)
        add("older", sqlite3_mprintf("restore %s", name_groups(older, OLDER, subset)),
            replace_tables(older, OLDER, subset), world->earlier,
            subset == (1U << OLDER) - 1 || subset == (1U << OLDER) - 2 || subset == 0x080 || subset == 0x1b0);
}

static void add_eras(const struct world *world)
{
    static const struct {
        const char *name, *sql;
    } eras[] = {{"another era", "UPDATE vault SET era = randomblob(16);"},
                {"no era", "UPDATE vault SET era = zeroblob(16);"},
                {"another era, lower epoch", "UPDATE vault SET era = randomblob(16), epoch = 1;"},
                {"another era, higher epoch", "UPDATE vault SET era = randomblob(16), epoch = epoch + 1000;"},
                {"another era, with era_in_force 0", "UPDATE vault SET era = randomblob(16), era_in_force = 0;"}};
    static const unsigned subsets[] = {0, (1U << OLDER) - 1, (1U << OLDER) - 2, 0x1b0, 0x1b1, 0x1b7};
    for (size_t i = 0; i < sizeof eras / sizeof *eras; i++)
        for (size_t j = 0; j < sizeof subsets / sizeof *subsets; j++)
            add("era", sqlite3_mprintf("%s, and restore [%s]", eras[i].name, name_groups(older, OLDER, subsets[j])),
                sqlite3_mprintf("%s%s", replace_tables(older, OLDER, subsets[j]), eras[i].sql), world->earlier,
                i == 0 && j < 2);
}

void forgeries_make(const struct world *world, struct forgeries *forgeries)
{
    all = forgeries;
    all->count = 0;
    all->list = calloc(FORGERIES_MAX, sizeof *all->list);
    if (all->list == NULL)
        world_fail("forgeries", "no memory");
    add_acts(world);
    add_cuts(world);
    add_eras(world);
    add_older(world);
}
