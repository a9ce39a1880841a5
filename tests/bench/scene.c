/* SPDX-License-Identifier: Apache-2.0 */
/* The scene of a run: fresh vaults on one SoftHSM2 token, with few API keys, with some and with many. */
#include "bench/scene.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/slice.h"
#include "bench/table.h"

enum { FEW = 10, BATCH = 5000, NAME_SIZE = 24, BARE_EVERY = 4 };

static char directory[64]; /* for atexit */
static pid_t owner;
static volatile sig_atomic_t interrupted; /* by a signal: the directory is to go away all the same */

static void interrupt(int signal_number)
{
    interrupted = 128 + signal_number;
}

void scene_heed_signals(void)
{
    if (interrupted != 0)
        exit(interrupted);
}

_Noreturn void scene_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void scene_say(const char *format, ...)
{
    scene_heed_signals();
    if (!isatty(2))
        return;
    fputs("\r\033[K", stderr);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

/* ---- Making the vaults ---- */

static int set_environment(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

static void remove_directory(void)
{
    char command[128];
    if (getpid() != owner)
        return;
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    if (system(command) != 0)
        fprintf(stderr, "bench: %s could not be removed\n", directory);
}

static void make_directory(struct scene *scene)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = interrupt};
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    const char *parent = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%.40s/sealring-bench-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(directory) == NULL)
        scene_fail("%s: %s", directory, strerror(errno));
    owner = getpid();
    atexit(remove_directory); /* also when a measurement fails */
    memcpy(scene->directory, directory, sizeof(directory));
}

/* What sealring.conf says of the PIN file, which is told from the vault's directory on. */
static void find_pin_source(const char *vault, char path[4096])
{
    char name[128], line[4200], found[3900] = "";
    snprintf(name, sizeof(name), "%s/sealring.conf", vault);
    FILE *file = fopen(name, "re");
    if (file == NULL)
        scene_fail("%s: %s", name, strerror(errno));
    while (fgets(line, sizeof(line), file) != NULL && sscanf(line, " pin-source = %3899s", found) != 1) {
    }
    fclose(file);
    if (found[0] == '\0')
        scene_fail("%s names no PIN file", name);
    snprintf(path, 4096, "%s%s%s", found[0] == '/' ? "" : vault, found[0] == '/' ? "" : "/", found);
}

static sealring_manager *manage(const char *path)
{
    sealring_error error;
    sealring_manager *manager = NULL;
    if (sealring_manager_open(path, NULL, &manager, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    return manager;
}

/* Both vaults use the token of the first: so it holds the same objects whichever is measured. */
static void make_vaults(struct scene *scene)
{
    sealring_error error;
    sealring_init_options options = {.size = sizeof(options)};
    if (sealring_init_environment(scene->few_path, &options, set_environment, NULL, &error) != SEALRING_OK ||
        sealring_init(scene->few_path, &options, NULL, &error) != SEALRING_OK ||
        sealring_environment(scene->few_path, set_environment, NULL, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    scene->few = manage(scene->few_path);

    char pin_source[4096], variable[256];
    sealring_vault_info *info = calloc(1, sizeof(*info));
    if (info == NULL)
        scene_fail("no memory");
    info->size = sizeof(*info);
    if (sealring_vault_describe(scene->few, info, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    find_pin_source(scene->few_path, pin_source);
    const char *configuration = getenv("SOFTHSM2_CONF");
    snprintf(variable, sizeof(variable), "SOFTHSM2_CONF=%s", configuration != NULL ? configuration : "");
    const char *const variables[] = {variable, NULL};
    options.module = info->module;
    options.token_uri = info->token_uri;
    options.pin_source = pin_source;
    options.module_environment = variables;
    if (sealring_init(scene->many_path, &options, NULL, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    scene->many = manage(scene->many_path);
    if (sealring_init(scene->some_path, &options, NULL, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    scene->some = manage(scene->some_path);

    scene_create_ring(scene->few, "few");
    scene_create_ring(scene->many, "many");
    scene_create_ring(scene->some, "some");
    scene_create_ring(scene->many,
                      "revoked"); /* now: once a verifier serves, a new ring's first version waits for it */
    scene_create_ring(scene->many, "harvested");
    scene_create_ring(scene->many, "closed");
    sealring_vault *login = NULL; /* a login to a PKCS#11 token holds for the process */
    if (sealring_open(scene->few_path, NULL, &login, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    scene->bare = bare_open(info->module, info->token_uri, "sealring/few/1");
    sealring_close(&login);
    free(info);
    if (scene->bare == NULL)
        exit(1);
}

int scene_take(const sealring_issued *issued, void *context)
{
    struct scene_taking *taking = context;
    snprintf(taking->text[taking->taken], sizeof(*taking->text), "%s", issued->credential);
    if (taking->taken < taking->key_ids)
        memcpy(taking->key_id[taking->taken], issued->key_id, SEALRING_KEY_ID_LENGTH + 1);
    taking->length = strlen(issued->credential);
    taking->taken++;
    return 0;
}

void scene_create_ring(sealring_manager *manager, const char *ring)
{
    sealring_error error;
    const sealring_policy policy = {.keep = 100};
    if (sealring_ring_create(manager, ring, SCENE_PREFIX, &policy, SEALRING_POLICY_KEEP, &error) != SEALRING_OK)
        scene_fail("ring: %s", error.message);
}

static void map_texts(struct scene *scene)
{
    size_t size = scene->texts * sizeof(*scene->text);
    int file = open(scene->texts_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, (off_t)size) != 0)
        scene_fail("%s: %s", scene->texts_path, strerror(errno));
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED)
        scene_fail("%s: %s", scene->texts_path, strerror(errno));
    scene->text = memory;
}

void scene_make(struct scene *scene)
{
    make_directory(scene);
    snprintf(scene->few_path, sizeof(scene->few_path), "%s/few", directory);
    snprintf(scene->many_path, sizeof(scene->many_path), "%s/many", directory);
    snprintf(scene->some_path, sizeof(scene->some_path), "%s/some", directory);
    snprintf(scene->texts_path, sizeof(scene->texts_path), "%s/texts", directory);
    make_vaults(scene);
    map_texts(scene);
    scene->digests = calloc(scene->keys, sizeof(*scene->digests));
    scene->hashing = EVP_MD_CTX_new();
    scene->some_count = scene->quick ? 4000 : 20000;
    scene->some_text = calloc(scene->some_count, sizeof(*scene->some_text));
    if (scene->digests == NULL || scene->some_text == NULL || scene->hashing == NULL ||
        EVP_DigestInit_ex(scene->hashing, EVP_sha256(), NULL) != 1)
        scene_fail("no memory");
    struct claims claims = {
        .version = 1, .key_id = "0123456789abcdef", .serial = 1, .client = "client-12345", .scopes = SCENE_SCOPES};
    scene->claims_length = claims_input(&claims, NULL, scene->claims);
    if (scene->claims_length < 100)
        scene_fail("the claims are shorter than expected");
}

/* ---- Issuing ---- */

int scene_ignore(const sealring_issued *issued, void *context)
{
    (void)issued;
    (void)context;
    return 0;
}

double scene_issue(sealring_manager *manager, const char *ring, size_t first, size_t count,
                   sealring_issued_callback each, void *context)
{
    char(*names)[NAME_SIZE] = calloc(count, sizeof(*names));
    sealring_issue_request *requests = calloc(count, sizeof(*requests));
    if (names == NULL || requests == NULL)
        scene_fail("no memory");
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "client-%zu", first + i);
        requests[i].client = names[i];
        requests[i].scopes = SCENE_SCOPES;
    }
    sealring_error error;
    double start = series_clock();
    if (sealring_issue(manager, ring, requests, count, SEALRING_ISSUE_ADD_CLIENTS, each != NULL ? each : scene_ignore,
                       context, NULL, &error) != SEALRING_OK)
        scene_fail("issue: %s", error.message);
    double took = series_clock() - start;
    free(requests);
    free(names);
    return took;
}

struct growth {
    struct scene *scene;
    size_t made;
};

static int keep(const sealring_issued *issued, void *context)
{
    struct growth *growth = context;
    struct scene *scene = growth->scene;
    size_t index = growth->made++;
    size_t length = strlen(issued->credential);
    if (scene->length == 0)
        scene->length = length;
    if (length != scene->length)
        scene_fail("credentials of one ring differ in length");
    if (index < scene->texts)
        memcpy(scene->text[index], issued->credential, length + 1);
    if (EVP_DigestInit_ex(scene->hashing, NULL, NULL) != 1 ||
        EVP_DigestUpdate(scene->hashing, issued->credential, length) != 1 ||
        EVP_DigestFinal_ex(scene->hashing, scene->digests[index], NULL) != 1)
        scene_fail("SHA-256 failed");
    return 0;
}

void scene_grow(struct scene *scene)
{
    struct growth growth = {.scene = scene};
    (void)scene_issue(scene->few, "few", 0, FEW, NULL, NULL);
    struct scene_taking taking = {.text = scene->some_text};
    (void)scene_issue(scene->some, "some", 0, scene->some_count, scene_take, &taking);
    double began = series_clock(), rate = 0;
    for (unsigned batch = 0; growth.made < scene->keys; batch++) {
        size_t first = growth.made;
        size_t count = scene->keys - first < BATCH ? scene->keys - first : BATCH;
        if (batch % BARE_EVERY == 0)
            rate = 1e9 / slice_bare(scene);
        double took = scene_issue(scene->many, "many", first, count, keep, &growth);
        table_add(ROW_ISSUE_GROWING, (double)count / took, 2 * (double)count / took / rate);
        scene_say("making keys: %zu of %zu", growth.made, scene->keys);
    }
    table_note(ROW_ISSUE_GROWING, "%zu keys in batches of %d took %.0f s", scene->keys, BATCH, series_clock() - began);
}

void scene_open_vault(struct scene *scene)
{
    sealring_error error;
    const sealring_options options = {.size = sizeof(options), .no_warming = 1};
    if (sealring_open(scene->many_path, &options, &scene->vault, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
}

void scene_end(struct scene *scene)
{
    sealring_close(&scene->vault);
    bare_close(scene->bare);
    sealring_manager_close(&scene->many);
    sealring_manager_close(&scene->some);
    sealring_manager_close(&scene->few);
    EVP_MD_CTX_free(scene->hashing);
    free(scene->digests);
    free(scene->some_text);
    munmap(scene->text, scene->texts * sizeof(*scene->text));
}
