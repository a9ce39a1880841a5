/* SPDX-License-Identifier: Apache-2.0 */
/* A rival: API keys kept as SHA-256 in Redis, asked over a Unix socket at each request. */
#include <config.h>

#include "bench/rivals.h"

#ifdef HAVE_HIREDIS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hiredis.h>

enum { BATCH = 16, PIPELINE = 5000 };

#define LOADING_MAX  20.0 /* seconds */
#define STARTING_MAX 10.0

struct redis_rival {
    pid_t server;
    redisContext *connection;
    struct walk walk;
    char socket[128];
};

/* Without persistence, reachable through the socket only. */
static pid_t start_server(const char *directory, const char *socket)
{
    pid_t parent = getpid();
    pid_t server = fork();
    if (server != 0)
        return server;
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
        _exit(126);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, 0);
    dup2(nothing, 1);
    dup2(nothing, 2);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir",
           directory, "--save", "", "--appendonly", "no", "--daemonize", "no", (char *)NULL);
    _exit(127);
}

/* Until it listens, or has ended. */
static const char *connect_to(struct redis_rival *rival)
{
    double until = series_clock() + STARTING_MAX;
    while (series_clock() < until) {
        int status = 0;
        scene_heed_signals();
        if (waitpid(rival->server, &status, WNOHANG) == rival->server) {
            rival->server = 0;
            return WIFEXITED(status) && WEXITSTATUS(status) == 127
                       ? "redis-server is not installed (sh tools/packages.sh bench)"
                       : "redis-server does not start";
        }
        rival->connection = redisConnectUnix(rival->socket);
        if (rival->connection != NULL && rival->connection->err == 0)
            return NULL;
        if (rival->connection != NULL)
            redisFree(rival->connection);
        rival->connection = NULL;
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return "redis-server does not answer";
}

static void take_replies(struct redis_rival *rival, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = NULL;
        if (redisGetReply(rival->connection, (void **)&reply) != REDIS_OK || reply->type != REDIS_REPLY_STATUS)
            scene_fail("Redis does not take a key");
        freeReplyObject(reply);
    }
}

/* In pipelines. Returns how many keys were loaded before it took too long. */
static size_t load(struct redis_rival *rival, struct scene *scene)
{
    double until = series_clock() + LOADING_MAX;
    size_t loaded = 0;
    while (loaded < scene->keys && (loaded < scene->hot || series_clock() < until)) {
        size_t sent = 0;
        for (; sent < PIPELINE && loaded + sent < scene->keys; sent++) {
            char value[128];
            int length = snprintf(value, sizeof(value), "client-%zu\t%s\t%lld\t0", loaded + sent, SCENE_SCOPES,
                                  (long long)time(NULL) + 86400);
            const char *arguments[] = {"SET", (const char *)scene->digests[loaded + sent], value};
            const size_t lengths[] = {3, 32, (size_t)length};
            redisAppendCommandArgv(rival->connection, 3, arguments, lengths);
        }
        take_replies(rival, sent);
        loaded += sent;
        scene_heed_signals();
    }
    return loaded;
}

const char *rival_redis_prepare(struct scene *scene, void **context)
{
    struct redis_rival *rival = calloc(1, sizeof(*rival));
    if (rival == NULL)
        scene_fail("no memory");
    *context = rival;
    rival->walk = slice_walk(scene);
    snprintf(rival->socket, sizeof(rival->socket), "%s/redis.socket", scene->directory);
    rival->server = start_server(scene->directory, rival->socket);
    if (rival->server < 0)
        scene_fail("fork: %s", strerror(errno));
    const char *why = connect_to(rival);
    if (why != NULL)
        return why;
    size_t loaded = load(rival, scene);
    table_note(ROW_REDIS, "%zu keys%s, one connection, one request at a time", loaded,
               loaded < scene->keys ? " (loading more would have taken over 20 s)" : "");
    return NULL;
}

size_t rival_redis_batch(void *context)
{
    struct redis_rival *rival = context;
    for (int i = 0; i < BATCH; i++) {
        uint8_t digest[32];
        slice_hash_next(&rival->walk, digest);
        const char *arguments[] = {"GET", (const char *)digest};
        const size_t lengths[] = {3, sizeof(digest)};
        redisReply *reply = redisCommandArgv(rival->connection, 2, arguments, lengths);
        if (reply == NULL || reply->type != REDIS_REPLY_STRING)
            scene_fail("Redis: a key is not found");
        freeReplyObject(reply);
    }
    return BATCH;
}

void rival_redis_end(void *context)
{
    struct redis_rival *rival = context;
    if (rival->connection != NULL)
        redisFree(rival->connection);
    if (rival->server > 0) {
        kill(rival->server, SIGTERM);
        while (waitpid(rival->server, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    free(rival);
}

#else

const char *rival_redis_prepare(struct scene *scene, void **context)
{
    (void)scene;
    (void)context;
    return "built without hiredis (sh tools/packages.sh bench, then configure again)";
}

size_t rival_redis_batch(void *context)
{
    (void)context;
    return 0;
}

void rival_redis_end(void *context)
{
    (void)context;
}

#endif
