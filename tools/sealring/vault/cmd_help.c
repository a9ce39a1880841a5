/* SPDX-License-Identifier: Apache-2.0 */
/* sealring help: the overview, a noun's commands, one command; also --help everywhere. */
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/completion/completion.h"
#include "tools/sealring/help.h"
#include "tools/sealring/session.h"

static int run(struct session *session)
{
    const struct options *given = &session->options;
    const char *first = given->arguments[0];
    const char *second = given->arguments[1];
    const char *shell = option_text(given, "completion");
    if (shell != NULL && strcmp(shell, "candidates") == 0) {
        completion_candidates(session);
        return STATUS_DONE;
    }
    if (shell != NULL)
        return completion_print(shell) ? STATUS_DONE
                                       : session_refuse(session, STATUS_USAGE, "--completion wants bash, fish or zsh");
    if (session->json)
        return help_json(first, second) ? STATUS_DONE
                                        : session_refuse(session, STATUS_USAGE, "no such command: see sealring help");
    if (first == NULL) {
        help_overview(&session->out);
        return STATUS_DONE;
    }
    const struct command *command = command_find(first, second);
    if (command != NULL)
        help_command(command, &session->out);
    else if (second == NULL && command_is_noun(first))
        help_noun(first, &session->out);
    else
        return session_refuse(session, STATUS_USAGE, "no such command: see sealring help");
    return STATUS_DONE;
}

const struct command command_help = {
    .words = "help",
    .purpose = "explain the commands",
    .arguments = {{"COMMAND", "a command, or the first of its two words", ARGUMENT_TEXT, 1},
                  {"WORD", "its second word", ARGUMENT_TEXT, 1}},
    .options = {{"completion", "SHELL", "print the completion script for bash, fish or zsh", OPTION_TEXT}},
    .run = run,
    .flags = COMMAND_WITHOUT_VAULT | COMMAND_OPENS_ITSELF,
};
