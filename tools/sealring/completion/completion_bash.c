/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for bash: tables as functions with one case each, then the same few lines for all of them. */
#include "tools/sealring/completion/completion.h"

#include <stdio.h>

/* What each kind of value is called in the script. */
static const char *const kind_names[] = {
    [COMPLETION_NOTHING] = "nothing", [COMPLETION_DIRECTORY] = "directory", [COMPLETION_FILE] = "file",
    [COMPLETION_SHELL] = "shell",     [COMPLETION_RING] = "ring",           [COMPLETION_CLIENT] = "client",
    [COMPLETION_COMMAND] = "command", [COMPLETION_VERB] = "verb",
};

static const char head[] = "# Completion of sealring(1) for bash, printed by `sealring help --completion bash`.\n"
                           "# shellcheck shell=bash\n";

static const char tail[] =
    "# Names of the vault's rings or clients; the command asks no PKCS#11 token for them.\n"
    "_sealring_names() { # ring|client VAULT\n"
    "    sealring \"$1\" list --json ${2:+--vault \"$2\"} 2>/dev/null </dev/null |\n"
    "        sed -n 's/^ *\"name\": \"\\([^\"]*\\)\".*/\\1/p'\n"
    "}\n"
    "\n"
    "_sealring_offer() { # KIND WORD VAULT\n"
    "    local words=''\n"
    "    case $1 in\n"
    "    directory)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -d -- \"$2\")\n"
    "        return ;;\n"
    "    file)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$2\")\n"
    "        return ;;\n"
    "    shell) words='bash fish zsh' ;;\n"
    "    ring | client) words=$(_sealring_names \"$1\" \"$3\") ;;\n"
    "    command) words=$(_sealring_words '') ;;\n"
    "    verb) words=$(_sealring_words \"$4\") ;;\n"
    "    esac\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$2\")\n"
    "}\n"
    "\n"
    "_sealring() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} command='' option='' vault='' last='' word\n"
    "    local -i place=0 i\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ -n $option ]]; then # its value; bash makes a word of the = in --option=value\n"
    "            [[ $word == '=' ]] && continue\n"
    "            [[ $option == --vault ]] && vault=$word\n"
    "            option=''\n"
    "        elif [[ $word == -* ]]; then\n"
    "            [[ -z $(_sealring_kind \"$command\" \"$word\") ]] || option=$word\n"
    "        elif [[ -z $command || -n $(_sealring_words \"$command\") ]]; then\n"
    "            command=${command:+$command }$word\n"
    "        else\n"
    "            place+=1\n"
    "            last=$word\n"
    "        fi\n"
    "    done\n"
    "    if [[ -n $option ]]; then\n"
    "        [[ $current == '=' ]] && current=''\n"
    "        _sealring_offer \"$(_sealring_kind \"$command\" \"$option\")\" \"$current\" \"$vault\"\n"
    "    elif [[ $current == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$(_sealring_options \"$command\")\" -- \"$current\")\n"
    "    elif [[ -z $command || -n $(_sealring_words \"$command\") ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$(_sealring_words \"$command\")\" -- \"$current\")\n"
    "    else\n"
    "        _sealring_offer \"$(_sealring_argument \"$command\" $place)\" \"$current\" \"$vault\" \"$last\"\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -F _sealring sealring\n";

static void print_word(const char *word, const struct command *command, void *context)
{
    (void)command;
    printf("%s%s", *(const char **)context, word);
    *(const char **)context = " ";
}

static void print_verbs(const char *word, const struct command *command, void *context)
{
    const char *separator = "";
    (void)context;
    if (command != NULL)
        return;
    printf("    '%s') echo '", word);
    completion_second_words(word, print_word, &separator);
    printf("' ;;\n");
}

static void print_words(void)
{
    const char *separator = "";
    printf("\n_sealring_words() { # WORD: what may follow it on the command line; '' begins a command\n    case $1 in\n"
           "    '') echo '");
    completion_first_words(print_word, &separator);
    printf("' ;;\n");
    completion_first_words(print_verbs, NULL);
    printf("    esac\n}\n");
}

/* A NULL command: what may precede any command. */
static void print_options_of(const struct command *command)
{
    const struct option *option = NULL;
    printf("    '%s') echo '", command != NULL ? command->words : "");
    for (size_t i = 0; (option = command_option(command, i)) != NULL; i++)
        printf("%s--%s", i > 0 ? " " : "", option->name);
    printf("%s' ;;\n", command == NULL ? " --version" : "");
}

/* A NULL command: the options of all commands. */
static void print_kinds_of(const struct command *command)
{
    const struct option *option = command != NULL ? command->options : command_option(NULL, 0);
    for (; option->name != NULL; option++)
        if (option->value != NULL)
            printf("    '%s:--%s') echo %s ;;\n", command != NULL ? command->words : "'*'", option->name,
                   kind_names[completion_kind(command, option->value)]);
}

static void print_arguments_of(const struct command *command)
{
    int place = 0;
    for (const struct argument *a = command->arguments; a->name != NULL; a++, place++)
        printf("    '%s:%d') echo %s ;;\n", command->words, place, kind_names[completion_kind(command, a->name)]);
}

void completion_bash(void)
{
    fputs(head, stdout);
    print_words();
    printf("\n_sealring_options() { # COMMAND\n    case $1 in\n");
    print_options_of(NULL);
    for (size_t i = 0; command_table[i] != NULL; i++)
        print_options_of(command_table[i]);
    printf("    esac\n}\n\n_sealring_kind() { # COMMAND OPTION: the kind of its value, nothing for a flag\n"
           "    case $1:$2 in\n");
    for (size_t i = 0; command_table[i] != NULL; i++)
        print_kinds_of(command_table[i]);
    print_kinds_of(NULL);
    printf("    esac\n}\n\n_sealring_argument() { # COMMAND PLACE: the kind of this argument\n    case $1:$2 in\n");
    for (size_t i = 0; command_table[i] != NULL; i++)
        print_arguments_of(command_table[i]);
    printf("    esac\n}\n\n");
    fputs(tail, stdout);
}
