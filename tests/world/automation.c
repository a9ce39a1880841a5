/* SPDX-License-Identifier: Apache-2.0 */
/* What the ring's policy wants done, carried out by itself as src/manage/versions/run_policy.c does. */
#include "lifecycle/schedule.h"
#include "world/world.h"

/* Who waits for a successor is named early, and nobody else is: what is foreseen is what will stand in the way. */
static void check_foreseen(const struct setting *setting, const struct world *world,
                           const struct lifecycle_action *action)
{
    if (action->event != SEALRING_EVENT_RETIRE)
        return;
    bool behind = keys_behind(setting, world, action->version - 1) != 0;
    if (behind && action->foreseen[0] == '\0')
        world_break("nobody is warned that a version will not retire, as an API key in use has no successor");
    if (!behind && action->foreseen[0] != '\0')
        world_break("a warning names API keys without a successor, although every one in use has one");
}

/* run_ring and choose in manage/versions/run_policy.c; the act decides once more, as plan_wants and the transition do. */
bool automation_runs(const struct setting *setting, struct world *world)
{
    struct testimony testimonies[VERSIONS];
    const struct lifecycle_evidence *evidence[VERSIONS];
    struct lifecycle_version versions[VERSIONS];
    struct lifecycle_ring ring;
    struct lifecycle_action actions[LIFECYCLE_ACTIONS_MAX(VERSIONS)];
    const struct lifecycle_times times = {.now = NOW, .publishing = watch_silence(setting->lease)};
    operator_ring(setting, &world->registry, &ring, versions);
    for (unsigned version = 0; version < ring.count; version++) {
        operator_testify(setting, world, version, &testimonies[version]);
        evidence[version] = &testimonies[version].evidence;
    }
    size_t count = lifecycle_schedule(&ring, evidence, &times, actions);
    for (size_t i = 0; i < count; i++)
        check_foreseen(setting, world, &actions[i]);
    if (world_broken != NULL)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct lifecycle_action *action = &actions[i];
        if (!lifecycle_may_happen(action, NOW) || action->version > setting->versions)
            continue;
        if (!operator_changes(setting, world, action->event,
                              action->event == SEALRING_EVENT_PREPARE ? 0 : action->version, 0))
            world_break("automation tries what is refused");
        return true;
    }
    return false;
}
