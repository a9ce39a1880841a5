/* SPDX-License-Identifier: Apache-2.0 */
/* The scene of a run: two fresh vaults on one SoftHSM2 token, one with few API keys and one with many. */
#ifndef BENCH_SCENE_H
#define BENCH_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <sealring/manage.h>
#include <sealring/verify.h>

#include "bench/bare.h"
#include "kdf/claims.h"

#define SCENE_PREFIX "acme_live"
#define SCENE_SCOPES "payments:read payments:write" /* what a service would grant */
#define SCENE_SCOPE  "payments:read"                /* and what a request asks for */

/* A credential as it stands in the file of texts, which other processes of the run map. */
typedef char scene_text[SEALRING_CREDENTIAL_LENGTH_MAX + 2];

struct scene {
    bool quick;
    size_t keys;   /* in the large registry */
    size_t texts;  /* how many of their credentials are kept, the first ones */
    size_t hot;    /* how many of these make the traffic that is measured */
    size_t rounds; /* of everything that is compared */
    double slice;  /* seconds */

    char directory[64];
    char few_path[96];
    char many_path[96];
    char some_path[96];
    char texts_path[96];
    sealring_manager *few;
    sealring_manager *many;
    sealring_manager *some;
    struct bare *bare;
    uint8_t claims[CLAIMS_INPUT_MAX];
    size_t claims_length;
    scene_text *text;  /* mapped */
    size_t length;     /* of every text */
    size_t some_count; /* keys in the third registry, and their credentials */
    scene_text *some_text;
    uint8_t (*digests)[32]; /* SHA-256 of all credentials in the large registry */

    sealring_vault *vault; /* the large one, opened for verifying; NULL until scene_open_vault */
    EVP_MD_CTX *hashing;   /* of the floor */
};

/* Makes the small vault and the empty large one, in a temporary directory that goes away at exit. */
void scene_make(struct scene *scene);

/* Issues the keys: 10 into the small registry, all others into the large one, in batches, whose rate is noted in the table. */
void scene_grow(struct scene *scene);

/* Issues `count` keys in one call for clients numbered from `first`. `each` may be NULL. The seconds that it took. */
double scene_issue(sealring_manager *manager, const char *ring, size_t first, size_t count,
                   sealring_issued_callback each, void *context);

int scene_ignore(const sealring_issued *issued, void *context); /* an issued credential */

/* Takes the credentials that are issued: a callback of scene_issue, which goes on behind what was taken before. */
struct scene_taking {
    scene_text *text;
    char (*key_id)[SEALRING_KEY_ID_LENGTH + 1];
    size_t key_ids; /* how many of the key IDs are kept, the first ones */
    size_t taken;
    size_t length; /* of every text */
};
int scene_take(const sealring_issued *issued, void *context);

void scene_create_ring(sealring_manager *manager, const char *ring);

/* Opens the large vault; nothing is warmed, so that the token's operations can be counted. */
void scene_open_vault(struct scene *scene);

/* Frees all but the directory, which atexit removes. */
void scene_end(struct scene *scene);

/* Ends the program with a message: something could not be measured at all. */
_Noreturn __attribute__((format(printf, 1, 2))) void scene_fail(const char *format, ...);

/* A line for people who wait, if stderr is a terminal; NULL wipes it. */
__attribute__((format(printf, 1, 2))) void scene_say(const char *format, ...);

/* Ends the program if a signal asked for it. */
void scene_heed_signals(void);

#endif
