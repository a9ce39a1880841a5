/* SPDX-License-Identifier: Apache-2.0 */
/* Every command that logs in to a token or changes one, as a command line, and a server. */
#include "crash/kill_commands.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash/kill_server.h"
#include "crash/orphan.h"

const struct kill_command kill_commands[] = {
    {.name = "a server", .line = NULL},
    {.name = "issue", .line = "issue payments --client eager --scope read --scope write"},
    {.name = "rotate", .line = "rotate second --reason test --no-wait"},
    {.name = "prepare", .line = "prepare second"},
    {.name = "activate", .line = "activate payments 4"},
    {.name = "rollback", .line = "rollback payments"},
    {.name = "retire", .line = "retire payments 2 --overrule test --overrule-succession test --no-wait"},
    {.name = "reinstate", .line = "reinstate payments 1"},
    {.name = "compromise",
     .line = "compromise payments 3 --reason test --no-wait",
     .owes = true,
     .closes = true,
     .promotes = true},
    {.name = "destroy", .line = "destroy payments 1 --overrule test", .owes = true},
    {.name = "run --once", .line = "run --once", .owes = true},
    {.name = "verify", .line = "verify", .input = "credential"},
    {.name = "issue --from", .line = "issue payments --from FILES/list.csv"},
    {.name = "reissue", .line = "reissue KEY1"},
    {.name = "reissue --all", .line = "reissue auto --all"},
    {.name = "key rekey", .line = "key rekey KEY2 --reason leaked --no-wait"},
    {.name = "import", .line = "import payments --sha256 FILES/legacy.csv"},
    {.name = "revoke", .line = "revoke KEY2 --reason leaked --no-wait"},
    {.name = "ring create", .line = "ring create third --prefix acme_three"},
    {.name = "client add", .line = "client add newcomer"},
    {.name = "compromise without a successor",
     .line = "compromise second 1 --reason test --no-wait",
     .owes = true,
     .closes = true},
    {.name = "destroy a pending version", .line = "destroy payments 4 --overrule test", .owes = true},
    {.name = "reissue an imported key", .line = "reissue KEY8"},
    {.name = "key suspend", .line = "key suspend KEY2 --no-wait"},
    {.name = "key resume", .line = "key resume KEY7"},
    {.name = "key set --no-scopes", .line = "key set KEY2 --no-scopes --no-wait"},
    {.name = "key set --label", .line = "key set KEY2 --label renamed"},
    {.name = "ring set", .line = "ring set payments --keep 7"},
    {.name = "client set", .line = "client set idle --contact other@example.org"},
    {.name = "client forget", .line = "client forget idle"},
    {.name = "explain", .line = "explain", .input = "credential"},
    {.name = "token destroy-object", .line = "token destroy-object ORPHAN --reason test", .orphan = true},
    {.name = "usage", .line = "usage"},
    {.name = "doctor", .line = "doctor"},
    {.name = "doctor --repair", .line = "doctor --repair"},
    {.name = "backup", .line = "backup VAULT/another"},
    {.name = "restore", .line = "restore VAULT/kept --no-wait", .alone = true},
    {.name = "init", .line = "init", .makes = true, .alone = true},
};

const unsigned kill_command_count = sizeof kill_commands / sizeof kill_commands[0];

static void write_file(const char *files, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", files, name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
}

void kill_commands_write(const struct scene *scene, const char *files)
{
    static const char key[] = "another-legacy-key-of-the-old-system";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[1024] = "client,sha256,expires\nold,";
    SHA256((const unsigned char *)key, strlen(key), digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%02x", digest[i]);
    strcat(text, ",2099-01-01T00:00:00Z\n");
    write_file(files, "legacy.csv", text);
    write_file(files, "list.csv", "client,label,scopes\neager,one,read\neager,two,read\nnewcomer,one,\n");
    write_file(files, "credential", scene->texts[GROUND_ACTIVE]);
    text[0] = '\0';
    for (size_t i = 0; i < SCENE_TEXTS; i++)
        if (i == GROUND_ACTIVE || i == GROUND_RETIRING || i == GROUND_SECOND)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", scene->texts[i]);
    write_file(files, KILL_SERVER_TEXTS, text);
}

/* What a word has to be replaced by from its beginning on; NULL: nothing. */
static const char *value_of(const char *word, const struct scene *scene, const char *vault, const char *files,
                            size_t *length)
{
    *length = 5;
    if (strncmp(word, "VAULT", 5) == 0)
        return vault;
    if (strncmp(word, "FILES", 5) == 0)
        return files;
    *length = 6;
    if (strncmp(word, "ORPHAN", 6) == 0) {
        static char digits[ORPHAN_ID_SIZE];
        orphan_id(vault, digits);
        return digits;
    }
    *length = 4;
    if (strncmp(word, "KEY", 3) == 0)
        return scene->key_ids[word[3] - '0'];
    return NULL;
}

void kill_command_words(const struct kill_command *command, const struct scene *scene, const char *vault,
                        const char *files, char room[2048], char *words[KILL_WORDS + 1])
{
    char line[256];
    char *at = room;
    size_t count = 0, left = 2048, length;
    bool serves = command->line == NULL;
    snprintf(line, sizeof line, "%s %s", serves ? "/proc/self/exe" : CRASH_BUILD "/.libs/sealring",
             serves ? KILL_SERVER_WORD " VAULT FILES/" KILL_SERVER_TEXTS : command->line);
    for (char *rest = NULL, *word = strtok_r(line, " ", &rest); word != NULL && count < KILL_WORDS;
         word = strtok_r(NULL, " ", &rest)) {
        const char *value = value_of(word, scene, vault, files, &length);
        int written = value != NULL ? snprintf(at, left, "%s%s", value, word + length) : snprintf(at, left, "%s", word);
        ck_assert(written >= 0 && (size_t)written < left);
        words[count++] = at;
        at += written + 1;
        left -= (size_t)written + 1;
    }
    words[count] = NULL;
}
