/* SPDX-License-Identifier: Apache-2.0 */
/* The command sealring: reads the command line, runs one subcommand, checks that its output was written. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/help.h"
#include "tools/sealring/output.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/terminal.h"

/* Whether --json was given, also on a command line that cannot be read otherwise. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int refuse(struct session *session, const char *problem)
{
    const struct command *command = session->options.command;
    if (command != NULL && command != &command_help)
        return session_refuse(session, STATUS_USAGE, "%s; see sealring help %s", problem, command->words);
    return session_refuse(session, STATUS_USAGE, "%s; see sealring help", problem);
}

static int run(struct session *session, int argc, char **argv)
{
    session->out = style_of(stdout);
    session->err = style_of(stderr);
    session->json = wants_json(argc, argv);
    if (!options_read(&session->options, argc, argv))
        return refuse(session, session->options.problem);
    session->command = session->options.command;
    if (session->command == NULL && option_given(&session->options, "version")) {
        terminal_print(&session->out, "sealring %s\n", sealring_library_version());
        return STATUS_DONE;
    }
    bool help = option_given(&session->options, "help");
    if (session->command == NULL && !help)
        return refuse(session, "no command was given");
    if (session->command != NULL && help) {
        help_command(session->command, &session->out);
        return STATUS_DONE;
    }
    if (session->command == NULL)
        session->command = &command_help;
    int result = session_start(session);
    if (result == STATUS_DONE && session->command->check != NULL)
        result = session->command->check(session);
    if (result == STATUS_DONE && (session->command->flags & COMMAND_OPENS_ITSELF) == 0)
        result = session_open(session);
    return result == STATUS_DONE ? session->command->run(session) : result;
}

/* What the token's module keeps in this process, and how, is its own affair: PIN and keys, with one in software. So this process leaves no
 * core, and other processes of its user cannot look into it by way of /proc. */
static void keep_to_itself(void)
{
#if !defined(__SANITIZE_ADDRESS__) /* whose search for leaks examines it from another process */
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(int argc, char **argv)
{
    struct session session = {0};
    keep_to_itself();
    int result = output_start();
    if (result != STATUS_DONE)
        return result;
    result = run(&session, argc, argv);
    session_end(&session);
    return output_finish(result);
}
