/* SPDX-License-Identifier: Apache-2.0 */
/* What a fact does compared with the one before it about the same subject: whether it restricts or permits. Pure. */
#ifndef LOG_TAIL_FACT_EFFECT_H
#define LOG_TAIL_FACT_EFFECT_H

#include "registry/rows/closed_facts.h"

enum fact_effect {
    FACT_RESTRICTS_KEY, /* revokes, suspends, narrows further, or ends credentials; its label stays, and no end becomes later */
    FACT_CLOSES_VERSION, /* declares an open, retiring or retired version compromised; its object and check value stay */
    FACT_BEGINS,         /* from here on facts contain values */
    FACT_PERMITS,        /* everything else */
};

/* before: the preceding fact about the same key or version; NULL: there is none. In doubt FACT_PERMITS. */
enum fact_effect fact_effect(const struct registry_closed *before, const struct registry_closed *fact);

#endif
