/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of files: who may read and write the vault's files, who owns them, and what is missing. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/verifier_group.h"
#include "manage/doctor/doctor_parts.h"
#include "registry/connection/filesystem.h"
#include "token/pin/pin.h"
#include "token/pin/pin_source.h"

#define OTHERS_WRITE (S_IWGRP | S_IWOTH)

/* "its group", "others", "its group and others": those who have any of these permissions. */
static const char *who(mode_t mode, mode_t bits)
{
    bool group = (mode & bits & S_IRWXG) != 0, others = (mode & bits & S_IRWXO) != 0;
    return group && others ? "its group and by others" : group ? "its group" : "others";
}

/* ---- before anything is opened ---------------------------------------------------------------------------------------- */

static void look_at_root(struct doctor *doctor, enum doctor_kind kind, const char *path, const char *name)
{
    struct stat file;
    if (stat(path, &file) == 0 && (file.st_mode & OTHERS_WRITE) != 0)
        doctor_find(doctor, kind, path, "%s can be written by %s", name, who(file.st_mode, OTHERS_WRITE));
}

void doctor_look_at_vault(struct doctor *doctor)
{
    char path[PATH_MAX];
    look_at_root(doctor, DOCTOR_VAULT_WRITABLE, doctor->vault, "the vault's directory");
    if (snprintf(path, sizeof path, "%s/" CONFIG_FILE, doctor->vault) < (int)sizeof path)
        look_at_root(doctor, DOCTOR_CONFIG_WRITABLE, path, "the configuration");
}

/* ---- one thing each ------------------------------------------------------------------------------------------------------ */

/* Permissions that must be removed; `what` is a sentence without its subject. */
static bool look_at_mode(struct doctor *doctor, enum doctor_kind kind, const char *path, mode_t wrong, const char *name,
                         const char *can)
{
    struct stat file;
    if (stat(path, &file) != 0 || (file.st_mode & wrong) == 0)
        return false;
    if (S_ISDIR(file.st_mode) && (file.st_mode & S_ISVTX) != 0 && wrong == OTHERS_WRITE)
        return false; /* nobody can remove or replace another's files there */
    struct doctor_finding *finding = doctor_find(doctor, kind, path, "%s can be %s by %s (mode %03o)", name, can,
                                                 who(file.st_mode, wrong), (unsigned)(file.st_mode & 0777));
    finding->mode = file.st_mode & wrong;
    finding->hopeless = geteuid() != 0 && geteuid() != file.st_uid;
    return true;
}

/* The vault belongs to the owner of its directory. */
static void look_at_owner(struct doctor *doctor, const char *path, const struct stat *vault)
{
    struct stat file;
    if (lstat(path, &file) != 0 || file.st_uid == vault->st_uid)
        return;
    struct doctor_finding *finding =
        doctor_find(doctor, DOCTOR_WRONG_OWNER, path, "it belongs to uid %lu, the vault to uid %lu",
                    (unsigned long)file.st_uid, (unsigned long)vault->st_uid);
    finding->owner = vault->st_uid;
    finding->group = vault->st_gid;
    finding->hopeless = geteuid() != 0;
}

static bool is_inside(const struct doctor *doctor, const char *path)
{
    size_t length = strlen(doctor->config->directory);
    return strncmp(path, doctor->config->directory, length) == 0 && path[length] == '/';
}

/* The directory that contains a file; false for the vault's own, which was examined before. */
static bool directory_of(const struct doctor *doctor, const char *path, char directory[PATH_MAX])
{
    snprintf(directory, PATH_MAX, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash == NULL || slash == directory)
        return false;
    *slash = '\0';
    return strcmp(directory, doctor->config->directory) != 0;
}

/* wanted: the mode with which it is made if it is missing; 0: it need not exist. */
static void look_at_directory(struct doctor *doctor, const char *path, const struct stat *vault, mode_t wanted)
{
    struct stat file;
    if (stat(path, &file) == 0) {
        bool open = look_at_mode(doctor, DOCTOR_DIRECTORY_WRITABLE, path, OTHERS_WRITE, "the directory", "written");
        if (open && !is_inside(doctor, path) && doctor->findings.count > 0)
            doctor->findings.items[doctor->findings.count - 1].hopeless = true; /* others may use it as well */
        if (is_inside(doctor, path))
            look_at_owner(doctor, path, vault);
        return;
    }
    if (wanted == 0 || errno != ENOENT)
        return;
    struct doctor_finding *finding = doctor_find(doctor, DOCTOR_DIRECTORY_MISSING, path, "it is not there");
    finding->mode = wanted;
    finding->owner = vault->st_uid;
    finding->group = vault->st_gid;
}

/* A file or directory that nobody but the owner may use. */
static void look_at_private(struct doctor *doctor, enum doctor_kind kind, const char *path, const struct stat *vault,
                            const char *name, const char *can)
{
    look_at_mode(doctor, kind, path, S_IRWXG | S_IRWXO, name, can);
    look_at_owner(doctor, path, vault);
}

/* Only a systemd unit has a credential of systemd: a doctor that is started by hand has none to examine. */
static bool pin_is_elsewhere(const char *source)
{
    char path[PATH_MAX];
    enum pin_source kind = pin_source_of(source);
    return source[0] == '\0' || kind == PIN_SOURCE_TERMINAL ||
           (kind == PIN_SOURCE_CREDENTIAL && pin_source_path(source, path, NULL) != SEALRING_OK);
}

static void look_at_pin(struct doctor *doctor, const char *path, const char *token)
{
    char name[64];
    struct stat file;
    struct pin pin;
    sealring_error error = {.message = ""};
    bool is_file = pin_source_of(path) != PIN_SOURCE_CREDENTIAL;
    if (pin_is_elsewhere(path))
        return;
    snprintf(name, sizeof name, "the file with the PIN of the %s", token);
    if (is_file && stat(path, &file) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        doctor_find(doctor, DOCTOR_PIN_MISSING, path, "%s is not there", name);
        return;
    }
    if (is_file &&
        (look_at_mode(doctor, DOCTOR_PIN_OPEN, path, S_IRWXG | S_IRWXO, name, "used") || access(path, R_OK) != 0))
        return;
    if (pin_read(path, &pin, &error) == SEALRING_OK) {
        pin_free(&pin);
        return;
    }
    struct doctor_finding *finding = doctor_find(doctor, DOCTOR_PIN_UNUSABLE, path, "%s", error.message);
    if (!is_file)
        finding->pattern = "have LoadCredential= of the unit name a file with the PIN in its first line";
}

/* Left by an `init` that was killed. */
static void look_at_leftover(struct doctor *doctor)
{
    char path[PATH_MAX];
    struct stat file;
    if (snprintf(path, sizeof path, "%s/" CONFIG_FILE ".new", doctor->config->directory) < (int)sizeof path &&
        lstat(path, &file) == 0)
        doctor_find(doctor, DOCTOR_LEFTOVER_FILE, path, "there is an unfinished configuration beside the vault's");
}

/* What users of the verifier group may read and write. */
static void look_at_group(struct doctor *doctor)
{
    const char *group = doctor->config->verifier_group;
    struct group_place place = {.mode = 0};
    struct stat file;
    sealring_error error;
    gid_t gid;
    if (group[0] == '\0')
        return;
    if (group_find(group, &gid, &error) != SEALRING_OK) {
        group_place(doctor->config, GROUP_CONFIGURATION, &place);
        doctor_find(doctor, DOCTOR_VERIFIER_GROUP, place.path, "it names a verifier-group, and %s", error.message)
            ->hopeless = true;
        return;
    }
    for (size_t i = 0; i < GROUP_PLACES; i++) {
        group_place(doctor->config, i, &place);
        if (!group_differs(&place, gid, &file))
            continue;
        struct doctor_finding *finding =
            doctor_find(doctor, DOCTOR_VERIFIER_GROUP, place.path,
                        "it has group %lu and mode %04o, for the verifier group %s it should have %lu and %04o",
                        (unsigned long)file.st_gid, (unsigned)(file.st_mode & 07777), group, (unsigned long)gid,
                        (unsigned)((file.st_mode & S_IRWXU) | place.mode));
        finding->mode = place.mode;
        finding->group = gid;
        finding->hopeless = geteuid() != 0;
    }
}

/* A configuration of an older program, or of a vault that was moved. */
static void look_at_place(struct doctor *doctor)
{
    char path[PATH_MAX + 32];
    if (doctor->config->place[0] != '\0')
        return;
    snprintf(path, sizeof path, "%s/" CONFIG_FILE, doctor->config->directory);
    doctor_find(doctor, DOCTOR_PLACE_MISSING, path, "it does not have the directory that it is about");
}

/* ---- all ------------------------------------------------------------------------------------------------------------------- */

void doctor_look_at_files(struct doctor *doctor)
{
    static const char *const companions[] = {"", "-wal", "-shm"};
    const struct config *config = doctor->config;
    char path[PATH_MAX + 16];
    sealring_error error;
    struct stat vault;
    if (stat(config->directory, &vault) != 0)
        return;
    if (directory_of(doctor, config->registry, path))
        look_at_directory(doctor, path, &vault, 0);
    if (directory_of(doctor, config->pin_source, path))
        look_at_directory(doctor, path, &vault, 0);
    if (directory_of(doctor, config->login_record, path))
        look_at_directory(doctor, path, &vault, 0700);
    look_at_directory(doctor, config->verifiers, &vault, 0750);
    snprintf(path, sizeof path, "%.*s/tokens", PATH_MAX - 16, config->directory);
    look_at_mode(doctor, DOCTOR_TOKENS_OPEN, path, S_IRWXG | S_IRWXO, "the software token's directory", "used");
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++) {
        snprintf(path, sizeof path, "%s%s", config->registry, companions[i]);
        if (!look_at_mode(doctor, DOCTOR_REGISTRY_WRITABLE, path, OTHERS_WRITE, "this file of the registry", "written"))
            look_at_mode(doctor, DOCTOR_REGISTRY_READABLE, path, S_IRWXO, "this file of the registry", "used");
        look_at_owner(doctor, path, &vault);
    }
    snprintf(path, sizeof path, "%s.backup.lock", config->registry);
    const char *const locks[] = {config->lock, config->work, config->urgent, path};
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++)
        look_at_private(doctor, DOCTOR_LOCK_OPEN, locks[i], &vault, "this lock file", "held");
    look_at_pin(doctor, config->pin_source, "PKCS#11 token");
    look_at_pin(doctor, config->audit_pin_source, "audit token");
    look_at_private(doctor, DOCTOR_LOGIN_RECORD_OPEN, config->login_record, &vault, "the login record", "used");
    look_at_private(doctor, DOCTOR_LOGIN_RECORD_OPEN, config->audit_login_record, &vault, "the login record", "used");
    look_at_mode(doctor, DOCTOR_MODULE_WRITABLE, config->module, OTHERS_WRITE, "the PKCS#11 module", "written");
    look_at_leftover(doctor);
    look_at_place(doctor);
    look_at_group(doctor);
    bool registry = filesystem_check(config->registry, &error) != SEALRING_OK;
    if (registry || config_check_places(config, &error) != SEALRING_OK)
        doctor_find(doctor, DOCTOR_REGISTRY_ON_NETWORK, registry ? config->registry : config->directory, "%s",
                    error.message);
}
