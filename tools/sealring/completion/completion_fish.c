/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for fish: one `complete` line for each word, option and argument. */
#include "tools/sealring/completion/completion.h"

#include <stdio.h>

static const char head[] =
    "# Completion of sealring(1) for fish, printed by `sealring help --completion fish`.\n"
    "\n"
    "# Names of the vault's rings or clients; the command asks no PKCS#11 token for them.\n"
    "function __sealring_names # ring|client\n"
    "    set -l words (commandline -opc)\n"
    "    set -l vault\n"
    "    if set -l place (contains -i -- --vault $words); and test $place -lt (count $words)\n"
    "        set vault --vault $words[(math $place + 1)]\n"
    "    end\n"
    "    sealring $argv[1] list --json $vault 2>/dev/null </dev/null | string replace -rf '^ *\"name\": \"([^\"]*)\".*' '$1'\n"
    "end\n"
    "\n"
    "# The command line before the cursor, without options and their values.\n"
    "function __sealring_words\n"
    "    set -l value no\n"
    "    for word in (commandline -opc)[2..-1]\n"
    "        if test $value = yes\n"
    "            set value no\n"
    "        else if string match -q -- '-*' $word\n"
    "            if contains -- $word $__sealring_valued\n"
    "                set value yes\n"
    "            end\n"
    "        else\n"
    "            echo $word\n"
    "        end\n"
    "    end\n"
    "end\n"
    "\n"
    "function __sealring_in # WORD...: whether the command line begins with them\n"
    "    set -l words (__sealring_words)\n"
    "    set -l wanted (count $argv)\n"
    "    test (count $words) -ge $wanted; or return 1\n"
    "    test $wanted -eq 0; or test \"$words[1..$wanted]\" = \"$argv\"\n"
    "end\n"
    "\n"
    "function __sealring_at # PLACE WORD...: whether this number of arguments follows the words\n"
    "    __sealring_in $argv[2..-1]; and test (count (__sealring_words)) -eq (math (count $argv) - 1 + $argv[1])\n"
    "end\n"
    "\n"
    "complete -c sealring -f\n";

/* In single quotes fish knows two escapes: \\ and \'. */
static void quote(const char *text)
{
    putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static const char *candidates(enum completion_kind kind)
{
    switch (kind) {
    case COMPLETION_DIRECTORY:
        return " -x -a '(__fish_complete_directories)'";
    case COMPLETION_FILE:
        return " -r -F";
    case COMPLETION_SHELL:
        return " -x -a 'bash fish zsh'";
    case COMPLETION_RING:
        return " -x -a '(__sealring_names ring)'";
    case COMPLETION_CLIENT:
        return " -x -a '(__sealring_names client)'";
    case COMPLETION_NOTHING:
    case COMPLETION_COMMAND:
    case COMPLETION_VERB:
        break;
    }
    return " -x";
}

static void print_valued_of(const struct option *option)
{
    for (; option->name != NULL; option++)
        if (option->value != NULL)
            printf(" --%s", option->name);
}

/* Every option that takes a value. A name never is a flag for one command and something else for another. */
static void print_valued(void)
{
    printf("\nset -g __sealring_valued");
    for (size_t i = 0; command_table[i] != NULL; i++)
        print_valued_of(command_table[i]->options);
    print_valued_of(command_option(NULL, 0));
    printf("\n");
}

/* What a line is offered for: a shell function with its arguments. */
struct fish_place {
    const char *condition;
    const char *words;
};

static void print_place(const struct fish_place *place)
{
    printf("complete -c sealring -n '%s%s%s'", place->condition, place->words[0] != '\0' ? " " : "", place->words);
}

static void print_word(const char *word, const struct command *command, void *context)
{
    print_place(context);
    printf(" -a %s", word);
    if (command != NULL) {
        printf(" -d ");
        quote(command->purpose);
    }
    printf("\n");
}

static void print_second_words(const char *word, const struct command *command, void *context)
{
    char words[80];
    struct fish_place place = {.condition = "__sealring_at 0", .words = words};
    (void)context;
    if (command != NULL)
        return;
    snprintf(words, sizeof words, "%s", word);
    completion_second_words(word, print_word, &place);
    snprintf(words, sizeof words, "help %s", word);
    completion_second_words(word, print_word, &place);
}

static void print_option(const struct fish_place *place, const struct command *command, const struct option *option)
{
    print_place(place);
    printf(" -l %s%s -d ", option->name,
           option->value != NULL ? candidates(completion_kind(command, option->value)) : "");
    quote(option->help);
    printf("\n");
}

static void print_options(const struct fish_place *place, const struct command *command)
{
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i)) != NULL; i++)
        print_option(place, command, option);
}

static void print_command(const struct command *command)
{
    struct fish_place place = {.condition = "__sealring_in", .words = command->words};
    int number = 0;
    printf("\n");
    print_options(&place, command);
    for (const struct argument *a = command->arguments; a->name != NULL; a++, number++) {
        enum completion_kind kind = completion_kind(command, a->name);
        if (kind == COMPLETION_RING || kind == COMPLETION_CLIENT)
            printf("complete -c sealring -n '__sealring_at %d %s' -a '(__sealring_names %s)'\n", number, command->words,
                   kind == COMPLETION_RING ? "ring" : "client");
    }
}

void completion_fish(void)
{
    static const struct option version = {"version", NULL, "print the version", OPTION_FLAG};
    struct fish_place beginning = {.condition = "__sealring_at 0", .words = ""};
    struct fish_place help = {.condition = "__sealring_at 0", .words = "help"};
    fputs(head, stdout);
    print_valued();
    printf("\n");
    completion_first_words(print_word, &beginning);
    completion_first_words(print_word, &help);
    completion_first_words(print_second_words, NULL);
    print_options(&beginning, NULL);
    print_option(&beginning, NULL, &version);
    for (size_t i = 0; command_table[i] != NULL; i++)
        print_command(command_table[i]);
}
