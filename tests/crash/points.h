/* SPDX-License-Identifier: Apache-2.0 */
/* The points at which a command can be stopped: the calls that change something in the folder of a vault's tokens, named and numbered. */
#ifndef TESTS_CRASH_POINTS_H
#define TESTS_CRASH_POINTS_H

#include "crash/tracer.h"

#define POINT_NAME_SIZE 96
#define POINTS_MAX      4096

struct point {
    char name[POINT_NAME_SIZE]; /* "keys/token.object truncate 2": which file, what is done to it, for which time */
    bool changes;               /* false: it only makes something safe */
    bool tears;                 /* a write that can be cut in two */
};

struct points {
    char tokens[CALL_PATH_SIZE]; /* the folder */
    char serials[2][17];         /* of the key token and the audit token */
    unsigned count;
    bool overlooks; /* something is done to a file that is not seen as calls */
    struct point points[POINTS_MAX];
};

/* Of the vault at path. Its sealring.conf names both tokens; one that is only being made has none, and its tokens no names. */
void points_begin(struct points *points, const char *vault);

/* The number of the point that the call is, from 1; 0 if it does nothing in the folder. */
unsigned points_meet(struct points *points, const struct call *call);

#endif
