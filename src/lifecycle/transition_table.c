/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the life cycle, one line each, and the advice for a request that no rule allows. */
#include "lifecycle/transition_table.h"

#define NONE        SEALRING_VERSION_NONE
#define PENDING     SEALRING_VERSION_PENDING
#define ACTIVE      SEALRING_VERSION_ACTIVE
#define RETIRING    SEALRING_VERSION_RETIRING
#define RETIRED     SEALRING_VERSION_RETIRED
#define COMPROMISED SEALRING_VERSION_COMPROMISED
#define DESTROYED   SEALRING_VERSION_DESTROYED

/* After NIST SP 800-57 part 1 rev. 5, section 7 (key states and transitions), except that credentials are still accepted in "retiring".
 * There is no rule that the active version becomes retiring when another is activated: lifecycle_decide adds it. */
const struct lifecycle_rule lifecycle_rules[] = {
    {SEALRING_EVENT_PREPARE, NONE, PENDING, 0},
    {SEALRING_EVENT_ACTIVATE, PENDING, ACTIVE, GUARD_BARRIER | GUARD_KEEP},
    {SEALRING_EVENT_ACTIVATE, RETIRING, ACTIVE, GUARD_ERA}, /* its barrier was met before, in this era */
    {SEALRING_EVENT_ROLLBACK, RETIRING, ACTIVE, GUARD_ERA},
    {SEALRING_EVENT_RETIRE, RETIRING, RETIRED, GUARD_GATE | GUARD_SUCCESSION},
    {SEALRING_EVENT_REINSTATE, RETIRED, PENDING, 0},
    {SEALRING_EVENT_COMPROMISE, PENDING, COMPROMISED, 0},
    {SEALRING_EVENT_COMPROMISE, ACTIVE, COMPROMISED, 0},
    {SEALRING_EVENT_COMPROMISE, RETIRING, COMPROMISED, 0},
    {SEALRING_EVENT_COMPROMISE, RETIRED, COMPROMISED, 0},
    {SEALRING_EVENT_DESTROY, PENDING, DESTROYED, GUARD_UNHELD},
    {SEALRING_EVENT_DESTROY, RETIRED, DESTROYED, GUARD_PURGE},
    {SEALRING_EVENT_DESTROY, COMPROMISED, DESTROYED, GUARD_PURGE},
};
const size_t lifecycle_rule_count = sizeof(lifecycle_rules) / sizeof(lifecycle_rules[0]);

#define EVENT_COUNT (SEALRING_EVENT_DESTROY + 1)
#define STATE_COUNT (SEALRING_VERSION_DESTROYED + 1)

#define NO_SUCH         "look up the versions that there are with `sealring status`"
#define NEXT_NUMBER     "prepare makes a new version under the next number: name none"
#define TWO_EVENTS      "rotate is prepare, unless a version is pending, then activate: ask for these"
#define LEAKED_FOR_GOOD "a compromised version never comes back: rotate to a new one"
#define GONE_FOR_GOOD   "a destroyed version never comes back: rotate to a new one"

static const char *const advice[EVENT_COUNT][STATE_COUNT] = {
    [SEALRING_EVENT_PREPARE] = {[PENDING... DESTROYED] = NEXT_NUMBER},
    [SEALRING_EVENT_ACTIVATE] = {[NONE] = NO_SUCH,
                                 [ACTIVE] = "nothing needs to be done",
                                 [RETIRED] = "reinstate it first, then activate it",
                                 [COMPROMISED] = LEAKED_FOR_GOOD,
                                 [DESTROYED] = GONE_FOR_GOOD},
    [SEALRING_EVENT_ROTATE] = {[NONE... DESTROYED] = TWO_EVENTS},
    [SEALRING_EVENT_ROLLBACK] = {[NONE] = NO_SUCH,
                                 [PENDING] = "rollback goes back to a retiring version; activate is for a pending one",
                                 [ACTIVE] = "name an older version that is retiring, or none for the newest of them",
                                 [RETIRED] = "reinstate it first, then activate it",
                                 [COMPROMISED] = LEAKED_FOR_GOOD,
                                 [DESTROYED] = GONE_FOR_GOOD},
    [SEALRING_EVENT_RETIRE] =
        {[NONE] = NO_SUCH,
         [PENDING] = "destroy it, if nobody holds credentials of it; else activate it and then the present one "
                     "again: it is retiring then",
         [ACTIVE] = "rotate or activate another version first: it becomes retiring then",
         [RETIRED] = "nothing needs to be done",
         [COMPROMISED... DESTROYED] = "it is accepted no more already: nothing needs to be done"},
    [SEALRING_EVENT_REINSTATE] = {[NONE] = NO_SUCH,
                                  [PENDING] = "activate it",
                                  [ACTIVE] = "it is accepted already: nothing needs to be done",
                                  [RETIRING] = "it is accepted still: activate it, or roll back",
                                  [COMPROMISED] = LEAKED_FOR_GOOD,
                                  [DESTROYED] = GONE_FOR_GOOD},
    [SEALRING_EVENT_COMPROMISE] = {[NONE] = NO_SUCH,
                                   [COMPROMISED] = "nothing needs to be done; destroy it once nobody has to examine it",
                                   [DESTROYED] =
                                       "its object is gone and it is accepted no more: nothing needs to be done"},
    [SEALRING_EVENT_DESTROY] = {[NONE] = NO_SUCH,
                                [ACTIVE] = "rotate first, retire it when its window has ended, then destroy it",
                                [RETIRING] = "retire it first, then destroy it; compromise it if it leaked",
                                [DESTROYED] = "nothing needs to be done"},
};

const struct lifecycle_rule *lifecycle_rule(sealring_event event, sealring_version_state from)
{
    for (size_t i = 0; i < lifecycle_rule_count; i++)
        if (lifecycle_rules[i].event == event && lifecycle_rules[i].from == from)
            return &lifecycle_rules[i];
    return NULL;
}

bool lifecycle_accepts(sealring_version_state state)
{
    return state == PENDING || state == ACTIVE || state == RETIRING;
}

const char *lifecycle_advice(sealring_event event, sealring_version_state from)
{
    if ((unsigned)event >= EVENT_COUNT || (unsigned)from >= STATE_COUNT || event == 0)
        return NO_SUCH;
    return advice[event][from] != NULL ? advice[event][from] : "";
}
