/* SPDX-License-Identifier: Apache-2.0 */
/* Every command that logs in to a token or changes one, as a command line, and a server. */
#ifndef TESTS_CRASH_KILL_COMMANDS_H
#define TESTS_CRASH_KILL_COMMANDS_H

#include <stdbool.h>

#include "crash/scene.h"

#define KILL_WORDS 16

/* In the words: VAULT, FILES (a directory with what kill_commands_write has written), and KEY of a scene_text by its number. */
struct kill_command {
    const char *name;
    const char *line;  /* NULL: the server (crash/kill_server.h) */
    const char *input; /* a file below FILES; NULL: none */
    bool owes;         /* an operator says it again if the token still owes a destruction */
    bool closes;       /* it closes a key even if the registry cannot record it, and then wants to be said again */
    bool promotes; /* it makes the standby active, unless a server that starts beside it has not proved that key yet */
    bool makes;    /* it makes a vault where there is none */
    bool orphan;   /* it destroys a key that no version has, and is said again if it could not */
    bool alone;    /* a server that opens the vault meanwhile may find no registry */
};

extern const struct kill_command kill_commands[];
extern const unsigned kill_command_count;

/* What the commands read, in a directory that is there. Fails the test if it cannot. */
void kill_commands_write(const struct scene *scene, const char *files);

/* The command's words, in `room`; the last is NULL. */
void kill_command_words(const struct kill_command *command, const struct scene *scene, const char *vault,
                        const char *files, char room[2048], char *words[KILL_WORDS + 1]);

#endif
