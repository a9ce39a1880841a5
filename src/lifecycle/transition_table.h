/* SPDX-License-Identifier: Apache-2.0 */
/* The life cycle of versions as data: states, events, guards (DESIGN: which event leads from which state to which). */
#ifndef LIFECYCLE_TRANSITION_TABLE_H
#define LIFECYCLE_TRANSITION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <sealring/manage.h>

/* The conditions that must be met before an event may happen. Bits, so that an event can have several. */
enum lifecycle_guard {
    GUARD_BARRIER = 1,    /* every verifier proved the version (met already by a retiring one, in this era) */
    GUARD_GATE = 2,       /* the window has ended, and no use of the version for a quiet period */
    GUARD_PURGE = 4,      /* purge_at is reached */
    GUARD_UNHELD = 8,     /* no client holds credentials of it */
    GUARD_KEEP = 16,      /* the policy permits one more living predecessor */
    GUARD_ERA = 32,       /* after a rollback of the registry: every verifier follows it */
    GUARD_SUCCESSION = 64 /* every API key in use that would lose its last valid credential was issued a successor */
};

/* The guards that an operator's general `overrule` covers. Succession must be named: to overrule a window is not to lock clients out. */
#define LIFECYCLE_OVERRULE ((unsigned)GUARD_GATE | (unsigned)GUARD_PURGE | (unsigned)GUARD_KEEP)

struct lifecycle_rule {
    sealring_event event;
    sealring_version_state from;
    sealring_version_state to;
    unsigned guards;
};

/* All rules; an (event, from) that is not listed is forbidden. ROTATE is no rule: it is prepare and activate. */
extern const struct lifecycle_rule lifecycle_rules[];
extern const size_t lifecycle_rule_count;

/* The rule for an event in a state, NULL if it is forbidden. */
const struct lifecycle_rule *lifecycle_rule(sealring_event event, sealring_version_state from);

/* Returns whether clients' credentials of a version in this state are accepted. */
bool lifecycle_accepts(sealring_version_state state);

/* What to do instead of a forbidden event: "reinstate it first", … Static; never NULL. */
const char *lifecycle_advice(sealring_event event, sealring_version_state from);

#endif
