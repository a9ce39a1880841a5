/* SPDX-License-Identifier: Apache-2.0 */
/* A vault under a bad token that can be put back as it was, copied for parallel work, and searched for secrets. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "fault/ground.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base62.h"
#include "credential/credential_text.h"
#include "lib/test_token.h"

#define FILE_MAX_SIZE (8 * 1024 * 1024)
#define TOKEN_COUNTER 8

/* ---- The original */

static void change(sealring_manager *manager, const char *ring, sealring_event event, uint32_t version)
{
    sealring_error error = {0};
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    ASSERT_OK(sealring_version_change(manager, ring, event, version, event == SEALRING_EVENT_RETIRE ? &overrule : NULL,
                                      NULL, &error),
              error);
}

static void issue(sealring_manager *manager, struct ground *ground, enum ground_text which, const char *ring,
                  const char *client)
{
    test_vault_issue(manager, ring, client, "read", ground->texts[which], ground->key_ids[which]);
}

static void forge(struct ground *ground)
{
    struct text_parts parts;
    const char *text = ground->texts[GROUND_ACTIVE];
    ck_assert_int_eq(text_parse(text, strlen(text), &parts, NULL), TEXT_GOOD);
    parts.secret[7] ^= 1;
    ck_assert_uint_gt(
        text_format(parts.prefix, parts.key_id, parts.version, parts.secret, ground->texts[GROUND_FORGED]), 0);
}

static void read_pin(struct ground *ground)
{
    char path[160];
    snprintf(path, sizeof path, "%s/pins/keys.pin", ground->vault.path);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(ground->pin, sizeof ground->pin, file));
    fclose(file);
    ground->pin[strcspn(ground->pin, "\n")] = '\0';
    ck_assert_uint_ge(strlen(ground->pin), 16);
}

typedef void (*ground_more)(struct ground *ground, sealring_manager *manager, void *context);

static void fill(struct ground *ground, ground_more more, void *context)
{
    sealring_error error = {0};
    sealring_policy policy = {.overlap = 3600000, .keep = 10};
    test_vault_make(&ground->vault);
    sealring_manager *manager = test_vault_manage(&ground->vault);
    ASSERT_OK(sealring_ring_create(manager, GROUND_RING, "acme_live", &policy,
                                   SEALRING_POLICY_OVERLAP | SEALRING_POLICY_KEEP, &error),
              error);
    test_vault_ring(manager, GROUND_OTHER, "acme_two", 3600000);
    issue(manager, ground, GROUND_RETIRED, GROUND_RING, "first");
    issue(manager, ground, GROUND_SECOND, GROUND_OTHER, "other");
    change(manager, GROUND_RING, SEALRING_EVENT_ROTATE, 0);
    issue(manager, ground, GROUND_RETIRING, GROUND_RING, "second");
    change(manager, GROUND_RING, SEALRING_EVENT_RETIRE, 1);
    change(manager, GROUND_RING, SEALRING_EVENT_ROTATE, 0);
    issue(manager, ground, GROUND_ACTIVE, GROUND_RING, "third");
    issue(manager, ground, GROUND_ACTIVE_TOO, GROUND_RING, "fourth");
    issue(manager, ground, GROUND_REVOKED, GROUND_RING, "fifth");
    ASSERT_OK(sealring_key_set_state(manager, ground->key_ids[GROUND_REVOKED], SEALRING_KEY_REVOKED, NULL, &error),
              error);
    change(manager, GROUND_RING, SEALRING_EVENT_PREPARE, 0);
    if (more != NULL)
        more(ground, manager, context);
    sealring_manager_close(&manager);
    forge(ground);
    read_pin(ground);
    test_vault_module(&ground->vault, MODULE_FAULT);
}

struct ground *ground_make(void)
{
    return ground_make_with(NULL, NULL);
}

void *ground_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

struct ground *ground_make_with(ground_more more, void *context)
{
    struct ground *ground = ground_share(sizeof *ground);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        fill(ground, more, context);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the vault could not be made");
    return ground;
}

void ground_remove(struct ground *ground)
{
    test_vault_remove(&ground->vault);
    munmap(ground, sizeof *ground);
}

uint32_t ground_version(enum ground_text text, const char **ring)
{
    static const struct {
        const char *ring;
        uint32_t version;
    } versions[GROUND_TEXTS] = {
        [GROUND_RETIRED] = {GROUND_RING, 1}, [GROUND_RETIRING] = {GROUND_RING, 2},
        [GROUND_ACTIVE] = {GROUND_RING, 3},  [GROUND_ACTIVE_TOO] = {GROUND_RING, 3},
        [GROUND_SECOND] = {GROUND_OTHER, 1},
    };
    *ring = versions[text].ring;
    return versions[text].version;
}

/* ---- Copies */

static char file_content[FILE_MAX_SIZE + 1];
static const char *copied_from, *copied_to; /* directories */

static size_t read_whole(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return 0;
    ssize_t got = read(descriptor, file_content, FILE_MAX_SIZE);
    close(descriptor);
    return got > 0 ? (size_t)got : 0;
}

/* The copy's path is as long as the original's: where a configuration names the one it may name the other. */
static void name_copy(size_t length)
{
    size_t size = strlen(copied_from);
    for (char *at = file_content; (at = memmem(at, length - (size_t)(at - file_content), copied_from, size)) != NULL;
         at += size)
        memcpy(at, copied_to, size);
}

static bool ends_in(const char *path, const char *end)
{
    size_t length = strlen(path);
    return length > strlen(end) && strcmp(path + length - strlen(end), end) == 0;
}

static int copy_entry(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    char target[512];
    (void)walk;
    snprintf(target, sizeof target, "%s%s", copied_to, path + strlen(copied_from));
    if (kind == FTW_D)
        return mkdir(target, file->st_mode & 07777);
    size_t length = read_whole(path);
    if (ends_in(path, ".conf"))
        name_copy(length);
    int descriptor = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->st_mode & 07777);
    if (descriptor < 0)
        return -1;
    bool written = write(descriptor, file_content, length) == (ssize_t)length;
    close(descriptor);
    return written ? 0 : -1;
}

static unsigned entries; /* met on the walk */
static bool exactly;

static int count_entry(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)path;
    (void)file;
    (void)kind;
    (void)walk;
    entries++;
    return 0;
}

/* SoftHSM2 writes a token's own object when somebody logs in, and counts that in its first bytes. */
static bool differ(const char *path, const char *one, const char *other, size_t length)
{
    size_t counter = ends_in(path, "/token.object") && length > TOKEN_COUNTER ? TOKEN_COUNTER : 0;
    exactly = exactly && memcmp(one, other, counter) == 0;
    return memcmp(one + counter, other + counter, length - counter) != 0;
}

/* Not 0 if the copy's is another. */
static int compare_entry(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    static char copied[FILE_MAX_SIZE];
    char target[512];
    struct stat facts;
    (void)walk;
    entries++;
    snprintf(target, sizeof target, "%s%s", copied_to, path + strlen(copied_from));
    if (lstat(target, &facts) != 0 || facts.st_mode != file->st_mode)
        return 1;
    if (kind == FTW_D || ends_in(path, "-shm"))
        return 0;
    if (facts.st_size != file->st_size)
        return 1;
    size_t length = read_whole(target);
    memcpy(copied, file_content, length);
    if (read_whole(path) != length)
        return 1;
    if (ends_in(path, ".conf"))
        name_copy(length);
    return differ(path, copied, file_content, length);
}

bool place_is_original(struct place *place)
{
    copied_from = place->ground->vault.path;
    copied_to = place->vault.path;
    exactly = true;
    entries = 0;
    if (nftw(place->ground->vault.path, compare_entry, 16, FTW_PHYS) != 0)
        return false;
    unsigned original = entries;
    entries = 0;
    bool same = nftw(place->vault.path, count_entry, 16, FTW_PHYS) == 0 && entries == original;
    place->copied = same && exactly ? place->ground : NULL;
    return same;
}

static int remove_entry(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void make_faulting(struct place *place)
{
    char path[128];
    snprintf(path, sizeof path, "%.80s.faulting", place->vault.path);
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(ftruncate(descriptor, sizeof *place->faulting), 0);
    place->faulting = mmap(NULL, sizeof *place->faulting, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    ck_assert_ptr_ne(place->faulting, MAP_FAILED);
    close(descriptor);
    ck_assert_int_eq(setenv(FAULTING_FILE, path, 1), 0);
    ck_assert_int_eq(setenv(FAULTING_MODULE, test_token_module(), 1), 0);
}

void place_make(struct place *place, const struct ground *ground, unsigned number)
{
    char configuration[160];
    memset(place, 0, sizeof *place);
    place->ground = ground;
    memcpy(place->vault.parent, ground->vault.parent, sizeof place->vault.parent);
    memcpy(place->vault.path, ground->vault.path, sizeof place->vault.path);
    char *end = place->vault.path + strlen(place->vault.path);
    end[-2] = (char)('0' + number / 10 % 10);
    end[-1] = (char)('0' + number % 10);
    snprintf(place->vault.registry, sizeof place->vault.registry, "%.80s/registry/sealring.db", place->vault.path);
    snprintf(place->tokens, sizeof place->tokens, "%.80s/tokens/softhsm2", place->vault.path);
    snprintf(place->output, sizeof place->output, "%.80s.output", place->vault.path);
    snprintf(configuration, sizeof configuration, "%.80s/tokens/softhsm2.conf", place->vault.path);
    ck_assert_int_eq(setenv("SOFTHSM2_CONF", configuration, 1), 0);
    make_faulting(place);
}

static void copy_whole(const char *from, const char *to)
{
    (void)nftw(to, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    copied_from = from;
    copied_to = to;
    ck_assert_int_eq(nftw(from, copy_entry, 16, FTW_PHYS), 0);
}

void place_restore(struct place *place)
{
    memset(place->faulting, 0, sizeof *place->faulting);
    snprintf(place->faulting->directory, sizeof place->faulting->directory, "%s", place->tokens);
    if (place->copied != place->ground)
        copy_whole(place->ground->vault.path, place->vault.path);
    place->copied = NULL;
    int descriptor = open(place->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
}

/* Its name is as long as the place's. */
static void name_kept(const struct place *place, char path[128])
{
    size_t length = strlen(place->vault.path);
    snprintf(path, 128, "%.80s", place->vault.path);
    memcpy(path + length - 5, "kep", 3);
}

void place_keep(const struct place *place)
{
    char kept[128];
    name_kept(place, kept);
    copy_whole(place->vault.path, kept);
}

void place_bring_back(const struct place *place)
{
    char kept[128];
    name_kept(place, kept);
    copy_whole(kept, place->vault.path);
}

void place_remove(struct place *place)
{
    (void)nftw(place->vault.path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    munmap(place->faulting, sizeof *place->faulting);
}

/* ---- The script */

void place_script(const struct place *place, enum fault_kind kind, enum fault_function function, uint64_t from,
                  uint64_t times, unsigned long code)
{
    struct faulting *faulting = place->faulting;
    atomic_store(&faulting->kind, FAULT_NONE);
    for (size_t i = 0; i < FAULT_FUNCTION_COUNT; i++)
        atomic_store(&faulting->calls[i], 0);
    atomic_store(&faulting->all, 0);
    atomic_store(&faulting->met, 0);
    atomic_store(&faulting->function, function);
    atomic_store(&faulting->from, from);
    atomic_store(&faulting->times, times);
    atomic_store(&faulting->code, code);
    atomic_store(&faulting->kind, kind);
}

void place_heal(const struct place *place)
{
    char away[sizeof place->tokens + sizeof FAULT_SUFFIX];
    snprintf(away, sizeof away, "%s" FAULT_SUFFIX, place->tokens);
    atomic_store(&place->faulting->kind, FAULT_NONE);
    atomic_store(&place->faulting->gone, 0);
    (void)rename(away, place->tokens);
}

/* ---- Canaries */

struct needles {
    const void *bytes[2 + 4 * (GROUND_TEXTS + 1)];
    size_t lengths[2 + 4 * (GROUND_TEXTS + 1)];
    const char *names[2 + 4 * (GROUND_TEXTS + 1)];
    size_t count;
    struct text_parts parts[GROUND_TEXTS + 1];
    char hexadecimal[GROUND_TEXTS + 1][2 * TEXT_SECRET_SIZE + 1];
};

static void add_needle(struct needles *needles, const char *name, const void *bytes, size_t length)
{
    needles->names[needles->count] = name;
    needles->bytes[needles->count] = bytes;
    needles->lengths[needles->count++] = length;
}

static void add_text(struct needles *needles, size_t number, const char *text)
{
    struct text_parts *parts = &needles->parts[number];
    if (text_parse(text, strlen(text), parts, NULL) != TEXT_GOOD)
        return;
    hex_encode(parts->secret, TEXT_SECRET_SIZE, needles->hexadecimal[number]);
    add_needle(needles, "a credential's secret as in its text", strrchr(text, '_') + 1, 43);
    add_needle(needles, "a derived secret", parts->secret, TEXT_SECRET_SIZE);
    add_needle(needles, "a derived secret in hexadecimal", needles->hexadecimal[number], 2 * TEXT_SECRET_SIZE);
}

static bool is_clean(const char *path, const struct needles *needles, char found[256])
{
    size_t length = read_whole(path);
    for (size_t i = 0; i < needles->count; i++) {
        if (memmem(file_content, length, needles->bytes[i], needles->lengths[i]) != NULL) {
            snprintf(found, 256, "%s is in %.150s", needles->names[i], path);
            return false;
        }
    }
    return true;
}

static bool directory_is_clean(const char *vault, const char *name, const struct needles *needles, char found[256])
{
    char path[600];
    struct dirent *entry;
    bool clean = true;
    snprintf(path, sizeof path, "%s/%s", vault, name);
    DIR *directory = opendir(path);
    while (directory != NULL && clean && (entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof path, "%s/%s/%s", vault, name, entry->d_name);
        clean = entry->d_name[0] == '.' || is_clean(path, needles, found);
    }
    if (directory != NULL)
        closedir(directory);
    return clean;
}

bool place_is_clean(const struct place *place, const char *issued, char found[256])
{
    static const char *const directories[] = {"registry", "verifiers", "login"};
    static struct needles needles;
    memset(&needles, 0, sizeof needles);
    add_needle(&needles, "the PIN", place->ground->pin, strlen(place->ground->pin));
    for (size_t i = 0; i < GROUND_TEXTS; i++)
        add_text(&needles, i, place->ground->texts[i]);
    if (issued[0] != '\0')
        add_text(&needles, GROUND_TEXTS, issued);
    bool clean = is_clean(place->output, &needles, found);
    for (size_t i = 0; clean && i < sizeof directories / sizeof directories[0]; i++)
        clean = directory_is_clean(place->vault.path, directories[i], &needles, found);
    return clean;
}
