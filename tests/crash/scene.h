/* SPDX-License-Identifier: Apache-2.0 */
/* The vaults that commands are killed in: one in which there is something to do for nearly each of them, two that a crash left behind, and one without edits. */
#ifndef TESTS_CRASH_SCENE_H
#define TESTS_CRASH_SCENE_H

#include "fault/ground.h"

enum scene_vault {
    SCENE_WHOLE,
    SCENE_PUT_BACK,  /* its registry is older than what the audit token knows */
    SCENE_UNSETTLED, /* its last act has no checkpoint yet */
    SCENE_UNAGED,    /* nothing in it was edited, so that its log can be archived */
    SCENE_VAULTS
};

/* Beside those of fault/ground.h. */
enum scene_text {
    SCENE_SLEEPY = GROUND_TEXTS, /* its key is suspended */
    SCENE_LEGACY,                /* an imported key */
    SCENE_AUTO,                  /* under version 2 of ring SCENE_RING */
    SCENE_TEXTS
};

#define SCENE_RING "auto" /* policy wants it rotated, version 2 retired, version 1 destroyed: version 3 is active */
#define SCENE_AGE  "172800000" /* ms; its versions were made this much earlier by SQL than the log has it */
#define SCENE_BULK 260         /* more than a batch */

struct scene {
    struct ground *vaults[SCENE_VAULTS];
    char texts[SCENE_TEXTS][SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_ids[SCENE_TEXTS][SEALRING_KEY_ID_LENGTH + 1];
    char verifier[33]; /* one that died */
    char era[33];
};

/* For ground_make_with, context is the scene: what the vault has beside that of fault/ground.h. */
void scene_fill(struct ground *ground, sealring_manager *manager, void *context);

/* All vaults are copies of one. */
struct scene *scene_make(void);
void scene_remove(struct scene *scene);

#endif
