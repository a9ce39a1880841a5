/* SPDX-License-Identifier: Apache-2.0 */
/* One trial: the vault as it was made, an attack at one point, and everybody who could notice it or fall for it. */
#ifndef FORGER_TRIAL_H
#define FORGER_TRIAL_H

#include "forger/edits.h"
#include "forger/world.h"

/* When the attack is made. */
enum point {
    POINT_BOTH,    /* as the next two in one trial, which takes less time */
    POINT_STOPPED, /* nobody runs; then a verifier starts */
    POINT_QUIET,   /* under a verifier with a warm cache, without moving an epoch */
    POINT_LOUD,    /* the same, and every row is read again by its next poll */
    POINT_COMMIT,  /* after the commits of restrictions, before the bell: the verifier has not polled */
    POINT_REPORT,  /* after it has polled, before the wait until they are effective */
    POINT_RUN,     /* before `run` */
    POINT_ACT,     /* before the next act on that row, and undone after it */
    POINTS
};
extern const char *const point_names[POINTS];

/* The act on the edited row's key and ring. */
enum act { ACT_REISSUE, ACT_NARROW, ACT_RESUME, ACT_RELABEL, ACT_REKEY, ACT_ROTATE, ACT_POLICY, ACT_ISSUE, ACTS };
extern const char *const act_names[ACTS];

struct plan {
    enum point point;
    enum act act;
    const struct edit *edit; /* NULL: none */
    const char *sql;         /* an attack by SQL; NULL: none */
    const char *source;      /* a registry that the SQL names `source`; NULL: none */
    const char *name, *kind; /* of the attack by SQL */
    bool untouched;          /* without an attack */
    bool doctor;             /* asks it, too */
    bool keys;               /* at the end, asks a verifier of the vault as it was made about the keys that are left */
    char key_id[SEALRING_KEY_ID_LENGTH + 1]; /* of the act */
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
};

enum asked { ASKED_WARM, ASKED_POLLED, ASKED_OPENED, ASKED_ACTED, ASKED_LAST, ASKED_KEYS, ASKED };

struct answer {
    sealring_verdict any, write; /* without a scope, and with the scope "write" */
    char client[SEALRING_NAME_LENGTH_MAX + 1];
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    char scopes[64];
};

#define TRIAL_HANDED 4
#define TRIAL_DUMP   16384

enum did { DID_RESTRICT, DID_EFFECTIVE, DID_ACT, DID_OTHER, DID_RUN, DIDS };
extern const char *const did_names[DIDS];
enum reporter { BY_OPEN, BY_POLL, BY_ACT, BY_RUN, BY_AUDIT, BY_AUDIT_LATER, BY_LAST_OPEN, BY_DOCTOR, REPORTERS };
extern const char *const reporter_names[REPORTERS];

/* What became of it. */
struct outcome {
    bool done;       /* the trial came to its end */
    bool impossible; /* the schema does not permit the edit */
    bool asked[ASKED];
    struct answer answers[ASKED][WORLD_TEXTS];
    sealring_status did[DIDS];
    char said[DIDS][160]; /* the error, or the remark */
    unsigned reports[REPORTERS];
    char reported[REPORTERS][160]; /* the first line */
    size_t handed;
    struct {
        struct world_text text;
        char client[SEALRING_NAME_LENGTH_MAX + 1]; /* to whom */
        struct answer answer;
    } out[TRIAL_HANDED];
    char before[TRIAL_DUMP]; /* what the registry contains at the beginning, and at the end */
    char dump[TRIAL_DUMP];
    char objects[512]; /* the token's files that are not as they were */
};

/* Carries it out in a process of its own. */
void trial_run(const struct world *world, const struct plan *plan, struct outcome *outcome);

#endif
