/* SPDX-License-Identifier: Apache-2.0 */
/* A rival: JSON Web Tokens (RFC 7519) signed with HS256, decoded by libjwt. Nothing can be revoked. */
#include <config.h>

#include "bench/rivals.h"

#ifdef HAVE_LIBJWT

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jwt.h>

enum { BATCH = 32, SECRET_SIZE = 32 };

struct jwt_rival {
    size_t count;
    size_t next;
    char **tokens;
    unsigned char secret[SECRET_SIZE];
};

/* The claims that a credential of the traffic has. */
static char *make_token(const struct jwt_rival *rival, const char *text, size_t number)
{
    char client[32], key_id[SEALRING_KEY_ID_LENGTH + 1] = {0};
    jwt_t *jwt = NULL;
    snprintf(client, sizeof(client), "client-%zu", number);
    memcpy(key_id, text + sizeof(SCENE_PREFIX), SEALRING_KEY_ID_LENGTH);
    char *token = NULL;
    if (jwt_new(&jwt) == 0 && jwt_add_grant(jwt, "iss", SCENE_PREFIX) == 0 && jwt_add_grant(jwt, "sub", client) == 0 &&
        jwt_add_grant(jwt, "jti", key_id) == 0 && jwt_add_grant(jwt, "scope", SCENE_SCOPES) == 0 &&
        jwt_add_grant_int(jwt, "exp", (long)time(NULL) + 86400) == 0 &&
        jwt_set_alg(jwt, JWT_ALG_HS256, rival->secret, SECRET_SIZE) == 0)
        token = jwt_encode_str(jwt);
    jwt_free(jwt);
    if (token == NULL)
        scene_fail("libjwt makes no token");
    return token;
}

const char *rival_jwt_prepare(struct scene *scene, void **context)
{
    struct jwt_rival *rival = calloc(1, sizeof(*rival));
    char **tokens = calloc(scene->hot, sizeof(*tokens));
    if (rival == NULL || tokens == NULL)
        scene_fail("no memory");
    *context = rival;
    rival->tokens = tokens;
    rival->count = scene->hot;
    memcpy(rival->secret, scene->digests[0], SECRET_SIZE);
    for (size_t i = 0; i < rival->count; i++)
        tokens[i] = make_token(rival, scene->text[i], i);
    table_note(ROW_JWT, "tokens of %zu characters", strlen(tokens[0]));
    return NULL;
}

size_t rival_jwt_batch(void *context)
{
    struct jwt_rival *rival = context;
    for (int i = 0; i < BATCH; i++) {
        jwt_t *jwt = NULL;
        const char *token = rival->tokens[rival->next++ % rival->count];
        if (jwt_decode(&jwt, token, rival->secret, SECRET_SIZE) != 0 || jwt_get_alg(jwt) != JWT_ALG_HS256 ||
            jwt_get_grant_int(jwt, "exp") < (long)time(NULL) || jwt_get_grant(jwt, "scope") == NULL ||
            jwt_get_grant(jwt, "sub") == NULL)
            scene_fail("libjwt does not accept its own token");
        jwt_free(jwt);
    }
    return BATCH;
}

void rival_jwt_end(void *context)
{
    struct jwt_rival *rival = context;
    for (size_t i = 0; i < rival->count; i++)
        free(rival->tokens[i]);
    free(rival->tokens);
    free(rival);
}

#else

const char *rival_jwt_prepare(struct scene *scene, void **context)
{
    (void)scene;
    (void)context;
    return "built without libjwt (sh tools/packages.sh bench, then configure again)";
}

size_t rival_jwt_batch(void *context)
{
    (void)context;
    return 0;
}

void rival_jwt_end(void *context)
{
    (void)context;
}

#endif
