/* SPDX-License-Identifier: Apache-2.0 */
/* The life cycle of versions as data: states, events, guards (DESIGN: which event leads from where to where). */
#ifndef LIFECYCLE_TRANSITION_TABLE_H
#define LIFECYCLE_TRANSITION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <sealring/manage.h>

/* Which question must be answered yes before an event may happen. Bits, so that an event can have several. */
enum lifecycle_guard {
    GUARD_BARRIER = 1,    /* every verifier proved the version (met already by a retiring one, in this era) */
    GUARD_GATE = 2,       /* the window is over, and nobody used the version for a quiet period */
    GUARD_PURGE = 4,      /* purge_at is reached */
    GUARD_UNHELD = 8,     /* nobody holds credentials of it */
    GUARD_KEEP = 16,      /* the policy allows one more living predecessor */
    GUARD_ERA = 32,       /* after an older copy was put back: every verifier goes by it */
    GUARD_SUCCESSION = 64 /* every API key in use that would lose its last good credential was issued a successor */
};

/* What an operator's general `overrule` covers. Succession has to be named: who overrules a window does not mean to lock clients out. */
#define LIFECYCLE_OVERRULE ((unsigned)GUARD_GATE | (unsigned)GUARD_PURGE | (unsigned)GUARD_KEEP)

struct lifecycle_rule {
    sealring_event event;
    sealring_version_state from;
    sealring_version_state to;
    unsigned guards;
};

/* Every rule there is; an (event, from) that is not listed is forbidden. ROTATE is no rule: it is prepare and activate. */
extern const struct lifecycle_rule lifecycle_rules[];
extern const size_t lifecycle_rule_count;

/* The rule for an event in a state, NULL if forbidden. */
const struct lifecycle_rule *lifecycle_rule(sealring_event event, sealring_version_state from);

/* Whether clients' credentials of a version in this state are accepted. */
bool lifecycle_accepts(sealring_version_state state);

/* What a person should do who wanted a forbidden event: "reinstate it first", … Static; never NULL. */
const char *lifecycle_advice(sealring_event event, sealring_version_state from);

#endif
