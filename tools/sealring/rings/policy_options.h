/* SPDX-License-Identifier: Apache-2.0 */
/* The options of ring create and ring set that are a ring's policy. */
#ifndef TOOL_POLICY_OPTIONS_H
#define TOOL_POLICY_OPTIONS_H

#include "tools/sealring/session.h"

/* Refuses a text that its option does not take. Numbers and durations were checked before. */
int policy_options_check(struct session *session);

/* The policy that the command line sets, and in `fields` which members of it. */
sealring_policy policy_options_read(const struct options *given, unsigned *fields);

#define POLICY_OPTIONS                                                                                                \
    {"overlap", "DURATION", "how long a predecessor stays accepted after a rotation; in a new ring 7d",               \
     OPTION_DURATION},                                                                                                \
        {"quiet-period", "DURATION",                                                                                  \
         "a version retires when the verifiers' reports show no use for this long; in a new ring 1d",                 \
         OPTION_DURATION},                                                                                            \
        {"rotate-every", "DURATION",                                                                                  \
         "the interval at which sealring run rotates; 0s, as in a new ring: only operators rotate", OPTION_DURATION}, \
        {"keep", "NUMBER", "how many retiring predecessors there may be; in a new ring 3", OPTION_NUMBER},            \
        {"purge-delay", "DURATION", "how long the object of a closed version is kept; in a new ring 30d",             \
         OPTION_DURATION},                                                                                            \
        {"standby", NULL, "sealring run keeps a pending version ready", OPTION_FLAG},                                 \
        {"no-standby", NULL, "keep no standby: the default", OPTION_FLAG},                                            \
        {"idle-blocks", NULL, "API keys that never called block the retirement of their version", OPTION_FLAG},       \
        {"no-idle-blocks", NULL, "they do not block it: the default", OPTION_FLAG},                                   \
        {"usage-hourly", "DURATION", "how long usage is stored by the hour; in a new ring 7d", OPTION_DURATION},      \
        {"usage-daily", "DURATION", "how long usage is stored by the day; in a new ring 400d", OPTION_DURATION},      \
        {"succession", "DURATION",                                                                                    \
         "API keys used within this time need a successor before their version retires, or off; in a new ring 400d",  \
         OPTION_TEXT},                                                                                                \
        {"renew", "MODE",                                                                                             \
         "whether the holder of a valid credential gets the next one: off, as in a new ring, bearer, or sealed (to "  \
         "the client's certificate)",                                                                                 \
         OPTION_TEXT},                                                                                                \
        {"renew-life", "DURATION",                                                                                    \
         "how long a renewed credential lives; 0s, as in a new ring: until its predecessor would have expired",       \
         OPTION_DURATION},                                                                                            \
        {"renew-age", "DURATION",                                                                                     \
         "no renewed credential lives longer than this after the operator's issue, or off; in a new ring 400d",       \
         OPTION_TEXT},                                                                                                \
        {"deliver", "HOW",                                                                                            \
         "what sealring run does with successors after a rotation: none, as in a new ring, notify (the client), "     \
         "sealed (to the client's certificate, into hooks or a directory), or hook",                                  \
         OPTION_TEXT},                                                                                                \
    {                                                                                                                 \
        "leaks", "ACT",                                                                                               \
            "what a report of a leaked credential does to its API key: alarm, as in a new ring, suspend, or rekey",   \
            OPTION_TEXT                                                                                               \
    }

#endif
