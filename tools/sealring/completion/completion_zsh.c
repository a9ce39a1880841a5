/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for zsh: one call of _arguments for each command. */
#include "tools/sealring/completion/completion.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
    "#compdef sealring\n"
    "# Completion of sealring(1) for zsh, printed by `sealring help --completion zsh`.\n"
    "\n"
    "# Names of the vault's rings or clients; the command asks no PKCS#11 token for them.\n"
    "_sealring_names() { # ring|client\n"
    "    local -a names\n"
    "    local given=${opt_args[--vault]:-$vault}\n"
    "    names=(${(f)\"$(sealring $1 list --json ${given:+--vault} ${(Q)given} 2>/dev/null </dev/null |\n"
    "        sed -n 's/^ *\"name\": \"\\([^\"]*\\)\".*/\\1/p')\"})\n"
    "    compadd -a names\n"
    "}\n"
    "\n";

static const char tail[] =
    "_sealring() {\n"
    "    local curcontext=$curcontext state line vault\n"
    "    typeset -A opt_args\n"
    "    _arguments -C $_sealring_common '--version[print the version]' '1:command:_sealring_first' '*:: :->rest'\n"
    "    vault=$opt_args[--vault]\n"
    "    [[ $state == rest ]] && _sealring_rest\n"
    "}\n"
    "\n"
    "_sealring \"$@\"\n";

/* In single quotes, where zsh knows no escape; text in brackets has ] and \ escaped for _arguments. */
static void quote(const char *text, const char *escaped)
{
    for (; *text != '\0'; text++) {
        if (strchr(escaped, *text) != NULL)
            putchar('\\');
        if (*text == '\'')
            printf("'\\''");
        else
            putchar(*text);
    }
}

/* Without a space before it, a function would get arguments of _arguments first. */
static const char *action(enum completion_kind kind)
{
    static const char *const actions[] = {
        [COMPLETION_NOTHING] = " ",
        [COMPLETION_DIRECTORY] = "_files -/",
        [COMPLETION_FILE] = "_files",
        [COMPLETION_SHELL] = "(bash fish zsh)",
        [COMPLETION_RING] = " _sealring_names ring",
        [COMPLETION_CLIENT] = " _sealring_names client",
        [COMPLETION_COMMAND] = "_sealring_first",
        [COMPLETION_VERB] = " _sealring_second $words[CURRENT-1]",
    };
    return actions[kind];
}

static void print_options(const struct command *command)
{
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i)) != NULL; i++) {
        printf(" \\\n            '%s--%s%s[", option->kind == OPTION_LIST ? "*" : "", option->name,
               option->value != NULL ? "=" : "");
        quote(option->help, "]\\");
        printf("]");
        if (option->value != NULL) {
            printf(":");
            quote(option->value, ":\\");
            printf(":%s", action(completion_kind(command, option->value)));
        }
        printf("'");
    }
}

static void print_word(const char *word, const struct command *command, void *context)
{
    (void)context;
    printf("        '%s", word);
    if (command != NULL) {
        printf(":");
        quote(command->purpose, "\\");
    }
    printf("'\n");
}

static void print_verbs(const char *word, const struct command *command, void *context)
{
    (void)context;
    if (command != NULL)
        return;
    printf("    %s) verbs=(\n", word);
    completion_second_words(word, print_word, NULL);
    printf("        ) ;;\n");
}

static void print_noun(const char *word, const struct command *command, void *context)
{
    (void)context;
    if (command == NULL)
        printf("    %s)\n"
               "        if ((CURRENT == 2)); then\n"
               "            _sealring_second %s\n"
               "            return\n"
               "        fi\n"
               "        command=\"$words[1] $words[2]\"\n"
               "        shift words\n"
               "        ((CURRENT--)) ;;\n",
               word, word);
}

static void print_command(const struct command *command)
{
    int place = 0;
    printf("    '%s')\n        _arguments", command->words);
    print_options(command);
    for (const struct argument *a = command->arguments; a->name != NULL; a++) {
        printf(" \\\n            '%d:%s", ++place, a->optional ? ":" : "");
        quote(a->name, ":\\");
        printf(":%s'", action(completion_kind(command, a->name)));
    }
    printf(" ;;\n");
}

static void print_words(void)
{
    printf("_sealring_first() {\n    local -a commands=(\n");
    completion_first_words(print_word, NULL);
    printf("    )\n    _describe command commands\n}\n\n"
           "_sealring_second() { # NOUN\n    local -a verbs\n    case $1 in\n");
    completion_first_words(print_verbs, NULL);
    printf("    esac\n    _describe command verbs\n}\n\n");
}

void completion_zsh(void)
{
    fputs(head, stdout);
    print_words();
    printf("_sealring_rest() {\n    local command=$words[1]\n    case $command in\n");
    completion_first_words(print_noun, NULL);
    printf("    esac\n    case $command in\n");
    for (size_t i = 0; command_table[i] != NULL; i++)
        print_command(command_table[i]);
    printf("    esac\n}\n\nlocal -a _sealring_common=(");
    print_options(NULL);
    printf(")\n\n");
    fputs(tail, stdout);
}
